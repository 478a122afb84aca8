//! Tags: at creation, later, and described. Layer 8.
//!
//! Limits: docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{
    call::{ApiError, Json},
    sim::{
        Actions,
        page::{Listing, page, select},
        params::Params,
        refuse::{Outcome, bad, missing, prefix_of, refuse, unknown},
        world::World,
    },
};

const TAGS_MAX: usize = 50;
const KEY_MAX: usize = 128;
const VALUE_MAX: usize = 256;

pub(crate) const ACTIONS: Actions =
    &[("CreateTags", create, "Resources Tags"), ("DeleteTags", delete, "Resources Tags"), ("DescribeTags", describe_tags, "Filters")];

/// A thing's tags.
pub(crate) type Tags = BTreeMap<String, String>;

/// The tags that a request gives to things of a type. `allowed` are all types that the action makes.
pub(crate) fn at_creation(p: Params<'_>, kind: &str, allowed: &[&str]) -> Result<Tags, ApiError> {
    let mut tags = Tags::new();
    for specification in p.subs("TagSpecifications") {
        let of = specification.need("ResourceType")?;
        if !allowed.contains(&of) {
            return Err(bad(format!("'{of}' is not a valid taggable resource type for this operation.")));
        }
        let read = read(specification)?;
        if of == kind {
            tags.extend(read);
        }
    }
    limit(tags)
}

fn limit(tags: Tags) -> Result<Tags, ApiError> {
    match tags.len() > TAGS_MAX {
        true => Err(refuse("TagLimitExceeded", format!("You have reached the limit of {TAGS_MAX} tags for a resource"))),
        false => Ok(tags),
    }
}

fn read(p: Params<'_>) -> Result<Tags, ApiError> {
    let mut tags = Tags::new();
    for tag in p.subs("Tags") {
        let (key, value) = (tag.need("Key")?, tag.text("Value").unwrap_or_default());
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(bad(format!("Tag keys starting with 'aws:' are reserved for internal use: '{key}'")));
        }
        if key.chars().count() > KEY_MAX {
            return Err(bad(format!("Tag key exceeds the maximum length of {KEY_MAX} characters")));
        }
        if value.chars().count() > VALUE_MAX {
            return Err(bad(format!("Tag value exceeds the maximum length of {VALUE_MAX} characters")));
        }
        if tags.insert(key.into(), value.into()).is_some() {
            return Err(bad(format!("Duplicate tag key '{key}' specified.")));
        }
    }
    Ok(tags)
}

impl World {
    /// Gives a new thing its tags.
    pub(crate) fn tag(&mut self, id: &str, tags: Tags) {
        if !tags.is_empty() {
            self.tags.insert(id.into(), tags);
        }
    }

    /// A thing's tags as EC2 shows them.
    pub(crate) fn shown_tags(&self, id: &str) -> Json {
        let tags = self.tags.get(id).into_iter().flatten();
        tags.map(|(key, value)| json!({"Key": key, "Value": value})).collect()
    }

    /// Whether an id names something that can be tagged.
    fn exists(&self, id: &str) -> bool {
        match prefix_of(id) {
            "vpc" => self.vpcs.contains_key(id),
            "subnet" => self.subnets.contains_key(id),
            "igw" => self.internet_gateways.contains_key(id),
            "eigw" => self.egress_only_internet_gateways.contains_key(id),
            "dopt" => self.dhcp_options.contains_key(id),
            "rtb" => self.route_tables.contains_key(id),
            "acl" => self.network_acls.contains_key(id),
            "sg" => self.groups.contains_key(id),
            "sgr" => self.groups.values().any(|g| g.rules.contains_key(id)),
            "eipalloc" => self.addresses.contains_key(id),
            "nat" => self.nat_gateways.contains_key(id),
            "eni" => self.interfaces.contains_key(id),
            "i" => self.instances.contains_key(id),
            "snap" => self.snapshots.contains_key(id),
            "vol" => self.volumes.contains_key(id),
            "key" => self.key_pairs.contains_key(id),
            "pg" => self.placement_groups.contains_key(id),
            "scr" => self.reservations.contains_key(id),
            "lt" => self.launch_templates.contains_key(id),
            "vpce" => self.endpoints.contains_key(id),
            "eice" => self.connect_endpoints.contains_key(id),
            "fl" => self.flow_logs.contains_key(id),
            "vpcbpa-exclude" => self.exclusions.contains_key(id),
            "pl" => self.prefix_lists.contains_key(id),
            "vgw" => self.vpn_gateways.contains_key(id),
            "vpn" => self.vpn_connections.contains_key(id),
            "cgw" => self.customer_gateways.contains_key(id),
            "tgw" => self.transit_gateways.contains_key(id),
            "tgw-attach" => self.transit_attachments.contains_key(id),
            "tgw-rtb" => self.transit_tables.contains_key(id),
            "pcx" => self.peerings.contains_key(id),
            _ => false,
        }
    }
}

/// `security-group` of `sg-...`.
pub(crate) fn type_of(id: &str) -> &'static str {
    match prefix_of(id) {
        "vpc" => "vpc",
        "subnet" => "subnet",
        "igw" => "internet-gateway",
        "eigw" => "egress-only-internet-gateway",
        "dopt" => "dhcp-options",
        "rtb" => "route-table",
        "acl" => "network-acl",
        "sg" => "security-group",
        "sgr" => "security-group-rule",
        "eipalloc" => "elastic-ip",
        "nat" => "natgateway",
        "eni" => "network-interface",
        "i" => "instance",
        "vol" => "volume",
        "snap" => "snapshot",
        "key" => "key-pair",
        "lt" => "launch-template",
        "pg" => "placement-group",
        "scr" => "subnet-cidr-reservation",
        "pl" => "prefix-list",
        "vgw" => "vpn-gateway",
        "vpn" => "vpn-connection",
        "cgw" => "customer-gateway",
        "tgw" => "transit-gateway",
        "tgw-attach" => "transit-gateway-attachment",
        "tgw-rtb" => "transit-gateway-route-table",
        "vpce" => "vpc-endpoint",
        "eice" => "instance-connect-endpoint",
        "fl" => "vpc-flow-log",
        "vpcbpa-exclude" => "vpc-block-public-access-exclusion",
        "pcx" => "vpc-peering-connection",
        _ => "",
    }
}

fn resources<'a>(world: &World, p: Params<'a>) -> Result<Vec<&'a str>, ApiError> {
    let ids = p.texts("Resources");
    if ids.is_empty() {
        return Err(missing("resourceIdSet"));
    }
    match ids.iter().find(|id| !world.exists(id)) {
        Some(id) => Err(unknown(id)),
        None => Ok(ids),
    }
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let ids = resources(world, p)?;
    let tags = read(p)?;
    if tags.is_empty() {
        return Err(missing("tagSet"));
    }
    for id in &ids {
        let mut all = world.tags.get(*id).cloned().unwrap_or_default();
        all.extend(tags.clone());
        limit(all)?;
    }
    for id in ids {
        world.tags.entry(id.into()).or_default().extend(tags.clone());
    }
    Ok(json!({}))
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    for id in resources(world, p)? {
        let Some(tags) = world.tags.get_mut(id) else { continue };
        if !p.has("Tags") {
            tags.clear();
        }
        for tag in p.subs("Tags") {
            let key = tag.need("Key")?;
            if tag.text("Value").is_none_or(|value| tags.get(key).is_some_and(|v| v == value)) {
                tags.remove(key);
            }
        }
    }
    Ok(json!({}))
}

const LISTING: Listing = Listing {
    member: "Tags",
    ids: "",
    prefix: "",
    filters: &[("key", "Key"), ("value", "Value"), ("resource-id", "ResourceId"), ("resource-type", "ResourceType")],
    ids_or_pages: false,
};

fn describe_tags(world: &mut World, p: Params<'_>) -> Outcome {
    let items: BTreeMap<String, Json> = world
        .tags
        .iter()
        .flat_map(|(id, tags)| tags.iter().map(move |tag| (id, tag)))
        .map(|(id, (key, value))| {
            let shown = json!({"ResourceId": id, "ResourceType": type_of(id), "Key": key, "Value": value});
            (format!("{id} {key}"), shown)
        })
        .collect();
    page(p, LISTING.member, select(world, p, &LISTING, items.keys(), |key| items.get(key).cloned())?)
}
