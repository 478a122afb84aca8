//! Waiting until things are ready: one question for all that wait for the same. Layer 7.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use crate::{
    apply::read::{FILTER_VALUES_MAX, ReadError, Reader, Work, elements, together},
    call::{Driver, Json, Settle},
};

/// How long after something was made it is first asked about.
const FIRST: Duration = Duration::from_millis(250);
/// How seldom it is asked about in the end.
const LAST: Duration = Duration::from_secs(5);

/// How a wait ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// It is as it should be: the item as EC2 lists it, null if it is gone.
    Ready(Json),
    /// It never will be: its state, and EC2's reason.
    Failed(String, String),
    /// It took too long: the state that it was last in, and how long.
    TimedOut(String, Duration),
    /// EC2 could not be asked.
    Unread(ReadError),
}

/// Something that is waited for.
struct Waiting {
    settle: Settle,
    id: String,
    since: Instant,
    /// Told of each state that it comes into.
    told: Box<dyn Fn(&str) + Send>,
    state: String,
    reply: Option<oneshot::Sender<Ended>>,
}

/// Where to hand in what is waited for.
#[derive(Clone)]
pub struct Waiter {
    queue: mpsc::UnboundedSender<Waiting>,
}

impl Waiter {
    /// Starts. It ends when every handle to it is dropped.
    pub fn start(driver: Arc<dyn Driver>) -> (Waiter, tokio::task::JoinHandle<()>) {
        let (queue, incoming) = mpsc::unbounded_channel();
        (Waiter { queue }, tokio::spawn(run(driver, incoming)))
    }

    /// Waits until the thing of this id is as it should be.
    pub async fn wait(&self, settle: &Settle, id: &str, told: Box<dyn Fn(&str) + Send>) -> Ended {
        let (reply, ended) = oneshot::channel();
        let (since, state) = (Instant::now(), String::new());
        let waiting = Waiting { settle: settle.clone(), id: id.into(), since, told, state, reply: Some(reply) };
        // Only when its task has been ended from outside does nobody answer; then nobody waits either.
        let unanswered = || Ended::TimedOut(String::new(), since.elapsed());
        if self.queue.send(waiting).is_err() { unanswered() } else { ended.await.unwrap_or_else(|_| unanswered()) }
    }
}

/// Things that one Describe tells about.
struct Group {
    waiting: Vec<Waiting>,
    due: Instant,
}

/// What they have in common: action, filter, path to the items, member of the id.
type Key = (String, String, Vec<String>, String);

async fn run(driver: Arc<dyn Driver>, mut incoming: mpsc::UnboundedReceiver<Waiting>) {
    let mut groups: BTreeMap<Key, Group> = BTreeMap::new();
    loop {
        let due = groups.values().map(|group| group.due).min();
        let tick = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            new = incoming.recv() => {
                let Some(new) = new else { return };
                let key = (new.settle.action.clone(), new.settle.filter.clone(), new.settle.items.clone(), new.settle.id_member.clone());
                let due = new.since + FIRST;
                let group = groups.entry(key).or_insert_with(|| Group { waiting: vec![], due });
                group.due = group.due.min(due);
                group.waiting.push(new);
            }
            () = tick => {
                let now = Instant::now();
                let reader = Reader::new(&*driver);
                let due: Vec<Work<'_, ()>> = groups
                    .iter_mut()
                    .filter(|(_, group)| group.due <= now)
                    .map(|(key, group)| -> Work<'_, ()> { Box::pin(ask(&reader, key, group)) })
                    .collect();
                together(due).await;
                groups.retain(|_, group| !group.waiting.is_empty());
            }
        }
    }
}

/// Asks once about everything in a group, and answers those that are done with.
async fn ask(reader: &Reader<'_>, key: &Key, group: &mut Group) {
    let (action, filter, items, id_member) = key;
    let path: Vec<&str> = items.iter().map(String::as_str).collect();
    group.waiting.retain(|w| w.reply.as_ref().is_some_and(|reply| !reply.is_closed()));
    let ids: Vec<String> = group.waiting.iter().map(|w| w.id.clone()).collect();
    let mut found: BTreeMap<String, Json> = BTreeMap::new();
    for ids in ids.chunks(FILTER_VALUES_MAX) {
        match reader.pages(action, &path, &[(filter, ids)], None).await {
            Ok(items) => {
                found.extend(items.into_iter().filter_map(|item| Some((item.get(id_member)?.as_str()?.to_owned(), item))));
            }
            Err(error) => {
                group.waiting.drain(..).for_each(|mut w| w.end(Ended::Unread(error.clone())));
                return;
            }
        }
    }
    let now = Instant::now();
    for waiting in &mut group.waiting {
        waiting.look(found.get(&waiting.id), now);
    }
    group.waiting.retain(|w| w.reply.is_some());
    // What was made last is likeliest to change soon; after each question the wait so far is doubled.
    let youngest = group.waiting.iter().map(|w| now.duration_since(w.since)).min().unwrap_or_default();
    group.due = now + youngest.clamp(FIRST, LAST);
}

impl Waiting {
    fn end(&mut self, ended: Ended) {
        if let Some(reply) = self.reply.take() {
            // Whoever waited may have been stopped.
            let _ = reply.send(ended);
        }
    }

    fn look(&mut self, item: Option<&Json>, now: Instant) {
        let state = item.map_or("gone", |item| state_of(item, &self.settle));
        if state != self.state {
            self.state = state.into();
            (self.told)(state);
        }
        let is = |states: &[String]| states.iter().any(|s| s == state);
        let waited = now.duration_since(self.since);
        if is(&self.settle.until) {
            self.end(Ended::Ready(item.cloned().unwrap_or(Json::Null)));
        } else if is(&self.settle.failed) {
            let reason = item.map_or_else(String::new, |item| text_at(item, &self.settle.reason).to_owned());
            self.end(Ended::Failed(state.into(), reason));
        } else if waited >= Duration::from_secs(self.settle.timeout_s) {
            self.end(Ended::TimedOut(state.into(), waited));
        }
    }
}

/// The item of this id in the answer to a call, if it is there and as it should be already.
pub fn in_answer<'a>(answer: &'a Json, settle: &Settle, id: &str) -> Option<&'a Json> {
    let is_it = |item: &Json| item.get(&settle.id_member).and_then(Json::as_str) == Some(id);
    let mut open = vec![answer];
    while let Some(item) = open.pop() {
        // Some answers tell the id of a thing without its state.
        let state = state_of(item, settle);
        if is_it(item) && !state.is_empty() && settle.until.iter().any(|until| until == state) {
            return Some(item);
        }
        match item {
            Json::Object(members) => open.extend(members.values()),
            Json::Array(items) => open.extend(items),
            _ => {}
        }
    }
    None
}

fn state_of<'a>(item: &'a Json, settle: &Settle) -> &'a str {
    text_at(item, &settle.state)
}

fn text_at<'a>(item: &'a Json, path: &[String]) -> &'a str {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    if path.is_empty() { "" } else { elements(item, &path).first().and_then(|at| at.as_str()).unwrap_or("") }
}
