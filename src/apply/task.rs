//! One task: its calls one after the other, each in the journal before it is sent. Layer 7.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::json;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc::UnboundedSender},
    time::Instant,
};

use crate::{
    apply::{
        Progress, TaskError,
        argument::{ArgumentError, Known, resolve},
        find::{self, TAG},
        holder::Holder,
        pace::Pace,
        read::{Reader, Work, together},
        send::{Going, Sending, Sent, send},
        wait::{Ended, Waiter, in_answer},
    },
    base::{address::Address, site::Site},
    call::{Arg, Call, Driver, Json, Request, Settle},
    plan::Task,
    registry::{Observed, Spec},
    resources,
    schema::value::{Record, Value},
    state::{
        State,
        event::{Event, OpenCalls, What},
        identity,
        journal::Journal,
        remote::{lease::Guard, segments::Durable},
        seal::Secrets,
    },
};

/// For how long something counts as young: EC2 may not see it everywhere yet.
const YOUNG: Duration = Duration::from_secs(300);

/// When to look for what AWS gives a new VPC, after the look before.
const LOOKS: [Duration; 5] =
    [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(10), Duration::from_secs(30)];

/// How often what a call was made from may turn out to be out of date.
const OVERTAKEN_MAX: u32 = 5;

/// The journal and the state that it leads to. Nothing changes the one without the other.
#[derive(Debug)]
pub struct Ledger {
    /// What stands.
    pub state: State,
    /// Calls whose outcome is not written down.
    pub open: OpenCalls,
    journal: Journal,
    /// Set when the journal could not be written: then nothing more may be sent.
    pub broken: Option<String>,
}

/// What leads to every account and region; `None` is the project's own.
pub type Ways = BTreeMap<Option<Site>, Way>;

/// What leads to an account and region.
pub struct Way {
    /// Where calls go.
    pub driver: Arc<dyn Driver>,
    /// Where things wait.
    pub waiter: Waiter,
    /// How fast calls go out: EC2 counts each account's in each Region apart.
    pub pace: Pace,
}

/// An apply that is under way, as all its tasks share it.
pub struct Run {
    /// The plan's tasks.
    pub tasks: Vec<Task>,
    /// What the hashes of sensitive values stand for.
    pub secrets: Arc<Secrets>,
    /// Where calls go, and where things wait, by account and region.
    pub ways: Ways,
    /// Who watches.
    pub progress: UnboundedSender<Progress>,
    /// What stands and what was written down.
    pub ledger: Mutex<Ledger>,
    /// Ids that this run has made, and when.
    pub young: Mutex<BTreeMap<String, Instant>>,
    /// How many tasks may be at work. One that only waits lends its hand to others.
    pub hands: Hands,
}

/// Who may be at work: as many at once as was asked for.
pub struct Hands {
    free: Arc<Semaphore>,
    /// Told when one is lent.
    pub lent: Notify,
}

/// The right to be at work.
pub type Hand = OwnedSemaphorePermit;

impl Hands {
    /// So many, and at least one.
    pub fn new(many: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(many.clamp(1, Semaphore::MAX_PERMITS))), lent: Notify::new() }
    }

    /// One, if one is free that nobody waits for.
    pub fn take(&self) -> Option<Hand> {
        self.free.clone().try_acquire_owned().ok()
    }

    /// One, when it is free; first come, first served.
    async fn wait(&self) -> Result<Hand, TaskError> {
        self.free.clone().acquire_owned().await.map_err(|error| TaskError::Internal(error.to_string()))
    }
}

impl Ledger {
    /// Starts from a state.
    pub fn new(state: State, journal: Journal) -> Self {
        Self { state, open: OpenCalls::default(), journal, broken: None }
    }

    /// Hands events over to be written down, and follows them. They are safe once what it gives has been waited for; so is
    /// whatever is handed over later, or nothing of it.
    pub fn submit(&mut self, events: &[Event]) -> Result<Durable, TaskError> {
        let durable = self.journal.submit(events).map_err(|error| self.fail(error.to_string()))?;
        for event in events {
            self.open.follow(event);
            self.state.fold(event);
        }
        Ok(durable)
    }

    /// From now on nothing more may be sent.
    fn fail(&mut self, error: String) -> TaskError {
        TaskError::Journal(self.broken.get_or_insert(error).clone())
    }

    /// What says whether this run may still act.
    pub fn guard(&self) -> Option<Guard> {
        self.journal.guard()
    }

    /// Writes events down, then follows them.
    pub fn record(&mut self, events: &[Event]) -> Result<(), TaskError> {
        self.journal.append(events).map_err(|error| self.fail(error.to_string()))?;
        for event in events {
            self.open.follow(event);
            self.state.fold(event);
        }
        Ok(())
    }
}

impl Run {
    /// The ledger, to itself. A panic elsewhere leaves it whole: it is changed by `record` alone.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes events down, and waits until they are safe; those of other tasks may go with them.
    pub async fn record(&self, events: &[Event]) -> Result<(), TaskError> {
        let durable = self.ledger().submit(events)?;
        durable.wait().await.map_err(|error| self.ledger().fail(error))
    }

    /// Tells whoever watches; nobody need.
    pub fn tell(&self, progress: Progress) {
        let _ = self.progress.send(progress);
    }

    fn names_young(&self, request: &Request) -> bool {
        let young = self.young.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open = vec![&request.params];
        while let Some(at) = open.pop() {
            match at {
                Json::String(text) if young.get(text).is_some_and(|since| since.elapsed() < YOUNG) => return true,
                Json::Array(items) => open.extend(items),
                Json::Object(members) => open.extend(members.values()),
                _ => {}
            }
        }
        false
    }
}

/// Carries a task out, with a hand that is for it.
pub async fn carry_out(run: &Run, index: usize, hand: Hand) -> Result<(), TaskError> {
    let Some(task) = run.tasks.get(index) else { return Err(TaskError::Internal(format!("there is no task {index}"))) };
    let kind = task.what.address().kind();
    let spec = resources::spec(kind).ok_or_else(|| TaskError::Internal(format!("there is no kind `{kind}`")))?;
    let step = Step { run, index, task, spec, hand: Mutex::new(Some(hand)) };
    let mut answers = vec![];
    let mut announced = false;
    for (number, call) in task.calls.iter().enumerate() {
        step.work().await?;
        let mut overtaken = 0;
        let answer = loop {
            if !call.mutates() && number == 0 && spec.stands_for.is_some() && matches!(task.what, What::Create { .. }) {
                announced = true;
                break step.look_up(call).await?;
            }
            if !call.mutates() {
                break step.read(call, &answers).await?;
            }
            let what = (!announced).then(|| task.what.clone());
            announced = true;
            if let Some(answer) = step.change(number, call, &answers, what).await? {
                break answer;
            }
            overtaken += 1;
            if overtaken > OVERTAKEN_MAX {
                return Err(TaskError::Overtaken { action: call.action.clone() });
            }
            for (earlier, call) in task.calls.iter().enumerate().take(number).filter(|(_, call)| !call.mutates()) {
                let again = step.read(call, &answers).await?;
                if let Some(answer) = answers.get_mut(earlier) {
                    *answer = again;
                }
            }
        };
        answers.push(answer);
        if let Some(settle) = &call.settle {
            step.settle_all(settle, call, &answers, number == 0).await?;
        }
    }
    run.record(&[Event::Done { task: index, what: task.what.clone() }]).await
}

/// What each step of a task knows.
struct Step<'a> {
    run: &'a Run,
    index: usize,
    task: &'a Task,
    spec: &'static Spec,
    /// `None` while it waits.
    hand: Mutex<Option<Hand>>,
}

impl Step<'_> {
    /// Lends the hand to others: from now on it waits.
    fn rest(&self) {
        if self.hand.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            self.run.hands.lent.notify_one();
        }
    }

    /// Takes a hand again if it has none.
    async fn work(&self) -> Result<(), TaskError> {
        let has = || self.hand.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if !has() {
            let hand = self.run.hands.wait().await?;
            *self.hand.lock().unwrap_or_else(PoisonError::into_inner) = Some(hand);
        }
        Ok(())
    }

    /// What leads to where a call is sent.
    fn way(&self, call: &Call) -> Result<&Way, TaskError> {
        let missing =
            || TaskError::Internal(format!("there is no way to `{}`", call.site.as_ref().map_or_else(String::new, Site::to_string)));
        self.run.ways.get(&call.site).ok_or_else(missing)
    }

    async fn read(&self, call: &Call, answers: &[Json]) -> Result<Json, TaskError> {
        let request = self.request(call, answers, "")?;
        Reader::new(&*self.way(call)?.driver).send(&request).await.map_err(TaskError::Unread)
    }

    /// Finds what AWS has given a VPC, and writes down that it is managed from now on. A VPC that is young may not show it yet.
    async fn look_up(&self, call: &Call) -> Result<Json, TaskError> {
        let What::Create { address, record, after, protect } = &self.task.what else { return Ok(Json::Null) };
        let operation = identity::random().map_err(|e| TaskError::Internal(e.to_string()))?;
        let (action, what) = (call.action.clone(), Some(self.task.what.clone()));
        let (task, site) = (self.index, call.site.clone());
        self.run.record(&[Event::Intent { task, call: 0, action: action.clone(), operation, what, site: site.clone() }]).await?;
        for pause in LOOKS {
            tokio::time::sleep(pause).await;
            let answer = self.read(call, &[]).await?;
            let Some((id, learned)) = (self.spec.created)(&answer) else { continue };
            let record = record.iter().map(|(k, v)| (k.clone(), v.clone())).chain(learned).collect();
            let (address, after, protect) = (address.clone(), after.clone(), *protect);
            // No operation made it.
            let secnet_id = identity::of_import(&self.run.ledger().state.lineage, &id);
            self.run.record(&[Event::Created { task, address, id, secnet_id, record, after, protect, site }]).await?;
            return Ok(answer);
        }
        Err(TaskError::NoId { action })
    }

    /// Writes down what is about to be sent, sends it, and writes down what it made. `None`: see [`Sent::Overtaken`].
    async fn change(&self, number: usize, call: &Call, answers: &[Json], what: Option<What>) -> Result<Option<Json>, TaskError> {
        let operation = identity::random().map_err(|e| TaskError::Internal(e.to_string()))?;
        let deletes = matches!(self.task.what, What::Delete { .. } | What::UnmakeParts { .. });
        let request = match self.request(call, answers, &operation) {
            // What is to go was looked for, and is not there: it went with something else.
            Err(TaskError::Argument { error: ArgumentError::Element(..), .. }) if deletes => return Ok(Some(Json::Null)),
            request => request?,
        };
        let way = self.way(call)?;
        let (action, site) = (call.action.clone(), call.site.clone());
        let intent = Event::Intent { task: self.index, call: number, action, operation: operation.clone(), what, site };
        self.run.record(&[intent]).await?;
        let told = |error: &crate::call::ApiError, after| {
            let (task, action, reason) = (self.index, call.action.clone(), error.to_string());
            self.run.tell(Progress::Retrying { task, action, reason, after });
        };
        let paced = |waited| self.run.tell(Progress::Paced { task: self.index, action: call.action.clone(), waited });
        let named = |id: &str| {
            let ledger = self.run.ledger();
            let known = ledger.state.resources.iter().find(|(_, resource)| resource.id == id).map(|(address, _)| address.to_string());
            known.or_else(|| ledger.state.deposed.iter().find(|d| d.resource.id == id).map(|d| d.address.to_string()))
        };
        let held = |holder: &Holder| {
            let (task, id, state) = (self.index, holder.id.clone(), format!("still holds it: {}", holder.what));
            self.run.tell(Progress::Waiting { task, id, state });
        };
        let going = match &self.task.what {
            What::Delete { id, .. } | What::UnmakeParts { id, .. } => {
                Some(Going { id, within: Duration::from_secs(self.task.timeout_s), named: &named, told: &held })
            }
            _ => None,
        };
        let sending = Sending {
            driver: &*way.driver,
            pace: &way.pace,
            call,
            request: &request,
            operation: &operation,
            listing: find::listing(self.spec, call.tagged.first().map(String::as_str)),
            many: if number == 0 { self.task.what.made().len() } else { 1 },
            deletes,
            names_young: self.run.names_young(&request),
            was_read_for: self.task.calls.iter().take(number).any(|call| !call.mutates()),
            told: &told,
            paced: &paced,
            going,
        };
        let sent = send(&sending).await?;
        if number == 0 {
            self.written_down(call, &operation, &sent).await?;
        }
        Ok(match sent {
            Sent::Answer(answer) => Some(answer),
            Sent::Found(items) => Some(Json::Array(items)),
            Sent::Satisfied => Some(Json::Null),
            Sent::Overtaken => None,
        })
    }

    /// What a create has made is in the journal before anything else can fail.
    async fn written_down(&self, call: &Call, operation: &str, sent: &Sent) -> Result<(), TaskError> {
        let (all, mut events) = (self.task.what.made(), vec![]);
        let many = all.len();
        for (place, made) in all.into_iter().enumerate() {
            let (id, learned) = self.made(call, &made.record, sent, place, many)?;
            let secnet_id = if call.tagged.is_empty() { String::new() } else { operation.to_owned() };
            self.run.young.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), Instant::now());
            events.push(made.created(self.index, id, secnet_id, learned, call.site.clone()));
        }
        if events.is_empty() { Ok(()) } else { self.run.record(&events).await }
    }

    /// Id and attributes of what a create has made.
    fn made(&self, call: &Call, wanted: &Record, sent: &Sent, place: usize, many: usize) -> Result<(String, Record), TaskError> {
        let made = match sent {
            Sent::Answer(answer) => match self.spec.alike.filter(|_| many > 1) {
                None => (self.spec.created)(answer),
                Some(alike) => {
                    let items = answer.get(alike.items).and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
                    find::placed(self.spec, items, place, many).and_then(|item| (self.spec.created)(&json!({alike.items: [item]})))
                }
            },
            Sent::Found(items) => find::placed(self.spec, items, place, many).and_then(|item| found(self.spec, item, wanted)),
            Sent::Satisfied | Sent::Overtaken => None,
        };
        // What EC2 tells of something sensitive is no less so.
        let shown = |(id, mut learned): (String, Record)| {
            learned.retain(|name, _| !wanted.get(name).is_some_and(Value::is_sealed));
            (id, learned)
        };
        made.map(shown).ok_or_else(|| TaskError::NoId { action: call.action.clone() })
    }

    /// A call with everything filled in.
    fn request(&self, call: &Call, answers: &[Json], operation: &str) -> Result<Request, TaskError> {
        let ledger = self.run.ledger();
        let known = Known { state: &ledger.state, answers, operation, secrets: &self.run.secrets };
        let mut params = serde_json::Map::new();
        for (name, arg) in &call.params {
            match resolve(arg, known).map_err(|error| TaskError::Argument { action: call.action.clone(), error })? {
                Json::Null => {}
                value => drop(params.insert(name.clone(), value)),
            }
        }
        if !call.tagged.is_empty() {
            let own = [(TAG, operation)];
            let tags = self.task.tags.iter().map(|(k, v)| (k.as_str(), v.as_str())).chain(own);
            let tags: Vec<Json> = tags.map(|(key, value)| json!({"Key": key, "Value": value})).collect();
            let specifications = call.tagged.iter().map(|resource| json!({"ResourceType": resource, "Tags": tags}));
            params.insert("TagSpecifications".into(), specifications.collect());
        }
        if call.token {
            params.insert("ClientToken".into(), operation.into());
        }
        Ok(Request::new(&call.action, Json::Object(params)))
    }

    /// The same for everything that a call has made.
    async fn settle_all(&self, settle: &Settle, call: &Call, answers: &[Json], first: bool) -> Result<(), TaskError> {
        let all = if first { self.task.what.addresses() } else { vec![] };
        let [_, _, ..] = *all else { return self.settle(self.task.what.address(), settle, call, answers).await };
        let work = all.into_iter().map(|address| -> Work<'_, _> {
            let settle = Settle { id: Arg::id(address), ..settle.clone() };
            Box::pin(async move { self.settle(address, &settle, call, answers).await })
        });
        together(work.collect()).await.into_iter().collect()
    }

    /// Waits until what a call was about is as it should be, and learns what EC2 has decided. Its answer is the last one.
    async fn settle(&self, address: &Address, settle: &Settle, call: &Call, answers: &[Json]) -> Result<(), TaskError> {
        let id = {
            let ledger = self.run.ledger();
            let known = Known { state: &ledger.state, answers, operation: "", secrets: &self.run.secrets };
            resolve(&settle.id, known).map_err(|error| TaskError::Argument { action: call.action.clone(), error })?
        };
        let Json::String(id) = id else { return Err(TaskError::Internal(format!("the id to wait for is {id}"))) };
        let item = match answers.last().and_then(|answer| in_answer(answer, settle, &id)) {
            Some(item) => item.clone(),
            None => self.wait(settle, call, &id).await?,
        };
        let wanted = match &self.task.what {
            // It is in the state already.
            What::CreateAlike { .. } => Record::new(),
            What::Create { record, .. } | What::Update { record, .. } => record.clone(),
            What::MakeParts { .. } | What::ChangePart { .. } => Record::new(),
            What::Delete { .. } | What::UnmakeParts { .. } | What::Forget { .. } => return Ok(()),
        };
        if settle.action != self.spec.listing.action {
            return Ok(());
        }
        let known = self.run.ledger().state.resources.get(address).map_or(wanted, |r| r.record.clone());
        let record = (self.spec.observe)(&item).map(|observed| find::learned(self.spec, &known, observed)).unwrap_or_default();
        if record.is_empty() { Ok(()) } else { self.run.record(&[Event::Settled { address: address.clone(), record }]).await }
    }

    /// The time-out of `lifecycle` that it has.
    fn operation(&self) -> &'static str {
        match self.task.what {
            What::Create { .. } | What::CreateAlike { .. } => "create",
            What::Delete { .. } | What::UnmakeParts { .. } => "delete",
            _ => "update",
        }
    }

    async fn wait(&self, settle: &Settle, call: &Call, id: &str) -> Result<Json, TaskError> {
        let (task, progress) = (self.index, self.run.progress.clone());
        let told = {
            let id = id.to_owned();
            move |state: &str| drop(progress.send(Progress::Waiting { task, id: id.clone(), state: state.into() }))
        };
        told("");
        self.rest();
        match self.way(call)?.waiter.wait(settle, id, Box::new(told)).await {
            Ended::Ready(item) => Ok(item),
            Ended::Failed(state, reason) => Err(TaskError::Settled { id: id.into(), state, reason }),
            Ended::TimedOut(state, waited) => {
                let (until, operation) = (settle.until.join(" or "), self.operation());
                Err(TaskError::TimedOut { id: id.into(), until, state, waited, operation })
            }
            Ended::Unread(error) => Err(TaskError::Unread(error)),
        }
    }
}

/// Id and attributes of something that was found by its tag instead of by its answer.
pub fn found(spec: &Spec, item: &Json, wanted: &Record) -> Option<(String, Record)> {
    let id = item.get(spec.listing.id)?.as_str()?.to_owned();
    let learned = (spec.observe)(item).map(|observed: Observed| find::learned(spec, wanted, observed)).unwrap_or_default();
    Some((id, learned))
}
