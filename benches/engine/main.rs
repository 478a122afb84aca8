//! What the engine costs by itself: `cargo bench --no-default-features --bench engine -- 1000 10000`.
//!
//! A plan for an empty account is carried out on the simulator, every intent followed to disk, in a clock that jumps over
//! waits; then the state is saved and loaded. Prints wall and CPU seconds; nothing fails for being slow.

#![allow(clippy::print_stdout, clippy::expect_used, missing_docs)]

use std::{fs, path::Path, sync::Arc, time::Instant};

use secnet::{
    analysis::{Inputs, analyze},
    apply::{Options, execute, refresh::refresh},
    plan::{Input, plan},
    sim::Sim,
    state::{journal::Journal, store::Store},
};
use tokio::sync::{mpsc, watch};

#[path = "../peers/tree.rs"]
#[allow(dead_code)]
mod tree;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The CPU time of this process so far, in seconds: user and system, all threads.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux tells");
    let fields: Vec<f64> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
    // A tick is a hundredth of a second for all programs on Linux.
    fields.iter().sum::<f64>() / 100.0
}

/// What something took.
fn timed<T>(name: &str, n: usize, work: impl FnOnce() -> T) -> T {
    let (wall, before) = (Instant::now(), cpu());
    let result = work();
    println!("{name:<44} {n:>8} {:>9.3} {:>9.3}", wall.elapsed().as_secs_f64(), cpu() - before);
    result
}

fn main() {
    let mut sizes: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.replace('_', "").parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![1_000, 10_000];
    }
    println!("{:<44} {:>8} {:>9} {:>9}", "", "N", "wall s", "CPU s");
    for n in sizes {
        let place = tempfile::tempdir_in("target").expect("a directory on a disk");
        measure(n, place.path());
    }
}

fn measure(n: usize, place: &Path) {
    tree::Tree::of(n).secnet(place).expect("sources are written");
    let mut files: Vec<(String, String)> = vec![];
    for entry in fs::read_dir(place).expect("a directory") {
        let path = entry.expect("an entry").path();
        files.push((path.display().to_string(), fs::read_to_string(&path).expect("a text")));
    }
    files.sort();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    let analysis = timed("analysis", n, || analyze(files, &Inputs::default()));
    assert!(!analysis.has_errors(), "the tree has errors");
    let (model, sim) = (analysis.model, Arc::new(Sim::new("us-east-1")));
    sim.world(|world| (world.quotas.subnets_per_vpc, world.quotas.security_groups, world.quotas.interfaces) = (n, n, n));
    let store = Store::new(place.join("state"), "peers");
    let state = store.load().expect("no state is no error").state;
    let observation = timed("reading", n, || runtime.block_on(refresh(&*sim, &model, &state)).expect("EC2 answers"));
    let input = Input { model: &model, state: &state, observation: &observation, sources: None };
    let plan = timed("plan, with what is safe in between", n, || plan(&input).expect("a plan"));
    println!("{:<44} {:>8}", "tasks", plan.tasks.len());
    let lock = store.lock("bench").expect("nobody else is here");
    let journal = Journal::create(&store, &lock).expect("a journal");
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let (_keep, stop) = watch::channel(secnet::apply::Stop::No);
    let driver = sim.clone();
    let outcome = timed("carrying out, each intent on disk", n, || {
        runtime.block_on(async {
            let watcher = tokio::spawn(async move { while receiver.recv().await.is_some() {} });
            let outcome = execute(&plan, state.clone(), journal, driver, Options::default(), sender, stop).await.expect("it starts");
            watcher.await.expect("the watcher ends");
            outcome
        })
    });
    assert!(outcome.is_success(), "{:?}", outcome.failed.first());
    timed("saving the state", n, || outcome.save(&store, &lock).expect("it is saved"));
    let loaded = timed("loading the state", n, || store.load().expect("it is there").state);
    assert_eq!(loaded.resources.len(), model.resources.len());
    println!("{:<44} {:>8} {:>9} MB", "the state's file", n, fs::metadata(store.state_path()).expect("it is there").len() / 1_000_000);
    let calls: u64 = sim.all_calls().values().sum();
    println!("{:<44} {calls:>8}", "calls");
}
