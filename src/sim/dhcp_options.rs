//! Sets of DHCP options. Layer 8.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    call::Json,
    sim::{
        Actions,
        page::{Listing, describe},
        params::Params,
        refuse::{Outcome, in_use, invalid, missing},
        tag::at_creation,
        world::{ACCOUNT, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateDhcpOptions", create, "DhcpConfigurations TagSpecifications"),
    ("DeleteDhcpOptions", delete, "DhcpOptionsId"),
    ("DescribeDhcpOptions", describe_options, "DhcpOptionsIds Filters"),
    ("AssociateDhcpOptions", associate, "DhcpOptionsId VpcId"),
];

/// A set of options, by key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DhcpOptions {
    options: Vec<(String, Vec<String>)>,
}

/// The options that there are, and how many values each takes (API reference, CreateDhcpOptions).
const KEYS: [(&str, usize); 6] = [
    ("domain-name", 1),
    ("domain-name-servers", 4),
    ("ntp-servers", 8),
    ("netbios-name-servers", 4),
    ("netbios-node-type", 1),
    ("ipv6-address-preferred-lease-time", 1),
];

/// What the set of a region that a VPC begins with is called.
pub(crate) const DEFAULT: &str = "default";

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let tags = at_creation(p, "dhcp-options", &["dhcp-options"])?;
    let mut options = vec![];
    for option in p.subs("DhcpConfigurations") {
        let (key, values) = (option.need("Key")?, option.texts("Values"));
        let most = KEYS.iter().find(|(name, _)| *name == key).map(|(_, most)| *most);
        match most {
            None => return Err(invalid("DhcpConfigurations.Key", &json!(key), "There is no such option.")),
            Some(_) if values.is_empty() => return Err(missing("value")),
            Some(most) if values.len() > most => return Err(invalid(key, &json!(values), "There are too many values.")),
            Some(_) => {}
        }
        if key == "netbios-node-type" && !matches!(values.as_slice(), ["1" | "2" | "4" | "8"]) {
            return Err(invalid(key, &json!(values), "The node type is 1, 2, 4 or 8."));
        }
        options.push((key.to_owned(), values.iter().map(|v| (*v).to_owned()).collect()));
    }
    if options.is_empty() {
        return Err(missing("dhcpConfiguration"));
    }
    let id = world.id("dopt");
    world.dhcp_options.insert(id.clone(), DhcpOptions { options });
    world.tag(&id, tags);
    Ok(json!({"DhcpOptions": show(world, &id)}))
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("DhcpOptionsId")?;
    find(&world.dhcp_options, "dopt", id)?;
    if world.vpcs.values().any(|vpc| vpc.dhcp_options == id) {
        return Err(in_use("dhcpOptions", id));
    }
    world.dhcp_options.remove(id);
    world.tags.remove(id);
    Ok(json!({}))
}

fn associate(world: &mut World, p: Params<'_>) -> Outcome {
    let (id, vpc) = (p.need("DhcpOptionsId")?, p.need("VpcId")?);
    if id != DEFAULT {
        find(&world.dhcp_options, "dopt", id)?;
    }
    find_mut(&mut world.vpcs, "vpc", vpc)?.dhcp_options = id.into();
    Ok(json!({}))
}

fn show(world: &World, id: &str) -> Option<Json> {
    let set = world.dhcp_options.get(id)?;
    let values = |values: &[String]| -> Json { values.iter().map(|value| json!({"Value": value})).collect() };
    let options: Vec<Json> = set.options.iter().map(|(key, all)| json!({"Key": key, "Values": values(all)})).collect();
    Some(json!({"DhcpOptionsId": id, "OwnerId": ACCOUNT, "DhcpConfigurations": options, "Tags": world.shown_tags(id)}))
}

const LISTING: Listing = Listing {
    member: "DhcpOptions",
    ids: "DhcpOptionsIds",
    prefix: "dopt",
    filters: &[
        ("dhcp-options-id", "DhcpOptionsId"),
        ("key", "DhcpConfigurations.Key"),
        ("value", "DhcpConfigurations.Values.Value"),
        ("owner-id", "OwnerId"),
    ],
    ids_or_pages: false,
};

fn describe_options(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &LISTING, world.dhcp_options.keys(), |id| show(world, id))
}
