//! Two ordered lists side by side: what is in one, in the other, in both?

use core::cmp::Ordering;

/// An item of two lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joined<T> {
    /// In the first only.
    Before(T),
    /// In the second only.
    After(T),
    /// In both.
    Both(T, T),
}

impl<T> Joined<T> {
    /// As two options, at least one of which is there.
    pub(super) fn sides(self) -> (Option<T>, Option<T>) {
        match self {
            Self::Before(old) => (Some(old), None),
            Self::After(new) => (None, Some(new)),
            Self::Both(old, new) => (Some(old), Some(new)),
        }
    }
}

/// The items of two lists that are ordered by key, each key once in a list.
pub(super) fn join<K: Ord, T>(
    before: impl IntoIterator<Item = (K, T)>,
    after: impl IntoIterator<Item = (K, T)>,
) -> impl Iterator<Item = (K, Joined<T>)> {
    let mut before = before.into_iter().peekable();
    let mut after = after.into_iter().peekable();
    core::iter::from_fn(move || {
        let order = match (before.peek(), after.peek()) {
            (Some((old, _)), Some((new, _))) => old.cmp(new),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        match order {
            Ordering::Less => before.next().map(|(key, old)| (key, Joined::Before(old))),
            Ordering::Greater => after.next().map(|(key, new)| (key, Joined::After(new))),
            Ordering::Equal => {
                let ((key, old), (_, new)) = before.next().zip(after.next())?;
                Some((key, Joined::Both(old, new)))
            }
        }
    })
}

/// The same for lists in any order.
pub(super) fn join_unordered<K: Ord, T>(
    before: impl IntoIterator<Item = (K, T)>,
    after: impl IntoIterator<Item = (K, T)>,
) -> impl Iterator<Item = (K, Joined<T>)> {
    let mut before: Vec<_> = before.into_iter().collect();
    let mut after: Vec<_> = after.into_iter().collect();
    before.sort_by(|(a, _), (b, _)| a.cmp(b));
    after.sort_by(|(a, _), (b, _)| a.cmp(b));
    join(before, after)
}
