//! What whole commands cost, beside Terraform's: `cargo bench --no-default-features --bench peers -- 1000 10000`.
//!
//! Prints CPU seconds (user and system, all threads), median of some runs, and peak memory; of several sizes also how
//! cost grows. Nothing fails for being slow. Terraform's tree is made of `terraform_data`, which needs no provider.

#![allow(clippy::print_stdout, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

mod state;
mod tree;

const SECNET: &str = env!("CARGO_BIN_EXE_secnet");

/// What a run took.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// CPU seconds.
    cpu: f64,
    /// Peak memory in MB.
    memory: f64,
}

/// Runs a program to its end: bash tells its CPU time to the millisecond, GNU time its memory.
fn run(program: &str, args: &[&str], directory: &Path) -> Cost {
    let measured = directory.join(".cost");
    let script = "TIMEFORMAT='%3U %3S'; time /usr/bin/time -o .cost -f %M \"$@\" >.out 2>&1";
    let out = Command::new("bash").args(["-c", script, "bash", program]).args(args).current_dir(directory).output().expect("bash runs");
    if !out.status.success() {
        let said = std::fs::read_to_string(directory.join(".out")).unwrap_or_default();
        panic!("{program} {args:?} failed:\n{}", said.chars().take(2000).collect::<String>());
    }
    let times = String::from_utf8_lossy(&out.stderr).trim().split(' ').filter_map(|t| t.parse::<f64>().ok()).sum();
    let memory = std::fs::read_to_string(measured).ok().and_then(|m| m.trim().parse::<f64>().ok()).unwrap_or_default();
    Cost { cpu: times, memory: memory / 1024.0 }
}

/// The median of some runs, by CPU.
fn median(runs: usize, program: &str, args: &[&str], directory: &Path) -> Cost {
    let mut costs: Vec<Cost> = (0..runs).map(|_| run(program, args, directory)).collect();
    costs.sort_by(|a, b| a.cpu.total_cmp(&b.cpu));
    costs[costs.len() / 2]
}

fn terraform() -> Option<&'static str> {
    Command::new("terraform").arg("version").output().ok().filter(|o| o.status.success()).map(|_| "terraform")
}

/// A command, in secnet's words and in Terraform's.
struct Work {
    name: &'static str,
    secnet: &'static [&'static str],
    terraform: &'static [&'static str],
    /// CPU seconds that secnet may take at 10,000.
    wanted: Option<f64>,
}

const WORK: [Work; 3] = [
    Work { name: "check", secnet: &["check"], terraform: &["validate"], wanted: Some(0.3) },
    Work { name: "fmt --check", secnet: &["fmt", "--check"], terraform: &["fmt", "-check"], wanted: None },
    Work {
        name: "plan --refresh=false, nothing to do",
        secnet: &["plan", "--refresh=false", "--detailed-exitcode"],
        terraform: &["plan", "-refresh=false", "-detailed-exitcode"],
        wanted: Some(0.4),
    },
];

fn main() {
    let mut sizes: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.replace('_', "").parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![1_000, 10_000];
    }
    let peers = !std::env::args().any(|a| a == "alone");
    let terraform = if peers { terraform() } else { None };
    if terraform.is_none() {
        println!("terraform is not measured: {}", if peers { "it is not installed" } else { "it was not asked for" });
    }
    let place = tempfile::tempdir().expect("a directory");
    println!("CPU seconds, median of 3 or 5 runs / peak memory in MB");
    println!("{:<38} {:>8} {:>16} {:>16} {:>8}", "", "N", "secnet", "terraform", "ratio");
    let mut grown: Vec<Vec<(f64, f64)>> = vec![vec![]; WORK.len()];
    for n in sizes {
        let runs = if n > 5_000 { 3 } else { 5 };
        let (ours, theirs) = prepare(place.path(), n, terraform);
        for (work, grown) in WORK.iter().zip(&mut grown) {
            let cost = median(runs, SECNET, work.secnet, &ours);
            grown.push(((n as f64).ln(), cost.cpu.max(0.001).ln()));
            let other = terraform.filter(|_| n <= 10_000).map(|t| median(runs, t, work.terraform, &theirs));
            let show = |c: Cost| format!("{:.3} / {:.0}", c.cpu, c.memory);
            let ratio = other.map_or_else(String::new, |o| format!("{:.0}x", o.cpu / cost.cpu.max(0.001)));
            let bar = work.wanted.filter(|_| n == 10_000).map_or_else(String::new, |w| format!("  (wanted: {w} s, 200 MB)"));
            println!("{:<38} {n:>8} {:>16} {:>16} {ratio:>8}{bar}", work.name, show(cost), other.map_or_else(String::new, show));
        }
    }
    for (work, points) in WORK.iter().zip(&grown).filter(|(_, points)| points.len() > 1) {
        let steps = points.windows(2).filter_map(|w| Some((w.last()?.1 - w.first()?.1) / (w.last()?.0 - w.first()?.0)));
        println!("{:<38} grows with the power {}", work.name, steps.map(|s| format!("{s:.2}")).collect::<Vec<_>>().join(", "));
    }
}

/// The most that is applied in the sandbox, which is there to be right and not to be fast.
const SANDBOX_MAX: usize = 1_000;

/// Writes both trees with their states. A small one is applied in the sandbox, and what that took is said; of a large one
/// the state is what the events of such an apply fold into.
fn prepare(place: &Path, n: usize, terraform: Option<&str>) -> (PathBuf, PathBuf) {
    let (ours, theirs) = (place.join(format!("secnet{n}")), place.join(format!("terraform{n}")));
    let tree = tree::Tree::of(n);
    tree.secnet(&ours).expect("sources are written");
    if n <= SANDBOX_MAX {
        let cost = run(SECNET, &["apply", "--sandbox", "--yes"], &ours);
        println!("{:<38} {n:>8} {:>16}", "apply in the sandbox, once", format!("{:.3} / {:.0}", cost.cpu, cost.memory));
        // The state of the sandbox is what an apply to AWS would have left.
        std::fs::rename(ours.join(".secnet/sandbox/state"), ours.join("state")).expect("the state is there");
    } else {
        state::write(&ours);
    }
    if let Some(terraform) = terraform {
        tree.terraform(&theirs).expect("sources are written");
        run(terraform, &["init", "-backend=false"], &theirs);
    }
    (ours, theirs)
}
