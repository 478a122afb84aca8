//! What EC2 does, asked through the front door.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::base::base64;

mod edges;
mod instances;
mod laws;
mod networks;
mod peerings;
mod templates;
mod transit_peerings;
mod volumes;
mod wire;

/// A region, and what a test asks of it.
struct Ec2(Sim);

fn ec2() -> Ec2 {
    Ec2(Sim::new("eu-central-1"))
}

impl Ec2 {
    /// An answer, in EC2's own shape.
    fn ok(&self, action: &str, params: Json) -> Json {
        let answer = match self.0.call(&Request::new(action, params.clone())) {
            Ok(answer) => answer,
            Err(error) => panic!("{action} {params}: {error}"),
        };
        let strangers = shapes::strangers(action, &answer);
        assert!(strangers.is_empty(), "{action} answers what EC2 does not: {strangers:?}");
        answer
    }

    /// The text at a path of an answer: `Vpc.VpcId`.
    fn get(&self, path: &str, action: &str, params: Json) -> String {
        text(&self.ok(action, params), path)
    }

    /// The code of a refusal, which must have changed nothing.
    fn refuses(&self, code: &str, action: &str, params: Json) {
        let picture = |ticks: u64| {
            let mut world = self.0.world(|w| w.clone());
            world.advance(ticks);
            world.calls.clear();
            world.uncounted()
        };
        let before = picture(1);
        match self.0.call(&Request::new(action, params.clone())) {
            Ok(answer) => panic!("{action} {params} is accepted, and should be refused with {code}: {answer}"),
            Err(error) => assert_eq!(error.code, code, "{action} {params}: {error}"),
        }
        assert!(before == picture(0), "{action} {params} is refused, and changed something");
    }

    fn vpc(&self) -> String {
        self.get("Vpc.VpcId", "CreateVpc", json!({"CidrBlock": "10.0.0.0/16"}))
    }

    fn subnet(&self, vpc: &str, cidr: &str) -> String {
        self.get("Subnet.SubnetId", "CreateSubnet", json!({"VpcId": vpc, "CidrBlock": cidr, "AvailabilityZone": "eu-central-1a"}))
    }

    fn group(&self, vpc: &str, name: &str) -> String {
        self.get("GroupId", "CreateSecurityGroup", json!({"GroupName": name, "Description": "d", "VpcId": vpc}))
    }

    fn gateway(&self, vpc: &str) -> String {
        let id = self.get("InternetGateway.InternetGatewayId", "CreateInternetGateway", json!({}));
        self.ok("AttachInternetGateway", json!({"InternetGatewayId": id, "VpcId": vpc}));
        id
    }

    fn table(&self, vpc: &str) -> String {
        self.get("RouteTable.RouteTableId", "CreateRouteTable", json!({"VpcId": vpc}))
    }

    fn image(&self) -> String {
        let filters = json!([{"Name": "name", "Values": ["al2023-ami-2023.*-x86_64"]}]);
        self.get("Images.0.ImageId", "DescribeImages", json!({"Owners": ["amazon"], "Filters": filters}))
    }

    fn run(&self, subnet: &str) -> String {
        self.get("Instances.0.InstanceId", "RunInstances", self.launch(subnet, json!({})))
    }

    fn launch(&self, subnet: &str, more: Json) -> Json {
        let mut params = json!({"ImageId": self.image(), "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1, "SubnetId": subnet});
        if let (Some(map), Some(more)) = (params.as_object_mut(), more.as_object()) {
            map.extend(more.clone());
            map.retain(|_, value| !value.is_null());
        }
        params
    }

    fn instance_state(&self, id: &str) -> String {
        self.get("Reservations.0.Instances.0.State.Name", "DescribeInstances", json!({"InstanceIds": [id]}))
    }

    fn wait(&self, ticks: u64) {
        self.0.world(|w| w.advance(ticks));
    }

    fn route_state(&self, table: &str, to: &str) -> String {
        let answer = self.ok("DescribeRouteTables", json!({"RouteTableIds": [table]}));
        let routes = at(&answer, "RouteTables.0.Routes").as_array().cloned().unwrap_or_default();
        routes.iter().find(|r| r.get("DestinationCidrBlock") == Some(&json!(to))).map_or(String::new(), |r| text(r, "State"))
    }
}

fn at<'a>(value: &'a Json, path: &str) -> &'a Json {
    path.split('.').fold(value, |value, step| match step.parse::<usize>() {
        Ok(index) => value.get(index).unwrap_or(&Json::Null),
        Err(_) => value.get(step).unwrap_or(&Json::Null),
    })
}

fn text(value: &Json, path: &str) -> String {
    match at(value, path) {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn count(value: &Json, path: &str) -> usize {
    at(value, path).as_array().map_or(0, Vec::len)
}

fn filter(name: &str, value: &str) -> Json {
    json!([{"Name": name, "Values": [value]}])
}
