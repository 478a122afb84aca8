//! Which kinds differ in what passes between them, without a look at every pair. Layer 5.
//!
//! Two classes are close if they share a subnet or a rule of the one's groups names a group of the other's. What passes
//! between classes that are not close depends on nothing but how each of them fares by itself, so one pair speaks for all
//! that are alike: the work grows with the close pairs, and not with the square of the kinds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    kinds::Kind,
    pairs::{Pairs, Plain},
};

/// The kinds of some networks, and who is close to whom in any of them.
pub(super) struct Far<'k> {
    kinds: &'k [Kind],
    /// How each kind fares by itself, by number.
    plain: Vec<usize>,
    /// The kinds of each such number, in order.
    alike: Vec<Vec<usize>>,
    /// Whether what passes differs, between kinds of two numbers that are not close.
    known: HashMap<(usize, usize), bool>,
    /// The kinds that a class is part of, in each network.
    of_class: Vec<HashMap<usize, Vec<usize>>>,
}

impl<'k> Far<'k> {
    /// Of networks whose pairs are given in the order in which the kinds have them.
    pub(super) fn new(kinds: &'k [Kind], pairs: &[Pairs<'_, '_>]) -> Self {
        let mut numbers: BTreeMap<Vec<BTreeSet<Option<Plain>>>, usize> = BTreeMap::new();
        let (mut plain, mut of_class) = (vec![], vec![HashMap::<usize, Vec<usize>>::new(); pairs.len()]);
        let mut alike: Vec<Vec<usize>> = vec![];
        for (number, kind) in kinds.iter().enumerate() {
            for (of_class, classes) in of_class.iter_mut().zip(&kind.classes) {
                classes.iter().for_each(|class| of_class.entry(*class).or_default().push(number));
            }
            let key = kind.classes.iter().zip(pairs).map(|(classes, pairs)| classes.iter().map(|c| pairs.plain(*c)).collect());
            let next = numbers.len();
            let own = *numbers.entry(key.collect()).or_insert(next);
            plain.push(own);
            match alike.get_mut(own) {
                Some(others) => others.push(number),
                None => alike.push(vec![number]),
            }
        }
        Self { kinds, plain, alike, known: HashMap::new(), of_class }
    }

    /// The kinds that are close to one, and itself.
    pub(super) fn close(&self, from: usize, pairs: &[Pairs<'_, '_>]) -> BTreeSet<usize> {
        let mut close = BTreeSet::from([from]);
        let classes = self.kinds.get(from).map_or(&[][..], |kind| &kind.classes);
        for ((classes, of_class), pairs) in classes.iter().zip(&self.of_class).zip(pairs) {
            let near: BTreeSet<usize> = classes.iter().flat_map(|class| pairs.close(*class)).collect();
            close.extend(near.iter().filter_map(|class| of_class.get(class)).flatten());
        }
        close
    }

    /// The kinds to which something else passes, in order: `differs` looks at one pair.
    pub(super) fn differing(
        &mut self,
        from: usize,
        close: &BTreeSet<usize>,
        mut differs: impl FnMut(&Kind, &Kind) -> bool,
    ) -> Vec<&'k Kind> {
        let kinds = self.kinds;
        let (Some(kind), Some(plain)) = (kinds.get(from), self.plain.get(from)) else { return vec![] };
        let mut between =
            |to: &usize| kinds.get(*to).is_some_and(|to| (!std::ptr::eq(kind, to) || kind.names.len() > 1) && differs(kind, to));
        let mut found: Vec<usize> = close.iter().copied().filter(|to| between(to)).collect();
        for (number, alike) in self.alike.iter().enumerate() {
            let mut far = alike.iter().filter(|to| !close.contains(to)).peekable();
            let Some(first) = far.peek() else { continue };
            if *self.known.entry((*plain, number)).or_insert_with(|| between(first)) {
                found.extend(far);
            }
        }
        found.sort_unstable();
        found.into_iter().filter_map(|to| kinds.get(to)).collect()
    }
}
