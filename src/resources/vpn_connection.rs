//! A Site-to-Site VPN connection: two tunnels to a customer gateway, and the static routes to what lies behind it.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpnConnection.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpnConnection.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpnTunnelOptions.html>,
//! <https://docs.aws.amazon.com/vpn/latest/s2svpn/VPNTunnels.html>

use std::sync::Arc;

use crate::{
    base::{address::Address, cidr::Cidr, codes::vpn as codes, diagnostic::Sink},
    call::{Arg, Call, Json, Settle},
    declared,
    net::{self, Attached, Net, Origin, TransitRoute, TransitTable, desired::{self, Desired}},
    registry::{Listing, Observed, PartSpec, Removal, ResourceType, SentenceSpec, Shift, Slot, Update},
    resource,
    resources::{
        customer_gateway::CustomerGateway,
        part::{arg, each, int, show_value},
        placement,
        read::{Reader, at, list, text},
        transit_gateway::{Default, TransitGateway},
        transit_gateway_vpc_attachment::followed,
        vpn_gateway::VpnGateway,
    },
    schema::{
        attr::{Kind, Ref, Set, Val, Word, Words},
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// A Site-to-Site VPN: two tunnels between a customer gateway and a virtual private gateway or transit gateway.
    ///
    /// What lies behind it AWS learns by BGP, or from the connection's own routes. A virtual private gateway puts that into
    /// the tables that name it among their `propagating_vpn_gateways`, while a tunnel is up; a transit gateway into those
    /// that name the connection among their `vpn_propagations`. When a connection or one of its routes is made, changed or
    /// removed, what its gateway teaches its tables is not known, and nothing that depends on it is proved until it was read.
    ///
    /// The connection owns its whole set of static routes. Options hold for both tunnels alike. Ciphers that are weak, and
    /// which AWS would take as well, are left out unless they are written. Options without a name here keep AWS's defaults:
    /// rekey margin and fuzz, replay window, logs, lifecycle control, private addresses outside, networks inside for IPv6.
    /// The configuration for the device, which holds the keys, is never read: fetch it from AWS. It costs money by the hour.
    VpnConnection = "vpn_connection" {
        /// The device at the other end. Changing it interrupts the tunnels.
        customer_gateway: Ref<CustomerGateway>, InPlace;
        /// The virtual private gateway at AWS's end. Changing it interrupts the tunnels.
        vpn_gateway: Option<Ref<VpnGateway>>, InPlace;
        /// The transit gateway at AWS's end, in the place of a virtual private gateway. The connection is an attachment of it
        /// then, which follows a route table of the gateway, and leads nowhere without one.
        transit_gateway: Option<Ref<TransitGateway>>, InPlace;
        /// Whether there is no BGP: what lies behind it is said by routes.
        static_routes_only: Val<bool> = Value::Bool(false), Replace;
        /// Whether the tunnels enter AWS's network at the edge that is nearest to the device; at a transit gateway only.
        enable_acceleration: Val<bool> = Value::Bool(false), Replace;
        /// What the tunnels carry: IPv6 at a transit gateway only.
        tunnel_inside_ip_version: Val<Word<IpVersion>> = Value::text("ipv4"), Replace;
        /// The customer's side of the networks that the tunnels are for: everything where it is not written.
        local_ipv4_network_cidr: Option<Val<Cidr>>, InPlace;
        /// AWS's side of the networks that the tunnels are for: everything where it is not written.
        remote_ipv4_network_cidr: Option<Val<Cidr>>, InPlace;
        /// The customer's side for IPv6.
        local_ipv6_network_cidr: Option<Val<Cidr>>, InPlace;
        /// AWS's side for IPv6.
        remote_ipv6_network_cidr: Option<Val<Cidr>>, InPlace;
        /// The networks inside of the two tunnels, each a /30 of 169.254.0.0/16. AWS chooses them where they are not written.
        tunnel_inside_cidrs: Option<Set<Val<Cidr>>>, Replace;
        /// The key that both sides know, for both tunnels: 8 to 64 letters, digits, dots and underscores. It is secret: plans,
        /// messages, journal and state have but a keyed hash of it. EC2 is not asked for it, so that a change of it by another's
        /// hand is not seen. AWS makes one for each tunnel where it is not written, which secnet never sees; where one was written and is taken
        /// out, it stays.
        pre_shared_key: Option<Val<Arc<str>>>, InPlace;
        /// Versions of IKE that AWS takes: `ikev1`, `ikev2`.
        ike_versions: Set<Val<Word<IkeVersion>>> = words(&["ikev2"]), InPlace;
        /// How AWS encrypts in phase 1: `AES128` and `AES256`, too, if they are written.
        phase1_encryption_algorithms: Set<Val<Word<Encryption>>> = words(&ENCRYPTION), InPlace;
        /// How AWS encrypts in phase 2.
        phase2_encryption_algorithms: Set<Val<Word<Encryption>>> = words(&ENCRYPTION), InPlace;
        /// How AWS checks integrity in phase 1: `SHA1`, too, if it is written.
        phase1_integrity_algorithms: Set<Val<Word<Integrity>>> = words(&INTEGRITY), InPlace;
        /// How AWS checks integrity in phase 2.
        phase2_integrity_algorithms: Set<Val<Word<Integrity>>> = words(&INTEGRITY), InPlace;
        /// Diffie-Hellman groups in phase 1: 2 and 22 to 24, too, if they are written.
        phase1_dh_group_numbers: Set<Val<i64>> = numbers(&GROUPS), InPlace;
        /// Diffie-Hellman groups in phase 2: 2, 5 and 22 to 24, too, if they are written.
        phase2_dh_group_numbers: Set<Val<i64>> = numbers(&GROUPS), InPlace;
        /// How long the keys of phase 1 live, in seconds: 900 to 28800.
        phase1_lifetime_seconds: Val<i64> = Value::Int(28800), InPlace;
        /// How long the keys of phase 2 live, in seconds: 900 to 3600, and no longer than those of phase 1.
        phase2_lifetime_seconds: Val<i64> = Value::Int(3600), InPlace;
        /// After how many seconds without a sign of life the other side counts as dead: 30 at least.
        dpd_timeout_seconds: Val<i64> = Value::Int(30), InPlace;
        /// What AWS does then: end the session, try again, or nothing.
        dpd_timeout_action: Val<Word<DpdAction>> = Value::text("clear"), InPlace;
        /// Whether AWS begins (`start`), or waits for the device to begin.
        startup_action: Val<Word<StartupAction>> = Value::text("add"), InPlace;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

macro_rules! words_of {
    ($($(#[doc = $doc:literal])* $name:ident: $words:expr;)*) => {
        $($(#[doc = $doc])* #[derive(Debug, Clone, PartialEq)] pub struct $name;
        impl Words for $name { const ALL: &'static [&'static str] = $words; })*
    };
}

words_of! {
    /// What tunnels carry.
    IpVersion: &["ipv4", "ipv6"];
    /// Versions of IKE.
    IkeVersion: &["ikev1", "ikev2"];
    /// Ciphers.
    Encryption: &["AES128", "AES256", "AES128-GCM-16", "AES256-GCM-16"];
    /// Hashes.
    Integrity: &["SHA1", "SHA2-256", "SHA2-384", "SHA2-512"];
    /// What becomes of a dead peer.
    DpdAction: &["clear", "restart", "none"];
    /// Who begins.
    StartupAction: &["add", "start"];
}

/// What is taken where nobody says otherwise.
const ENCRYPTION: [&str; 3] = ["AES256", "AES128-GCM-16", "AES256-GCM-16"];
const INTEGRITY: [&str; 3] = ["SHA2-256", "SHA2-384", "SHA2-512"];
const GROUPS: [i64; 8] = [14, 15, 16, 17, 18, 19, 20, 21];

fn words(all: &[&str]) -> Value {
    Value::List(all.iter().map(|word| Value::text(*word)).collect())
}

fn numbers(all: &[i64]) -> Value {
    Value::List(all.iter().copied().map(Value::Int).collect())
}

/// It takes AWS up to a quarter of an hour to make one, or to change it.
const TIMEOUT_S: u64 = 2400;

const ID: &str = "VpnConnectionId";
const DESCRIBE: &str = "DescribeVpnConnections";

/// Attributes that are numbers or words of a tunnel: the parameter, the member of an answer, what AWS takes by itself.
const PLAIN: [(&str, &str, &str, Default_); 5] = [
    ("phase1_lifetime_seconds", "Phase1LifetimeSeconds", "Phase1LifetimeSeconds", Default_::Number(28800)),
    ("phase2_lifetime_seconds", "Phase2LifetimeSeconds", "Phase2LifetimeSeconds", Default_::Number(3600)),
    ("dpd_timeout_seconds", "DPDTimeoutSeconds", "DpdTimeoutSeconds", Default_::Number(30)),
    ("dpd_timeout_action", "DPDTimeoutAction", "DpdTimeoutAction", Default_::Word("clear")),
    ("startup_action", "StartupAction", "StartupAction", Default_::Word("add")),
];

#[derive(Clone, Copy)]
enum Default_ {
    Number(i64),
    Word(&'static str),
    Words(&'static [&'static str]),
    Numbers(&'static [i64]),
}

impl Default_ {
    fn value(self) -> Value {
        match self {
            Default_::Number(n) => Value::Int(n),
            Default_::Word(word) => Value::text(word),
            Default_::Words(all) => words(all),
            Default_::Numbers(all) => numbers(all),
        }
    }
}

/// The same for lists.
const LISTS: [(&str, &str, &str, Default_); 7] = [
    ("ike_versions", "IKEVersions", "IkeVersions", Default_::Words(IkeVersion::ALL)),
    ("phase1_encryption_algorithms", "Phase1EncryptionAlgorithms", "Phase1EncryptionAlgorithms", Default_::Words(Encryption::ALL)),
    ("phase2_encryption_algorithms", "Phase2EncryptionAlgorithms", "Phase2EncryptionAlgorithms", Default_::Words(Encryption::ALL)),
    ("phase1_integrity_algorithms", "Phase1IntegrityAlgorithms", "Phase1IntegrityAlgorithms", Default_::Words(Integrity::ALL)),
    ("phase2_integrity_algorithms", "Phase2IntegrityAlgorithms", "Phase2IntegrityAlgorithms", Default_::Words(Integrity::ALL)),
    ("phase1_dh_group_numbers", "Phase1DHGroupNumbers", "Phase1DHGroupNumbers", Default_::Numbers(&PHASE1_GROUPS)),
    ("phase2_dh_group_numbers", "Phase2DHGroupNumbers", "Phase2DHGroupNumbers", Default_::Numbers(&PHASE2_GROUPS)),
];

const PHASE1_GROUPS: [i64; 12] = [2, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24];
const PHASE2_GROUPS: [i64; 13] = [2, 5, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24];

/// Attributes that say which networks the tunnels are for, and the parameters.
const NETWORKS: [(&str, &str); 4] = [
    ("local_ipv4_network_cidr", "LocalIpv4NetworkCidr"),
    ("remote_ipv4_network_cidr", "RemoteIpv4NetworkCidr"),
    ("local_ipv6_network_cidr", "LocalIpv6NetworkCidr"),
    ("remote_ipv6_network_cidr", "RemoteIpv6NetworkCidr"),
];

impl ResourceType for VpnConnection {
    declared!();

    const EXAMPLE: &'static str = r#"customer_gateway office {
  ip_address = 198.51.100.9
}

vpn_gateway main {
  vpc = vpc.main
}

vpn_connection office {
  customer_gateway   = customer_gateway.office
  vpn_gateway        = vpn_gateway.main
  static_routes_only = true
  route 192.168.0.0/16
}

# What leaves for the office, whether the connection is up or not.
route_table private {
  vpc     = vpc.main
  subnets = [subnet.private]
  route 192.168.0.0/16 via vpn_gateway.main
}
"#;

    const AROUND: &'static str = "  vpn_gateway = vpn_gateway.main\n  static_routes_only = true\n";
    const ID_PREFIX: &'static str = "vpn-";
    const TAG_TYPE: Option<&'static str> = Some("vpn-connection");
    const ONE_AT_A_TIME: bool = true;
    const TEACHES: &'static [&'static str] = &["vpn_gateway", "transit_gateway"];
    const SECRETS: &'static [&'static str] = &["pre_shared_key"];
    const UNTOLD: &'static [&'static str] = &["pre_shared_key"];
    const CREATED_ID: &'static [&'static str] = &["VpnConnection", ID];
    const LISTING: Listing = Listing::new(DESCRIBE, &["VpnConnections"], ID, "vpn-connection-id", None);
    const SENTENCES: &'static [SentenceSpec] = &[SentenceSpec {
        head: "route",
        slots: &[Slot::Peers("destinations", &[])],
        doc: "Tells the virtual private gateway that these networks lie behind the customer gateway.",
        example: "route 192.168.0.0/16",
    }];
    const PARTS: &'static [PartSpec] = &[PartSpec {
        name: "route",
        doc: "A network that lies behind the customer gateway.",
        key: &["destination"],
        content: &[],
        create: |at, routes| each(routes, |route| with_route("CreateVpnConnectionRoute", at, route)),
        change: None,
        delete: |at, routes| {
            each(routes, |route| with_route("DeleteVpnConnectionRoute", at, route).satisfied_by(&["InvalidRoute.NotFound"]))
        },
        removal: Removal::WithOwner,
        create_first: false,
        essential: false,
        governs: None,
        takes_over: false,
        show: |route| format!("route {}", show_value(route.get("destination"))),
    }];
    const UPDATES: &'static [Update] = &[
        Update {
            attrs: &["local_ipv4_network_cidr", "remote_ipv4_network_cidr", "local_ipv6_network_cidr", "remote_ipv6_network_cidr"],
            after_create: |_| false,
            calls: |at, record| {
                let networks = NETWORKS.map(|(name, parameter)| (parameter, arg(record, name)));
                vec![Call::new("ModifyVpnConnectionOptions", [(ID, Arg::id(at))].into_iter().chain(networks)).settle(available(at))]
            },
        },
        Update {
            attrs: &[
                "pre_shared_key",
                "ike_versions",
                "phase1_encryption_algorithms",
                "phase2_encryption_algorithms",
                "phase1_integrity_algorithms",
                "phase2_integrity_algorithms",
                "phase1_dh_group_numbers",
                "phase2_dh_group_numbers",
                "phase1_lifetime_seconds",
                "phase2_lifetime_seconds",
                "dpd_timeout_seconds",
                "dpd_timeout_action",
                "startup_action",
            ],
            after_create: |_| false,
            calls: modify_tunnels,
        },
    ];
    const SHIFTS: &'static [Shift] = &[
        Shift { attr: "customer_gateway", after_create: |_| false, calls: |at, _, new| modify(at, new, "customer_gateway", "CustomerGatewayId") },
        Shift { attr: "vpn_gateway", after_create: |_| false, calls: |at, _, new| modify(at, new, "vpn_gateway", "VpnGatewayId") },
        Shift { attr: "transit_gateway", after_create: |_| false, calls: |at, _, new| modify(at, new, "transit_gateway", "TransitGatewayId") },
    ];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        for connection in placement::managed(model, Self::KIND) {
            check_end(connection, sink);
            check_tunnels(connection, sink);
        }
    }

    fn desired_parts(&self, this: &Resource, _model: &Model, sink: &mut Sink) -> Vec<Part> {
        let takes = self.static_routes_only.known != Some(false) && self.transit_gateway.is_none();
        let mut parts: Vec<Part> = vec![];
        for sentence in &this.sentences {
            if !takes {
                sink.push(codes::vpn_route(&this.address, sentence.span, self.transit_gateway.is_some()));
                continue;
            }
            for destination in sentence.get("destinations").elements() {
                let destination = if *destination == Value::Anywhere { Value::Cidr(Cidr::ANYWHERE_V4) } else { destination.clone() };
                let record = Record::from([("destination".into(), destination)]);
                if !parts.iter().any(|p| p.record == record) {
                    parts.push(Part { name: "route", record, span: Some(sentence.span) });
                }
            }
        }
        parts
    }

    fn attached(this: &Resource, _model: &Model) -> Vec<String> {
        let keys = if this.record.contains_key("pre_shared_key") { "" } else { ", each with a key that AWS makes" };
        vec![format!("{}: two tunnels{keys}; AWS has the configuration for the device", this.address)]
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        // What a virtual private gateway lets in and out it does without a connection, too.
        let Some(gateway) = desired.reference(this, "transit_gateway") else { return };
        let (id, origin) = (desired::id(&this.address), desired::origin(this));
        let by_default = |side: Default| desired.resource(&gateway).and_then(|g| side.table(g, desired));
        if let Some((table, stands)) = by_default(Default::Propagation) {
            let routes = vec![TransitRoute::of_unknown(id.clone(), Origin::Aws)];
            let (gateway, propagations) = (gateway.clone(), vec![id.clone()]);
            net.transit_tables.push(TransitTable { id: table, gateway, propagations, routes, known: !stands, origin: Origin::Aws });
        }
        let table = followed(this, &gateway, desired).or_else(|| by_default(Default::Association).map(|(table, _)| table));
        let to = Attached::Outside(id.clone());
        net.attachments.push(net::Attachment { id, gateway, to, available: true, table, origin });
    }

    fn create(&self, address: &Address) -> Vec<Call> {
        let null = || Arg::Known(Json::Null);
        let network = |written: &Option<Val<Cidr>>| written.as_ref().map_or_else(null, Val::arg);
        let inside = |i: usize| self.tunnel_inside_cidrs.as_ref().and_then(|all| all.0.get(i)).map_or_else(null, Val::arg);
        let tunnel = |i: usize| {
            let own = [("TunnelInsideCidr", inside(i)), ("PreSharedKey", self.pre_shared_key.as_ref().map_or_else(null, Val::arg))];
            Arg::map(own.into_iter().chain(self.tunnel()))
        };
        let options = [
            ("StaticRoutesOnly", self.static_routes_only.arg()),
            // EC2 takes these two for a transit gateway alone.
            ("EnableAcceleration", if self.transit_gateway.is_some() { self.enable_acceleration.arg() } else { null() }),
            ("TunnelInsideIpVersion", if self.transit_gateway.is_some() { self.tunnel_inside_ip_version.arg() } else { null() }),
            ("LocalIpv4NetworkCidr", network(&self.local_ipv4_network_cidr)),
            ("RemoteIpv4NetworkCidr", network(&self.remote_ipv4_network_cidr)),
            ("LocalIpv6NetworkCidr", network(&self.local_ipv6_network_cidr)),
            ("RemoteIpv6NetworkCidr", network(&self.remote_ipv6_network_cidr)),
            ("TunnelOptions", Arg::List(vec![tunnel(0), tunnel(1)])),
        ];
        let params = [
            ("Type", Arg::text("ipsec.1")),
            ("CustomerGatewayId", self.customer_gateway.arg()),
            ("VpnGatewayId", self.vpn_gateway.as_ref().map_or_else(null, Ref::arg)),
            ("TransitGatewayId", self.transit_gateway.as_ref().map_or_else(null, Ref::arg)),
            ("Options", Arg::map(options)),
        ];
        vec![Call::new("CreateVpnConnection", params).tagged("vpn-connection").settle(available(address))]
    }

    fn delete(address: &Address, _record: &Record) -> Vec<Call> {
        vec![Call::new("DeleteVpnConnection", [(ID, Arg::id(address))]).settle(settle(address, &["deleted", "gone"]))]
    }

    fn observe(item: &Json) -> Option<Observed> {
        if matches!(text(item, &["State"]), Some("deleting" | "deleted")) {
            return None;
        }
        let route = |route: &Json| match text(route, &["State"]) {
            Some("deleting" | "deleted") => None,
            _ => Some(Record::from([("destination".into(), Value::Cidr(text(route, &["DestinationCidrBlock"])?.parse().ok()?))])),
        };
        let parts = list(item, &["Routes"]).iter().filter_map(route).map(|record| ("route", record)).collect();
        let mut inside: Vec<Cidr> =
            tunnels(item).iter().filter_map(|tunnel| text(tunnel, &["TunnelInsideCidr"])?.parse().ok()).collect();
        inside.sort_unstable();
        let version = text(item, &["Options", "TunnelInsideIpVersion"]).unwrap_or("ipv4");
        let is = |member: &str| Some(Value::Bool(at(item, &["Options", member]).and_then(Json::as_bool).unwrap_or(false)));
        let reader = Reader::new(item)
            .text("customer_gateway", &["CustomerGatewayId"])
            .text("vpn_gateway", &["VpnGatewayId"])
            .text("transit_gateway", &["TransitGatewayId"])
            .value("static_routes_only", is("StaticRoutesOnly"))
            .value("enable_acceleration", is("EnableAcceleration"))
            .value("tunnel_inside_ip_version", Some(Value::text(version)))
            .value("tunnel_inside_cidrs", (!inside.is_empty()).then(|| Value::List(inside.into_iter().map(Value::Cidr).collect())));
        let reader = NETWORKS.iter().fold(reader, |reader, (name, member)| reader.cidr(name, &["Options", member]));
        let options = PLAIN.iter().chain(&LISTS);
        options.fold(reader, |reader, (name, _, member, default)| reader.value(name, of_both(item, member, *default))).done(&[ID], parts)
    }
}

impl VpnConnection {
    /// The options of either tunnel, but for what is secret.
    fn tunnel(&self) -> Vec<(&'static str, Arg)> {
        let words = |all: Vec<Arg>| Arg::List(all.into_iter().map(|word| Arg::map([("Value", word)])).collect());
        macro_rules! list {
            ($($field:ident),*) => { [$(words(self.$field.0.iter().map(Val::arg).collect())),*] };
        }
        let lists = list!(
            ike_versions,
            phase1_encryption_algorithms,
            phase2_encryption_algorithms,
            phase1_integrity_algorithms,
            phase2_integrity_algorithms,
            phase1_dh_group_numbers,
            phase2_dh_group_numbers
        );
        let plain = [
            self.phase1_lifetime_seconds.arg(),
            self.phase2_lifetime_seconds.arg(),
            self.dpd_timeout_seconds.arg(),
            self.dpd_timeout_action.arg(),
            self.startup_action.arg(),
        ];
        LISTS.iter().zip(lists).chain(PLAIN.iter().zip(plain)).map(|((_, parameter, ..), value)| (*parameter, value)).collect()
    }
}

/// The tunnels in an answer.
fn tunnels(item: &Json) -> &[Json] {
    list(item, &["Options", "TunnelOptions"])
}

/// What both tunnels have: one that does not say it has what AWS takes by itself. Where they differ, both are told, as a text
/// that is nothing that could be written.
fn of_both(item: &Json, member: &str, default: Default_) -> Option<Value> {
    let one = |value: &Json| value.as_i64().map(Value::Int).or_else(|| value.as_str().map(Value::text));
    let of = |tunnel: &Json| match tunnel.get(member) {
        None | Some(Json::Null) => Some(default.value()),
        Some(Json::Array(all)) if all.is_empty() => Some(default.value()),
        Some(Json::Array(all)) => all.iter().map(|v| one(v.get("Value").unwrap_or(v))).collect::<Option<Vec<_>>>().map(Value::List),
        Some(value) => one(value),
    };
    let mut found: Vec<Value> = tunnels(item).iter().map(of).collect::<Option<_>>()?;
    found.dedup();
    match found.as_slice() {
        [value] => Some(value.clone()),
        [] => None,
        several => Some(Value::text(several.iter().map(Value::to_string).collect::<Vec<_>>().join(" and "))),
    }
}

fn with_route(action: &str, at: &Address, route: &Record) -> Call {
    Call::new(action, [(ID, Arg::id(at)), ("DestinationCidrBlock", arg(route, "destination"))])
}

/// Ends elsewhere. What is not written any more goes by the other attribute's call; then it is but looked at.
fn modify(at: &Address, new: &Record, name: &str, parameter: &'static str) -> Vec<Call> {
    match new.get(name) {
        None | Some(Value::Null) => vec![look(at)],
        Some(value) => vec![Call::new("ModifyVpnConnection", [(ID, Arg::id(at)), (parameter, Arg::from_value(value))]).settle(available(at))],
    }
}

/// Both tunnels, one after the other: each is called by its address outside, which is asked for first.
fn modify_tunnels(at: &Address, record: &Record) -> Vec<Call> {
    let mut calls = vec![look(at)];
    let listed = |value: &Value| Arg::List(value.elements().iter().map(|v| Arg::map([("Value", Arg::from_value(v))])).collect());
    for i in ["0", "1"] {
        let outside = ["VpnConnections", "0", "Options", "TunnelOptions", i, "OutsideIpAddress"].map(str::to_owned).to_vec();
        let lists = LISTS.iter().map(|(name, parameter, ..)| (*parameter, record.get(*name).map_or(Arg::Known(Json::Null), listed)));
        let plain = PLAIN.iter().map(|(name, parameter, ..)| (*parameter, arg(record, name)));
        let options = Arg::map(lists.chain(plain).chain([("PreSharedKey", arg(record, "pre_shared_key"))]));
        let params = [(ID, Arg::id(at)), ("VpnTunnelOutsideIpAddress", Arg::Answer(0, outside)), ("TunnelOptions", options)];
        calls.push(Call::new("ModifyVpnTunnelOptions", params).settle(available(at)));
    }
    calls
}

fn look(at: &Address) -> Call {
    Call::new(DESCRIBE, [("VpnConnectionIds", Arg::List(vec![Arg::id(at)]))])
}

fn available(at: &Address) -> Settle {
    settle(at, &["available"]).or_fail(&["deleting", "deleted", "gone"], &[])
}

fn settle(at: &Address, until: &[&str]) -> Settle {
    Settle::new(DESCRIBE, "vpn-connection-id", &["VpnConnections"], ID, &["State"], until, Arg::id(at)).within(TIMEOUT_S)
}

/// It ends at one gateway, which can do what is asked of it.
fn check_end(connection: &Resource, sink: &mut Sink) {
    let has = |name: &str| connection.record.get(name).is_some_and(|v| *v != Value::Null);
    let (name, one) = (&connection.address, "write `vpn_gateway = vpn_gateway.NAME` or `transit_gateway = transit_gateway.NAME`");
    match (has("vpn_gateway"), has("transit_gateway")) {
        (false, false) => sink.push(codes::vpn_end(format!("`{name}` ends at no gateway"), connection.span, one)),
        (true, true) => sink.push(codes::vpn_end(format!("`{name}` ends at two gateways"), connection.span_of("transit_gateway"), "remove one of them")),
        (false, true) => {}
        (true, false) => {
            for (attribute, wanted) in [("enable_acceleration", Value::Bool(true)), ("tunnel_inside_ip_version", Value::text("ipv6"))] {
                if connection.record.get(attribute) == Some(&wanted) {
                    let message = format!("`{attribute}` is for connections that end at a transit gateway");
                    sink.push(codes::vpn_end(message, connection.span_of(attribute), "leave it out"));
                }
            }
        }
    }
}

/// Networks that AWS keeps for itself.
fn is_reserved(inside: Cidr) -> bool {
    let text = inside.to_string();
    text == "169.254.169.252/30" || (0..=5).any(|n| text == format!("169.254.{n}.0/30"))
}

fn check_tunnels(connection: &Resource, sink: &mut Sink) {
    let mut wrong =
        |name: &str, message: String, help: &str| sink.push(codes::vpn_tunnel(message, connection.span_of(name), help));
    if let Some(Value::List(inside)) = connection.record.get("tunnel_inside_cidrs") {
        let networks: Vec<Cidr> = inside.iter().filter_map(|v| if let Value::Cidr(cidr) = v { Some(*cidr) } else { None }).collect();
        let link_local = |cidr: &Cidr| cidr.prefix() == 30 && cidr.to_string().starts_with("169.254.") && !is_reserved(*cidr);
        if let Some(cidr) = networks.iter().find(|cidr| !link_local(cidr)) {
            wrong("tunnel_inside_cidrs", format!("{cidr} is no /30 of 169.254.0.0/16 that tunnels may have"), "write two such as 169.254.10.0/30");
        } else if inside.len() != 2 {
            wrong("tunnel_inside_cidrs", format!("the connection has two tunnels, and {} inside", inside.len()), "write two");
        }
    }
    let number = |name: &str| int(&connection.record, name);
    for (name, low, high) in
        [("phase1_lifetime_seconds", 900, 28800), ("phase2_lifetime_seconds", 900, 3600), ("dpd_timeout_seconds", 30, i64::MAX)]
    {
        if let Some(n) = number(name).filter(|n| !(low..=high).contains(n)) {
            let range = if high == i64::MAX { format!("{low} or more") } else { format!("{low} to {high}") };
            wrong(name, format!("`{name}` is {n}, and AWS takes {range}"), "write a number of seconds in that range, or leave it out");
        }
    }
    if let (Some(first), Some(second)) = (number("phase1_lifetime_seconds"), number("phase2_lifetime_seconds"))
        && second > first
    {
        wrong("phase1_lifetime_seconds", format!("keys of phase 2 live longer ({second} seconds) than those of phase 1 ({first})"), "let those of phase 1 live longer");
    }
    for (name, ..) in LISTS {
        if connection.record.get(name).is_some_and(|v| v.elements().is_empty()) {
            wrong(name, format!("`{name}` is empty: AWS would take all that it knows"), "name one at least");
        }
    }
    for (name, allowed) in [("phase1_dh_group_numbers", &PHASE1_GROUPS[..]), ("phase2_dh_group_numbers", &PHASE2_GROUPS)] {
        let written = connection.record.get(name).map_or(&[][..], Value::elements);
        if let Some(n) = written.iter().find(|v| !matches!(v, Value::Int(n) if allowed.contains(n))) {
            wrong(name, format!("there is no Diffie-Hellman group {n} in `{name}`"), "take one that AWS knows, such as 20");
        }
    }
    let key = connection.record.get("pre_shared_key").map(Value::inner).and_then(Value::as_text);
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
    if key.is_some_and(|key| !(8..=64).contains(&key.len()) || key.starts_with('0') || !key.chars().all(allowed)) {
        // The key itself is shown by nothing.
        let message = "`pre_shared_key` is not 8 to 64 letters, digits, dots and underscores, of which the first is no 0";
        wrong("pre_shared_key", message.into(), "give another, or leave it out: AWS makes one for each tunnel");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::{
        self,
        sample::{complaints, list as values, model, net as network, reference, resource, shown},
    };

    fn connection(more: &[(&str, Value)]) -> Resource {
        resource("vpn_connection.c", &[&[("customer_gateway", reference("customer_gateway.c"))], more].concat())
    }

    fn by_vpn_gateway(more: &[(&str, Value)]) -> Resource {
        connection(&[&[("vpn_gateway", reference("vpn_gateway.v"))], more].concat())
    }

    #[test]
    fn what_ec2_lists_is_what_was_asked() {
        let tunnel = |inside: &str, more: Json| {
            let mut tunnel = json!({"TunnelInsideCidr": inside, "PreSharedKey": "unseen_key_1", "OutsideIpAddress": "203.0.113.1"});
            tunnel.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
            tunnel
        };
        let item = |state: &str, two: Json| {
            let tunnels = [tunnel("169.254.9.0/30", json!({"Phase1LifetimeSeconds": 900})), tunnel("169.254.8.0/30", two)];
            json!({
                "VpnConnectionId": "vpn-1", "State": state, "CustomerGatewayId": "cgw-1", "VpnGatewayId": "vgw-1",
                "CustomerGatewayConfiguration": "<unseen/>", "Options": {"StaticRoutesOnly": true, "TunnelOptions": tunnels},
                "Routes": [{"DestinationCidrBlock": "10.9.0.0/16", "State": "available"}, {"DestinationCidrBlock": "10.8.0.0/16", "State": "deleted"}],
            })
        };
        let observed = VpnConnection::observe(&item("available", json!({"Phase1LifetimeSeconds": 900}))).expect("it stands");
        let record = &observed.record;
        assert_eq!(record["tunnel_inside_cidrs"], values([network("169.254.8.0/30"), network("169.254.9.0/30")]));
        assert_eq!((&record["phase1_lifetime_seconds"], &record["startup_action"]), (&Value::Int(900), &Value::text("add")));
        assert_eq!(record["ike_versions"], words(&["ikev1", "ikev2"]));
        assert_eq!(observed.parts, [("route", Record::from([("destination".into(), network("10.9.0.0/16"))]))]);
        assert!(!format!("{observed:?}").contains("unseen"), "nothing secret is read");
        // Tunnels that differ are not as anybody wrote them.
        let differing = VpnConnection::observe(&item("available", json!({}))).expect("it stands");
        assert_eq!(differing.record["phase1_lifetime_seconds"], Value::text("900 and 28800"));
        assert_eq!(VpnConnection::observe(&item("deleting", json!({}))), None);
    }

    #[test]
    fn it_ends_at_one_gateway() {
        let transit = || ("transit_gateway", reference("transit_gateway.t"));
        assert_eq!(complaints(&model([connection(&[])])), ["E0353 `vpn_connection.c` ends at no gateway"]);
        assert_eq!(complaints(&model([by_vpn_gateway(&[transit()])])), ["E0353 `vpn_connection.c` ends at two gateways"]);
        let fast = ("enable_acceleration", Value::Bool(true));
        let expected = ["E0353 `enable_acceleration` is for connections that end at a transit gateway"];
        assert_eq!(complaints(&model([by_vpn_gateway(std::slice::from_ref(&fast))])), expected);
        assert_eq!(complaints(&model([connection(&[transit(), fast])])), [""; 0]);
    }

    #[test]
    fn routes_are_for_a_connection_without_bgp() {
        let says = |connection: Resource| connection.says("route", &[("destinations", values([network("10.9.0.0/16"), Value::Anywhere]))]);
        let fixed = ("static_routes_only", Value::Bool(true));
        let expected = ["E0354 `vpn_connection.c` takes no static routes"];
        assert_eq!(complaints(&model([says(by_vpn_gateway(&[]))])), expected);
        let transit = connection(&[("transit_gateway", reference("transit_gateway.t")), fixed.clone()]);
        assert_eq!(complaints(&model([says(transit)])), expected);
        let all = model([says(by_vpn_gateway(&[fixed]))]);
        assert_eq!((complaints(&all), shown(&all, "vpn_connection.c")), (vec![], vec!["route 10.9.0.0/16".into(), "route 0.0.0.0/0".into()]));
    }

    #[test]
    fn options_are_what_aws_takes() {
        let of = |name: &str, value: Value| complaints(&model([by_vpn_gateway(&[(name, value)])])).join("; ");
        let inside = |a: &str, b: &str| of("tunnel_inside_cidrs", values([network(a), network(b)]));
        assert_eq!(inside("169.254.8.0/30", "169.254.9.0/30"), "");
        assert_eq!(inside("169.254.5.0/30", "169.254.9.0/30"), "E0355 169.254.5.0/30 is no /30 of 169.254.0.0/16 that tunnels may have");
        assert_eq!(of("tunnel_inside_cidrs", values([network("169.254.8.0/30")])), "E0355 the connection has two tunnels, and 1 inside");
        assert_eq!(of("dpd_timeout_seconds", Value::Int(29)), "E0355 `dpd_timeout_seconds` is 29, and AWS takes 30 or more");
        assert!(of("phase1_lifetime_seconds", Value::Int(1000)).starts_with("E0355 keys of phase 2 live longer (3600 seconds)"));
        assert!(of("ike_versions", values([])).starts_with("E0355 `ike_versions` is empty"));
        assert_eq!(of("phase1_dh_group_numbers", values([Value::Int(5)])), "E0355 there is no Diffie-Hellman group 5 in `phase1_dh_group_numbers`");
        for key in ["short", "0leading_zero", "not+allowed"] {
            let said = of("pre_shared_key", Value::text(key).sensitive());
            assert!(said.starts_with("E0355") && !said.contains(key), "{said}");
        }
        assert_eq!(of("pre_shared_key", Value::text("long_enough.1").sensitive()), "");
    }

    #[test]
    fn it_is_an_attachment_of_a_transit_gateway_that_teaches_what_nobody_knows() {
        let on = |name| (name, Value::text("enable"));
        let hub = resource("transit_gateway.t", &[on("default_route_table_association"), on("default_route_table_propagation")]);
        let net = resources::network(&model([hub, connection(&[("transit_gateway", reference("transit_gateway.t"))])]));
        let attachment = &net.attachments[0];
        assert_eq!((&attachment.id, &attachment.to), (&net::Id::from("vpn_connection.c"), &Attached::Outside("vpn_connection.c".into())));
        assert!(attachment.table.is_some());
        assert!(net.transit_tables[0].routes.iter().any(TransitRoute::is_of_unknown));
        assert_eq!(resources::network(&model([by_vpn_gateway(&[])])).attachments, []);
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, taken, words};

    taken! {
        VpnConnectionOptionsSpecification(
            set_enable_acceleration, set_local_ipv4_network_cidr, set_local_ipv6_network_cidr, set_remote_ipv4_network_cidr,
            set_remote_ipv6_network_cidr, set_static_routes_only, set_tunnel_inside_ip_version, set_tunnel_options,
        );
        VpnTunnelOptionsSpecification(
            set_dpd_timeout_action, set_dpd_timeout_seconds, set_ike_versions, set_phase1_dh_group_numbers, set_phase1_encryption_algorithms,
            set_phase1_integrity_algorithms, set_phase1_lifetime_seconds, set_phase2_dh_group_numbers, set_phase2_encryption_algorithms,
            set_phase2_integrity_algorithms, set_phase2_lifetime_seconds, set_pre_shared_key, set_startup_action, set_tunnel_inside_cidr,
        );
        ModifyVpnTunnelOptionsSpecification(
            set_dpd_timeout_action, set_dpd_timeout_seconds, set_ike_versions, set_phase1_dh_group_numbers, set_phase1_encryption_algorithms,
            set_phase1_integrity_algorithms, set_phase1_lifetime_seconds, set_phase2_dh_group_numbers, set_phase2_encryption_algorithms,
            set_phase2_integrity_algorithms, set_phase2_lifetime_seconds, set_pre_shared_key, set_startup_action, set_tunnel_inside_cidr,
        );
        IkeVersionsRequestListValue(set_value);
        Phase1DhGroupNumbersRequestListValue(set_value);
        Phase1EncryptionAlgorithmsRequestListValue(set_value);
        Phase1IntegrityAlgorithmsRequestListValue(set_value);
        Phase2DhGroupNumbersRequestListValue(set_value);
        Phase2EncryptionAlgorithmsRequestListValue(set_value);
        Phase2IntegrityAlgorithmsRequestListValue(set_value);
    }

    shown! {
        // Without the configuration for the device, and without keys: they go no further than here.
        VpnConnection(
            category, customer_gateway_id, gateway_association_state, options, routes, state, tags, transit_gateway_id, r#type, vpn_connection_id,
            vpn_gateway_id,
        );
        VpnConnectionOptions(
            enable_acceleration, local_ipv4_network_cidr, local_ipv6_network_cidr, outside_ip_address_type, remote_ipv4_network_cidr,
            remote_ipv6_network_cidr, static_routes_only, tunnel_inside_ip_version, tunnel_options,
        );
        TunnelOption(
            dpd_timeout_action, dpd_timeout_seconds, ike_versions, outside_ip_address, phase1_dh_group_numbers, phase1_encryption_algorithms,
            phase1_integrity_algorithms, phase1_lifetime_seconds, phase2_dh_group_numbers, phase2_encryption_algorithms,
            phase2_integrity_algorithms, phase2_lifetime_seconds, startup_action, tunnel_inside_cidr,
        );
        IkeVersionsListValue(value);
        Phase1DhGroupNumbersListValue(value);
        Phase1EncryptionAlgorithmsListValue(value);
        Phase1IntegrityAlgorithmsListValue(value);
        Phase2DhGroupNumbersListValue(value);
        Phase2EncryptionAlgorithmsListValue(value);
        Phase2IntegrityAlgorithmsListValue(value);
        VpnStaticRoute(destination_cidr_block, source, state);
    }

    words! { GatewayAssociationState, TunnelInsideIpVersion, VpnStaticRouteSource }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateVpnConnection: create_vpn_connection(
            set_customer_gateway_id, set_options, set_tag_specifications, set_transit_gateway_id, set_type, set_vpn_gateway_id,
        ) -> (vpn_connection)),
        action!(DeleteVpnConnection: delete_vpn_connection(set_vpn_connection_id) -> ()),
        action!(ModifyVpnConnection: modify_vpn_connection(
            set_customer_gateway_id, set_transit_gateway_id, set_vpn_connection_id, set_vpn_gateway_id,
        ) -> (vpn_connection)),
        action!(ModifyVpnConnectionOptions: modify_vpn_connection_options(
            set_local_ipv4_network_cidr, set_local_ipv6_network_cidr, set_remote_ipv4_network_cidr, set_remote_ipv6_network_cidr,
            set_vpn_connection_id,
        ) -> (vpn_connection)),
        action!(ModifyVpnTunnelOptions: modify_vpn_tunnel_options(set_tunnel_options, set_vpn_connection_id, set_vpn_tunnel_outside_ip_address)
            -> (vpn_connection)),
        action!(CreateVpnConnectionRoute: create_vpn_connection_route(set_destination_cidr_block, set_vpn_connection_id) -> ()),
        action!(DeleteVpnConnectionRoute: delete_vpn_connection_route(set_destination_cidr_block, set_vpn_connection_id) -> ()),
        action!(DescribeVpnConnections: describe_vpn_connections(set_filters, set_vpn_connection_ids) -> (vpn_connections)),
    ];
}
