//! How fast one may ask: a token bucket for each action. Layer 8: in tokio's time, which a test can stop and turn.
//!
//! <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>, "Request token bucket sizes and refill rates"

use std::collections::BTreeMap;

use tokio::time::Instant;

use crate::{
    call::{ApiError, Request, mutates},
    sim::refuse::refuse,
};

/// What an action's bucket holds at most, and what comes back each second.
type Size = (f64, f64);

/// Actions with buckets of their own size.
const SIZES: &[(&[&str], Size)] = &[
    (&["RunInstances", "StartInstances"], (5.0, 2.0)),
    (&["TerminateInstances"], (100.0, 5.0)),
    (&["CreateTags", "DeleteTags"], (100.0, 10.0)),
    (&["CreateNetworkInterface", "DeleteNetworkInterface", "ModifyNetworkInterfaceAttribute"], (100.0, 5.0)),
    (&["CreateNatGateway", "DeleteNatGateway"], (10.0, 1.0)),
    (&["CreateVpcEndpoint", "ModifyVpcEndpoint", "DeleteVpcEndpoints"], (4.0, 0.3)),
    (&["CreateDefaultVpc", "CreateDefaultSubnet"], (1.0, 1.0)),
];

/// Lists that cost more where they are asked for whole.
const HEAVY: [&str; 5] =
    ["DescribeInstances", "DescribeInstanceStatus", "DescribeNetworkInterfaces", "DescribeSecurityGroups", "DescribeVolumes"];

/// Instances that may be started: a second bucket, of things instead of requests.
const INSTANCES: Size = (1000.0, 2.0);

fn size(request: &Request) -> Size {
    let action = request.action.as_str();
    if let Some((_, size)) = SIZES.iter().find(|(actions, _)| actions.contains(&action)) {
        return *size;
    }
    let whole = ["Filters", "MaxResults", "NextToken"].iter().all(|name| request.params.get(name).is_none());
    match mutates(action) {
        true => (50.0, 5.0),
        false if whole && HEAVY.contains(&action) => (50.0, 10.0),
        false => (100.0, 20.0),
    }
}

/// The buckets of an account in a region. One that was not used yet is full.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    levels: BTreeMap<String, (f64, Instant)>,
}

impl Buckets {
    /// Takes what a request costs; a request that is refused costs nothing.
    pub(crate) fn take(&mut self, request: &Request) -> Result<(), ApiError> {
        let now = Instant::now();
        let mut costs = vec![(request.action.clone(), size(request), 1.0)];
        if request.action == "RunInstances" {
            let many = request.params.get("MaxCount").and_then(serde_json::Value::as_f64).unwrap_or(1.0);
            costs.push(("instances of RunInstances".into(), INSTANCES, many));
        }
        let level = |levels: &BTreeMap<String, (f64, Instant)>, name: &str, (most, refill): Size| {
            levels.get(name).map_or(most, |(level, at)| (level + now.duration_since(*at).as_secs_f64() * refill).min(most))
        };
        // A hair below: seconds that were added up are not exact.
        if costs.iter().any(|(name, size, cost)| level(&self.levels, name, *size) < cost - 1e-6) {
            return Err(refuse("RequestLimitExceeded", "Request limit exceeded."));
        }
        for (name, size, cost) in costs {
            let left = level(&self.levels, &name, size) - cost;
            self.levels.insert(name, (left, now));
        }
        Ok(())
    }
}
