//! Whole lives of resource types through the SDK: on moto, and on the simulator's own door.

use std::{
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use secnet::{
    ec2::connection::Door,
    live::Live,
    sim::{Sim, handle},
};

use super::ec2::{connect, moto};
use crate::lives::{FAR, REGION, both, lives};

#[tokio::test]
async fn every_type_lives_on_moto() {
    let mut wrong = vec![];
    for life in lives().iter().filter(|life| life.not_on_moto.is_none()) {
        wrong.extend(life.play(Arc::new(connect(moto()).await), true).await.err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What went over the wire: form, status, body.
type Exchange = (String, u16, String);

/// On the way, every request and every answer is held against EC2's own service model: ours against theirs, both ways.
#[tokio::test(start_paused = true)]
async fn every_type_lives_behind_the_simulators_own_door_and_speaks_as_ec2_does() {
    // The model comes with moto.
    moto();
    let mut wrong = vec![];
    let exchanges: Arc<Mutex<Vec<Exchange>>> = Arc::default();
    for life in lives() {
        let sim = Sim::new(REGION);
        let far = sim.beside(sim.account(), FAR).unwrap();
        let [own, far] = [(sim, REGION), (far, FAR)].map(|(sim, region)| {
            let heard = exchanges.clone();
            let door: Door = Arc::new(move |form: &str, target: Option<&str>| {
                let (status, body, kind) = handle(&sim, form, target);
                // EC2's own: Service Quotas speaks JSON.
                if target.is_none() {
                    heard.lock().unwrap().push((form.to_owned(), status, body.clone()));
                }
                (status, body, kind)
            });
            Arc::new(Live::over(door, region).unwrap())
        });
        wrong.extend(life.play(both(own, far), false).await.err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    conforms(&exchanges.lock().unwrap());
}

fn conforms(exchanges: &[Exchange]) {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/moto/conform");
    let mut check = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the check starts");
    let input = check.stdin.take().unwrap();
    serde_json::to_writer(input, exchanges).unwrap();
    let done = check.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}
