//! One project in two accounts of one moto, the second by a role that is assumed there.

use std::{collections::BTreeMap, sync::Arc};

use secnet::{
    analysis::{Analysis, Inputs, analyze},
    apply::{Drivers, Options, Stop, execute, refresh},
    base::site::Site,
    call::Driver,
    live::{Live, Role},
    plan::{Input, Plan, plan},
    state::{State, journal::Journal, store::Store},
};
use serde_json::json;
use tokio::sync::{mpsc, watch};

use super::ec2::{connect, moto, options, send, text};

const NETWORK: &str = "222222222222";

async fn assumed(account: &str, region: &str) -> Live {
    let arn = format!("arn:aws:iam::{account}:role/secnet");
    let role = Some(Role { arn, external_id: Some("x".into()), session_name: "secnet".into() });
    Live::connect(secnet::live::ConnectOptions { role, region: Some(region.into()), ..options(moto()) }).await.unwrap()
}

fn looked_at(text: &str) -> Analysis {
    let analysis = analyze(vec![("main.secnet".into(), text.into())], &Inputs::default());
    assert!(!analysis.has_errors(), "{:#?}", analysis.diagnostics);
    analysis
}

async fn planned(driver: &dyn Driver, analysis: &Analysis, state: &State) -> Plan {
    let observation = refresh::refresh(driver, &analysis.model, state).await.unwrap();
    plan(&Input { model: &analysis.model, state, observation: &observation, sources: Some(&analysis.sources) }).unwrap()
}

#[tokio::test]
async fn a_role_in_another_account_is_that_account() {
    let there = assumed(NETWORK, "eu-west-1").await;
    let caller = send(&there, "GetCallerIdentity", json!({})).await;
    assert_eq!((text(&caller, "/Account"), there.region()), (NETWORK.to_owned(), "eu-west-1"));
}

#[tokio::test]
async fn a_peering_across_two_accounts_and_regions_is_applied_in_one_go_and_destroyed() {
    let own: Arc<dyn Driver> = Arc::new(connect(moto()).await);
    let other: Arc<dyn Driver> = Arc::new(assumed(NETWORK, "eu-west-1").await);
    let driver: Arc<dyn Driver> = Arc::new(Drivers::new(own, BTreeMap::from([(Site::new(NETWORK, "eu-west-1"), other.clone())])));
    let head = "project across { region = \"us-east-1\" }\naccount network { id = \"222222222222\"  region = \"eu-west-1\" }\n";
    let both = format!(
        "{head}
        vpc main {{ cidr_block = 10.0.0.0/16 }}
        vpc shared {{ account = account.network  cidr_block = 10.1.0.0/16 }}
        vpc_peering ab {{ vpc = vpc.main  peer_vpc = vpc.shared }}
        route_table main {{ vpc = vpc.main  route vpc.shared.cidr_block via vpc_peering.ab }}
        route_table shared {{ vpc = vpc.shared  route vpc.main.cidr_block via vpc_peering.ab }}
        "
    );
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path(), "across");
    let lock = store.lock("test").unwrap();
    for (text, left) in [(&*both, 5), (head, 0)] {
        let analysis = looked_at(text);
        let state = store.load().unwrap().state;
        let plan = planned(&*driver, &analysis, &state).await;
        let journal = Journal::create(&store, &lock).unwrap();
        let ((progress, _watcher), (_stop, asked)) = (mpsc::unbounded_channel(), watch::channel(Stop::No));
        let outcome = execute(&plan, state, journal, driver.clone(), Options::default(), progress, asked).await.unwrap();
        assert!(outcome.is_success(), "{:#?}\n{:#?}", outcome.failed, outcome.not_started);
        outcome.save(&store, &lock).unwrap();
        let state = store.load().unwrap().state;
        assert_eq!(state.resources.len(), left);
        assert!(planned(&*driver, &analysis, &state).await.is_empty(), "after an apply nothing is left to do");
    }
}
