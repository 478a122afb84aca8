//! Nothing that is sensitive stays in a plan: hashes stand in its place, and what they stand for beside it. Layer 6.

use crate::{
    call::{Arg, Call},
    plan::{Plan, laws::Broken},
    schema::{
        model::Model,
        value::{Record, Value},
    },
    state::{
        Part, State,
        event::{Event, What},
        seal::{self, Secrets},
    },
};

/// Puts hashes in the place of whatever is sensitive; without a key there must be nothing.
pub(super) fn seal(plan: &mut Plan, key: Option<&str>) -> Result<(), Broken> {
    let mut secrets = Secrets::default();
    let mut found = |hash: String, value: &Value| secrets.add(hash, value);
    let sealed = |value: &mut Value, found: &mut dyn FnMut(String, &Value)| {
        if value.is_sensitive() {
            *value = seal::seal(key.unwrap_or_default(), value, found);
        }
    };
    for attribute in plan.changes.iter_mut().flat_map(|c| &mut c.attributes) {
        sealed(&mut attribute.old, &mut found);
        sealed(&mut attribute.new, &mut found);
    }
    for task in &mut plan.tasks {
        records(&mut task.what).flat_map(Record::values_mut).for_each(|value| sealed(value, &mut found));
        for call in &mut task.calls {
            call.each_arg(&mut |arg| {
                if let Arg::Sensitive(value) = arg {
                    *arg = Arg::from_value(&seal::seal(key.unwrap_or_default(), value, &mut found));
                }
            });
        }
    }
    for seen in &mut plan.seen {
        let records = std::iter::once(&mut seen.record).chain(seen.parts.iter_mut().map(|p| &mut p.record));
        records.flat_map(Record::values_mut).for_each(|value| sealed(value, &mut found));
    }
    plan.imports.iter_mut().flat_map(|i| i.record.values_mut()).for_each(|value| sealed(value, &mut found));
    plan.outputs.values_mut().for_each(|value| sealed(value, &mut found));
    if key.is_none() && !secrets.is_empty() {
        return Err(Broken("it holds something sensitive, and there is no key for its hash".into()));
    }
    plan.secrets = secrets;
    Ok(())
}

/// The records of what a task is for.
fn records(what: &mut What) -> Box<dyn Iterator<Item = &mut Record> + '_> {
    fn of(parts: &mut [Part]) -> impl Iterator<Item = &mut Record> {
        parts.iter_mut().map(|p| &mut p.record)
    }
    match what {
        What::Create { record, .. } | What::Update { record, .. } => Box::new(std::iter::once(record)),
        What::CreateAlike { first, rest } => Box::new(std::iter::once(first).chain(rest).map(|made| &mut made.record)),
        What::MakeParts { parts, .. } | What::UnmakeParts { parts, .. } => Box::new(of(parts)),
        What::ChangePart { old, new, .. } => Box::new([&mut old.record, &mut new.record].into_iter()),
        What::Delete { .. } | What::Forget { .. } => Box::new(std::iter::empty()),
    }
}

/// Finds out again, from the very sources that a plan was made from, what its hashes stand for.
///
/// # Errors
/// The sources do not have all of it.
pub fn unseal(plan: &mut Plan, model: &Model, state: &State) -> Result<(), Unknown> {
    let mut state = state.clone();
    state.existing.clone_from(&plan.existing);
    for seen in plan.seen.iter().cloned() {
        state.fold(&Event::Seen { address: seen.address, record: seen.record, parts: seen.parts });
    }
    let key = plan.sealing_key.clone().or(state.sealing_key.clone()).unwrap_or_default();
    let mut secrets = Secrets::default();
    for value in model.resources.values().flat_map(|r| r.record.values()).filter(|v| v.is_sensitive()) {
        let known = value.rewrite(&|leaf| match leaf {
            Value::Attribute(address, name) => state.attribute(address, name),
            _ => None,
        });
        for form in [value, &known] {
            seal::seal(&key, form, &mut |hash, value| secrets.add(hash, value));
        }
    }
    let known = |call: &Call| {
        let mut all = true;
        call.clone().each_arg(&mut |arg| all &= !matches!(arg, Arg::Sealed(hash) if secrets.get(hash).is_none()));
        all
    };
    if !plan.tasks.iter().flat_map(|t| &t.calls).all(known) {
        return Err(Unknown);
    }
    plan.secrets = secrets;
    Ok(())
}

/// A plan needs a sensitive value that the sources do not give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unknown;

/// What was read of something sensitive, as it is kept; `wanted` is as the sources have it.
pub(super) fn kept_as(key: Option<&str>, read: Value, wanted: &Value) -> Value {
    match (read, wanted) {
        (Value::Map(read), Value::Map(wanted)) => {
            let entry = |(name, value): (String, Value)| {
                let value = wanted.get(&name).map_or_else(|| value.clone(), |wanted| kept_as(key, value.clone(), wanted));
                (name, value)
            };
            Value::Map(read.into_iter().map(entry).collect())
        }
        (read, wanted) if wanted.is_sensitive() => seal::seal(key.unwrap_or_default(), &read.sensitive(), &mut |_, _| {}),
        (read, _) => read,
    }
}

/// Whether what is kept of a value is in the clear though it is sensitive now, or sealed though it no longer is.
pub(super) fn is_kept_otherwise(kept: Option<&Value>, wanted: &Value) -> bool {
    match (kept, wanted) {
        (Some(Value::Map(kept)), Value::Map(wanted)) => wanted.iter().any(|(key, wanted)| is_kept_otherwise(kept.get(key), wanted)),
        (kept, wanted) => kept.is_some_and(Value::is_sealed) != wanted.is_sensitive(),
    }
}
