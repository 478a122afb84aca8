//! A run as trace events for Perfetto and chrome://tracing. Layer 10.
//!
//! A track for each task that ran at once, with the task as a slice, and in it its calls and what it waited for between them;
//! one more track for calls that several tasks share.
//!
//! <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>, "Trace Event Format"

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::state::log::{Event, Line};

/// The track of calls that no single task makes.
const SHARED: usize = 0;

struct Slice {
    name: String,
    category: &'static str,
    from: u64,
    to: u64,
    arguments: Value,
}

/// The slices of tasks, and those inside of each; under `None` those of no single task.
type Slices = (BTreeMap<usize, Slice>, BTreeMap<Option<usize>, Vec<Slice>>);

/// The document.
#[must_use]
pub fn of(lines: &[Line]) -> Value {
    json!({"displayTimeUnit": "ms", "traceEvents": drawn(slices(lines))})
}

fn slices(lines: &[Line]) -> Slices {
    let mut tasks: BTreeMap<usize, Slice> = BTreeMap::new();
    let mut inside: BTreeMap<Option<usize>, Vec<Slice>> = BTreeMap::new();
    let end = lines.last().map_or(0, |line| line.at_us);
    for line in lines {
        let at = line.at_us;
        let within = |task, name: String, category, us: u64, arguments| {
            (task, Slice { name, category, from: at.saturating_sub(us), to: at, arguments })
        };
        let (task, slice) = match &line.event {
            Event::TaskStarted { task, title, address } => {
                let arguments = json!({"address": address});
                tasks.insert(*task, Slice { name: title.clone(), category: "task", from: at, to: end, arguments });
                continue;
            }
            Event::TaskDone { task, .. } | Event::TaskFailed { task, .. } => {
                let slice = tasks.get_mut(task);
                if let (Some(slice), Event::TaskFailed { error, .. }) = (slice, &line.event) {
                    slice.arguments = json!({"error": error});
                }
                tasks.get_mut(task).into_iter().for_each(|slice| slice.to = at);
                continue;
            }
            Event::Call { task, action, us, request_id, error, site } => {
                let arguments = json!({"request_id": request_id, "error": error, "site": site});
                within(*task, action.clone(), "call", *us, arguments)
            }
            Event::Paced { task, action, us } => within(Some(*task), format!("{action} waits for its turn"), "throttled", *us, json!({})),
            Event::Retrying { task, action, reason, after_us } => {
                let (name, arguments) = (format!("{action} waits to be sent again"), json!({"reason": reason}));
                (Some(*task), Slice { name, category: "retry", from: at, to: at + after_us, arguments })
            }
            _ => continue,
        };
        inside.entry(task).or_default().push(slice);
    }
    (tasks, inside)
}

/// Every slice on its track.
fn drawn((tasks, mut inside): Slices) -> Vec<Value> {
    let mut events = vec![json!({"ph": "M", "name": "thread_name", "pid": 1, "tid": SHARED, "args": {"name": "shared: reads and waits"}})];
    for slice in inside.remove(&None).unwrap_or_default() {
        events.push(complete(&slice, SHARED));
    }
    let mut free: Vec<u64> = vec![];
    let mut in_order: Vec<(usize, Slice)> = tasks.into_iter().collect();
    for (task, slice) in &mut in_order {
        let own = inside.get(&Some(*task)).map_or(&[][..], Vec::as_slice);
        // What is told of a task comes a moment after it: a call is no less within.
        slice.from = own.iter().map(|s| s.from).chain([slice.from]).min().unwrap_or(slice.from);
        slice.to = own.iter().map(|s| s.to).chain([slice.to]).max().unwrap_or(slice.to);
    }
    in_order.sort_by_key(|(task, slice)| (slice.from, *task));
    for (task, slice) in in_order {
        let track = free.iter().position(|until| *until <= slice.from).unwrap_or(free.len());
        if track == free.len() {
            let name = format!("worker {}", track + 1);
            events.push(json!({"ph": "M", "name": "thread_name", "pid": 1, "tid": track + 1, "args": {"name": name}}));
            free.push(0);
        }
        free.get_mut(track).into_iter().for_each(|until| *until = slice.to);
        events.push(complete(&slice, track + 1));
        let mut own = inside.remove(&Some(task)).unwrap_or_default();
        own.sort_by_key(|s| (s.from, s.to));
        let mut until = slice.from;
        for mut inner in own {
            // Slices of a track nest: what would reach into the next one is cut off there.
            inner.from = inner.from.max(until);
            inner.to = inner.to.max(inner.from);
            until = inner.to;
            events.push(complete(&inner, track + 1));
        }
    }
    events
}

fn complete(slice: &Slice, track: usize) -> Value {
    let Slice { name, category, from, to, arguments } = slice;
    json!({"ph": "X", "name": name, "cat": category, "pid": 1, "tid": track, "ts": from, "dur": to - from, "args": arguments})
}
