//! Which process looks at which stack.

use std::{fmt, str::FromStr};

use infra_state::StackName;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One of several processes that share the stacks of a place: number `index` (from 0) of `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shard {
    index: u32,
    of: u32,
}

impl Shard {
    /// The most processes that may share a place.
    pub const MOST: u32 = 10_000;

    /// One process alone.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// Number `index` (from 0) of `of`.
    pub fn new(index: u32, of: u32) -> Result<Self, String> {
        if of == 0 || of > Self::MOST {
            return Err(format!("there can be 1 to {} shards, not {of}", Self::MOST));
        }
        if index >= of {
            return Err(format!("shards count from 0: the last of {of} is {}/{of}", of - 1));
        }
        Ok(Self { index, of })
    }

    /// The one that an indexed Kubernetes Job says: `JOB_COMPLETION_INDEX` of `JOB_COMPLETIONS`.
    pub fn of_job(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let number = |name: &str| {
            let value = variable(name).ok_or_else(|| format!("the variable {name} is not set"))?;
            value.parse().map_err(|_| format!("the variable {name} is no number: {value:?}"))
        };
        Self::new(number("JOB_COMPLETION_INDEX")?, number("JOB_COMPLETIONS")?)
    }

    /// Its number.
    pub fn index(self) -> u32 {
        self.index
    }

    /// How many there are.
    pub fn of(self) -> u32 {
        self.of
    }

    /// Whether it looks at this stack: each stack has exactly one that does. Another stack, or another shard more, moves
    /// no stack that it does not take itself.
    pub fn has(self, stack: &StackName) -> bool {
        let name = stack.to_string();
        // Rendezvous: the shard with the highest hash has it. Equal hashes are as good as impossible; the number decides.
        let best = (0..self.of).max_by_key(|index| (weight(&name, *index), *index));
        best == Some(self.index)
    }
}

fn weight(name: &str, index: u32) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(index.to_be_bytes());
    hash.update(name.as_bytes());
    hash.finalize().into()
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/');
        let numbers = numbers.and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        let (index, of) = numbers.ok_or_else(|| {
            format!("expected `INDEX/COUNT` (like `0/4`) or `auto`, found {text:?}")
        })?;
        Self::new(index, of)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn owner(of: u32, stack: &StackName) -> Vec<u32> {
        (0..of).filter(|index| Shard::new(*index, of).unwrap().has(stack)).collect()
    }

    proptest! {
        #[test]
        fn each_stack_has_exactly_one_and_keeps_it(
            program in "[a-z][a-z0-9-]{0,20}", stack in "[A-Za-z0-9_-]{1,30}", of in 1_u32..40,
        ) {
            let stack = StackName::new(program, stack).unwrap();
            let now = owner(of, &stack);
            prop_assert_eq!(now.len(), 1);
            // One process more takes stacks, and moves none between the others.
            let then = owner(of + 1, &stack);
            prop_assert!(then == now || then == [of], "{:?} {:?}", now, then);
        }
    }

    #[test]
    fn the_work_is_spread() {
        let stacks: Vec<_> =
            (0..4000).map(|n| StackName::new("shop", format!("s{n}")).unwrap()).collect();
        for index in 0..4 {
            let shard = Shard::new(index, 4).unwrap();
            let mine = stacks.iter().filter(|stack| shard.has(stack)).count();
            assert!((900..1100).contains(&mine), "{mine}");
        }
    }

    #[test]
    fn shards_are_said_and_counted_from_0() {
        assert_eq!("0/4".parse(), Shard::new(0, 4));
        assert_eq!("4/4".parse::<Shard>(), Err("shards count from 0: the last of 4 is 3/4".into()));
        assert!("1".parse::<Shard>().unwrap_err().contains("`INDEX/COUNT`"));
        assert!("0/0".parse::<Shard>().is_err());
        let job = |name: &str| match name {
            "JOB_COMPLETION_INDEX" => Some("2".to_owned()),
            "JOB_COMPLETIONS" => Some("3".to_owned()),
            _ => None,
        };
        assert_eq!(Shard::of_job(job), Shard::new(2, 3));
        let error = Shard::of_job(|_| None).unwrap_err();
        assert_eq!(error, "the variable JOB_COMPLETION_INDEX is not set");
    }
}
