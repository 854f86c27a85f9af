//! What is run, as a word that a person can give again: `33`, or `33/1:crash@17/calm:5/commands:2`.

use std::{fmt, str::FromStr};

use super::process::{Blow, Cut};

/// What is to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Everything follows from it.
    pub seed: u64,
    /// What happens to which command, instead of what the seed says.
    pub cut: Option<(usize, Cut)>,
    /// What does not go wrong though the seed says so: a bit for each field of the weather.
    pub calm: u8,
    /// No more commands than this before peace.
    pub commands: Option<usize>,
}

impl Case {
    /// What this seed says.
    pub fn of(seed: u64) -> Self {
        Self { seed, cut: None, calm: 0, commands: None }
    }

    /// The same with less in it, each in one respect.
    pub fn smaller(self) -> Vec<Self> {
        let fewer = (0..self.commands.unwrap_or(4)).map(Some);
        let fewer = fewer.map(|commands| Self { commands, ..self });
        let calmer = (0..7).filter(|bit| self.calm & (1 << bit) == 0);
        let calmer = calmer.map(|bit| Self { calm: self.calm | (1 << bit), ..self });
        fewer.chain(calmer).collect()
    }
}

const BLOWS: [(&str, Blow); 8] = [
    ("crash", Blow::Crash),
    ("freeze", Blow::Freeze(200)),
    ("stop", Blow::Stop),
    ("abort", Blow::Abort),
    ("table-lost", Blow::TableLost),
    ("table-restored", Blow::TableRestored),
    ("unlocked", Blow::Unlocked),
    ("away", Blow::Away(45)),
];

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seed)?;
        if let Some((command, Cut { at, blow })) = self.cut {
            let word = BLOWS.iter().find(|(_, other)| *other == blow).map_or("crash", |(w, _)| w);
            write!(f, "/{command}:{word}@{at}")?;
        }
        if self.calm != 0 {
            write!(f, "/calm:{}", self.calm)?;
        }
        self.commands.map_or(Ok(()), |commands| write!(f, "/commands:{commands}"))
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |part: &str| format!("{part:?} in {text:?}: see tests/simulation/case.rs");
        let mut parts = text.split('/');
        let seed = parts.next().unwrap_or_default();
        let mut case = Self::of(seed.parse().map_err(|_| wrong(seed))?);
        for part in parts {
            let (key, value) = part.split_once(':').ok_or_else(|| wrong(part))?;
            let number = |text: &str| text.parse::<u64>().map_err(|_| wrong(part));
            match key {
                "calm" => case.calm = value.parse().map_err(|_| wrong(part))?,
                "commands" => case.commands = Some(value.parse().map_err(|_| wrong(part))?),
                command => {
                    let (word, at) = value.split_once('@').ok_or_else(|| wrong(part))?;
                    let blow = BLOWS.iter().find(|(w, _)| *w == word).ok_or_else(|| wrong(part))?;
                    let cut = Cut { at: number(at)?, blow: blow.1 };
                    case.cut = Some((command.parse().map_err(|_| wrong(part))?, cut));
                }
            }
        }
        Ok(case)
    }
}

/// What is done to a run at its moments, one after the other: mostly it dies.
pub fn blow(number: u64) -> Blow {
    let others = [1, 3, 4, 6, 7, 5];
    match number % 3 {
        0 | 1 => Blow::Crash,
        _ => BLOWS[others[usize::try_from(number / 3).unwrap_or_default() % others.len()]].1,
    }
}
