//! VPCs: their networks, attributes, and what comes and goes with them. Layer 8.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    base::cidr::{Cidr, Family},
    call::{ApiError, Json},
    sim::{
        Actions, dhcp_options, internet_gateway, network_acl,
        page::{Listing, describe},
        params::{Params, cidr_of},
        refuse::{Outcome, clash, in_use, invalid, missing, no_such, refuse},
        route_table, security_group, subnet,
        tag::at_creation,
        world::{ACCOUNT, Due, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateVpc", create, "CidrBlock InstanceTenancy AmazonProvidedIpv6CidrBlock TagSpecifications"),
    ("DeleteVpc", delete, "VpcId"),
    ("DescribeVpcs", describe_vpcs, "VpcIds Filters"),
    ("DescribeVpcAttribute", describe_attribute, "VpcId Attribute"),
    ("ModifyVpcAttribute", modify_attribute, "VpcId EnableDnsSupport EnableDnsHostnames EnableNetworkAddressUsageMetrics"),
    ("ModifyVpcTenancy", modify_tenancy, "VpcId InstanceTenancy"),
    ("AssociateVpcCidrBlock", associate_cidr, "VpcId CidrBlock AmazonProvidedIpv6CidrBlock"),
    ("DisassociateVpcCidrBlock", disassociate_cidr, "AssociationId"),
];

/// A VPC.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Vpc {
    pub(crate) available: bool,
    pub(crate) is_default: bool,
    tenancy: String,
    /// IPv4 and IPv6, the first of the VPC first.
    pub(crate) cidrs: Vec<Block>,
    pub(crate) dns_support: bool,
    pub(crate) dns_hostnames: bool,
    usage_metrics: bool,
    #[serde(default = "no_options")]
    pub(crate) dhcp_options: String,
}

fn no_options() -> String {
    dhcp_options::DEFAULT.into()
}

/// A network of a VPC.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Block {
    pub(crate) cidr: Cidr,
    pub(crate) association: String,
    associated: bool,
}

impl Vpc {
    pub(crate) fn cidrs(&self, family: Family) -> impl Iterator<Item = Cidr> {
        self.cidrs.iter().map(|b| b.cidr).filter(move |c| c.family() == family)
    }

    /// Those of which subnets can be made.
    pub(crate) fn associated(&self, family: Family) -> impl Iterator<Item = Cidr> {
        self.cidrs.iter().filter(|b| b.associated).map(|b| b.cidr).filter(move |c| c.family() == family)
    }

    pub(crate) fn has_ipv6(&self) -> bool {
        self.cidrs(Family::V6).next().is_some()
    }
}

/// EC2 allows /16 to /28 (docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html).
fn vpc_cidr(parameter: &str, text: &str) -> Result<Cidr, ApiError> {
    let cidr = cidr_of(Family::V4, parameter, text)?;
    let never = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4"];
    let forbidden = never.iter().filter_map(|n| n.parse().ok()).any(|n: Cidr| n.overlaps(cidr));
    match (16..=28).contains(&cidr.prefix()) && !forbidden {
        true => Ok(cidr),
        false => Err(refuse("InvalidVpc.Range", format!("The CIDR '{text}' is invalid."))),
    }
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let cidr = vpc_cidr("cidrBlock", p.text("CidrBlock").ok_or_else(|| missing("cidrBlock"))?)?;
    let tags = at_creation(p, "vpc", &["vpc"])?;
    if world.vpcs.len() >= world.quotas.vpcs {
        return Err(refuse("VpcLimitExceeded", "The maximum number of VPCs has been reached."));
    }
    let tenancy = p.text("InstanceTenancy").unwrap_or("default").to_owned();
    let id = add(world, cidr, tenancy);
    if p.flag("AmazonProvidedIpv6CidrBlock") == Some(true) {
        add_ipv6(world, &id)?;
    }
    world.tag(&id, tags);
    world.schedule(world.pace.vpc_available, Due::Vpc(id.clone()));
    Ok(json!({"Vpc": show(world, &id)}))
}

/// A VPC with its main route table, its default network ACL and its default security group.
fn add(world: &mut World, cidr: Cidr, tenancy: String) -> String {
    let id = world.id("vpc");
    let association = world.id("vpc-cidr-assoc");
    let vpc = Vpc {
        available: false,
        is_default: false,
        tenancy,
        cidrs: vec![Block { cidr, association, associated: true }],
        dns_support: true,
        dns_hostnames: false,
        usage_metrics: false,
        dhcp_options: no_options(),
    };
    world.vpcs.insert(id.clone(), vpc);
    route_table::add_main(world, &id);
    network_acl::add_default(world, &id);
    security_group::add_default(world, &id);
    id
}

/// The VPC that every region of an account begins with
/// (docs.aws.amazon.com/vpc/latest/userguide/default-vpc.html#default-vpc-components).
pub(crate) fn add_default(world: &mut World) {
    let Ok(cidr) = Cidr::containing([172, 31, 0, 0].into(), 16) else { return };
    let id = add(world, cidr, "default".into());
    if let Some(vpc) = world.vpcs.get_mut(&id) {
        (vpc.available, vpc.is_default, vpc.dns_hostnames) = (true, true, true);
    }
    for (zone, cidr) in world.zones().into_iter().zip((0..).map_while(|n| cidr.subnet(4, n))) {
        subnet::add_default(world, &id, &zone, cidr);
    }
    internet_gateway::add_default(world, &id);
}

/// The VPC is available, and so are networks that were added to it.
pub(crate) fn settle(world: &mut World, id: &str) {
    if let Some(vpc) = world.vpcs.get_mut(id) {
        vpc.available = true;
        vpc.cidrs.iter_mut().for_each(|b| b.associated = true);
    }
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("VpcId")?;
    find(&world.vpcs, "vpc", id)?;
    let held = world.subnets.values().any(|s| s.vpc == id)
        || world.groups.values().any(|g| g.vpc == id && g.name != "default")
        || world.route_tables.values().any(|t| t.vpc == id && !t.is_main())
        || world.network_acls.values().any(|a| a.vpc == id && !a.is_default)
        || world.internet_gateways.values().any(|g| g.vpc.as_deref() == Some(id))
        || world.egress_only_internet_gateways.values().any(|g| g.vpc == id)
        || world.endpoints.values().any(|e| e.vpc == id && e.is_there())
        || world.interfaces.values().any(|i| i.vpc == id)
        || world.peerings.values().any(|p| p.is_active() && p.has(id));
    if held {
        return Err(in_use("vpc", id));
    }
    world.vpcs.remove(id);
    let mut gone = vec![id.to_owned()];
    gone.extend(world.route_tables.extract_if(.., |_, t| t.vpc == id).map(|(id, _)| id));
    gone.extend(world.network_acls.extract_if(.., |_, a| a.vpc == id).map(|(id, _)| id));
    gone.extend(world.groups.extract_if(.., |_, g| g.vpc == id).map(|(id, _)| id));
    gone.iter().for_each(|id| drop(world.tags.remove(id)));
    Ok(json!({}))
}

pub(crate) fn show(world: &World, id: &str) -> Option<Json> {
    let vpc = world.vpcs.get(id)?;
    let state = |b: &Block| json!({"State": if b.associated { "associated" } else { "associating" }});
    let blocks = |family: Family| vpc.cidrs.iter().filter(move |b| b.cidr.family() == family);
    let v4: Vec<Json> =
        blocks(Family::V4).map(|b| json!({"AssociationId": b.association, "CidrBlock": b.cidr, "CidrBlockState": state(b)})).collect();
    let v6: Vec<Json> = blocks(Family::V6)
        .map(|b| {
            json!({"AssociationId": b.association, "Ipv6CidrBlock": b.cidr, "Ipv6CidrBlockState": state(b),
                "NetworkBorderGroup": world.region, "Ipv6Pool": "Amazon", "IpSource": "amazon", "Ipv6AddressAttribute": "public"})
        })
        .collect();
    Some(json!({
        "VpcId": id,
        "State": if vpc.available { "available" } else { "pending" },
        "CidrBlock": vpc.cidrs(Family::V4).next(),
        "CidrBlockAssociationSet": v4,
        "Ipv6CidrBlockAssociationSet": v6,
        "DhcpOptionsId": vpc.dhcp_options,
        "InstanceTenancy": vpc.tenancy,
        "IsDefault": vpc.is_default,
        "OwnerId": ACCOUNT,
        "Tags": world.shown_tags(id),
    }))
}

const LISTING: Listing = Listing {
    member: "Vpcs",
    ids: "VpcIds",
    prefix: "vpc",
    filters: &[
        ("vpc-id", "VpcId"),
        ("cidr", "CidrBlock"),
        ("cidr-block-association.cidr-block", "CidrBlockAssociationSet.CidrBlock"),
        ("cidr-block-association.association-id", "CidrBlockAssociationSet.AssociationId"),
        ("cidr-block-association.state", "CidrBlockAssociationSet.CidrBlockState.State"),
        ("dhcp-options-id", "DhcpOptionsId"),
        ("ipv6-cidr-block-association.ipv6-cidr-block", "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock"),
        ("ipv6-cidr-block-association.association-id", "Ipv6CidrBlockAssociationSet.AssociationId"),
        ("ipv6-cidr-block-association.state", "Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State"),
        ("is-default", "IsDefault"),
        ("isDefault", "IsDefault"),
        ("owner-id", "OwnerId"),
        ("state", "State"),
    ],
    ids_or_pages: false,
};

fn describe_vpcs(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &LISTING, world.vpcs.keys(), |id| show(world, id))
}

fn describe_attribute(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("VpcId")?;
    let vpc = find(&world.vpcs, "vpc", id)?;
    let (name, value) = match p.need("Attribute")? {
        "enableDnsSupport" => ("EnableDnsSupport", vpc.dns_support),
        "enableDnsHostnames" => ("EnableDnsHostnames", vpc.dns_hostnames),
        _ => ("EnableNetworkAddressUsageMetrics", vpc.usage_metrics),
    };
    Ok(json!({"VpcId": id, name: {"Value": value}}))
}

fn modify_attribute(world: &mut World, p: Params<'_>) -> Outcome {
    let vpc = find_mut(&mut world.vpcs, "vpc", p.need("VpcId")?)?;
    let mut given = ["EnableDnsSupport", "EnableDnsHostnames", "EnableNetworkAddressUsageMetrics"].into_iter().filter(|n| p.has(n));
    let Some(name) = given.next() else { return Err(missing("EnableDnsSupport")) };
    if given.next().is_some() {
        return Err(clash("Only one attribute of a VPC can be modified by one request"));
    }
    let value = p.value(name).and_then(Json::as_bool).ok_or_else(|| missing(&format!("{name}.Value")))?;
    match name {
        "EnableDnsSupport" => vpc.dns_support = value,
        "EnableDnsHostnames" if value && !vpc.dns_support => {
            return Err(clash("DNS hostnames can only be enabled if DNS support is enabled"));
        }
        "EnableDnsHostnames" => vpc.dns_hostnames = value,
        _ => vpc.usage_metrics = value,
    }
    Ok(json!({}))
}

fn modify_tenancy(world: &mut World, p: Params<'_>) -> Outcome {
    let vpc = find_mut(&mut world.vpcs, "vpc", p.need("VpcId")?)?;
    vpc.tenancy = p.need("InstanceTenancy")?.into();
    Ok(json!({"ReturnValue": true}))
}

fn associate_cidr(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("VpcId")?.to_owned();
    let vpc = find(&world.vpcs, "vpc", &id)?;
    if p.flag("AmazonProvidedIpv6CidrBlock") == Some(true) {
        let block = add_ipv6(world, &id)?;
        return Ok(json!({"VpcId": id, "Ipv6CidrBlockAssociation": {"AssociationId": block.association, "Ipv6CidrBlock": block.cidr,
            "Ipv6CidrBlockState": {"State": "associating"}, "NetworkBorderGroup": world.region, "Ipv6Pool": "Amazon"}}));
    }
    let cidr = vpc_cidr("cidrBlock", p.text("CidrBlock").ok_or_else(|| missing("cidrBlock"))?)?;
    if vpc.cidrs(Family::V4).any(|c| c.overlaps(cidr)) {
        return Err(invalid("cidrBlock", &json!(cidr), "It overlaps with a CIDR block of the VPC."));
    }
    if vpc.cidrs(Family::V4).count() >= world.quotas.cidrs_per_vpc {
        return Err(refuse("CidrLimitExceeded", format!("The maximum number of CIDR blocks of the vpc '{id}' has been reached.")));
    }
    let block = push(world, &id, cidr)?;
    Ok(json!({"VpcId": id, "CidrBlockAssociation": {"AssociationId": block.association, "CidrBlock": cidr,
        "CidrBlockState": {"State": "associating"}}}))
}

fn push(world: &mut World, id: &str, cidr: Cidr) -> Result<Block, ApiError> {
    let block = Block { cidr, association: world.id("vpc-cidr-assoc"), associated: false };
    find_mut(&mut world.vpcs, "vpc", id)?.cidrs.push(block.clone());
    world.schedule(world.pace.vpc_available, Due::Vpc(id.into()));
    Ok(block)
}

/// One /56 of Amazon's range for each VPC.
fn add_ipv6(world: &mut World, id: &str) -> Result<Block, ApiError> {
    if find(&world.vpcs, "vpc", id)?.has_ipv6() {
        return Err(refuse("CidrLimitExceeded", format!("The vpc '{id}' has an Amazon-provided IPv6 CIDR block already.")));
    }
    let part = world.draw();
    let address = u128::from_be_bytes([0x26, 0, 0x1f, 0x18, (part >> 16) as u8, (part >> 8) as u8, part as u8, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let cidr = Cidr::containing(std::net::Ipv6Addr::from_bits(address).into(), 56)
        .map_err(|_| refuse("InternalError", "An internal error has occurred"))?;
    let block = push(world, id, cidr)?;
    network_acl::add_ipv6_entries(world, id);
    Ok(block)
}

fn disassociate_cidr(world: &mut World, p: Params<'_>) -> Outcome {
    let association = p.need("AssociationId")?;
    let found = world.vpcs.iter().find_map(|(id, v)| Some((id.clone(), v.cidrs.iter().position(|b| b.association == association)?)));
    let Some((id, at)) = found else { return Err(no_such("vpc-cidr-assoc", association)) };
    if at == 0 {
        return Err(refuse(
            "OperationNotPermitted",
            format!(
                "The vpc CIDR block with association ID {association} may not be disassociated. It is the primary IPv4 CIDR block of the VPC"
            ),
        ));
    }
    let vpc = find_mut(&mut world.vpcs, "vpc", &id)?;
    let Some(block) = vpc.cidrs.get(at).cloned() else { return Err(no_such("vpc-cidr-assoc", association)) };
    if world.subnets.values().any(|s| {
        s.vpc == id && (s.cidr.is_some_and(|c| block.cidr.contains(c)) || s.ipv6.as_ref().is_some_and(|b| block.cidr.contains(b.cidr)))
    }) {
        return Err(in_use("vpc CIDR block association", association));
    }
    vpc.cidrs.remove(at);
    let state = json!({"State": "disassociating"});
    Ok(match block.cidr.family() {
        Family::V4 => {
            json!({"VpcId": id, "CidrBlockAssociation": {"AssociationId": association, "CidrBlock": block.cidr, "CidrBlockState": state}})
        }
        Family::V6 => {
            json!({"VpcId": id, "Ipv6CidrBlockAssociation": {"AssociationId": association, "Ipv6CidrBlock": block.cidr, "Ipv6CidrBlockState": state}})
        }
    })
}
