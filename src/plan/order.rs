//! The order of applying: a graph, and one list of it that is always the same.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Lists `after.len()` things so that each stands behind all that it is
/// `after`; among those that could be next, the one with the least key.
///
/// # Errors
/// The things that are on a cycle, or behind one.
pub(super) fn topological<K: Ord>(
    after: &[Vec<usize>],
    key: impl Fn(usize) -> K,
) -> Result<Vec<usize>, Vec<usize>> {
    let mut waits_for: Vec<usize> = after.iter().map(Vec::len).collect();
    let mut unblocks = vec![Vec::new(); after.len()];
    for (index, first) in after.iter().enumerate() {
        for &first in first {
            unblocks[first].push(index);
        }
    }
    let mut ready: BinaryHeap<_> =
        (0..after.len()).filter(|&i| waits_for[i] == 0).map(|i| Reverse((key(i), i))).collect();
    let mut order = Vec::with_capacity(after.len());
    while let Some(Reverse((_, next))) = ready.pop() {
        order.push(next);
        for &then in &unblocks[next] {
            waits_for[then] -= 1;
            if waits_for[then] == 0 {
                ready.push(Reverse((key(then), then)));
            }
        }
    }
    if order.len() == after.len() {
        Ok(order)
    } else {
        Err((0..after.len()).filter(|&index| waits_for[index] > 0).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cycle_is_an_answer_that_names_it() {
        let after = vec![vec![], vec![2], vec![1], vec![2], vec![0]];
        assert_eq!(topological(&after, |index| index), Err(vec![1, 2, 3]));
        assert_eq!(topological(&[vec![0]], |index| index), Err(vec![0]));
    }

    #[test]
    fn what_is_free_comes_by_its_key() {
        let after = vec![vec![2], vec![], vec![]];
        assert_eq!(topological(&after, Reverse), Ok(vec![2, 1, 0]));
    }

    /// Any graph without cycles: edges lead from a place in a random order to
    /// earlier ones only.
    fn graph() -> impl Strategy<Value = Vec<Vec<usize>>> {
        (1usize..24).prop_flat_map(|size| {
            let edges = prop::collection::vec((0..size, 0..size), 0..60);
            let order = Just((0..size).collect::<Vec<_>>()).prop_shuffle();
            (order, edges).prop_map(move |(order, edges)| {
                let mut after = vec![Vec::new(); size];
                for (a, b) in edges {
                    if a != b && !after[order[a.max(b)]].contains(&order[a.min(b)]) {
                        after[order[a.max(b)]].push(order[a.min(b)]);
                    }
                }
                after
            })
        })
    }

    proptest! {
        #[test]
        fn each_stands_behind_all_it_is_after_and_nothing_is_lost(after in graph()) {
            let order = topological(&after, |index| index).unwrap();
            let mut all = order.clone();
            all.sort_unstable();
            prop_assert_eq!(all, (0..after.len()).collect::<Vec<_>>());
            let place = |thing| order.iter().position(|&other| other == thing).unwrap();
            for (index, first) in after.iter().enumerate() {
                for &first in first {
                    prop_assert!(place(first) < place(index));
                }
            }
        }
    }
}
