//! Planned parameters become JSON. Layer 7: pure; knows the state and earlier answers, nothing of calls.

use std::fmt;

use crate::{
    base::{address::Address, base64, cidr::Cidr},
    call::{Arg, Json},
    state::{State, seal::Secrets},
};

/// What is known when a call is made.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What stands.
    pub state: &'a State,
    /// The answers to the task's earlier calls.
    pub answers: &'a [Json],
    /// The operation's random id.
    pub operation: &'a str,
    /// What the hashes of sensitive values stand for.
    pub secrets: &'a Secrets,
}

/// What is not known though a call needs it.
#[derive(Debug, Clone, PartialEq)]
pub enum ArgumentError {
    /// An attribute that EC2 has not told.
    Attribute(Address, String),
    /// Something in an earlier answer: its path.
    Answer(String),
    /// An element of an earlier answer: the member that was looked at, and what it should be.
    Element(String, String),
    /// A network that is not in another: the other, how many more bits, and its number.
    Subnet(String, u8, u64),
    /// A sensitive value of which the hash alone is known.
    Sealed,
    /// Attributes that stand for one another without end.
    Endless(Address),
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArgumentError::Attribute(address, name) => write!(f, "`{address}.{name}`, which EC2 has not told"),
            ArgumentError::Answer(path) => write!(f, "`{path}` of an earlier answer, which is not in it"),
            ArgumentError::Element(member, value) => write!(f, "an element with {member} {value} of an earlier answer, which is not in it"),
            ArgumentError::Subnet(whole, bits, n) => write!(f, "`subnets({whole}, {bits})[{n}]`, which there is none of"),
            ArgumentError::Sealed => f.write_str("a sensitive value, of which the state has but a hash"),
            ArgumentError::Endless(address) => write!(f, "`{address}`, whose attributes stand for one another without end"),
        }
    }
}

/// How many attributes may stand for one another in a row.
const DEPTH_MAX: usize = 32;

/// A parameter as EC2 takes it. Null means that it is left out.
pub fn resolve(arg: &Arg, known: Known<'_>) -> Result<Json, ArgumentError> {
    deep(arg, known, DEPTH_MAX)
}

fn deep(arg: &Arg, known: Known<'_>, depth: usize) -> Result<Json, ArgumentError> {
    Ok(match arg {
        Arg::Known(json) => json.clone(),
        Arg::Of(address, name) => {
            let missing = || ArgumentError::Attribute(address.clone(), name.clone());
            let value = known.state.attribute(address, name).ok_or_else(missing)?;
            let depth = depth.checked_sub(1).ok_or_else(|| ArgumentError::Endless(address.clone()))?;
            match deep(&Arg::from_value(&value), known, depth)? {
                Json::Null => return Err(missing()),
                json => json,
            }
        }
        // A plan has what it knows in their places.
        Arg::AccountOf(address) | Arg::OwnerOf(address) => return Err(ArgumentError::Attribute(address.clone(), "account".into())),
        Arg::RegionOf(address) => return Err(ArgumentError::Attribute(address.clone(), "region".into())),
        Arg::Answer(call, path) => {
            let step = |at: &'_ Json, key: &String| -> Option<Json> {
                key.parse::<usize>().ok().and_then(|index| at.get(index)).or_else(|| at.get(key)).cloned()
            };
            let answer = known.answers.get(*call).cloned();
            path.iter()
                .try_fold(answer.unwrap_or(Json::Null), |at, key| step(&at, key))
                .filter(|json| !json.is_null())
                .ok_or_else(|| ArgumentError::Answer(path.join(".")))?
        }
        Arg::Find(find) => {
            let equals = deep(&find.equals, known, depth)?;
            let found = known.answers.get(find.call).and_then(|answer| find.search(answer, &equals));
            found.cloned().ok_or_else(|| ArgumentError::Element(find.member.clone(), plain(&equals)))?
        }
        Arg::Sensitive(value) => deep(&Arg::from_value(&value.bare()), known, depth)?,
        Arg::Sealed(hash) => deep(&Arg::from_value(known.secrets.get(hash).ok_or(ArgumentError::Sealed)?), known, depth)?,
        Arg::OperationId(length) => known.operation.chars().take(*length).collect::<String>().into(),
        Arg::Subnet(of, bits, n) => {
            let whole = plain(&deep(of, known, depth)?);
            let found = whole.parse::<Cidr>().ok().and_then(|whole| whole.subnet(*bits, (*n).into()));
            found.ok_or(ArgumentError::Subnet(whole, *bits, *n))?.to_string().into()
        }
        Arg::Concat(pieces) => {
            let pieces = pieces.iter().map(|piece| deep(piece, known, depth).map(|json| plain(&json)));
            pieces.collect::<Result<String, _>>()?.into()
        }
        Arg::Base64(text) => match deep(text, known, depth)? {
            Json::Null => Json::Null,
            json => base64::encode(plain(&json).as_bytes()).into(),
        },
        Arg::Except(args, without) => match (deep(args, known, depth)?, deep(without, known, depth)?) {
            (Json::Array(all), Json::Array(without)) => {
                let rest: Vec<Json> = all.into_iter().filter(|json| !without.contains(json)).collect();
                if rest.is_empty() { Json::Null } else { rest.into() }
            }
            (all, _) => all,
        },
        Arg::List(args) => {
            let all = args.iter().map(|arg| deep(arg, known, depth)).collect::<Result<Vec<_>, _>>()?;
            Json::Array(all.into_iter().filter(|json| !json.is_null()).collect())
        }
        Arg::Map(args) => {
            let all = args.iter().map(|(key, arg)| Ok((key.clone(), deep(arg, known, depth)?))).collect::<Result<Vec<_>, _>>()?;
            Json::Object(all.into_iter().filter(|(_, json)| !json.is_null()).collect())
        }
    })
}

/// As a piece of a text.
fn plain(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        schema::value::{Record, Value},
        state::Resource,
    };

    fn state() -> State {
        let mut state = State::empty("test", "lineage".into());
        let record = Record::from([
            ("cidr_block".into(), Value::text("10.0.0.0/16")),
            ("name".into(), Value::Attribute(Address::new("vpc", "b"), "id".into())),
            ("again".into(), Value::Attribute(Address::new("vpc", "a"), "again".into())),
        ]);
        for (name, record) in [("a", record), ("b", Record::new())] {
            let resource = Resource {
                id: format!("vpc-{name}"),
                secnet_id: String::new(),
                record,
                parts: vec![],
                after: vec![],
                protect: false,
                site: None,
            };
            state.resources.insert(Address::new("vpc", name), resource);
        }
        state
    }

    fn check(arg: Arg) -> Result<Json, ArgumentError> {
        let answers = [json!({"Vpcs": [{"VpcId": "vpc-1"}]})];
        let mut secrets = Secrets::default();
        secrets.add("hash".into(), &Value::text("hello"));
        resolve(&arg, Known { state: &state(), answers: &answers, operation: "0123456789", secrets: &secrets })
    }

    #[test]
    fn attributes_come_from_the_state_and_references_become_ids() {
        let a = Address::new("vpc", "a");
        assert_eq!(check(Arg::id(&a)), Ok(json!("vpc-a")));
        assert_eq!(check(Arg::Of(a.clone(), "cidr_block".into())), Ok(json!("10.0.0.0/16")));
        assert_eq!(check(Arg::Of(a.clone(), "name".into())), Ok(json!("vpc-b")));
        assert_eq!(check(Arg::Of(a.clone(), "again".into())), Err(ArgumentError::Endless(a.clone())));
        assert_eq!(check(Arg::Of(a.clone(), "none".into())), Err(ArgumentError::Attribute(a, "none".into())));
    }

    #[test]
    fn texts_are_joined_and_what_is_null_is_left_out() {
        let null = || Arg::Known(Json::Null);
        assert_eq!(check(Arg::Concat(vec!["a-".into(), Arg::OperationId(4)])), Ok(json!("a-0123")));
        assert_eq!(check(Arg::List(vec![null(), "a".into()])), Ok(json!(["a"])));
        assert_eq!(check(Arg::map([("A", null()), ("B", "b".into())])), Ok(json!({"B": "b"})));
        assert_eq!(check(Arg::Base64(Box::new("hello".into()))), Ok(json!("aGVsbG8=")));
    }

    #[test]
    fn a_sensitive_value_goes_out_in_the_clear() {
        assert_eq!(check(Arg::from_value(&Value::text("hello").sensitive())), Ok(json!("hello")));
        assert_eq!(check(Arg::base64(Arg::Sealed("hash".into()))), Ok(json!("aGVsbG8=")));
        assert_eq!(check(Arg::Sealed("another".into())), Err(ArgumentError::Sealed));
    }

    #[test]
    fn a_network_is_cut_out_of_one_that_ec2_has_chosen() {
        let of = |name: &str| Box::new(Arg::Of(Address::new("vpc", "a"), name.into()));
        assert_eq!(check(Arg::Subnet(of("cidr_block"), 8, 3)), Ok(json!("10.0.3.0/24")));
        let within = Arg::Subnet(Box::new(Arg::Subnet(of("cidr_block"), 4, 1)), 4, 2);
        assert_eq!(check(within), Ok(json!("10.0.18.0/24")));
        assert_eq!(check(Arg::Subnet(of("cidr_block"), 20, 0)), Err(ArgumentError::Subnet("10.0.0.0/16".into(), 20, 0)));
        assert!(check(Arg::Subnet(of("none"), 8, 0)).is_err());
    }

    #[test]
    fn earlier_answers_are_read_by_path_and_by_search() {
        let path = |keys: &[&str]| Arg::Answer(0, keys.iter().map(|k| (*k).to_owned()).collect());
        assert_eq!(check(path(&["Vpcs", "0", "VpcId"])), Ok(json!("vpc-1")));
        assert_eq!(check(path(&["Vpcs", "1", "VpcId"])), Err(ArgumentError::Answer("Vpcs.1.VpcId".into())));
        assert_eq!(check(Arg::find(0, &["Vpcs"], "VpcId", "vpc-1".into(), "VpcId")), Ok(json!("vpc-1")));
        assert!(check(Arg::find(0, &["Vpcs"], "VpcId", "vpc-2".into(), "VpcId")).is_err());
    }
}
