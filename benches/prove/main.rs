//! What the prover costs, on networks that are made up here: `cargo bench --no-default-features --bench prove`.
//!
//! Prints the best of several runs of each; nothing fails for being slow.

#![allow(clippy::print_stdout, clippy::expect_used, missing_docs)]

use std::time::{Duration, Instant};

use secnet::prove::{
    chart::Chart,
    policy::{self, Outcome},
    reach,
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
    let (time, flows) = best(5, || reach::exposure(&chart));
    say("all that the internet reaches", time, 10, &format!("{} flows", flows.len()));
    let model = network::policies(&net, 100);
    let (time, judged) = best(3, || policy::judge(&chart, &model));
    let count = |outcome: Outcome| judged.iter().filter(|j| j.outcome == outcome).count();
    let counts = [Outcome::Proven, Outcome::Refuted, Outcome::Unknown].map(count);
    say("100 policies", time, 100, &format!("{counts:?} proven, refuted, unknown"));
    if let Some(peak) = peak() {
        println!("{:<44} {peak:>9} MB  (wanted: 300 MB)", "memory");
    }
}
