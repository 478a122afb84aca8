//! How fast calls go out. Layer 7: an action that EC2 has refused for its rate goes on at the rate that EC2 documents.
//!
//! Nothing is slowed down before: whoever stays below the limits, or talks to something that has none, never waits. One
//! who does is not refused again and again, and what is refused does not fall behind what came later.
//!
//! <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>, "Request token bucket sizes and refill rates"

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::call::Call;

/// After so long without a call a bucket is worth trying again.
const REST: Duration = Duration::from_secs(10);

/// The time between two calls of an action, at the rate at which its bucket fills.
fn interval(action: &str) -> Duration {
    Duration::from_millis(match action {
        "RunInstances" | "StartInstances" => 500,
        "CreateTags" | "DeleteTags" => 100,
        "CreateNatGateway" | "DeleteNatGateway" => 1000,
        "CreateVpcEndpoint" | "ModifyVpcEndpoint" | "DeleteVpcEndpoints" => 3334,
        _ => 200,
    })
}

/// The longest time that EC2 wants between two calls like one of these.
pub fn slowest(calls: &[Call]) -> Duration {
    calls.iter().map(|call| interval(&call.action)).max().unwrap_or_default()
}

/// The pace of an account in a region, shared by all that call it.
#[derive(Debug, Default)]
pub struct Pace {
    /// Actions that were refused for their rate, and when the next call of each may go out.
    lanes: Mutex<BTreeMap<String, Instant>>,
}

impl Pace {
    /// Waits until it is this call's turn.
    pub async fn turn(&self, action: &str) {
        let at = {
            let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let Some(next) = lanes.get_mut(action) else { return };
            if now.saturating_duration_since(*next) > REST {
                lanes.remove(action);
                return;
            }
            let at = now.max(*next);
            *next = at + interval(action);
            at
        };
        tokio::time::sleep_until(at).await;
    }

    /// A call was refused for its rate.
    pub fn refused(&self, action: &str) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let soonest = Instant::now() + interval(action);
        let next = lanes.entry(action.to_owned()).or_insert(soonest);
        *next = soonest.max(*next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_refused_goes_on_at_its_rate_and_nothing_else_waits() {
        let (pace, started) = (Pace::default(), Instant::now());
        pace.turn("RunInstances").await;
        pace.refused("RunInstances");
        pace.turn("CreateVpc").await;
        assert_eq!(started.elapsed(), Duration::ZERO);
        for _ in 0..4 {
            pace.turn("RunInstances").await;
        }
        assert_eq!(started.elapsed().as_millis() / 10, 200);
        tokio::time::sleep(REST * 2).await;
        let rested = Instant::now();
        pace.turn("RunInstances").await;
        pace.turn("RunInstances").await;
        assert_eq!(rested.elapsed(), Duration::ZERO);
    }
}
