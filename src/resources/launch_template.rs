//! A launch template: CreateLaunchTemplate, and a version for each change.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplateVersion.html>

use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;

use crate::{
    base::{address::Address, diagnostic::Sink},
    call::{Arg, Call, Json, Request},
    declared,
    registry::{Listing, Observed, ResourceType, Update},
    resource,
    resources::{
        instance::{Endpoint, Shutdown, Tenancy, Tokens, Volume, metadata},
        key_pair::KeyPair,
        placement,
        read::{Reader, at, list, text},
        security_group::SecurityGroup,
        subnet::Subnet,
    },
    schema::{
        attr::{Image, Kind, Ref, Set, Val, Word},
        model::Model,
        value::{Record, Value},
    },
};

resource! {
    /// What instances are launched from: by an Auto Scaling group, a fleet, or by hand.
    ///
    /// It is no machine, and lets nothing pass by itself: what others launch from it is seen once it stands. Each change makes a
    /// new version and the default one of it; older versions stay, and so do the instances that others launched from them. An
    /// `instance` of the project with `launch_template` follows its template. What is not written is not in it. As in an instance, the metadata service wants session tokens (IMDSv2) and the root volume
    /// is encrypted, unless something else is written.
    LaunchTemplate = "launch_template" {
        /// What is booted: an image's id, or `ami("al2023")` for the newest of a family.
        image: Val<Image>, InPlace;
        /// The size, such as `t3.micro`.
        instance_type: Val<Arc<str>>, InPlace;
        /// Its name in EC2, unique in the region; made from the resource's name where it is not written.
        launch_template_name: Option<Val<Arc<str>>>, Replace;
        /// The subnet, where whoever launches from it does not say which.
        subnet: Option<Ref<Subnet>>, InPlace;
        /// The groups whose rules hold for what is launched. EC2 would take the VPC's default group if none were named, so
        /// they must be.
        security_groups: Set<Ref<SecurityGroup>>, InPlace;
        /// Whether what is launched gets a public address; what its subnet says where this is not written. With this or
        /// `subnet` the groups belong to the interface, and whoever launches from the template names no others.
        associate_public_ip_address: Option<Val<bool>>, InPlace;
        /// The key that is put on what is launched. EC2 tells the key's name alone, so this is not read back.
        key_pair: Option<Ref<KeyPair>>, InPlace;
        /// What runs at the first start. Whoever may describe launch templates reads it there. Not read back, as it is not of
        /// an instance.
        user_data: Option<Val<Arc<str>>>, InPlace;
        /// The name of the IAM instance profile that gives what is launched its role.
        iam_instance_profile: Option<Val<Arc<str>>>, InPlace;
        /// Whether the metadata service wants session tokens: `"required"` is IMDSv2 alone.
        http_tokens: Val<Word<Tokens>> = Value::text("required"), InPlace;
        /// How many hops an answer of the metadata service may travel: 1 keeps it from containers, which need 2.
        http_put_response_hop_limit: Val<i64> = Value::Int(1), InPlace;
        /// Whether there is a metadata service.
        http_endpoint: Val<Word<Endpoint>> = Value::text("enabled"), InPlace;
        /// The size of the root volume in GiB; that of the image where it is not written.
        root_volume_size: Option<Val<i64>>, InPlace;
        /// The type of the root volume; that of the image where it is not written.
        root_volume_type: Option<Val<Word<Volume>>>, InPlace;
        /// Whether the root volume is encrypted, with the account's default key.
        root_volume_encrypted: Val<bool> = Value::Bool(true), InPlace;
        /// Whether there is bandwidth of its own to the volumes; as the type has it where it is not written.
        ebs_optimized: Option<Val<bool>>, InPlace;
        /// Whether CloudWatch is told every minute instead of every five, which costs.
        monitoring: Option<Val<bool>>, InPlace;
        /// What a shutdown from within does: `"stop"`, as EC2 has it where nothing is written, or `"terminate"`.
        instance_initiated_shutdown_behavior: Option<Val<Word<Shutdown>>>, InPlace;
        /// Whether other accounts use the same hardware: with `"default"` they do, with `"dedicated"` they do not.
        tenancy: Option<Val<Word<Tenancy>>>, InPlace;
        /// The number of the version that holds where nobody names another.
        default_version_number: Option<Val<i64>>, Computed;
        /// The number of the version that was made last.
        latest_version_number: Option<Val<i64>>, Computed;
        /// `true` where it says something of several interfaces, or where what it says was not told.
        several_network_interfaces: Option<Val<bool>>, Computed;
        /// The name under which the image knows its root volume.
        root_device_name: Option<Val<Arc<str>>>, Computed;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

/// What it says of the instances that are launched from it: each change makes a new version.
pub(super) const SAYS: &[&str] = &[
            "image",
            "instance_type",
            "subnet",
            "security_groups",
            "associate_public_ip_address",
            "key_pair",
            "user_data",
            "iam_instance_profile",
            "http_tokens",
            "http_put_response_hop_limit",
            "http_endpoint",
            "root_volume_size",
            "root_volume_type",
            "root_volume_encrypted",
            "ebs_optimized",
            "monitoring",
            "instance_initiated_shutdown_behavior",
            "tenancy",
];

impl ResourceType for LaunchTemplate {
    declared!();

    const EXAMPLE: &'static str = r#"launch_template worker {
  image                = ami("al2023")
  instance_type        = "t3.micro"
  security_groups      = [security_group.db]
  root_volume_size     = 20
  user_data            = <<~EOF
    #!/bin/sh
    echo "one of many"
  EOF
}

# What an Auto Scaling group is told.
output template = launch_template.worker.id
"#;

    const ID_PREFIX: &'static str = "lt-";
    const UNSEEN: bool = true;
    const UNTOLD: &'static [&'static str] = &["key_pair", "user_data"];
    const EXACT: bool = true;
    const RUNS_ON: Option<&'static str> = Some("instance_type");
    const LOOSE: bool = true;
    const ONCE: &'static [(&'static str, &'static [&'static str])] = &[("", &["launch_template_name"])];
    const TAG_TYPE: Option<&'static str> = Some("launch-template");
    const CREATED_ID: &'static [&'static str] = &["LaunchTemplate", "LaunchTemplateId"];
    const ONE_AT_A_TIME: bool = true;
    // EC2 has no filter for ids of templates.
    const LISTING: Listing = Listing {
        more: default_versions,
        merge: merge_versions,
        ..Listing::new("DescribeLaunchTemplates", &["LaunchTemplates"], "LaunchTemplateId", "", Some(200))
    };
    const UPDATES: &'static [Update] = &[Update {
        attrs: SAYS,
        after_create: |_| false,
        calls: new_version,
    }];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        for template in placement::managed(model, Self::KIND) {
            placement::some_group(template, sink);
            placement::groups_of_same_vpc(template, model, sink);
        }
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        let generated = Arg::Concat(vec![Arg::text(format!("{}-", at.name())), Arg::OperationId(8)]);
        let name = self.launch_template_name.as_ref().map_or(generated, Val::arg);
        let params = [("LaunchTemplateName", name), ("LaunchTemplateData", self.data(at))];
        vec![Call::new("CreateLaunchTemplate", params).tagged("launch-template").with_token()]
    }

    fn created(answer: &Json) -> Option<(String, Record)> {
        let template = answer.get("LaunchTemplate")?;
        let observed = Self::observe(template)?;
        let known = ["launch_template_name", "default_version_number", "latest_version_number"];
        Some((observed.id, observed.record.into_iter().filter(|(name, _)| known.contains(&&**name)).collect()))
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        vec![Call::new("DeleteLaunchTemplate", [("LaunchTemplateId", Arg::id(at))])]
    }

    fn observe(item: &Json) -> Option<Observed> {
        let data = item.get(DATA).unwrap_or(&Json::Null);
        let interface = list(data, &["NetworkInterfaces"]).first().unwrap_or(&Json::Null);
        let volume = list(data, &["BlockDeviceMappings"]).first().unwrap_or(&Json::Null);
        let words = |path: &[&str]| text(data, path).map(Value::text);
        let profile = text(data, &["IamInstanceProfile", "Name"])
            .or_else(|| text(data, &["IamInstanceProfile", "Arn"]).and_then(|arn| arn.rsplit('/').next()));
        let flag = |of: &Json, path: &[&str]| at(of, path).and_then(Json::as_bool).map(Value::Bool);
        let several = item.get(DATA).is_none_or(|data| list(data, &["NetworkInterfaces"]).len() > 1);
        let mut reader = Reader::new(item)
            .text("launch_template_name", &["LaunchTemplateName"])
            .int("default_version_number", &["DefaultVersionNumber"])
            .int("latest_version_number", &["LatestVersionNumber"])
            .value("several_network_interfaces", several.then_some(Value::Bool(true)))
            .value("image", words(&["ImageId"]))
            .value("instance_type", words(&["InstanceType"]))
            .value("subnet", text(interface, &["SubnetId"]).map(Value::text))
            .value("security_groups", groups(data, interface))
            .value("associate_public_ip_address", flag(interface, &["AssociatePublicIpAddress"]))
            .value("iam_instance_profile", profile.map(Value::text))
            .value("http_endpoint", words(&["MetadataOptions", "HttpEndpoint"]))
            .value("root_volume_size", at(volume, &["Ebs", "VolumeSize"]).and_then(Json::as_i64).map(Value::Int))
            .value("root_volume_type", text(volume, &["Ebs", "VolumeType"]).map(Value::text))
            .value("root_volume_encrypted", flag(volume, &["Ebs", "Encrypted"]))
            .value("root_device_name", text(volume, &["DeviceName"]).map(Value::text))
            .value("ebs_optimized", flag(data, &["EbsOptimized"]))
            .value("monitoring", flag(data, &["Monitoring", "Enabled"]))
            .value("instance_initiated_shutdown_behavior", words(&["InstanceInitiatedShutdownBehavior"]))
            .value("tenancy", words(&["Placement", "Tenancy"]));
        // Of a service that is switched off the rest says nothing.
        if text(data, &["MetadataOptions", "HttpEndpoint"]) != Some("disabled") {
            let hops = at(data, &["MetadataOptions", "HttpPutResponseHopLimit"]).and_then(Json::as_i64);
            // A template that does not say leaves it to the image, which may be content without tokens.
            reader = reader
                .value("http_tokens", words(&["MetadataOptions", "HttpTokens"]).or(Some(Value::Null)))
                .value("http_put_response_hop_limit", Some(hops.map_or(Value::Null, Value::Int)));
        }
        reader.done(&["LaunchTemplateId"], vec![])
    }
}

/// The groups: at the top, or of the interface. Of the two lists the SDK gives the one that is not there as an empty one.
fn groups(data: &Json, interface: &Json) -> Option<Value> {
    let lists = [at(data, &["SecurityGroupIds"]), interface.get("Groups")];
    let listed = lists.into_iter().flatten().filter_map(Json::as_array).max_by_key(|groups| !groups.is_empty())?;
    let mut ids: Vec<&str> = listed.iter().filter_map(Json::as_str).collect();
    ids.sort_unstable();
    Some(Value::List(ids.into_iter().map(Value::text).collect()))
}

/// The member that an item gets from its default version.
const DATA: &str = "LaunchTemplateData";

/// The listing tells what no version holds: one further listing does, of every template's default version.
fn default_versions(ids: &[String]) -> Vec<Request> {
    let all = json!({"Versions": ["$Default"], "MaxResults": 200});
    if ids.is_empty() { vec![] } else { vec![Request::new("DescribeLaunchTemplateVersions", all)] }
}

fn merge_versions(items: &mut BTreeMap<String, Json>, _request: &Request, answer: &Json) {
    for version in list(answer, &["LaunchTemplateVersions"]) {
        let item = text(version, &["LaunchTemplateId"]).and_then(|id| items.get_mut(id));
        if let (Some(item), Some(data)) = (item, version.get(DATA)) {
            item[DATA] = data.clone();
        }
    }
}

/// A version with all that is written, and the default is that one.
fn new_version(at: &Address, record: &Record) -> Vec<Call> {
    // A record that does not fit was refused before anything was planned.
    let Ok(template) = LaunchTemplate::decode(record) else { return vec![] };
    let version = Arg::Answer(0, ["LaunchTemplateVersion", "VersionNumber"].map(str::to_owned).to_vec());
    vec![
        Call::new("CreateLaunchTemplateVersion", [("LaunchTemplateId", Arg::id(at)), (DATA, template.data(at))]).with_token(),
        Call::new("ModifyLaunchTemplate", [("LaunchTemplateId", Arg::id(at)), ("DefaultVersion", Arg::Concat(vec![version]))]),
    ]
}

impl LaunchTemplate {
    /// What a version holds.
    fn data(&self, at: &Address) -> Arg {
        let null = || Arg::Known(Json::Null);
        let key = self.key_pair.as_ref().map_or_else(null, |key| match &key.address {
            Some(address) => Arg::Of(address.clone(), "key_name".into()),
            None => key.arg(),
        });
        let metadata = metadata(&self.http_endpoint.value, &self.http_tokens.value, &self.http_put_response_hop_limit.value);
        let groups = Arg::List(self.security_groups.0.iter().map(Ref::arg).collect());
        let (top, interfaces) = match self.subnet.is_some() || self.associate_public_ip_address.is_some() {
            true => (null(), Arg::List(vec![self.interface(groups)])),
            false => (groups, null()),
        };
        Arg::map([
            ("ImageId", self.image.arg()),
            ("InstanceType", self.instance_type.arg()),
            ("KeyName", key),
            ("UserData", self.user_data.as_ref().map_or_else(null, |data| Arg::base64(data.arg()))),
            ("IamInstanceProfile", self.iam_instance_profile.as_ref().map_or_else(null, |p| Arg::map([("Name", p.arg())]))),
            ("EbsOptimized", self.ebs_optimized.as_ref().map_or_else(null, Val::arg)),
            ("Monitoring", self.monitoring.as_ref().map_or_else(null, |on| Arg::map([("Enabled", on.arg())]))),
            ("InstanceInitiatedShutdownBehavior", self.instance_initiated_shutdown_behavior.as_ref().map_or_else(null, Val::arg)),
            ("Placement", self.tenancy.as_ref().map_or_else(null, |tenancy| Arg::map([("Tenancy", tenancy.arg())]))),
            ("MetadataOptions", Arg::map(metadata)),
            ("BlockDeviceMappings", Arg::List(vec![self.root_volume(at)])),
            ("SecurityGroupIds", top),
            ("NetworkInterfaces", interfaces),
        ])
    }

    fn interface(&self, groups: Arg) -> Arg {
        let null = || Arg::Known(Json::Null);
        Arg::map([
            ("DeviceIndex", Arg::Known(json!(0))),
            ("SubnetId", self.subnet.as_ref().map_or_else(null, Ref::arg)),
            ("Groups", groups),
            ("AssociatePublicIpAddress", self.associate_public_ip_address.as_ref().map_or_else(null, Val::arg)),
            ("DeleteOnTermination", Arg::Known(json!(true))),
        ])
    }

    /// Without the device's name, which the image tells, the call fails rather than leave the volume in the clear.
    fn root_volume(&self, at: &Address) -> Arg {
        let null = || Arg::Known(Json::Null);
        let device = self.root_device_name.as_ref().map_or_else(|| Arg::Of(at.clone(), "root_device_name".into()), Val::arg);
        let volume = [
            ("DeleteOnTermination", Arg::Known(json!(true))),
            ("Encrypted", self.root_volume_encrypted.arg()),
            ("VolumeSize", self.root_volume_size.as_ref().map_or_else(null, Val::arg)),
            ("VolumeType", self.root_volume_type.as_ref().map_or_else(null, Val::arg)),
        ];
        Arg::map([("DeviceName", device), ("Ebs", Arg::map(volume))])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        resources::sample::{complaints, list as values, network, reference, resource},
        schema::model::Resource,
    };

    fn template(more: &[(&str, Value)]) -> Resource {
        let all = [
            ("image", Value::text("ami-1")),
            ("instance_type", Value::text("t3.micro")),
            ("security_groups", values([reference("security_group.web")])),
            ("root_device_name", Value::text("/dev/xvda")),
        ];
        resource("launch_template.t", &[&all, more].concat())
    }

    fn data(of: &Resource) -> BTreeMap<String, Arg> {
        let calls = LaunchTemplate::decode(&of.record).expect("it fits").create(&of.address);
        let Some(Arg::Map(data)) = calls[0].params.get(DATA) else { panic!("no data in {calls:?}") };
        data.clone()
    }

    #[test]
    fn what_the_default_version_holds_is_what_was_asked() {
        let item = json!({
            "LaunchTemplateId": "lt-1", "LaunchTemplateName": "worker", "DefaultVersionNumber": 2, "LatestVersionNumber": 3,
            "Tags": [{"Key": "Name", "Value": "worker"}],
        });
        let mut items = BTreeMap::from([("lt-1".to_owned(), item)]);
        let version = json!({"LaunchTemplateId": "lt-1", "VersionNumber": 2, "DefaultVersion": true, "LaunchTemplateData": {
            "ImageId": "ami-1", "InstanceType": "t3.micro", "UserData": "ZWNobw==", "SecurityGroupIds": ["sg-2", "sg-1"],
            "IamInstanceProfile": {"Arn": "arn:aws:iam::1:instance-profile/teams/web"}, "Monitoring": {"Enabled": true},
            "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled", "HttpPutResponseHopLimit": 1},
            "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": true, "VolumeSize": 20}}],
        }});
        let other = json!({"LaunchTemplateId": "lt-2", "LaunchTemplateData": {}});
        merge_versions(&mut items, &Request::new("", json!({})), &json!({"LaunchTemplateVersions": [version, other]}));
        let observed = LaunchTemplate::observe(&items["lt-1"]).expect("it stands");
        let record = &observed.record;
        assert_eq!((&record["image"], record.get("user_data")), (&Value::text("ami-1"), None));
        assert_eq!(record["security_groups"], values([Value::text("sg-1"), Value::text("sg-2")]));
        assert_eq!((&record["iam_instance_profile"], &record["http_tokens"]), (&Value::text("web"), &Value::text("required")));
        assert_eq!((&record["root_volume_encrypted"], &record["root_volume_size"]), (&Value::Bool(true), &Value::Int(20)));
        assert_eq!((&record["default_version_number"], &*observed.tags["Name"]), (&Value::Int(2), "worker"));
        assert!(!record.contains_key("root_volume_type") && !record.contains_key("key_pair"));
    }

    #[test]
    fn a_version_that_does_not_ask_for_tokens_is_not_one_that_does() {
        let item = json!({"LaunchTemplateId": "lt-1", "LaunchTemplateData": {"ImageId": "ami-1"}});
        assert_eq!(LaunchTemplate::observe(&item).expect("it stands").record["http_tokens"], Value::Null);
        let off = json!({"LaunchTemplateId": "lt-1", "LaunchTemplateData": {"MetadataOptions": {"HttpEndpoint": "disabled"}}});
        assert!(!LaunchTemplate::observe(&off).expect("it stands").record.contains_key("http_tokens"));
    }

    #[test]
    fn what_is_launched_is_hardened_and_encrypted() {
        let data = data(&template(&[]));
        let known = |value: Json| Arg::Known(value);
        let metadata = [("HttpEndpoint", "enabled".into()), ("HttpPutResponseHopLimit", known(json!(1))), ("HttpTokens", "required".into())];
        assert_eq!(data["MetadataOptions"], Arg::map(metadata));
        let Arg::List(volumes) = &data["BlockDeviceMappings"] else { panic!("a list") };
        let Arg::Map(volume) = &volumes[0] else { panic!("a map") };
        let Arg::Map(ebs) = &volume["Ebs"] else { panic!("a map") };
        assert_eq!((&volume["DeviceName"], &ebs["Encrypted"]), (&Arg::text("/dev/xvda"), &known(json!(true))));
    }

    #[test]
    fn groups_are_at_the_top_unless_the_interface_is_said() {
        let null = Arg::Known(Json::Null);
        let groups = Arg::List(vec![Arg::id(&Address::new("security_group", "web"))]);
        let plain = data(&template(&[]));
        assert_eq!((&plain["SecurityGroupIds"], &plain["NetworkInterfaces"]), (&groups, &null));
        let placed = data(&template(&[("associate_public_ip_address", Value::Bool(false))]));
        let Arg::List(interfaces) = &placed["NetworkInterfaces"] else { panic!("a list") };
        let Arg::Map(interface) = &interfaces[0] else { panic!("a map") };
        assert_eq!((&placed["SecurityGroupIds"], &interface["Groups"]), (&null, &groups));
    }

    #[test]
    fn a_change_makes_a_version_and_the_default_of_it() {
        let calls = (LaunchTemplate::UPDATES[0].calls)(&Address::new("launch_template", "t"), &template(&[]).record);
        let actions: Vec<&str> = calls.iter().map(|c| &*c.action).collect();
        assert_eq!(actions, ["CreateLaunchTemplateVersion", "ModifyLaunchTemplate"]);
        let version = Arg::Answer(0, vec!["LaunchTemplateVersion".into(), "VersionNumber".into()]);
        assert_eq!(calls[1].params["DefaultVersion"], Arg::Concat(vec![version]));
    }

    #[test]
    fn it_names_some_group() {
        assert_eq!(complaints(&network([template(&[])])), [""; 0]);
        let bare = template(&[("security_groups", values([]))]);
        assert_eq!(complaints(&network([bare])), ["E0309 `launch_template.t` carries no security group"]);
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, taken, words};

    taken! {
        RequestLaunchTemplateData(
            set_block_device_mappings, set_ebs_optimized, set_iam_instance_profile, set_image_id, set_instance_initiated_shutdown_behavior,
            set_instance_type, set_key_name, set_metadata_options, set_monitoring, set_network_interfaces, set_placement, set_security_group_ids,
            set_user_data,
        );
        LaunchTemplateBlockDeviceMappingRequest(set_device_name, set_ebs);
        LaunchTemplateEbsBlockDeviceRequest(set_delete_on_termination, set_encrypted, set_volume_size, set_volume_type);
        LaunchTemplateIamInstanceProfileSpecificationRequest(set_arn, set_name);
        LaunchTemplateInstanceMetadataOptionsRequest(set_http_endpoint, set_http_put_response_hop_limit, set_http_tokens);
        LaunchTemplateInstanceNetworkInterfaceSpecificationRequest(
            set_associate_public_ip_address, set_delete_on_termination, set_device_index, set_groups, set_subnet_id,
        );
        LaunchTemplatePlacementRequest(set_tenancy);
        LaunchTemplatesMonitoringRequest(set_enabled);
    }

    shown! {
        // Without what is to run: that is not read back.
        LaunchTemplate(create_time, created_by, default_version_number, latest_version_number, launch_template_id, launch_template_name, tags);
        LaunchTemplateVersion(
            create_time, created_by, default_version, launch_template_data, launch_template_id, launch_template_name, version_description,
            version_number,
        );
        ResponseLaunchTemplateData(
            block_device_mappings, ebs_optimized, iam_instance_profile, image_id, instance_initiated_shutdown_behavior, instance_type, key_name,
            metadata_options, monitoring, network_interfaces, placement, security_group_ids,
        );
        LaunchTemplateBlockDeviceMapping(device_name, ebs);
        LaunchTemplateEbsBlockDevice(delete_on_termination, encrypted, volume_size, volume_type);
        LaunchTemplateIamInstanceProfileSpecification(arn, name);
        LaunchTemplateInstanceMetadataOptions(http_endpoint, http_put_response_hop_limit, http_tokens);
        LaunchTemplateInstanceNetworkInterfaceSpecification(
            associate_public_ip_address, delete_on_termination, device_index, groups, subnet_id,
        );
        LaunchTemplatePlacement(tenancy);
        LaunchTemplatesMonitoring(enabled);
    }

    words! { LaunchTemplateHttpTokensState, LaunchTemplateInstanceMetadataEndpointState }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateLaunchTemplate: create_launch_template(
            set_client_token, set_launch_template_data, set_launch_template_name, set_tag_specifications,
        ) -> (launch_template)),
        action!(CreateLaunchTemplateVersion: create_launch_template_version(set_client_token, set_launch_template_data, set_launch_template_id)
            -> (launch_template_version)),
        action!(ModifyLaunchTemplate: modify_launch_template(set_default_version, set_launch_template_id) -> (launch_template)),
        action!(DeleteLaunchTemplate: delete_launch_template(set_launch_template_id) -> (launch_template)),
        action!(DescribeLaunchTemplates: describe_launch_templates(set_filters, set_launch_template_ids, set_max_results, set_next_token)
            -> (launch_templates, next_token)),
        action!(DescribeLaunchTemplateVersions: describe_launch_template_versions(
            set_launch_template_id, set_max_results, set_next_token, set_versions,
        ) -> (launch_template_versions, next_token)),
    ];
}
