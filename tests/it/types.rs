//! Whole lives of resource types on the simulator: `tests/types/`.

use std::{collections::BTreeSet, sync::Arc};

use secnet::{resources, sim::Sim};

use crate::lives::{REGION, lives};

#[tokio::test(start_paused = true)]
async fn every_type_lives_on_the_simulator() {
    let mut wrong = vec![];
    for life in lives() {
        wrong.extend(life.play(Arc::new(Sim::new(REGION))).await.err());
    }
    assert!(wrong.is_empty(), "{}\n\nSECNET_BLESS=1 writes what plans show now; SECNET_TYPE=vpc plays one file", wrong.join("\n\n"));
}

#[test]
fn every_type_has_a_life() {
    let written: BTreeSet<String> = lives().iter().map(|life| life.path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    let missing: Vec<&str> = resources::ALL.iter().map(|spec| spec.kind).filter(|kind| !written.contains(*kind)).collect();
    assert_eq!(missing, [""; 0], "tests/types/KIND.md is missing");
    let reasons = lives().into_iter().filter_map(|life| life.not_on_moto);
    let bare: Vec<String> = reasons.filter(|reason| reason.split_whitespace().count() < 4).collect();
    assert_eq!(bare, [""; 0], "why moto is left out is said in words");
}
