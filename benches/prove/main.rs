//! What the prover costs, on networks that are made up here: `cargo bench --no-default-features --bench prove`.
//!
//! Prints the best of several runs of each; nothing fails for being slow.

#![allow(clippy::print_stdout, clippy::expect_used, missing_docs)]

use std::time::{Duration, Instant};

use secnet::prove::{
    chart::Chart,
    policy::{self, Outcome},
    reach::{
        self,
        class::{Classes, Detail},
        pairs::{Links, Pairs},
    },
};

mod network;

const SEED: u64 = 20_261_122;

/// The best of some runs, and what the last gave.
fn best<T>(runs: usize, mut run: impl FnMut() -> T) -> (Duration, T) {
    let mut best = Duration::MAX;
    let mut last = None;
    for _ in 0..runs.max(1) {
        drop(last.take());
        let start = Instant::now();
        last = Some(run());
        best = best.min(start.elapsed());
    }
    (best, last.expect("at least one run"))
}

/// The most memory that this process has had, in MB.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? / 1024)
}

fn say(what: &str, time: Duration, limit: u128, more: &str) {
    println!("{what:<44} {:>9.2} ms  (wanted: {limit} ms)  {more}", time.as_secs_f64() * 1e3);
}

fn main() {
    // `cargo bench` hands over `--bench`; a word is the one part that is wanted.
    let only = std::env::args().skip(1).find(|a| !a.starts_with('-'));
    let wanted = |part: &str| only.as_deref().is_none_or(|o| o == part);
    let net = network::network(10_000, SEED);
    println!(
        "{} interfaces, {} groups, {} subnets, {} ACLs of {} rules",
        net.interfaces.len(),
        net.security_groups.len(),
        net.subnets.len(),
        net.network_acls.len(),
        net.network_acls.first().map_or(0, |a| a.inbound.len())
    );
    let (time, chart) = best(5, || Chart::new(&net));
    say("model", time, 200, "");
    if wanted("internet") {
        let (time, classes) = best(5, || Classes::of(&chart, Detail::Outside));
        say("classes of interfaces", time, 200, &format!("{} classes", classes.members.len()));
        let (time, sets) = best(5, || reach::from_internet(&chart, &classes));
        say("all that the internet reaches", time, 10, &format!("{} sets", sets.iter().filter(|s| !s.is_empty()).count()));
        let (time, flows) = best(5, || reach::exposure(&chart));
        say("the same in words, with every line", time, 1000, &format!("{} flows", flows.len()));
    }
    if wanted("policies") {
        let model = network::policies(&net, 100);
        let (time, judged) = best(2, || policy::judge(&chart, &model));
        let count = |outcome: Outcome| judged.iter().filter(|j| j.outcome == outcome).count();
        let counts = [Outcome::Proven, Outcome::Refuted, Outcome::Unknown].map(count);
        say("100 policies", time, 100, &format!("{counts:?} proven, refuted, unknown"));
    }
    if wanted("pairs") {
        let (time, found) = best(3, || all_pairs(&chart, 1));
        say("all pairs, one thread", time, 1000, &found);
        let (time, found) = best(3, || all_pairs(&chart, 2));
        say("all pairs, two threads", time, 1000, &found);
    }
    if let Some(peak) = peak() {
        println!("{:<44} {peak:>9} MB  (wanted: 300 MB)", "memory, at most");
    }
    if wanted("curve") {
        curve();
    }
}

/// Links all pairs of interfaces, both directions; says how many there are and how many have a link.
fn all_pairs(chart: &Chart<'_>, threads: usize) -> String {
    let share = |n: usize| {
        let (mut pairs, mut links) = (Pairs::new(chart), Links::default());
        let (mut linked, mut all) = (0u64, 0u64);
        let classes = pairs.classes.members.len();
        for from in (n..classes).step_by(threads) {
            let mine = pairs.classes.members[from].len() as u64;
            for (to, link) in pairs.row(from, &mut links).into_iter().enumerate() {
                let theirs = pairs.classes.members[to].len() as u64 - u64::from(to == from);
                all += mine * theirs;
                linked += if links.some(link).is_some() { mine * theirs } else { 0 };
            }
        }
        (all, linked, pairs.walks(), classes)
    };
    let shares: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|n| scope.spawn(move || share(n))).collect();
        running.into_iter().map(|t| t.join().expect("a thread that ends well")).collect()
    });
    let sum = |of: fn(&(u64, u64, usize, usize)) -> u64| shares.iter().map(of).sum::<u64>();
    let (all, linked, walks) = (sum(|s| s.0), sum(|s| s.1), sum(|s| s.2 as u64));
    format!("{all} pairs, {linked} linked, {} classes, {walks} walks", shares.first().map_or(0, |s| s.3))
}

/// How cost grows from 100 interfaces to 100,000.
fn curve() {
    println!("{:>11} {:>12} {:>14} {:>14}", "interfaces", "model ms", "internet ms", "all pairs ms");
    let mut points: Vec<(f64, [f64; 3])> = vec![];
    for size in [100, 300, 1_000, 3_000, 10_000, 30_000, 100_000] {
        let net = network::network(size, SEED);
        let runs = if size > 10_000 { 1 } else { 3 };
        let (model, chart) = best(runs, || Chart::new(&net));
        let (internet, _) = best(runs, || reach::exposure(&chart));
        let (pairs, _) = best(runs, || all_pairs(&chart, 1));
        let times = [model, internet, pairs].map(|t| t.as_secs_f64() * 1e3);
        println!("{size:>11} {:>12.2} {:>14.2} {:>14.2}", times[0], times[1], times[2]);
        points.push(((size as f64).ln(), times.map(f64::ln)));
    }
    let exponents = [0, 1, 2].map(|k| slope(points.iter().map(|(x, y)| (*x, y[k]))));
    println!("{:>11} {:>12.2} {:>14.2} {:>14.2}", "exponent", exponents[0], exponents[1], exponents[2]);
}

/// The slope of the line that fits points best.
fn slope(points: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let n = points.clone().count() as f64;
    let (mx, my) = (points.clone().map(|p| p.0).sum::<f64>() / n, points.clone().map(|p| p.1).sum::<f64>() / n);
    let over: f64 = points.clone().map(|(x, y)| (x - mx) * (y - my)).sum();
    over / points.map(|(x, _)| (x - mx) * (x - mx)).sum::<f64>()
}
