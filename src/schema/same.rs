//! Several names of one thing: two modules may each read the same VPC. Layer 1.
//!
//! What is read is changed by nobody, so that reading it twice does no harm. But all that is decided, ordered, proved and
//! drawn takes a thing for one: before that the names are made one.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher, Hash, Hasher},
};

use crate::{
    base::address::Address,
    schema::{
        cut::Piece,
        model::{Model, Part, Resource},
        resources::Quick,
        value::{Record, Value},
    },
};

/// Names of existing resources that mean what another name means, each with that one.
pub type Same = BTreeMap<Address, Address>;

/// Those that find the same, by the ids of what they find.
#[must_use]
pub fn by_id<'i>(model: &Model, id: impl Fn(&Address) -> Option<&'i str>) -> Same {
    together(model, |resource| id(&resource.address).map(|id| (resource.address.kind().to_owned(), id.to_owned())))
}

/// Those that are bound to find the same, since they ask for the same.
#[must_use]
pub fn by_filters(model: &Model) -> Same {
    alike(model).clone()
}

/// The same, worked out once for a model that does not change.
#[must_use]
pub fn alike(model: &Model) -> &Same {
    model.resources.same(|| asking_alike(model))
}

fn asking_alike(model: &Model) -> Same {
    let mut same = Same::new();
    // What names two things that are one is one itself.
    loop {
        let asks = |r: &Resource| {
            let record: Vec<String> = r.record.iter().map(|(name, value)| format!("{name} = {}", one_name(value, &same))).collect();
            let told = !r.record.is_empty() && !r.record.values().any(Value::is_sensitive);
            told.then(|| (r.address.kind().to_owned(), r.site.clone(), record))
        };
        let found = together(model, asks);
        if found == same {
            return same;
        }
        same = found;
    }
}

/// The one of them that stands for the others is that of the outermost module.
fn together<K: Ord>(model: &Model, key: impl Fn(&Resource) -> Option<K>) -> Same {
    let mut existing: Vec<&Resource> = model.resources.values().filter(|r| r.existing).collect();
    existing.sort_by_key(|r| (r.address.module().len(), &r.address));
    let (mut first, mut same): (BTreeMap<K, &Address>, Same) = (BTreeMap::new(), Same::new());
    for resource in existing {
        let Some(key) = key(resource) else { continue };
        match first.get(&key) {
            Some(one) => drop(same.insert(resource.address.clone(), (*one).clone())),
            None => drop(first.insert(key, &resource.address)),
        }
    }
    same
}

/// The model under one name each; nothing of it refers to the others, and they are not in it.
#[must_use]
pub fn joined(model: &Model, same: &Same) -> Model {
    let mut joined = model.clone();
    join(&mut joined, same);
    joined
}

/// The same, of a model that nobody needs as it was.
pub fn join(joined: &mut Model, same: &Same) {
    if !same.is_empty() {
        rename(joined, same);
    }
    // In a piece that is as it was nothing is looked for again.
    let is_doubled = |piece: &Piece| *piece.doubled.get_or_init(|| piece.own.iter().any(|r| has_doubles(r)));
    if joined.resources.known_pieces().is_some_and(|pieces| !pieces.all.iter().any(|(_, piece)| is_doubled(piece))) {
        return;
    }
    // Rules from the same group under two names are one rule.
    let doubled: Vec<Address> = joined.resources.values().filter(|r| has_doubles(r)).map(|r| r.address.clone()).collect();
    for address in doubled {
        if let Some(resource) = joined.resources.get_mut(&address) {
            let mut seen = BTreeSet::new();
            resource.parts.retain(|part| part_words(part).is_none_or(|words| seen.insert(words)));
        }
    }
}

fn has_doubles(resource: &Resource) -> bool {
    if resource.parts.len() < 2 || all_apart(&resource.parts) {
        return false;
    }
    let mut seen = BTreeSet::new();
    resource.parts.iter().filter_map(part_words).any(|words| !seen.insert(words))
}

/// Whether a look at what is plain in the parts tells them all apart.
fn all_apart(parts: &[Part]) -> bool {
    let mut seen: Vec<u64> = parts.iter().map(glance).collect();
    seen.sort_unstable();
    seen.is_sorted_by(|a, b| a < b)
}

/// The same for parts that say the same.
fn glance(part: &Part) -> u64 {
    // Quick, for it looks at every part of a project; what seems to be the same is looked at again.
    let mut seen = Quick::default().build_hasher();
    (part.name, part.record.len()).hash(&mut seen);
    for value in part.record.values() {
        match value {
            Value::Bool(b) => b.hash(&mut seen),
            Value::Int(n) => n.hash(&mut seen),
            Value::Text(text) => text.hash(&mut seen),
            Value::Cidr(cidr) => cidr.hash(&mut seen),
            Value::Ip(ip) => ip.hash(&mut seen),
            Value::Resource(address) | Value::Attribute(address, _) => address.hash(&mut seen),
            _ => {}
        }
    }
    seen.finish()
}

/// What a part says; `None` where nobody may see it.
fn part_words(part: &Part) -> Option<String> {
    let hidden = part.record.values().any(Value::is_sensitive);
    (!hidden).then(|| format!("{} {:?}", part.name, part.record))
}

fn rename(joined: &mut Model, same: &Same) {
    joined.resources.retain(|address, _| !same.contains_key(address));
    for resource in joined.resources.values_mut() {
        record(&mut resource.record, same);
        resource.after.iter_mut().for_each(|address| name(address, same));
        resource.sentences.iter_mut().flat_map(|s| s.slots.values_mut()).for_each(|(value, _)| *value = one_name(value, same));
        resource.parts.iter_mut().for_each(|part| record(&mut part.record, same));
    }
    joined.outputs.values_mut().for_each(|output| output.value = one_name(&output.value, same));
    for statement in joined.policies.iter_mut().flat_map(|policy| &mut policy.statements) {
        let excepted = statement.except.iter_mut().map(|(_, from)| from);
        for side in [&mut statement.from, &mut statement.to].into_iter().chain(excepted) {
            *side = side.iter().map(|value| one_name(value, same)).collect();
        }
    }
}

/// A record under one name each.
pub fn record(record: &mut Record, same: &Same) {
    record.values_mut().for_each(|value| *value = one_name(value, same));
}

fn name(address: &mut Address, same: &Same) {
    if let Some(one) = same.get(address) {
        *address = one.clone();
    }
}

/// A value under one name each; a list names each once.
fn one_name(value: &Value, same: &Same) -> Value {
    let renamed = value.rewrite(&|leaf| match leaf {
        Value::Resource(address) => same.get(address).cloned().map(Value::Resource),
        Value::Attribute(address, name) => same.get(address).map(|one| Value::Attribute(one.clone(), name.clone())),
        _ => None,
    });
    match renamed {
        Value::List(values) if renamed_any(value, same) => {
            let mut once: Vec<Value> = vec![];
            for value in values {
                if value.as_resource().is_none() || !once.contains(&value) {
                    once.push(value);
                }
            }
            Value::List(once)
        }
        other => other,
    }
}

fn renamed_any(value: &Value, same: &Same) -> bool {
    value.elements().iter().any(|v| v.as_resource().is_some_and(|address| same.contains_key(address)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn existing(address: &str, record: &[(&str, Value)]) -> Resource {
        Resource {
            address: Address::parse(address).expect("an address"),
            existing: true,
            record: record.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            sentences: vec![],
            parts: vec![],
            after: vec![],
            lifecycle: crate::schema::model::Lifecycle::default(),
            site: None,
            spans: BTreeMap::new(),
            span: None,
        }
    }

    fn reference(address: &str) -> Value {
        Value::Resource(Address::parse(address).expect("an address"))
    }

    #[test]
    fn who_asks_for_the_same_within_the_same_finds_the_same() {
        let shared = [("id", Value::text("vpc-1"))];
        let within = |vpc: &str| [("vpc", reference(vpc)), ("availability_zone", Value::text("a"))];
        let all = [
            existing("module.a.vpc.shared", &shared),
            existing("vpc.shared", &shared),
            existing("vpc.other", &[("id", Value::text("vpc-2"))]),
            existing("module.a.subnet.app", &within("module.a.vpc.shared")),
            existing("subnet.app", &within("vpc.shared")),
            existing("subnet.other", &within("vpc.other")),
        ];
        let mut model = Model { resources: all.into_iter().map(|r| (r.address.clone(), r)).collect(), ..Model::default() };
        let mut user =
            existing("route_table.app", &[("subnets", Value::List(vec![reference("subnet.app"), reference("module.a.subnet.app")]))]);
        user.existing = false;
        model.resources.insert(user.address.clone(), user);
        let same = by_filters(&model);
        let pairs: Vec<String> = same.iter().map(|(other, one)| format!("{other} is {one}")).collect();
        assert_eq!(pairs, ["module.a.subnet.app is subnet.app", "module.a.vpc.shared is vpc.shared"]);
        let joined = joined(&model, &same);
        let names: Vec<&str> = joined.resources.keys().map(Address::as_str).collect();
        assert_eq!(names, ["route_table.app", "subnet.app", "subnet.other", "vpc.other", "vpc.shared"]);
        let user = joined.resources.get(&Address::new("route_table", "app")).expect("it is there");
        assert_eq!(user.record["subnets"], Value::List(vec![reference("subnet.app")]));
        assert_eq!(by_id(&model, |_| None), Same::new());
    }
}
