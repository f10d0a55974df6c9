//! Which known word did the person mean?

/// The known word that is nearest to `word`, if one is near enough to be
/// meant: at most a third of its letters (at least one) differ.
pub fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let folded = fold(word);
    let limit = (folded.len() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(&folded, &fold(candidate)), candidate))
        .filter(|&(distance, candidate)| distance <= limit && distance < candidate.len())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// `did you mean "x"? Otherwise ...`, or just the other remedy.
pub fn did_you_mean<'w>(
    word: &str,
    known: impl IntoIterator<Item = &'w str>,
    otherwise: impl FnOnce() -> String,
) -> String {
    match nearest(word, known) {
        Some(near) => format!("did you mean \"{near}\"? Otherwise {}", otherwise()),
        None => otherwise(),
    }
}

/// Case and the choice of separator are not what a person means.
fn fold(word: &str) -> Vec<char> {
    let letters = word.chars().take(64).map(|c| c.to_ascii_lowercase());
    letters.map(|c| if c == '_' { '-' } else { c }).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from
/// one word to the other (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous = None;
    for (i, &x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        let mut left = i + 1;
        let mut neighbour = None;
        for (j, &y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let replaced = at(&last, j) + usize::from(x != y);
            let mut best = replaced.min(at(&last, j + 1) + 1).min(left + 1);
            if previous == Some(y) && neighbour == Some(x) {
                best = best.min(at(&before, j.wrapping_sub(1)) + 1);
            }
            row.push(best);
            left = best;
            neighbour = Some(y);
        }
        before = core::mem::replace(&mut last, row);
        previous = Some(x);
    }
    last.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_fingers_is_understood() {
        let known = ["address", "addresses", "segment", "mac", "read-group", "to"];
        assert_eq!(nearest("adress", known), Some("address"));
        assert_eq!(nearest("segmetn", known), Some("segment"));
        assert_eq!(nearest("read_group", known), Some("read-group"));
        assert_eq!(nearest("MAC", known), Some("mac"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("x", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn distances() {
        let distance = |a: &str, b: &str| super::distance(&fold(a), &fold(b));
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
