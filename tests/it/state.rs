//! State file, lock and journal: what a crash, an editor or a second process may do to them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use secnet::{
    base::{address::Address, diagnostic::Diagnostic},
    schema::value::{Record, Value},
    state::{
        Deposed, Exception, Existing, Image, Part, Promise, Resource, State,
        event::Event,
        journal::{self, Journal},
        store::{Store, check_place},
    },
};
use serde_json::{Value as Json, json};

fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path().join("state"), "demo");
    (directory, store)
}

fn code<T: std::fmt::Debug>(result: Result<T, Diagnostic>) -> &'static str {
    result.unwrap_err().code.id
}

/// A state with one of everything that a state can hold.
fn full() -> State {
    let vpc = Address::new("vpc", "main");
    let values = [
        Value::Null,
        Value::Bool(true),
        Value::Int(-3),
        Value::Float(0.1),
        Value::text("text"),
        Value::Cidr("10.0.0.0/16".parse().unwrap()),
        Value::Cidr("2001:db8::/56".parse().unwrap()),
        Value::Ip("10.0.0.1".parse().unwrap()),
        Value::Duration(30),
        Value::Anywhere,
        Value::Map(BTreeMap::from([("Name".into(), Value::text("main"))])),
        Value::Resource(vpc.clone()),
        Value::Attribute(vpc.clone(), "id".into()),
        Value::Concat(vec![Value::text("a-"), Value::Attribute(vpc.clone(), "id".into())]),
        Value::Image("al2023".into(), None),
    ];
    let services = ["all", "tcp", "tcp/22", "tcp/80,443", "udp/53-54", "icmp/3/4", "icmp", "icmpv6/128", "protocol/50"];
    let services = services.map(|text| Value::Service(secnet::base::service::Service::parse(text).unwrap()));
    let record = Record::from([("values".into(), Value::List(values.into())), ("services".into(), Value::List(services.into()))]);
    let part = Part { name: "ingress".into(), record: record.clone() };
    let resource = |id: &str| Resource {
        id: id.into(),
        secnet_id: "a1".into(),
        record: record.clone(),
        parts: vec![part.clone()],
        after: vec![vpc.clone()],
        protect: false,
        site: None,
    };
    let mut state = State::empty("demo", "00112233445566778899aabbccddeeff".into());
    state.account = Some("123456789012".into());
    state.region = Some("us-east-1".into());
    state.resources = BTreeMap::from([(vpc.clone(), resource("vpc-0123456789abcdef0"))]);
    state.deposed = vec![Deposed { address: vpc.clone(), resource: resource("vpc-0fedcba9876543210") }];
    let (id, name) = ("ami-0123456789abcdef0".into(), "al2023-ami-2023.1-x86_64".into());
    let image = Image { id, name, architecture: "x86_64".into(), root_device_name: "/dev/xvda".into(), root_volume_size: None };
    state.images = BTreeMap::from([("ami(\"al2023\")/x86_64".into(), image)]);
    let existing = Existing { id: "vpc-00000000000000001".into(), record, parts: None, read_at: 1_700_000_000 };
    state.existing = BTreeMap::from([(Address::new("vpc", "default"), existing)]);
    state.outputs = BTreeMap::from([("address".into(), Value::Ip("203.0.113.9".parse().unwrap()))]);
    let service = |text| secnet::base::service::Service::parse(text).unwrap();
    state.promises = vec![Promise {
        policy: "private".into(),
        text: "forbid all from internet to instance.server except tcp/22 from 203.0.113.0/28".into(),
        require: false,
        services: vec![service("all")],
        from: vec![Value::Internet, Value::Any],
        to: vec![Value::Resource(Address::new("instance", "server"))],
        except: vec![Exception { services: vec![service("tcp/22")], from: vec![Value::Cidr("203.0.113.0/28".parse().unwrap())] }],
        client_ports: Some((1024, 65535)),
    }];
    state
}

fn begin(state: &State) -> Event {
    let (lineage, serial, region) = (state.lineage.clone(), state.serial, "us-east-1".into());
    Event::Begin { lineage, serial, account: Some("123456789012".into()), region, at: 1_700_000_000 }
}

fn created(name: &str) -> Event {
    let (address, id) = (Address::new("vpc", name), format!("vpc-{name}"));
    Event::Created { task: 0, address, id, secnet_id: "a1".into(), record: Record::new(), after: vec![], protect: false, site: None }
}

#[test]
fn a_state_is_read_back_as_it_was_written() {
    let (_directory, store) = store();
    let lock = store.lock("apply").unwrap();
    let written = store.write(&lock, full()).unwrap();
    assert_eq!(written.serial, 1);
    assert_eq!(store.read().unwrap(), Some(written.clone()));
    assert_eq!(store.write(&lock, written).unwrap().serial, 2);
    let names = fs::read_dir(store.state_path().parent().unwrap()).unwrap().map(|f| f.unwrap().file_name());
    let mut names: Vec<_> = names.map(|n| n.into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, [".demo.lock", "demo.json"]);
}

#[cfg(unix)]
#[test]
fn what_is_kept_can_be_read_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_directory, store) = store();
    let lock = store.lock("apply").unwrap();
    store.write(&lock, full()).unwrap();
    let _journal = Journal::create(&store, &lock).unwrap();
    for path in [store.state_path(), store.journal_path(), store.lock_path()] {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
}

#[test]
fn a_file_cut_short_anywhere_is_refused_and_left_alone() {
    let (_directory, store) = store();
    let lock = store.lock("apply").unwrap();
    store.write(&lock, full()).unwrap();
    let whole = fs::read(store.state_path()).unwrap();
    // Without its last line feed it is still whole.
    for length in (0..whole.len() - 2).step_by(97).chain([1, whole.len() - 3]) {
        fs::write(store.state_path(), &whole[..length]).unwrap();
        assert_eq!(code(store.read()), "E0401", "at {length}");
        assert_eq!(code(store.write(&lock, full())), "E0401");
        assert_eq!(fs::read(store.state_path()).unwrap().len(), length);
    }
}

/// Writes a state, lets `edit` change the file's JSON, and reads it.
fn edited(edit: impl FnOnce(&mut Json)) -> Result<Option<State>, Diagnostic> {
    let (_directory, store) = store();
    let lock = store.lock("apply").unwrap();
    store.write(&lock, full()).unwrap();
    let mut file: Json = serde_json::from_slice(&fs::read(store.state_path()).unwrap()).unwrap();
    edit(&mut file);
    fs::write(store.state_path(), file.to_string()).unwrap();
    store.read()
}

#[test]
fn every_way_to_be_wrong_has_its_own_message() {
    assert_eq!(edited(|_| ()).unwrap().unwrap().serial, 1, "white space may change");
    assert_eq!(code(edited(|file| file["resources"]["vpc.main"]["id"] = json!("vpc-1"))), "E0403");
    assert_eq!(code(edited(|file| file["format"] = json!(3))), "E0404");
    assert_eq!(code(edited(|file| *file = json!({"version": 4, "terraform_version": "1.9.0"}))), "E0402");
    assert_eq!(code(edited(|file| *file = json!([]))), "E0402");

    let (_directory, store) = store();
    let lock = store.lock("apply").unwrap();
    fs::write(store.state_path(), "<<<<<<< HEAD\n{}").unwrap();
    assert_eq!(code(store.read()), "E0402");
    fs::remove_file(store.state_path()).unwrap();
    store.write(&lock, full()).unwrap();
    fs::copy(store.state_path(), store.state_path().with_file_name("other.json")).unwrap();
    let error = Store::new(store.state_path().parent().unwrap(), "other").read().unwrap_err();
    assert_eq!(error.code.id, "E0405");
    assert!(error.message.ends_with("belongs to project `demo`, not to `other`"), "{}", error.message);
}

#[test]
fn a_second_holder_learns_who_holds_the_lock() {
    let (_directory, store) = store();
    let lock = store.lock("secnet apply --yes").unwrap();
    let error = store.lock("secnet destroy").unwrap_err();
    assert_eq!(error.code.id, "E0406");
    let holder = format!("process {} (`secnet apply --yes`), since ", std::process::id());
    assert!(error.message.contains(&holder), "{}", error.message);
    drop(lock);
    store.lock("secnet destroy").unwrap();
}

#[test]
fn a_directory_that_cannot_be_written_is_found_out_by_the_lock() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("state"), "a file").unwrap();
    assert_eq!(code(Store::new(directory.path().join("state"), "demo").lock("apply")), "E0407");
}

#[test]
fn a_state_that_was_replaced_meanwhile_is_not_overwritten() {
    let (_directory, store) = store();
    let lock = store.lock("apply").unwrap();
    let first = store.write(&lock, full()).unwrap();
    store.write(&lock, first.clone()).unwrap();
    assert_eq!(code(store.write(&lock, first)), "E0409");
    assert_eq!(store.read().unwrap().unwrap().serial, 2);
}

#[test]
fn a_line_that_was_cut_short_is_left_out() {
    let (_directory, store) = store();
    let lock = store.lock("apply").unwrap();
    let mut journal = Journal::create(&store, &lock).unwrap();
    let events = [begin(&store.load().unwrap().state), created("a"), created("b")];
    for event in &events {
        journal.append(std::slice::from_ref(event)).unwrap();
    }
    let whole = fs::read(store.journal_path()).unwrap();
    for length in 0..=whole.len() {
        fs::write(store.journal_path(), &whole[..length]).unwrap();
        let lines = whole[..length].iter().filter(|b| **b == b'\n').count();
        assert_eq!(journal::read(&store.journal_path()).unwrap(), events[..lines]);
    }
}

#[test]
fn a_damaged_line_before_the_last_is_refused() {
    let (_directory, store) = store();
    let lock = store.lock("apply").unwrap();
    let mut journal = Journal::create(&store, &lock).unwrap();
    journal.append(&[begin(&full()), created("a"), created("b")]).unwrap();
    let text = fs::read_to_string(store.journal_path()).unwrap().replacen("created", "crXated", 1);
    fs::write(store.journal_path(), text).unwrap();
    let error = store.load().unwrap_err();
    assert_eq!(error.code.id, "E0412");
    assert!(error.message.starts_with("line 2 of the journal"), "{}", error.message);
}

#[test]
fn an_interrupted_first_apply_keeps_its_lineage() {
    let (_directory, store) = store();
    let lock = store.lock("apply").unwrap();
    let state = store.load().unwrap().state;
    assert_ne!(store.load().unwrap().state.lineage, state.lineage, "a project that has made nothing has none yet");
    let mut journal = Journal::create(&store, &lock).unwrap();
    journal.append(&[begin(&state), created("a")]).unwrap();
    drop(journal);
    let loaded = store.load().unwrap();
    assert_eq!((&loaded.state.lineage, loaded.unfinished.len()), (&state.lineage, 2));
    assert_eq!(code(check_place(&loaded.state, Some("999999999999"), "us-east-1")), "E0410", "it is resolved where it was made");
    assert_eq!(code(Journal::create(&store, &lock).map(drop)), "E0414");
    let folded = journal::fold(loaded.state, &loaded.unfinished);
    let finished = store.finish(&lock, folded).unwrap();
    assert_eq!((finished.serial, finished.resources.len(), finished.account.as_deref()), (1, 1, Some("123456789012")));
    assert!(!store.journal_path().exists());
}

#[test]
fn a_crash_between_the_state_and_the_end_of_the_journal_is_harmless() {
    let (_directory, store) = store();
    let lock = store.lock("apply").unwrap();
    let state = store.write(&lock, full()).unwrap();
    Journal::create(&store, &lock).unwrap().append(&[begin(&state), created("a")]).unwrap();
    let loaded = store.load().unwrap();
    let written = store.write(&lock, journal::fold(loaded.state, &loaded.unfinished)).unwrap();
    // Here the process ends. The next one finds both.
    assert!(store.journal_path().exists());
    let loaded = store.load().unwrap();
    assert_eq!((loaded.state, loaded.unfinished), (written, vec![]));
    Journal::create(&store, &lock).unwrap();
    assert_eq!(fs::read(store.journal_path()).unwrap(), b"");
}

#[test]
fn a_journal_of_another_state_is_refused() {
    let (_directory, store) = store();
    let lock = store.lock("apply").unwrap();
    let state = store.write(&lock, full()).unwrap();
    let check = |event: Event| {
        let line = serde_json::to_string(&event).unwrap() + "\n";
        fs::write(store.journal_path(), line).unwrap();
        store.load().map(|loaded| loaded.unfinished.len())
    };
    assert_eq!(check(begin(&state)), Ok(1));
    assert_eq!(code(check(begin(&State { lineage: "other".into(), ..state.clone() }))), "E0413");
    assert_eq!(code(check(begin(&State { serial: 7, ..state.clone() }))), "E0413");
    fs::remove_file(store.state_path()).unwrap();
    assert_eq!(code(check(begin(&state))), "E0413");
}

#[test]
fn a_state_stays_in_its_account_and_region() {
    let state = full();
    assert_eq!(check_place(&state, Some("123456789012"), "us-east-1"), Ok(()));
    assert_eq!(check_place(&state, None, "us-east-1"), Ok(()));
    assert_eq!(code(check_place(&state, Some("999999999999"), "us-east-1")), "E0410");
    assert_eq!(code(check_place(&state, Some("123456789012"), "eu-west-1")), "E0411");
    assert_eq!(check_place(&State::empty("demo", "l".into()), Some("999999999999"), "eu-west-1"), Ok(()));
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("state").join(path)
}

fn fixtures() -> Vec<(u64, PathBuf)> {
    let mut found = vec![];
    for directory in fs::read_dir(repository("fixtures")).unwrap() {
        let directory = directory.unwrap();
        let version = directory.file_name().to_str().unwrap().strip_prefix('v').unwrap().parse().unwrap();
        found.extend(fs::read_dir(directory.path()).unwrap().map(|file| (version, file.unwrap().path())));
    }
    found.sort();
    found
}

/// The fixtures were written by the versions they are named for, and are never written again.
#[test]
fn a_state_of_every_version_can_be_read() {
    let fixtures = fixtures();
    assert!(fixtures.iter().any(|(version, _)| *version == u64::from(secnet::state::FORMAT)), "the newest format has a fixture");
    for (version, path) in fixtures {
        let (_directory, store) = store();
        let lock = store.lock("test").unwrap();
        let file: Json = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(file["format"], json!(version), "{}", path.display());
        fs::copy(&path, store.state_path()).unwrap();
        let read = store.read().unwrap_or_else(|d| panic!("{}: {}", path.display(), d.message)).unwrap();
        let written = store.write(&lock, read.clone()).unwrap();
        assert_eq!(State { serial: read.serial, ..written }, read);
    }
}

#[test]
fn the_newest_format_has_not_changed() {
    let (_directory, store) = store();
    let lock = store.lock("test").unwrap();
    store.write(&lock, full()).unwrap();
    let written = fs::read_to_string(store.state_path()).unwrap();
    snapbox::assert_data_eq!(written, snapbox::Data::read_from(&repository("fixtures/v2/everything.json"), None).raw());
}

/// What is written only where it holds: whether something is protected, and the parts of what was read.
#[test]
fn what_need_not_be_there_has_a_fixture_too() {
    let (_directory, store) = store();
    let lock = store.lock("test").unwrap();
    let mut state = full();
    for resource in state.resources.values_mut() {
        resource.protect = true;
    }
    for existing in state.existing.values_mut() {
        existing.parts = Some(vec![Part { name: "ingress".into(), record: Record::new() }]);
    }
    store.write(&lock, state).unwrap();
    let written = fs::read_to_string(store.state_path()).unwrap();
    snapbox::assert_data_eq!(written, snapbox::Data::read_from(&repository("fixtures/v2/protected.json"), None).raw());
}

#[test]
fn what_ec2_was_asked_first_has_a_fixture_too() {
    let (_directory, store) = store();
    let lock = store.lock("test").unwrap();
    let mut state = full();
    let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
    state.answers.insert("availability_zones()".into(), texts(&["us-east-1a", "us-east-1b"]));
    state.answers.insert("existing subnet.each".into(), texts(&[]));
    store.write(&lock, state).unwrap();
    let written = fs::read_to_string(store.state_path()).unwrap();
    snapbox::assert_data_eq!(written, snapbox::Data::read_from(&repository("fixtures/v2/asked.json"), None).raw());
}

#[test]
fn the_schema_says_what_the_fixtures_are() {
    for (version, path) in fixtures() {
        let schema: Json = serde_json::from_slice(&fs::read(repository(&format!("schema/v{version}.json"))).unwrap()).unwrap();
        let file: Json = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let mut wrong = vec![];
        conform(&file, &schema, &schema, "", &mut wrong);
        assert_eq!(wrong, Vec::<String>::new(), "{}", path.display());
        let mut extended = file.clone();
        extended["resources"]["vpc.main"]["surprise"] = json!(1);
        conform(&extended, &schema, &schema, "", &mut wrong);
        assert!(!wrong.is_empty(), "what the schema does not know is refused");
    }
}

/// As much of JSON Schema as the schemas use; a keyword that is not known here fails.
fn conform(value: &Json, schema: &Json, root: &Json, at: &str, wrong: &mut Vec<String>) {
    let fits = |schema: &Json| {
        let mut wrong = vec![];
        conform(value, schema, root, at, &mut wrong);
        wrong.is_empty()
    };
    for (keyword, says) in schema.as_object().unwrap() {
        let right = match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" | "pattern" | "format" => true,
            "$ref" => fits(root.pointer(says.as_str().unwrap().strip_prefix('#').unwrap()).unwrap()),
            "const" => value == says,
            "enum" => says.as_array().unwrap().contains(value),
            "type" => {
                let is = |name: &Json| match name.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "number" => value.is_number(),
                    "boolean" => value.is_boolean(),
                    "null" => value.is_null(),
                    other => panic!("type {other}"),
                };
                says.as_array().map_or_else(|| is(says), |names| names.iter().any(is))
            }
            "required" => says.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some()),
            "oneOf" => says.as_array().unwrap().iter().filter(|schema| fits(schema)).count() == 1,
            "items" => {
                value.as_array().into_iter().flatten().for_each(|item| conform(item, says, root, &format!("{at}[]"), wrong));
                true
            }
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= says.as_u64().unwrap()),
            "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= says.as_u64().unwrap()),
            "prefixItems" => value.as_array().is_none_or(|items| {
                items.iter().zip(says.as_array().unwrap()).all(|(item, schema)| {
                    let mut wrong = vec![];
                    conform(item, schema, root, at, &mut wrong);
                    wrong.is_empty()
                })
            }),
            "properties" => {
                for (name, schema) in says.as_object().unwrap() {
                    if let Some(member) = value.get(name) {
                        conform(member, schema, root, &format!("{at}.{name}"), wrong);
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = |name: &String| schema.get("properties").is_some_and(|p| p.get(name).is_some());
                let others: Vec<_> = value.as_object().into_iter().flatten().filter(|(name, _)| !known(name)).collect();
                others.iter().filter(|_| !says.is_boolean()).for_each(|(name, v)| conform(v, says, root, &format!("{at}.{name}"), wrong));
                *says != Json::Bool(false) || others.is_empty()
            }
            other => panic!("keyword {other}"),
        };
        if !right {
            wrong.push(format!("{at}: {keyword}"));
        }
    }
}
