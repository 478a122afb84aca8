use super::*;
use crate::resources::sample::{complaints, list, net, network, reference, resource};

fn instance(more: &[(&str, Value)]) -> Resource {
    let both = [("image", Value::text("ami-1")), ("instance_type", Value::text("t3.micro"))];
    resource("instance.web", &[&both, more].concat())
}

fn in_subnet() -> [(&'static str, Value); 2] {
    [("subnet", reference("subnet.app")), ("security_groups", list([reference("security_group.web")]))]
}

fn listed() -> Json {
    json!({
        "InstanceId": "i-1", "ImageId": "ami-1", "InstanceType": "t3.micro", "KeyName": "ssh", "SubnetId": "subnet-1", "VpcId": "vpc-1",
        "State": {"Code": 16, "Name": "running"}, "PrivateIpAddress": "10.0.1.10", "PublicIpAddress": "198.51.100.7",
        "Placement": {"AvailabilityZone": "us-east-1a"}, "SecurityGroups": [{"GroupId": "sg-1", "GroupName": "web"}],
        "SourceDestCheck": true, "RootDeviceName": "/dev/xvda",
        "IamInstanceProfile": {"Arn": "arn:aws:iam::1:instance-profile/teams/web", "Id": "AIPA"},
        "MetadataOptions": {"State": "applied", "HttpTokens": "required", "HttpPutResponseHopLimit": 1, "HttpEndpoint": "enabled"},
        "NetworkInterfaces": [
            {"NetworkInterfaceId": "eni-2", "Attachment": {"DeviceIndex": 1, "DeleteOnTermination": false}},
            {"NetworkInterfaceId": "eni-1", "Attachment": {"DeviceIndex": 0, "DeleteOnTermination": true}},
        ],
    })
}

#[test]
fn what_ec2_lists_is_what_was_asked() {
    let record = Instance::observe(&listed()).expect("it stands").record;
    let asked = instance(&[("iam_instance_profile", Value::text("web"))]).record;
    for name in ["image", "instance_type", "iam_instance_profile", "http_tokens", "http_put_response_hop_limit", "http_endpoint"] {
        assert_eq!(record.get(name), asked.get(name), "{name}");
    }
    assert_eq!(record["security_groups"], list([Value::text("sg-1")]));
    assert_eq!((&record["network_interface_id"], record.get("network_interface")), (&Value::text("eni-1"), None));
    assert_eq!((&record["state"], &record["public_ip_address"]), (&Value::text("running"), &net("198.51.100.7")));
}

#[test]
fn one_that_was_terminated_is_gone() {
    let mut item = listed();
    item["State"]["Name"] = json!("terminated");
    assert_eq!(Instance::observe(&item), None);
}

#[test]
fn an_interface_of_the_project_keeps_its_own_settings() {
    let mut item = listed();
    item["NetworkInterfaces"][1]["Attachment"]["DeleteOnTermination"] = json!(false);
    let record = Instance::observe(&item).expect("it stands").record;
    assert_eq!(record["network_interface"], Value::text("eni-1"));
    assert!(!record.contains_key("security_groups") && !record.contains_key("source_dest_check"));
}

#[test]
fn it_starts_hardened_tagged_and_with_its_volume_encrypted() {
    let device = ("root_device_name", Value::text("/dev/xvda"));
    let wanted = instance(&[&in_subnet()[..], &[device, ("key_pair", reference("key_pair.ssh"))]].concat());
    let calls = Instance::decode(&wanted.record).expect("it fits").create(&wanted.address);
    let [run] = &calls[..] else { panic!("one call, not {calls:?}") };
    assert_eq!(run.tagged, ["instance", "volume", "network-interface"]);
    let known = |value: Json| Arg::Known(value);
    let metadata = [("HttpEndpoint", "enabled".into()), ("HttpPutResponseHopLimit", known(json!(1))), ("HttpTokens", "required".into())];
    assert_eq!(run.params["MetadataOptions"], Arg::map(metadata));
    let Arg::List(volumes) = &run.params["BlockDeviceMappings"] else { panic!("a list") };
    let Arg::Map(volume) = &volumes[0] else { panic!("a map") };
    let Arg::Map(ebs) = &volume["Ebs"] else { panic!("a map") };
    assert_eq!((&volume["DeviceName"], &ebs["Encrypted"]), (&Arg::text("/dev/xvda"), &known(json!(true))));
    assert_eq!(run.params["KeyName"], Arg::Of(Address::new("key_pair", "ssh"), "key_name".into()));
}

#[test]
fn without_the_name_of_its_root_device_it_does_not_start() {
    let wanted = instance(&in_subnet());
    let calls = Instance::decode(&wanted.record).expect("it fits").create(&wanted.address);
    let Arg::List(volumes) = &calls[0].params["BlockDeviceMappings"] else { panic!("a list") };
    let Arg::Map(volume) = &volumes[0] else { panic!("a map") };
    assert_eq!(volume["DeviceName"], Arg::Of(wanted.address, "root_device_name".into()));
}

#[test]
fn it_stands_in_a_subnet_with_groups_or_on_an_interface() {
    assert_eq!(complaints(&network([instance(&in_subnet())])), [""; 0]);
    assert_eq!(complaints(&network([instance(&[])])), ["E0309 `instance.web` has no `subnet`"]);
    assert_eq!(complaints(&network([instance(&in_subnet()[..1])])), ["E0309 `instance.web` has no `security_groups`"]);
    let interface = ("network_interface", reference("network_interface.a"));
    assert_eq!(complaints(&network([instance(std::slice::from_ref(&interface))])), [""; 0]);
    let both = instance(&[interface.clone(), ("subnet", reference("subnet.app"))]);
    assert_eq!(complaints(&network([both])), ["E0309 `subnet` belongs to the interface that the instance stands on"]);
    let check = instance(&[interface, ("source_dest_check", Value::Bool(false))]);
    assert_eq!(complaints(&network([check])), ["E0309 `source_dest_check` belongs to the interface that the instance stands on"]);
}

#[test]
fn what_ec2_tells_of_one_alone_is_what_was_written() {
    let deep = |attr: &str| Instance::DEEP.iter().find(|deep| deep.attr == attr).expect("there is one");
    let told = |attr, answer: Json| (deep(attr).told)(&answer);
    assert_eq!((deep("user_data").read)("i-1").params, json!({"InstanceId": "i-1", "Attribute": "userData"}));
    let written = told("user_data", json!({"InstanceId": "i-1", "UserData": {"Value": base64::encode(b"#!/bin/sh\n")}}));
    assert_eq!(written, Some(Value::text("#!/bin/sh\n")));
    assert_eq!(told("user_data", json!({"InstanceId": "i-1", "UserData": {}})), None);
    assert_eq!(told("disable_api_stop", json!({"DisableApiStop": {"Value": true}})), Some(Value::Bool(true)));
    let behavior = json!({"InstanceInitiatedShutdownBehavior": {"Value": "stop"}});
    assert_eq!(told("instance_initiated_shutdown_behavior", behavior), Some(Value::text("stop")));
}

#[test]
fn nothing_else_is_said_about_a_metadata_service_that_is_off() {
    let mut item = listed();
    item["MetadataOptions"] = json!({"HttpTokens": "optional", "HttpEndpoint": "disabled", "HttpPutResponseHopLimit": 2});
    let record = Instance::observe(&item).expect("it stands").record;
    assert!(!record.contains_key("http_tokens") && record["http_endpoint"] == Value::text("disabled"));
    assert_eq!(metadata(&Value::text("disabled"), &Value::text("required"), &Value::Int(1)).len(), 1);
}

#[test]
fn a_type_tells_its_architecture() {
    let all = |types: &str, word: &str| types.split(' ').for_each(|one| assert_eq!(architecture(one), word, "{one}"));
    all("t4g.micro m7g.large c6gn.xlarge x2gd.medium im4gn.large is4gen.medium a1.medium g5g.xlarge r8gd.large", "arm64");
    all("t3.micro g4dn.xlarge g5.xlarge g6e.large gr6.4xlarge m7i-flex.large c6in.large u-6tb1.metal p4de.24xlarge", "x86_64");
}

#[test]
fn burstable_ones_alone_are_asked_for_their_credits() {
    let item = |kind: &str| json!({"InstanceType": kind, "State": {"Name": "running"}});
    let mut items = std::collections::BTreeMap::from([("i-1".to_owned(), item("t3.micro")), ("i-2".to_owned(), item("m5.large"))]);
    let requests = (credits::ASIDE.read)(&items);
    assert_eq!(requests.iter().map(|r| r.params.clone()).collect::<Vec<_>>(), [json!({"InstanceIds": ["i-1"]})]);
    (credits::ASIDE.merge)(&mut items, &json!({"InstanceCreditSpecifications": [{"InstanceId": "i-1", "CpuCredits": "standard"}]}));
    assert_eq!((&items["i-1"]["CpuCredits"], &items["i-2"]["CpuCredits"]), (&json!("standard"), &Json::Null));
}

#[test]
fn credits_go_back_to_what_the_family_has() {
    let said = |kind: &str, more: &[(&str, Value)]| {
        let all = [&[("instance_type", Value::text(kind))], more].concat();
        let calls = credits::change(&Address::new("instance", "web"), &resource("instance.web", &all).record);
        let Some(Arg::List(wanted)) = calls.first().map(|call| call.params["InstanceCreditSpecifications"].clone()) else { return None };
        let Arg::Map(first) = &wanted[0] else { panic!("a map") };
        Some(first["CpuCredits"].clone())
    };
    assert_eq!(said("t3.micro", &[("cpu_credits", Value::text("standard"))]), Some(Arg::text("standard")));
    assert_eq!((said("t3.micro", &[]), said("t2.micro", &[])), (Some(Arg::text("unlimited")), Some(Arg::text("standard"))));
    assert_eq!(said("m5.large", &[]), None);
    let wrong = instance(&[&in_subnet()[..], &[("cpu_credits", Value::text("standard")), ("instance_type", Value::text("m5.large"))]].concat());
    assert_eq!(complaints(&network([wrong])), ["E0321 `m5.large` earns no CPU credits"]);
}
