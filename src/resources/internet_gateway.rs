//! An internet gateway and its attachment.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateInternetGateway.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachInternetGateway.html>

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    base::{address::Address, codes::network, diagnostic::Sink},
    call::{Arg, Call, Json},
    declared,
    net::{self, Net, desired::{self, Desired}},
    registry::{Listing, Observed, PartSpec, Removal, ResourceType, quota::{Per, Quota}},
    resource,
    resources::{
        part::{arg, each, show_value},
        read::{Reader, list, text},
        vpc::Vpc,
    },
    schema::{
        attr::{Kind, Ref, Val},
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// The way between a VPC and the internet, in both directions.
    ///
    /// It carries the traffic of what has a public address, in subnets whose route table leads to it. A VPC has at
    /// most one.
    InternetGateway = "internet_gateway" {
        /// The VPC it is attached to. Changing it detaches the gateway and attaches it to the other VPC.
        vpc: Option<Ref<Vpc>>, Parts;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

impl ResourceType for InternetGateway {
    declared!();

    const EXAMPLE: &'static str = r#"internet_gateway main {
  vpc = vpc.main
}

# Of use to a subnet only once its table leads there.
route_table public {
  vpc     = vpc.main
  subnets = [subnet.public]
  route anywhere via internet_gateway.main
}
"#;

    const ID_PREFIX: &'static str = "igw-";
    const OPENS: &'static [&'static str] = &["", "attachment"];
    const ONCE: &'static [(&'static str, &'static [&'static str])] = &[("attachment", &["vpc"])];
    const TAG_TYPE: Option<&'static str> = Some("internet-gateway");
    const QUOTAS: &'static [Quota] = &[Quota::new("Internet gateways per Region", "L-A4707A72", 5, Per::Region).raised_with("L-F678F1CE")];
    const CREATED_ID: &'static [&'static str] = &["InternetGateway", "InternetGatewayId"];
    const FILTERS: &'static [(&'static str, &'static str)] = &[("vpc", "attachment.vpc-id")];
    const LISTING: Listing =
        Listing::new("DescribeInternetGateways", &["InternetGateways"], "InternetGatewayId", "internet-gateway-id", Some(1000));
    const PARTS: &'static [PartSpec] = &[PartSpec {
        name: "attachment",
        doc: "Joins the gateway to its VPC; only then can a route lead to it.",
        // It has one at most: it leaves its VPC before it joins another.
        key: &[],
        content: &["vpc"],
        create: |at, parts| each(parts, |part| attach(at, part)),
        change: Some(|at, old, new| vec![detach(at, old), attach(at, new)]),
        delete: |at, parts| each(parts, |part| detach(at, part)),
        removal: Removal::First,
        create_first: false,
        essential: true,
        governs: None,
        takes_over: false,
        show: |part| format!("attachment to {}", show_value(part.get("vpc"))),
    }];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        check_one_a_vpc(model, sink);
    }

    fn desired_parts(&self, this: &Resource, _model: &Model, _sink: &mut Sink) -> Vec<Part> {
        let record = |vpc: &Ref<Vpc>| Record::from([("vpc".into(), vpc.value.clone())]);
        self.vpc.iter().map(|vpc| Part { name: "attachment", record: record(vpc), span: this.span_of("vpc") }).collect()
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        let vpc = desired.reference(this, "vpc");
        net.internet_gateways.push(net::InternetGateway { id: desired::id(&this.address), vpc, origin: desired::origin(this) });
    }

    fn create(&self, _at: &Address) -> Vec<Call> {
        vec![Call::new::<&str>("CreateInternetGateway", []).tagged("internet-gateway")]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        vec![Call::new("DeleteInternetGateway", [("InternetGatewayId", Arg::id(at))])]
    }

    fn observe(item: &Json) -> Option<Observed> {
        // EC2 says `available` of an attachment that stands.
        let attached: Vec<Value> = list(item, &["Attachments"])
            .iter()
            .filter(|a| text(a, &["State"]) != Some("detached"))
            .filter_map(|a| text(a, &["VpcId"]).map(Value::text))
            .collect();
        let parts = attached.iter().map(|vpc| ("attachment", Record::from([("vpc".into(), vpc.clone())]))).collect();
        Reader::new(item).value("vpc", attached.into_iter().next()).done(&["InternetGatewayId"], parts)
    }
}

fn attach(at: &Address, part: &Record) -> Call {
    Call::new("AttachInternetGateway", parameters(at, part)).satisfied_by(&["Resource.AlreadyAssociated"])
}

fn detach(at: &Address, part: &Record) -> Call {
    Call::new("DetachInternetGateway", parameters(at, part)).satisfied_by(&["Gateway.NotAttached"])
}

fn parameters(at: &Address, part: &Record) -> [(&'static str, Arg); 2] {
    [("InternetGatewayId", Arg::id(at)), ("VpcId", arg(part, "vpc"))]
}

/// EC2 refuses a second gateway on a VPC, after it has made it.
fn check_one_a_vpc(model: &Model, sink: &mut Sink) {
    let mut by_vpc: BTreeMap<&Address, &Resource> = BTreeMap::new();
    for gateway in model.resources.of_kind(InternetGateway::KIND).filter(|r| !r.existing) {
        let Some(vpc) = gateway.reference("vpc") else { continue };
        match by_vpc.get(vpc) {
            Some(first) => sink.push(network::second_gateway(
                vpc,
                (&gateway.address, gateway.span_of("vpc")),
                (&first.address, first.span_of("vpc")),
            )),
            None => drop(by_vpc.insert(vpc, gateway)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::sample::{complaints, network, reference, resource, shown};

    #[test]
    fn what_ec2_lists_is_what_was_asked() {
        let item = json!({
            "InternetGatewayId": "igw-1", "OwnerId": "1", "Tags": [{"Key": "Name", "Value": "main"}],
            "Attachments": [{"State": "available", "VpcId": "vpc-1"}],
        });
        let observed = InternetGateway::observe(&item).expect("it stands");
        assert_eq!(observed.parts, [("attachment", Record::from([("vpc".into(), Value::text("vpc-1"))]))]);
        assert_eq!(observed.tags["Name"], "main");
        let bare = json!({"InternetGatewayId": "igw-1", "Attachments": [{"State": "detached", "VpcId": "vpc-1"}]});
        assert_eq!(InternetGateway::observe(&bare).expect("it stands").parts, []);
    }

    #[test]
    fn a_vpc_takes_one_gateway() {
        let gateway = |name| resource(name, &[("vpc", reference("vpc.main"))]);
        assert_eq!(shown(&network([gateway("internet_gateway.a")]), "internet_gateway.a"), ["attachment to vpc.main"]);
        let two = network([gateway("internet_gateway.a"), gateway("internet_gateway.b"), resource("internet_gateway.c", &[])]);
        assert_eq!(complaints(&two), ["E0304 `vpc.main` has two internet gateways"]);
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown};

    shown! {
        InternetGateway(attachments, internet_gateway_id, owner_id, tags);
        InternetGatewayAttachment(state, vpc_id);
    }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateInternetGateway: create_internet_gateway(set_tag_specifications) -> (internet_gateway)),
        action!(DeleteInternetGateway: delete_internet_gateway(set_internet_gateway_id) -> ()),
        action!(DescribeInternetGateways: describe_internet_gateways(
            set_filters, set_internet_gateway_ids, set_max_results, set_next_token,
        ) -> (internet_gateways, next_token)),
        action!(AttachInternetGateway: attach_internet_gateway(set_internet_gateway_id, set_vpc_id) -> ()),
        action!(DetachInternetGateway: detach_internet_gateway(set_internet_gateway_id, set_vpc_id) -> ()),
    ];
}
