//! What is let off VPC Block Public Access.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcBlockPublicAccessExclusion.html>,
//! <https://docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa-basics.html>

use std::sync::Arc;

use crate::{
    base::{address::Address, codes::endpoint, diagnostic::Sink},
    call::{Arg, Call, Json, Settle},
    declared,
    net::{Exclusion, Id, desired::Desired},
    registry::{Listing, Observed, ResourceType, Update},
    resource,
    resources::{
        part::arg,
        placement,
        read::{Reader, text},
        subnet::Subnet,
        vpc::Vpc,
    },
    schema::{
        attr::{Kind, Ref, Val, Word, Words},
        model::Model,
        value::{Record, Value},
    },
};

resource! {
    /// Lets a VPC or a subnet off the region's Block Public Access. While that is off it changes nothing.
    BlockPublicAccessExclusion = "block_public_access_exclusion" {
        /// The VPC that is let off; one of `vpc` and `subnet` is written.
        vpc: Option<Ref<Vpc>>, Replace;
        /// The subnet that is let off.
        subnet: Option<Ref<Subnet>>, Replace;
        /// `"allow-bidirectional"` lets packets in and out, `"allow-egress"` out, where the region's switch is
        /// `block-bidirectional`.
        internet_gateway_exclusion_mode: Val<Word<Modes>>, InPlace;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

/// How far it is let off.
#[derive(Debug, Clone, PartialEq)]
pub struct Modes;

impl Words for Modes {
    const ALL: &'static [&'static str] = &["allow-bidirectional", "allow-egress"];
}

/// A change takes minutes.
const TIMEOUT_S: u64 = 900;

impl ResourceType for BlockPublicAccessExclusion {
    declared!();

    const EXAMPLE: &'static str = r#"block_public_access main {
  internet_gateway_block_mode = "block-bidirectional"
}

block_public_access_exclusion web {
  subnet                          = subnet.public
  internet_gateway_exclusion_mode = "allow-bidirectional"
}
"#;

    const ID_PREFIX: &'static str = "vpcbpa-exclude-";
    const OPENS: &'static [&'static str] = &[""];
    const ONCE: &'static [(&'static str, &'static [&'static str])] = &[("", &["vpc"]), ("", &["subnet"])];
    const TAG_TYPE: Option<&'static str> = Some("vpc-block-public-access-exclusion");
    const CREATED_ID: &'static [&'static str] = &["VpcBlockPublicAccessExclusion", "ExclusionId"];
    // The listing has no filter for ids: all of them are read, of which a region has at most 50.
    const LISTING: Listing =
        Listing::new("DescribeVpcBlockPublicAccessExclusions", &["VpcBlockPublicAccessExclusions"], "ExclusionId", "", Some(1000));
    const UPDATES: &'static [Update] = &[Update {
        attrs: &["internet_gateway_exclusion_mode"],
        after_create: |_| false,
        calls: |at, r| {
            let params = [("ExclusionId", Arg::id(at)), ("InternetGatewayExclusionMode", arg(r, "internet_gateway_exclusion_mode"))];
            vec![Call::new("ModifyVpcBlockPublicAccessExclusion", params).settle(settle(at, &["update-complete"]))]
        },
    }];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        for this in placement::managed(model, Self::KIND) {
            let written = |name: &&str| !matches!(this.record.get(*name), None | Some(Value::Null));
            let of: Vec<&str> = ["vpc", "subnet"].into_iter().filter(written).collect();
            if of.len() != 1 {
                sink.push(endpoint::exclusion_of(&this.address, of.is_empty(), this.span));
            }
        }
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        let or_null = |arg: Option<Arg>| arg.unwrap_or(Arg::Known(Json::Null));
        let params = [
            ("VpcId", or_null(self.vpc.as_ref().map(Ref::arg))),
            ("SubnetId", or_null(self.subnet.as_ref().map(Ref::arg))),
            ("InternetGatewayExclusionMode", self.internet_gateway_exclusion_mode.arg()),
        ];
        let made = settle(at, &["create-complete", "update-complete"]);
        vec![Call::new("CreateVpcBlockPublicAccessExclusion", params).tagged("vpc-block-public-access-exclusion").settle(made)]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        let gone = settle(at, &["delete-complete", "gone"]);
        vec![Call::new("DeleteVpcBlockPublicAccessExclusion", [("ExclusionId", Arg::id(at))]).settle(gone)]
    }

    fn observe(item: &Json) -> Option<Observed> {
        if matches!(text(item, &["State"]), Some("delete-in-progress" | "delete-complete" | "create-failed")) {
            return None;
        }
        let (kind, id) = text(item, &["ResourceArn"])?.rsplit(':').next()?.split_once('/')?;
        Reader::new(item)
            .value(if kind == "subnet" { "subnet" } else { "vpc" }, Some(Value::text(id)))
            .text("internet_gateway_exclusion_mode", &["InternetGatewayExclusionMode"])
            .done(&["ExclusionId"], vec![])
    }
}

/// What the project lets off.
pub fn drawn(desired: &Desired<'_>) -> Vec<(Id, Exclusion)> {
    let each = |this: &_| {
        let of = desired.reference(this, "vpc").or_else(|| desired.reference(this, "subnet"))?;
        let egress = desired.value(this, "internet_gateway_exclusion_mode").and_then(Value::as_text) == Some("allow-egress");
        Some((of, if egress { Exclusion::Egress } else { Exclusion::Bidirectional }))
    };
    desired.managed(BlockPublicAccessExclusion::KIND).filter_map(each).collect()
}

fn settle(at: &Address, until: &[&str]) -> Settle {
    let listing = &BlockPublicAccessExclusion::LISTING;
    Settle::new(listing.action, listing.filter, listing.items, listing.id, &["State"], until, Arg::id(at))
        .or_fail(&["create-failed", "update-failed"], &["Reason"])
        .within(TIMEOUT_S)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::sample::{complaints, network, reference, resource};

    #[test]
    fn what_ec2_lists_is_what_was_asked() {
        let item = |state| {
            json!({"ExclusionId": "vpcbpa-exclude-1", "ResourceArn": "arn:aws:ec2:us-east-1:1:subnet/subnet-1", "State": state,
                "InternetGatewayExclusionMode": "allow-egress"})
        };
        let record = BlockPublicAccessExclusion::observe(&item("create-complete")).expect("it stands").record;
        assert_eq!((&record["subnet"], record.get("vpc")), (&Value::text("subnet-1"), None));
        assert_eq!(BlockPublicAccessExclusion::observe(&item("delete-in-progress")), None);
    }

    #[test]
    fn it_is_of_one_thing() {
        let exclusion = |more: &[(&str, Value)]| {
            let mode = [("internet_gateway_exclusion_mode", Value::text("allow-egress"))];
            complaints(&network([resource("block_public_access_exclusion.a", &[&mode, more].concat())]))
        };
        let (vpc, subnet) = (("vpc", reference("vpc.main")), ("subnet", reference("subnet.app")));
        assert_eq!(exclusion(std::slice::from_ref(&vpc)), [""; 0]);
        assert_eq!(exclusion(&[]), ["E0343 `block_public_access_exclusion.a` lets nothing off"]);
        assert_eq!(exclusion(&[vpc, subnet]), ["E0343 `block_public_access_exclusion.a` lets two things off"]);
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, words};

    shown! {
        VpcBlockPublicAccessExclusion(
            creation_timestamp, deletion_timestamp, exclusion_id, internet_gateway_exclusion_mode, last_update_timestamp, reason,
            resource_arn, state, tags,
        );
    }

    words! { InternetGatewayExclusionMode, VpcBlockPublicAccessExclusionState }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateVpcBlockPublicAccessExclusion: create_vpc_block_public_access_exclusion(
            set_internet_gateway_exclusion_mode, set_subnet_id, set_tag_specifications, set_vpc_id,
        ) -> (vpc_block_public_access_exclusion)),
        action!(ModifyVpcBlockPublicAccessExclusion: modify_vpc_block_public_access_exclusion(
            set_exclusion_id, set_internet_gateway_exclusion_mode,
        ) -> (vpc_block_public_access_exclusion)),
        action!(DeleteVpcBlockPublicAccessExclusion: delete_vpc_block_public_access_exclusion(set_exclusion_id)
            -> (vpc_block_public_access_exclusion)),
        action!(DescribeVpcBlockPublicAccessExclusions: describe_vpc_block_public_access_exclusions(
            set_exclusion_ids, set_filters, set_max_results, set_next_token,
        ) -> (next_token, vpc_block_public_access_exclusions)),
    ];
}
