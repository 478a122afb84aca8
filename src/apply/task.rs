//! One task: its calls one after the other, each in the journal before it is sent. Layer 7.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::json;
use tokio::{sync::mpsc::UnboundedSender, time::Instant};

use crate::{
    apply::{
        Progress, TaskError,
        argument::{Known, resolve},
        find::{self, TAG},
        read::Reader,
        send::{Sending, Sent, send},
        wait::{Ended, Waiter, in_answer},
    },
    call::{Call, Driver, Json, Request, Settle},
    plan::Task,
    registry::{Observed, Spec},
    resources,
    schema::value::{Record, Value},
    state::{
        State,
        event::{Event, OpenCalls, What},
        identity,
        journal::Journal,
        seal::Secrets,
    },
};

/// For how long something counts as young: EC2 may not see it everywhere yet.
const YOUNG: Duration = Duration::from_secs(300);

/// How often what a call was made from may turn out to be out of date.
const OVERTAKEN_MAX: u32 = 3;

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

/// An apply that is under way, as all its tasks share it.
pub struct Run {
    /// The plan's tasks.
    pub tasks: Vec<Task>,
    /// What the hashes of sensitive values stand for.
    pub secrets: Arc<Secrets>,
    /// Where calls go.
    pub driver: Arc<dyn Driver>,
    /// Where things wait.
    pub waiter: Waiter,
    /// Who watches.
    pub progress: UnboundedSender<Progress>,
    /// What stands and what was written down.
    pub ledger: Mutex<Ledger>,
    /// Ids that this run has made, and when.
    pub young: Mutex<BTreeMap<String, Instant>>,
}

impl Ledger {
    /// Starts from a state.
    pub fn new(state: State, journal: Journal) -> Self {
        Self { state, open: OpenCalls::default(), journal, broken: None }
    }

    /// Writes events down, then follows them.
    pub fn record(&mut self, events: &[Event]) -> Result<(), TaskError> {
        if let Err(error) = self.journal.append(events) {
            let error = self.broken.get_or_insert_with(|| error.to_string()).clone();
            return Err(TaskError::Journal(error));
        }
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

/// Carries a task out.
pub async fn carry_out(run: &Run, index: usize) -> Result<(), TaskError> {
    let Some(task) = run.tasks.get(index) else { return Err(TaskError::Internal(format!("there is no task {index}"))) };
    let kind = task.what.address().kind();
    let spec = resources::spec(kind).ok_or_else(|| TaskError::Internal(format!("there is no kind `{kind}`")))?;
    let step = Step { run, index, task, spec };
    let mut answers = vec![];
    let mut announced = false;
    for (number, call) in task.calls.iter().enumerate() {
        let mut overtaken = 0;
        let answer = loop {
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
            step.settle(settle, call, &answers).await?;
        }
    }
    run.ledger().record(&[Event::Done { task: index, what: task.what.clone() }])
}

/// What each step of a task knows.
struct Step<'a> {
    run: &'a Run,
    index: usize,
    task: &'a Task,
    spec: &'static Spec,
}

impl Step<'_> {
    async fn read(&self, call: &Call, answers: &[Json]) -> Result<Json, TaskError> {
        let request = self.request(call, answers, "")?;
        Reader::new(&*self.run.driver).send(&request).await.map_err(TaskError::Unread)
    }

    /// Writes down what is about to be sent, sends it, and writes down what it made. `None`: see [`Sent::Overtaken`].
    async fn change(&self, number: usize, call: &Call, answers: &[Json], what: Option<What>) -> Result<Option<Json>, TaskError> {
        let operation = identity::random().map_err(|e| TaskError::Internal(e.to_string()))?;
        let request = self.request(call, answers, &operation)?;
        let intent = Event::Intent { task: self.index, call: number, action: call.action.clone(), operation: operation.clone(), what };
        self.run.ledger().record(&[intent])?;
        let told = |error: &crate::call::ApiError, after| {
            let (task, action, reason) = (self.index, call.action.clone(), error.to_string());
            self.run.tell(Progress::Retrying { task, action, reason, after });
        };
        let sending = Sending {
            driver: &*self.run.driver,
            call,
            request: &request,
            operation: &operation,
            listing: find::listing(self.spec, call.tagged.first().map(String::as_str)),
            deletes: matches!(self.task.what, What::Delete { .. } | What::UnmakeParts { .. }),
            names_young: self.run.names_young(&request),
            told: &told,
        };
        let sent = send(&sending).await?;
        match &self.task.what {
            What::Create { address, record, after, protect } if number == 0 => {
                let (id, learned) = self.made(call, record, &sent)?;
                let record = record.iter().map(|(k, v)| (k.clone(), v.clone())).chain(learned).collect();
                let secnet_id = if call.tagged.is_empty() { String::new() } else { operation };
                let (address, after, protect) = (address.clone(), after.clone(), *protect);
                self.run.young.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), Instant::now());
                self.run.ledger().record(&[Event::Created { task: self.index, address, id, secnet_id, record, after, protect }])?;
            }
            _ => {}
        }
        Ok(match sent {
            Sent::Answer(answer) | Sent::Found(answer) => Some(answer),
            Sent::Satisfied => Some(Json::Null),
            Sent::Overtaken => None,
        })
    }

    /// Id and attributes of what a create has made.
    fn made(&self, call: &Call, wanted: &Record, sent: &Sent) -> Result<(String, Record), TaskError> {
        let made = match sent {
            Sent::Answer(answer) => (self.spec.created)(answer),
            Sent::Found(item) => found(self.spec, item, wanted),
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

    /// Waits until what a call was about is as it should be, and learns what EC2 has decided. Its answer is the last one.
    async fn settle(&self, settle: &Settle, call: &Call, answers: &[Json]) -> Result<(), TaskError> {
        let id = {
            let ledger = self.run.ledger();
            let known = Known { state: &ledger.state, answers, operation: "", secrets: &self.run.secrets };
            resolve(&settle.id, known).map_err(|error| TaskError::Argument { action: call.action.clone(), error })?
        };
        let Json::String(id) = id else { return Err(TaskError::Internal(format!("the id to wait for is {id}"))) };
        let item = match answers.last().and_then(|answer| in_answer(answer, settle, &id)) {
            Some(item) => item.clone(),
            None => self.wait(settle, &id).await?,
        };
        let address = self.task.what.address();
        let wanted = match &self.task.what {
            What::Create { record, .. } | What::Update { record, .. } => record.clone(),
            What::MakeParts { .. } | What::ChangePart { .. } => Record::new(),
            What::Delete { .. } | What::UnmakeParts { .. } | What::Forget { .. } => return Ok(()),
        };
        if settle.action != self.spec.listing.action {
            return Ok(());
        }
        let mut ledger = self.run.ledger();
        let known = ledger.state.resources.get(address).map_or(wanted, |r| r.record.clone());
        let record = (self.spec.observe)(&item).map(|observed| find::learned(self.spec, &known, observed)).unwrap_or_default();
        if record.is_empty() { Ok(()) } else { ledger.record(&[Event::Settled { address: address.clone(), record }]) }
    }

    async fn wait(&self, settle: &Settle, id: &str) -> Result<Json, TaskError> {
        let (task, progress) = (self.index, self.run.progress.clone());
        let told = {
            let id = id.to_owned();
            move |state: &str| drop(progress.send(Progress::Waiting { task, id: id.clone(), state: state.into() }))
        };
        told("");
        match self.run.waiter.wait(settle, id, Box::new(told)).await {
            Ended::Ready(item) => Ok(item),
            Ended::Failed(state, reason) => Err(TaskError::Settled { id: id.into(), state, reason }),
            Ended::TimedOut(state, waited) => Err(TaskError::TimedOut { id: id.into(), state, waited }),
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
