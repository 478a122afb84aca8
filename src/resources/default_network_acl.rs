//! The network ACL that AWS gives every VPC.
//!
//! <https://docs.aws.amazon.com/vpc/latest/userguide/default-network-acl.html>

use std::sync::Arc;

use crate::{
    base::{address::Address, diagnostic::Sink},
    call::{Call, Json},
    declared,
    net::{Net, desired::Desired},
    registry::{Listing, Observed, Others, PartSpec, ResourceType, SentenceSpec, quota::Quota},
    resource,
    resources::{
        given,
        placement::{self, ForeignRules},
        read::{at},
        network_acl::{self, NetworkAcl},
        vpc::Vpc,
    },
    schema::{
        attr::{Kind, Ref, Val, Word},
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// The network ACL that AWS gives every VPC: it guards the subnets that no other names, and lets everything pass.
    ///
    /// It stands in the block of its VPC and goes by `vpc.main.default_network_acl`. An empty block takes all its entries
    /// away, so that nothing passes; without the block it is left as it is, and removing the block lets go of it as it stands.
    DefaultNetworkAcl = "default_network_acl" {
        /// The VPC in whose block it stands.
        vpc: Ref<Vpc>, Replace;
        /// What becomes of the entries that others have added: `revoke` shows them in the plan and removes them, `keep` leaves
        /// them, says so, and proves with them. Where nobody has read which there are, nothing is proved of the VPC.
        foreign_rules: Val<Word<ForeignRules>> = Value::text("revoke"), Ours;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

impl ResourceType for DefaultNetworkAcl {
    declared!();

    const EXAMPLE: &'static str = r#"# Subnets that no ACL names talk to each other alone.
vpc main {
  cidr_block = 10.0.0.0/16
  default_network_acl {
    in  100 allow all from 10.0.0.0/16
    out 100 allow all to   10.0.0.0/16
  }
}
"#;

    const ID_PREFIX: &'static str = NetworkAcl::ID_PREFIX;
    const STANDS_FOR: Option<&'static str> = Some(NetworkAcl::KIND);
    const TAG_TYPE: Option<&'static str> = NetworkAcl::TAG_TYPE;
    const QUOTAS: &'static [Quota] = &network_acl::ENTRIES;
    const CREATED_ID: &'static [&'static str] = &["NetworkAcls", "0", "NetworkAclId"];
    const LISTING: Listing = NetworkAcl::LISTING;
    const SENTENCES: &'static [SentenceSpec] = NetworkAcl::SENTENCES;
    const PARTS: &'static [PartSpec] = NetworkAcl::PARTS.split_at(2).0;
    // Its actions are those of the type that it stands for.
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = &[];

    fn desired_parts(&self, this: &Resource, model: &Model, sink: &mut Sink) -> Vec<Part> {
        network_acl::entries_of(this, model, sink)
    }

    fn attached(this: &Resource, _model: &Model) -> Vec<String> {
        let entries = "`in 100 allow all from anywhere` and `out 100 allow all to anywhere`, which are removed at once";
        vec![format!("{}: the entries {entries}", this.address)]
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        network_acl::draw(this, desired, true, net);
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        let look_up = given::look_up("DescribeNetworkAcls", self.vpc.arg(), ("default", "true"));
        vec![look_up, network_acl::remove(at, false, 100), network_acl::remove(at, true, 100)]
    }

    /// In a VPC with IPv6 AWS adds an entry of that family each way.
    fn bared(at: &Address, record: &Record, others: Others<'_>) -> Vec<Call> {
        let vpc = record.get("vpc").and_then(Value::as_resource).and_then(others);
        match vpc.is_some_and(placement::may_have_ipv6) {
            true => vec![network_acl::remove(at, false, 101), network_acl::remove(at, true, 101)],
            false => vec![],
        }
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        given::let_go(at)
    }

    fn observe(item: &Json) -> Option<Observed> {
        let is_given = at(item, &["IsDefault"]).and_then(Json::as_bool) == Some(true);
        let observed = NetworkAcl::observe(item).filter(|_| is_given)?;
        Some(given::observed(observed, &Self::attributes(), Self::PARTS))
    }
}
