//! A project that is planned and applied on the simulator, as a user would, without a command line.

use std::{collections::BTreeMap, sync::Arc};

use secnet::{
    analysis::{self, Inputs},
    apply::{Options, Outcome, Stop, counts::Counted, deep::deepen, execute, refresh},
    base::address::Address,
    call::Driver,
    plan::{Input, Plan, plan},
    sim::Sim,
    state::{
        State,
        journal::Journal,
        store::{Lock, Store},
    },
};
use tokio::sync::{mpsc, watch};

pub use crate::lives::shown;
use crate::lives::{FAR, both};

/// A project's directory, its state, and the EC2 it stands in.
pub struct Play {
    pub sim: Arc<Sim>,
    pub driver: Arc<Counted>,
    pub store: Store,
    pub lock: Lock,
    _directory: tempfile::TempDir,
}

impl Play {
    pub fn new() -> Self {
        Self::on(Sim::new("us-east-1"))
    }

    pub fn on(sim: Sim) -> Self {
        let sim = Arc::new(sim);
        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(directory.path(), "secure_server");
        let lock = store.lock("test").unwrap();
        let far = sim.beside(sim.account(), FAR).unwrap();
        Self { driver: Arc::new(Counted::new(both(sim.clone(), Arc::new(far)))), sim, store, lock, _directory: directory }
    }

    /// From now on everything goes through this driver.
    pub fn through(&mut self, driver: Arc<dyn Driver>) {
        self.driver = Arc::new(Counted::new(driver));
    }

    pub fn state(&self) -> State {
        self.store.load().unwrap().state
    }

    pub async fn plan(&self, source: &str) -> Plan {
        self.try_plan(source).await.unwrap_or_else(|messages| panic!("{messages:#?}"))
    }

    pub async fn try_plan(&self, source: &str) -> Result<Plan, Vec<String>> {
        let analysis = analysis::analyze(vec![("main.secnet".into(), source.into())], &Inputs::default());
        assert!(!analysis.has_errors(), "{:#?}", analysis.diagnostics);
        let state = self.state();
        let observation = refresh::refresh(&*self.driver, &analysis.model, &state).await.unwrap();
        let input = Input { model: &analysis.model, state: &state, observation: &observation, sources: Some(&analysis.sources) };
        plan(&input).map_err(|found| found.into_iter().map(|d| d.message).collect())
    }

    /// A plan that was made with `--deep`.
    pub async fn plan_deep(&self, source: &str) -> Result<Plan, Vec<String>> {
        let analysis = analysis::analyze(vec![("main.secnet".into(), source.into())], &Inputs::default());
        assert!(!analysis.has_errors(), "{:#?}", analysis.diagnostics);
        let (model, state) = (&analysis.model, self.state());
        let mut observation = refresh::refresh(&*self.driver, model, &state).await.unwrap();
        deepen(&*self.driver, model, &state, &mut observation, &|_, _| {}).await.unwrap();
        let plan = plan(&Input { model, state: &state, observation: &observation, sources: Some(&analysis.sources) });
        plan.map_err(|found| found.into_iter().map(|d| d.message).collect())
    }

    pub async fn carry_out(&self, plan: &Plan) -> Outcome {
        self.carry_out_with(plan, Options::default().parallelism).await
    }

    /// So many tasks at once.
    pub async fn carry_out_with(&self, plan: &Plan, parallelism: usize) -> Outcome {
        let journal = Journal::create(&self.store, &self.lock).unwrap();
        let (progress, _watcher) = mpsc::unbounded_channel();
        let (_stop, asked) = watch::channel(Stop::No);
        let outcome = execute(plan, self.state(), journal, self.driver.clone(), Options { parallelism }, progress, asked).await.unwrap();
        outcome.save(&self.store, &self.lock).unwrap();
        outcome
    }

    /// Plans and applies; everything must work, and leave nothing to do.
    pub async fn apply(&self, source: &str) -> Plan {
        let plan = self.plan(source).await;
        let outcome = self.carry_out(&plan).await;
        assert!(outcome.is_success(), "{:#?}\n{:#?}", outcome.failed, outcome.not_started);
        let again = self.plan(source).await;
        assert!(again.is_empty(), "after an apply nothing is left to do, but:\n{}", shown(&again));
        // What EC2 lists and what the project says are the same network.
        let flows = [&again.proof.added, &again.proof.removed, &again.proof.unknown];
        assert!(flows.iter().all(|f| f.is_empty()), "after an apply nothing becomes reachable, but:\n{}", shown(&again));
        plan
    }

    /// The id that a resource has.
    pub fn id(&self, address: &str) -> String {
        self.state().resources[&Address::parse(address).unwrap()].id.clone()
    }
}

/// `project secure_server {}` and what follows.
pub fn project(rest: &str) -> String {
    format!("project secure_server {{ region = \"us-east-1\" }}\n{rest}")
}

/// Titles of the tasks in the order of the plan.
pub fn titles(plan: &Plan) -> Vec<&str> {
    plan.tasks.iter().map(|t| t.title.as_str()).collect()
}

/// Where the task of this title stands, and what it waits for, all the way down.
pub fn before(plan: &Plan, title: &str) -> Vec<String> {
    let index = plan.tasks.iter().position(|t| t.title == title).unwrap_or_else(|| panic!("no `{title}` in {:#?}", titles(plan)));
    let mut found: BTreeMap<usize, ()> = BTreeMap::new();
    let mut stack = plan.tasks[index].needs.clone();
    while let Some(next) = stack.pop() {
        if found.insert(next, ()).is_none() {
            stack.extend(&plan.tasks[next].needs);
        }
    }
    found.keys().map(|i| plan.tasks[*i].title.clone()).collect()
}
