//! Which task waits for which. Layer 6.
//!
//! Two graphs rule: that of what is wanted (made after all that it needs) and that of what stands (goes before all that it needs).

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{address::Address, codes::plan as codes, diagnostic::Diagnostic},
    graph::{self, Graph, Node},
    plan::{
        Action, Task,
        decide::{Decision, Decisions, PartDecision},
        once,
        once::Taken,
        standing::Standing,
        tasks::Tasks,
    },
    registry::Spec,
    resources,
    schema::model::Resource,
    state::{Part, event::What},
};

/// Whether a resource's successor is to be made before it goes: as its block says, or else its type.
pub fn wants_create_first(resource: &Resource, spec: &Spec) -> bool {
    resource.lifecycle.create_first.unwrap_or(spec.create_first)
}

/// Those of the replaced whose successor is made before they go.
///
/// A type may want that, but not inside something that must itself go before its successor comes.
#[must_use]
pub fn create_first(decisions: &Decisions<'_>, in_order: &[&Resource], taken: &[Taken]) -> BTreeSet<Address> {
    let mut found = BTreeSet::new();
    // What comes after something has gone, or in something that does.
    let mut late: BTreeSet<&Address> = taken.iter().map(|t| &t.new.0).collect();
    for resource in in_order {
        let mut named = vec![];
        resource.record.values().for_each(|v| v.resources(&mut named));
        let free = !late.contains(&resource.address) && !named.iter().any(|a| late.contains(a));
        let replaced = decisions.replaced.contains(&resource.address);
        if replaced && free && resources::spec(resource.address.kind()).is_some_and(|s| wants_create_first(resource, s)) {
            found.insert(resource.address.clone());
        } else if replaced || !free && decisions.wanted.get(&resource.address).is_some_and(|d| d.action == Some(Action::Create)) {
            late.insert(&resource.address);
        }
    }
    found
}

/// Which of two comes first within an owner, where nothing else says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// What a kind of part says: the new rule before the old one goes.
    Usual,
    /// What is made.
    Made,
    /// What is unmade.
    Unmade,
}

/// What an order follows from.
pub struct Given<'a> {
    /// What is wanted.
    pub wanted: &'a Graph<'a>,
    /// What stands.
    pub standing: &'a Standing<'a>,
    /// What was decided.
    pub decisions: &'a Decisions<'a>,
    /// Those whose successor is made before they go.
    pub create_first: &'a BTreeSet<Address>,
    /// What comes in the place of something of another name.
    pub taken: &'a [Taken],
}

/// Puts the tasks in an order and says what each waits for.
///
/// # Errors
/// They wait for each other.
pub fn order(tasks: Tasks, given: &Given<'_>, first: First) -> Result<Vec<Task>, Diagnostic> {
    let Given { wanted, standing, decisions, create_first, taken } = *given;
    if tasks.all.is_empty() {
        return Ok(vec![]);
    }
    let mut edges = Edges { tasks: &tasks, needs: vec![BTreeSet::new(); tasks.all.len()] };
    edges.making(wanted, first);
    let resources: Vec<Resource> = standing.things.iter().map(|(address, thing)| thing.as_resource(address, standing)).collect();
    edges.unmaking(&resources, standing);
    edges.replacing(decisions, create_first);
    let mut own: BTreeMap<&Address, Vec<usize>> = BTreeMap::new();
    for (index, task) in edges.tasks.all.iter().enumerate() {
        own.entry(task.what.address()).or_default().push(index);
    }
    for decision in decisions.wanted.values() {
        edges.within(&decision.resource.address, &decision.parts, first);
        edges.apart(decision);
        if decision.spec.one_at_a_time {
            let own = own.get(&decision.resource.address).map_or(&[][..], Vec::as_slice);
            edges.one_at_a_time(&decision.resource.address, own, decisions.replaced.contains(&decision.resource.address));
        }
    }
    edges.across(standing, decisions);
    edges.once(taken);
    edges.deposed();
    let needs: Vec<Vec<usize>> = edges.needs.into_iter().map(|n| n.into_iter().collect()).collect();
    sorted(tasks.all, &needs).map_err(|found| once::in_circle(taken, decisions).unwrap_or(found))
}

/// Renumbers the tasks so that each comes after all that it needs.
///
/// # Errors
/// They wait for each other.
pub fn sorted(tasks: Vec<Task>, needs: &[Vec<usize>]) -> Result<Vec<Task>, Diagnostic> {
    let order = graph::order(needs).map_err(|ordered| {
        let stuck = tasks.iter().enumerate().filter(|(i, _)| !ordered.contains(i)).map(|(_, t)| t.title.as_str());
        codes::no_order(&stuck.collect::<Vec<_>>())
    })?;
    let mut place = vec![0; order.len()];
    for (new, old) in order.iter().enumerate() {
        place[*old] = new;
    }
    let mut sorted: Vec<(usize, Task)> = tasks.into_iter().enumerate().map(|(old, task)| (place[old], task)).collect();
    for (task, needs) in sorted.iter_mut().map(|(_, t)| t).zip(needs) {
        task.needs = needs.iter().map(|n| place[*n]).collect();
        task.needs.sort_unstable();
    }
    sorted.sort_by_key(|(new, _)| *new);
    Ok(sorted.into_iter().map(|(_, task)| task).collect())
}

struct Edges<'a> {
    tasks: &'a Tasks,
    needs: Vec<BTreeSet<usize>>,
}

impl Edges<'_> {
    fn need(&mut self, task: usize, other: usize) {
        if task != other {
            self.needs[task].insert(other);
        }
    }

    fn all_need(&mut self, tasks: &[usize], others: &[usize]) {
        for task in tasks {
            for other in others {
                self.need(*task, *other);
            }
        }
    }

    /// What is wanted is made or changed after all that it needs.
    ///
    /// A need that does not change is passed through: what stood before is not waited for, but what it waits for is.
    fn making(&mut self, wanted: &Graph<'_>, first: First) {
        let of = |node: &Node<'_>| -> Vec<usize> {
            match node.part {
                None => self.tasks.thing.get(node.address).cloned().unwrap_or_default(),
                Some(index) => self.tasks.part.get(&(node.address.clone(), index)).copied().into_iter().collect(),
            }
        };
        let tasks: Vec<Vec<usize>> = wanted.nodes.iter().map(of).collect();
        for (node, needs) in wanted.needs.iter().enumerate() {
            let of_others = |need: &&usize| wanted.nodes[**need].address != wanted.nodes[node].address;
            for need in needs {
                // Where nothing new is to pass meanwhile, whoever carries a group does not wait for its rules.
                if first == First::Unmade && self.is_rule(&tasks[*need]) && of_others(&need) {
                    continue;
                }
                self.all_need(&tasks[node], &tasks[*need]);
            }
        }
    }

    /// Whether these tasks make what lets more through, and nothing that anybody needs to know.
    fn is_rule(&self, tasks: &[usize]) -> bool {
        let rule = |task: &usize| match &self.tasks.all[*task].what {
            What::MakeParts { address, parts } => {
                let spec = resources::spec(address.kind());
                let part = |part: &Part| spec.and_then(|s| s.part(&part.name)).is_some_and(|p| p.create_first && !p.essential);
                parts.iter().all(|p| part(p) && spec.is_some_and(|s| s.opens.contains(&&*p.name)))
            }
            _ => false,
        };
        !tasks.is_empty() && tasks.iter().all(rule)
    }

    /// What stands goes after all that needs it has gone or has been changed.
    fn unmaking(&mut self, resources: &[Resource], standing: &Standing<'_>) {
        let graph = Graph::build(resources);
        let by_address: BTreeMap<&Address, &Resource> = resources.iter().map(|r| (&r.address, r)).collect();
        let key = |node: &Node<'_>, index: usize| {
            let part = by_address.get(node.address)?.parts.get(index)?;
            let spec = resources::spec(node.address.kind())?.part(part.name)?;
            Some((node.address.clone(), spec.key_of(&standing.record_ids(&part.record, &BTreeSet::new()))))
        };
        let mut goes: Vec<Option<usize>> = vec![];
        let mut moves: Vec<Vec<usize>> = vec![];
        for node in &graph.nodes {
            let deleted = self.tasks.delete.get(node.address).copied();
            // What AWS gives is let go of: parts that are not unmade stay as they stand.
            let stays = resources::spec(node.address.kind()).is_some_and(|spec| spec.stands_for.is_some());
            let (gone, changed) = match node.part {
                None => (deleted, self.tasks.thing.get(node.address).filter(|_| deleted.is_none()).cloned().unwrap_or_default()),
                Some(index) => match key(node, index) {
                    Some(key) => (
                        self.tasks.unmake.get(&key).copied().or(deleted.filter(|_| !stays)),
                        self.tasks.change.get(&key).copied().into_iter().collect(),
                    ),
                    None => (deleted, vec![]),
                },
            };
            moves.push(gone.map_or(changed, |task| vec![task]));
            goes.push(gone);
        }
        let holds = |node: usize| graph.nodes.get(node).and_then(|n| resources::spec(n.address.kind())).is_none_or(|spec| !spec.loose);
        for (node, needs) in graph.needs.iter().enumerate().filter(|(node, _)| holds(*node)) {
            for gone in needs.iter().filter_map(|n| goes[*n]) {
                self.all_need(&[gone], &moves[node]);
            }
        }
    }

    fn replacing(&mut self, decisions: &Decisions<'_>, create_first: &BTreeSet<Address>) {
        for address in &decisions.replaced {
            let Some(delete) = self.tasks.delete.get(address).copied() else { continue };
            let made = self.tasks.thing.get(address).cloned().unwrap_or_default();
            if create_first.contains(address) {
                self.all_need(&[delete], &made);
            } else {
                self.all_need(&made, &[delete]);
            }
        }
    }

    /// Within an owner: the new rule before the old one goes, or what takes a key after what held it.
    fn within(&mut self, address: &Address, parts: &[PartDecision], first: First) {
        for spec in resources::spec(address.kind()).iter().flat_map(|s| s.parts) {
            let in_turns = self.tasks.turns.iter().find(|(owner, kind, _)| owner == address && *kind == spec.name);
            if let Some((_, _, turns)) = in_turns {
                turns.windows(2).for_each(|pair| self.all_need(&pair[1..], &pair[..1]));
                continue;
            }
            let of_kind = || parts.iter().filter(|p| p.spec.name == spec.name && !p.same);
            let unmade = |p: &PartDecision| {
                let key = spec.key_of(p.observed.as_ref()?);
                self.tasks.unmake.get(&(address.clone(), key)).copied()
            };
            let gone: Vec<usize> = of_kind().filter_map(unmade).collect();
            let made = |p: &PartDecision| self.tasks.part.get(&(address.clone(), p.index?)).copied();
            for part in of_kind() {
                let Some(make) = made(part) else { continue };
                match unmade(part) {
                    Some(old) => self.need(make, old),
                    None if spec.create_first && first != First::Unmade => self.all_need(&gone, &[make]),
                    None => {}
                }
            }
        }
    }

    /// Within an owner: parts that may not be there together.
    fn apart(&mut self, decision: &Decision<'_>) {
        let address = &decision.resource.address;
        let [mut goes, mut comes, mut changes]: [BTreeMap<&str, Vec<usize>>; 3] = Default::default();
        for part in decision.parts.iter().filter(|p| !p.same) {
            let key = part.observed.as_ref().map(|held| (address.clone(), part.spec.key_of(held)));
            let gone = key.as_ref().and_then(|key| self.tasks.unmake.get(key));
            goes.entry(part.spec.name).or_default().extend(gone);
            changes.entry(part.spec.name).or_default().extend(key.as_ref().and_then(|key| self.tasks.change.get(key)));
            let made = part.index.and_then(|index| self.tasks.part.get(&(address.clone(), index)));
            comes.entry(part.spec.name).or_default().extend(made);
        }
        let of = |tasks: &BTreeMap<&str, Vec<usize>>, name: &str| tasks.get(name).cloned().unwrap_or_default();
        for (bar, barred) in decision.spec.bars {
            for other in *barred {
                let changed = of(&changes, other);
                self.all_need(&of(&comes, other), &of(&goes, bar));
                self.all_need(&changed, &of(&goes, bar));
                self.all_need(&of(&comes, bar), &of(&goes, other));
                self.all_need(&of(&comes, bar), &changed);
            }
        }
    }

    /// Within an owner of which EC2 takes one change at a time: what is unmade, then what is changed, then what is made, then what stays until
    /// its successor stands.
    fn one_at_a_time(&mut self, address: &Address, own: &[usize], replaced: bool) {
        let (mut unmade, mut rest, mut last): (Vec<usize>, Vec<usize>, Vec<usize>) = (vec![], vec![], vec![]);
        let spec = resources::spec(address.kind());
        let stays_longer = |part: Option<&Part>| part.and_then(|part| spec?.part(&part.name)).is_some_and(|part| part.create_first);
        for task in own.iter().copied() {
            match &self.tasks.all[task].what {
                // Those of one that is replaced are parts of another thing.
                What::UnmakeParts { .. } if replaced => {}
                What::UnmakeParts { parts, .. } if stays_longer(parts.first()) => last.push(task),
                What::UnmakeParts { .. } => unmade.push(task),
                What::Create { .. } | What::CreateAlike { .. } | What::Update { .. } | What::ChangePart { .. } | What::MakeParts { .. } => {
                    rest.push(task);
                }
                What::Delete { .. } | What::Forget { .. } => {}
            }
        }
        let chain: Vec<usize> = unmade.into_iter().chain(rest).chain(last).collect();
        for pair in chain.windows(2) {
            if let [first, then] = pair {
                self.need(*then, *first);
            }
        }
    }

    /// Across owners of a kind: a subnet leaves its old table before a new one takes it.
    fn across(&mut self, standing: &Standing<'_>, decisions: &Decisions<'_>) {
        let mut unmade: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
        for ((address, key), task) in &self.tasks.unmake {
            unmade.entry((resources::taken_for(address.kind()), key)).or_default().push(*task);
        }
        for decision in decisions.wanted.values() {
            for part in decision.parts.iter().filter(|p| p.spec.governs.is_some() && p.observed.is_none()) {
                let key = part.wanted.as_ref().map(|w| part.spec.key_of(&standing.record_ids(w, &decisions.replaced)));
                let make = part.index.and_then(|i| self.tasks.part.get(&(decision.resource.address.clone(), i))).copied();
                let gone = key.as_deref().and_then(|key| unmade.get(&(decision.spec.taken_for(), key)));
                if let (Some(gone), Some(make)) = (gone, make) {
                    self.all_need(&[make], gone);
                }
            }
        }
    }

    /// What can stand but once at a time comes when the one before has gone.
    fn once(&mut self, taken: &[Taken]) {
        for Taken { new: (new, part), old: (old, key), .. } in taken {
            let thing = || self.tasks.thing.get(new).cloned().unwrap_or_default();
            let made = match part.and_then(|index| self.tasks.part.get(&(new.clone(), index))) {
                Some(task) => vec![*task],
                None => thing(),
            };
            let unmade = key.as_ref().and_then(|key| self.tasks.unmake.get(&(old.clone(), key.clone())));
            let gone: Vec<usize> = unmade.or_else(|| self.tasks.delete.get(old)).copied().into_iter().collect();
            self.all_need(&made, &gone);
        }
    }

    /// What was replaced earlier goes when nothing can refer to it any more, and before what it refers to goes.
    fn deposed(&mut self) {
        let deposed = &self.tasks.deposed;
        let changes = |task: &Task| !matches!(task.what, What::Delete { .. });
        let others: Vec<usize> = self.tasks.all.iter().enumerate().filter(|(_, t)| changes(t)).map(|(i, _)| i).collect();
        let ids: BTreeSet<&str> = deposed.iter().filter_map(|i| id_of(&self.tasks.all[*i])).collect();
        let own = |task: &usize| id_of(&self.tasks.all[*task]).is_some_and(|id| ids.contains(id));
        let (own_parts, others): (Vec<usize>, Vec<usize>) = others.into_iter().partition(own);
        self.all_need(deposed, &own_parts);
        self.all_need(deposed, &others);
        let deletes: Vec<usize> = self.tasks.delete.values().copied().collect();
        let first: Vec<usize> = deletes.iter().copied().filter(|d| self.needs_directly(&others, *d)).collect();
        let late: Vec<usize> = deletes.into_iter().filter(|d| !first.contains(d)).collect();
        self.all_need(&late, deposed);
    }

    fn needs_directly(&self, tasks: &[usize], delete: usize) -> bool {
        tasks.iter().any(|t| self.needs[*t].contains(&delete))
    }
}

fn id_of(task: &Task) -> Option<&str> {
    match &task.what {
        What::Delete { id, .. } | What::UnmakeParts { id, .. } => Some(id),
        _ => None,
    }
}
