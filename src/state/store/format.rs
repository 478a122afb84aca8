//! What stands in a state file. Layer 4: wire types of their own, one for each version; knows nothing of files.
//!
//! `state/README.md` describes the format, `state/schema/` holds its schema and `state/fixtures/` a file of every version.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{FORMAT, State, checksum, codes};
use crate::{
    base::{address::Address, diagnostic::Diagnostic},
    call::Json,
    schema::{ask::Answers, value::Value},
    state::{Deposed, Existing, Image, Promise, Resource},
};

/// Version 1.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct V1 {
    format: u32,
    serial: u64,
    lineage: String,
    project: String,
    account: Option<String>,
    region: Option<String>,
    resources: BTreeMap<Address, Resource>,
    deposed: Vec<Deposed>,
    images: BTreeMap<String, Image>,
    existing: BTreeMap<Address, Existing>,
    outputs: BTreeMap<String, Value>,
}

/// Version 2: knows what the policies demanded.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct V2 {
    format: u32,
    serial: u64,
    lineage: String,
    project: String,
    account: Option<String>,
    region: Option<String>,
    resources: BTreeMap<Address, Resource>,
    deposed: Vec<Deposed>,
    images: BTreeMap<String, Image>,
    existing: BTreeMap<Address, Existing>,
    outputs: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "Answers::is_empty")]
    answers: Answers,
    promises: Vec<Promise>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealing_key: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    received: BTreeSet<String>,
}

/// Hexadecimal digits of a SHA-256.
const CHECKSUM_LENGTH: usize = 64;

/// The bytes of a state file.
pub(in crate::state) fn encode(state: &State) -> serde_json::Result<Vec<u8>> {
    let State {
        serial,
        lineage,
        project,
        account,
        region,
        resources,
        deposed,
        images,
        existing,
        outputs,
        answers,
        promises,
        sealing_key,
        received,
    } = state.clone();
    let wire = V2 {
        format: FORMAT,
        serial,
        lineage,
        project,
        account,
        region,
        resources,
        deposed,
        images,
        existing,
        outputs,
        answers,
        promises,
        sealing_key,
        received,
    };
    let mut file = serde_json::to_value(wire)?;
    let sum = checksum(&canonical(&file)?);
    if let Json::Object(members) = &mut file {
        members.insert("checksum".into(), sum.into());
    }
    let mut bytes = serde_json::to_vec_pretty(&file)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Reads the bytes of a state file of any version.
///
/// Looks at the version before the checksum and at the checksum before the contents, so that the first thing that is
/// wrong is the one that is reported.
pub(in crate::state) fn decode(bytes: &[u8], path: &str, project: &str) -> Result<State, Diagnostic> {
    if let Some(state) = as_written(bytes).filter(|state| state.project == project) {
        return Ok(state);
    }
    let mut file: Json = serde_json::from_slice(bytes).map_err(|error| {
        if error.is_eof() { codes::truncated(path) } else { codes::not_ours(path, &format!("it is not JSON (line {})", error.line())) }
    })?;
    let format = file.get("format").and_then(Json::as_u64).ok_or_else(|| codes::not_ours(path, "it has no `format`"))?;
    if format > u64::from(FORMAT) {
        return Err(codes::newer(path, format, FORMAT));
    }
    let sum = file.as_object_mut().and_then(|members| members.remove("checksum"));
    let Some(Json::String(sum)) = sum else { return Err(codes::not_ours(path, "it has no `checksum`")) };
    if canonical(&file).map(|body| checksum(&body)).ok().as_ref() != Some(&sum) {
        return Err(codes::changed_by_hand(path));
    }
    let state = migrate(format, file, path)?;
    if state.project != project {
        return Err(codes::of_another_project(path, &state.project, project));
    }
    Ok(state)
}

/// A file of the newest version that is as secnet wrote it, but for white space: then nothing has to be put in order before
/// the checksum is taken. `None` of any other, which is looked at in full.
fn as_written(bytes: &[u8]) -> Option<State> {
    const MEMBER: &[u8] = b",\"checksum\":\"";
    let mut body = Vec::with_capacity(bytes.len());
    let (mut inside, mut escaped) = (false, false);
    for byte in bytes {
        if inside || !byte.is_ascii_whitespace() {
            body.push(*byte);
        }
        inside ^= *byte == b'"' && !escaped;
        escaped = inside && *byte == b'\\' && !escaped;
    }
    // What the first member says has no quotes in it, so this is a member of the file itself.
    let at = body.starts_with(b"{\"account\":").then(|| body.windows(MEMBER.len()).position(|w| w == MEMBER))??;
    let end = at + MEMBER.len() + CHECKSUM_LENGTH;
    let sum = body.get(at + MEMBER.len()..end)?.to_vec();
    (body.get(end) == Some(&b'"')).then_some(())?;
    body.drain(at..=end);
    if checksum(&body).as_bytes() != sum {
        return None;
    }
    let wire: V2 = serde_json::from_slice(&body).ok()?;
    (wire.format == FORMAT).then(|| from_v2(wire))
}

/// Brings a file of any version up to date, one version at a time.
fn migrate(format: u64, file: Json, path: &str) -> Result<State, Diagnostic> {
    match format {
        1 => serde_json::from_value(file).map(|wire| from_v2(from_v1(wire))).map_err(|e| codes::not_ours(path, &e.to_string())),
        2 => serde_json::from_value(file).map(from_v2).map_err(|e| codes::not_ours(path, &e.to_string())),
        other => Err(codes::not_ours(path, &format!("there is no format {other}"))),
    }
}

/// A file of version 1 knows of no policies: whatever they demand now is new.
fn from_v1(wire: V1) -> V2 {
    let V1 { format, serial, lineage, project, account, region, resources, deposed, images, existing, outputs } = wire;
    V2 {
        format,
        serial,
        lineage,
        project,
        account,
        region,
        resources,
        deposed,
        images,
        existing,
        outputs,
        answers: Answers::new(),
        promises: vec![],
        sealing_key: None,
        received: BTreeSet::new(),
    }
}

fn from_v2(wire: V2) -> State {
    let V2 {
        format: _,
        serial,
        lineage,
        project,
        account,
        region,
        resources,
        deposed,
        images,
        existing,
        outputs,
        answers,
        promises,
        sealing_key,
        received,
    } = wire;
    State {
        serial,
        lineage,
        project,
        account,
        region,
        resources,
        deposed,
        images,
        existing,
        outputs,
        answers,
        promises,
        sealing_key,
        received,
    }
}

/// What the checksum is of: everything but the checksum, without white space, members in order of their names.
fn canonical(file: &Json) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(file)
}
