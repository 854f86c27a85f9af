//! What somebody probably meant to write.

/// The candidate that `word` is most likely a misspelling of, if any is near enough.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let far = 1 + word.chars().count() / 4;
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let wanted = plain(word);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= far)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean …?`, or what there is to choose from, or nothing.
pub(crate) fn did_you_mean(word: &str, candidates: &[&str]) -> String {
    if let Some(nearest) = nearest(word, candidates.iter().copied()) {
        return format!("; did you mean `{nearest}`?");
    }
    if candidates.is_empty() || candidates.len() > 24 {
        return String::new();
    }
    let mut known: Vec<_> = candidates.iter().map(|candidate| format!("`{candidate}`")).collect();
    known.sort();
    known.dedup();
    format!("; known: {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_is_suggested() {
        assert_eq!(nearest("zoness", ["zone", "zones", "class"]), Some("zones"));
        assert_eq!(nearest("multi-az", ["multi_az"]), Some("multi_az"));
        assert_eq!(nearest("x", ["zones"]), None);
    }
}
