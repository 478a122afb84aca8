//! The interfaces of an instance besides its first one, as its parts. Layer 3.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachNetworkInterface.html>

use crate::{
    base::address::Address,
    call::{Arg, Call, Json, Settle},
    registry::{Batch, PartSpec, Removal},
    resources::{
        part::{arg, each, int, show_value},
        read::{at, list, text},
    },
    schema::{
        model::{Part, Resource},
        value::{Record, Value},
    },
};

/// A further interface that is plugged in.
pub const PART: PartSpec = PartSpec {
    name: "attachment",
    doc: "Plugs a further interface of the project into the instance.",
    key: &["network_interface", "device_index"],
    content: &[],
    create: |at, parts| each(parts, |part| attach(at, part)),
    change: None,
    delete: |_, parts| parts.iter().enumerate().map(|(i, part)| Batch { of: vec![i], calls: detach(part) }).collect(),
    removal: Removal::WithOwner,
    create_first: false,
    essential: false,
    governs: None,
    takes_over: false,
    show: |part| format!("{} as interface {}", show_value(part.get("network_interface")), int(part, "device_index").unwrap_or_default()),
};

/// The further interfaces that an instance names.
pub fn further_cards(instance: &Resource) -> impl Iterator<Item = &Value> {
    instance.record.get("network_interfaces").into_iter().flat_map(Value::elements)
}

/// The parts that they are, from device index 1 on.
pub fn wanted(instance: &Resource) -> Vec<Part> {
    let record =
        |card: &Value, index| Record::from([("network_interface".into(), card.clone()), ("device_index".into(), Value::Int(index))]);
    let span = instance.span_of("network_interfaces");
    further_cards(instance).zip(1..).map(|(card, i)| Part { name: PART.name, record: record(card, i), span }).collect()
}

/// Its further interfaces. One that goes with the instance is not the project's: whoever attached it takes care of it.
pub fn observed(item: &Json) -> Vec<(&'static str, Record)> {
    let record = |card: &Json| {
        let index = at(card, &["Attachment", "DeviceIndex"])?.as_i64().filter(|index| *index > 0)?;
        let stays = at(card, &["Attachment", "DeleteOnTermination"]).and_then(Json::as_bool) == Some(false);
        let gone = matches!(text(card, &["Attachment", "Status"]), Some("detaching" | "detached"));
        (stays && !gone).then_some(())?;
        let mut record = Record::from([("device_index".to_owned(), Value::Int(index))]);
        record.insert("network_interface".into(), Value::text(text(card, &["NetworkInterfaceId"])?));
        record.extend(text(card, &["Attachment", "AttachmentId"]).map(|id| ("attachment_id".into(), Value::text(id))));
        Some(("attachment", record))
    };
    list(item, &["NetworkInterfaces"]).iter().filter_map(record).collect()
}

fn attach(at: &Address, part: &Record) -> Call {
    let params =
        [("NetworkInterfaceId", arg(part, "network_interface")), ("InstanceId", Arg::id(at)), ("DeviceIndex", arg(part, "device_index"))];
    Call::new("AttachNetworkInterface", params).settle(card_settles(&["Attachment", "Status"], "attached", part))
}

/// Where nobody has read the attachment's id, it is looked for first.
fn detach(part: &Record) -> Vec<Call> {
    let call = |id| {
        let call = Call::new("DetachNetworkInterface", [("AttachmentId", id)]).satisfied_by(&["InvalidAttachmentID.NotFound"]);
        call.settle(card_settles(&["Status"], "available", part))
    };
    if part.contains_key("attachment_id") {
        return vec![call(arg(part, "attachment_id"))];
    }
    let path = ["NetworkInterfaces", "0", "Attachment", "AttachmentId"];
    let look = Call::new("DescribeNetworkInterfaces", [("NetworkInterfaceIds", Arg::List(vec![arg(part, "network_interface")]))]);
    vec![look, call(Arg::Answer(0, path.map(str::to_owned).to_vec()))]
}

fn card_settles(member: &[&str], until: &str, part: &Record) -> Settle {
    let (action, items) = ("DescribeNetworkInterfaces", ["NetworkInterfaces"]);
    Settle::new(action, "network-interface-id", &items, "NetworkInterfaceId", member, &[until], arg(part, "network_interface"))
}
