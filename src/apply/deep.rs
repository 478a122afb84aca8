//! Reading what EC2 tells of one resource at a time only, where somebody asked for that. Layer 7: changes nothing there.
//!
//! Which attributes those are the types say (`Spec::deep`). A call costs what a page of a listing costs, so that a plan
//! makes none of them by itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    apply::read::{ReadError, Reader, Work, together},
    base::{address::Address, site::Site},
    call::{Class, Driver, Json, beside},
    plan::observation::Observation,
    registry::{Deep, Spec},
    resources,
    schema::{
        model::Model,
        value::{Record, Value},
    },
    state::State,
};

/// How many calls are made before the next word of how far it is.
const STEP: usize = 100;

/// One attribute of one resource.
struct Question {
    spec: &'static Spec,
    id: String,
    deep: &'static Deep,
}

/// Reads what the listings leave out of what was observed: locks, and what the project says or the state keeps. `tell` hears how many of how
/// many calls are made.
///
/// # Errors
/// EC2 could not be read.
pub async fn deepen(
    driver: &dyn Driver,
    model: &Model,
    state: &State,
    observation: &mut Observation,
    tell: &(dyn Fn(usize, usize) + Sync),
) -> Result<(), ReadError> {
    let questions = questions(model, state, observation);
    let total: usize = questions.values().map(Vec::len).sum();
    let mut done = 0;
    for (site, questions) in questions {
        let other = site.map(|site| beside(driver, &site)).transpose();
        let other = other.map_err(|error| ReadError { action: "DescribeInstanceAttribute".into(), error })?;
        let reader = Reader::new(other.as_deref().unwrap_or(driver));
        for questions in questions.chunks(STEP) {
            tell(done, total);
            let answers = together(questions.iter().map(|question| -> Work<'_, _> { Box::pin(ask(&reader, question)) }).collect()).await;
            for (question, answer) in questions.iter().zip(answers) {
                // What has gone since it was listed is found out by whoever wants to change it.
                let Some(answer) = answer? else { continue };
                let observed = observation.resources.get_mut(question.spec.kind).and_then(|all| all.get_mut(&question.id));
                if let Some(observed) = observed {
                    observed.record.insert(question.deep.attr.into(), (question.deep.told)(&answer).unwrap_or(Value::Null));
                }
            }
            done += questions.len();
        }
    }
    observation.deep = true;
    Ok(())
}

async fn ask(reader: &Reader<'_>, question: &Question) -> Result<Option<Json>, ReadError> {
    match reader.send(&(question.deep.read)(&question.id)).await {
        Ok(answer) => Ok(Some(answer)),
        Err(failed) if failed.error.class == Class::NotFound => Ok(None),
        Err(failed) => Err(failed),
    }
}

/// What is asked in each account and region. What nobody writes and nobody wrote is as EC2 likes, unless it is a lock.
fn questions(model: &Model, state: &State, observation: &Observation) -> BTreeMap<Option<Site>, Vec<Question>> {
    let (mut found, nothing): (BTreeMap<_, Vec<Question>>, Record) = (BTreeMap::new(), Record::new());
    let mut asked: BTreeSet<&str> = BTreeSet::new();
    let mut add = |address: &Address, id, kept: &Record, site: &Option<Site>| {
        let Some(spec) = resources::spec(address.kind()).filter(|spec| !spec.deep.is_empty()) else { return };
        let is_there = observation.resources.get(spec.kind).is_some_and(|all| all.contains_key(id));
        if !is_there || !asked.insert(id) {
            return;
        }
        let written = model.resources.get(address).map_or(&nothing, |resource| &resource.record);
        let is_known = |name: &str| [kept, written].iter().any(|record| record.get(name).is_some_and(|value| *value != Value::Null));
        let wanted = |deep: &&Deep| spec.locks.iter().any(|lock| lock.attr == deep.attr) || is_known(deep.attr);
        let questions = spec.deep.iter().filter(wanted).map(|deep| Question { spec, id: id.to_owned(), deep });
        found.entry(site.clone()).or_default().extend(questions);
    };
    for (address, resource) in &state.resources {
        // Renames are still to come.
        let newest = model.moved.iter().find(|moved| moved.from == *address).map_or(address, |moved| &moved.to);
        add(newest, &resource.id, &resource.record, &resource.site);
    }
    state.deposed.iter().for_each(|deposed| add(&deposed.address, &deposed.resource.id, &deposed.resource.record, &deposed.resource.site));
    for import in &model.imports {
        let site = model.resources.get(&import.to).and_then(|resource| resource.site.clone());
        add(&import.to, &import.id, &nothing, &site);
    }
    found
}
