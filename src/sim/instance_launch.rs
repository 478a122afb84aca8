//! `RunInstances`. Layer 8.

use std::net::IpAddr;

use crate::{
    base::cidr::Cidr,
    call::{ApiError, Json},
    sim::{
        image::{self, Image},
        instance::{Instance, Metadata, State, map_public, reservations, show},
        instance_credit, instance_type, launch_template,
        network_interface::Interface,
        params::{Params, address, address_v6},
        placement_group,
        refuse::{Outcome, bad, clash, missing, refuse},
        tag::{Tags, at_creation},
        volume,
        world::{ACCOUNT, Due, World, find, find_mut},
    },
};

/// The parameters of RunInstances that the model knows.
pub(crate) const KNOWN: &str = "ImageId InstanceType KeyName MinCount MaxCount SubnetId SecurityGroupIds SecurityGroups PrivateIpAddress \
    UserData MetadataOptions Monitoring EbsOptimized DisableApiTermination DisableApiStop InstanceInitiatedShutdownBehavior \
    IamInstanceProfile CreditSpecification BlockDeviceMappings NetworkInterfaces TagSpecifications Placement LaunchTemplate Ipv6Addresses Ipv6AddressCount";

/// EC2's limit on user data before base64 (docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html).
const USER_DATA_MAX: usize = 16_384;

/// The first interface of each instance.
struct Port {
    subnet: String,
    groups: Vec<String>,
    ip: Option<IpAddr>,
    public: bool,
    description: String,
    delete_on_termination: bool,
    existing: Option<String>,
    ipv6: Option<Six>,
    /// Interfaces that stand, by device index.
    further: Vec<(i64, String)>,
}

/// The IPv6 addresses that are asked for, in place of one that the subnet gives.
enum Six {
    Named(Vec<IpAddr>),
    Chosen(i64),
}

const TAGGED: [&str; 3] = ["instance", "volume", "network-interface"];

/// Launches what the request says, or the template that it names.
pub(crate) fn run(world: &mut World, p: Params<'_>) -> Outcome {
    let Some(template) = p.sub("LaunchTemplate") else { return launch(world, p, &[]) };
    let (whole, tags) = launch_template::under(world, p, template)?;
    let whole = Params::new(&whole);
    let known = |name: &&str| KNOWN.split_whitespace().chain(["ClientToken"]).any(|known| known == *name);
    match whole.names().find(|name| !known(name)) {
        Some(name) => Err(refuse("UnsupportedOperation", format!("The sandbox does not model {name} of a launch template."))),
        None => launch(world, whole, &tags),
    }
}

/// `told` are the tags that AWS puts on the instances.
fn launch(world: &mut World, p: Params<'_>, told: &[(String, String)]) -> Outcome {
    let image = image::find(p.need("ImageId")?)?;
    let count = count(p)?;
    let kind = p.text("InstanceType").unwrap_or("m1.small");
    let model = instance_type::find(kind).ok_or_else(|| bad(format!("Invalid value '{kind}' for InstanceType.")))?;
    if model.architecture != image.architecture {
        return Err(bad(format!(
            "The architecture '{}' of the specified instance type does not match the architecture '{}' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again.",
            model.architecture, image.architecture
        )));
    }
    let key = p.text("KeyName");
    if let Some(key) = key.filter(|key| !world.key_pairs.values().any(|k| k.name == **key)) {
        return Err(refuse("InvalidKeyPair.NotFound", format!("The key pair '{key}' does not exist")));
    }
    let port = port(world, p)?;
    if count > 1 && (port.ip.is_some() || port.existing.is_some() || !port.further.is_empty() || matches!(port.ipv6, Some(Six::Named(_)))) {
        return Err(clash("A private IP address or a network interface may not be specified when more than one instance is launched"));
    }
    instance_type::offered(world, kind, &find(&world.subnets, "subnet", &port.subnet)?.zone)?;
    let disks = volume::disks(p, &image)?;
    let user_data = p.text("UserData").map(check_user_data).transpose()?;
    let tags = TAGGED.map(|of| at_creation(p, of, &TAGGED));
    let [tags, volume_tags, interface_tags] = tags;
    let (mut tags, volume_tags, interface_tags) = (tags?, volume_tags?, interface_tags?);
    let zone = &find(&world.subnets, "subnet", &port.subnet)?.zone;
    if let Some((_, id)) = port.further.iter().find(|(_, id)| world.interfaces.get(id).is_some_and(|i| i.zone != *zone)) {
        return Err(bad(format!(
            "You may not attach a network interface to an instance if they are not in the same availability zone: {id}"
        )));
    }
    tags.extend(told.iter().cloned());
    let template = template(world, p, &image, kind, &port, user_data)?;
    // From here on nothing may be refused, or what was made would stay: there must be addresses for all.
    let free = free_addresses(world, &port.subnet);
    if port.existing.is_none() && free < count {
        return Err(refuse(
            "InsufficientFreeAddressesInSubnet",
            format!("There are not enough free addresses in subnet '{}' to satisfy the requested number of instances.", port.subnet),
        ));
    }
    if port.existing.is_none() && world.interfaces.len() + count > world.quotas.interfaces {
        return Err(refuse("NetworkInterfaceLimitExceeded", "The maximum number of network interfaces has been reached."));
    }
    let mut made = vec![];
    for index in 0..count {
        let id = world.id("i");
        let instance = Instance { launch_index: index, ..template.clone() };
        world.instances.insert(id.clone(), instance);
        connect(world, &id, &port, &interface_tags)?;
        volume::attach_all(world, &id, &disks, &volume_tags);
        world.tag(&id, tags.clone());
        world.schedule(world.pace.instance_running, Due::Instance(id.clone()));
        made.push(id);
    }
    let shown = made.into_iter().filter_map(|id| show(world, &id).map(|shown| (id, shown))).collect();
    let (_, mut reservation) = reservations(world, shown).pop().ok_or_else(|| missing("MinCount"))?;
    if let Some(list) = reservation.get_mut("Instances").and_then(Json::as_array_mut) {
        list.sort_by_key(|i| i.get("AmiLaunchIndex").and_then(Json::as_u64));
    }
    Ok(reservation)
}

fn count(p: Params<'_>) -> Result<usize, ApiError> {
    let number = |name: &str| p.int(name).ok_or_else(|| missing(name));
    let (min, max) = (number("MinCount")?, number("MaxCount")?);
    if min < 1 || max < min {
        return Err(bad(format!("Value ({min}) for parameter minCount is invalid. It must be at least 1 and at most maxCount ({max}).")));
    }
    usize::try_from(max).map_err(|_| bad("maxCount"))
}

fn free_addresses(world: &World, subnet: &str) -> usize {
    let Some(of) = world.subnets.get(subnet) else { return 0 };
    // One of IPv6 alone has enough.
    let Some(cidr) = of.cidr else { return usize::MAX };
    let size = (cidr.last_number() - cidr.first_number() + 1).saturating_sub(5);
    let taken: usize = world.interfaces_in(subnet).map(|i| i.addresses.len()).sum();
    usize::try_from(size).unwrap_or(usize::MAX).saturating_sub(taken)
}

/// Where the instances go, said at the top of the request or in its only network interface.
fn port(world: &World, p: Params<'_>) -> Result<Port, ApiError> {
    let mut interfaces = p.subs("NetworkInterfaces");
    let Some(of) = interfaces.next() else {
        let groups = [p.texts("SecurityGroupIds"), group_names(world, p)?].concat();
        return port_in(world, p, p, &groups);
    };
    let further = further(world, p, interfaces)?;
    let apart = ["SubnetId", "SecurityGroupIds", "SecurityGroups", "PrivateIpAddress", "Ipv6Addresses", "Ipv6AddressCount"];
    if apart.iter().any(|name| p.has(name)) {
        return Err(clash(
            "Network interfaces and an instance-level subnet ID, security groups or private IP address may not be specified on the same request",
        ));
    }
    if of.int("DeviceIndex") != Some(0) {
        return Err(bad("A network interface with device index 0 must be specified"));
    }
    const MODELLED: [&str; 10] = [
        "Ipv6Addresses",
        "Ipv6AddressCount",
        "DeviceIndex",
        "SubnetId",
        "Groups",
        "PrivateIpAddress",
        "AssociatePublicIpAddress",
        "Description",
        "DeleteOnTermination",
        "NetworkInterfaceId",
    ];
    if let Some(name) = of.names().find(|name| !MODELLED.contains(name)) {
        return Err(refuse(
            "UnsupportedOperation",
            format!("The sandbox does not model the parameter NetworkInterfaces.{name} of RunInstances."),
        ));
    }
    match of.text("NetworkInterfaceId") {
        None => {
            if !further.is_empty() && of.flag("AssociatePublicIpAddress") == Some(true) {
                return Err(clash(
                    "The associatePublicIPAddress parameter cannot be specified when launching with multiple network interfaces",
                ));
            }
            Ok(Port { further, ..port_in(world, p, of, &of.texts("Groups"))? })
        }
        Some(id) => {
            let interface = free_interface(world, id)?;
            Ok(Port {
                subnet: interface.subnet.clone(),
                groups: vec![],
                ip: None,
                public: false,
                description: String::new(),
                delete_on_termination: false,
                existing: Some(id.into()),
                ipv6: None,
                further,
            })
        }
    }
}

fn free_interface<'a>(world: &'a World, id: &str) -> Result<&'a Interface, ApiError> {
    let interface = find(&world.interfaces, "eni", id)?;
    match interface.attachment.is_some() || interface.nat_gateway.is_some() {
        true => Err(refuse("InvalidNetworkInterface.InUse", format!("Interface: [{id}] in use."))),
        false => Ok(interface),
    }
}

/// The interfaces besides the first: those that stand, each at an index of its own, as many as the type takes.
fn further<'a>(world: &World, p: Params<'_>, interfaces: impl Iterator<Item = Params<'a>>) -> Result<Vec<(i64, String)>, ApiError> {
    let mut found: Vec<(i64, String)> = vec![];
    for of in interfaces {
        let Some(id) = of.text("NetworkInterfaceId") else {
            return Err(refuse("UnsupportedOperation", "The sandbox makes no network interface but the first with an instance."));
        };
        let index = of.int("DeviceIndex").ok_or_else(|| missing("networkInterface.deviceIndex"))?;
        if index == 0 || found.iter().any(|(taken, held)| *taken == index || held == id) {
            return Err(bad(format!("Each network interface requires a unique device index; {index} is taken")));
        }
        free_interface(world, id)?;
        found.push((index, id.into()));
    }
    let kind = p.text("InstanceType").unwrap_or("m1.small");
    match found.len() >= instance_type::room(kind).0 {
        true => Err(refuse("AttachmentLimitExceeded", format!("Interface count {} exceeds the limit for {kind}", found.len() + 1))),
        false => Ok(found),
    }
}

/// Groups by name: of the default VPC.
fn group_names<'a>(world: &'a World, p: Params<'a>) -> Result<Vec<&'a str>, ApiError> {
    let vpc = world.default_vpc();
    let id = |name: &str| world.groups.iter().find(|(_, g)| Some(&g.vpc) == vpc && g.name == name).map(|(id, _)| id.as_str());
    let found = p.texts("SecurityGroups").into_iter().map(|name| {
        id(name).ok_or_else(|| refuse("InvalidGroup.NotFound", format!("The security group '{name}' does not exist in default VPC")))
    });
    found.collect()
}

fn port_in(world: &World, p: Params<'_>, of: Params<'_>, groups: &[&str]) -> Result<Port, ApiError> {
    let zone = p.sub("Placement").and_then(|place| place.text("AvailabilityZone"));
    let subnet_id = match of.text("SubnetId") {
        Some(id) => id.to_owned(),
        None => {
            let mut found = world.subnets.iter().filter(|(_, s)| s.default_for_zone && zone.is_none_or(|zone| s.zone == zone));
            let first = found.next().map(|(id, _)| id.clone());
            first.ok_or_else(|| refuse("MissingInput", "No subnets found for the default VPC. Please specify a subnet."))?
        }
    };
    let subnet = find(&world.subnets, "subnet", &subnet_id)?;
    if zone.is_some_and(|zone| subnet.zone != zone) {
        return Err(bad(format!("The availability zone does not match that of the subnet '{subnet_id}', {}.", subnet.zone)));
    }
    let ip = of.text("PrivateIpAddress").map(|text| address("privateIpAddress", text)).transpose()?;
    if let Some(ip) = ip {
        check_free(world, &subnet_id, subnet.cidr, ip)?;
    }
    Ok(Port {
        groups: world.groups_for(&subnet.vpc, groups, "InvalidParameter")?,
        ip,
        public: of.flag("AssociatePublicIpAddress").unwrap_or(subnet.map_public_ip),
        description: of.text("Description").filter(|_| of.has("DeviceIndex")).unwrap_or_default().into(),
        delete_on_termination: of.flag("DeleteOnTermination").unwrap_or(true),
        existing: None,
        ipv6: six(world, of, &subnet_id)?,
        further: vec![],
        subnet: subnet_id,
    })
}

fn six(world: &World, of: Params<'_>, subnet: &str) -> Result<Option<Six>, ApiError> {
    let named = of.subs("Ipv6Addresses").filter_map(|a| a.text("Ipv6Address"));
    let named = named.map(|text| address_v6("ipv6Address", text)).collect::<Result<Vec<_>, _>>()?;
    let six = match (named.is_empty(), of.int("Ipv6AddressCount")) {
        (false, Some(_)) => return Err(clash("ipv6AddressCount and ipv6Addresses may not be specified on the same request")),
        (false, None) => Six::Named(named),
        (true, Some(count)) => Six::Chosen(count),
        (true, None) => return Ok(None),
    };
    let Some(network) = find(&world.subnets, "subnet", subnet)?.ipv6.as_ref().map(|block| block.cidr) else {
        return Err(bad(format!("The subnet '{subnet}' has no IPv6 CIDR block")));
    };
    if let Six::Named(named) = &six {
        for ip in named {
            if !network.contains_ip(*ip) {
                return Err(bad(format!("{ip} is not a valid IPv6 address of the subnet")));
            }
            if world.interfaces_in(subnet).any(|i| i.ipv6.contains(ip)) {
                return Err(refuse("InvalidIPAddress.InUse", format!("Address {ip} is in use.")));
            }
        }
    }
    Ok(Some(six))
}

fn check_free(world: &World, subnet: &str, cidr: Option<Cidr>, ip: IpAddr) -> Result<(), ApiError> {
    let number = Cidr::host_of(ip).first_number();
    if cidr.is_none_or(|cidr| !cidr.contains_ip(ip) || number < cidr.first_number() + 4 || number == cidr.last_number()) {
        return Err(bad("Address does not fall within the subnet's address range"));
    }
    match world.interfaces_in(subnet).any(|i| i.addresses.contains(&ip)) {
        true => Err(refuse("InvalidIPAddress.InUse", format!("Address {ip} is in use."))),
        false => Ok(()),
    }
}

fn check_user_data(text: &str) -> Result<String, ApiError> {
    let bytes =
        crate::base::base64::decode(text).ok_or_else(|| refuse("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data."))?;
    match bytes.len() > USER_DATA_MAX {
        true => Err(bad(format!("User data is limited to {USER_DATA_MAX} bytes"))),
        false => Ok(text.into()),
    }
}

/// What the new instances have in common.
fn template(
    world: &mut World,
    p: Params<'_>,
    image: &Image,
    kind: &str,
    port: &Port,
    user_data: Option<String>,
) -> Result<Instance, ApiError> {
    let subnet = find(&world.subnets, "subnet", &port.subnet)?.clone();
    let required = image.imds_v2;
    let mut metadata = Metadata {
        tokens: if required { "required" } else { "optional" }.into(),
        hop_limit: if required { 2 } else { 1 },
        endpoint: "enabled".into(),
        ipv6: "disabled".into(),
        tags: "disabled".into(),
    };
    p.sub("MetadataOptions").into_iter().for_each(|options| metadata.change(options));
    let profile = p.sub("IamInstanceProfile").map(|profile| profile_arn(profile)).transpose()?;
    Ok(Instance {
        state: State::Pending,
        due: world.now + world.pace.instance_running,
        image: image.id.clone(),
        kind: kind.into(),
        architecture: image.architecture.clone(),
        reservation: world.id("r"),
        launch_index: 0,
        launched: world.now,
        key: p.text("KeyName").map(str::to_owned),
        token: p.text("ClientToken").map(str::to_owned),
        zone: subnet.zone,
        vpc: subnet.vpc,
        subnet: port.subnet.clone(),
        interfaces: vec![],
        root_device: image.root_device.clone(),
        volumes: vec![],
        metadata,
        monitoring: p.sub("Monitoring").and_then(|m| m.flag("Enabled")).unwrap_or(false),
        ebs_optimized: p.flag("EbsOptimized").unwrap_or(false),
        credits: instance_credit::asked(p, kind)?,
        tenancy: p.sub("Placement").and_then(|m| m.text("Tenancy")).unwrap_or("default").into(),
        placement_group: placement_group(world, p)?,
        profile: profile.map(|arn| {
            let id = format!("AIPA{:016X}", world.draw());
            (arn, id)
        }),
        user_data,
        no_termination: p.flag("DisableApiTermination").unwrap_or(false),
        no_stop: p.flag("DisableApiStop").unwrap_or(false),
        shutdown_behavior: p.text("InstanceInitiatedShutdownBehavior").unwrap_or("stop").into(),
        reason: None,
        ended: 0,
    })
}

/// The placement group that is asked for, which must be there.
fn placement_group(world: &World, p: Params<'_>) -> Result<Option<String>, ApiError> {
    let Some(place) = p.sub("Placement") else { return Ok(None) };
    if let Some(name) = place.names().find(|name| !matches!(*name, "AvailabilityZone" | "Tenancy" | "GroupName")) {
        return Err(refuse("UnsupportedOperation", format!("The sandbox does not model the parameter Placement.{name} of RunInstances.")));
    }
    match place.text("GroupName").filter(|name| !name.is_empty()) {
        Some(name) if !world.placement_groups.values().any(|g| g.name == name) => Err(placement_group::unknown(name)),
        name => Ok(name.map(str::to_owned)),
    }
}

/// IAM is not modelled: any profile that is well written is taken to exist.
fn profile_arn(p: Params<'_>) -> Result<String, ApiError> {
    match (p.text("Arn"), p.text("Name")) {
        (Some(_), Some(_)) => Err(clash("Only one of iamInstanceProfile.arn and iamInstanceProfile.name may be specified")),
        (Some(arn), None) if arn.starts_with("arn:") && arn.contains(":instance-profile/") => Ok(arn.into()),
        (Some(arn), None) => {
            Err(bad(format!("Value ({arn}) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN")))
        }
        (None, Some(name)) => Ok(format!("arn:aws:iam::{ACCOUNT}:instance-profile/{name}")),
        (None, None) => Err(missing("iamInstanceProfile.arn or iamInstanceProfile.name")),
    }
}

fn connect(world: &mut World, id: &str, port: &Port, tags: &Tags) -> Result<(), ApiError> {
    let eni = match &port.existing {
        Some(eni) => eni.clone(),
        None => {
            let ip = world.take_address(&port.subnet, port.ip)?;
            let eni = world.add_interface(&port.subnet, ip, port.groups.clone(), &port.description)?;
            world.tag(&eni, tags.clone());
            let asked: Option<Vec<Option<IpAddr>>> = port.ipv6.as_ref().map(|six| match six {
                Six::Named(named) => named.iter().copied().map(Some).collect(),
                Six::Chosen(count) => (0..*count).map(|_| None).collect(),
            });
            if let Some(asked) = asked {
                find_mut(&mut world.interfaces, "eni", &eni)?.ipv6.clear();
                for ip in asked {
                    let ip = world.take_ipv6(&port.subnet, ip)?;
                    find_mut(&mut world.interfaces, "eni", &eni)?.ipv6.push(ip);
                }
            }
            eni
        }
    };
    find_mut(&mut world.interfaces, "eni", &eni)?.wants_public = port.public;
    world.attach_interface(&eni, id, 0, port.delete_on_termination)?;
    for (index, eni) in &port.further {
        world.attach_interface(eni, id, *index, false)?;
    }
    map_public(world, id)
}
