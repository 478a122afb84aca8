//! `--refresh-only`: what was changed without secnet, and how the state takes it in.

use secnet::call::{Driver, Request};
use serde_json::json;

use super::cli::Project;

async fn by_another(project: &Project, action: &str, params: serde_json::Value) {
    project.sandbox().send(&Request::new(action, params)).await.unwrap();
}

fn server() -> Project {
    Project::of(
        "project p { }
vpc main { cidr_block = 10.0.0.0/16  tags = { Team = \"net\" } }
subnet app { vpc = vpc.main  cidr_block = 10.0.1.0/24 }
subnet spare { vpc = vpc.main  cidr_block = 10.0.2.0/24 }
security_group web {
  vpc = vpc.main
  ingress tcp/443 from 203.0.113.0/24  \"office\"
  ingress tcp/22 from 203.0.113.0/24
}
policy closed { forbid tcp/22 from internet to subnet.app }
",
    )
}

#[tokio::test]
async fn drift_is_shown_and_taken_into_the_state_without_a_change_in_ec2() {
    let project = server();
    project.run("apply --sandbox --yes").exits(0);
    project.run("plan --sandbox --refresh-only --detailed-exitcode").exits(0).says("No drift: EC2 holds what the state says.");
    let ids = project.ids();
    let id = |address: &str| {
        let all = ids.as_array().unwrap();
        all.iter().find(|r| r["address"] == address).unwrap()["id"].as_str().unwrap().to_owned()
    };
    by_another(&project, "DeleteSubnet", json!({"SubnetId": id("subnet.spare")})).await;
    by_another(&project, "CreateTags", json!({"Resources": [id("vpc.main")], "Tags": [{"Key": "Team", "Value": "ops"}]})).await;
    let open = json!({"SubnetId": id("subnet.app"), "MapPublicIpOnLaunch": {"Value": true}});
    by_another(&project, "ModifySubnetAttribute", open).await;
    let gone = json!({"GroupId": id("security_group.web"), "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "203.0.113.0/24"}]}]});
    by_another(&project, "RevokeSecurityGroupIngress", gone).await;
    let added = json!({"GroupId": id("security_group.web"), "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]});
    by_another(&project, "AuthorizeSecurityGroupIngress", added).await;
    let stands = project.sandbox().send(&Request::new("DescribeSecurityGroups", json!({}))).await.unwrap();

    let shown = project.run("plan --sandbox --refresh-only --detailed-exitcode").exits(2);
    let shown = shown.says("! subnet.spare is gone").says("tags.Team: \"net\" -> \"ops\"").says("map_public_ip_on_launch: false -> true");
    let shown = shown.says("- ingress tcp/22 from 203.0.113.0/24").says("security_group.web holds what somebody else has put there");
    shown.says("Drift: 3 changed, 1 gone. Taking it into the state changes nothing in EC2.");
    let json = project.run("plan --sandbox --refresh-only --json").exits(0).json();
    assert_eq!((&json["plan"]["update"], &json["plan"]["tasks"]), (&json!(3), &json!(0)));

    // Nobody has agreed.
    project.run("apply --sandbox --refresh-only").exits(2);
    let applied = project.run("apply --sandbox --refresh-only --yes").exits(0);
    applied.says("the state is brought up to date").says("0 of them changed something");
    assert_eq!(project.sandbox().send(&Request::new("DescribeSecurityGroups", json!({}))).await.unwrap(), stands);
    project.run("plan --sandbox --refresh-only --detailed-exitcode").exits(0).says("No drift");
    project.run("state show subnet.app --sandbox").exits(0).says("map_public_ip_on_launch").says("true");

    // The project wants it otherwise, as before.
    let plan = project.run("plan --sandbox --detailed-exitcode").exits(2);
    let plan = plan.says("+ create subnet.spare").says("true -> false").says("+ ingress tcp/22").says("\"ops\" -> \"net\"");
    plan.says("(foreign: not in the project; will be revoked)");
    project.run("apply --sandbox --yes").exits(0);
    project.run("plan --sandbox --detailed-exitcode").exits(0);
}

#[test]
fn it_goes_with_nothing_that_says_otherwise() {
    let project = server();
    for others in ["--refresh=false", "--destroy", "--out p.plan", "--check-permissions"] {
        project.run(&format!("plan --sandbox --refresh-only {others}")).exits(2).says("cannot be used with");
    }
    project.run("plan --sandbox --out p.plan").exits(0);
    let file = project.path().join("p.plan");
    project.run(&format!("apply {} --refresh-only --yes", file.display())).exits(1).says("does nothing of it");
}
