//! Instances and their states. Layer 8.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use crate::{
    call::{ApiError, Json},
    sim::{
        Actions, instance_launch, instance_type,
        network_interface::{show_addresses, show_groups, show_public},
        page::{Listing, page, select},
        params::Params,
        refuse::{Outcome, missing, refuse},
        world::{ACCOUNT, Due, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("RunInstances", instance_launch::run, instance_launch::KNOWN),
    ("TerminateInstances", terminate, "InstanceIds"),
    ("StopInstances", stop, "InstanceIds Force"),
    ("StartInstances", start, "InstanceIds"),
    ("RebootInstances", reboot, "InstanceIds"),
    ("MonitorInstances", monitor, "InstanceIds"),
    ("UnmonitorInstances", unmonitor, "InstanceIds"),
    ("DescribeInstances", describe_instances, "InstanceIds Filters"),
    ("DescribeInstanceStatus", describe_status, "InstanceIds Filters IncludeAllInstances"),
];

/// An instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Instance {
    pub(crate) state: State,
    /// When its state changes; an earlier change that was planned is void.
    pub(crate) due: u64,
    pub(crate) image: String,
    pub(crate) kind: String,
    pub(crate) architecture: String,
    pub(crate) reservation: String,
    pub(crate) launch_index: usize,
    pub(crate) launched: u64,
    pub(crate) key: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) zone: String,
    pub(crate) vpc: String,
    pub(crate) subnet: String,
    /// By device index.
    pub(crate) interfaces: Vec<String>,
    pub(crate) root_device: String,
    pub(crate) volumes: Vec<String>,
    pub(crate) metadata: Metadata,
    pub(crate) monitoring: bool,
    pub(crate) ebs_optimized: bool,
    pub(crate) tenancy: String,
    /// What a burstable one may spend, where it is not what its family has.
    #[serde(default)]
    pub(crate) credits: Option<String>,
    #[serde(default)]
    pub(crate) placement_group: Option<String>,
    pub(crate) profile: Option<(String, String)>,
    /// In base64.
    pub(crate) user_data: Option<String>,
    pub(crate) no_termination: bool,
    pub(crate) no_stop: bool,
    pub(crate) shutdown_behavior: String,
    pub(crate) reason: Option<(String, String)>,
    /// When it was stopped or terminated.
    pub(crate) ended: u64,
}

/// How an instance may ask for its metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) tokens: String,
    pub(crate) hop_limit: i64,
    pub(crate) endpoint: String,
    pub(crate) ipv6: String,
    pub(crate) tags: String,
}

impl Metadata {
    /// Takes what a request says.
    pub(crate) fn change(&mut self, p: Params<'_>) {
        let take = |name: &str, place: &mut String| p.text(name).into_iter().for_each(|text| *place = text.into());
        take("HttpTokens", &mut self.tokens);
        take("HttpEndpoint", &mut self.endpoint);
        take("HttpProtocolIpv6", &mut self.ipv6);
        take("InstanceMetadataTags", &mut self.tags);
        self.hop_limit = p.int("HttpPutResponseHopLimit").unwrap_or(self.hop_limit);
    }

    pub(crate) fn show(&self) -> Json {
        json!({"State": "applied", "HttpTokens": self.tokens, "HttpPutResponseHopLimit": self.hop_limit, "HttpEndpoint": self.endpoint,
            "HttpProtocolIpv6": self.ipv6, "InstanceMetadataTags": self.tags})
    }
}

/// A state (API reference, InstanceState).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    Pending,
    Running,
    ShuttingDown,
    Terminated,
    Stopping,
    Stopped,
}

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Running => "running",
            State::ShuttingDown => "shutting-down",
            State::Terminated => "terminated",
            State::Stopping => "stopping",
            State::Stopped => "stopped",
        }
    }

    fn code(self) -> u8 {
        match self {
            State::Pending => 0,
            State::Running => 16,
            State::ShuttingDown => 32,
            State::Terminated => 48,
            State::Stopping => 64,
            State::Stopped => 80,
        }
    }

    pub(crate) fn is_up(self) -> bool {
        matches!(self, State::Pending | State::Running)
    }

    /// Can be given an address or an interface.
    pub(crate) fn is_usable(self) -> bool {
        matches!(self, State::Running | State::Stopped)
    }

    pub(crate) fn is_over(self) -> bool {
        matches!(self, State::ShuttingDown | State::Terminated)
    }

    pub(crate) fn show(self) -> Json {
        json!({"Code": self.code(), "Name": self.name()})
    }
}

/// The change of state that is due.
pub(crate) fn settle(world: &mut World, id: &str) {
    let now = world.now;
    let Some(instance) = world.instances.get_mut(id).filter(|i| i.due <= now) else { return };
    instance.state = match instance.state {
        State::Pending => State::Running,
        State::Stopping => State::Stopped,
        State::ShuttingDown => State::Terminated,
        State::Running | State::Stopped | State::Terminated => return,
    };
    if instance.state == State::Terminated {
        release(world, id);
        world.schedule(world.pace.linger, Due::Vanish(id.into()));
    }
}

/// What a terminated instance leaves: its interfaces and volumes go, but for those that were to be kept.
fn release(world: &mut World, id: &str) {
    let Some(instance) = world.instances.get_mut(id) else { return };
    let (interfaces, volumes) = (std::mem::take(&mut instance.interfaces), std::mem::take(&mut instance.volumes));
    for eni in interfaces {
        let Some(interface) = world.interfaces.get_mut(&eni) else { continue };
        if interface.attachment.take().is_some_and(|a| a.delete_on_termination) {
            world.remove_interface(&eni);
        }
    }
    for volume in volumes {
        let Some(held) = world.volumes.get_mut(&volume) else { continue };
        if held.attachment.take().is_some_and(|a| a.delete_on_termination) {
            world.volumes.remove(&volume);
            world.tags.remove(&volume);
        }
    }
}

fn named<'a>(world: &World, p: Params<'a>) -> Result<Vec<&'a str>, ApiError> {
    let ids = p.texts("InstanceIds");
    if ids.is_empty() {
        return Err(missing("InstanceId"));
    }
    ids.iter().try_for_each(|id| find(&world.instances, "i", id).map(|_| ()))?;
    Ok(ids)
}

/// Moves all to a state, and tells each one's state before and after.
fn turn(world: &mut World, ids: &[&str], to: State, after: u64, reason: Option<(&str, &str)>) -> Result<Vec<Json>, ApiError> {
    let mut changes = vec![];
    for id in ids {
        let due = world.now + after;
        let now = world.now;
        let instance = find_mut(&mut world.instances, "i", id)?;
        let before = instance.state;
        let stays = before == to
            || matches!(
                (before, to),
                (State::Terminated, State::ShuttingDown) | (State::Stopped, State::Stopping) | (State::Running, State::Pending)
            );
        if !stays {
            (instance.state, instance.due, instance.ended) = (to, due, now);
            instance.reason = reason.map(|(code, message)| (code.into(), message.into()));
            world.schedule(after, Due::Instance((*id).into()));
        }
        let after = if stays { before } else { to };
        changes.push(json!({"InstanceId": id, "PreviousState": before.show(), "CurrentState": after.show()}));
    }
    Ok(changes)
}

fn wrong_state(id: &str, verb: &str) -> ApiError {
    refuse("IncorrectInstanceState", format!("The instance '{id}' is not in a state from which it can be {verb}."))
}

fn terminate(world: &mut World, p: Params<'_>) -> Outcome {
    let ids = named(world, p)?;
    for id in &ids {
        // Protection from being stopped is protection from this, too.
        let instance = find(&world.instances, "i", id)?;
        let locks = [("disableApiTermination", instance.no_termination), ("disableApiStop", instance.no_stop)];
        if let Some((lock, _)) = locks.iter().find(|(_, on)| *on) {
            let message = format!("The instance '{id}' may not be terminated. Modify its '{lock}' instance attribute and try again.");
            return Err(refuse("OperationNotPermitted", message));
        }
    }
    let reason = ("Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown");
    let changes = turn(world, &ids, State::ShuttingDown, world.pace.instance_terminated, Some(reason))?;
    Ok(json!({"TerminatingInstances": changes}))
}

fn stop(world: &mut World, p: Params<'_>) -> Outcome {
    let ids = named(world, p)?;
    for id in &ids {
        let instance = find(&world.instances, "i", id)?;
        if instance.no_stop {
            let message = format!("The instance '{id}' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.");
            return Err(refuse("OperationNotPermitted", message));
        }
        if instance.state == State::Pending || instance.state.is_over() {
            return Err(wrong_state(id, "stopped"));
        }
    }
    let reason = ("Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown");
    let changes = turn(world, &ids, State::Stopping, world.pace.instance_stopped, Some(reason))?;
    for id in ids {
        let interfaces = find(&world.instances, "i", id)?.interfaces.clone();
        for eni in interfaces {
            world.interfaces.get_mut(&eni).into_iter().for_each(|i| i.public = None);
        }
    }
    Ok(json!({"StoppingInstances": changes}))
}

fn start(world: &mut World, p: Params<'_>) -> Outcome {
    let ids = named(world, p)?;
    for id in &ids {
        let state = find(&world.instances, "i", id)?.state;
        if state == State::Stopping || state.is_over() {
            return Err(wrong_state(id, "started"));
        }
        let instance = find(&world.instances, "i", id)?;
        instance_type::offered(world, &instance.kind, &instance.zone)?;
    }
    let changes = turn(world, &ids, State::Pending, world.pace.instance_running, None)?;
    for id in ids {
        map_public(world, id)?;
    }
    Ok(json!({"StartingInstances": changes}))
}

/// Gives the interface that is to have one a public address, unless it has one; none to an instance with several interfaces.
pub(crate) fn map_public(world: &mut World, id: &str) -> Result<(), ApiError> {
    if world.interfaces_of(id).count() > 1 {
        return Ok(());
    }
    let wanting: Vec<String> = world.interfaces_of(id).filter(|(_, i)| i.wants_public).map(|(id, _)| id.clone()).collect();
    for eni in wanting {
        if world.public_address(&eni, None).is_none() {
            let ip = world.new_public_ip();
            find_mut(&mut world.interfaces, "eni", &eni)?.public = Some(ip);
        }
    }
    Ok(())
}

/// A terminated instance is passed over (API reference, RebootInstances).
fn reboot(world: &mut World, p: Params<'_>) -> Outcome {
    for id in named(world, p)? {
        if matches!(find(&world.instances, "i", id)?.state, State::Stopping | State::Stopped) {
            return Err(wrong_state(id, "rebooted"));
        }
    }
    Ok(json!({}))
}

fn monitor(world: &mut World, p: Params<'_>) -> Outcome {
    watch(world, p, true)
}

fn unmonitor(world: &mut World, p: Params<'_>) -> Outcome {
    watch(world, p, false)
}

fn watch(world: &mut World, p: Params<'_>, on: bool) -> Outcome {
    let ids: Vec<String> = named(world, p)?.into_iter().map(str::to_owned).collect();
    if let Some(id) = ids.iter().find(|id| world.instances.get(*id).is_some_and(|instance| instance.state.is_over())) {
        return Err(wrong_state(id, "monitored"));
    }
    let mut shown = vec![];
    for id in ids {
        find_mut(&mut world.instances, "i", &id)?.monitoring = on;
        shown.push(json!({"InstanceId": id, "Monitoring": {"State": if on { "pending" } else { "disabling" }}}));
    }
    Ok(json!({"InstanceMonitorings": shown}))
}

fn show_interface(world: &World, id: &str) -> Option<Json> {
    let interface = world.interfaces.get(id)?;
    let mut shown = json!({
        "NetworkInterfaceId": id,
        "VpcId": interface.vpc,
        "SubnetId": interface.subnet,
        "Description": interface.description,
        "OwnerId": ACCOUNT,
        "Status": "in-use",
        "InterfaceType": "interface",
        "SourceDestCheck": interface.source_dest_check,
        "MacAddress": interface.mac(),
        "PrivateIpAddress": interface.addresses.first(),
        "PrivateDnsName": interface.addresses.first().map(|ip| world.private_name(*ip)),
        "PrivateIpAddresses": show_addresses(world, id, true),
        "Ipv6Addresses": interface.ipv6.iter().map(|ip| json!({"Ipv6Address": ip, "IsPrimaryIpv6": false})).collect::<Vec<_>>(),
        "Groups": show_groups(world, &interface.groups),
        "Attachment": interface.attachment.as_ref().map(|a| a.show_brief()),
    });
    if let (Some(public), Some(map)) = (show_public(world, id, None, true), shown.as_object_mut()) {
        map.insert("Association".into(), public);
    }
    Some(shown)
}

pub(crate) fn show_mappings(world: &World, instance: &Instance) -> Json {
    let attached = instance.volumes.iter().filter_map(|id| Some((id, world.volumes.get(id)?.attachment.as_ref()?)));
    attached
        .map(|(id, a)| {
            json!({"DeviceName": a.device, "Ebs": {"VolumeId": id, "Status": a.state.name(), "DeleteOnTermination": a.delete_on_termination,
                "AttachTime": World::time(a.at)}})
        })
        .collect()
}

pub(crate) fn show(world: &World, id: &str) -> Option<Json> {
    let instance = world.instances.get(id)?;
    let interfaces: Vec<Json> = instance.interfaces.iter().filter_map(|eni| show_interface(world, eni)).collect();
    let reason = instance.reason.as_ref();
    let Json::Object(mut shown) = json!({
        "InstanceId": id,
        "ImageId": instance.image,
        "InstanceType": instance.kind,
        "State": instance.state.show(),
        "StateTransitionReason": reason.map_or(String::new(), |_| format!("User initiated ({})", World::time(instance.ended))),
        "AmiLaunchIndex": instance.launch_index,
        "Architecture": instance.architecture,
        "BlockDeviceMappings": show_mappings(world, instance),
        "EbsOptimized": instance.ebs_optimized,
        "EnaSupport": true,
        "Hypervisor": "xen",
        "LaunchTime": World::time(instance.launched),
        "MetadataOptions": instance.metadata.show(),
        "Monitoring": {"State": if instance.monitoring { "enabled" } else { "disabled" }},
        "NetworkInterfaces": interfaces,
        "Placement": {"AvailabilityZone": instance.zone, "GroupName": instance.placement_group.as_deref().unwrap_or_default(),
            "Tenancy": instance.tenancy},
        "PrivateDnsName": "",
        "PublicDnsName": "",
        "ProductCodes": [],
        "RootDeviceName": instance.root_device,
        "RootDeviceType": "ebs",
        "SecurityGroups": [],
        "Tags": world.shown_tags(id),
        "VirtualizationType": "hvm",
    }) else {
        return None;
    };
    let mut add = |name: &str, value: Json| shown.insert(name.into(), value);
    if let Some((code, message)) = reason {
        add("StateReason", json!({"Code": code, "Message": message}));
    }
    if let Some(key) = &instance.key {
        add("KeyName", json!(key));
    }
    if let Some(token) = &instance.token {
        add("ClientToken", json!(token));
    }
    if let Some((arn, profile)) = &instance.profile {
        add("IamInstanceProfile", json!({"Arn": arn, "Id": profile}));
    }
    // Of a terminated instance EC2 no longer tells where it was.
    if let Some((eni, first)) = world.interfaces_of(id).next() {
        add("VpcId", json!(instance.vpc));
        add("SubnetId", json!(instance.subnet));
        add("SecurityGroups", show_groups(world, &first.groups));
        add("SourceDestCheck", json!(first.source_dest_check));
        if let Some(ip) = first.addresses.first() {
            add("PrivateIpAddress", json!(ip));
            add("PrivateDnsName", json!(world.private_name(*ip)));
        }
        if let Some(public) = world.public_address(eni, None) {
            add("PublicIpAddress", json!(public.ip));
            add("PublicDnsName", json!(world.public_name(&first.vpc, public.ip)));
        }
    }
    Some(shown.into())
}

const LISTING: Listing = Listing {
    member: "Reservations",
    ids: "InstanceIds",
    prefix: "i",
    filters: &[
        ("instance-id", "InstanceId"),
        ("instance-state-name", "State.Name"),
        ("instance-state-code", "State.Code"),
        ("instance-type", "InstanceType"),
        ("image-id", "ImageId"),
        ("architecture", "Architecture"),
        ("availability-zone", "Placement.AvailabilityZone"),
        ("client-token", "ClientToken"),
        ("dns-name", "PublicDnsName"),
        ("group-id", "SecurityGroups.GroupId"),
        ("group-name", "SecurityGroups.GroupName"),
        ("instance.group-id", "SecurityGroups.GroupId"),
        ("instance.group-name", "SecurityGroups.GroupName"),
        ("iam-instance-profile.arn", "IamInstanceProfile.Arn"),
        ("ip-address", "PublicIpAddress"),
        ("key-name", "KeyName"),
        ("launch-index", "AmiLaunchIndex"),
        ("launch-time", "LaunchTime"),
        ("metadata-options.http-tokens", "MetadataOptions.HttpTokens"),
        ("metadata-options.http-endpoint", "MetadataOptions.HttpEndpoint"),
        ("monitoring-state", "Monitoring.State"),
        ("network-interface.network-interface-id", "NetworkInterfaces.NetworkInterfaceId"),
        ("network-interface.subnet-id", "NetworkInterfaces.SubnetId"),
        ("network-interface.vpc-id", "NetworkInterfaces.VpcId"),
        ("network-interface.group-id", "NetworkInterfaces.Groups.GroupId"),
        ("network-interface.addresses.private-ip-address", "NetworkInterfaces.PrivateIpAddresses.PrivateIpAddress"),
        ("block-device-mapping.volume-id", "BlockDeviceMappings.Ebs.VolumeId"),
        ("block-device-mapping.device-name", "BlockDeviceMappings.DeviceName"),
        ("placement-group-name", "Placement.GroupName"),
        ("private-dns-name", "PrivateDnsName"),
        ("private-ip-address", "PrivateIpAddress"),
        ("root-device-name", "RootDeviceName"),
        ("root-device-type", "RootDeviceType"),
        ("source-dest-check", "SourceDestCheck"),
        ("state-reason-code", "StateReason.Code"),
        ("subnet-id", "SubnetId"),
        ("tenancy", "Placement.Tenancy"),
        ("virtualization-type", "VirtualizationType"),
        ("vpc-id", "VpcId"),
    ],
    ids_or_pages: true,
};

/// Instances by the reservation they were launched in.
pub(crate) fn reservations(world: &World, instances: Vec<(String, Json)>) -> Vec<(String, Json)> {
    let mut by_reservation: BTreeMap<String, Vec<Json>> = BTreeMap::new();
    for (id, shown) in instances {
        if let Some(instance) = world.instances.get(&id) {
            by_reservation.entry(instance.reservation.clone()).or_default().push(shown);
        }
    }
    let show = |(id, instances): (String, Vec<Json>)| {
        let shown = json!({"ReservationId": id, "OwnerId": ACCOUNT, "Groups": [], "Instances": instances});
        (id, shown)
    };
    by_reservation.into_iter().map(show).collect()
}

fn describe_instances(world: &mut World, p: Params<'_>) -> Outcome {
    let found = select(world, p, &LISTING, world.instances.keys(), |id| show(world, id))?;
    page(p, "Reservations", reservations(world, found))
}

const STATUS: Listing = Listing {
    member: "InstanceStatuses",
    ids: "InstanceIds",
    prefix: "i",
    filters: &[
        ("availability-zone", "AvailabilityZone"),
        ("instance-state-code", "InstanceState.Code"),
        ("instance-state-name", "InstanceState.Name"),
        ("instance-status.status", "InstanceStatus.Status"),
        ("system-status.status", "SystemStatus.Status"),
    ],
    ids_or_pages: true,
};

fn describe_status(world: &mut World, p: Params<'_>) -> Outcome {
    let all = p.flag("IncludeAllInstances") == Some(true);
    let show = |id: &str| {
        let instance = world.instances.get(id)?;
        let status = if instance.state == State::Running { "ok" } else { "not-applicable" };
        let mut shown = Map::new();
        shown.insert("InstanceId".into(), json!(id));
        shown.insert("AvailabilityZone".into(), json!(instance.zone));
        shown.insert("InstanceState".into(), instance.state.show());
        shown.insert("InstanceStatus".into(), json!({"Status": status, "Details": []}));
        shown.insert("SystemStatus".into(), json!({"Status": status, "Details": []}));
        Some(Json::Object(shown))
    };
    let mut found = select(world, p, &STATUS, world.instances.keys(), show)?;
    found.retain(|(id, _)| all || world.instances.get(id).is_some_and(|i| i.state == State::Running));
    page(p, STATUS.member, found)
}
