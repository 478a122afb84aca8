//! What a project asks before it can be resolved, on moto.

use secnet::{
    analysis::{Inputs, analyze},
    apply::{ask::ask, refresh},
    schema::model::Model,
    state::State,
};

use super::ec2::{connect, moto, send, text};

const PROJECT: &str = "project p { region = \"us-east-1\" }
existing vpc default { is_default = true }
existing subnet each for {} { vpc = vpc.default }
output zones = availability_zones()
output all = subnet.each
output list = prefix_list_named(\"s3\").id
";

fn model(answers: secnet::schema::ask::Answers, whole: bool) -> Model {
    let analysis = analyze(vec![("main.secnet".into(), PROJECT.into())], &Inputs { answers, ..Inputs::default() });
    assert_eq!(analysis.has_errors(), !whole, "{:?}", analysis.diagnostics);
    analysis.model
}

#[tokio::test]
async fn zones_subnets_and_lists_are_found() {
    let ec2 = connect(moto()).await;
    let asking = model(Default::default(), false);
    let state = State::empty("p", "lineage".into());
    let answers = ask(&ec2, &asking, &state, &asking.questions.iter().collect::<Vec<_>>()).await.unwrap();
    let zones = &answers["availability_zones()"];
    assert_eq!(zones[..2], ["us-east-1a", "us-east-1b"]);
    let subnets = answers["existing subnet.each"].clone();
    assert_eq!(subnets.len(), zones.len(), "the default VPC has a subnet in each zone");

    let model = model(answers, true);
    let read = refresh::refresh(&ec2, &model, &state).await.unwrap();
    let found: Vec<&String> = read.existing.iter().filter(|(a, _)| a.kind() == "subnet").map(|(_, found)| &found[0].id).collect();
    assert_eq!(found, subnets.iter().collect::<Vec<_>>());
    let list = read.existing.iter().find(|(a, _)| a.kind() == "prefix_list").unwrap().1;
    let id = text(
        &send(
            &ec2,
            "DescribeManagedPrefixLists",
            serde_json::json!({"Filters": [{"Name": "prefix-list-name", "Values": ["com.amazonaws.us-east-1.s3"]}]}),
        )
        .await,
        "/PrefixLists/0/PrefixListId",
    );
    assert_eq!(list.iter().map(|one| &one.id).collect::<Vec<_>>(), [&id]);
    assert!(!list[0].parts.is_empty(), "its networks are read");
}
