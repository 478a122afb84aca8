//! The order in which rules change where EC2 has no room for the old and the new ones together. Layer 6.
//!
//! New rules come before old ones go, so that nobody is cut off meanwhile. Where the quota stands in the way, rules go and come
//! in turns, at most half of those that still have to go at a time, so that never all of them are gone at once.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups>

use std::collections::BTreeMap;

use crate::{
    base::cidr::Family,
    plan::standing::Standing,
    resources,
    schema::{
        model::Model,
        value::{Record, Value},
    },
};

/// What is done next: parts that are made, or unmade, by their places in the lists that were given.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    /// These come.
    Make(Vec<usize>),
    /// These go.
    Unmake(Vec<usize>),
}

/// What rules that name a prefix list count for, by its address and by its id.
#[derive(Debug, Default)]
pub struct Lists(BTreeMap<String, [usize; 2]>);

impl Lists {
    /// Those that the project makes or reads: a list counts as many times as it has room for entries, in its own family.
    #[must_use]
    pub fn new(model: &Model, standing: &Standing<'_>) -> Self {
        let mut found = BTreeMap::new();
        let counts = |kind: &str| resources::spec(kind).and_then(|spec| spec.counts_as);
        let weight = |record: &Record, (entries, family): (&str, &str)| -> Option<[usize; 2]> {
            let Some(Value::Int(entries)) = record.get(entries) else { return None };
            let entries = usize::try_from(*entries).ok()?;
            Some(if record.get(family).and_then(Value::as_text) == Some("IPv6") { [0, entries] } else { [entries, 0] })
        };
        for resource in model.resources.values() {
            let Some(attributes) = counts(resource.address.kind()) else { continue };
            let existing = standing.existing.get(&resource.address);
            let Some(weight) = weight(existing.map_or(&resource.record, |observed| &observed.record), attributes) else { continue };
            let thing = standing.things.get(&resource.address).map(|thing| &thing.state.id);
            let id = thing.or(existing.map(|observed| &observed.id));
            found.extend(id.map(|id| (id.clone(), weight)));
            found.insert(resource.address.to_string(), weight);
        }
        Self(found)
    }

    /// How much of the quotas of both families a part takes, by what this attribute of it says; what names a group takes from both.
    #[must_use]
    pub fn weight(&self, record: &Record, attribute: &str) -> [usize; 2] {
        let list = |name: &str| self.0.get(name).copied().unwrap_or([1, 1]);
        match record.get(attribute) {
            Some(Value::Cidr(cidr)) if cidr.family() == Family::V6 => [0, 1],
            Some(Value::Cidr(_)) => [1, 0],
            Some(Value::Resource(address)) => list(address.as_str()),
            Some(Value::Text(id)) => list(id),
            _ => [1, 1],
        }
    }

    fn sum<'r>(&self, records: impl IntoIterator<Item = &'r Record>) -> [usize; 2] {
        records.into_iter().map(|record| self.weight(record, "peer")).fold([0, 0], |[a, b], [c, d]| [a + c, b + d])
    }
}

/// The turns, one after the other; `None` where there is room for all, or where more stands already than the quota. That is the
/// account's own where AWS was asked, else the one that EC2 documents: then it was raised, and nobody knows to what.
#[must_use]
pub fn turns(quota: usize, lists: &Lists, standing: &[&Record], make: &[&Record], unmake: &[&Record]) -> Option<Vec<Turn>> {
    let sum = |records: &[&Record]| lists.sum(records.iter().copied());
    let (held, more, less) = (sum(standing), sum(make), sum(unmake));
    let fits = (0..2).all(|f| more[f] == 0 || held[f] + more[f] <= quota);
    let hopeless = (0..2).any(|f| held[f] > quota || (held[f] + more[f]).saturating_sub(less[f]) > quota);
    if fits || hopeless {
        return None;
    }
    let mut room = [quota - held[0], quota - held[1]];
    let (mut to_make, mut to_go) = ((0..make.len()).collect::<Vec<_>>(), (0..unmake.len()).collect::<Vec<_>>());
    let mut turns = vec![];
    while !to_make.is_empty() {
        let (mut now, mut later) = (vec![], vec![]);
        for i in to_make {
            let [a, b] = make.get(i).map_or([0, 0], |r| lists.weight(r, "peer"));
            if a <= room[0] && b <= room[1] {
                room = [room[0] - a, room[1] - b];
                now.push(i);
            } else {
                later.push(i);
            }
        }
        to_make = later;
        if !now.is_empty() {
            turns.push(Turn::Make(now));
        }
        if to_make.is_empty() {
            break;
        }
        let rest = to_go.split_off(to_go.len().div_ceil(2).min(to_make.len().max(1)));
        if to_go.is_empty() {
            return None;
        }
        let [a, b] = lists.sum(to_go.iter().filter_map(|i| unmake.get(*i).copied()));
        room = [room[0] + a, room[1] + b];
        turns.push(Turn::Unmake(std::mem::replace(&mut to_go, rest)));
    }
    if !to_go.is_empty() {
        turns.push(Turn::Unmake(to_go));
    }
    Some(turns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(n: usize, peer: &str) -> Vec<Record> {
        let peer: Value = peer.parse().map_or_else(|_| Value::text(peer), Value::Cidr);
        vec![Record::from([("peer".into(), peer)]); n]
    }

    fn played(standing: &[Record], make: &[Record], unmake: usize) -> Option<Vec<Turn>> {
        let refs = |records: &[Record]| -> Vec<Record> { records.to_vec() };
        let (standing, make) = (refs(standing), refs(make));
        let standing: Vec<&Record> = standing.iter().collect();
        turns(60, &Lists::default(), &standing, &make.iter().collect::<Vec<_>>(), &standing[..unmake])
    }

    #[test]
    fn where_there_is_room_new_rules_come_first() {
        assert_eq!(played(&rules(59, "10.0.0.0/8"), &rules(1, "10.0.0.0/8"), 1), None);
        assert_eq!(played(&rules(60, "10.0.0.0/8"), &rules(60, "2001:db8::/32"), 60), None, "each family has a quota of its own");
        assert_eq!(played(&rules(70, "10.0.0.0/8"), &rules(1, "10.0.0.0/8"), 1), None, "the quota was raised");
        assert_eq!(
            played(&rules(60, "10.0.0.0/8"), &rules(2, "10.0.0.0/8"), 1),
            None,
            "no order helps: EC2 refuses, and all old rules stand"
        );
    }

    #[test]
    fn without_room_as_few_go_first_as_need_be() {
        let turns = played(&rules(60, "10.0.0.0/8"), &rules(1, "10.0.0.0/8"), 2);
        assert_eq!(turns, Some(vec![Turn::Unmake(vec![0]), Turn::Make(vec![0]), Turn::Unmake(vec![1])]));
        let turns = played(&rules(60, "10.0.0.0/8"), &rules(1, "sg-1"), 1);
        assert_eq!(turns, Some(vec![Turn::Unmake(vec![0]), Turn::Make(vec![0])]), "a group takes from both quotas");
    }

    #[test]
    fn a_list_takes_as_much_as_it_has_room_for() {
        let rule = || rules(1, "pl-1");
        let lists = Lists(BTreeMap::from([("pl-1".into(), [40, 0])]));
        let (standing, make) = (rules(30, "10.0.0.0/8"), rule());
        let (standing, make): (Vec<&Record>, Vec<&Record>) = (standing.iter().collect(), make.iter().collect());
        // 30 and 40 is more than 60: ten have to go first, at least.
        let turns = turns(60, &lists, &standing, &make, &standing);
        assert!(matches!(turns.as_deref(), Some([Turn::Unmake(_), ..])), "{turns:?}");
        assert_eq!(lists.weight(&rules(1, "2001:db8::/32")[0], "peer"), [0, 1]);
        assert_eq!(lists.weight(&rule()[0], "peer"), [40, 0]);
    }

    #[test]
    fn never_all_are_gone_and_never_too_many_stand() {
        let turns = played(&rules(60, "10.0.0.0/8"), &rules(60, "10.0.0.0/8"), 60).expect("there is no room");
        let (mut stand, mut made, mut gone) = (60, 0, 0);
        for turn in &turns {
            match turn {
                Turn::Make(parts) => (stand, made) = (stand + parts.len(), made + parts.len()),
                Turn::Unmake(parts) => (stand, gone) = (stand - parts.len(), gone + parts.len()),
            }
            assert!((30..=60).contains(&stand), "{turns:?}");
        }
        assert_eq!((made, gone), (60, 60));
    }
}
