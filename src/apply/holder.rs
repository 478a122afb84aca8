//! Who holds what EC2 does not let go of: interfaces, groups that refer to it, what lies in it, associations. Layer 7.
//!
//! EC2 says that there is «a dependent object», and not which. It is looked for in bulk, with a filter, and named: the
//! service whose interface it is by its type or description, as these are documented or known.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkInterface.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html#managed-network-interfaces>

use std::fmt;

use crate::{
    apply::read::Reader,
    call::{Driver, Json},
};

/// How many holders an error names.
const SHOWN_MAX: usize = 5;

/// Something that holds another thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// EC2's id.
    pub id: String,
    /// What it is: `an interface of the load balancer app/web/50dc`, `a rule that lets it in`.
    pub what: String,
    /// Whose it is, where EC2 says: an account, or the service that asked for it.
    pub owner: Option<String>,
    /// Since when, where EC2 says.
    pub since: Option<String>,
    /// What secnet calls it, where it is the project's.
    pub managed: Option<String>,
    /// What somebody can do about it.
    pub advice: &'static str,
    /// Whether another service keeps it and takes it away by itself.
    pub passes: bool,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`, {}", self.id, self.what)?;
        if let Some(owner) = &self.owner {
            write!(f, " of {owner}")?;
        }
        if let Some(since) = &self.since {
            write!(f, " since {since}")?;
        }
        match &self.managed {
            Some(address) => write!(f, ", which is `{address}` of this project"),
            None => f.write_str(", not managed by this project"),
        }
    }
}

/// All of them in one clause.
pub fn listed(holders: &[Holder]) -> String {
    let shown: Vec<String> = holders.iter().take(SHOWN_MAX).map(ToString::to_string).collect();
    let rest = holders.len().saturating_sub(SHOWN_MAX);
    let more = if rest == 0 { String::new() } else { format!("; and {rest} more") };
    format!("{}{more}", shown.join("; "))
}

/// A place to look: prefix of the ids that are held, the listing, its filter, and what its items are.
struct Look {
    of: &'static str,
    action: &'static str,
    items: &'static str,
    filter: &'static str,
    id: &'static str,
    found: Found,
}

/// What an item of a listing means.
#[derive(Clone, Copy, PartialEq)]
enum Found {
    /// An interface in it.
    Interface,
    /// A group that refers to it.
    Group,
    /// Something that lies in it, unless it came with it.
    Inside(&'static str),
    /// The thing itself, and what is joined to it: list of associations, members that may name the other end.
    Joined(&'static str, &'static [&'static str]),
}

const fn look(of: &'static str, action: &'static str, items: &'static str, filter: &'static str, id: &'static str, found: Found) -> Look {
    Look { of, action, items, filter, id, found }
}

const LOOKS: [Look; 13] = [
    look("sg-", "DescribeNetworkInterfaces", "NetworkInterfaces", "group-id", "NetworkInterfaceId", Found::Interface),
    look("sg-", "DescribeSecurityGroups", "SecurityGroups", "ip-permission.group-id", "GroupId", Found::Group),
    look("sg-", "DescribeSecurityGroups", "SecurityGroups", "egress.ip-permission.group-id", "GroupId", Found::Group),
    look("subnet-", "DescribeNetworkInterfaces", "NetworkInterfaces", "subnet-id", "NetworkInterfaceId", Found::Interface),
    look("vpc-", "DescribeNetworkInterfaces", "NetworkInterfaces", "vpc-id", "NetworkInterfaceId", Found::Interface),
    look("vpc-", "DescribeSubnets", "Subnets", "vpc-id", "SubnetId", Found::Inside("a subnet")),
    look("vpc-", "DescribeSecurityGroups", "SecurityGroups", "vpc-id", "GroupId", Found::Inside("a security group")),
    look("vpc-", "DescribeRouteTables", "RouteTables", "vpc-id", "RouteTableId", Found::Inside("a route table")),
    look("vpc-", "DescribeNetworkAcls", "NetworkAcls", "vpc-id", "NetworkAclId", Found::Inside("a network ACL")),
    look(
        "vpc-",
        "DescribeInternetGateways",
        "InternetGateways",
        "attachment.vpc-id",
        "InternetGatewayId",
        Found::Inside("an internet gateway"),
    ),
    look(
        "rtb-",
        "DescribeRouteTables",
        "RouteTables",
        "route-table-id",
        "RouteTableId",
        Found::Joined("Associations", &["SubnetId", "GatewayId"]),
    ),
    look("acl-", "DescribeNetworkAcls", "NetworkAcls", "network-acl-id", "NetworkAclId", Found::Joined("Associations", &["SubnetId"])),
    look("eni-", "DescribeNetworkInterfaces", "NetworkInterfaces", "network-interface-id", "NetworkInterfaceId", Found::Interface),
];

/// Who holds the thing of this id. `named` says what the project calls an id; what cannot be read is left out.
pub async fn of(driver: &dyn Driver, id: &str, named: &(dyn Fn(&str) -> Option<String> + Sync)) -> Vec<Holder> {
    let reader = Reader::new(driver);
    let mut holders: Vec<Holder> = vec![];
    for look in LOOKS.iter().filter(|look| id.starts_with(look.of)) {
        let ids = [id.to_owned()];
        // Whoever may not read this is told less, and the refusal all the same.
        let Ok(items) = reader.pages(look.action, &[look.items], &[(look.filter, &ids)], None).await else { continue };
        for item in &items {
            let found = holder(look, item, id);
            for mut found in found.into_iter().filter(|f| f.id != id || look.of == "eni-") {
                if !holders.iter().any(|h| h.id == found.id) {
                    found.managed = named(&found.id);
                    holders.push(found);
                }
            }
        }
    }
    holders
}

/// Whether all that holds it goes by itself, sooner or later.
pub fn all_pass(holders: &[Holder]) -> bool {
    !holders.is_empty() && holders.iter().all(|holder| holder.passes)
}

fn text<'a>(item: &'a Json, path: &str) -> Option<&'a str> {
    item.pointer(path).and_then(Json::as_str).filter(|text| !text.is_empty())
}

fn holder(look: &Look, item: &Json, held: &str) -> Vec<Holder> {
    let Some(id) = item.get(look.id).and_then(Json::as_str) else { return vec![] };
    let plain = |id: &str, what: &str, advice| {
        let (id, what) = (id.to_owned(), what.to_owned());
        Holder { id, what, owner: None, since: None, managed: None, advice, passes: false }
    };
    match look.found {
        Found::Interface => vec![interface(id, item)],
        Found::Group if id == held => vec![],
        Found::Group => vec![plain(id, "a security group with rules that refer to it", "take those rules out, then apply again")],
        Found::Inside(what) => {
            let main = item.get("Associations").and_then(Json::as_array).into_iter().flatten().any(|a| a.get("Main") == Some(&true.into()));
            let came_with_it = main || item.get("IsDefault") == Some(&true.into()) || text(item, "/GroupName") == Some("default");
            if came_with_it { vec![] } else { vec![plain(id, &format!("{what} in it"), "delete it, then apply again")] }
        }
        Found::Joined(list, ends) => {
            let joined = item.get(list).and_then(Json::as_array).into_iter().flatten();
            let ends = joined.filter_map(|a| ends.iter().find_map(|end| a.get(*end).and_then(Json::as_str)));
            ends.map(|end| plain(end, "which is associated with it", "associate it with something else, then apply again")).collect()
        }
    }
}

/// Kinds of interfaces (`InterfaceType`), and whose they are.
const TYPES: [(&str, &str, &str); 9] = [
    ("lambda", "AWS Lambda", LAMBDA),
    ("nat_gateway", "a NAT gateway", GOES),
    ("network_load_balancer", "a Network Load Balancer", BALANCER),
    ("gateway_load_balancer", "a Gateway Load Balancer", BALANCER),
    ("gateway_load_balancer_endpoint", "a Gateway Load Balancer endpoint", GOES),
    ("vpc_endpoint", "a VPC endpoint", GOES),
    ("transit_gateway", "a transit gateway attachment", GOES),
    ("api_gateway_managed", "API Gateway", GOES),
    ("ec2_instance_connect_endpoint", "an EC2 Instance Connect endpoint", GOES),
];

/// How descriptions of interfaces begin, and whose these are.
const DESCRIPTIONS: [(&str, &str, &str); 16] = [
    ("AWS Lambda VPC ENI-", "the Lambda function", LAMBDA),
    ("ELB app/", "the Application Load Balancer", BALANCER),
    ("ELB net/", "the Network Load Balancer", BALANCER),
    ("ELB gwy/", "the Gateway Load Balancer", BALANCER),
    ("ELB ", "the Classic Load Balancer", BALANCER),
    ("RDSNetworkInterface", "Amazon RDS", "delete the database or move it to other subnets and groups, then apply again"),
    ("EFS mount target for ", "Amazon EFS, mount target of", "delete the mount target in Amazon EFS, then apply again"),
    ("Interface for NAT Gateway ", "the NAT gateway", GOES),
    ("VPC Endpoint Interface ", "the VPC endpoint", GOES),
    ("Network Interface for Transit Gateway Attachment ", "the transit gateway attachment", GOES),
    ("ElastiCache ", "Amazon ElastiCache,", "delete the cache or move it, then apply again"),
    ("Amazon EKS ", "Amazon EKS, cluster", "delete the cluster, then apply again"),
    ("aws-K8S-", "the Amazon VPC CNI plugin of Kubernetes, node", "drain and end the node, and delete what it leaves, then apply again"),
    ("arn:aws:ecs:", "Amazon ECS,", "stop the task, then apply again"),
    ("RedshiftNetworkInterface", "Amazon Redshift", "delete the cluster or move it, then apply again"),
    ("DMSNetworkInterface", "AWS DMS", "delete the replication instance, then apply again"),
];

const LAMBDA: &str =
    "delete the function or take it out of this VPC; Lambda then lets go within 20 to 45 minutes, and applying again goes on from here";
const BALANCER: &str = "delete the load balancer; its interfaces go some minutes after it, and applying again goes on from here";
const GOES: &str = "delete what it belongs to; its interface goes some minutes after it, and applying again goes on from here";

fn interface(id: &str, item: &Json) -> Holder {
    let description = text(item, "/Description").unwrap_or_default();
    let passes = item.get("RequesterManaged") == Some(&true.into());
    let by_type = || text(item, "/InterfaceType").and_then(|kind| TYPES.iter().find(|(of, ..)| *of == kind));
    let by_description = DESCRIPTIONS.iter().find(|(start, ..)| description.starts_with(start));
    let instance = text(item, "/Attachment/InstanceId");
    let (what, advice) = match (by_description.filter(|_| passes || instance.is_none()), by_type(), instance) {
        (Some((start, service, advice)), ..) => {
            let rest = description.strip_prefix(start).unwrap_or_default();
            (format!("an interface of {service} {rest}").trim_end().to_owned(), *advice)
        }
        (None, Some((_, service, advice)), _) => (format!("an interface of {service}"), *advice),
        (None, None, Some(instance)) => (format!("an interface attached to the instance {instance}"), "end the instance, then apply again"),
        (None, None, None) if description.is_empty() => ("a network interface".into(), "delete it, then apply again"),
        (None, None, None) => (format!("a network interface described as {description:?}"), "delete it, then apply again"),
    };
    // A service that asked for it is told by its id; else the account.
    let owner = text(item, "/RequesterId")
        .filter(|_| passes)
        .or_else(|| text(item, "/Attachment/InstanceOwnerId"))
        .or_else(|| text(item, "/OwnerId"));
    let since = text(item, "/Attachment/AttachTime");
    Holder { id: id.into(), what, owner: owner.map(Into::into), since: since.map(Into::into), managed: None, advice, passes }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn services_are_told_by_type_or_description() {
        let told = |item: Json| {
            let holder = interface("eni-1", &item);
            (holder.to_string(), holder.passes)
        };
        let lambda = json!({"InterfaceType": "lambda", "Description": "AWS Lambda VPC ENI-orders-uuid", "RequesterManaged": true, "RequesterId": "AROA:x"});
        let wanted = "`eni-1`, an interface of the Lambda function orders-uuid of AROA:x, not managed by this project".to_owned();
        assert_eq!(told(lambda), (wanted, true));
        let instance = json!({"InterfaceType": "interface", "Description": "", "RequesterManaged": false,
            "Attachment": {"InstanceId": "i-1", "InstanceOwnerId": "1", "AttachTime": "2026-01-01T00:00:00Z"}});
        let wanted = "`eni-1`, an interface attached to the instance i-1 of 1 since 2026-01-01T00:00:00Z, not managed by this project";
        assert_eq!(told(instance), (wanted.to_owned(), false));
        let nat = json!({"InterfaceType": "nat_gateway", "Description": "", "RequesterManaged": true});
        assert_eq!(told(nat).0, "`eni-1`, an interface of a NAT gateway, not managed by this project");
    }
}
