//! Everything that stands in some VPCs, whoever put it there. Layer 7: changes nothing.
//!
//! The answer is one object of EC2's own lists, as [`crate::net::snapshot`] reads them. What was not read is said, and
//! never taken for empty.

use std::collections::BTreeSet;

use serde_json::json;

use crate::{
    apply::read::{FILTER_VALUES_MAX, ReadError, Reader, Work, complete, together},
    call::{Class, Json, Request},
    resources,
};

/// A list to read: action, member of the answer, the filter that takes VPCs (none: everything in the region), page.
struct List {
    action: &'static str,
    items: &'static str,
    filter: Option<&'static str>,
    page: Option<u16>,
}

const fn list(action: &'static str, items: &'static str, filter: Option<&'static str>, page: Option<u16>) -> List {
    List { action, items, filter, page }
}

/// What every network is made of. Without one of these there is nothing to prove anything about.
const CORE: [List; 8] = [
    list("DescribeVpcs", "Vpcs", Some("vpc-id"), Some(1000)),
    list("DescribeSubnets", "Subnets", Some("vpc-id"), Some(1000)),
    list("DescribeRouteTables", "RouteTables", Some("vpc-id"), Some(100)),
    list("DescribeNetworkAcls", "NetworkAcls", Some("vpc-id"), Some(1000)),
    list("DescribeSecurityGroups", "SecurityGroups", Some("vpc-id"), Some(1000)),
    list("DescribeNetworkInterfaces", "NetworkInterfaces", Some("vpc-id"), Some(1000)),
    list("DescribeInternetGateways", "InternetGateways", Some("attachment.vpc-id"), Some(1000)),
    list("DescribeInstances", "Reservations", Some("vpc-id"), Some(1000)),
];

/// Other ways into a VPC, for what does not come from the internet: read where a route leads there or where somebody asks
/// about such sources. One that may not be read is a door that nobody has looked behind. List, prefix of ids, what it is.
const DOORS: [(List, &str, &str); 3] = [
    (list("DescribeVpcPeeringConnections", "VpcPeeringConnections", None, Some(1000)), "pcx-", "VPC peerings"),
    (list("DescribeVpnGateways", "VpnGateways", Some("attachment.vpc-id"), None), "vgw-", "VPN gateways"),
    (list("DescribeTransitGatewayAttachments", "TransitGatewayAttachments", None, Some(1000)), "tgw-", "transit gateway attachments"),
];

/// Whether a list is one of other ways into a VPC.
#[must_use]
pub fn is_door(action: &str) -> bool {
    DOORS.iter().any(|(list, ..)| list.action == action)
}

/// Lists that matter only where something leads there: a prefix of ids that says so.
const ON_DEMAND: [(List, &str); 4] = [
    (list("DescribeNatGateways", "NatGateways", Some("vpc-id"), Some(1000)), "nat-"),
    (list("DescribeVpcEndpoints", "VpcEndpoints", Some("vpc-id"), Some(1000)), "vpce-"),
    (list("DescribeInstanceConnectEndpoints", "InstanceConnectEndpoints", Some("vpc-id"), Some(50)), "eice-"),
    (list("DescribeEgressOnlyInternetGateways", "EgressOnlyInternetGateways", None, Some(255)), "eigw-"),
];

/// What is asked for beyond what every network is made of.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Whether anybody asks about packets that come neither from the internet nor from the same VPCs.
    pub wide: bool,
    /// Whether what is let off Block Public Access matters though that is off: the project switches it on.
    pub exclusions: bool,
    /// The transit gateways of the project, by id: they may be joined with others though none of these VPCs is attached.
    pub gateways: Vec<String>,
    /// Whether they may be joined with gateways of other Regions. Then it is not enough to say of these VPCs that a gateway
    /// could not be read.
    pub far: bool,
}

/// Reads what stands in these VPCs, or in all of the region, in bulk: a number of calls that depends on what there is, not
/// on how much.
///
/// # Errors
/// A list without which there is no network could not be read.
pub async fn survey(reader: &Reader<'_>, vpcs: Option<&[String]>, ask: &Ask) -> Result<Json, ReadError> {
    let core = CORE.iter().map(|list| -> Work<'_, _> { Box::pin(read(reader, list, vpcs)) });
    let (core, access) = tokio::join!(together(core.collect()), public_access(reader, ask.exclusions));
    let mut found = json!({});
    for (list, items) in CORE.iter().zip(core) {
        found[list.items] = items?.into();
    }
    if let Some((options, exclusions)) = access? {
        found["VpcBlockPublicAccessOptions"] = options;
        found["VpcBlockPublicAccessExclusions"] = exclusions.into();
    }
    let mut unread = vec![];
    let mut further = vec![];
    let named = ids(&found);
    for (list, prefix, what) in &DOORS {
        if !ask.wide && !named.iter().any(|id| id.starts_with(prefix)) {
            continue;
        }
        match read(reader, list, vpcs).await {
            Ok(items) => further.push((list.items, items)),
            Err(error) => unread.push(json!({"Id": list.action, "What": format!("{what} that could not be read ({})", error.error)})),
        }
    }
    for (list, prefix) in &ON_DEMAND {
        if named.iter().any(|id| id.starts_with(prefix)) {
            further.push((list.items, read(reader, list, vpcs).await?));
        }
    }
    further.push(("ManagedPrefixLists", prefix_lists(reader, &named).await?));
    for (list, items) in further {
        found[list] = items.into();
    }
    unread.extend(transit(reader, &mut found, vpcs, ask).await?);
    found["_Unread"] = unread.into();
    Ok(found)
}

/// Reads what hangs on the project's transit gateways in an account and Region where none of its VPCs stands: what comes from
/// there may go on to where they do.
///
/// # Errors
/// A list could not be read.
pub async fn gateways(reader: &Reader<'_>, ask: &Ask) -> Result<Option<Json>, ReadError> {
    if ask.gateways.is_empty() || !ask.far {
        return Ok(None);
    }
    let mut found = json!({});
    // Of these there are none in no VPC.
    CORE.iter().for_each(|list| found[list.items] = json!([]));
    for (list, ..) in DOORS.iter().filter(|(_, prefix, _)| *prefix == "tgw-") {
        found[list.items] = read(reader, list, None).await?.into();
    }
    transit(reader, &mut found, Some(&[]), ask).await?;
    Ok(Some(found))
}

/// The actions that a survey may send: of `wide` as of [`survey`], and of what leads further where one of these kinds of
/// ids is known to come up.
pub fn actions(wide: bool, prefixes: &[&str]) -> Vec<&'static str> {
    let access = ["DescribeVpcBlockPublicAccessOptions", "DescribeVpcBlockPublicAccessExclusions"];
    let comes_up = |prefix: &str| prefixes.contains(&prefix);
    let doors = DOORS.iter().filter(|(_, prefix, _)| wide || comes_up(prefix)).map(|(list, ..)| list.action);
    let further = ON_DEMAND.iter().filter(|(_, prefix)| comes_up(prefix)).map(|(list, _)| list.action);
    CORE.iter().map(|list| list.action).chain(access).chain(doors).chain(further).collect()
}

async fn read(reader: &Reader<'_>, list: &List, vpcs: Option<&[String]>) -> Result<Vec<Json>, ReadError> {
    let Some((filter, vpcs)) = list.filter.zip(vpcs) else { return reader.pages(list.action, &[list.items], &[], list.page).await };
    let mut found = vec![];
    for vpcs in vpcs.chunks(FILTER_VALUES_MAX) {
        found.extend(reader.pages(list.action, &[list.items], &[(filter, vpcs)], list.page).await?);
    }
    Ok(found)
}

/// Block Public Access of the account; `None` where it cannot be read: then that it is off is an assumption.
async fn public_access(reader: &Reader<'_>, wanted: bool) -> Result<Option<(Json, Vec<Json>)>, ReadError> {
    let asked = reader.once(&Request::new("DescribeVpcBlockPublicAccessOptions", json!({}))).await;
    let Ok(answer) = asked else { return Ok(None) };
    let options = answer.get("VpcBlockPublicAccessOptions").cloned().unwrap_or(Json::Null);
    let mode = options.get("InternetGatewayBlockMode").and_then(Json::as_str);
    let exclusions = match mode {
        None | Some("off") if !wanted => vec![],
        _ => {
            let action = "DescribeVpcBlockPublicAccessExclusions";
            reader.pages(action, &["VpcBlockPublicAccessExclusions"], &[], Some(1000)).await?
        }
    };
    Ok(Some((options, exclusions)))
}

/// Prefix lists that routes and rules name, with what they hold now. One that may not be read is left out: not known.
async fn prefix_lists(reader: &Reader<'_>, named: &BTreeSet<&str>) -> Result<Vec<Json>, ReadError> {
    let lists: Vec<&str> = named.iter().copied().filter(|id| id.starts_with("pl-")).collect();
    let entries = lists.iter().map(|id| -> Work<'_, _> {
        Box::pin(reader.all("GetManagedPrefixListEntries", &["Entries"], json!({"PrefixListId": id}), Some(100)))
    });
    let mut found = vec![];
    for (id, entries) in lists.iter().zip(together(entries.collect()).await) {
        match entries {
            Ok(entries) => {
                let cidrs: Vec<&Json> = entries.iter().filter_map(|e| e.get("Cidr")).collect();
                found.push(json!({"PrefixListId": id, "Cidrs": cidrs}));
            }
            Err(error) if matches!(error.error.class, Class::Denied | Class::Invalid | Class::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The transit gateways that these VPCs are attached to, and those of the project: what else is attached there, their tables,
/// and the tables' routes, which EC2 tells a table at a time. Without one of them nobody knows what comes by an attachment:
/// that is a door.
async fn transit(reader: &Reader<'_>, found: &mut Json, vpcs: Option<&[String]>, ask: &Ask) -> Result<Vec<Json>, ReadError> {
    let text = |item: &Json, member: &str| item.get(member).and_then(Json::as_str).unwrap_or_default().to_owned();
    let ours = |item: &&Json| {
        let gone = matches!(&*text(item, "State"), "deleted" | "deleting" | "rejected" | "failed");
        !gone && text(item, "ResourceType") == "vpc" && vpcs.is_none_or(|vpcs| vpcs.contains(&text(item, "ResourceId")))
    };
    let Some(all) = found.get("TransitGatewayAttachments").and_then(Json::as_array) else { return Ok(vec![]) };
    let attached: Vec<Json> = all.iter().filter(ours).cloned().collect();
    let named = attached.iter().map(|item| text(item, "TransitGatewayId"));
    let gateways: BTreeSet<String> = named.chain(ask.gateways.iter().cloned()).collect();
    if gateways.is_empty() {
        return Ok(vec![]);
    }
    match routers(reader, &gateways.into_iter().collect::<Vec<_>>()).await {
        Ok(lists) => {
            lists.into_iter().for_each(|(list, items)| found[list] = items.into());
            Ok(vec![])
        }
        Err(error) if ask.far => Err(error),
        Err(error) => {
            let door = |item: &Json| {
                let what = format!("an attachment to {}, whose routes could not be read ({})", text(item, "TransitGatewayId"), error.error);
                json!({"Id": text(item, "TransitGatewayAttachmentId"), "What": what, "VpcId": text(item, "ResourceId")})
            };
            Ok(attached.iter().map(door).collect())
        }
    }
}

/// What is read of the transit gateways themselves.
const ROUTERS: [List; 3] = [
    list("DescribeTransitGateways", "TransitGateways", Some("transit-gateway-id"), Some(1000)),
    list("DescribeTransitGatewayVpcAttachments", "TransitGatewayVpcAttachments", Some("transit-gateway-id"), Some(1000)),
    list("DescribeTransitGatewayRouteTables", "TransitGatewayRouteTables", Some("transit-gateway-id"), Some(1000)),
];

async fn routers(reader: &Reader<'_>, gateways: &[String]) -> Result<Vec<(&'static str, Vec<Json>)>, ReadError> {
    let work = ROUTERS.iter().map(|list| -> Work<'_, _> { Box::pin(read(reader, list, Some(gateways))) });
    let mut lists = vec![];
    for (list, items) in ROUTERS.iter().zip(together(work.collect()).await) {
        let mut items = items?;
        // What a listing leaves out its resource type knows how to read.
        if let Some(spec) = resources::ALL.iter().copied().find(|spec| spec.listing.action == list.action) {
            let id = |item: &Json| item.get(spec.listing.id).and_then(Json::as_str).map(str::to_owned);
            let mut by_id = items.into_iter().filter_map(|item| Some((id(&item)?, item))).collect();
            complete(reader, spec, &mut by_id).await?;
            items = by_id.into_values().collect();
        }
        lists.push((list.items, items));
    }
    Ok(lists)
}

/// Every text in an answer that looks like an id.
fn ids(answer: &Json) -> BTreeSet<&str> {
    match answer {
        // The description of an interface that belongs to a gateway ends with the gateway's id.
        Json::String(text) => text.rsplit(' ').take(1).collect(),
        Json::Array(items) => items.iter().flat_map(ids).collect(),
        Json::Object(members) => members.values().flat_map(ids).collect(),
        _ => BTreeSet::new(),
    }
}
