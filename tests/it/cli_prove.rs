//! `prove`, `trace` and `inspect` as people and machines see them: the program itself is run.

use std::{fs, path::Path, process::Command};

use serde_json::Value;
use tempfile::TempDir;

const TOUR: &str = include_str!("../../examples/secure_server/main.secnet");

/// The default VPC as AWS makes it, with an instance that somebody started without a thought.
const DEFAULT_VPC: &str = r#"{
  "Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "172.31.0.0/16", "IsDefault": true}],
  "Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "172.31.0.0/20", "AvailabilityZone": "us-east-1a"}],
  "InternetGateways": [{"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1", "State": "available"}]}],
  "RouteTables": [{"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": [{"Main": true}], "Routes": [
    {"DestinationCidrBlock": "172.31.0.0/16", "GatewayId": "local", "State": "active"},
    {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"}]}],
  "NetworkAcls": [{"NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": true, "Associations": [{"SubnetId": "subnet-1"}], "Entries": [
    {"RuleNumber": 100, "Protocol": "-1", "RuleAction": "allow", "Egress": false, "CidrBlock": "0.0.0.0/0"},
    {"RuleNumber": 100, "Protocol": "-1", "RuleAction": "allow", "Egress": true, "CidrBlock": "0.0.0.0/0"}]}],
  "SecurityGroups": [{"GroupId": "sg-1", "GroupName": "default", "VpcId": "vpc-1",
    "IpPermissions": [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-1"}]} MORE],
    "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}],
  "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "SubnetId": "subnet-1", "PrivateIpAddress": "172.31.0.9",
    "PrivateIpAddresses": [{"PrivateIpAddress": "172.31.0.9", "Association": {"PublicIp": "198.51.100.9"}}],
    "Groups": [{"GroupId": "sg-1"}], "Attachment": {"InstanceId": "i-1", "Status": "attached"}}],
  "Reservations": [{"Instances": [{"InstanceId": "i-1", "State": {"Name": "running"}}]}]
}"#;

struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Run {
    #[track_caller]
    fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn says(self, text: &str) -> Self {
        assert!(self.out.contains(text) || self.err.contains(text), "`{text}` is not in:\n{}{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e} in {}{}", self.out, self.err))
    }
}

fn secnet(directory: &Path, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secnet"));
    for (key, _) in std::env::vars_os() {
        let name = key.to_string_lossy();
        if name.starts_with("SECNET_") || name.starts_with("AWS_") {
            command.env_remove(&key);
        }
    }
    let output = command.args(arguments).current_dir(directory).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Run { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn run(files: &[(&str, &str)], line: &str) -> Run {
    secnet(folder(files).path(), &line.split(' ').collect::<Vec<_>>())
}

const OPEN: &str = "  ingress tcp/5432 from anywhere\n";

fn opened() -> String {
    TOUR.replace("  egress  all    to   anywhere\n", &format!("  egress  all    to   anywhere\n{OPEN}"))
}

#[test]
fn a_proof_ends_with_0_and_names_what_it_rests_on() {
    let done = run(&[("main.secnet", TOUR)], "prove").exits(0).says("3 of 3 statements proven").says("assuming that nothing outside");
    assert!(done.err.is_empty(), "{}", done.err);
    let json = run(&[("main.secnet", TOUR)], "prove --json").exits(0).json();
    assert_eq!((json["proven"].as_u64(), json["policies"].as_array().map(Vec::len)), (Some(3), Some(3)));
    assert!(json["policies"][2]["assumptions"][0].as_str().is_some_and(|a| a.contains("Global Accelerator")));
}

#[test]
fn a_refutation_ends_with_1_and_shows_the_packet_its_way_and_the_lines() {
    let text = opened();
    run(&[("main.secnet", &text)], "prove")
        .exits(1)
        .says("2 of 3 statements proven")
        .says("REFUTED  forbid all from internet to instance.server except tcp/22 from maintainers")
        .says("the internet reaches instance.server with tcp/5432")
        .says("instance.server's public address:5432")
        .says("and back:")
        .says("lets it pass")
        .says("ingress tcp/5432 from anywhere");
    let json = run(&[("main.secnet", &text)], "prove --json").exits(1).json();
    let one = &json["policies"][2];
    assert_eq!(one["verdict"], "refuted");
    assert_eq!(one["flows"][0]["services"][0], "tcp/5432");
    let codes: Vec<&str> = json["diagnostics"].as_array().unwrap().iter().filter_map(|d| d["code"].as_str()).collect();
    assert_eq!(codes, ["E0811", "W0828", "W0829"]);
}

#[test]
fn a_missing_rule_comes_with_the_edit_that_adds_it() {
    let text = TOUR.replace("  ingress tcp/22 from maintainers   \"maintainers\"\n", "");
    let json = run(&[("main.secnet", &text)], "prove --json").exits(1).json();
    let fix = &json["diagnostics"][0]["fix"];
    let (start, end) = (fix["start"]["byte"].as_u64().unwrap() as usize, fix["end"]["byte"].as_u64().unwrap() as usize);
    let mut mended = text.clone();
    mended.replace_range(start..end, fix["replacement"].as_str().unwrap());
    run(&[("main.secnet", &mended)], "prove").exits(0);
    assert!(mended.contains("ingress tcp/22 from 203.0.113.0/28\n"), "{mended}");
}

/// A member that SARIF 2.1.0 asks for.
#[track_caller]
fn member<'j>(json: &'j Value, path: &str) -> &'j Value {
    let found = json.pointer(path);
    found.unwrap_or_else(|| panic!("{path} is not in {json:#}"))
}

#[test]
fn sarif_has_what_the_standard_asks_for() {
    let text = opened().replace("  ingress tcp/22 from maintainers   \"maintainers\"\n", "");
    let log = run(&[("main.secnet", &text)], "prove --format sarif").exits(1).json();
    assert_eq!(member(&log, "/version"), "2.1.0");
    assert!(member(&log, "/$schema").as_str().is_some_and(|s| s.ends_with("sarif-schema-2.1.0.json")));
    assert_eq!(member(&log, "/runs/0/tool/driver/name"), "secnet");
    let rules = member(&log, "/runs/0/tool/driver/rules").as_array().unwrap().clone();
    let results = member(&log, "/runs/0/results").as_array().unwrap();
    assert!(results.len() >= 3, "{results:#?}");
    for result in results {
        let index = member(result, "/ruleIndex").as_u64().unwrap() as usize;
        assert_eq!(member(&rules[index], "/id"), member(result, "/ruleId"));
        assert!(["error", "warning", "note", "none"].contains(&member(result, "/level").as_str().unwrap()));
        assert!(!member(result, "/message/text").as_str().unwrap().is_empty());
        let place = member(result, "/locations/0/physicalLocation");
        assert_eq!(member(place, "/artifactLocation/uri"), "main.secnet");
        let at = |name: &str| member(place, &format!("/region/{name}")).as_u64().unwrap();
        assert!(at("startLine") >= 1 && at("startColumn") >= 1 && (at("endLine"), at("endColumn")) >= (at("startLine"), at("startColumn")));
        for fix in result.get("fixes").and_then(Value::as_array).unwrap_or(&vec![]) {
            assert!(member(fix, "/artifactChanges/0/artifactLocation/uri").is_string());
            assert!(member(fix, "/artifactChanges/0/replacements/0/deletedRegion/startLine").is_u64());
            assert!(member(fix, "/artifactChanges/0/replacements/0/insertedContent/text").is_string());
        }
    }
    assert!(results.iter().any(|r| r.get("fixes").is_some()));
    assert_eq!(member(&run(&[("main.secnet", TOUR)], "prove --format sarif").exits(0).json(), "/runs/0/results"), &Value::Array(vec![]));
    let broken = run(&[("main.secnet", "vpc main { cidr_block = 10.0.0.0/99 }")], "prove --format sarif").exits(1).json();
    assert_eq!(member(&broken, "/runs/0/results/0/level"), "error");
}

#[test]
fn a_trace_says_which_way_or_what_stops_it() {
    let tour = [("main.secnet", TOUR)];
    run(&tour, "trace me instance.server tcp/22 --me 203.0.113.9")
        .exits(0)
        .says("passes")
        .says("security_group.ssh: ingress tcp/22 from 203.0.113.0/28");
    run(&tour, "trace me instance.server tcp/22 --me 192.0.2.9")
        .exits(1)
        .says("is stopped")
        .says("add `ingress tcp/22 from 192.0.2.9/32` to `security_group.ssh`")
        .says("ENI_SG_RULES_MISMATCH")
        .says("SUBNET_ACL_RESTRICTION");
    run(&tour, "trace me instance.server tcp/22").exits(2).says("--me");
    run(&tour, "trace me instance.nobody tcp/22 --me 192.0.2.9").exits(2).says("E0805");
    run(&tour, "trace instance.server internet tcp/443").exits(0);
    run(&tour, "trace internet instance.server tpc/22").exits(2).says("no service");
    let json = run(&tour, "trace me instance.server tcp/22 --me 192.0.2.9 --json").exits(1).json();
    assert_eq!(json["traces"][0]["verdict"], "unreachable");
    assert_eq!(json["traces"][0]["blockers"].as_array().map(Vec::len), Some(2));
}

#[test]
fn why_can_i_not_get_into_my_instance_in_the_default_vpc() {
    let closed = DEFAULT_VPC.replace("MORE", "");
    run(&[("describe.json", &closed)], "trace me i-1 tcp/22 --me 203.0.113.9 --snapshot describe.json")
        .exits(1)
        .says("`sg-1` has no rule that lets it pass [ENI_SG_RULES_MISMATCH]")
        .says("it lets in all from sg-1")
        .says("add `ingress tcp/22 from 203.0.113.9/32` to `sg-1`");
    let open =
        DEFAULT_VPC.replace("MORE", r#", {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "203.0.113.9/32"}]}"#);
    run(&[("describe.json", &open)], "trace me i-1 tcp/22 --me 203.0.113.9 --snapshot describe.json").exits(0).says("passes");
    run(&[("describe.json", &open)], "inspect i-1 --snapshot describe.json")
        .exits(0)
        .says("172.31.0.9, public 198.51.100.9")
        .says("ingress tcp/22 from 203.0.113.9/32")
        .says("reached by");
    let json = run(&[("describe.json", &open)], "inspect i-1 --snapshot describe.json --json").exits(0).json();
    let kinds: Vec<&str> = json["interfaces"][0]["layers"].as_array().unwrap().iter().filter_map(|l| l["kind"].as_str()).collect();
    assert_eq!(kinds, ["vpc", "internet gateway", "route table", "network ACL", "subnet", "security group", "interface"]);
    let reached = &json["interfaces"][0]["reached_by"][0];
    assert_eq!((reached["service"].as_str(), reached["networks"][0].as_str()), (Some("tcp/22"), Some("203.0.113.9/32")));
    run(&[("describe.json", &open)], "inspect i-2 --snapshot describe.json").exits(2).says("E0808");
}

#[test]
fn expectations_are_held_against_a_snapshot() {
    let net = DEFAULT_VPC.replace("MORE", "");
    let case = |members: &str| format!(r#"{{"expectations": [{{"id": "a", "from": {{"internet": "203.0.113.9"}}, {members}}}]}}"#);
    let hold = |expect: &str| run(&[("d.json", &net), ("e.json", expect)], "trace --snapshot d.json --expect e.json --json");
    let ssh = r#""to": {"ip": "198.51.100.9"}, "proto": "tcp", "dport": 22"#;
    let json = hold(&case(&format!(r#"{ssh}, "expect": "unreachable""#))).exits(0).json();
    assert_eq!(
        (&json[0]["id"], &json[0]["verdict"], &json[0]["code"]),
        (&"a".into(), &"unreachable".into(), &"ENI_SG_RULES_MISMATCH".into())
    );
    assert!(json[0]["reason"].as_str().is_some_and(|r| r.contains("sg-1")));
    hold(&case(&format!(r#"{ssh}, "expect": "reachable""#))).exits(1);
    for unknown in [
        r#""to": {"ip": "198.51.100.9"}, "proto": "tcp", "dport": 22, "requires": ["nlb"], "expect": "unknown""#,
        r#""to": {"planet": "mars"}, "proto": "tcp", "dport": 22, "expect": "unknown""#,
        r#""to": {"ip": "198.51.100.9"}, "proto": "smoke", "expect": "unknown""#,
        r#""to": {"ip": "198.51.100.9"}, "proto": "tcp", "dport": 70000, "expect": "unknown""#,
    ] {
        let json = hold(&case(unknown)).exits(0).json();
        assert_eq!(json[0]["verdict"], "unknown", "{unknown}");
    }
    assert!(
        hold(&case(r#""to": {"ip": "198.51.100.9"}, "proto": "tcp", "requires": "nlb", "expect": "reachable""#))
            .exits(1)
            .out
            .contains("nlb")
    );
    for (text, code) in
        [("{\"expectations\": [", "E0803"), ("[1]", "E0803"), ("{}", "E0803"), ("{\"expectations\": [{\"id\": \"a\"}]}", "E0803")]
    {
        assert!(hold(text).exits(1).out.contains(code), "{text}");
    }
    let cut = run(&[("d.json", &net[..200]), ("e.json", "[]")], "trace --snapshot d.json --expect e.json").exits(1);
    cut.says("E0801");
    run(&[("d.json", "{}"), ("e.json", "[]")], "trace --snapshot d.json --expect e.json").exits(1).says("E0802");
    run(&[("e.json", "[]")], "trace --snapshot d.json --expect e.json").exits(3);
}

#[test]
fn what_is_attached_to_the_tour_is_shown_layer_by_layer() {
    run(&[("main.secnet", TOUR)], "inspect instance.server")
        .exits(0)
        .says("network_acl.public")
        .says("route 10.0.0.0/16 via local   (by AWS itself)")
        .says("one of 10.0.1.0/24, which AWS will choose, public, which AWS will choose")
        .says("reached by")
        .says("the internet with tcp/22 (203.0.113.0/28)");
}

#[test]
fn a_trace_says_which_part_passes() {
    let trace = |from: &str, to: &str, service: &str| {
        run(&[("main.secnet", TOUR)], &format!("trace {from} {to} {service} --json")).json()["traces"][0].clone()
    };
    let part = |trace: &Value| trace["part"].as_array().unwrap().iter().map(|p| p.as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let one = trace("internet", "instance.server", "tcp/22");
    assert_eq!((one["verdict"].as_str(), part(&one)), (Some("reachable"), vec!["tcp/22 from 203.0.113.0/28".to_owned()]));
    assert_eq!(part(&trace("203.0.113.0/28", "instance.server", "tcp/22")), Vec::<String>::new(), "all of it passes");
    assert_eq!(part(&trace("203.0.113.0/28", "instance.server", "all")), ["tcp/22 from 203.0.113.0/28"]);
    assert_eq!(part(&trace("instance.server", "internet", "tcp/443")), Vec::<String>::new(), "all of it passes");
    // UDP gets out, but the ACL lets only answers over TCP back in.
    assert_eq!(part(&trace("instance.server", "internet", "all")), ["tcp", "icmp that asks for no answer"]);
}

/// EC2 has not yet chosen the gateway's address, and whatever stands for it is nobody else's.
#[test]
fn a_nat_gateway_stands_beside_a_machine_with_the_first_address() {
    let project = crate::cli::Project::of(
        r#"project p { region = "us-east-1" }
vpc main { cidr_block = 10.0.0.0/16 }
internet_gateway main { vpc = vpc.main }
subnet public { vpc = vpc.main  cidr_block = 10.0.0.0/24  map_public_ip_on_launch = true }
subnet app { vpc = vpc.main  cidr_block = 10.0.1.0/24 }
elastic_ip nat { }
nat_gateway main { subnet = subnet.public  elastic_ip = elastic_ip.nat }
route_table public { vpc = vpc.main  subnets = [subnet.public]  route anywhere via internet_gateway.main }
route_table app { vpc = vpc.main  subnets = [subnet.app]  route anywhere via nat_gateway.main }
security_group out {
  vpc = vpc.main
  egress tcp/443 to anywhere
}
instance edge {
  image              = ami("al2023")
  instance_type      = "t3.micro"
  subnet             = subnet.public
  private_ip_address = 10.0.0.4
  security_groups    = [security_group.out]
}
instance app {
  image           = ami("al2023")
  instance_type   = "t3.micro"
  subnet          = subnet.app
  security_groups = [security_group.out]
}
policy updates {
  require tcp/443 from instance.app  to internet
  require tcp/443 from instance.edge to internet
}
"#,
    );
    project.run("prove").exits(0).says("2 of 2 statements proven");
}
