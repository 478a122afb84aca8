//! Work that is shared out among threads.

use std::{
    num::NonZero,
    panic::resume_unwind,
    sync::atomic::{AtomicUsize, Ordering},
    thread::{self, available_parallelism},
};

/// How many threads there are at most: memory is claimed for each.
const THREADS_MAX: usize = 8;
/// What a thread has of stack: as much as the first one has.
const STACK: usize = 8 << 20;

/// What `work` makes of each, in their order; in up to so many threads as the work is `worth`, if there are as many processors.
///
/// A panic in one of them is a panic here.
pub fn each<T: Sync, R: Send>(all: &[T], worth: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX).min(all.len()).min(worth);
    if threads < 2 {
        return all.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let own = || -> Vec<(usize, R)> {
        let turns = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        turns.map_while(|n| Some((n, work(all.get(n)?)))).collect()
    };
    let mut found = thread::scope(|scope| {
        // Where there is no thread to be had, the others do its part.
        let others: Vec<_> = (1..threads).filter_map(|_| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, own).ok()).collect();
        let mut found = own();
        for other in others {
            found.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        found
    });
    found.sort_unstable_by_key(|(n, _)| *n);
    found.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::each;

    #[test]
    fn what_is_shared_out_comes_back_in_order() {
        let all: Vec<u64> = (0..1000).collect();
        for worth in [0, 1, 2, 100] {
            assert_eq!(each(&all, worth, |n| n * n), all.iter().map(|n| n * n).collect::<Vec<_>>());
        }
        assert_eq!(each(&[] as &[u64], 8, |n| *n), Vec::<u64>::new());
        assert!(catch_unwind(|| each(&all, 8, |n| assert_ne!(*n, 500))).is_err());
    }
}
