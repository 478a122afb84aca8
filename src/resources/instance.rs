//! An instance: RunInstances and what belongs to it.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceAttribute.html>

use std::{net::IpAddr, sync::Arc};

use serde_json::json;

use crate::{
    base::{address::Address, base64, codes::network, diagnostic::Sink},
    call::{Arg, Call, Json, Request, Settle},
    declared,
    net::{self, Net, desired::{self, Desired}},
    registry::{Alike, Aside, Deep, Inherits, Listing, Lock, Observed, PartSpec, ResourceType, Shift, Still, Update, quota::{self, Quota}},
    resource,
    resources::{
        attachment, further,
        key_pair::KeyPair,
        launch_template::LaunchTemplate,
        network_interface::NetworkInterface,
        part::arg,
        placement,
        read::{Reader, at, list, text},
        security_group::SecurityGroup,
        subnet::Subnet,
    },
    schema::{
        attr::{Image, Kind, List, Ref, Set, Val, Word, Words},
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// A virtual machine.
    ///
    /// It stands in a `subnet` with `security_groups`, on an interface that EC2 makes and removes with it, or on a
    /// `network_interface` of the project. It starts once its subnet's routes, ACL and gateway stand. Its metadata
    /// service wants session tokens (IMDSv2) and its root volume is encrypted, unless something else is written.
    Instance = "instance" {
        /// What it is launched from. What a template of the project says holds here too, as if it were written in this block, where
        /// the block does not say otherwise: when the template changes, the instance changes with it. Of an `existing` one nothing is
        /// taken over: image, size, subnet and groups are written here, as are the defaults below, and only the rest comes from
        /// it. EC2 wants groups either on the interface or apart from it: where the block says `associate_public_ip_address`
        /// or an interface, an existing template must have its groups on the interface too, else apart.
        launch_template: Option<Ref<LaunchTemplate>>, Replace;
        /// The version of an `existing` template; its default version where nothing is written. Only that one is read: what another one
        /// gives the instance for interfaces is unknown to proofs.
        launch_template_version: Option<Val<i64>>, Replace;
        /// What it boots: an image's id, or `ami("al2023")` for the newest of a family. Here or in its template it must be said.
        image: Option<Val<Image>>, Replace;
        /// Its size, such as `t3.micro`, here or in its template. To change it EC2 must stop the instance and start it again: it loses its public
        /// address, unless that is an `elastic_ip`.
        instance_type: Option<Val<Arc<str>>>, InPlace;
        /// The subnet in which it stands.
        subnet: Option<Ref<Subnet>>, Replace;
        /// The groups whose rules hold for its interface. EC2 would give it the VPC's default group if none were named,
        /// so they must be.
        security_groups: Option<Set<Ref<SecurityGroup>>>, InPlace;
        /// The interface on which it stands, in place of `subnet` and `security_groups`.
        network_interface: Option<Ref<NetworkInterface>>, Replace;
        /// Further interfaces of the project, from device index 1 on in their order, in the zone of the first. The call that makes
        /// the instance attaches them; later each is attached and detached by itself. An instance that starts with several is
        /// given no public address: that takes an `elastic_ip`. How many there may be depends on its type.
        network_interfaces: Option<List<Ref<NetworkInterface>>>, Parts;
        /// The key that EC2 puts on it when it first starts. EC2 tells the key's name alone, so this is not read back.
        key_pair: Option<Ref<KeyPair>>, Replace;
        /// What it runs when it first starts. To change it EC2 must stop the instance and start it again, and most images run it
        /// at the first start alone: make a new instance for a new start. Read back with `--deep` only.
        user_data: Option<Val<Arc<str>>>, InPlace;
        /// The name of the IAM instance profile that gives it its role.
        iam_instance_profile: Option<Val<Arc<str>>>, Replace;
        /// Its address in the subnet; EC2 picks a free one where it is not written.
        private_ip_address: Option<Val<IpAddr>>, Replace;
        /// Further IPv4 addresses of its own interface. Where nothing is written those that EC2 holds are left alone; `[]` takes
        /// them off. How many there may be depends on its type.
        secondary_private_ip_addresses: Option<Set<Val<IpAddr>>>, InPlace;
        /// The IPv6 addresses of its own interface; where nothing is written those that EC2 holds are left alone, `[]` takes
        /// them off.
        ipv6_addresses: Option<Set<Val<IpAddr>>>, InPlace;
        /// How many IPv6 addresses of the subnet EC2 chooses for it, in place of `ipv6_addresses`. Where neither is written, one
        /// if the subnet says `assign_ipv6_address_on_creation`.
        ipv6_address_count: Option<Val<i64>>, InPlace;
        /// Whether it gets a public address when it starts; what the subnet says where it is not written. Not read back:
        /// EC2 does not tell it from an address that came otherwise.
        associate_public_ip_address: Option<Val<bool>>, Replace;
        /// Whether it drops packets that are neither from nor for its own addresses. A router or NAT instance needs
        /// `false`. On a `network_interface` of the project that one's own setting holds.
        source_dest_check: Val<bool> = Value::Bool(true), InPlace;
        /// Whether its metadata service wants session tokens: `"required"` is IMDSv2 alone. `"optional"` lets a
        /// forged request inside the instance read its credentials.
        http_tokens: Val<Word<Tokens>> = Value::text("required"), InPlace;
        /// How many hops an answer of the metadata service may travel: 1 keeps it from containers, which need 2.
        http_put_response_hop_limit: Val<i64> = Value::Int(1), InPlace;
        /// Whether it has a metadata service.
        http_endpoint: Val<Word<Endpoint>> = Value::text("enabled"), InPlace;
        /// The size of its root volume in GiB; that of the image where it is not written. Root volumes go with their
        /// instance, and are not read back.
        root_volume_size: Option<Val<i64>>, Replace;
        /// The type of its root volume; that of the image where it is not written.
        root_volume_type: Option<Val<Word<Volume>>>, Replace;
        /// Whether it has bandwidth of its own to its volumes; as its type has it where it is not written. To change it EC2
        /// must stop the instance and start it again.
        ebs_optimized: Option<Val<bool>>, InPlace;
        /// Whether CloudWatch is told about it every minute instead of every five, which costs.
        monitoring: Option<Val<bool>>, InPlace;
        /// Whether a burstable instance (`t2`, `t3`, `t3a`, `t4g`) may run faster for longer than its credits last: `"unlimited"`, which may
        /// cost more, or `"standard"`. Where nothing is written, as EC2 has it: `t2` is `"standard"`, the others are `"unlimited"`.
        cpu_credits: Option<Val<Word<Credits>>>, InPlace;
        /// What a shutdown from within does: `"stop"`, as EC2 has it where nothing is written, or `"terminate"`.
        /// Read back with `--deep` only.
        instance_initiated_shutdown_behavior: Option<Val<Word<Shutdown>>>, InPlace;
        /// Whether EC2 refuses to delete it. While it is on, the plan refuses to delete or replace the instance, unless the
        /// block says `false`: then the same apply turns it off first. EC2 tells it by a call for each instance only, so it is
        /// read back with `--deep` only. It does not keep a shutdown from within from deleting it, where that is what a shutdown does.
        disable_api_termination: Option<Val<bool>>, InPlace;
        /// Whether EC2 refuses to stop it, or to delete it. While it is on, the plan refuses what would need either, unless the
        /// block says `false`. Read back with `--deep` only.
        disable_api_stop: Option<Val<bool>>, InPlace;
        /// Whether it runs on hardware that other accounts use too: `"default"` does, `"dedicated"` does not.
        tenancy: Option<Val<Word<Tenancy>>>, Replace;
        /// Whether its root volume is encrypted, with the account's default key.
        root_volume_encrypted: Val<bool> = Value::Bool(true), Replace;
        /// Whether its template says where it stands by an interface.
        on_template_interface: Option<Val<bool>>, Computed;
        /// The name under which the image knows its root volume.
        root_device_name: Option<Val<Arc<str>>>, Computed;
        /// The id of its root volume.
        root_volume_id: Option<Val<Arc<str>>>, Computed;
        /// Its public address, where it has one.
        public_ip_address: Option<Val<IpAddr>>, Computed;
        /// The id of its primary interface.
        network_interface_id: Option<Val<Arc<str>>>, Computed;
        /// Its zone.
        availability_zone: Option<Val<Arc<str>>>, Computed;
        /// What it is doing: `running`, `stopped`.
        state: Option<Val<Arc<str>>>, Computed;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

/// Whether the metadata service wants session tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Tokens;

impl Words for Tokens {
    const ALL: &'static [&'static str] = &["required", "optional"];
}

/// Whether there is a metadata service.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint;

impl Words for Endpoint {
    const ALL: &'static [&'static str] = &["enabled", "disabled"];
}

/// Types of volumes that can be booted from and take no further settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Volume;

impl Words for Volume {
    const ALL: &'static [&'static str] = &["gp3", "gp2", "standard"];
}

/// What a burstable instance may spend.
#[derive(Debug, Clone, PartialEq)]
pub struct Credits;

impl Words for Credits {
    const ALL: &'static [&'static str] = &["standard", "unlimited"];
}

/// What a shutdown from within does.
#[derive(Debug, Clone, PartialEq)]
pub struct Shutdown;

impl Words for Shutdown {
    const ALL: &'static [&'static str] = &["stop", "terminate"];
}

/// Who else is on the same hardware.
#[derive(Debug, Clone, PartialEq)]
pub struct Tenancy;

impl Words for Tenancy {
    const ALL: &'static [&'static str] = &["default", "dedicated"];
}

/// Starting and stopping take a while, on metal longest.
const TIMEOUT_S: u64 = 900;

impl ResourceType for Instance {
    declared!();

    const EXAMPLE: &'static str = r#"instance server {
  image            = ami("al2023")
  instance_type    = "t3.micro"
  subnet           = subnet.public
  security_groups  = [security_group.web]
  root_volume_size = 20
  user_data        = <<~EOF
    #!/bin/sh
    echo "the network stands"
  EOF
  tags             = { Name = "server" }
}
"#;

    const ID_PREFIX: &'static str = "i-";
    const OPENS: &'static [&'static str] = &[""];
    const UNTOLD: &'static [&'static str] = &[
        "key_pair",
        "user_data",
        "associate_public_ip_address",
        "root_volume_size",
        "root_volume_type",
        "root_volume_encrypted",
        "instance_initiated_shutdown_behavior",
        "disable_api_termination",
        "disable_api_stop",
    ];
    const ONE_AT_A_TIME: bool = true;
    const PARTS: &'static [PartSpec] = &[attachment::PART];
    const MADE_WITH: &'static [&'static str] = &["attachment"];
    const LOCKS: &'static [Lock] =
        &[Lock { attr: "disable_api_termination", stops: false }, Lock { attr: "disable_api_stop", stops: true }];
    const STILL: Option<Still> = Some(Still { attrs: &["instance_type", "ebs_optimized", "user_data"], stop, start });
    const DEEP: &'static [Deep] = &[
        Deep { attr: "user_data", read: |id| ask(id, "userData"), told: user_data },
        Deep {
            attr: "instance_initiated_shutdown_behavior",
            read: |id| ask(id, "instanceInitiatedShutdownBehavior"),
            told: |answer| text(answer, &["InstanceInitiatedShutdownBehavior", "Value"]).map(Value::text),
        },
        Deep { attr: "disable_api_termination", read: |id| ask(id, "disableApiTermination"), told: |a| flag(a, "DisableApiTermination") },
        Deep { attr: "disable_api_stop", read: |id| ask(id, "disableApiStop"), told: |a| flag(a, "DisableApiStop") },
    ];
    const ASIDE: &'static [Aside] = &[credits::ASIDE];
    const ONCE: &'static [(&'static str, &'static [&'static str])] = &[("", &["subnet", "private_ip_address"]), ("", &["network_interface"]), ("attachment", &["network_interface"])];
    const TAG_TYPE: Option<&'static str> = Some("instance");
    const PLACED_IN: &'static [&'static str] = &["subnet"];
    const QUOTAS: &'static [Quota] = &[quota::GROUPS_OF_INTERFACE];
    const INHERITS: Option<Inherits> = Some(template::INHERITS);
    const RUNS_ON: Option<&'static str> = Some("instance_type");
    const CREATED_ID: &'static [&'static str] = &["Instances", "0", "InstanceId"];
    // EC2 launches several at once unless one has an address or an interface of its own.
    const ALIKE: Option<Alike> = Some(Alike {
        alone: &["private_ip_address", "network_interface", "network_interfaces", "secondary_private_ip_addresses", "ipv6_addresses"],
        most: 50,
        count: &["MinCount", "MaxCount"],
        items: "Instances",
        index: "AmiLaunchIndex",
        with: &["network_interface_id", "root_volume_id"],
    });
    const FILTERS: &'static [(&'static str, &'static str)] = &[("subnet", "subnet-id"), ("instance_type", "instance-type")];
    const LISTING: Listing = Listing::new("DescribeInstances", &["Reservations", "Instances"], "InstanceId", "instance-id", Some(1000));
    const UPDATES: &'static [Update] = &[
        Update { attrs: &["instance_type"], after_create: |_| false, calls: |at, r| vec![set(at, "InstanceType", arg(r, "instance_type"))] },
        Update { attrs: &["ebs_optimized"], after_create: |_| false, calls: |at, r| vec![set(at, "EbsOptimized", arg(r, "ebs_optimized"))] },
        Update {
            attrs: &["user_data"],
            after_create: |_| false,
            calls: |at, r| {
                // Nothing is what takes it away.
                let data = r.get("user_data").filter(|v| **v != Value::Null).map_or_else(|| Arg::text(""), Arg::from_value);
                vec![set(at, "UserData", Arg::base64(data))]
            },
        },
        Update {
            attrs: &["disable_api_termination"],
            after_create: |_| false,
            calls: |at, r| vec![set(at, "DisableApiTermination", Arg::Known(is_on(r, "disable_api_termination").into()))],
        },
        Update {
            attrs: &["disable_api_stop"],
            after_create: |_| false,
            calls: |at, r| vec![set(at, "DisableApiStop", Arg::Known(is_on(r, "disable_api_stop").into()))],
        },
        Update {
            attrs: &["monitoring"],
            after_create: |_| false,
            calls: |at, r| {
                let action = if is_on(r, "monitoring") { "MonitorInstances" } else { "UnmonitorInstances" };
                vec![Call::new(action, [("InstanceIds", Arg::List(vec![Arg::id(at)]))])]
            },
        },
        Update { attrs: &["cpu_credits"], after_create: |_| false, calls: credits::change },
        Update {
            attrs: &["instance_initiated_shutdown_behavior"],
            after_create: |_| false,
            calls: |at, r| {
                // What is taken out of the text is as EC2 has it by itself.
                let value = r.get("instance_initiated_shutdown_behavior").filter(|v| **v != Value::Null);
                let value = value.map_or_else(|| Arg::text("stop"), Arg::from_value);
                vec![set(at, "InstanceInitiatedShutdownBehavior", value)]
            },
        },
        Update {
            attrs: &["security_groups"],
            after_create: |_| false,
            calls: |at, r| vec![modify(at, "Groups", arg(r, "security_groups"))],
        },
        Update {
            attrs: &["source_dest_check"],
            after_create: |r| r.get("source_dest_check") == Some(&Value::Bool(false)),
            calls: |at, r| vec![set(at, "SourceDestCheck", arg(r, "source_dest_check"))],
        },
        Update {
            attrs: &["http_tokens", "http_put_response_hop_limit", "http_endpoint"],
            after_create: |_| false,
            calls: |at, r| {
                let value = |name: &str| r.get(name).unwrap_or(&Value::Null);
                let options = metadata(value("http_endpoint"), value("http_tokens"), value("http_put_response_hop_limit"));
                vec![Call::new("ModifyInstanceMetadataOptions", options.into_iter().chain([("InstanceId", Arg::id(at))]))]
            },
        },
    ];
    const SHIFTS: &'static [Shift] = &[
        Shift {
            attr: further::SECONDARY,
            after_create: |r| further::some(r, further::SECONDARY),
            calls: |at, old, new| further::shift_secondary(&card(at), old, new),
        },
        Shift { attr: further::IPV6, after_create: |_| false, calls: |at, old, new| further::shift_ipv6(&card(at), old, new) },
        Shift { attr: further::IPV6_COUNT, after_create: |_| false, calls: |at, old, new| further::shift_count(&card(at), old, new) },
    ];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        for instance in placement::managed(model, Self::KIND) {
            check_placement(instance, sink);
            placement::some_group(instance, sink);
            placement::groups_of_same_vpc(instance, model, sink);
            placement::address_in_subnet(instance, model, sink);
            further::check(instance, sink);
            credits::check(instance, sink);
            template::check(instance, model, sink);
            if is_on(&instance.record, "associate_public_ip_address") && attachment::further_cards(instance).next().is_some() {
                let help = "take an `elastic_ip`, or leave the further interfaces out";
                let at = instance.span_of("associate_public_ip_address");
                sink.push(network::text_not_taken("setting", "of an instance with several interfaces", at, help));
            }
        }
        placement::one_holder(model, Self::KIND, "network_interfaces", sink);
    }

    fn has_parts(this: &Resource) -> bool {
        attachment::further_cards(this).next().is_some()
    }

    fn desired_parts(&self, this: &Resource, _model: &Model, _sink: &mut Sink) -> Vec<Part> {
        attachment::wanted(this)
    }

    fn attached(this: &Resource, _model: &Model) -> Vec<String> {
        let interface = if this.record.contains_key("network_interface") { "" } else { "an interface and " };
        vec![format!("{}: {interface}a root volume, gone when it goes", this.address)]
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        template::unread(this, desired, net);
        let (Some(subnet), None) = (desired.reference(this, "subnet"), this.reference("network_interface")) else { return };
        let maps = || desired.resource(&subnet).is_some_and(|s| desired.is(s, "map_public_ip_on_launch", s.existing));
        let launched = match desired.value(this, "associate_public_ip_address") {
            Some(Value::Bool(wanted)) => *wanted,
            // EC2 gives none to one with several interfaces.
            _ => maps() && (attachment::further_cards(this).next().is_none() || desired.value(this, "public_ip_address").is_some()),
        };
        let public = desired.elastic_ip_of(&this.address).or_else(|| launched.then(|| desired.public_address(this)));
        net.interfaces.push(net::Interface {
            id: desired::id(&this.address),
            addresses: desired.addresses_in(this, &subnet, public),
            subnet,
            groups: desired.references(this, "security_groups"),
            source_dest_check: desired.is(this, "source_dest_check", true),
            owner: net::Owner::Instance { id: desired::id(&this.address), running: true },
            origin: desired::origin(this),
        });
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        let null = || Arg::Known(Json::Null);
        let key = self.key_pair.as_ref().map_or_else(null, |key| match &key.address {
            Some(address) => Arg::Of(address.clone(), "key_name".into()),
            None => key.arg(),
        });
        let params = [
            ("LaunchTemplate", self.template()),
            ("ImageId", self.image.as_ref().map_or_else(null, Val::arg)),
            ("InstanceType", self.instance_type.as_ref().map_or_else(null, Val::arg)),
            ("MinCount", Arg::Known(1.into())),
            ("MaxCount", Arg::Known(1.into())),
            ("KeyName", key),
            ("UserData", self.user_data.as_ref().map_or_else(null, |data| Arg::base64(data.arg()))),
            ("IamInstanceProfile", self.iam_instance_profile.as_ref().map_or_else(null, |p| Arg::map([("Name", p.arg())]))),
            ("EbsOptimized", self.ebs_optimized.as_ref().map_or_else(null, Val::arg)),
            ("Monitoring", self.monitoring.as_ref().map_or_else(null, |on| Arg::map([("Enabled", on.arg())]))),
            ("CreditSpecification", self.cpu_credits.as_ref().map_or_else(null, |credits| Arg::map([("CpuCredits", credits.arg())]))),
            ("InstanceInitiatedShutdownBehavior", self.instance_initiated_shutdown_behavior.as_ref().map_or_else(null, Val::arg)),
            ("DisableApiTermination", self.disable_api_termination.as_ref().map_or_else(null, Val::arg)),
            ("DisableApiStop", self.disable_api_stop.as_ref().map_or_else(null, Val::arg)),
            ("Placement", self.tenancy.as_ref().map_or_else(null, |tenancy| Arg::map([("Tenancy", tenancy.arg())]))),
            ("MetadataOptions", Arg::map(metadata(&self.http_endpoint.value, &self.http_tokens.value, &self.http_put_response_hop_limit.value))),
            ("BlockDeviceMappings", Arg::List(vec![self.root_volume(at)])),
        ];
        let call = Call::new("RunInstances", params.into_iter().chain(self.place())).tagged("instance").tagged("volume").with_token();
        // An interface of the project has tags of its own.
        let call = if self.network_interface.is_none() { call.tagged("network-interface") } else { call };
        vec![call.settle(settle(at, &["running"]).or_fail(&["shutting-down", "terminated"], &["StateReason", "Message"]))]
    }

    fn created(answer: &Json) -> Option<(String, Record)> {
        let observed = Self::observe(answer.pointer("/Instances/0")?)?;
        let known = ["private_ip_address", "network_interface_id", "availability_zone"];
        Some((observed.id, observed.record.into_iter().filter(|(name, _)| known.contains(&&**name)).collect()))
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        let settled = settle(at, &["terminated", "gone"]);
        vec![Call::new("TerminateInstances", [("InstanceIds", Arg::List(vec![Arg::id(at)]))]).settle(settled)]
    }

    fn observe(item: &Json) -> Option<Observed> {
        if matches!(text(item, &["State", "Name"]), Some("shutting-down" | "terminated")) {
            return None;
        }
        let interface = primary(item).unwrap_or(&Json::Null);
        // One that stays when the instance goes is a resource of its own: groups and check are its own, too.
        let own = at(interface, &["Attachment", "DeleteOnTermination"]).and_then(Json::as_bool) != Some(false);
        let profile = text(item, &["IamInstanceProfile", "Arn"]).and_then(|arn| arn.rsplit('/').next());
        let mut reader = Reader::new(item)
            .value("launch_template", template::told(item, "id").map(Value::text))
            .value("launch_template_version", template::told(item, "version").and_then(|n| n.parse().ok()).map(Value::Int))
            .text("image", &["ImageId"])
            .text("instance_type", &["InstanceType"])
            .text("subnet", &["SubnetId"])
            .value("iam_instance_profile", profile.map(Value::text))
            .ip("private_ip_address", &["PrivateIpAddress"])
            .bool("ebs_optimized", &["EbsOptimized"])
            .value("monitoring", text(item, &["Monitoring", "State"]).map(|state| Value::Bool(matches!(state, "enabled" | "pending"))))
            .text("cpu_credits", &[credits::MEMBER])
            .text("tenancy", &["Placement", "Tenancy"])
            .text("http_endpoint", &["MetadataOptions", "HttpEndpoint"])
            .text("root_device_name", &["RootDeviceName"])
            .value("root_volume_id", root_volume(item).map(Value::text))
            .ip("public_ip_address", &["PublicIpAddress"])
            .value("network_interface_id", text(interface, &["NetworkInterfaceId"]).map(Value::text))
            .text("availability_zone", &["Placement", "AvailabilityZone"])
            .text("state", &["State", "Name"]);
        if own {
            for (name, value) in further::observed(interface) {
                reader = reader.value(name, Some(value));
            }
            reader = reader.value("security_groups", groups(item, interface)).bool("source_dest_check", &["SourceDestCheck"]);
        } else {
            reader = reader.value("network_interface", text(interface, &["NetworkInterfaceId"]).map(Value::text));
        }
        // Of a service that is switched off the rest says nothing.
        if text(item, &["MetadataOptions", "HttpEndpoint"]) != Some("disabled") {
            reader = reader
                .text("http_tokens", &["MetadataOptions", "HttpTokens"])
                .int("http_put_response_hop_limit", &["MetadataOptions", "HttpPutResponseHopLimit"]);
        }
        reader.done(&["InstanceId"], attachment::observed(item))
    }
}

/// What an interface of the project says by itself.
const OF_INTERFACE: [&str; 8] = [
    "subnet",
    "security_groups",
    "private_ip_address",
    "secondary_private_ip_addresses",
    "ipv6_addresses",
    "ipv6_address_count",
    "associate_public_ip_address",
    "source_dest_check",
];

/// An instance stands in a subnet with groups or on an interface, never both.
fn check_placement(instance: &Resource, sink: &mut Sink) {
    let has = |name: &str| instance.record.get(name).is_some_and(|v| *v != Value::Null);
    if has("network_interface") {
        let at = instance.span_of("network_interface");
        for name in OF_INTERFACE.into_iter().filter(|name| instance.spans.contains_key(*name) && has(name)) {
            sink.push(network::two_placements(name, instance.span_of(name), at));
        }
    } else if let Some(name) = ["subnet", "security_groups"].into_iter().find(|name| !has(name)) {
        sink.push(network::no_placement(&instance.address, name, instance.span));
    }
}

fn settle(at: &Address, until: &[&str]) -> Settle {
    let items = ["Reservations", "Instances"];
    Settle::new("DescribeInstances", "instance-id", &items, "InstanceId", &["State", "Name"], until, Arg::id(at)).within(TIMEOUT_S)
}

fn modify(at: &Address, attribute: &str, value: Arg) -> Call {
    Call::new("ModifyInstanceAttribute", [("InstanceId", Arg::id(at)), (attribute, value)])
}

/// Its own interface.
fn card(at: &Address) -> Arg {
    Arg::Of(at.clone(), "network_interface_id".into())
}

fn is_on(record: &Record, name: &str) -> bool {
    record.get(name) == Some(&Value::Bool(true))
}

fn set(at: &Address, attribute: &str, value: Arg) -> Call {
    modify(at, attribute, Arg::map([("Value", value)]))
}

fn stop(at: &Address) -> Vec<Call> {
    turned(at, "StopInstances", "stopped")
}

fn start(at: &Address) -> Vec<Call> {
    turned(at, "StartInstances", "running")
}

fn turned(at: &Address, action: &str, state: &str) -> Vec<Call> {
    let settled = settle(at, &[state]).or_fail(&["terminated", "gone"], &["StateReason", "Message"]);
    vec![Call::new(action, [("InstanceIds", Arg::List(vec![Arg::id(at)]))]).settle(settled)]
}

/// EC2 tells one attribute a call.
fn ask(id: &str, attribute: &str) -> Request {
    Request::new("DescribeInstanceAttribute", json!({"InstanceId": id, "Attribute": attribute}))
}

fn flag(answer: &Json, member: &str) -> Option<Value> {
    at(answer, &[member, "Value"]).and_then(Json::as_bool).map(Value::Bool)
}

/// As it was written; one that is no text is told as EC2 tells it.
fn user_data(answer: &Json) -> Option<Value> {
    let told = text(answer, &["UserData", "Value"]).filter(|told| !told.is_empty())?;
    let written = base64::decode(told).and_then(|bytes| String::from_utf8(bytes).ok());
    Some(written.map_or_else(|| Value::text(told), Value::text))
}

/// EC2 takes nothing else about a service that is switched off.
pub(super) fn metadata(endpoint: &Value, tokens: &Value, hops: &Value) -> Vec<(&'static str, Arg)> {
    let on = endpoint.as_text() != Some("disabled");
    let rest = [("HttpTokens", tokens.into()), ("HttpPutResponseHopLimit", hops.into())];
    [("HttpEndpoint", endpoint.into())].into_iter().chain(rest.into_iter().filter(|_| on)).collect()
}

impl Instance {
    /// The planner puts the device's name into the record from the image's look-up; without it the call fails rather than
    /// start something with a volume in the clear.
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

/// The groups. An instance lists them as its primary interface does; moto fills in the one list or the other.
fn groups(item: &Json, interface: &Json) -> Option<Value> {
    let lists = [at(item, &["SecurityGroups"]), at(interface, &["Groups"])];
    let listed = lists.into_iter().flatten().filter_map(Json::as_array).max_by_key(|groups| !groups.is_empty())?;
    let mut ids: Vec<&str> = listed.iter().filter_map(|group| text(group, &["GroupId"])).collect();
    ids.sort_unstable();
    Some(Value::List(ids.into_iter().map(Value::text).collect()))
}

/// The volume that it boots from.
fn root_volume(item: &Json) -> Option<&str> {
    let device = text(item, &["RootDeviceName"])?;
    let mapping = list(item, &["BlockDeviceMappings"]).iter().find(|mapping| text(mapping, &["DeviceName"]) == Some(device))?;
    text(mapping, &["Ebs", "VolumeId"])
}

/// The interface with device index 0.
fn primary(item: &Json) -> Option<&Json> {
    let index = |interface: &&Json| at(interface, &["Attachment", "DeviceIndex"]).and_then(Json::as_i64).unwrap_or(0);
    list(item, &["NetworkInterfaces"]).iter().min_by_key(index)
}

/// The architecture of the images that an instance type boots: `arm64` for AWS's own processors, else `x86_64`.
///
/// A type's name is its family's letters, its generation, and letters for what is special, among them `g` for Graviton
/// (EC2 user guide, "Instance type naming conventions"); `a1` came before the convention.
#[must_use]
pub fn architecture(instance_type: &str) -> &'static str {
    let family = instance_type.split('.').next().unwrap_or_default();
    let special = family.trim_start_matches(|c: char| c.is_ascii_alphabetic()).trim_start_matches(|c: char| c.is_ascii_digit());
    if family == "a1" || special.contains('g') { "arm64" } else { "x86_64" }
}

#[cfg(feature = "aws")]
mod aws;
mod credits;
#[cfg(test)]
mod tests;
mod template;
