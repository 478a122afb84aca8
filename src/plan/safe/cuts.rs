//! The states between the tasks of a plan. Layer 6.

use super::Effect;
use crate::plan::Task;

/// How many more tasks may wait for one another.
const EDGES_MAX: usize = 250_000;

/// Tasks in their order, and the points at which the states between are told apart.
pub struct Cuts {
    /// What each task may do.
    pub effects: Vec<Effect>,
    /// What each task waits for.
    pub needs: Vec<Vec<usize>>,
    /// What waits for each task.
    dependents: Vec<Vec<usize>>,
    /// Tasks that go one at a time, in their order.
    chain: Vec<usize>,
    /// What is done before all else begins, and what begins then.
    barrier: Option<(Vec<usize>, Vec<usize>)>,
}

/// A state: how many of the chain are done, and whether the barrier is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    chain: usize,
    behind: bool,
}

impl Cuts {
    /// Of tasks each of which comes after all that it needs.
    pub fn new(tasks: &[Task], effects: Vec<Effect>) -> Self {
        let mut dependents = vec![vec![]; tasks.len()];
        for (i, task) in tasks.iter().enumerate() {
            task.needs.iter().for_each(|need| dependents[*need].push(i));
        }
        Self { effects, needs: tasks.iter().map(|t| t.needs.clone()).collect(), dependents, chain: vec![], barrier: None }
    }

    /// All that waits for some of these, themselves among them.
    pub fn after(&self, of: &[usize]) -> Vec<bool> {
        reach(&self.dependents, of)
    }

    /// All that some of these wait for, themselves among them.
    fn before(&self, of: &[usize]) -> Vec<bool> {
        reach(&self.needs, of)
    }

    /// Lets tasks wait for one; false where it waits for one of them.
    pub fn all_after(&mut self, task: usize, late: &[usize]) -> bool {
        let before = self.before(&[task]);
        if late.iter().any(|t| before[*t]) {
            return false;
        }
        let after = self.after(&[task]);
        late.iter().filter(|t| !after[**t]).for_each(|t| self.wait(*t, task));
        true
    }

    /// Lets tasks go one after the other, in an order that fits all they wait for: those that come later in the plan last, or
    /// first.
    pub fn one_at_a_time(&mut self, tasks: &[usize], late_first: bool) {
        let mut left: Vec<usize> = tasks.to_vec();
        left.sort_unstable();
        while !left.is_empty() {
            let free = |task: &usize| {
                let before = self.before(&[*task]);
                left.iter().all(|other| other == task || !before[*other])
            };
            let next = if late_first { left.iter().rposition(free) } else { left.iter().position(free) };
            let task = left.remove(next.unwrap_or(0));
            if let Some(last) = self.chain.last().copied() {
                self.wait(task, last);
            }
            self.chain.push(task);
        }
    }

    fn wait(&mut self, task: usize, first: usize) {
        if !self.needs[task].contains(&first) {
            self.needs[task].push(first);
            self.dependents[first].push(task);
        }
    }

    /// Lets what opens be done before what closes begins, or the other way round, and what may do either between them;
    /// false where there is nothing to part.
    pub fn barrier(&mut self, opens_first: bool) -> bool {
        let all = |effect: Effect| (0..self.needs.len()).filter(|t| self.effects[*t] == effect).collect::<Vec<_>>();
        let (first, then) = if opens_first { (Effect::Opens, Effect::Closes) } else { (Effect::Closes, Effect::Opens) };
        let (first, then) = (all(first), all(then));
        if let Some(end) = self.chain.last().copied() {
            let late = self.after(&[end]);
            for task in first.iter().copied().filter(|t| !late[*t]) {
                // What waits for some of the chain goes before the rest of it.
                let after = self.before(&[task]);
                if let Some(next) = self.chain.iter().copied().find(|t| !after[*t]) {
                    self.wait(next, task);
                }
            }
            for task in &then {
                let needed = self.after(&[*task]);
                if let Some(last) = self.chain.iter().copied().take_while(|t| !needed[*t]).last() {
                    self.wait(*task, last);
                }
            }
        }
        let needed = self.before(&first);
        let then: Vec<usize> = then.into_iter().filter(|t| !needed[*t]).collect();
        if first.is_empty() || then.is_empty() {
            return !self.chain.is_empty();
        }
        if first.len() * then.len() > EDGES_MAX {
            return false;
        }
        for task in &then {
            first.iter().for_each(|first| self.wait(*task, *first));
        }
        self.barrier = Some((first, then));
        true
    }

    /// The states to look at.
    pub fn states(&self) -> Vec<State> {
        let sides: &[bool] = if self.barrier.is_some() { &[false, true] } else { &[true] };
        let all = (0..=self.chain.len()).flat_map(|chain| sides.iter().map(move |behind| State { chain, behind: *behind }));
        all.filter(|state| self.sides(*state).is_some()).collect()
    }

    /// What is surely done in a state, and what surely is not; `None` where there is no such state.
    fn sides(&self, state: State) -> Option<(Vec<bool>, Vec<bool>)> {
        let (done, undone) = self.chain.split_at(state.chain);
        let (mut done, mut undone) = (done.to_vec(), undone.to_vec());
        if let Some((first, then)) = &self.barrier {
            if state.behind { done.extend(first) } else { undone.extend(then) }
        }
        let (done, undone) = (self.before(&done), self.after(&undone));
        done.iter().zip(&undone).all(|(d, u)| !(*d && *u)).then_some((done, undone))
    }

    /// The tasks that are done where as much as can be of the one effect is done, and no more than must be of its opposite.
    pub fn done(&self, state: &State, most: Effect) -> Vec<bool> {
        let Some((surely, never)) = self.sides(*state) else { return vec![false; self.needs.len()] };
        let least = if most == Effect::Opens { Effect::Closes } else { Effect::Opens };
        let task = |t: usize| if self.effects[t] == least || self.effects[t] == Effect::Turns { surely[t] } else { !never[t] };
        (0..self.needs.len()).map(task).collect()
    }
}

/// All that can be reached by edges.
fn reach(edges: &[Vec<usize>], from: &[usize]) -> Vec<bool> {
    let mut found = vec![false; edges.len()];
    let mut open = from.to_vec();
    while let Some(node) = open.pop() {
        if !std::mem::replace(&mut found[node], true) {
            open.extend(&edges[node]);
        }
    }
    found
}
