//! Service Quotas: what the account may hold, over the service's JSON protocol. Layer 8.
//!
//! The values are those that the model itself obeys. Names and codes: docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
//! (each quota's link holds its code), .../vpc/latest/privatelink/vpc-limits-endpoints.html. What the model counts
//! and Service Quotas does not tell (prefix lists) is not listed, as with AWS.

use serde_json::json;

use crate::{
    call::{Class, Json, Request},
    sim::{
        Actions, Sim,
        page::page,
        params::Params,
        refuse::{Outcome, refuse},
        serve::NO_ANSWER,
        world::{ACCOUNT, Quotas, World},
    },
};

pub(crate) const ACTIONS: Actions = &[("ListServiceQuotas", list, "ServiceCode QuotaCode QuotaAppliedAtLevel")];

/// How a request in JSON says that it is for this service.
pub(crate) const TARGET: &str = "ServiceQuotasV20190624.";

/// A service, a quota's code and name, and what the model has.
type Row = (&'static str, &'static str, &'static str, fn(&Quotas) -> usize);

const ROWS: [Row; 17] = [
    ("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", |q| q.addresses),
    ("vpc", "L-0EA8095F", "Inbound or outbound rules per security group", |q| q.rules_per_security_group_and_direction),
    ("vpc", "L-29B6F2EB", "Interface VPC endpoints per VPC", |q| q.endpoints),
    ("vpc", "L-2AEEBF1A", "Rules per network ACL", |q| q.entries_per_network_acl_and_direction),
    ("vpc", "L-2AFB9258", "Security groups per network interface", |q| q.security_groups_per_interface),
    ("vpc", "L-407747CB", "Subnets per VPC", |q| q.subnets_per_vpc),
    ("vpc", "L-45FE3B85", "Egress-only internet gateways per Region", |q| q.egress_only_internet_gateways),
    ("vpc", "L-589F43AA", "Route tables per VPC", |q| q.route_tables_per_vpc),
    // The model counts no peerings.
    ("vpc", "L-7E9ECCDB", "Active VPC peering connections per VPC", |_| 50),
    ("vpc", "L-83CA0A9D", "IPv4 CIDR blocks per VPC", |q| q.cidrs_per_vpc),
    ("vpc", "L-93826ACB", "Routes per route table", |q| q.routes_per_table),
    ("vpc", "L-A4707A72", "Internet gateways per Region", |q| q.internet_gateways),
    ("vpc", "L-B4A6D682", "Network ACLs per VPC", |q| q.network_acls_per_vpc),
    ("vpc", "L-DF5E4CA3", "Network interfaces per Region", |q| q.interfaces),
    ("vpc", "L-E79EC296", "VPC security groups per Region", |q| q.security_groups),
    ("vpc", "L-F678F1CE", "VPCs per Region", |q| q.vpcs),
    ("vpc", "L-FE5A380F", "NAT gateways per Availability Zone", |q| q.nat_gateways_per_zone),
];

fn list(world: &mut World, p: Params<'_>) -> Outcome {
    let service = p.need("ServiceCode")?;
    let names = match service {
        "ec2" => "Amazon Elastic Compute Cloud (Amazon EC2)",
        "vpc" => "Amazon Virtual Private Cloud (Amazon VPC)",
        _ => return Err(refuse("NoSuchResourceException", "The request failed because the specified service does not exist.")),
    };
    let asked = p.text("QuotaCode");
    // None is given for one resource alone.
    let rows = ROWS.iter().filter(|_| p.text("QuotaAppliedAtLevel") != Some("RESOURCE"));
    let rows = rows.filter(|(of, code, ..)| *of == service && asked.is_none_or(|asked| asked == *code));
    let shown = rows.map(|(_, code, name, value)| {
        let quota = json!({
            "ServiceCode": service, "ServiceName": names, "QuotaCode": code, "QuotaName": name, "Value": value(&world.quotas) as f64,
            "QuotaArn": format!("arn:aws:servicequotas:{}:{ACCOUNT}:{service}/{code}", world.region),
            "Unit": "None", "Adjustable": true, "GlobalQuota": false, "QuotaAppliedAtLevel": "ACCOUNT",
        });
        ((*code).to_owned(), quota)
    });
    page(p, "Quotas", shown.collect())
}

/// Answers one request in JSON: status and body.
pub(crate) fn answer(sim: &Sim, action: &str, body: &str) -> (u16, String) {
    let refused = |code: &str, message: &str| (400, json!({"__type": code, "Message": message}).to_string());
    if !ACTIONS.iter().any(|(name, ..)| *name == action) {
        return refused("UnknownOperationException", "");
    }
    let Ok(params) = serde_json::from_str::<Json>(body) else {
        return refused("SerializationException", "the body is no JSON");
    };
    match sim.call(&Request::new(action, params)) {
        Ok(answer) => (200, answer.to_string()),
        Err(error) if error.class == Class::Ambiguous && error.code.is_empty() => (NO_ANSWER, String::new()),
        Err(error) if error.class == Class::Throttled => refused("TooManyRequestsException", &error.message),
        // What EC2 calls otherwise.
        Err(error) => match &*error.code {
            "InvalidParameterValue" | "MissingParameter" | "UnknownParameter" => refused("IllegalArgumentException", &error.message),
            "InvalidNextToken" => refused("InvalidPaginationTokenException", &error.message),
            code => refused(code, &error.message),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::handle;

    fn asked(sim: &Sim, action: &str, body: &Json) -> (u16, Json) {
        let (status, body, kind) = handle(sim, &body.to_string(), Some(&format!("{TARGET}{action}")));
        assert_eq!(kind, "application/x-amz-json-1.1");
        (status, serde_json::from_str(&body).expect("JSON"))
    }

    #[test]
    fn what_the_model_obeys_is_told_in_pages() {
        let sim = Sim::new("eu-central-1");
        sim.world(|world| world.quotas.set("vpcs", 42).map_err(|names| names.join(", "))).expect("there is such a quota");
        let mut told = vec![];
        let mut params = json!({"ServiceCode": "vpc", "MaxResults": 6});
        loop {
            let (status, page) = asked(&sim, "ListServiceQuotas", &params);
            let quotas = page["Quotas"].as_array().expect("a list").clone();
            assert!(status == 200 && quotas.len() <= 6, "{page}");
            told.extend(quotas);
            match page.get("NextToken") {
                Some(token) => params["NextToken"] = token.clone(),
                None => break,
            }
        }
        let of = |code: &str| told.iter().find(|quota| quota["QuotaCode"] == code).map(|quota| quota["Value"].clone());
        assert_eq!((told.len(), of("L-F678F1CE"), of("L-407747CB")), (16, Some(json!(42.0)), Some(json!(200.0))));
    }

    #[test]
    fn what_is_wrong_is_refused_as_the_service_does() {
        let sim = Sim::new("eu-central-1");
        let code = |action: &str, body: &Json| asked(&sim, action, body).1["__type"].clone();
        assert_eq!(code("ListServiceQuotas", &json!({"ServiceCode": "lambda"})), "NoSuchResourceException");
        assert_eq!(code("ListServiceQuotas", &json!({})), "IllegalArgumentException");
        assert_eq!(code("ListServiceQuotas", &json!({"ServiceCode": "vpc", "NextToken": "x"})), "InvalidPaginationTokenException");
        assert_eq!(code("RequestServiceQuotaIncrease", &json!({"ServiceCode": "vpc"})), "UnknownOperationException");
        // It is no action of EC2's.
        let (status, xml, _) = handle(&sim, "Action=ListServiceQuotas&Version=2016-11-15&ServiceCode=vpc", None);
        assert!(status == 400 && xml.contains("InvalidAction"), "{xml}");
    }
}
