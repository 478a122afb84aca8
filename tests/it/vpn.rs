//! VPN connections in a proof: what a gateway learns by one is not known until it was read, by the program itself.

use std::fs;

use crate::cli::Project;

const POLICY: &str = "policy alone { forbid all from subnet.app to 192.168.0.0/16 }\n";

/// Applies a project without its policy, which need not hold yet.
fn apply(project: &Project, text: &str) {
    fs::write(project.path().join("main.secnet"), text).unwrap();
    project.run("apply --sandbox --yes").exits(0);
}

/// What a plan of a project says of the policy.
fn plan(project: &Project, text: &str) -> String {
    fs::write(project.path().join("main.secnet"), format!("{text}{POLICY}")).unwrap();
    project.run("plan --sandbox").out
}

fn is_proven(out: &str) -> bool {
    assert!(out.contains("statements proven") || out.contains("UNKNOWN"), "{out}");
    !out.contains("UNKNOWN") && out.contains("1 of 1 statements proven")
}

#[test]
fn what_a_vpn_gateway_learns_by_a_connection_is_unknown_until_it_was_read() {
    let network = "project p { region = \"us-east-1\" }
vpc main { cidr_block = 10.0.0.0/16 }
subnet app { vpc = vpc.main  cidr_block = 10.0.1.0/24 }
vpn_gateway v { vpc = vpc.main }
route_table app { vpc = vpc.main  subnets = [subnet.app]  propagating_vpn_gateways = [vpn_gateway.v] }
customer_gateway a { ip_address = 198.51.100.9 }
customer_gateway b { ip_address = 198.51.100.10 }
";
    let by = |customer: &str, more: &str| {
        format!("{network}vpn_connection c {{\n customer_gateway = customer_gateway.{customer}\n vpn_gateway = vpn_gateway.v\n{more}\n}}\n")
    };
    let project = Project::of(network);
    apply(&project, network);
    assert!(is_proven(&plan(&project, network)), "EC2 has told that it has learnt nothing");
    let first = plan(&project, &by("a", ""));
    assert!(!is_proven(&first), "{first}");
    apply(&project, &by("a", ""));
    assert!(is_proven(&plan(&project, &by("a", ""))), "EC2 has told again");
    // Another device teaches something else, and so does none.
    assert!(!is_proven(&plan(&project, &by("b", ""))));
    assert!(!is_proven(&plan(&project, network)));
    // What a static route promises comes as soon as a tunnel is up, though no table has it yet.
    let fixed = by("a", " static_routes_only = true\n route 192.168.0.0/16");
    assert!(!is_proven(&plan(&project, &fixed)));
    apply(&project, &fixed);
    let standing = plan(&project, &fixed);
    assert!(!is_proven(&standing) && standing.contains("Nothing to do"), "{standing}");
}

#[test]
fn what_a_transit_gateway_learns_by_a_connection_is_unknown_until_it_was_read() {
    let network = "project p { region = \"us-east-1\" }
vpc main { cidr_block = 10.0.0.0/16 }
subnet app { vpc = vpc.main  cidr_block = 10.0.1.0/24  availability_zone = \"us-east-1a\" }
transit_gateway hub { }
transit_gateway_vpc_attachment main { transit_gateway = transit_gateway.hub  vpc = vpc.main  subnets = [subnet.app] }
route_table app { vpc = vpc.main  subnets = [subnet.app]  route 192.168.0.0/16 via transit_gateway.hub }
customer_gateway a { ip_address = 198.51.100.9 }
customer_gateway b { ip_address = 198.51.100.10 }
";
    let with = |customer: &str, table: &str| {
        format!(
            "{network}vpn_connection c {{ customer_gateway = customer_gateway.{customer}  transit_gateway = transit_gateway.hub }}
transit_gateway_route_table t {{
  transit_gateway = transit_gateway.hub
  associations    = [transit_gateway_vpc_attachment.main]
  {table}
}}\n"
        )
    };
    let dropped = "vpn_propagations = [vpn_connection.c]\n  blackhole 0.0.0.0/0";
    let project = Project::of(network);
    // What it will teach may be more specific than any route that is written.
    assert!(!is_proven(&plan(&project, &with("a", dropped))));
    assert!(is_proven(&plan(&project, &with("a", "blackhole 0.0.0.0/0"))), "a table that learns nothing from it");
    apply(&project, &with("a", dropped));
    let standing = plan(&project, &with("a", dropped));
    assert!(is_proven(&standing) && standing.contains("Nothing to do"), "{standing}");
    assert!(!is_proven(&plan(&project, &with("b", dropped))), "another device teaches something else");
    // What is written leads there, whoever has taught what.
    let through = plan(&project, &with("a", "route 192.168.0.0/16 via vpn_connection.c"));
    assert!(through.contains("REFUTED"), "{through}");
}
