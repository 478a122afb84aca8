//! Why a packet stops, or why nobody can tell. Layer 5.

use std::sync::Arc;

/// Why a packet goes no further.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// No rule of the interface's groups lets it pass.
    NoRule,
    /// The groups have no rules at all in this direction.
    NoRules,
    /// A rule names the sender's group, but something on the way hides who sends.
    IdentityLost,
    /// The network ACL denies it.
    AclDenies,
    /// The interface drops what is neither from nor to itself.
    SourceDestCheck,
    /// No route leads to the destination.
    NoRoute,
    /// The route's target is gone.
    Blackhole,
    /// Such addresses are never forwarded.
    LinkLocal,
    /// The address lies in the VPC but in none of its subnets.
    NoSubnet,
    /// No interface has the address.
    NoInterface,
    /// The machine does not run, or the gateway does not work.
    BadState,
    /// The interface is attached to nothing.
    NotAttached,
    /// Nothing behind it could take the packet.
    NoPossibleDestination,
    /// The gateway is attached to another VPC, or to none.
    GatewayElsewhere,
    /// The source has no public address, and an internet gateway lets only those out.
    NoPublicAddress,
    /// The source is no address of the gateway's VPC.
    Spoofed,
    /// The destination is no public address of an interface in the gateway's VPC.
    NoSuchPublicAddress,
    /// The destination is no private address of the VPC, and a VPN gateway delivers to those only.
    NotInVpc,
    /// The destination is a private address, which an internet gateway does not forward.
    PrivateDestination,
    /// The destination is a shared address, which an internet gateway does not forward.
    SharedDestination,
    /// The source is a private address, which an internet gateway does not take from the internet.
    PrivateSource,
    /// The source is a shared address, which an internet gateway does not take from the internet.
    SharedSource,
    /// The destination lies in the VPC that the packet would leave.
    DestinationInVpc,
    /// The account keeps the internet out.
    PublicAccessBlocked,
    /// The gateway carries only some protocols.
    Protocol,
    /// The gateway takes no packet that answers nothing.
    Unsolicited,
    /// The gateway would give the answer another source than the one that was asked.
    AnswerTranslated,
    /// The answer arrives somewhere else, or from another address than the one that was asked.
    AnswerAstray,
    /// The peering is not active.
    PeeringInactive,
    /// A peering carries only what goes from one VPC's addresses to the other's.
    PeeringAddresses,
    /// The gateway does not carry this family.
    Family,
    /// The transit gateway has no subnet in the sender's Availability Zone.
    TransitZone,
    /// The attachment follows no route table.
    TransitNoTable,
    /// The transit gateway's table has no route to the destination.
    TransitNoRoute,
    /// The transit gateway's route is a black hole.
    TransitBlackhole,
    /// The VPC is not attached to the transit gateway.
    TransitNoAttachment,
    /// A gateway endpoint carries TCP and ICMP echo only.
    EndpointProtocol,
    /// An interface endpoint answers and never begins.
    EndpointBegins,
    /// The packet goes round in circles.
    Loop,
    /// The model lacks something that the packet meets.
    Missing(Arc<str>),
    /// The packet meets something that secnet does not model.
    Unmodelled(Arc<str>),
    /// The packet meets a machine that forwards, as only its own software knows.
    Forwarder,
    /// A prefix list whose entries are not known decides.
    UnknownList(Arc<str>),
    /// A VPN gateway may put a route for it into the table, which nobody knows yet.
    UnknownRoutes(Arc<str>),
    /// The transit gateway's routes were not read, or it learns some from outside.
    UnknownTransitRoutes,
    /// Several prefix lists of one table hold the destination: AWS chooses one.
    OverlappingLists,
    /// AWS chooses one of several ways, which differ.
    AwsChooses,
    /// It is in a VPC of which not everything was read.
    Fog(Arc<str>),
    /// The sets have become too many to go on.
    TooComplex,
}

impl Reason {
    /// Whether the packet may pass for all that secnet knows.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        use Reason::*;
        matches!(
            self,
            TransitNoAttachment
                | Missing(_)
                | Unmodelled(_)
                | Forwarder
                | UnknownList(_)
                | UnknownRoutes(_)
                | UnknownTransitRoutes
                | OverlappingLists
                | AwsChooses
                | Fog(_)
                | TooComplex
        )
    }

    /// What AWS's Reachability Analyzer calls it.
    ///
    /// <https://docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html>
    #[must_use]
    pub fn aws_code(&self) -> Option<&'static str> {
        use Reason::*;
        Some(match self {
            NoRule => "ENI_SG_RULES_MISMATCH",
            NoRules => "SG_HAS_NO_RULES",
            IdentityLost => "SG_REFERENCES_NOT_PRESERVED",
            AclDenies => "SUBNET_ACL_RESTRICTION",
            SourceDestCheck => "ENI_SOURCE_DEST_CHECK_RESTRICTION",
            NoRoute => "NO_ROUTE_TO_DESTINATION",
            Blackhole | GatewayElsewhere => "BAD_STATE_ROUTE",
            LinkLocal | NoSubnet | NoInterface | NoPossibleDestination | TransitNoAttachment => "NO_POSSIBLE_DESTINATION",
            BadState | PeeringInactive => "BAD_STATE",
            NotAttached => "BAD_STATE_ATTACHMENT",
            NoPublicAddress => "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS",
            Spoofed => "GATEWAY_REJECTS_SPOOFED_TRAFFIC",
            NoSuchPublicAddress => "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS",
            NotInVpc => "VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS",
            PrivateDestination => "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS",
            SharedDestination => "IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS",
            PrivateSource => "IGW_SOURCE_ADDRESS_NOT_IN_RFC1918_INGRESS",
            SharedSource => "IGW_SOURCE_ADDRESS_NOT_IN_RFC6598_INGRESS",
            DestinationInVpc => "IGW_DESTINATION_ADDRESS_IN_VPC_CIDRS",
            PublicAccessBlocked => "VPC_BLOCK_PUBLIC_ACCESS_ENABLED",
            Protocol => "PROTOCOL_RESTRICTION",
            AnswerTranslated => "NGW_SOURCE_ADDRESS_REASSIGN",
            PeeringAddresses => "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR",
            TransitZone => "TGW_ROUTE_AZ_RESTRICTION",
            TransitNoTable => "TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION",
            TransitNoRoute => "TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT",
            TransitBlackhole => "TGW_RTB_BAD_STATE_ROUTE",
            EndpointProtocol => "VPCE_GATEWAY_PROTOCOL_RESTRICTION",
            EndpointBegins => "VPCE_INTRA_VPC_TRAFFIC",
            Missing(_) => "UNKNOWN_RESOURCE",
            Unmodelled(_) => "UNSUPPORTED_COMPONENT",
            UnknownTransitRoutes => "TGW_RTB_ROUTES_ARE_UNKNOWN",
            Unsolicited | AnswerAstray | Family | Loop | Forwarder | UnknownList(_) | UnknownRoutes(_) | OverlappingLists | AwsChooses
            | Fog(_) | TooComplex => {
                return None;
            }
        })
    }

    /// In words, of a thing that is named before: "`acl-1` ...".
    #[must_use]
    pub fn words(&self) -> String {
        use Reason::*;
        match self {
            NoRule => "has no rule that lets it pass".into(),
            NoRules => "has no rules in this direction".into(),
            IdentityLost => "names the sender's group, but something on the way hides who sends".into(),
            AclDenies => "denies it".into(),
            SourceDestCheck => "drops what is neither from nor to itself (source/destination check)".into(),
            NoRoute => "has no route to the destination".into(),
            Blackhole => "routes it to a target that is gone".into(),
            LinkLocal => "never forwards such addresses".into(),
            NoSubnet => "has no subnet with the destination".into(),
            NoInterface => "has no interface with the destination".into(),
            BadState => "is not running or not available".into(),
            NotAttached => "is attached to nothing".into(),
            NoPossibleDestination => "has nothing behind it that could take it".into(),
            GatewayElsewhere => "routes it to a gateway that is not attached to this VPC".into(),
            NoPublicAddress => "lets out only what has a public address, and the source has none".into(),
            Spoofed => "lets out only addresses of its own VPC".into(),
            NoSuchPublicAddress => "finds no interface with this public address in its VPC".into(),
            NotInVpc => "delivers to private addresses of its VPC only".into(),
            PrivateDestination => "does not forward to private addresses (RFC 1918)".into(),
            SharedDestination => "does not forward to shared addresses (RFC 6598)".into(),
            PrivateSource => "takes no private source address (RFC 1918) from the internet".into(),
            SharedSource => "takes no shared source address (RFC 6598) from the internet".into(),
            DestinationInVpc => "does not forward to addresses of its own VPC".into(),
            PublicAccessBlocked => "is closed by VPC Block Public Access".into(),
            Protocol => "carries TCP, UDP and ICMP only".into(),
            Unsolicited => "takes only answers, and this answers nothing".into(),
            AnswerTranslated => "would give the answer another source address".into(),
            AnswerAstray => "gets an answer that does not fit what was asked".into(),
            PeeringInactive => "is not active".into(),
            PeeringAddresses => "carries only what goes from one VPC's addresses to the other's".into(),
            Family => "does not carry this address family".into(),
            TransitZone => "lies in an Availability Zone where the transit gateway has no subnet".into(),
            TransitNoTable => "follows no route table of the transit gateway".into(),
            TransitNoRoute => "has no route to the destination".into(),
            TransitBlackhole => "drops it by a black-hole route".into(),
            TransitNoAttachment => "is not attached to this VPC".into(),
            EndpointProtocol => "carries TCP and ICMP echo only".into(),
            EndpointBegins => "answers and never begins".into(),
            Loop => "sends it round in circles".into(),
            Missing(what) => format!("leads to {what}, which is not in the model"),
            Unmodelled(what) => format!("hands it to {what}, which secnet does not model"),
            Forwarder => "forwards by its own software, which secnet cannot see into".into(),
            UnknownList(list) => format!("depends on prefix list `{list}`, whose entries are not known"),
            UnknownRoutes(gateway) => format!("may learn a route for it from `{gateway}`, and nobody knows which it will learn"),
            UnknownTransitRoutes => "follows routes that are not known".into(),
            OverlappingLists => "has several prefix lists with the destination, of which AWS chooses one".into(),
            Fog(what) => format!("is {what}"),
            AwsChooses => "has several ways that differ, of which AWS chooses one".into(),
            TooComplex => "takes too many cases to tell".into(),
        }
    }
}
