//! Launch templates, and what else a launch can name: placement groups, reserved ranges.

use super::*;

impl Ec2 {
    fn image_id(&self) -> String {
        self.get("Images.0.ImageId", "DescribeImages", json!({"Filters": [{"Name": "architecture", "Values": ["x86_64"]}]}))
    }

    fn template(&self, data: Json) -> String {
        self.get(
            "LaunchTemplate.LaunchTemplateId",
            "CreateLaunchTemplate",
            json!({"LaunchTemplateName": "one", "LaunchTemplateData": data}),
        )
    }
}

#[test]
fn a_version_is_based_on_another_or_on_nothing() {
    let ec2 = ec2();
    let lt = ec2.template(json!({"ImageId": "ami-1", "InstanceType": "t3.micro"}));
    let taken = json!({"LaunchTemplateName": "one", "LaunchTemplateData": {"ImageId": "ami-1"}});
    ec2.refuses("InvalidLaunchTemplateName.AlreadyExistsException", "CreateLaunchTemplate", taken);
    let bad = json!({"LaunchTemplateName": "no blanks", "LaunchTemplateData": {"ImageId": "ami-1"}});
    ec2.refuses("InvalidLaunchTemplateName.MalformedException", "CreateLaunchTemplate", bad);
    let version = |more: Json| {
        let mut params = json!({"LaunchTemplateId": lt, "LaunchTemplateData": {"InstanceType": "t3.small"}});
        params.as_object_mut().into_iter().for_each(|map| map.extend(more.as_object().cloned().unwrap_or_default()));
        params
    };
    let made = |more: Json| ec2.ok("CreateLaunchTemplateVersion", version(more))["LaunchTemplateVersion"].clone();
    let (bare, based) = (made(json!({})), made(json!({"SourceVersion": "1"})));
    assert_eq!((&bare["VersionNumber"], &bare["LaunchTemplateData"]), (&json!(2), &json!({"InstanceType": "t3.small"})));
    assert_eq!(based["LaunchTemplateData"], json!({"ImageId": "ami-1", "InstanceType": "t3.small"}));
    ec2.refuses("InvalidLaunchTemplateId.VersionNotFound", "CreateLaunchTemplateVersion", version(json!({"SourceVersion": "9"})));
    let default = |number: &str| json!({"LaunchTemplateId": lt, "DefaultVersion": number});
    ec2.refuses("InvalidLaunchTemplateId.VersionNotFound", "ModifyLaunchTemplate", default("9"));
    ec2.ok("ModifyLaunchTemplate", default("3"));
    let all = ec2.ok("DescribeLaunchTemplateVersions", json!({"Versions": ["$Default"]}));
    assert_eq!(all["LaunchTemplateVersions"][0]["VersionNumber"], json!(3));
    ec2.refuses("InvalidParameterValue", "DescribeLaunchTemplateVersions", json!({"Versions": ["3"]}));
    let answer = ec2.ok("DeleteLaunchTemplateVersions", json!({"LaunchTemplateId": lt, "Versions": ["1", "3", "7"]}));
    assert_eq!(answer["SuccessfullyDeletedLaunchTemplateVersions"][0]["VersionNumber"], json!(1));
    let kept = &answer["UnsuccessfullyDeletedLaunchTemplateVersions"];
    assert_eq!((&kept[0]["VersionNumber"], &kept[1]["VersionNumber"]), (&json!(3), &json!(7)));
    ec2.ok("DeleteLaunchTemplate", json!({"LaunchTemplateName": "one"}));
    ec2.refuses("InvalidLaunchTemplateId.NotFound", "DescribeLaunchTemplates", json!({"LaunchTemplateIds": [lt]}));
}

#[test]
fn what_a_launch_does_not_say_its_template_says() {
    let ec2 = ec2();
    let image = ec2.image_id();
    let metadata = json!({"HttpTokens": "required", "HttpPutResponseHopLimit": 1});
    let lt = ec2.template(json!({"ImageId": image, "InstanceType": "t3.micro", "MetadataOptions": metadata,
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "from the template"}]}]}));
    let run = |more: Json| {
        let mut params = json!({"LaunchTemplate": {"LaunchTemplateId": lt}, "MinCount": 1, "MaxCount": 1});
        params.as_object_mut().into_iter().for_each(|map| map.extend(more.as_object().cloned().unwrap_or_default()));
        params
    };
    let started = ec2.ok("RunInstances", run(json!({"InstanceType": "t3.small", "MetadataOptions": {"HttpPutResponseHopLimit": 2}})));
    let instance = &started["Instances"][0];
    assert_eq!((&instance["ImageId"], &instance["InstanceType"]), (&json!(image), &json!("t3.small")));
    let options = &instance["MetadataOptions"];
    assert_eq!((&options["HttpTokens"], &options["HttpPutResponseHopLimit"]), (&json!("required"), &json!(2)));
    let tags: Vec<_> = instance["Tags"].as_array().unwrap().iter().map(|tag| (text(tag, "Key"), text(tag, "Value"))).collect();
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let told = [tag("Name", "from the template"), tag("aws:ec2launchtemplate:id", &lt), tag("aws:ec2launchtemplate:version", "1")];
    assert_eq!(tags, told);
    let version = json!({"LaunchTemplate": {"LaunchTemplateId": lt, "Version": "2"}});
    ec2.refuses("InvalidLaunchTemplateId.VersionNotFound", "RunInstances", run(version));
}

#[test]
fn a_placement_group_is_there_before_it_is_named_and_while_it_is_used() {
    let ec2 = ec2();
    let run =
        json!({"ImageId": ec2.image_id(), "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1, "Placement": {"GroupName": "near"}});
    ec2.refuses("InvalidPlacementGroup.Unknown", "RunInstances", run.clone());
    let group = json!({"GroupName": "near", "Strategy": "cluster"});
    ec2.ok("CreatePlacementGroup", group.clone());
    ec2.refuses("InvalidPlacementGroup.Duplicate", "CreatePlacementGroup", group);
    let parted = json!({"GroupName": "far", "Strategy": "spread", "PartitionCount": 2});
    ec2.refuses("InvalidParameterCombination", "CreatePlacementGroup", parted);
    let instance = ec2.get("Instances.0.InstanceId", "RunInstances", run);
    ec2.refuses("InvalidPlacementGroup.InUse", "DeletePlacementGroup", json!({"GroupName": "near"}));
    ec2.ok("TerminateInstances", json!({"InstanceIds": [instance]}));
    ec2.ok("DeletePlacementGroup", json!({"GroupName": "near"}));
    ec2.refuses("InvalidPlacementGroup.Unknown", "DescribePlacementGroups", json!({"GroupNames": ["near"]}));
}

#[test]
fn aws_chooses_no_address_of_a_reserved_range() {
    let ec2 = ec2();
    let vpc = ec2.vpc();
    let subnet = ec2.get("Subnet.SubnetId", "CreateSubnet", json!({"VpcId": vpc, "CidrBlock": "10.0.1.0/28"}));
    let reserve = |cidr: &str| json!({"SubnetId": subnet, "Cidr": cidr, "ReservationType": "explicit"});
    ec2.refuses("InvalidParameterValue", "CreateSubnetCidrReservation", reserve("10.0.2.0/28"));
    let id = ec2.get("SubnetCidrReservation.SubnetCidrReservationId", "CreateSubnetCidrReservation", reserve("10.0.1.8/29"));
    ec2.refuses("InvalidCidr.InUse", "CreateSubnetCidrReservation", reserve("10.0.1.12/30"));
    let card = |more: Json| {
        let mut params = json!({"SubnetId": subnet});
        params.as_object_mut().into_iter().for_each(|map| map.extend(more.as_object().cloned().unwrap_or_default()));
        params
    };
    // 10.0.1.4 to 10.0.1.7 are free.
    (0..4).for_each(|_| drop(ec2.ok("CreateNetworkInterface", card(json!({})))));
    ec2.refuses("InsufficientFreeAddressesInSubnet", "CreateNetworkInterface", card(json!({})));
    ec2.ok("CreateNetworkInterface", card(json!({"PrivateIpAddress": "10.0.1.9"})));
    let listed = ec2.ok("GetSubnetCidrReservations", json!({"SubnetId": subnet}));
    assert_eq!(listed["SubnetIpv4CidrReservations"][0]["SubnetCidrReservationId"], json!(id));
    ec2.ok("DeleteSubnetCidrReservation", json!({"SubnetCidrReservationId": id}));
    ec2.ok("CreateNetworkInterface", card(json!({})));
}
