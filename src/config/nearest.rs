//! "Did you mean ...?": the known word nearest to a mistyped one.

/// The candidate that the fewest edits away from `word`, if it is near enough to be meant.
///
/// An edit is one inserted, removed, replaced or swapped character. One edit in three characters
/// is near enough; words longer than any key are never near.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    const CHARS_MAX: usize = 64;
    let word: Vec<char> = word.chars().take(CHARS_MAX + 1).collect();
    if word.len() > CHARS_MAX {
        return None;
    }
    let edits_max = (word.len() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (edits(&word, candidate), candidate))
        .filter(|(edits, _)| *edits <= edits_max)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// How to put an unknown word right, given the words that are known.
pub(crate) fn suggestion<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    match nearest(word, candidates.clone()) {
        Some(candidate) => format!("did you mean {candidate:?}?"),
        None => {
            let known: Vec<&str> = candidates.into_iter().take(20).collect();
            match known.as_slice() {
                [] => "this section takes no keys".to_owned(),
                known => format!("use one of: {}", known.join(", ")),
            }
        }
    }
}

/// Optimal string alignment distance, ignoring case.
fn edits(word: &[char], candidate: &str) -> usize {
    let lower = |c: &char| c.to_ascii_lowercase();
    let word: Vec<char> = word.iter().map(lower).collect();
    let other: Vec<char> = candidate.chars().map(|c| lower(&c)).collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for i in 1..=word.len() {
        let mut row = vec![i; other.len() + 1];
        for j in 1..=other.len() {
            let replaced = last[j - 1] + usize::from(word[i - 1] != other[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            let swapped =
                i > 1 && j > 1 && word[i - 1] == other[j - 2] && word[i - 2] == other[j - 1];
            if swapped {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_find_their_word() {
        let keys = ["objective", "period", "policy", "group_by", "sli"];
        for (typed, meant) in [
            ("objctive", Some("objective")),
            ("Objective", Some("objective")),
            ("peroid", Some("period")),
            ("groupBy", Some("group_by")),
            ("sil", Some("sli")),
            ("alerting", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, keys), meant, "{typed}");
        }
        assert_eq!(nearest(&"x".repeat(1 << 20), keys), None);
    }

    #[test]
    fn without_a_near_word_all_are_named() {
        assert_eq!(
            suggestion("color", ["page", "info"]),
            "use one of: page, info"
        );
    }
}
