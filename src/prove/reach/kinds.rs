//! Named things that fare alike, in one network or in two. Layer 5.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    net::Owner,
    prove::{chart::Chart, walk::Spot},
};

use super::class::Classes;

/// Things by name whose interfaces are of the same classes.
#[derive(Debug)]
pub(super) struct Kind {
    /// What they are called.
    pub names: Vec<Arc<str>>,
    /// The interfaces of the first of them, in each network.
    pub first: Vec<Vec<usize>>,
    /// The interfaces of the second, if there is one.
    pub second: Vec<Vec<usize>>,
    /// The classes of each one's interfaces, in each network.
    pub classes: Vec<Vec<usize>>,
}

/// The kinds of things in networks whose things go by the same names.
pub(super) fn kinds(charts: &[(&Chart<'_>, &Classes)]) -> Vec<Kind> {
    let mut things: BTreeMap<Arc<str>, Vec<Vec<usize>>> = BTreeMap::new();
    for (at, (chart, _)) in charts.iter().enumerate() {
        for (i, interface) in chart.net.interfaces.iter().enumerate() {
            // What only forwards begins nothing and answers nothing.
            if matches!(interface.owner, Owner::NatGateway(_) | Owner::TransitGateway) {
                continue;
            }
            let of = things.entry(chart.name(Spot::Interface(i)).into()).or_insert_with(|| vec![vec![]; charts.len()]);
            if let Some(list) = of.get_mut(at) {
                list.push(i);
            }
        }
    }
    let mut kinds: BTreeMap<Vec<Vec<usize>>, Kind> = BTreeMap::new();
    for (name, interfaces) in things {
        let class = |(list, (_, classes)): (&Vec<usize>, &(&Chart<'_>, &Classes))| -> Vec<usize> {
            let mut all: Vec<usize> = list.iter().filter_map(|i| classes.of.get(*i).copied()).collect();
            all.sort_unstable();
            all
        };
        let key: Vec<Vec<usize>> = interfaces.iter().zip(charts).map(class).collect();
        match kinds.get_mut(&key) {
            Some(kind) => {
                if kind.second.is_empty() {
                    kind.second = interfaces;
                }
                kind.names.push(name);
            }
            None => {
                let kind = Kind { names: vec![name], first: interfaces, second: vec![], classes: key.clone() };
                kinds.insert(key, kind);
            }
        }
    }
    kinds.into_values().collect()
}
