//! E03: the network as a whole.

use std::{fmt::Display, net::IpAddr};

use crate::base::{
    address::Address,
    cidr::{Cidr, Family},
    codes::value::with_article,
    diagnostic::Diagnostic,
    span::Span,
};

crate::codes! {
    SUBNET_OUTSIDE_VPC = "E0301" "a subnet lies outside its VPC"
"Every address of a subnet must be an address of its VPC. EC2 refuses CreateSubnet otherwise (InvalidSubnet.Range), after
the VPC has been made; secnet says so before anything is.

```secnet error E0301
vpc main { cidr_block = 10.0.0.0/16 }
subnet app { vpc = vpc.main  cidr_block = 10.1.0.0/24 }     # outside
```

Choose a range inside the VPC's, such as `10.0.1.0/24`, or `subnets(vpc.main.cidr_block, 8)[1]`.";
    SUBNETS_OVERLAP = "E0302" "two subnets of a VPC overlap"
"An address belongs to one subnet. EC2 refuses the second of two that overlap (InvalidSubnet.Conflict).

```secnet error E0302
subnet a { vpc = vpc.main  cidr_block = 10.0.0.0/20 }
subnet b { vpc = vpc.main  cidr_block = 10.0.8.0/24 }       # inside a
```

Move one of them to a range that is free.";
    GROUP_OF_ANOTHER_VPC = "E0303" "a rule names a security group of another VPC"
"A rule that names a group admits the private addresses of that group's interfaces, and those are of use inside one VPC,
or across a `vpc_peering` of the project that joins the two in one Region. EC2 refuses such a rule (InvalidGroup.NotFound).

```secnet error E0303
vpc front { cidr_block = 10.1.0.0/16 }
security_group web { vpc = vpc.front  ingress tcp/443 from security_group.db }    # db is in vpc.main
```

Name a group of the same VPC, or the networks that the others have.";
    SECOND_GATEWAY = "E0304" "two internet gateways for one VPC"
"A VPC has one way to the internet at most. EC2 refuses to attach a second gateway (InvalidParameterValue), after it has made it.

```secnet error E0304
internet_gateway a { vpc = vpc.main }
internet_gateway b { vpc = vpc.main }       # refused
```

Remove one of them, or attach it to another VPC.";
    TWO_ROUTES = "E0305" "two routes of a table have the same destination"
"A route table holds one route for each destination, so it could keep one of the two only.

```secnet error E0305
route_table app {
  vpc = vpc.main
  route anywhere  via internet_gateway.main
  route 0.0.0.0/0 via nat_gateway.main       # the same destination
}
```

Remove one of them, or give each subnet group a table of its own. `anywhere` is `0.0.0.0/0`.";
    SUBNET_HELD_TWICE = "E0306" "a subnet is named by two route tables or two network ACLs"
"A subnet follows one route table and is guarded by one network ACL. Naming a second would take it away from the first, and
the next run would give it back.

```secnet error E0306
route_table public  { vpc = vpc.main  subnets = [subnet.public] }
route_table private { vpc = vpc.main  subnets = [subnet.public, subnet.private] }     # subnet.public again
```

Leave the subnet to one of them.";
    OF_ANOTHER_VPC = "E0307" "something is named that lies in another VPC"
"Route tables, network ACLs, gateways, groups and interfaces work together inside one VPC only; EC2 refuses the rest
(InvalidParameterValue, InvalidGroup.NotFound).

```secnet error E0307
vpc other         { cidr_block = 10.1.0.0/16 }
route_table other { vpc = vpc.other  subnets = [subnet.private] }    # subnet.private lies in vpc.main
```

Name one of the same VPC, or move the other there.";
    ENTRY_NUMBER = "E0308" "the numbers of two network ACL entries collide"
"A network ACL tries its entries in the order of their numbers, from 1 to 32766, and each direction has every number once.
A sentence that needs several entries (several peers, several ranges of ports) takes the numbers that follow its own:

```secnet in network_acl error E0308
in 100 allow tcp/80,443 from [10.0.0.0/8, 192.168.0.0/16]     # takes 100 to 103
in 102 deny  all        from anywhere                         # 102 is taken
```

Leave room: number the sentences in steps of 100.";
    NO_PLACEMENT = "E0309" "an instance or interface does not say where it stands"
"EC2 puts an instance without a subnet into the default VPC, and one without groups under the default group, silently. Both
are said in secnet, in one of two ways:

```secnet
instance a { image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.private  security_groups = [security_group.db] }
instance b { image = ami(\"al2023\")  instance_type = \"t3.micro\"  network_interface = network_interface.b }
network_interface b { subnet = subnet.private  security_groups = [security_group.db] }
```

An interface of the project brings its subnet, its groups and its addresses along: they are written there.";
    ADDRESS_OUTSIDE_SUBNET = "E0310" "a private address cannot be used in its subnet"
"A private address is one of its subnet's range, without the first four and the last, which AWS keeps for itself (network,
router, DNS, future use, broadcast). EC2 refuses others (InvalidParameterValue).

```secnet error E0310
network_interface a { subnet = subnet.public  security_groups = [security_group.web]  private_ip_address = 10.0.2.5 }
```

Choose one such as `10.0.1.10`, or leave it out and EC2 picks a free one.";
    NAT_ADDRESS = "E0311" "a NAT gateway's address does not fit its connectivity"
"A public NAT gateway shows the internet its own public address, so it needs an `elastic_ip`. A private one has none.

```secnet
elastic_ip  nat  { }
nat_gateway main { subnet = subnet.public  elastic_ip = elastic_ip.nat }     # by route_table.public
nat_gateway corp { subnet = subnet.private  connectivity_type = \"private\" }
```";
    ADDRESS_TWICE = "E0312" "an elastic IP is to be in two places, or two are to be in one"
"An address is associated with one interface, or held by one NAT gateway; and an interface has one of them. Of an instance
it is the primary interface, so `instance` and `network_interface` are two ways to say the same thing.

```secnet error E0312
network_interface web { subnet = subnet.public  security_groups = [security_group.web] }
elastic_ip web { instance = instance.server  network_interface = network_interface.web }
```

Keep one of them.";
    PRIVATE_OF_ADDRESS = "E0386" "an elastic IP is for a private address that its holder does not have"
"An elastic IP goes to one private address of an interface: to its primary one, or to one of its secondary ones, which are written. A proof
rests on which of them the internet reaches, so the address stands in the sources.

```secnet error E0386
network_interface web { subnet = subnet.public  security_groups = [security_group.web]  secondary_private_ip_addresses = [10.0.1.30] }
elastic_ip web { network_interface = network_interface.web  private_ip_address = 10.0.1.31 }
```

Write the address into `secondary_private_ip_addresses` of the interface or the instance, or leave `private_ip_address` out.";
    GATEWAY_WITHOUT_VPC = "E0313" "a route leads to a gateway that is attached to no VPC"
"EC2 takes a route to an internet gateway only once the gateway is attached to the table's VPC.

```secnet error E0313
internet_gateway main { }
route_table public { vpc = vpc.main  route anywhere via internet_gateway.main }
```

Write `vpc = vpc.main` in the gateway.";
    RANGE_SIZE = "E0314" "a VPC's or subnet's range is one that EC2 does not take"
"The IPv4 range of a VPC or subnet has a prefix from /16 (65,536 addresses) to /28 (16 addresses). EC2 refuses others
(InvalidVpc.Range, InvalidSubnet.Range).

```secnet error E0314
vpc main { cidr_block = 10.0.0.0/8 }        # too large
```

Take `10.0.0.0/16`, say. More than one range for a VPC, and IPv6 ranges, are not part of this version.";
    ADDRESS_TAKEN = "E0315" "two things in a subnet have the same private address"
"An address of a subnet belongs to one interface. EC2 refuses the second (InvalidIPAddress.InUse).

```secnet error E0315
network_interface a { subnet = subnet.public  security_groups = [security_group.web]  private_ip_address = 10.0.1.10 }
network_interface b { subnet = subnet.public  security_groups = [security_group.web]  private_ip_address = 10.0.1.10 }
```

Give one of them another address, or leave it to EC2.";
    TEXT_NOT_TAKEN = "E0316" "a name or description has characters that EC2 does not take"
"Names and descriptions of security groups and descriptions of their rules have at most 255 characters, out of a-z, A-Z, 0-9,
spaces and `._-:/()#,@[]+=&;{}!$*`; a group's name does not begin with `sg-`. EC2 refuses others (InvalidParameterValue).

```secnet error E0316
security_group web { vpc = vpc.main  description = \"Zugang für alle\" }      # ü
```

Write it without them. Tags take nearly every character.";
    LOCAL_ROUTE = "E0317" "a route is for addresses of the VPC itself"
"Packets between addresses of a VPC follow its `local` route, which no route of yours replaces. EC2 takes a more specific
one only for the whole range of a subnet, and only to an interface, an instance or a NAT gateway (VPC user guide, \"Route
priority and more specific routes\").

```secnet error E0317
vpc main        { cidr_block = 10.0.0.0/16 }
route_table app { vpc = vpc.main  route 10.0.0.0/16 via internet_gateway.main }     # refused
```

Remove the route, or name the range of the subnet that the appliance stands before.";
    EDGE_ROUTE = "E0389" "a route has no place in a table that a gateway follows"
"What an internet gateway or a virtual private gateway lets into the VPC can be led by an appliance: by a route table that the gateway
follows. EC2 takes nothing in such a table but routes for the whole range of a subnet, to the interface of an appliance (VPC user guide,
\"Gateway route tables\").

```secnet error E0389
vpc main              { cidr_block = 10.0.0.0/16 }
internet_gateway main { vpc = vpc.main }
route_table inward {
  vpc              = vpc.main
  internet_gateway = internet_gateway.main
  route anywhere via internet_gateway.main      # refused
}
```

Write what leaves the VPC into the tables of its subnets, and here the subnets that the appliance stands before.";
    PRIVATE_KEY = "E0318" "a key pair takes the public key alone"
"EC2 puts a public key on instances; the private one stays with its owner. A private key that is sent anywhere, or stands in sources, is
one no longer: make a new pair.

```secnet error E0318
key_pair ops { public_key = \"-----BEGIN OPENSSH PRIVATE KEY----- ...\" }      # ~/.ssh/id_ed25519 in place of ~/.ssh/id_ed25519.pub
```";
    TWO_DESCRIPTIONS = "W0301" "one rule has two descriptions"
"The same service, direction and peer from two sentences is one rule in EC2, and it has one description: that of the first
sentence.

```secnet error W0301
security_group web {
  vpc = vpc.main
  ingress tcp/443    from 10.0.0.0/8  \"offices\"
  ingress tcp/80,443 from 10.0.0.0/8  \"monitoring\"      # tcp/443 is there already
}
```

Leave the service out of one of them, or describe both alike.";
    NAT_WITHOUT_WAY_OUT = "W0302" "a public NAT gateway stands in a subnet without a way to the internet"
"A NAT gateway sends packets on by the route table of the subnet in which it stands. Without a route to an internet gateway
there, nothing that uses it reaches the internet.

```secnet error W0302
route_table public  { vpc = vpc.main  subnets = [subnet.public]   route anywhere via internet_gateway.main }
route_table private { vpc = vpc.main  subnets = [subnet.private]  route anywhere via nat_gateway.main }
nat_gateway main    { subnet = subnet.private  elastic_ip = elastic_ip.nat }         # subnet.public is meant
```

Put it into a subnet whose table leads to the internet gateway.";
    NO_CREDITS = "E0321" "an instance has credits that its type does not earn"
"Burstable instances (`t2`, `t3`, `t3a`, `t4g`) earn CPU credits while they idle and spend them when they work; `cpu_credits` says whether they
may go on after that. Other types always run at full speed, and EC2 refuses to be told of credits for them.

```secnet error E0321
instance worker {
  image           = ami(\"al2023\")
  instance_type   = \"m5.large\"
  subnet          = subnet.private
  security_groups = [security_group.db]
  cpu_credits     = \"standard\"
}
```

Leave `cpu_credits` out.";
    NOTHING_TO_LAUNCH = "E0322" "nobody says what an instance boots, or its size"
"An instance boots an `image` and has an `instance_type`. Both are written in the instance, or in the template of the project
that it is launched from. Of an `existing` template nothing is taken over.

```secnet error E0322
existing launch_template base { launch_template_name = \"base\" }
instance worker {
  launch_template = launch_template.base
  image           = ami(\"al2023\")       # and how big?
  subnet          = subnet.private
  security_groups = [security_group.db]
}
```

Write it here, or in the template.";
    VERSION_OF_SOURCES = "E0323" "an instance names a version of no template, or of one that the project manages"
"What a template of the project holds is what the sources say: each change of it makes a version, and an instance is launched from the
newest one. A version is named of an `existing` template alone.

```secnet error E0323
launch_template worker { image = ami(\"al2023\")  instance_type = \"t3.micro\"  security_groups = [security_group.db] }
instance worker {
  launch_template         = launch_template.worker
  launch_template_version = 2
  subnet                  = subnet.private
}
```

Leave `launch_template_version` out.";
    GROUPS_APART = "E0324" "an instance says on an interface what its template says apart from one"
"A launch template names its groups on its interface, where it says `subnet` or `associate_public_ip_address`, or else apart from any
interface, so that whoever launches from it may name others. EC2 refuses an instance that says it the other way.

```secnet error E0324
launch_template worker { image = ami(\"al2023\")  instance_type = \"t3.micro\"  security_groups = [security_group.db] }
instance worker {
  launch_template             = launch_template.worker
  subnet                      = subnet.private
  associate_public_ip_address = false       # it is of the interface
}
```

Write `associate_public_ip_address` in the template; or leave the template out of an instance with interfaces of its own.";
}

/// [`NOTHING_TO_LAUNCH`]
#[must_use]
pub fn nothing_to_launch(instance: &Address, attribute: &str, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&NOTHING_TO_LAUNCH, format!("nobody says `{attribute}` of `{instance}`"))
        .at(at, "what is it?")
        .help(format!("write `{attribute}` here, or in a template of the project that it is launched from"))
}

/// [`VERSION_OF_SOURCES`]
#[must_use]
pub fn version_of_sources(instance: &Address, template: Option<&Address>, at: Option<Span>) -> Diagnostic {
    let (message, label) = match template {
        Some(template) => {
            (format!("`{instance}` names a version of `{template}`, which the project manages"), "it is what the sources say")
        }
        None => (format!("`{instance}` names a version of no template"), "of what?"),
    };
    Diagnostic::error(&VERSION_OF_SOURCES, message).at(at, label).help("leave `launch_template_version` out")
}

/// [`GROUPS_APART`]
#[must_use]
pub fn groups_apart(attribute: &str, at: Option<Span>, template: &Address, groups: Option<Span>) -> Diagnostic {
    Diagnostic::error(&GROUPS_APART, format!("`{attribute}` is of an interface, and `{template}` names its groups apart from one"))
        .at(at, "of the interface")
        .at(groups, "apart from it")
        .help("write `subnet` or `associate_public_ip_address` in the template, which puts its groups on an interface")
}

/// A resource as messages name it: its address, its range, where that stands.
pub type Range<'a> = (&'a Address, Cidr, Option<Span>);

/// [`SUBNET_OUTSIDE_VPC`]
#[must_use]
pub fn subnet_outside_vpc(subnet: Range<'_>, vpc: Range<'_>) -> Diagnostic {
    let message = format!("subnet `{}` lies outside the range of `{}`", subnet.0.name(), vpc.0);
    let diagnostic = Diagnostic::error(&SUBNET_OUTSIDE_VPC, message).at(subnet.2, "outside").at(vpc.2, format!("the range of `{}`", vpc.0));
    let bits = subnet.1.prefix().max(vpc.1.prefix());
    match vpc.1.subnet(bits - vpc.1.prefix(), 0).filter(|_| subnet.1.family() == vpc.1.family()) {
        Some(free) => diagnostic.help(format!("choose a range inside {}, such as `{free}`", vpc.1)),
        None => diagnostic.help(format!("choose a range inside {}", vpc.1)),
    }
}

/// [`SUBNETS_OVERLAP`]
#[must_use]
pub fn subnets_overlap(subnet: Range<'_>, other: Range<'_>) -> Diagnostic {
    Diagnostic::error(&SUBNETS_OVERLAP, format!("subnets `{}` and `{}` overlap", subnet.0.name(), other.0.name()))
        .at(subnet.2, format!("shares addresses with {}", other.1))
        .at(other.2, "the other range")
        .help("move one of them to a range that is free")
}

/// [`GROUP_OF_ANOTHER_VPC`]
#[must_use]
pub fn group_of_another_vpc(at: Span, group: &Address, its_vpc: &Address, our_vpc: &Address) -> Diagnostic {
    Diagnostic::error(&GROUP_OF_ANOTHER_VPC, format!("`{group}` belongs to `{its_vpc}`, not to `{our_vpc}`"))
        .at(at, format!("a group of `{its_vpc}`"))
        .help(format!("name a group of `{our_vpc}`, or the networks to admit"))
}

/// A resource as messages name it, and where the attribute in question stands.
pub type Place<'a> = (&'a Address, Option<Span>);

/// [`SECOND_GATEWAY`]
#[must_use]
pub fn second_gateway(vpc: &Address, second: Place<'_>, first: Place<'_>) -> Diagnostic {
    Diagnostic::error(&SECOND_GATEWAY, format!("`{vpc}` has two internet gateways"))
        .at(second.1, "the second one")
        .at(first.1, format!("`{}` is attached to it", first.0))
        .help(format!("remove `{}`, or attach it to another VPC", second.0))
}

/// [`TWO_ROUTES`]
#[must_use]
pub fn two_routes(destination: &dyn Display, second: Span, first: Option<Span>) -> Diagnostic {
    Diagnostic::error(&TWO_ROUTES, format!("two routes lead to `{destination}`"))
        .at(second, "the second one")
        .at(first, "the first one, with another target")
        .help("remove one of them")
}

/// [`SUBNET_HELD_TWICE`]
#[must_use]
pub fn subnet_held_twice(subnet: &Address, second: Place<'_>, first: Place<'_>) -> Diagnostic {
    Diagnostic::error(&SUBNET_HELD_TWICE, format!("`{subnet}` belongs to both `{}` and `{}`", first.0, second.0))
        .at(second.1, format!("`{subnet}` again"))
        .at(first.1, format!("`{}` names it too", first.0))
        .help(format!("leave `{subnet}` to one of them"))
}

/// [`OF_ANOTHER_VPC`]; each with its VPC.
#[must_use]
pub fn of_another_vpc(other: (&Address, &Address), ours: (&Address, &Address), at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&OF_ANOTHER_VPC, format!("`{}` lies in `{}`, not in `{}`", other.0, other.1, ours.1))
        .at(at, format!("`{}` lies in `{}`", ours.0, ours.1))
        .help(format!("name {} of `{}`", with_article(other.0.kind()), ours.1))
}

/// [`ENTRY_NUMBER`]; the other sentence with the first and last number that it takes.
#[must_use]
pub fn number_taken(at: (i64, Span), other: (i64, i64, Span)) -> Diagnostic {
    let (first, last, other_at) = other;
    let taken = if first == last { format!("takes {first}") } else { format!("takes {first} to {last}") };
    Diagnostic::error(&ENTRY_NUMBER, format!("entry number {} is taken", at.0))
        .at(at.1, "taken")
        .at(other_at, taken)
        .help(format!("use {} or more", last + 1))
}

/// [`ENTRY_NUMBER`]
#[must_use]
pub fn number_out_of_range(first: i64, last: i64, at: Span) -> Diagnostic {
    let message = if first == last || first < 1 {
        format!("an entry cannot have number {first}")
    } else {
        format!("the entries {first} to {last} run out of numbers")
    };
    Diagnostic::error(&ENTRY_NUMBER, message).at(at, "out of range").help("use a number from 1 to 32766")
}

/// [`NO_PLACEMENT`]
#[must_use]
pub fn no_placement(instance: &Address, missing: &str, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&NO_PLACEMENT, format!("`{instance}` has no `{missing}`"))
        .at(at, format!("no `{missing}`"))
        .help("write `subnet` and `security_groups`, or else `network_interface`")
}

/// [`NO_PLACEMENT`]
#[must_use]
pub fn no_group(holder: &Address, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&NO_PLACEMENT, format!("`{holder}` carries no security group"))
        .at(at, "EC2 would take the VPC's default group")
        .help("name at least one group; one without rules lets nothing pass")
}

/// [`NO_PLACEMENT`]
#[must_use]
pub fn two_placements(attribute: &str, at: Option<Span>, interface_at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&NO_PLACEMENT, format!("`{attribute}` belongs to the interface that the instance stands on"))
        .at(at, "not here")
        .at(interface_at, "it brings its own")
        .help(format!("write `{attribute}` in the `network_interface`, or leave out one of the two"))
}

/// [`ADDRESS_OUTSIDE_SUBNET`]
#[must_use]
pub fn address_outside_subnet(ip: IpAddr, at: Option<Span>, subnet: Range<'_>) -> Diagnostic {
    unusable_address(format!("`{ip}` lies outside the range of `{}`", subnet.0), "outside", at, subnet)
}

/// [`ADDRESS_OUTSIDE_SUBNET`]
#[must_use]
pub fn address_reserved(ip: IpAddr, at: Option<Span>, subnet: Range<'_>) -> Diagnostic {
    unusable_address(format!("AWS keeps `{ip}` of `{}` for itself", subnet.0), "kept by AWS", at, subnet)
}

fn unusable_address(message: String, label: &str, at: Option<Span>, subnet: Range<'_>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&ADDRESS_OUTSIDE_SUBNET, message).at(at, label).at(subnet.2, format!("the range of `{}`", subnet.0));
    match subnet.1.host(10).or_else(|| subnet.1.host(4)) {
        Some(host) => diagnostic.help(format!("choose an address such as `{host}`, or leave it to EC2")),
        None => diagnostic,
    }
}

/// [`NAT_ADDRESS`]
#[must_use]
pub fn nat_without_address(gateway: &Address, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&NAT_ADDRESS, format!("`{gateway}` has no `elastic_ip`"))
        .at(at, "public, but without a public address")
        .help("give it an `elastic_ip`, or write `connectivity_type = \"private\"`")
}

/// [`NAT_ADDRESS`]
#[must_use]
pub fn private_nat_with_address(at: Option<Span>, connectivity_at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&NAT_ADDRESS, "a private NAT gateway takes no `elastic_ip`")
        .at(at, "of no use")
        .at(connectivity_at, "private")
        .help("remove `elastic_ip`, or make the gateway public")
}

/// [`ADDRESS_TWICE`]
#[must_use]
pub fn address_twice(address: &Address, instance_at: Option<Span>, interface_at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&ADDRESS_TWICE, format!("`{address}` is to be in two places"))
        .at(interface_at, "here")
        .at(instance_at, "and here")
        .help("keep `instance` or `network_interface`")
}

/// [`ADDRESS_TWICE`]; the place that it has already, with who has it there.
#[must_use]
pub fn address_used_twice(address: &Address, at: Option<Span>, first: Place<'_>) -> Diagnostic {
    Diagnostic::error(&ADDRESS_TWICE, format!("`{address}` is to be in two places"))
        .at(at, "here")
        .at(first.1, format!("`{}` uses it already", first.0))
        .help("allocate one `elastic_ip` for each")
}

/// [`ADDRESS_TWICE`]
#[must_use]
pub fn two_addresses(holder: &Address, second: Place<'_>, first: Place<'_>) -> Diagnostic {
    Diagnostic::error(&ADDRESS_TWICE, format!("`{holder}` is to have two elastic IPs"))
        .at(second.1, "the second one")
        .at(first.1, format!("`{}` is there already", first.0))
        .help(format!("remove one of `{}` and `{}`", first.0, second.0))
}

/// [`PRIVATE_OF_ADDRESS`]: it is with nobody.
#[must_use]
pub fn private_of_nobody(address: &Address, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&PRIVATE_OF_ADDRESS, format!("`{address}` is for a private address of nobody"))
        .at(at, "whose?")
        .help("write `network_interface` or `instance` beside it")
}

/// [`PRIVATE_OF_ADDRESS`]: nobody knows it yet.
#[must_use]
pub fn private_not_written(address: &Address, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&PRIVATE_OF_ADDRESS, format!("the private address of `{address}` is not known yet"))
        .at(at, "only EC2 will say which it is")
        .help("write one of `secondary_private_ip_addresses`, or leave it out: then it is the primary one")
}

/// [`PRIVATE_OF_ADDRESS`]: its holder does not have it.
#[must_use]
pub fn private_of_another(address: &Address, private: IpAddr, at: Option<Span>, holder: Place<'_>) -> Diagnostic {
    Diagnostic::error(&PRIVATE_OF_ADDRESS, format!("`{}` has no address {private} for `{address}`", holder.0))
        .at(at, "this address")
        .at(holder.1, "it is none of its `secondary_private_ip_addresses`")
        .help(format!("write it into `secondary_private_ip_addresses` of `{}`, or leave it out", holder.0))
}

/// [`GATEWAY_WITHOUT_VPC`]
#[must_use]
pub fn gateway_without_vpc(gateway: &Address, at: Span, gateway_at: Option<Span>, vpc: Option<&Address>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&GATEWAY_WITHOUT_VPC, format!("`{gateway}` is attached to no VPC"))
        .at(at, "leads nowhere")
        .at(gateway_at, "has no `vpc`");
    match vpc {
        Some(vpc) => diagnostic.help(format!("write `vpc = {vpc}` in `{gateway}`")),
        None => diagnostic.help(format!("write a `vpc` in `{gateway}`")),
    }
}

/// [`TWO_DESCRIPTIONS`]
#[must_use]
pub fn two_descriptions(rule: &str, second: Span, first: Option<Span>) -> Diagnostic {
    Diagnostic::warning(&TWO_DESCRIPTIONS, format!("`{rule}` has two descriptions"))
        .at(second, "this description is not used")
        .at(first, "this one is")
        .help("describe both alike, or leave one out")
}

/// [`RANGE_SIZE`]
#[must_use]
pub fn range_size(owner: &Address, range: Cidr, at: Option<Span>) -> Diagnostic {
    let (label, help) = match range.family() {
        Family::V6 => ("IPv6".to_owned(), "write an IPv4 range".to_owned()),
        Family::V4 => {
            let fitting = Cidr::containing(range.network(), range.prefix().clamp(16, 28));
            let such_as = fitting.map_or_else(|_| String::new(), |cidr| format!(", such as `{cidr}`"));
            (if range.prefix() < 16 { "too large" } else { "too small" }.to_owned(), format!("take a prefix from /16 to /28{such_as}"))
        }
    };
    Diagnostic::error(&RANGE_SIZE, format!("EC2 takes no {} with the range `{range}`", owner.kind())).at(at, label).help(help)
}

/// [`ADDRESS_TAKEN`]
#[must_use]
pub fn address_taken(ip: IpAddr, second: Place<'_>, first: Place<'_>) -> Diagnostic {
    Diagnostic::error(&ADDRESS_TAKEN, format!("`{}` and `{}` have the same address `{ip}`", first.0, second.0))
        .at(second.1, "the same")
        .at(first.1, format!("the address of `{}`", first.0))
        .help("give one of them another address, or leave it to EC2")
}

/// [`TEXT_NOT_TAKEN`]
#[must_use]
pub fn text_not_taken(what: &str, wrong: &str, at: Option<Span>, help: &str) -> Diagnostic {
    Diagnostic::error(&TEXT_NOT_TAKEN, format!("EC2 does not take this {what}")).at(at, wrong).help(help)
}

/// [`PRIVATE_KEY`]; `header` is the resource's, since the key itself is not to be shown.
#[must_use]
pub fn private_key(address: &str, header: Option<Span>) -> Diagnostic {
    Diagnostic::error(&PRIVATE_KEY, format!("`{address}` holds a private key"))
        .at(header, "takes a public key")
        .help("give the public key, such as the contents of `~/.ssh/id_ed25519.pub`, and make a new pair: this one has been seen")
}

/// [`EDGE_ROUTE`]; `follows` is where the gateway is named.
#[must_use]
pub fn edge_route(table: &Address, what: &str, at: Span, follows: Option<Span>) -> Diagnostic {
    Diagnostic::error(&EDGE_ROUTE, format!("`{table}` has {what}, and a gateway follows it"))
        .at(at, "EC2 refuses this there")
        .at(follows, "the gateway that follows it")
        .help("name the whole range of a subnet and lead it to an interface or an instance")
}

/// [`LOCAL_ROUTE`]
#[must_use]
pub fn local_route(destination: Cidr, at: Span, vpc: Range<'_>) -> Diagnostic {
    Diagnostic::error(&LOCAL_ROUTE, format!("`{destination}` lies in `{}` itself", vpc.0))
        .at(at, "this route is refused")
        .at(vpc.2, format!("the range of `{}`", vpc.0))
        .help("remove it, or name the whole range of a subnet and lead it to an interface, an instance or a NAT gateway")
}

/// [`NAT_WITHOUT_WAY_OUT`]
#[must_use]
pub fn nat_without_way_out(gateway: &Address, subnet: &Address, at: Option<Span>, table: Option<Place<'_>>) -> Diagnostic {
    let diagnostic = Diagnostic::warning(&NAT_WITHOUT_WAY_OUT, format!("`{gateway}` stands in a subnet without a way to the internet"))
        .at(at, format!("`{subnet}` has no route to an internet gateway"));
    match table {
        Some((table, at)) => diagnostic.at(at, format!("`{table}` holds for it")),
        None => diagnostic,
    }
    .help("put it into a subnet whose route table leads to an internet gateway")
}

/// [`NO_CREDITS`]
#[must_use]
pub fn no_credits(kind: &str, at: Option<Span>, kind_at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&NO_CREDITS, format!("`{kind}` earns no CPU credits"))
        .at(at, "of no use")
        .at(kind_at, "not a burstable type")
        .help("leave `cpu_credits` out, or take a type such as `t3.micro`")
}
