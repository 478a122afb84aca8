//! One file per resource type. Adding one: write the file, add its word here. Layer 3.

use crate::registry::Spec;

mod part;
mod placement;
mod read;

crate::resources! {
    vpc: Vpc,
    internet_gateway: InternetGateway,
    subnet: Subnet,
    route_table: RouteTable,
    network_acl: NetworkAcl,
    security_group: SecurityGroup,
    key_pair: KeyPair,
    elastic_ip: ElasticIp,
    nat_gateway: NatGateway,
    network_interface: NetworkInterface,
    instance: Instance,
}

/// The type of this word.
#[must_use]
pub fn spec(kind: &str) -> Option<&'static Spec> {
    ALL.iter().copied().find(|s| s.kind == kind)
}
