//! VPC Block Public Access: the switch of an account's region.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcBlockPublicAccessOptions.html>,
//! <https://docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa-basics.html>

use std::sync::Arc;

use crate::{
    base::{address::Address, codes::endpoint, diagnostic::Sink},
    call::{Arg, Call, Json, Settle},
    declared,
    net::{self, Block, Net, desired::Desired},
    registry::{Listing, Observed, ResourceType, Update},
    resource,
    resources::{
        block_public_access_exclusion,
        part::arg,
        placement,
        read::{Reader, text},
    },
    schema::{
        attr::{Kind, Val, Word, Words},
        model::{Model, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// Keeps the internet out of all VPCs of the region, whatever their gateways, routes and rules say.
    ///
    /// A region has one switch. Without this block it is as somebody has left it, off in a new account; destroying the
    /// block switches it off, and the plan shows what becomes reachable by that. A `block_public_access_exclusion` lets a VPC or
    /// a subnet off.
    BlockPublicAccess = "block_public_access" {
        /// `"block-bidirectional"` lets nothing in or out by internet gateways; `"block-ingress"` lets nothing in, and out only
        /// by NAT gateways and egress-only gateways.
        internet_gateway_block_mode: Val<Word<Modes>>, InPlace;
        /// The region that it is for.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

/// How far the internet is kept out. That it is not is no block.
#[derive(Debug, Clone, PartialEq)]
pub struct Modes;

impl Words for Modes {
    const ALL: &'static [&'static str] = &["block-bidirectional", "block-ingress"];
}

/// A change takes minutes.
const TIMEOUT_S: u64 = 900;

impl ResourceType for BlockPublicAccess {
    declared!();

    const EXAMPLE: &'static str = r#"block_public_access main {
  internet_gateway_block_mode = "block-ingress"
}
"#;

    // EC2 has no id for it: the region is.
    const ID_PREFIX: &'static str = "";
    const ONCE: &'static [(&'static str, &'static [&'static str])] = &[("", &[])];
    const TAG_TYPE: Option<&'static str> = None;
    const CREATED_ID: &'static [&'static str] = &["VpcBlockPublicAccessOptions", "AwsRegion"];
    const LISTING: Listing =
        Listing::new("DescribeVpcBlockPublicAccessOptions", &["VpcBlockPublicAccessOptions"], "AwsRegion", "", None);
    const UPDATES: &'static [Update] = &[Update {
        attrs: &["internet_gateway_block_mode"],
        after_create: |_| false,
        calls: |at, r| vec![switch(at, arg(r, "internet_gateway_block_mode"))],
    }];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        let mut all = placement::managed(model, Self::KIND);
        if let Some(first) = all.next() {
            all.for_each(|second| sink.push(endpoint::second_switch((&second.address, second.span), (&first.address, first.span))));
        }
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        let block = match desired.value(this, "internet_gateway_block_mode").and_then(Value::as_text) {
            Some("block-ingress") => Block::Ingress,
            Some("block-bidirectional") => Block::Bidirectional,
            // One that was read and is off keeps nothing out.
            _ => return,
        };
        let exclusions = block_public_access_exclusion::drawn(desired);
        let (region, account) = desired.place(this.site.as_ref());
        net.block_public_access.push(net::BlockPublicAccess { region, account, block, exclusions });
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        vec![switch(at, self.internet_gateway_block_mode.arg())]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        vec![switch(at, Arg::text("off"))]
    }

    fn observe(item: &Json) -> Option<Observed> {
        if text(item, &["InternetGatewayBlockMode"]) == Some("off") {
            return None;
        }
        Reader::new(item).text("internet_gateway_block_mode", &["InternetGatewayBlockMode"]).done(&["AwsRegion"], vec![])
    }
}

fn switch(at: &Address, mode: Arg) -> Call {
    let (listing, until) = (&BlockPublicAccess::LISTING, ["update-complete", "default-state"]);
    let settle = Settle::new(listing.action, listing.filter, listing.items, listing.id, &["State"], &until, Arg::id(at)).within(TIMEOUT_S);
    Call::new("ModifyVpcBlockPublicAccessOptions", [("InternetGatewayBlockMode", mode)]).settle(settle)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::sample::{complaints, model, resource};

    #[test]
    fn a_switch_that_is_off_is_none() {
        let item = |mode| json!({"AwsRegion": "us-east-1", "InternetGatewayBlockMode": mode, "State": "update-complete"});
        let observed = BlockPublicAccess::observe(&item("block-ingress")).expect("it is on");
        assert_eq!((&*observed.id, &observed.record["internet_gateway_block_mode"]), ("us-east-1", &Value::text("block-ingress")));
        assert_eq!(BlockPublicAccess::observe(&item("off")), None);
    }

    #[test]
    fn a_region_has_one() {
        let switch = |name| resource(name, &[("internet_gateway_block_mode", Value::text("block-ingress"))]);
        let two = model([switch("block_public_access.a"), switch("block_public_access.b")]);
        assert_eq!(complaints(&two), ["E0343 `block_public_access.b` is a second switch of the region"]);
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, words};

    shown! {
        VpcBlockPublicAccessOptions(
            aws_account_id, aws_region, exclusions_allowed, internet_gateway_block_mode, last_update_timestamp, managed_by, reason, state,
        );
    }

    words! { InternetGatewayBlockMode, ManagedBy, VpcBlockPublicAccessExclusionsAllowed, VpcBlockPublicAccessState }

    pub(super) const ACTIONS: &[Action] = &[
        action!(DescribeVpcBlockPublicAccessOptions: describe_vpc_block_public_access_options() -> (vpc_block_public_access_options)),
        action!(ModifyVpcBlockPublicAccessOptions: modify_vpc_block_public_access_options(set_internet_gateway_block_mode)
            -> (vpc_block_public_access_options)),
    ];
}
