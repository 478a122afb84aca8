//! Whole lives of resource types through the SDK: on moto, and on the simulator's own door.

use std::sync::Arc;

use secnet::{
    ec2::connection::Door,
    live::Live,
    sim::{Sim, handle},
};

use super::ec2::{connect, moto};
use crate::lives::{REGION, lives};

#[tokio::test]
async fn every_type_lives_on_moto() {
    let mut wrong = vec![];
    for life in lives().iter().filter(|life| life.not_on_moto.is_none()) {
        wrong.extend(life.play(Arc::new(connect(moto()).await)).await.err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[tokio::test(start_paused = true)]
async fn every_type_lives_behind_the_simulators_own_door() {
    let mut wrong = vec![];
    for life in lives() {
        let sim = Sim::new(REGION);
        let door: Door = Arc::new(move |form: &str| handle(&sim, form));
        wrong.extend(life.play(Arc::new(Live::over(door, REGION).unwrap())).await.err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
