//! A company's network, a file for each concern: forty teams with a VPC each, what they let in, their machines, and what must hold.
//!
//! Every team has zones, tiers, ways out, groups that name groups, networks of partners, and a policy of five statements;
//! every fourth team's VPC is peered with the next one's.

use std::fmt::Write;

/// The teams that a project is cut into; a file holds a fifth of a team.
const FILES_OF_TEAM: usize = 5;
const ZONES: [&str; 3] = ["a", "b", "c"];
const TIERS: [&str; 3] = ["web", "app", "data"];

/// Name and text of each file.
pub fn project(resources: usize, files: usize) -> Vec<(String, String)> {
    let teams = (files / FILES_OF_TEAM).max(1);
    let mut all = vec![];
    for team in 0..teams {
        let own = resources / teams + usize::from(team < resources % teams);
        all.extend(of_team(team, teams, own));
    }
    let head = "project company {\n  region = \"us-east-1\"\n  tags   = { Project = \"company\" }\n}\n\nlet office = 203.0.113.0/24\n\
                let image  = ami(\"al2023\")\n\n";
    all[0].1.insert_str(0, head);
    all
}

/// How many instances a team of so many resources has, and how many groups.
fn shares(team: usize, teams: usize, own: usize) -> (usize, usize) {
    let rest = own.saturating_sub(fixed(team, teams)).max(12);
    (rest - rest / 5, rest / 5)
}

fn peered(team: usize, teams: usize) -> bool {
    team.is_multiple_of(4) && team + 1 < teams
}

/// VPC, gateway, three subnets in each of four slices of the three tiers, addresses, NAT gateways, tables.
fn fixed(team: usize, teams: usize) -> usize {
    2 + 36 + 3 + 3 + 5 + usize::from(peered(team, teams))
}

fn of_team(t: usize, teams: usize, own: usize) -> Vec<(String, String)> {
    let (instances, groups) = shares(t, teams, own);
    let groups = groups.max(TIERS.len());
    let half = instances / 2;
    vec![
        (format!("team{t:03}_network.secnet"), network(t, teams)),
        (format!("team{t:03}_groups.secnet"), (0..groups).map(|g| group(t, g, groups)).collect()),
        (format!("team{t:03}_machines_a.secnet"), (0..half).map(|i| instance(t, i, groups)).collect()),
        (format!("team{t:03}_machines_b.secnet"), (half..instances).map(|i| instance(t, i, groups)).collect()),
        (format!("team{t:03}_policies.secnet"), policy(t)),
    ]
}

fn network(t: usize, teams: usize) -> String {
    let mut text = format!(
        "# The network of team {t}.\nvpc t{t} {{\n  cidr_block = 10.{t}.0.0/16\n}}\n\ninternet_gateway t{t} {{\n  vpc = vpc.t{t}\n}}\n"
    );
    for (n, tier) in TIERS.iter().enumerate() {
        for slice in 0..4 {
            for (z, zone) in ZONES.iter().enumerate() {
                let block = n * 64 + slice * 8 + z;
                let _ = write!(
                    text,
                    "\nsubnet t{t}_{tier}{slice}{zone} {{\n  vpc               = vpc.t{t}\n  cidr_block        = 10.{t}.{block}.0/24\n  \
                     availability_zone = \"us-east-1{zone}\"\n}}\n"
                );
            }
        }
    }
    let subnets = |tier: &str, zones: &[&str]| {
        let names = (0..4).flat_map(|s| zones.iter().map(move |z| format!("subnet.t{t}_{tier}{s}{z}")));
        names.collect::<Vec<_>>().join(", ")
    };
    for zone in ZONES {
        let _ = write!(
            text,
            "\nelastic_ip t{t}_nat_{zone} {{ }}\n\nnat_gateway t{t}_{zone} {{\n  subnet     = subnet.t{t}_web0{zone}\n  \
             elastic_ip = elastic_ip.t{t}_nat_{zone}\n}}\n\nroute_table t{t}_app_{zone} {{\n  vpc     = vpc.t{t}\n  subnets = [{}]\n  \
             route anywhere via nat_gateway.t{t}_{zone}\n}}\n",
            subnets("app", &[zone])
        );
    }
    let _ = write!(
        text,
        "\nroute_table t{t}_web {{\n  vpc     = vpc.t{t}\n  subnets = [{}]\n  route anywhere via internet_gateway.t{t}\n}}\n\n\
         route_table t{t}_data {{\n  vpc     = vpc.t{t}\n  subnets = [{}]\n",
        subnets("web", &ZONES),
        subnets("data", &ZONES)
    );
    if peered(t, teams) {
        let _ = writeln!(text, "  route vpc.t{}.cidr_block via vpc_peering.t{t}", t + 1);
    }
    if t > 0 && peered(t - 1, teams) {
        let _ = writeln!(text, "  route vpc.t{}.cidr_block via vpc_peering.t{}", t - 1, t - 1);
    }
    text.push_str("}\n");
    if peered(t, teams) {
        let _ = write!(text, "\nvpc_peering t{t} {{\n  vpc      = vpc.t{t}\n  peer_vpc = vpc.t{}\n}}\n", t + 1);
    }
    text
}

/// The first three are those of the tiers; the others stand for services of their own.
fn group(t: usize, g: usize, groups: usize) -> String {
    let rules = match g {
        0 => format!("  ingress tcp/443 from anywhere\n  egress tcp/8080 to security_group.t{t}_g1\n"),
        1 => format!(
            "  ingress tcp/8080 from security_group.t{t}_g0\n  egress tcp/5432 to security_group.t{t}_g2\n  egress tcp/443 to anywhere\n"
        ),
        2 => format!("  ingress tcp/5432 from security_group.t{t}_g1\n"),
        _ => format!(
            "  ingress tcp/{} from security_group.t{t}_g{}  \"the service before it\"\n  ingress tcp/9100 from 10.{t}.64.0/18\n  \
             ingress tcp/22 from office\n  egress tcp/{} to 198.51.100.{}/32\n",
            9000 + g,
            3 + (g - 2) % (groups - 3).max(1),
            6000 + g,
            g % 250
        ),
    };
    let blank = if g == 0 { "" } else { "\n" };
    format!("{blank}security_group t{t}_g{g} {{\n  vpc         = vpc.t{t}\n  description = \"group {g} of team {t}\"\n{rules}}}\n")
}

fn instance(t: usize, i: usize, groups: usize) -> String {
    let tier = i % TIERS.len();
    let (slice, zone) = (i / 9 % 4, ZONES[i / 3 % 3]);
    let extra = if groups > 3 { format!(", security_group.t{t}_g{}", 3 + i % (groups - 3)) } else { String::new() };
    let public = if tier == 0 { "  associate_public_ip_address = true\n" } else { "" };
    format!(
        "instance t{t}_{}{i} {{\n  image = image\n  instance_type = \"t3.micro\"\n  subnet = subnet.t{t}_{}{slice}{zone}\n  \
         security_groups = [security_group.t{t}_g{tier}{extra}]\n{public}  tags = {{ Team = \"t{t}\", Number = \"{i}\" }}\n}}\n\n",
        TIERS[tier], TIERS[tier]
    )
}

fn policy(t: usize) -> String {
    let data = (0..4).map(|s| format!("subnet.t{t}_data{s}a")).collect::<Vec<_>>().join(", ");
    format!(
        "policy team{t} \"What team {t} is for, and what must never be\" {{\n  require tcp/443  from internet to instance.t{t}_web0\n  \
         require tcp/8080 from instance.t{t}_web0 to instance.t{t}_app1\n  require tcp/5432 from security_group.t{t}_g1 to instance.t{t}_data2\n  \
         forbid  all      from internet to [{data}]\n  forbid  tcp/22   from internet to [security_group.t{t}_g1, security_group.t{t}_g2] except tcp/22 from office\n}}\n"
    )
}
