//! Virtual private gateways and customer gateways: the two ends of a VPN. Layer 8.
//!
//! docs.aws.amazon.com/vpn/latest/s2svpn/how_it_works.html

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    call::Json,
    sim::{
        Actions, done,
        page::{Listing, describe},
        params::{Params, address},
        refuse::{Outcome, bad, in_use, missing, refuse},
        tag::at_creation,
        transit_gateway::{State, check_asn},
        world::{Due, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateVpnGateway", create, "Type AmazonSideAsn TagSpecifications"),
    ("DeleteVpnGateway", delete, "VpnGatewayId"),
    ("AttachVpnGateway", attach, "VpnGatewayId VpcId"),
    ("DetachVpnGateway", detach, "VpnGatewayId VpcId"),
    ("DescribeVpnGateways", describe_gateways, "VpnGatewayIds Filters"),
    ("EnableVgwRoutePropagation", propagate, "GatewayId RouteTableId"),
    ("DisableVgwRoutePropagation", stop_propagating, "GatewayId RouteTableId"),
    ("CreateCustomerGateway", create_customer, "Type BgpAsn BgpAsnExtended PublicIp IpAddress CertificateArn DeviceName TagSpecifications"),
    ("DeleteCustomerGateway", delete_customer, "CustomerGatewayId"),
    ("DescribeCustomerGateways", describe_customers, "CustomerGatewayIds Filters"),
];

/// How many there may be in a region (docs.aws.amazon.com/vpn/latest/s2svpn/vpn-limits.html).
const GATEWAYS_MAX: usize = 5;
const CUSTOMERS_MAX: usize = 50;

/// A virtual private gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct VpnGateway {
    state: State,
    asn: i64,
    /// The VPC, and whether the attachment has come to its end: attaching or detaching else.
    vpc: Option<(String, Attachment)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Attachment {
    Attaching,
    Attached,
    Detaching,
}

impl VpnGateway {
    pub(crate) fn is_gone(&self) -> bool {
        self.state.is_gone()
    }

    /// Whether it is attached to a VPC.
    pub(crate) fn is_attached_to(&self, vpc: &str) -> bool {
        self.vpc.as_ref().is_some_and(|(v, state)| v == vpc && *state == Attachment::Attached)
    }
}

/// A customer gateway: what is known of a device that is elsewhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CustomerGateway {
    state: State,
    asn: i64,
    ip: Option<String>,
    certificate: Option<String>,
    device: Option<String>,
}

impl CustomerGateway {
    pub(crate) fn is_gone(&self) -> bool {
        self.state.is_gone()
    }
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    p.need("Type")?;
    let tags = at_creation(p, "vpn-gateway", &["vpn-gateway"])?;
    let asn = p.int("AmazonSideAsn").unwrap_or(64512);
    check_asn(asn)?;
    if world.vpn_gateways.values().filter(|g| !g.state.is_gone()).count() >= GATEWAYS_MAX {
        return Err(refuse("VpnGatewayLimitExceeded", "The maximum number of virtual private gateways has been reached."));
    }
    let id = world.id("vgw");
    world.vpn_gateways.insert(id.clone(), VpnGateway { state: State::Available, asn, vpc: None });
    world.tag(&id, tags);
    Ok(json!({"VpnGateway": show(world, &id)}))
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("VpnGatewayId")?;
    let ends = world.vpn_connection_at(id).is_some();
    let gateway = find_mut(&mut world.vpn_gateways, "vgw", id)?;
    if gateway.vpc.is_some() || ends {
        return Err(refuse("IncorrectState", format!("The vpnGateway '{id}' is in use.")));
    }
    if gateway.state != State::Deleted {
        gateway.state = State::Deleted;
        world.schedule(world.pace.linger, Due::Vanish(id.into()));
    }
    Ok(json!({}))
}

fn attach(world: &mut World, p: Params<'_>) -> Outcome {
    let (id, vpc) = (p.need("VpnGatewayId")?, p.need("VpcId")?);
    let gateway = find(&world.vpn_gateways, "vgw", id)?;
    find(&world.vpcs, "vpc", vpc)?;
    if gateway.state != State::Available || gateway.vpc.is_some() {
        return Err(refuse("IncorrectState", format!("The vpnGateway '{id}' is not available or is attached to another VPC.")));
    }
    if world.vpn_gateways.values().any(|g| g.vpc.as_ref().is_some_and(|(v, _)| v == vpc)) {
        return Err(refuse("VpnGatewayAttachmentLimitExceeded", format!("The vpc '{vpc}' has a virtual private gateway already.")));
    }
    find_mut(&mut world.vpn_gateways, "vgw", id)?.vpc = Some((vpc.into(), Attachment::Attaching));
    world.schedule(world.pace.transit, Due::Transit(id.into()));
    Ok(json!({"VpcAttachment": {"VpcId": vpc, "State": "attaching"}}))
}

fn detach(world: &mut World, p: Params<'_>) -> Outcome {
    let (id, vpc) = (p.need("VpnGatewayId")?, p.need("VpcId")?);
    find(&world.vpcs, "vpc", vpc)?;
    if !find(&world.vpn_gateways, "vgw", id)?.is_attached_to(vpc) {
        return Err(refuse(
            "InvalidVpnGatewayAttachment.NotFound",
            format!("The attachment with vpn gateway ID '{id}' and vpc ID '{vpc}' does not exist."),
        ));
    }
    find_mut(&mut world.vpn_gateways, "vgw", id)?.vpc = Some((vpc.into(), Attachment::Detaching));
    for table in world.route_tables.values_mut() {
        table.propagating.retain(|gateway| gateway != id);
    }
    world.schedule(world.pace.transit, Due::Transit(id.into()));
    Ok(json!({}))
}

pub(crate) fn settle(world: &mut World, id: &str) {
    let Some(gateway) = world.vpn_gateways.get_mut(id) else { return };
    gateway.vpc = gateway.vpc.take().and_then(|(vpc, state)| match state {
        Attachment::Attaching | Attachment::Attached => Some((vpc, Attachment::Attached)),
        Attachment::Detaching => None,
    });
}

fn propagate(world: &mut World, p: Params<'_>) -> Outcome {
    let (gateway, table) = (p.need("GatewayId")?, p.need("RouteTableId")?);
    let vpc = &find(&world.route_tables, "rtb", table)?.vpc;
    if !find(&world.vpn_gateways, "vgw", gateway)?.is_attached_to(vpc) {
        return Err(refuse("Gateway.NotAttached", format!("resource {gateway} is not attached to network {vpc}")));
    }
    let table = find_mut(&mut world.route_tables, "rtb", table)?;
    if table.is_of_gateway() {
        return Err(bad("Route propagation can not be enabled for a route table that is associated with a gateway."));
    }
    if !table.propagating.iter().any(|g| g == gateway) {
        table.propagating.push(gateway.into());
    }
    done()
}

fn stop_propagating(world: &mut World, p: Params<'_>) -> Outcome {
    let (gateway, table) = (p.need("GatewayId")?, p.need("RouteTableId")?);
    find(&world.vpn_gateways, "vgw", gateway)?;
    find_mut(&mut world.route_tables, "rtb", table)?.propagating.retain(|g| g != gateway);
    done()
}

fn show(world: &World, id: &str) -> Option<Json> {
    let gateway = world.vpn_gateways.get(id)?;
    let state = |state: &Attachment| match state {
        Attachment::Attaching => "attaching",
        Attachment::Attached => "attached",
        Attachment::Detaching => "detaching",
    };
    let attachments: Vec<Json> = gateway.vpc.iter().map(|(vpc, s)| json!({"VpcId": vpc, "State": state(s)})).collect();
    Some(json!({
        "VpnGatewayId": id,
        "State": gateway.state.name(),
        "Type": "ipsec.1",
        "AmazonSideAsn": gateway.asn,
        "VpcAttachments": attachments,
        "Tags": world.shown_tags(id),
    }))
}

const GATEWAYS: Listing = Listing {
    member: "VpnGateways",
    ids: "VpnGatewayIds",
    prefix: "vgw",
    filters: &[
        ("vpn-gateway-id", "VpnGatewayId"),
        ("amazon-side-asn", "AmazonSideAsn"),
        ("attachment.state", "VpcAttachments.State"),
        ("attachment.vpc-id", "VpcAttachments.VpcId"),
        ("state", "State"),
        ("type", "Type"),
    ],
    ids_or_pages: false,
};

fn describe_gateways(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &GATEWAYS, world.vpn_gateways.keys(), |id| show(world, id))
}

fn create_customer(world: &mut World, p: Params<'_>) -> Outcome {
    p.need("Type")?;
    let tags = at_creation(p, "customer-gateway", &["customer-gateway"])?;
    let asn = p.int("BgpAsn").or(p.int("BgpAsnExtended")).ok_or_else(|| missing("bgpAsn"))?;
    if !(1..=4_294_967_295).contains(&asn) {
        return Err(bad(format!("Invalid BGP ASN: {asn}")));
    }
    let ip = p.text("IpAddress").or(p.text("PublicIp"));
    ip.map(|ip| address("ipAddress", ip)).transpose()?;
    if ip.is_none() && !p.has("CertificateArn") {
        return Err(missing("ipAddress"));
    }
    let text = |name: &str| p.text(name).map(str::to_owned);
    let customer = CustomerGateway {
        state: State::Available,
        asn,
        ip: ip.map(str::to_owned),
        certificate: text("CertificateArn"),
        device: text("DeviceName"),
    };
    // The same device twice is the same customer gateway.
    let same = |c: &&CustomerGateway| {
        !c.state.is_gone() && (c.asn, &c.ip, &c.certificate, &c.device) == (asn, &customer.ip, &customer.certificate, &customer.device)
    };
    if let Some(id) = world.customer_gateways.iter().find(|(_, c)| same(c)).map(|(id, _)| id.clone()) {
        return Ok(json!({"CustomerGateway": show_customer(world, &id)}));
    }
    if world.customer_gateways.values().filter(|c| !c.state.is_gone()).count() >= CUSTOMERS_MAX {
        return Err(refuse("CustomerGatewayLimitExceeded", "The maximum number of customer gateways has been reached."));
    }
    let id = world.id("cgw");
    world.customer_gateways.insert(id.clone(), customer);
    world.tag(&id, tags);
    Ok(json!({"CustomerGateway": show_customer(world, &id)}))
}

fn delete_customer(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("CustomerGatewayId")?;
    if world.vpn_connection_at(id).is_some() {
        return Err(refuse("IncorrectState", "The customer gateway is in use"));
    }
    let customer = find_mut(&mut world.customer_gateways, "cgw", id)?;
    if customer.state.is_gone() {
        return Err(in_use("customerGateway", id));
    }
    customer.state = State::Deleted;
    world.schedule(world.pace.linger, Due::Vanish(id.into()));
    Ok(json!({}))
}

fn show_customer(world: &World, id: &str) -> Option<Json> {
    let customer = world.customer_gateways.get(id)?;
    let mut shown = json!({
        "CustomerGatewayId": id,
        "State": customer.state.name(),
        "Type": "ipsec.1",
        "BgpAsn": customer.asn.to_string(),
        "Tags": world.shown_tags(id),
    });
    let map = shown.as_object_mut()?;
    let further = [("IpAddress", &customer.ip), ("CertificateArn", &customer.certificate), ("DeviceName", &customer.device)];
    map.extend(further.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?)))));
    Some(shown)
}

const CUSTOMERS: Listing = Listing {
    member: "CustomerGateways",
    ids: "CustomerGatewayIds",
    prefix: "cgw",
    filters: &[
        ("customer-gateway-id", "CustomerGatewayId"),
        ("bgp-asn", "BgpAsn"),
        ("ip-address", "IpAddress"),
        ("state", "State"),
        ("type", "Type"),
    ],
    ids_or_pages: false,
};

fn describe_customers(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &CUSTOMERS, world.customer_gateways.keys(), |id| show_customer(world, id))
}
