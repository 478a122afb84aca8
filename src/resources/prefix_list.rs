//! A prefix list and its entries.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateManagedPrefixList.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyManagedPrefixList.html>,
//! <https://docs.aws.amazon.com/vpc/latest/userguide/managed-prefix-lists.html>

use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;

use crate::{
    base::{
        address::Address,
        cidr::{Cidr, Family},
        codes::endpoint,
        diagnostic::Sink,
    },
    call::{Arg, Call, Json, Request, Settle},
    declared,
    net::{self, Net, desired::{self, Desired}},
    registry::{Batch, Listing, Observed, PartSpec, Removal, ResourceType, SentenceSpec, Slot, Update},
    resource,
    resources::{
        part::{arg, show_value},
        placement,
        read::{Reader, list, text},
        security_group::check_text,
    },
    schema::{
        attr::{Kind, Val, Word, Words},
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// Networks under one name, for rules of security groups and routes of any number of tables.
    ///
    /// It owns its whole set of entries; a change holds at once wherever the list is named. Each rule or route that names
    /// it counts as `max_entries` rules or routes against their quotas, however many entries there are. AWS keeps lists of
    /// its own, such as `com.amazonaws.us-east-1.s3`: name one by an `existing` block.
    PrefixList = "prefix_list" {
        /// Its name in EC2, which need not be unique; that of the resource where it is not written.
        prefix_list_name: Option<Val<Arc<str>>>, InPlace;
        /// Which addresses it holds: `"IPv4"` or `"IPv6"`.
        address_family: Val<Word<AddressFamily>> = Value::text("IPv4"), Replace;
        /// How many entries it has room for, at most 1,000; what names it counts as so many.
        max_entries: Val<i64>, InPlace;
        /// Its version; every change of its entries makes a new one.
        version: Option<Val<i64>>, Computed;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

/// Which addresses a list holds.
#[derive(Debug, Clone, PartialEq)]
pub struct AddressFamily;

impl Words for AddressFamily {
    const ALL: &'static [&'static str] = &["IPv4", "IPv6"];
}

/// How many entries a list may have room for (VPC user guide, "Amazon VPC quotas").
const ENTRIES_MAX: usize = 1_000;
/// How many entries one call adds or removes (API reference, ModifyManagedPrefixList).
const CHANGES_MAX: usize = 100;
/// How many entries a page holds (API reference, GetManagedPrefixListEntries).
const PAGE: u16 = 100;

impl ResourceType for PrefixList {
    declared!();

    const EXAMPLE: &'static str = r#"prefix_list offices {
  max_entries = 5
  entry 203.0.113.0/28  "Berlin"
  entry 198.51.100.7    "Lyon"
}

# AWS's own list of the addresses of S3 in this region.
existing prefix_list s3 {
  prefix_list_name = "com.amazonaws.us-east-1.s3"
}

security_group inner {
  vpc = vpc.main
  ingress tcp/443 from prefix_list.offices
  egress  tcp/443 to   prefix_list.s3       "packages, by way of the gateway endpoint"
}
"#;

    const ID_PREFIX: &'static str = "pl-";
    const TAG_TYPE: Option<&'static str> = Some("prefix-list");
    const ONE_AT_A_TIME: bool = true;
    const COUNTS_AS: Option<(&'static str, &'static str)> = Some(("max_entries", "address_family"));
    const CREATED_ID: &'static [&'static str] = &["PrefixList", "PrefixListId"];
    const FILTERS: &'static [(&'static str, &'static str)] = &[("prefix_list_name", "prefix-list-name")];
    const LISTING: Listing = Listing {
        // EC2 tells the entries of one list at a time.
        more: |ids| ids.iter().map(|id| entries_of(id)).collect(),
        merge: merge_entries,
        ..Listing::new("DescribeManagedPrefixLists", &["PrefixLists"], "PrefixListId", "prefix-list-id", Some(100))
    };
    const SENTENCES: &'static [SentenceSpec] = &[SentenceSpec {
        head: "entry",
        slots: &[Slot::Peers("networks", &[]), Slot::Text("description")],
        doc: "Networks or addresses that the list holds, and what they are.",
        example: "entry 203.0.113.0/28 \"Berlin\"",
    }];
    const PARTS: &'static [PartSpec] = &[PartSpec {
        name: "entry",
        doc: "A network of the list; many are added or removed by one call, which makes a new version of the list.",
        key: &["cidr"],
        content: &["description"],
        create: |at, entries| batches(at, entries, "AddEntries"),
        // EC2 takes no other words for an entry that is there.
        change: Some(|at, old, new| {
            let again: Vec<Call> = changed(at, "AddEntries", &[new]).into_iter().map(|call| later(call, 2)).collect();
            changed(at, "RemoveEntries", &[old]).into_iter().chain(again).collect()
        }),
        delete: |at, entries| batches(at, entries, "RemoveEntries"),
        removal: Removal::WithOwner,
        create_first: false,
        essential: false,
        governs: None,
        takes_over: false,
        show: |entry| match entry.get("description") {
            Some(text) => format!("entry {} {text}", show_value(entry.get("cidr"))),
            None => format!("entry {}", show_value(entry.get("cidr"))),
        },
    }];
    const UPDATES: &'static [Update] = &[
        Update {
            attrs: &["prefix_list_name"],
            after_create: |_| false,
            calls: |at, r| vec![modify(at, [("PrefixListName", arg(r, "prefix_list_name"))])],
        },
        Update {
            attrs: &["max_entries"],
            after_create: |_| false,
            calls: |at, r| vec![modify(at, [("MaxEntries", arg(r, "max_entries"))])],
        },
    ];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        for list in placement::managed(model, Self::KIND) {
            check_text("name", list.record.get("prefix_list_name").unwrap_or(&Value::Null), list.span_of("prefix_list_name"), sink);
            for sentence in &list.sentences {
                check_text("description", sentence.get("description"), Some(sentence.span_of("description")), sink);
            }
            check_room(list, sink);
        }
    }

    fn desired_parts(&self, this: &Resource, _model: &Model, sink: &mut Sink) -> Vec<Part> {
        let family = family(this);
        let mut parts: Vec<Part> = vec![];
        for sentence in &this.sentences {
            let description = sentence.get("description");
            for network in sentence.get("networks").elements() {
                let network = match network {
                    Value::Anywhere => if family == Family::V4 { Cidr::ANYWHERE_V4 } else { Cidr::ANYWHERE_V6 },
                    Value::Cidr(cidr) => *cidr,
                    _ => continue,
                };
                if network.family() != family {
                    let at = this.span_of("address_family");
                    sink.push(endpoint::entry_of_other_family(network, sentence.span_of("networks"), (&this.address, at), family));
                    continue;
                }
                let mut record = Record::from([("cidr".into(), Value::Cidr(network))]);
                if description.as_text().is_some_and(|text| !text.is_empty()) {
                    record.insert("description".into(), description.clone());
                }
                match parts.iter().find(|p| p.record.get("cidr") == record.get("cidr")) {
                    None => parts.push(Part { name: "entry", record, span: Some(sentence.span) }),
                    Some(first) if first.record != record => sink.push(endpoint::entry_twice(network, sentence.span, first.span)),
                    Some(_) => {}
                }
            }
        }
        parts
    }

    fn network(this: &Resource, _desired: &Desired<'_>, net: &mut Net) {
        let entry = |part: &Part| match part.record.get("cidr") {
            Some(Value::Cidr(cidr)) => Some(*cidr),
            _ => None,
        };
        let entries = this.parts.iter().filter(|p| p.name == "entry").map(entry).collect();
        net.prefix_lists.push(net::PrefixList { id: desired::id(&this.address), entries, origin: desired::origin(this) });
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        let name = self.prefix_list_name.as_ref().map_or_else(|| Arg::text(at.name()), Val::arg);
        let params = [("PrefixListName", name), ("AddressFamily", self.address_family.arg()), ("MaxEntries", self.max_entries.arg())];
        vec![Call::new("CreateManagedPrefixList", params).tagged("prefix-list").with_token().settle(settle(at, &["create-complete"]))]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        let gone = settle(at, &["delete-complete", "gone"]);
        vec![Call::new("DeleteManagedPrefixList", [("PrefixListId", Arg::id(at))]).settle(gone)]
    }

    fn observe(item: &Json) -> Option<Observed> {
        if matches!(text(item, &["State"]), Some("delete-in-progress" | "delete-complete" | "create-failed")) {
            return None;
        }
        let entry = |entry: &Json| {
            let mut record = Record::from([("cidr".into(), Value::Cidr(text(entry, &["Cidr"])?.parse().ok()?))]);
            let description = text(entry, &["Description"]).filter(|text| !text.is_empty());
            record.extend(description.map(|text| ("description".into(), Value::text(text))));
            Some(("entry", record))
        };
        Reader::new(item)
            .text("prefix_list_name", &["PrefixListName"])
            .text("address_family", &["AddressFamily"])
            .int("max_entries", &["MaxEntries"])
            .int("version", &["Version"])
            .done(&["PrefixListId"], list(item, &["Entries"]).iter().filter_map(entry).collect())
    }
}

fn family(this: &Resource) -> Family {
    match this.record.get("address_family").and_then(Value::as_text) {
        Some("IPv6") => Family::V6,
        _ => Family::V4,
    }
}

/// There is room for what is written, and EC2 takes so much room.
fn check_room(list: &Resource, sink: &mut Sink) {
    let Some(Value::Int(max)) = list.record.get("max_entries") else { return };
    let at = list.span_of("max_entries");
    let room = usize::try_from(*max).ok().filter(|max| (1..=ENTRIES_MAX).contains(max));
    let entries = list.parts.iter().filter(|p| p.name == "entry").count();
    match room {
        None => sink.push(endpoint::room_out_of_range(*max, at)),
        Some(room) if entries > room => sink.push(endpoint::too_many_entries(&list.address, entries, room, at)),
        Some(_) => {}
    }
}

fn settle(at: &Address, until: &[&str]) -> Settle {
    Settle::new("DescribeManagedPrefixLists", "prefix-list-id", &["PrefixLists"], "PrefixListId", &["State"], until, Arg::id(at))
        .or_fail(&["create-failed", "modify-failed", "restore-failed", "delete-failed"], &["StateMessage"])
}

fn modify(at: &Address, params: impl IntoIterator<Item = (&'static str, Arg)>) -> Call {
    let params = [("PrefixListId", Arg::id(at))].into_iter().chain(params);
    Call::new("ModifyManagedPrefixList", params).settle(settle(at, &["modify-complete"]))
}

fn batches(at: &Address, entries: &[&Record], parameter: &'static str) -> Vec<Batch> {
    let numbers: Vec<usize> = (0..entries.len()).collect();
    let batch = |(of, entries): (&[usize], &[&Record])| Batch { of: of.to_vec(), calls: changed(at, parameter, entries) };
    numbers.chunks(CHANGES_MAX).zip(entries.chunks(CHANGES_MAX)).map(batch).collect()
}

/// Adds or removes entries: of the version that the list is in when that is done.
fn changed(at: &Address, parameter: &'static str, entries: &[&Record]) -> Vec<Call> {
    let entry = |entry: &&Record| match parameter {
        "AddEntries" => Arg::map([("Cidr", arg(entry, "cidr")), ("Description", arg(entry, "description"))]),
        _ => Arg::map([("Cidr", arg(entry, "cidr"))]),
    };
    let version = Arg::find(0, &["PrefixLists"], "PrefixListId", Arg::id(at), "Version");
    vec![
        Call::new("DescribeManagedPrefixLists", [("PrefixListIds", Arg::List(vec![Arg::id(at)]))]),
        modify(at, [("CurrentVersion", version), (parameter, Arg::List(entries.iter().map(entry).collect()))]),
    ]
}

/// The same call where so many calls are made before it.
fn later(mut call: Call, calls: usize) -> Call {
    call.each_arg(&mut |arg| {
        if let Arg::Find(find) = arg {
            find.call += calls;
        }
    });
    call
}

fn entries_of(id: &str) -> Request {
    Request::new("GetManagedPrefixListEntries", json!({"PrefixListId": id, "MaxResults": PAGE}))
}

/// Puts a page of entries to those that are there.
fn merge_entries(items: &mut BTreeMap<String, Json>, request: &Request, answer: &Json) {
    let Some(item) = text(&request.params, &["PrefixListId"]).and_then(|id| items.get_mut(id)) else { return };
    let entries: Vec<Json> = list(item, &["Entries"]).iter().chain(list(answer, &["Entries"])).cloned().collect();
    item["Entries"] = entries.into();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::sample::{complaints, list as values, model, net, resource, shown};

    fn offices(max: i64) -> Resource {
        resource("prefix_list.offices", &[("max_entries", Value::Int(max))])
    }

    #[test]
    fn what_ec2_lists_is_what_was_asked() {
        let mut items = BTreeMap::from([(
            "pl-1".to_owned(),
            json!({
                "PrefixListId": "pl-1", "PrefixListName": "offices", "AddressFamily": "IPv4", "MaxEntries": 5, "Version": 2,
                "State": "modify-complete", "Tags": [{"Key": "a", "Value": "b"}],
            }),
        )]);
        let requests = (PrefixList::LISTING.more)(&["pl-1".into()]);
        for cidr in ["10.0.0.0/8", "10.1.0.0/16"] {
            merge_entries(&mut items, &requests[0], &json!({"Entries": [{"Cidr": cidr, "Description": "x"}]}));
        }
        let observed = PrefixList::observe(&items["pl-1"]).expect("it stands");
        assert_eq!((&observed.record["max_entries"], &observed.record["version"]), (&Value::Int(5), &Value::Int(2)));
        let entry = |cidr| ("entry", Record::from([("cidr".into(), net(cidr)), ("description".into(), Value::text("x"))]));
        assert_eq!(observed.parts, [entry("10.0.0.0/8"), entry("10.1.0.0/16")]);
        assert_eq!(PrefixList::observe(&json!({"PrefixListId": "pl-1", "State": "delete-in-progress"})), None);
    }

    #[test]
    fn entries_are_of_its_family_and_have_room() {
        let entry = |list: Resource, cidr: &str| list.says("entry", &[("networks", values([net(cidr)]))]);
        let two = model([entry(entry(offices(5), "10.0.0.0/8"), "192.0.2.0/24")]);
        assert_eq!(shown(&two, "prefix_list.offices"), ["entry 10.0.0.0/8", "entry 192.0.2.0/24"]);
        let wrong = model([entry(offices(0), "2001:db8::/32")]);
        let expected = [
            "E0340 `2001:db8::/32` is no IPv4 network",
            "E0340 a prefix list has room for 1 to 1000 entries, not for 0",
        ];
        assert_eq!(complaints(&wrong), expected);
    }

    #[test]
    fn a_hundred_entries_are_one_call() {
        let record = |n: u8| Record::from([("cidr".into(), net(&format!("10.0.{n}.0/24")))]);
        let records: Vec<Record> = (0..=200).map(record).collect();
        let records: Vec<&Record> = records.iter().collect();
        let sizes = batches(&Address::new("prefix_list", "a"), &records, "AddEntries").iter().map(|b| b.of.len()).collect::<Vec<_>>();
        assert_eq!(sizes, [100, 100, 1]);
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, taken, words};

    taken! {
        AddPrefixListEntry(set_cidr, set_description);
        RemovePrefixListEntry(set_cidr);
    }

    shown! {
        ManagedPrefixList(
            address_family, max_entries, owner_id, prefix_list_arn, prefix_list_id, prefix_list_name, state, state_message, tags, version,
        );
        PrefixListEntry(cidr, description);
    }

    words! { PrefixListState }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateManagedPrefixList: create_managed_prefix_list(
            set_address_family, set_client_token, set_entries, set_max_entries, set_prefix_list_name, set_tag_specifications,
        ) -> (prefix_list)),
        action!(ModifyManagedPrefixList: modify_managed_prefix_list(
            set_add_entries, set_current_version, set_max_entries, set_prefix_list_id, set_prefix_list_name, set_remove_entries,
        ) -> (prefix_list)),
        action!(DeleteManagedPrefixList: delete_managed_prefix_list(set_prefix_list_id) -> (prefix_list)),
        action!(DescribeManagedPrefixLists: describe_managed_prefix_lists(
            set_filters, set_max_results, set_next_token, set_prefix_list_ids,
        ) -> (next_token, prefix_lists)),
        action!(GetManagedPrefixListEntries: get_managed_prefix_list_entries(
            set_max_results, set_next_token, set_prefix_list_id,
        ) -> (entries, next_token)),
    ];
}
