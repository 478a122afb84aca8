//! The lines that what policies require goes through. Layer 5.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    prove::{
        chart::Chart,
        walk::{Line, PIECES_MAX},
    },
    schema::model::Model,
};

use super::{Case, statements};

/// How many pairs of a source and a goal are looked at for the lines that they need.
const PAIRS_MAX: usize = 2_000;

/// What judging has learned of the lines that statements need, by their numbers among all of a model; it is of one chart.
#[derive(Debug, Default)]
pub struct Needs(BTreeMap<usize, Need>);

#[derive(Debug)]
enum Need {
    Lines(BTreeSet<Line>),
    /// What does not work yet may need any line, and so may what takes too long to look at.
    Any,
}

impl Needs {
    pub(super) fn learn(&mut self, statement: usize, note: Note) {
        let need = match note.0.into_inner() {
            State::Noting { lines, .. } => Need::Lines(lines),
            State::Any => Need::Any,
            State::Lost => return,
        };
        self.0.insert(statement, need);
    }
}

/// What is noted while one `require` is judged.
#[derive(Default)]
pub(super) struct Note(RefCell<State>);

#[derive(Default)]
enum State {
    Noting {
        lines: BTreeSet<Line>,
        /// Whether there were any between the source and the goal that are judged now.
        some: bool,
        /// The most pieces that sending to all of the goal's addresses at once could have come to.
        pieces: usize,
    },
    Any,
    /// Not all was looked at, or nothing.
    #[default]
    Lost,
}

impl Note {
    /// So many pairs come.
    pub fn begin(&self, pairs: usize) {
        let noting = State::Noting { lines: BTreeSet::new(), some: false, pieces: 0 };
        self.0.replace(if pairs > PAIRS_MAX { State::Any } else { noting });
    }

    /// Whether more lines are wanted.
    pub fn wants(&self) -> bool {
        matches!(*self.0.borrow(), State::Noting { .. })
    }

    /// The lines of some of a goal's addresses, whose packets came to so many pieces at most. Where those of all together could
    /// be too many for a walk, nothing is noted: [`needed_lines`] looks at all together.
    pub fn add(&self, more: impl Iterator<Item = Line>, most: usize) {
        let mut state = self.0.borrow_mut();
        let State::Noting { lines, some, pieces } = &mut *state else { return };
        more.for_each(|line| {
            *some = true;
            lines.insert(line);
        });
        *pieces += most;
        if *pieces > PIECES_MAX {
            *state = State::Lost;
        }
    }

    /// Not everything will be looked at.
    pub fn lose(&self) {
        self.0.replace(State::Lost);
    }

    /// A source and a goal are done; `ways` says whether there is any way between them.
    pub fn next(&self, ways: impl Fn() -> bool) {
        let mut state = self.0.borrow_mut();
        let State::Noting { some, pieces, .. } = &mut *state else { return };
        *pieces = 0;
        if !std::mem::take(some) && ways() {
            *state = State::Any;
        }
    }
}

/// The lines that what policies require goes through, there and back; `None` if that takes too long to tell. What judging
/// has learned on this chart is not looked for again.
#[must_use]
pub fn needed_lines(chart: &Chart<'_>, model: &Model, learned: &Needs) -> Option<BTreeSet<Line>> {
    let requires = || statements(model).enumerate().filter(|(_, (_, s))| s.require);
    if requires().any(|(n, _)| matches!(learned.0.get(&n), Some(Need::Any))) {
        return None;
    }
    let mut lines = BTreeSet::new();
    for (n, (_, statement)) in requires() {
        if let Some(Need::Lines(known)) = learned.0.get(&n) {
            lines.extend(known);
            continue;
        }
        let case = Case::new(chart, model, statement);
        let Ok((from, to)) = case.sides() else { return None };
        if from.len() * to.len() > PAIRS_MAX {
            return None;
        }
        for (source, goal) in from.iter().flat_map(|s| to.iter().map(move |g| (s, g))) {
            let own = case.lines_of(source, goal);
            if own.is_empty() && !goal.ways_from(chart, source, true).is_empty() {
                return None;
            }
            lines.extend(own);
        }
    }
    Some(lines)
}
