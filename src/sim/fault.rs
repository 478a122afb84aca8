//! Faults that a test asks for: throttles, refusals, lost answers, ids that are not visible yet. Layer 8.

use std::collections::BTreeSet;

use crate::{
    call::{ApiError, Class, Json, Request, mutates},
    sim::{
        answer,
        filter::matches,
        refuse::{Outcome, prefix_of, refuse, well_formed},
        world::World,
    },
};

/// Something that goes wrong once.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Which actions: `CreateVpc`, or a pattern as `Create*`.
    pub action: String,
    /// Which of the matching calls from now on: 1 is the next.
    pub nth: u32,
    /// What happens to it.
    pub kind: FaultKind,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// `RequestLimitExceeded`: not carried out.
    Throttle,
    /// Refused with this code: not carried out.
    Code(String),
    /// Carried out, and nobody hears of it.
    LostAnswer,
    /// Neither carried out nor answered.
    NoAnswer,
    /// Carried out and answered; the next so many calls do not see the ids that it made.
    NotYetVisible(u64),
}

impl Fault {
    /// The next call of `action` goes wrong.
    #[must_use]
    pub fn next(action: &str, kind: FaultKind) -> Self {
        Self { action: action.into(), nth: 1, kind }
    }

    /// The `nth` call of `action` goes wrong.
    #[must_use]
    pub fn nth(action: &str, nth: u32, kind: FaultKind) -> Self {
        Self { action: action.into(), nth, kind }
    }
}

/// The fault that strikes this call, if one does; all that match come a call nearer.
pub(crate) fn take(faults: &mut Vec<Fault>, action: &str) -> Option<FaultKind> {
    let matching = faults.iter_mut().filter(|f| matches(&f.action, action));
    matching.for_each(|f| f.nth = f.nth.saturating_sub(1));
    let at = faults.iter().position(|f| f.nth == 0 && matches(&f.action, action))?;
    Some(faults.remove(at).kind)
}

pub(crate) fn carry_out(kind: &FaultKind, world: &mut World, request: &Request) -> Outcome {
    match kind {
        FaultKind::Throttle => Err(refuse("RequestLimitExceeded", "Request limit exceeded.")),
        FaultKind::Code(code) => Err(refuse(code, "The sandbox was told to refuse this call.")),
        FaultKind::NoAnswer => Err(ApiError::without_answer(Class::Ambiguous, "no answer came")),
        FaultKind::LostAnswer => {
            drop(answer(world, request));
            Err(ApiError::without_answer(Class::Ambiguous, "no answer came"))
        }
        FaultKind::NotYetVisible(calls) => {
            let given = answer(world, request)?;
            if mutates(&request.action) {
                let mut asked = BTreeSet::new();
                ids(&request.params, &mut asked);
                let mut made = BTreeSet::new();
                ids(&given, &mut made);
                let until = world.now + calls + 1;
                world.hidden.extend(made.difference(&asked).map(|id| (id.clone(), until)));
            }
            Ok(given)
        }
    }
}

fn ids(value: &Json, found: &mut BTreeSet<String>) {
    match value {
        Json::String(text) if well_formed(prefix_of(text), text) => found.extend([text.clone()]),
        Json::Array(items) => items.iter().for_each(|item| ids(item, found)),
        Json::Object(map) => map.values().for_each(|value| ids(value, found)),
        _ => {}
    }
}
