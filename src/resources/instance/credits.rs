//! What a burstable instance may spend beyond what it has earned. Layer 3.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceCreditSpecification.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceCreditSpecifications.html>

use std::collections::BTreeMap;

use serde_json::json;

use crate::{
    base::{address::Address, codes::network, diagnostic::Sink},
    call::{Arg, Call, Json, Request},
    registry::Aside,
    resources::{
        part::arg,
        read::{list, text},
    },
    schema::{
        model::Resource,
        value::{Record, Value},
    },
};

/// Where the answer is kept in an instance's item.
pub(super) const MEMBER: &str = "CpuCredits";
const ACTION: &str = "DescribeInstanceCreditSpecifications";
/// How many ids a request takes.
const IDS_MAX: usize = 1000;

/// EC2 refuses to be asked about others than burstable ones.
pub(super) const ASIDE: Aside = Aside {
    attr: "cpu_credits",
    action: ACTION,
    read: |items| {
        let ends = |item: &Json| matches!(text(item, &["State", "Name"]), Some("shutting-down" | "terminated"));
        let asked = |item: &Json| !ends(item) && text(item, &["InstanceType"]).is_some_and(is_burstable);
        let ids: Vec<&String> = items.iter().filter(|(_, item)| asked(item)).map(|(id, _)| id).collect();
        ids.chunks(IDS_MAX).map(|ids| Request::new(ACTION, json!({"InstanceIds": ids}))).collect()
    },
    merge,
};

fn merge(items: &mut BTreeMap<String, Json>, answer: &Json) {
    for told in list(answer, &["InstanceCreditSpecifications"]) {
        if let (Some(id), Some(credits)) = (text(told, &["InstanceId"]), text(told, &[MEMBER]))
            && let Some(item) = items.get_mut(id)
        {
            item[MEMBER] = credits.into();
        }
    }
}

/// What is taken out of the text is as EC2 has it by itself; another type than a burstable one has none of it.
pub(super) fn change(at: &Address, record: &Record) -> Vec<Call> {
    let kind = record.get("instance_type").and_then(Value::as_text);
    let written = record.get("cpu_credits").is_some_and(|value| *value != Value::Null);
    if !written && kind.is_some_and(|kind| !is_burstable(kind)) {
        return vec![];
    }
    let by_itself = if kind.is_some_and(|kind| kind.starts_with("t2.")) { "standard" } else { "unlimited" };
    let credits = if written { arg(record, "cpu_credits") } else { Arg::text(by_itself) };
    let wanted = Arg::map([("InstanceId", Arg::id(at)), ("CpuCredits", credits)]);
    vec![Call::new("ModifyInstanceCreditSpecification", [("InstanceCreditSpecifications", Arg::List(vec![wanted]))])]
}

/// Only burstable types have credits.
pub(super) fn check(instance: &Resource, sink: &mut Sink) {
    let written = instance.record.get("cpu_credits").is_some_and(|value| *value != Value::Null);
    if let Some(kind) = instance.record.get("instance_type").and_then(Value::as_text)
        && written
        && !is_burstable(kind)
    {
        sink.push(network::no_credits(kind, instance.span_of("cpu_credits"), instance.span_of("instance_type")));
    }
}

/// Whether a type earns credits while it idles.
fn is_burstable(kind: &str) -> bool {
    matches!(kind.split('.').next(), Some("t2" | "t3" | "t3a" | "t4g"))
}
