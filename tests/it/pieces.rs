//! A project proved piece by piece, with what was proved before, against the same project proved as a whole.

use std::{fmt::Write, sync::Arc};

use secnet::{
    analysis::{self, Analysis, Inputs, analyze},
    base::{address::Address, date::Day},
    prove::{
        pieces::{Memory, verdicts_in_pieces},
        policy::Outcome,
        verdict::verdicts,
    },
    resources::{self, Read},
    schema::{
        cut::{Pieces, whole},
        model::Resource,
    },
};

use crate::random::{Dice, networks, seed, tell};

fn analysed(text: &str) -> Analysis {
    analyze(vec![("main.secnet".into(), text.into())], &Inputs::default())
}

/// Some VPCs, a few of them joined, what is in them, and what must hold. Each block and each statement is a paragraph.
struct Company {
    vpcs: usize,
    dice: Dice,
}

impl Company {
    fn text(&mut self) -> String {
        let mut text = "project company {\n  region = \"us-east-1\"\n}\n\nlet office = 203.0.113.0/24\n\nkey_pair all {\n  public_key = \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEl4QhCmk9xJ0nNvhEYqSuqPvxSFl8UnQHw0XSD4G3wq\"\n}\n\n\
                        prefix_list partners {\n  max_entries = 4\n  entry 198.51.100.0/24\n}\n\n"
            .to_owned();
        for v in 0..self.vpcs {
            text.push_str(&self.vpc(v));
        }
        for v in 1..self.vpcs {
            if self.dice.one_in(4) {
                let other = self.dice.below(v);
                let _ = write!(text, "vpc_peering p{v} {{\n  vpc      = vpc.v{v}\n  peer_vpc = vpc.v{other}\n}}\n\n");
                let _ = write!(text, "extend route_table.t{v} {{\n  route vpc.v{other}.cidr_block via vpc_peering.p{v}\n}}\n\n");
                let _ = write!(text, "extend route_table.t{other} {{\n  route vpc.v{v}.cidr_block via vpc_peering.p{v}\n}}\n\n");
            }
        }
        if self.dice.one_in(8) {
            let mode = *self.dice.pick(&["block-ingress", "block-bidirectional"]);
            let _ = write!(text, "block_public_access all {{\n  internet_gateway_block_mode = \"{mode}\"\n}}\n\n");
        }
        for n in 0..1 + self.dice.below(2 * self.vpcs) {
            let statement = self.statement();
            let _ = write!(text, "policy p{n} \"what must hold\" {{\n  {statement}\n}}\n\n");
        }
        text
    }

    fn vpc(&mut self, v: usize) -> String {
        let ipv6 = if self.dice.one_in(25) { "  amazon_provided_ipv6_cidr_block = true\n" } else { "" };
        let mut text = format!("vpc v{v} {{\n  cidr_block = 10.{v}.0.0/16\n{ipv6}}}\n\ninternet_gateway i{v} {{\n  vpc = vpc.v{v}\n}}\n\n");
        for s in 0..2 {
            let _ = write!(text, "subnet s{v}{s} {{\n  vpc        = vpc.v{v}\n  cidr_block = 10.{v}.{s}.0/24\n}}\n\n");
        }
        let out = if self.dice.one_in(4) { "" } else { "  route anywhere via internet_gateway.iN\n" }.replace('N', &v.to_string());
        let _ = write!(text, "route_table t{v} {{\n  vpc     = vpc.v{v}\n  subnets = [subnet.s{v}0, subnet.s{v}1]\n{out}}}\n\n");
        for g in 0..3 {
            let mut rules = String::new();
            for _ in 0..1 + self.dice.below(3) {
                let (way, word) = *self.dice.pick(&[("ingress", "from"), ("egress", "to")]);
                let _ = writeln!(rules, "  {way} {} {word} {}", self.service(), self.peer(v));
            }
            let _ = write!(text, "security_group g{v}{g} {{\n  vpc         = vpc.v{v}\n  description = \"some\"\n{rules}}}\n\n");
        }
        for i in 0..3 {
            let (s, g) = (self.dice.below(2), self.dice.below(3));
            let public = if self.dice.one_in(2) { "  associate_public_ip_address = true\n" } else { "" };
            let key = if self.dice.one_in(2) { "  key_pair        = key_pair.all\n" } else { "" };
            let _ = write!(
                text,
                "instance m{v}{i} {{\n  image           = ami(\"al2023\")\n  instance_type   = \"t3.micro\"\n  subnet          = \
                 subnet.s{v}{s}\n  security_groups = [security_group.g{v}{g}]\n{public}{key}}}\n\n"
            );
        }
        text
    }

    fn service(&mut self) -> &'static str {
        self.dice.pick::<&str>(&["tcp/22", "tcp/443", "tcp/80-443", "udp/53", "all"])
    }

    /// The other side of a rule.
    fn peer(&mut self, v: usize) -> String {
        let other = self.dice.below(self.vpcs);
        match self.dice.below(7) {
            0 => "office".into(),
            1 => format!("10.{other}.0.0/16"),
            2 | 3 => format!("security_group.g{v}{}", self.dice.below(3)),
            4 => "prefix_list.partners".into(),
            _ => "anywhere".into(),
        }
    }

    /// A side of a statement: most are of one VPC.
    fn side(&mut self, v: usize, begins: bool) -> String {
        let v = if self.dice.one_in(6) { self.dice.below(self.vpcs) } else { v };
        match self.dice.below(30) {
            0 if begins => "any".into(),
            1 => format!("10.{v}.0.0/24"),
            2 => format!("[instance.m{v}0, instance.m{}1]", self.dice.below(self.vpcs)),
            3..8 => format!("subnet.s{v}{}", self.dice.below(2)),
            8..12 => format!("security_group.g{v}{}", self.dice.below(3)),
            12 | 13 => format!("vpc.v{v}"),
            _ => format!("instance.m{v}{}", self.dice.below(3)),
        }
    }

    fn statement(&mut self) -> String {
        let v = self.dice.below(self.vpcs);
        let (from, to) = match self.dice.below(6) {
            0 | 1 => ("internet".into(), self.side(v, false)),
            2 => (self.side(v, true), "internet".into()),
            3 => ("office".into(), self.side(v, false)),
            _ => (self.side(v, true), self.side(v, false)),
        };
        let (word, service) = (*self.dice.pick(&["require", "forbid"]), self.service());
        let except = if word == "forbid" && self.dice.one_in(3) { " except tcp/22 from office" } else { "" };
        format!("{word} {service} from {from} to {to}{except}")
    }

    /// The text after an edit: a paragraph less, one twice as far down, another rule or statement, or a line more at the start.
    fn edited(&mut self, text: &str) -> String {
        let mut paragraphs: Vec<String> = text.split("\n\n").map(str::to_owned).collect();
        let at = 1 + self.dice.below(paragraphs.len() - 1);
        match self.dice.below(7) {
            0 if !paragraphs[at].starts_with("vpc ") => drop(paragraphs.remove(at)),
            1 => {
                let one = paragraphs.remove(at);
                paragraphs.push(one);
            }
            2 => paragraphs[0].insert_str(0, "# one line more\n"),
            3 => paragraphs.push(format!("policy q{} \"more\" {{\n  {}\n}}\n", self.dice.next(), self.statement())),
            _ => {
                let service = self.service();
                paragraphs[at] = paragraphs[at].replacen("tcp/443", service, 1).replacen("tcp/22", "tcp/23", 1);
            }
        }
        paragraphs.join("\n\n")
    }
}

#[test]
fn what_is_proved_piece_by_piece_and_kept_is_what_is_proved_of_the_whole() {
    let (first, day) = (seed() + 9_000_000, Day::of(1_795_390_555));
    let (mut compared, mut kept, mut divided, mut outcomes) = (0, 0, 0, [0; 3]);
    for n in 0..networks().div_ceil(50).max(15) {
        let mut dice = Dice(first + n);
        let mut company = Company { vpcs: 2 + dice.below(4), dice };
        let mut text = company.text();
        let mut memory = Memory::default();
        let inputs = Inputs { memory: Some(Arc::<analysis::Memory>::default()), ..Inputs::default() };
        for step in 0..8 {
            let analysis = analysed(&text);
            let kept_up = analyze(vec![("main.secnet".into(), text.clone())], &inputs).model;
            assert_eq!(kept_up, analysis.model, "seed {first} + {n}, step {step}:\n{text}");
            same_pieces(kept_up.resources.pieces(), &whole(&kept_up.resources));
            if !analysis.has_errors() {
                let model = &analysis.model;
                let whole = verdicts(&mut resources::network(model), model, day);
                let pieces = verdicts_in_pieces(&kept_up, &Read::new(), day, &mut memory, &|| false).expect("nothing stops it");
                let said = |judged: &[secnet::prove::policy::Judged]| format!("{judged:#?}");
                assert_eq!(said(&pieces.judged), said(&whole.judged), "seed {first} + {n}, step {step}:\n{text}");
                assert_eq!(pieces.diagnostics, whole.diagnostics, "seed {first} + {n}, step {step}:\n{text}");
                compared += 1;
                divided += usize::from(memory.len() > 1);
                kept += memory.kept();
                for judged in &whole.judged {
                    outcomes[match judged.outcome {
                        Outcome::Proven => 0,
                        Outcome::Unknown => 1,
                        Outcome::Refuted => 2,
                    }] += 1;
                }
            } else {
                assert!(step > 0, "{:#?}\n{text}", analysis.diagnostics);
            }
            text = company.edited(&text);
        }
    }
    tell(format!("{compared} projects from seed {first}, {divided} in pieces, {kept} pieces kept, {outcomes:?} statements: 0 differ"));
    assert!(divided * 4 > compared && kept * 2 > compared && outcomes[0] > 0 && outcomes[2] > 0, "{divided} of {compared}, {kept}");
}

/// The names of what is in each piece, and of what each sees.
fn names(pieces: &Pieces) -> Vec<(String, String)> {
    let names = |all: &[Arc<Resource>]| all.iter().map(|r| r.address.to_string()).collect::<Vec<_>>().join(" ");
    pieces.all.iter().map(|(_, p)| (names(&p.own), names(&p.seen))).collect()
}

/// The pieces that are handed on are those of what is handed on with them.
fn same_pieces(kept: &Pieces, all: &Pieces) {
    assert_eq!(names(kept), names(all));
    assert!(kept.all.iter().zip(&all.all).all(|((_, one), (_, other))| one == other));
    assert!(kept.all.iter().all(|(number, piece)| piece.own.iter().all(|r| kept.homes.get(&r.address) == Some(number))));
}

#[test]
fn what_names_another_is_in_one_piece_with_it() {
    let analysis = analysed(
        "project p {}\nvpc a {\n cidr_block = 10.0.0.0/16\n}\nvpc b {\n cidr_block = 10.1.0.0/16\n}\nvpc c {\n cidr_block = 10.2.0.0/16\n}\n\
         security_group a {\n vpc = vpc.a\n description = \"a\"\n ingress tcp/22 from prefix_list.all\n}\n\
         security_group b {\n vpc = vpc.b\n description = \"b\"\n ingress tcp/22 from prefix_list.all\n}\n\
         prefix_list all {\n max_entries = 1\n entry 192.0.2.0/24\n}\n\
         vpc_peering bc {\n vpc = vpc.b\n peer_vpc = vpc.c\n}\nblock_public_access all {\n internet_gateway_block_mode = \"block-ingress\"\n}\n",
    );
    let pair = |own: &str, seen: &str| (own.to_owned(), seen.to_owned());
    let (all, wide) = ("prefix_list.all", "block_public_access.all");
    let seen = format!("{all} {wide}");
    let found = whole(&analysis.model.resources);
    assert_eq!(
        names(&found),
        [
            pair(wide, ""),
            pair(all, wide),
            pair("security_group.a vpc.a", &seen),
            pair("security_group.b vpc.b vpc.c vpc_peering.bc", &seen)
        ]
    );
    let home = |address: &str| found.homes.get(&Address::parse(address).expect("an address"));
    assert_eq!(home("vpc.b"), home("vpc.c"));
    assert_ne!(home("vpc.a"), home("vpc.b"));
}
