//! The main route table that AWS gives every VPC.
//!
//! <https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html#main-route-table>

use std::sync::Arc;

use crate::{
    base::{address::Address, diagnostic::Sink},
    call::{Call, Json},
    declared,
    net::{Net, desired::Desired},
    registry::{Listing, Observed, PartSpec, ResourceType, SentenceSpec, quota::Quota},
    resource,
    resources::{
        given,
        placement::{self, ForeignRules},
        read::{at, list},
        route_table::{self, RouteTable},
        subnet::Subnet,
        vpc::Vpc,
        vpn_gateway::VpnGateway,
    },
    schema::{
        attr::{Kind, Ref, Set, Val, Word},
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// The main route table that AWS gives every VPC: the subnets that no other table names follow it.
    ///
    /// It stands in the block of its VPC and goes by `vpc.main.default_route_table`. An empty block takes all its routes away
    /// but for those that AWS itself puts there; without the block it is left as it is, and removing the block lets go of it
    /// as it stands.
    DefaultRouteTable = "default_route_table" {
        /// The VPC in whose block it stands.
        vpc: Ref<Vpc>, Replace;
        /// Subnets that are to follow it whichever table is the main one; the others do without being named.
        subnets: Set<Ref<Subnet>> = Value::List(vec![]), Parts;
        /// Virtual private gateways of the VPC that put routes for what lies behind them into the table by themselves. Which
        /// they will be EC2 tells only once they are there: until then nothing is proved of what leaves the VPC by this table.
        /// A route that is written holds before one for the same network that comes by itself.
        propagating_vpn_gateways: Set<Ref<VpnGateway>> = Value::List(vec![]), Parts;
        /// What becomes of the routes that others have added: `revoke` shows them in the plan and removes them, `keep` leaves
        /// them, says so, and proves with them. Where nobody has read which there are, nothing is proved of the VPC.
        foreign_rules: Val<Word<ForeignRules>> = Value::text("revoke"), Ours;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

impl ResourceType for DefaultRouteTable {
    declared!();

    const EXAMPLE: &'static str = r#"# Subnets that no table names have no way out.
vpc main {
  cidr_block = 10.0.0.0/16
  default_route_table { }
}
"#;

    const ID_PREFIX: &'static str = RouteTable::ID_PREFIX;
    const STANDS_FOR: Option<&'static str> = Some(RouteTable::KIND);
    const TAG_TYPE: Option<&'static str> = RouteTable::TAG_TYPE;
    const QUOTAS: &'static [Quota] = &[route_table::ROUTES];
    const CREATED_ID: &'static [&'static str] = &["RouteTables", "0", "RouteTableId"];
    const LISTING: Listing = RouteTable::LISTING;
    const SENTENCES: &'static [SentenceSpec] = RouteTable::SENTENCES;
    const PARTS: &'static [PartSpec] = RouteTable::PARTS;
    // Its actions are those of the type that it stands for.
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = &[];

    fn desired_parts(&self, this: &Resource, model: &Model, sink: &mut Sink) -> Vec<Part> {
        let mut parts = route_table::routes(this, model, sink);
        parts.extend(self.subnets.0.iter().map(|subnet| route_table::association(this, &subnet.value)));
        parts.extend(self.propagating_vpn_gateways.0.iter().map(|gateway| route_table::propagation(this, &gateway.value)));
        parts
    }

    fn check(model: &Model, sink: &mut Sink) {
        placement::propagating_of_same_vpc(model, Self::KIND, sink);
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        route_table::draw(this, desired, true, net);
    }

    fn create(&self, _at: &Address) -> Vec<Call> {
        let look_up = given::look_up("DescribeRouteTables", self.vpc.arg(), ("association.main", "true"));
        vec![look_up]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        given::let_go(at)
    }

    fn observe(item: &Json) -> Option<Observed> {
        let is_given = list(item, &["Associations"]).iter().any(|a| at(a, &["Main"]).and_then(Json::as_bool) == Some(true));
        let observed = RouteTable::observe(item).filter(|_| is_given)?;
        Some(given::observed(observed, &Self::attributes(), Self::PARTS))
    }
}
