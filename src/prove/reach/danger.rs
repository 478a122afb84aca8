//! How bad it is that the internet reaches something. Layer 5.

use crate::prove::{
    packet::{Cuboid, Range, protocol},
    reach::set::Service,
};

/// Ports by which whoever gets in rules a machine or has its data (IANA, "Service Name and Transport Protocol Port Number
/// Registry", and what the products document).
pub const ADMINISTRATIVE: [(u16, &str); 26] = [
    (22, "SSH"),
    (23, "Telnet"),
    (445, "SMB"),
    (1433, "SQL Server"),
    (1521, "Oracle"),
    (2049, "NFS"),
    (2375, "Docker"),
    (2376, "Docker"),
    (2379, "etcd"),
    (3306, "MySQL"),
    (3389, "RDP"),
    (5432, "PostgreSQL"),
    (5439, "Redshift"),
    (5900, "VNC"),
    (5985, "WinRM"),
    (5986, "WinRM"),
    (6379, "Redis"),
    (6443, "Kubernetes"),
    (8086, "InfluxDB"),
    (9042, "Cassandra"),
    (9092, "Kafka"),
    (9200, "Elasticsearch"),
    (10250, "kubelet"),
    (11211, "memcached"),
    (27017, "MongoDB"),
    (50000, "Db2"),
];

/// How bad a flow from outside is, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Danger {
    /// Everything, or an administrative port, from anywhere.
    Open,
    /// Something else from anywhere.
    Public,
    /// Everything, or an administrative port, from some networks.
    Guarded,
    /// Something else from some networks.
    Limited,
    /// Packets arrive and no answer comes back.
    OneWay,
}

/// The administrative ports that a service holds, by name and each once.
#[must_use]
pub fn administrative(service: &Service) -> Vec<&'static str> {
    let mut names = vec![];
    for (port, name) in ADMINISTRATIVE {
        let port = Cuboid([Range::one(protocol::TCP), Range::one(port.into()), Range::PORTS]);
        if !names.contains(&name) && service.boxes.iter().any(|b| b.meet(&port).is_some()) {
            names.push(name);
        }
    }
    names
}
