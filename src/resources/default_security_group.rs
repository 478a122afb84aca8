//! The security group that AWS gives every VPC.
//!
//! <https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html>

use std::sync::Arc;

use crate::{
    base::{address::Address, diagnostic::Sink},
    call::{Arg, Call, Json},
    declared,
    net::{Net, desired::Desired},
    registry::{Listing, Observed, Others, PartSpec, ResourceType, SentenceSpec, quota::Quota},
    resource,
    resources::{
        given,
        placement::ForeignRules,
        read::{text},
        security_group::{self, SecurityGroup},
        vpc::Vpc,
    },
    schema::{
        attr::{Kind, Ref, Val, Word},
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// The security group that AWS gives every VPC, and puts whatever names no group into.
    ///
    /// It stands in the block of its VPC and goes by `vpc.main.default_security_group`. An empty block takes all its rules
    /// away; without the block it is left as it is, and removing the block lets go of it as it stands.
    DefaultSecurityGroup = "default_security_group" {
        /// The VPC in whose block it stands.
        vpc: Ref<Vpc>, Replace;
        /// What becomes of the rules that others have added: `revoke` shows them in the plan and removes them, `keep` leaves
        /// them, says so, and proves with them. Where nobody has read which there are, nothing is proved of the VPC.
        foreign_rules: Val<Word<ForeignRules>> = Value::text("revoke"), Ours;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

impl ResourceType for DefaultSecurityGroup {
    declared!();

    const EXAMPLE: &'static str = r#"# Whatever names no group can talk to nobody.
vpc main {
  cidr_block = 10.0.0.0/16
  default_security_group { }
}
"#;

    const ID_PREFIX: &'static str = SecurityGroup::ID_PREFIX;
    const OPENS: &'static [&'static str] = &["ingress", "egress"];
    const STANDS_FOR: Option<&'static str> = Some(SecurityGroup::KIND);
    const TAG_TYPE: Option<&'static str> = SecurityGroup::TAG_TYPE;
    const QUOTAS: &'static [Quota] = &security_group::RULES;
    const CREATED_ID: &'static [&'static str] = &["SecurityGroups", "0", "GroupId"];
    const LISTING: Listing = SecurityGroup::LISTING;
    const ROOM: Option<usize> = SecurityGroup::ROOM;
    const SENTENCES: &'static [SentenceSpec] = SecurityGroup::SENTENCES;
    const PARTS: &'static [PartSpec] = SecurityGroup::PARTS;
    // Its actions are those of the type that it stands for.
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = &[];

    fn desired_parts(&self, this: &Resource, model: &Model, sink: &mut Sink) -> Vec<Part> {
        security_group::rules(this, model, sink)
    }

    fn attached(this: &Resource, _model: &Model) -> Vec<String> {
        let rules = "`ingress all` from its own members and `egress all to anywhere`, which are revoked at once";
        vec![format!("{}: the rules {rules}", this.address)]
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        security_group::draw(this, desired, true, net);
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        let look_up = given::look_up("DescribeSecurityGroups", self.vpc.arg(), ("group-name", "default"));
        let own = Arg::map([("IpProtocol", Arg::text("-1")), ("UserIdGroupPairs", Arg::List(vec![Arg::map([("GroupId", Arg::id(at))])]))]);
        let ingress = [("GroupId", Arg::id(at)), ("IpPermissions", Arg::List(vec![own]))];
        let ingress = Call::new("RevokeSecurityGroupIngress", ingress).satisfied_by(&["InvalidPermission.NotFound"]);
        vec![look_up, ingress, security_group::revoke_everything(at)]
    }

    fn bared(at: &Address, record: &Record, others: Others<'_>) -> Vec<Call> {
        security_group::revoke_everything_ipv6(at, record, others)
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        given::let_go(at)
    }

    fn observe(item: &Json) -> Option<Observed> {
        let is_given = text(item, &["GroupName"]) == Some("default");
        let observed = SecurityGroup::observe(item).filter(|_| is_given)?;
        Some(given::observed(observed, &Self::attributes(), Self::PARTS))
    }
}
