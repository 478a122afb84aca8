//! Carrying out a plan: what is ready runs, in parallel and in a stable order. Layer 7.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use tokio::{
    sync::{mpsc::UnboundedSender, watch},
    task::{JoinHandle, JoinSet},
};

use crate::{
    apply::{
        Failure, NotStarted, Options, Outcome, Progress, Stop, TaskError,
        note::TASK,
        pace::{self, Pace},
        schedule::Schedule,
        task::{Hands, Ledger, Run, Way, Ways, carry_out},
        wait::Waiter,
    },
    base::{
        address::Address,
        codes::{apply as codes, state as state_codes},
        diagnostic::Diagnostic,
        site::Site,
    },
    call::{Answer, ApiError, Class, Driver, Request, beside, mutates},
    plan::{Plan, lifecycle},
    schema::value::{Value, concat},
    state::{
        State,
        event::{Event, What},
        journal::{self, Journal},
        remote::lease::Guard,
        seal::Secrets,
        store,
    },
};

/// Whether a plan was made from this very state.
///
/// # Errors
/// It was made from another one, or the state has changed since.
pub fn check_base(plan: &Plan, state: &State) -> Result<(), Diagnostic> {
    let (lineage, serial) = &plan.base;
    if plan.project != state.project {
        Err(codes::plan_is_stale(&format!("it is for project `{}`", plan.project)))
    } else if *serial != state.serial {
        Err(codes::plan_is_stale(&format!("it was made from serial {serial}, and the state has serial {}", state.serial)))
    } else if *lineage != state.lineage && !is_fresh(state) {
        Err(codes::plan_is_stale("it was made from a state of another lineage"))
    } else {
        Ok(())
    }
}

/// Whether a state is that of a project that was never applied: its lineage is a new one each time it is asked for.
fn is_fresh(state: &State) -> bool {
    state.serial == 0 && state.resources.is_empty()
}

/// Carries a plan out. Ends when everything is done, has failed or may not start, or when it is asked to stop.
///
/// # Errors
/// The plan is not one for this state, or the journal cannot be written: nothing was sent then.
pub async fn execute(
    plan: &Plan,
    mut state: State,
    journal: Journal,
    driver: Arc<dyn Driver>,
    options: Options,
    progress: UnboundedSender<Progress>,
    mut stop: watch::Receiver<Stop>,
) -> Result<Outcome, Diagnostic> {
    check_base(plan, &state)?;
    if is_fresh(&state) {
        state.lineage.clone_from(&plan.base.0);
    }
    let mut ledger = Ledger::new(state, journal);
    let opening = opening(plan, &ledger.state, driver.region());
    ledger.record(&opening).map_err(|error| state_codes::not_writable("the journal", &error.to_string()))?;
    let secrets = Arc::new(plan.secrets.clone());
    let (ways, waits) = ways(plan, careful(driver, &secrets, &ledger))?;
    let (tasks, young) = (plan.tasks.clone(), Mutex::new(BTreeMap::new()));
    let hands = Hands::new(options.parallelism);
    let run = Arc::new(Run { tasks, secrets, ways, progress, ledger: Mutex::new(ledger), young, hands });
    let mut tally = Tally {
        schedule: Schedule::new(plan.tasks.iter().map(|task| (&*task.needs, pace::slowest(&task.calls)))),
        done: vec![],
        failed: vec![],
        stopped: *stop.borrow(),
    };
    let mut running = JoinSet::new();
    let mut names = BTreeMap::new();
    loop {
        while tally.stopped == Stop::No && run.ledger().broken.is_none() {
            let Some(hand) = run.hands.take() else { break };
            let Some(task) = tally.schedule.next() else { break };
            run.tell(Progress::Started { task });
            let shared = run.clone();
            names.insert(running.spawn(TASK.scope(task, async move { carry_out(&shared, task, hand).await })).id(), task);
            tell_counts(&run, &tally, running.len());
        }
        if running.is_empty() {
            break;
        }
        tokio::select! {
            biased;
            asked = asked_to_stop(&mut stop, tally.stopped) => {
                tally.stopped = asked;
                if asked == Stop::AtOnce {
                    running.shutdown().await;
                    break;
                }
            }
            Some(joined) = running.join_next_with_id() => {
                let (id, result) = match joined {
                    Ok((id, result)) => (id, result),
                    Err(error) => (error.id(), Err(TaskError::Internal(error.to_string()))),
                };
                if let Some(task) = names.remove(&id) {
                    finished(&run, &mut tally, task, result);
                }
                tell_counts(&run, &tally, running.len());
            }
            // A task waits: another may have its hand.
            () = run.hands.lent.notified() => {}
        }
    }
    waits.iter().for_each(JoinHandle::abort);
    Ok(outcome(plan, &run, tally))
}

/// A driver that tells no secrets, and changes nothing once the lock is lost.
fn careful(mut driver: Arc<dyn Driver>, secrets: &Arc<Secrets>, ledger: &Ledger) -> Arc<dyn Driver> {
    if !secrets.is_empty() {
        driver = Arc::new(Discreet { inner: driver, secrets: secrets.clone() });
    }
    if let Some(guard) = ledger.guard() {
        driver = Arc::new(Guarded { inner: driver, guard });
    }
    driver
}

/// What leads to every account and region that the plan has to do with, and the tasks that wait there.
fn ways(plan: &Plan, driver: Arc<dyn Driver>) -> Result<(Ways, Vec<JoinHandle<()>>), Diagnostic> {
    let sites: BTreeSet<&Site> = plan.tasks.iter().flat_map(|t| &t.calls).filter_map(|call| call.site.as_ref()).collect();
    let (mut ways, mut waits) = (BTreeMap::new(), vec![]);
    let others = sites.into_iter().map(|site| (Some(site.clone()), beside(&*driver, site)));
    for (site, driver) in others.chain([(None, Ok(driver.clone()))]) {
        let driver = driver.map_err(|error| codes::plan_is_stale(&error.to_string()))?;
        let (waiter, wait) = Waiter::start(driver.clone());
        ways.insert(site, Way { driver, waiter, pace: Pace::default() });
        waits.push(wait);
    }
    Ok((ways, waits))
}

/// A driver whose errors say nothing that is sensitive: EC2 may repeat what it was sent.
struct Discreet {
    inner: Arc<dyn Driver>,
    secrets: Arc<Secrets>,
}

impl Driver for Discreet {
    fn send<'a>(&'a self, request: &'a Request) -> Answer<'a> {
        let answer = self.inner.send(request);
        Box::pin(async move { answer.await.map_err(|error| ApiError { message: self.secrets.without(&error.message), ..error }) })
    }

    fn region(&self) -> &str {
        self.inner.region()
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn beside(&self, site: &Site) -> Option<Arc<dyn Driver>> {
        Some(Arc::new(Self { inner: self.inner.beside(site)?, secrets: self.secrets.clone() }))
    }
}

/// A driver that changes nothing once this run has lost the lock of the state: another may be at work by then.
struct Guarded {
    inner: Arc<dyn Driver>,
    guard: Guard,
}

impl Driver for Guarded {
    fn send<'a>(&'a self, request: &'a Request) -> Answer<'a> {
        if let Err(why) = self.guard.check()
            && mutates(&request.action)
        {
            let message = format!("{} was not sent: the lock of the state is lost ({why})", request.action);
            return Box::pin(async move { Err(ApiError::without_answer(Class::Invalid, message)) });
        }
        self.inner.send(request)
    }

    fn region(&self) -> &str {
        self.inner.region()
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn beside(&self, site: &Site) -> Option<Arc<dyn Driver>> {
        Some(Arc::new(Self { inner: self.inner.beside(site)?, guard: self.guard.clone() }))
    }
}

/// How far an apply is.
struct Tally {
    schedule: Schedule,
    done: Vec<usize>,
    failed: Vec<Failure>,
    stopped: Stop,
}

/// What is written down before anything is sent.
fn opening(plan: &Plan, state: &State, region: &str) -> Vec<Event> {
    let begin = Event::Begin {
        lineage: state.lineage.clone(),
        serial: state.serial,
        account: plan.account.clone(),
        region: region.into(),
        at: store::now(),
    };
    let mut events = vec![begin];
    events.extend(plan.sealing_key.clone().map(|key| Event::SealingKey { key }));
    if !plan.moves.is_empty() {
        events.push(Event::Moved { moves: plan.moves.clone() });
    }
    // The plan deletes every deposed resource that still stands.
    let goes = |id: &str| plan.tasks.iter().any(|task| matches!(&task.what, What::Delete { id: deleted, .. } if deleted == id));
    let left = |address: &Address| plan.partial.as_ref().is_some_and(|p| p.left.contains(address));
    let deposed = state.deposed.iter().filter(|d| !left(&d.address)).map(|d| d.resource.id.clone());
    let deposed: Vec<String> = deposed.filter(|id| !goes(id)).collect();
    if !plan.gone.is_empty() || !deposed.is_empty() {
        events.push(Event::Forgotten { addresses: plan.gone.clone(), deposed });
    }
    events.extend(plan.imports.iter().map(lifecycle::Import::event));
    if !plan.protect.is_empty() {
        events.push(Event::Protected { protect: plan.protect.clone() });
    }
    events.extend(plan.seen.iter().cloned().map(|seen| Event::Seen { address: seen.address, record: seen.record, parts: seen.parts }));
    if !plan.images.is_empty() {
        events.push(Event::Images { images: plan.images.clone() });
    }
    if plan.existing != state.existing {
        events.push(Event::Existing { existing: plan.existing.clone() });
    }
    if plan.answers != state.answers && !plan.answers.is_empty() {
        events.push(Event::Answers { answers: plan.answers.clone() });
    }
    if plan.promises != state.promises {
        events.push(Event::Promises { promises: plan.promises.clone() });
    }
    events
}

/// The state with what a plan writes down before it does anything, and with its results as far as they are known.
#[must_use]
pub fn noted(plan: &Plan, state: State, region: &str) -> State {
    let opening = opening(plan, &state, region);
    let mut state = journal::fold(state, &opening);
    state.outputs = outputs(plan, &state);
    state
}

/// Waits until more haste is asked for than before; for ever if nobody can ask.
async fn asked_to_stop(stop: &mut watch::Receiver<Stop>, before: Stop) -> Stop {
    match stop.wait_for(|asked| *asked > before).await {
        Ok(asked) => *asked,
        Err(_) => std::future::pending().await,
    }
}

fn finished(run: &Run, tally: &mut Tally, task: usize, result: Result<(), TaskError>) {
    let Err(error) = result else {
        tally.done.push(task);
        tally.schedule.done(task);
        return run.tell(Progress::Done { task });
    };
    tally.schedule.failed(task);
    run.tell(Progress::Failed { task, error: error.to_string() });
    if !error.is_open() {
        // Should the journal fail here, the call stays open in it, and the next run reads what came of it.
        let _ = run.ledger().submit(&[Event::Failed { task, error: error.to_string() }]);
    }
    tally.failed.push(Failure { task, error });
}

fn tell_counts(run: &Run, tally: &Tally, running: usize) {
    run.tell(Progress::Counts { done: tally.done.len(), failed: tally.failed.len(), running, total: run.tasks.len() });
}

fn outcome(plan: &Plan, run: &Run, mut tally: Tally) -> Outcome {
    let mut ledger = run.ledger();
    let outputs = outputs(plan, &ledger.state);
    if tally.stopped != Stop::AtOnce {
        // Should it fail, the next run finds an unfinished journal with nothing open in it.
        let _ = ledger.record(&[Event::Outputs { outputs: outputs.clone() }, Event::End]);
    }
    tally.done.sort_unstable();
    tally.failed.sort_by_key(|failure| failure.task);
    Outcome {
        state: ledger.state.clone(),
        done: tally.done,
        failed: tally.failed,
        not_started: tally.schedule.rest().map(|(task, because)| NotStarted { task, because }).collect(),
        open: ledger.open.tasks(),
        stopped: tally.stopped,
        outputs,
    }
}

/// The plan's outputs with what EC2 has decided put in; one that still lacks something is left out.
fn outputs(plan: &Plan, state: &State) -> BTreeMap<String, Value> {
    plan.outputs.iter().map(|(name, value)| (name.clone(), known(value, state))).filter(|(_, value)| value.is_known()).collect()
}

fn known(value: &Value, state: &State) -> Value {
    let value = value.rewrite(&|leaf| match leaf {
        Value::Resource(address) => state.attribute(address, "id"),
        Value::Attribute(address, name) => state.attribute(address, name),
        Value::Concat(pieces) => Some(concat(pieces.iter().map(|piece| known(piece, state)).collect())),
        _ => None,
    });
    // What an attribute holds may be a reference itself.
    match &value {
        Value::Resource(address) => state.attribute(address, "id").unwrap_or(value),
        _ => value,
    }
}
