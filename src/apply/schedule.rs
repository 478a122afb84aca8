//! Which task is next. Layer 7: pure; knows tasks by their index, their needs, and how rarely EC2 takes their calls.
//!
//! What EC2 takes rarely decides how long a large apply lasts: `RunInstances` twice a second. So it starts as soon as it
//! may, and of the rest first what leads to it, one after the other, so that EC2 is never kept waiting for the next.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// What may start, in a stable order: of all that is ready, what leads to the rarest call, and then the lowest index.
#[derive(Debug)]
pub struct Schedule {
    needs: Vec<BTreeSet<usize>>,
    dependents: Vec<Vec<usize>>,
    /// Of each task, the rarest of what it leads to; itself, if nothing is rarer.
    goals: Vec<(Reverse<Duration>, usize)>,
    ready: BTreeSet<((Reverse<Duration>, usize), usize)>,
    started: BTreeSet<usize>,
    /// What cannot start any more, and the failed task that it needs, directly or not.
    blocked: BTreeMap<usize, usize>,
}

impl Schedule {
    /// A schedule of tasks, each given by the tasks that must be done before it, which have lower indices, and by the time
    /// that EC2 wants between two calls like its own.
    pub fn new<'a>(tasks: impl IntoIterator<Item = (&'a [usize], Duration)>) -> Self {
        let (needs, intervals): (Vec<BTreeSet<usize>>, Vec<Duration>) =
            tasks.into_iter().map(|(needs, interval)| (needs.iter().copied().collect(), interval)).unzip();
        let mut dependents = vec![vec![]; needs.len()];
        for (task, needs) in needs.iter().enumerate() {
            for need in needs {
                if let Some(dependents) = dependents.get_mut(*need) {
                    dependents.push(task);
                }
            }
        }
        let mut goals: Vec<_> = intervals.into_iter().enumerate().map(|(task, interval)| (Reverse(interval), task)).collect();
        for task in (0..goals.len()).rev() {
            for need in &needs[task] {
                if *need < task {
                    goals[*need] = goals[*need].min(goals[task]);
                }
            }
        }
        let ready = needs.iter().enumerate().filter(|(_, needs)| needs.is_empty()).map(|(task, _)| (goals[task], task)).collect();
        Self { needs, dependents, goals, ready, started: BTreeSet::new(), blocked: BTreeMap::new() }
    }

    /// A task that may start now; it counts as started.
    pub fn next(&mut self) -> Option<usize> {
        let (_, task) = self.ready.pop_first()?;
        self.started.insert(task);
        Some(task)
    }

    /// A task is done: what waited for nothing else may start.
    pub fn done(&mut self, task: usize) {
        for dependent in self.dependents.get(task).cloned().unwrap_or_default() {
            let Some(needs) = self.needs.get_mut(dependent) else { continue };
            needs.remove(&task);
            if needs.is_empty() && !self.started.contains(&dependent) {
                self.ready.insert((self.goals[dependent], dependent));
            }
        }
    }

    /// A task has failed: what needs it, directly or not, will not start.
    pub fn failed(&mut self, task: usize) {
        let mut reached = self.dependents.get(task).cloned().unwrap_or_default();
        while let Some(dependent) = reached.pop() {
            if self.blocked.insert(dependent, task).is_none() {
                reached.extend(self.dependents.get(dependent).into_iter().flatten());
            }
        }
    }

    /// What was never started, and the failed task that stands in its way.
    pub fn rest(&self) -> impl Iterator<Item = (usize, Option<usize>)> {
        (0..self.needs.len()).filter(|task| !self.started.contains(task)).map(|task| (task, self.blocked.get(&task).copied()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule<const N: usize>(needs: [&[usize]; N]) -> Schedule {
        Schedule::new(needs.map(|needs| (needs, Duration::from_millis(200))))
    }

    #[test]
    fn what_leads_to_the_rarest_call_goes_first_and_one_after_the_other() {
        let (often, rarely) = (Duration::from_millis(200), Duration::from_millis(500));
        let tasks: [(&[usize], Duration); 6] = [(&[], often), (&[], often), (&[], often), (&[0], often), (&[1], rarely), (&[2], rarely)];
        let mut schedule = Schedule::new(tasks);
        assert_eq!((schedule.next(), schedule.next()), (Some(1), Some(2)));
        schedule.done(2);
        assert_eq!((schedule.next(), schedule.next(), schedule.next()), (Some(5), Some(0), None));
    }

    #[test]
    fn a_failure_stops_what_needs_it_and_nothing_else() {
        let needs: [&[usize]; 5] = [&[], &[0], &[1], &[], &[3]];
        let mut schedule = schedule(needs);
        assert_eq!((schedule.next(), schedule.next(), schedule.next()), (Some(0), Some(3), None));
        schedule.failed(0);
        schedule.done(3);
        assert_eq!((schedule.next(), schedule.next()), (Some(4), None));
        assert_eq!(schedule.rest().collect::<Vec<_>>(), [(1, Some(0)), (2, Some(0))]);
    }

    #[test]
    fn a_task_waits_for_everything_that_it_needs() {
        let needs: [&[usize]; 3] = [&[], &[], &[0, 1, 0]];
        let mut schedule = schedule(needs);
        assert_eq!((schedule.next(), schedule.next()), (Some(0), Some(1)));
        schedule.done(1);
        assert_eq!(schedule.next(), None);
        schedule.done(0);
        assert_eq!(schedule.next(), Some(2));
    }
}
