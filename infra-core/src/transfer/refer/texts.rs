//! Which of many texts stand inside of another: all are looked for at once.

use std::{
    collections::{BTreeSet, HashSet},
    ops::Bound,
};

/// What is shorter may stand in a text by chance.
pub(super) const SHORTEST: usize = 8;

/// Texts that are looked for inside of others.
#[derive(Default)]
pub(super) struct Texts {
    all: BTreeSet<String>,
    /// How they begin: where nothing begins so, none has to be looked for.
    heads: HashSet<[u8; SHORTEST]>,
}

impl Texts {
    /// One more; what is too short to tell anything is left out.
    pub(super) fn insert(&mut self, text: &str) {
        if let Some((head, _)) = text.as_bytes().split_first_chunk() {
            self.heads.insert(*head);
            self.all.insert(text.to_owned());
        }
    }

    /// Those that are inside `text` between characters that `stands` allows; the longest first.
    pub(super) fn inside(&self, text: &str, stands: fn(Option<char>) -> bool) -> Vec<&str> {
        let mut found = BTreeSet::new();
        for (at, head) in text.as_bytes().windows(SHORTEST).enumerate() {
            let is_head =
                head.try_into().is_ok_and(|head: [u8; SHORTEST]| self.heads.contains(&head));
            if is_head && text.is_char_boundary(at) && stands(text[..at].chars().next_back()) {
                self.begin(&text[at..], stands, &mut found);
            }
        }
        let mut found: Vec<&str> = found.into_iter().collect();
        found.sort_by_key(|text| std::cmp::Reverse(text.len()));
        found
    }

    /// Those that `text` begins with. In order, what begins a text is before it, and what is between the two begins with it.
    fn begin<'s>(
        &'s self,
        text: &str,
        stands: fn(Option<char>) -> bool,
        found: &mut BTreeSet<&'s str>,
    ) {
        let mut upto = Bound::Included(text);
        while let Some(before) = self.all.range::<str, _>((Bound::Unbounded, upto)).next_back() {
            match text.strip_prefix(before.as_str()) {
                Some(rest) => {
                    if stands(rest.chars().next()) {
                        found.insert(before);
                    }
                    upto = Bound::Excluded(before);
                }
                None => upto = Bound::Included(common(text, before)),
            }
        }
    }
}

/// What two texts begin with.
fn common<'t>(a: &'t str, b: &str) -> &'t str {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    &a[..a.floor_char_boundary(same)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn alone(c: Option<char>) -> bool {
        c.is_none_or(|c| !c.is_ascii_alphanumeric())
    }

    #[test]
    fn all_that_stand_on_their_own_are_found() {
        let mut texts = Texts::default();
        for text in [
            "vpc-12345678",
            "arn:x:vpc-12345678",
            "arn:x:vpc",
            "short",
            "arn:x:vpc-1234567",
            "übersicht",
        ] {
            texts.insert(text);
        }
        let inside = |text| texts.inside(text, alone);
        assert_eq!(
            inside("in arn:x:vpc-12345678/*"),
            ["arn:x:vpc-12345678", "vpc-12345678", "arn:x:vpc"]
        );
        assert_eq!(inside("vpc-123456789, short"), Vec::<&str>::new());
        assert_eq!(texts.inside("xvpc-123456789", |_| true), ["vpc-12345678"]);
        assert_eq!(inside("die übersicht"), ["übersicht"]);
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_looking_for_each_finds(
            all in proptest::collection::vec("[abü.]{8,10}", 0..40),
            text in "[abü.]{0,60}",
        ) {
            let mut texts = Texts::default();
            for text in &all {
                texts.insert(text);
            }
            let is_inside = |known: &&str| text.contains(*known);
            let mut wanted: Vec<&str> = all.iter().map(String::as_str).filter(is_inside).collect();
            wanted.sort_unstable();
            wanted.dedup();
            wanted.sort_by_key(|text| std::cmp::Reverse(text.len()));
            prop_assert_eq!(texts.inside(&text, |_| true), wanted);
        }
    }
}
