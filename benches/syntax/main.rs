//! What reading and laying out sources costs: `cargo bench --no-default-features --bench syntax [N]`.
//!
//! Sources of N resources are made up here: one VPC, N/50 subnets, N/10 groups with N/2 rules in them, instances for the
//! rest, each of which names its parents. Prints the best of several runs; nothing fails for being slow.

#![allow(clippy::print_stdout, clippy::expect_used, missing_docs)]

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use secnet::{
    base::{diagnostic::Sink, span::FileId},
    syntax::{format::format, parse},
};

/// The sources of so many resources.
fn source(resources: usize) -> String {
    let (subnets, groups, rules) = ((resources / 50).max(1), (resources / 10).max(1), resources / 2);
    let instances = resources.saturating_sub(1 + subnets + groups + rules);
    let mut text = String::from("# Made up.\nproject made_up {\n  region = \"us-east-1\"\n}\n\nvpc main {\n  cidr_block = 10.0.0.0/8\n}\n");
    for nth in 0..subnets {
        let zone = ["a", "b", "c"].get(nth % 3).copied().unwrap_or("a");
        let _ = write!(
            text,
            "\nsubnet subnet_{nth} {{\n  vpc               = vpc.main\n  cidr_block        = subnets(vpc.main.cidr_block, 16)[{nth}]\n  \
             availability_zone = \"us-east-1{zone}\"\n  tags              = {{ Name = \"subnet-{nth}\", Team = \"network\" }}\n}}\n"
        );
    }
    for nth in 0..groups {
        let _ = write!(
            text,
            "\n## The group of service {nth}.\nsecurity_group group_{nth} {{\n  vpc         = vpc.main\n  description = \"Service {nth}\"\n"
        );
        for rule in 0..rules / groups {
            let (port, other) = (1024 + (nth * 7 + rule) % 60_000, (nth + rule) % groups);
            let _ = match rule % 3 {
                0 => writeln!(text, "  ingress tcp/{port} from security_group.group_{other}   \"service {other} calls service {nth}\""),
                1 => writeln!(text, "  ingress tcp/{port} from 10.{}.{}.0/24   \"the office of team {nth}\"", nth % 256, rule % 256),
                _ => writeln!(text, "  egress tcp/{port} to anywhere"),
            };
        }
        text.push_str("}\n");
    }
    for nth in 0..instances {
        let (subnet, group) = (nth % subnets, nth % groups);
        let _ = write!(
            text,
            "\ninstance instance_{nth} {{\n  image                   = ami(\"al2023\")\n  instance_type           = if production then \"m7g.large\" else \"t4g.micro\"\n  \
             subnet                  = subnet.subnet_{subnet}\n  security_groups         = [security_group.group_{group}, security_group.group_{}]\n  \
             disable_api_termination = true # nobody ends it by mistake\n  key_pair                = key_pair.maintainers\n  monitoring              = nth > {nth} && enabled\n  \
             user_data               = \"#!/bin/sh\\necho ${{vpc.main.id}} instance-{nth} > /etc/motd\\n\"\n  root_volume {{\n    size       = 8 + {}\n    encrypted  = true\n  \
             \x20 volume_type = \"gp3\"\n  }}\n  tags = {{\n    Name        = \"instance-{nth}\"\n    Team        = \"service-{group}\"\n    Environment = environment\n  }}\n}}\n",
            (group + 1) % groups,
            nth % 100
        );
    }
    text
}

/// What this thread has had of a processor; the clock's time where the system does not say.
fn processor(start: Instant) -> Duration {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = said.and_then(|s| s.split(' ').next().and_then(|n| n.parse().ok()));
    nanoseconds.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// The best of some runs, in milliseconds of a processor.
fn best<T>(runs: usize, mut run: impl FnMut() -> T) -> f64 {
    let start = Instant::now();
    let mut best = Duration::MAX;
    for _ in 0..runs {
        let before = processor(start);
        let result = run();
        best = best.min(processor(start).saturating_sub(before));
        drop(result);
    }
    best.as_secs_f64() * 1e3
}

fn parsed(text: &str) -> usize {
    let mut sink = Sink::default();
    let file = parse::parse(FileId(0), text, &mut sink);
    sink.all.len() + file.items.len()
}

/// A kind of source: its name, and what makes one for so many resources.
type Kind = (&'static str, fn(usize) -> String);

fn main() {
    // `cargo bench` hands over `--bench`; a number is the one size that is wanted.
    let only: Option<usize> = std::env::args().skip(1).find_map(|a| a.parse().ok());
    let kinds: [Kind; 4] = [
        ("sound sources", source),
        ("broken lines in a block", |n| format!("vpc main {{\n{}}}\n", "  ) % &\n".repeat(n * 2))),
        ("broken lines in column 0", |n| ") % &\nx = = 1\n".repeat(n)),
        ("blocks that are never closed", |n| "vpc main {\n  tags = { a = (1 +\n  b = 1\n".repeat(n)),
    ];
    for (kind, made) in kinds {
        println!("{kind}\n{:>11} {:>11} {:>18} {:>18} {:>18}", "resources", "bytes", "pest alone", "to the tree", "laid out");
        let mut points = vec![];
        for resources in [1_000, 10_000, 100_000].into_iter().filter(|n| only.is_none_or(|o| o == *n)) {
            let text = made(resources);
            let runs = if resources > 10_000 { 2 } else { 7 };
            let pest = best(runs, || parse::recognize(&text));
            let tree = best(runs, || parsed(&text));
            let form = best(runs, || format(FileId(0), &text).map_err(|_| ()));
            let megabytes = text.len() as f64 / 1e6;
            let shown = [pest, tree, form].map(|ms| format!("{ms:.1} ms {:.1} MB/s", megabytes / ms * 1e3));
            println!("{resources:>11} {:>11} {:>18} {:>18} {:>18}", text.len(), shown[0], shown[1], shown[2]);
            points.push(((text.len() as f64).ln(), [pest, tree, form].map(f64::ln)));
        }
        if points.len() > 1 {
            let exponents = [0, 1, 2].map(|k| slope(points.iter().map(|(x, y)| (*x, y[k]))));
            println!("{:>11} {:>11} {:>18.2} {:>18.2} {:>18.2}", "exponent", "", exponents[0], exponents[1], exponents[2]);
        }
    }
}

/// The slope of the line that fits points best.
fn slope(points: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let n = points.clone().count() as f64;
    let (mx, my) = (points.clone().map(|p| p.0).sum::<f64>() / n, points.clone().map(|p| p.1).sum::<f64>() / n);
    let over: f64 = points.clone().map(|(x, y)| (x - mx) * (y - my)).sum();
    over / points.map(|(x, _)| (x - mx) * (x - mx)).sum::<f64>()
}
