//! Instances that are launched from templates, the project's and others': what the template gives is in the plan and in the proof.

use secnet::{call::Request, prove::policy::Outcome};
use serde_json::json;

use crate::play::{Play, project, shown};

const NETWORK: &str = "vpc main { cidr_block = 10.0.0.0/16 }
    internet_gateway main { vpc = vpc.main }
    subnet a { vpc = vpc.main  cidr_block = 10.0.1.0/24 }
    route_table a { vpc = vpc.main  subnets = [subnet.a]
      route anywhere via internet_gateway.main }
    security_group open { vpc = vpc.main
      ingress tcp/22 from anywhere
      egress all to anywhere }
    security_group shut { vpc = vpc.main }
    policy p \"no SSH\" { forbid tcp/22 from internet to instance.i }
";

/// An instance of another project's template, in a group that lets nothing in.
fn theirs(more: &str) -> String {
    project(&format!(
        "{NETWORK}existing launch_template t {{ launch_template_name = \"theirs\" }}
         instance i {{ launch_template = launch_template.t  image = ami(\"al2023\")  instance_type = \"t3.micro\"
           subnet = subnet.a  security_groups = [security_group.shut]  {more} }}"
    ))
}

async fn outcome(play: &Play, source: &str) -> Outcome {
    play.plan(source).await.proof.policies[0].outcome
}

fn ask(play: &Play, action: &str, params: serde_json::Value) {
    play.sim.call(&Request::new(action, params)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_template_gives_is_proved() {
    let play = Play::new();
    let of = |groups: &str, public: &str| {
        project(&format!(
            "{NETWORK}launch_template t {{ image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.a
               security_groups = [security_group.{groups}]  associate_public_ip_address = {public} }}
             instance i {{ launch_template = launch_template.t }}"
        ))
    };
    assert_eq!(outcome(&play, &of("open", "true")).await, Outcome::Refuted);
    assert_eq!(outcome(&play, &of("open", "false")).await, Outcome::Proven);
    play.apply(&of("shut", "true")).await;
    // What changes in the template changes in the instance, and is proved before.
    let plan = play.plan(&of("open", "true")).await;
    assert!(shown(&plan).contains("~ instance.i\n    security_groups: [security_group.shut] -> [security_group.open]"), "{}", shown(&plan));
    assert_eq!(plan.proof.policies[0].outcome, Outcome::Refuted);
    let change = plan.changes.iter().find(|c| c.address.as_str() == "instance.i").unwrap();
    let template = plan.changes.iter().find(|c| c.address.as_str() == "launch_template.t").unwrap();
    assert!(change.attributes[0].place.is_some(), "the plan says which line");
    assert_eq!(change.attributes[0].place, template.attributes[0].place, "it is the template's");
}

#[tokio::test(start_paused = true)]
async fn what_an_existing_template_may_give_is_unknown() {
    let play = Play::new();
    let public = json!([{"DeviceIndex": 0, "AssociatePublicIpAddress": true}]);
    let two = json!([{"DeviceIndex": 0}, {"DeviceIndex": 1}]);
    ask(&play, "CreateLaunchTemplate", json!({"LaunchTemplateName": "theirs", "LaunchTemplateData": {"Monitoring": {"Enabled": true}}}));
    for interfaces in [public, two] {
        let data = json!({"LaunchTemplateName": "theirs", "LaunchTemplateData": {"NetworkInterfaces": interfaces}});
        ask(&play, "CreateLaunchTemplateVersion", data);
    }
    let default = |n: &str| ask(&play, "ModifyLaunchTemplate", json!({"LaunchTemplateName": "theirs", "DefaultVersion": n}));
    assert_eq!(outcome(&play, &theirs("")).await, Outcome::Proven);
    assert_eq!(outcome(&play, &theirs("launch_template_version = 1")).await, Outcome::Proven);
    assert_eq!(outcome(&play, &theirs("launch_template_version = 2")).await, Outcome::Unknown, "nobody has read it");
    default("2");
    assert_eq!(outcome(&play, &theirs("")).await, Outcome::Unknown, "it may give a public address");
    assert_eq!(outcome(&play, &theirs("associate_public_ip_address = false")).await, Outcome::Proven);
    default("3");
    assert_eq!(outcome(&play, &theirs("associate_public_ip_address = false")).await, Outcome::Unknown, "it gives two interfaces");
}

#[tokio::test(start_paused = true)]
async fn another_version_of_an_existing_template_is_another_machine() {
    let play = Play::new();
    for action in ["CreateLaunchTemplate", "CreateLaunchTemplateVersion"] {
        let monitored = action == "CreateLaunchTemplate";
        ask(&play, action, json!({"LaunchTemplateName": "theirs", "LaunchTemplateData": {"Monitoring": {"Enabled": monitored}}}));
    }
    play.apply(&theirs("")).await;
    let request = play.sim.log().into_iter().find(|r| r.action == "RunInstances").unwrap();
    assert_eq!(request.params["LaunchTemplate"]["Version"], "$Default");
    assert_eq!(request.params["MetadataOptions"]["HttpTokens"], "required", "what somebody else's template says weakens nothing");
    assert!(play.plan(&theirs("launch_template_version = 1")).await.changes.is_empty());
    let plan = play.plan(&theirs("launch_template_version = 2")).await;
    assert_eq!(shown(&plan), "-/+ instance.i\n    launch_template_version: 1 -> 2");
    play.apply(&theirs("launch_template_version = 2")).await;
}

#[tokio::test(start_paused = true)]
async fn a_template_that_is_not_there_is_refused() {
    let play = Play::new();
    let run = |template: serde_json::Value| {
        let params = json!({"ImageId": "ami-06848dfcc41da85dd", "MinCount": 1, "MaxCount": 1, "LaunchTemplate": template});
        play.sim.call(&Request::new("RunInstances", params)).unwrap_err().code
    };
    ask(&play, "CreateLaunchTemplate", json!({"LaunchTemplateName": "theirs", "LaunchTemplateData": {"InstanceType": "t3.micro"}}));
    assert_eq!(run(json!({"LaunchTemplateId": "lt-0123456789abcdef0"})), "InvalidLaunchTemplateId.NotFound");
    assert_eq!(run(json!({"LaunchTemplateName": "nobody's"})), "InvalidLaunchTemplateName.NotFoundException");
    assert_eq!(run(json!({"LaunchTemplateName": "theirs", "Version": "7"})), "InvalidLaunchTemplateId.VersionNotFound");
}
