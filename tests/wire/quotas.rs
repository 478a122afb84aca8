//! What an account may hold, asked of Service Quotas through the SDK: on the simulator's own doors, and of a moto that cannot tell.

use std::sync::Arc;

use secnet::{
    analysis::{Inputs, analyze},
    apply::refresh,
    call::Driver,
    live::Live,
    plan::{Input, plan},
    sim::{Sim, handle, serve},
    state::State,
};
use tokio::net::TcpListener;

use super::ec2::{REGION, connect, moto};

/// The codes of what a plan says of a project with so many VPCs.
async fn said(driver: &dyn Driver, vpcs: usize) -> Vec<String> {
    let text = format!("project p {{ region = \"{REGION}\" }}\nvpc v for n in range({vpcs}) {{ cidr_block = 10.0.0.0/16 }}");
    let model = analyze(vec![("main.secnet".into(), text)], &Inputs::default()).model;
    let state = State::empty("p", "lineage".into());
    let observation = refresh::refresh(driver, &model, &state).await.unwrap();
    let made = plan(&Input { model: &model, state: &state, observation: &observation, sources: None });
    let said = made.map_or_else(|errors| errors, |plan| plan.warnings);
    said.iter().map(|diagnostic| diagnostic.code.id.to_owned()).collect()
}

async fn follows(sim: &Sim, driver: &dyn Driver) {
    assert_eq!(said(driver, 4).await, [""; 0]);
    assert_eq!(sim.calls("ListServiceQuotas"), 0, "nothing to ask");
    assert_eq!(said(driver, 6).await, ["E0746"]);
    sim.world(|world| world.quotas.set("vpcs", 7).unwrap());
    assert_eq!(said(driver, 6).await, [""; 0]);
    assert_eq!(said(driver, 7).await, ["E0746"]);
    assert_eq!(sim.calls("ListServiceQuotas"), 3);
}

#[tokio::test]
async fn a_raised_quota_is_read_in_this_process() {
    let sim = Arc::new(Sim::new(REGION));
    let behind = sim.clone();
    let live = Live::over(Arc::new(move |body: &str, target: Option<&str>| handle(&behind, body, target)), REGION).unwrap();
    follows(&sim, &live).await;
}

#[tokio::test]
async fn a_raised_quota_is_read_over_a_socket() {
    let sim = Arc::new(Sim::new(REGION));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(serve(sim.clone(), listener, async { drop(ended.await) }));
    follows(&sim, &connect(&endpoint).await).await;
    end.send(()).unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_does_not_tell_leaves_what_is_documented() {
    // Enough that those of other tests make no difference.
    let said = said(&connect(moto()).await, 5).await;
    assert!(said == ["W0740", "W0748"] || said == ["W0748"], "{said:?}");
}
