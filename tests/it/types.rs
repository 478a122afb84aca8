//! Whole lives of resource types on the simulator: `tests/types/`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use secnet::{
    analysis::{self, Inputs},
    call::Driver,
    resources,
    schema::attr::Change,
    sim::Sim,
};

use crate::{
    lives::{FAR, REGION, both, lives},
    random::{Dice, seed, setting, tell},
};

/// The simulator in the region that the files are about, and in the other one.
fn on(sim: Sim) -> Arc<dyn Driver> {
    let far = sim.beside(sim.account(), FAR).unwrap();
    both(Arc::new(sim), Arc::new(far))
}

#[tokio::test(start_paused = true)]
async fn every_type_lives_on_the_simulator() {
    let mut wrong = vec![];
    for life in lives() {
        wrong.extend(life.play(on(Sim::new(REGION)), false).await.err());
    }
    assert!(wrong.is_empty(), "{}\n\nSECNET_BLESS=1 writes what plans show now; SECNET_TYPE=vpc plays one file", wrong.join("\n\n"));
}

#[tokio::test(start_paused = true)]
async fn drift_that_the_state_has_taken_in_is_planned_as_before() {
    let mut wrong = vec![];
    for life in lives() {
        wrong.extend(life.play_with(on(Sim::new(REGION)), false, true).await.err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What a rename without `moved` may end in besides success: a plan that says why there is no way, before anything is done; and
/// EC2's refusal to detach an internet gateway under public addresses that stay, which no plan foresees yet.
const NO_WAY: [&str; 3] = ["E0704 ", "E0725 ", "has some mapped public address(es)"];

#[tokio::test(start_paused = true)]
async fn what_is_called_otherwise_is_made_anew_or_the_plan_says_why_not() {
    let (mut wrong, mut tried, mut refused) = (vec![], 0, 0);
    let mut dice = Dice(seed());
    for life in lives() {
        let steps = (0..setting("SECNET_RENAMES", 2)).map(|_| dice.below(life.projects().len())).collect();
        let (number, found) = life.renamed(&|| on(Sim::new(REGION)), &steps).await;
        let (known, other): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| NO_WAY.iter().any(|why| found.contains(why)));
        (tried, refused) = (tried + number, refused + known.len());
        wrong.extend(other);
    }
    tell(format!("{tried} renames without `moved`; the plan refuses {refused}"));
    assert!(refused * 4 < tried, "{refused} of {tried} are refused");
    assert!(wrong.is_empty(), "{} times:\n{}", wrong.len(), wrong.join("\n\n"));
}

/// From any state of a type's life to any other: what is applied is what is then found, each time.
#[tokio::test(start_paused = true)]
async fn from_any_state_to_any_other_an_apply_leaves_nothing_to_do() {
    let mut wrong = vec![];
    for life in lives().into_iter().filter(|life| life.in_order.is_none()) {
        for walk in 0..setting("SECNET_WALKS", 2) {
            let mut dice = Dice(seed().wrapping_add(walk));
            let states = life.projects().len();
            let order: Vec<usize> = (0..3 * states).map(|_| dice.below(states)).collect();
            let sim = Sim::new(REGION);
            // A walk takes days.
            sim.world(|w| w.pace.volume_day = 0);
            wrong.extend(life.walk(on(sim), &order).await.err());
        }
    }
    assert!(wrong.is_empty(), "{}\n\nSECNET_SEED and SECNET_WALKS choose others", wrong.join("\n\n"));
}

#[test]
fn every_type_has_a_life() {
    let written: BTreeSet<String> = lives().iter().map(|life| life.name()).collect();
    let missing: Vec<&str> = resources::ALL.iter().map(|spec| spec.kind).filter(|kind| !written.contains(*kind)).collect();
    assert_eq!(missing, [""; 0], "tests/types/KIND.md is missing");
    let reasons = lives().into_iter().flat_map(|life| [life.not_on_moto, life.in_order]).flatten();
    let bare: Vec<String> = reasons.filter(|reason| reason.split_whitespace().count() < 4).collect();
    assert_eq!(bare, [""; 0], "why something is left out is said in words");
}

/// What is written of something that exists only, and so in no life: `tests/it/launched.rs` has it.
const ELSEWHERE: [&str; 1] = ["instance.launch_template_version"];

/// What can be written takes at least two values in the lives: so each attribute is set, read back and changed.
#[test]
fn every_attribute_changes_in_a_life() {
    let mut values: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for project in lives().iter().flat_map(|life| life.projects()) {
        let model = analysis::analyze(vec![("main.secnet".into(), project)], &Inputs::default()).model;
        for resource in model.resources.values().filter(|r| !r.existing) {
            for attr in resources::spec(resource.address.kind()).unwrap().attrs.iter() {
                let value = resource.record.get(attr.name).map_or_else(|| "absent".to_owned(), ToString::to_string);
                values.entry((resource.address.kind().into(), attr.name.into())).or_default().insert(value);
            }
        }
    }
    let mut still = vec![];
    for spec in resources::ALL {
        for attr in spec.attrs.iter().filter(|a| a.change != Change::Computed) {
            let seen = values.get(&(spec.kind.to_owned(), attr.name.to_owned())).map_or(0, BTreeSet::len);
            still.extend((seen < 2).then(|| format!("{}.{}", spec.kind, attr.name)));
        }
    }
    still.retain(|name| !ELSEWHERE.contains(&name.as_str()));
    assert_eq!(still, [""; 0], "these never change in tests/types/");
}
