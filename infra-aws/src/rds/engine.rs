//! Database engines and their versions.

use std::cmp::Ordering;

use infra_core::{Value, provider::Result};

/// A database engine and its version: `Engine::postgres("17")` takes the newest 17 there is and follows its minor
/// versions, `Engine::postgres("17.4")` that one.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// PostgreSQL.
    Postgres(String),
    /// `MySQL`.
    Mysql(String),
    /// `MariaDB`.
    Mariadb(String),
}

impl Engine {
    /// AWS's name of the engine.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Postgres(_) => "postgres",
            Self::Mysql(_) => "mysql",
            Self::Mariadb(_) => "mariadb",
        }
    }

    /// The version, as far as it was said.
    pub fn version(&self) -> &str {
        match self {
            Self::Postgres(version) | Self::Mysql(version) | Self::Mariadb(version) => version,
        }
    }

    /// The name of the master user where none is declared: the one AWS's console proposes.
    pub(super) fn username(&self) -> &'static str {
        match self {
            Self::Postgres(_) => "postgres",
            Self::Mysql(_) | Self::Mariadb(_) => "admin",
        }
    }

    /// The engine as AWS names it.
    pub(super) fn of(name: &str, version: &str) -> Result<Self> {
        let version = version.to_owned();
        Ok(match name {
            "postgres" => Self::Postgres(version),
            "mysql" => Self::Mysql(version),
            "mariadb" => Self::Mariadb(version),
            other => {
                let message = format!(
                    "the engine {other:?} is not supported: expected postgres, mysql or mariadb"
                );
                return Err(infra_core::provider::Error::invalid(message));
            }
        })
    }

    /// How many numbers of a version are its major part: PostgreSQL 17, `MySQL` 8.4, `MariaDB` 11.4.
    fn major_parts(&self) -> usize {
        if matches!(self, Self::Postgres(_)) { 1 } else { 2 }
    }

    /// Whether moving to `other` is a major upgrade, which AWS wants to be allowed expressly.
    pub(super) fn is_major_step(&self, other: &Self) -> bool {
        let major = |engine: &Self| -> Vec<String> {
            engine.version().split('.').take(self.major_parts()).map(str::to_owned).collect()
        };
        major(self) != major(other)
    }

    /// Whether `new` is older, as far as both say.
    pub(super) fn is_newer_than(&self, new: &Self) -> bool {
        compare(self.version(), new.version()) == Ordering::Greater
    }

    /// What to show for the live engine where `declared` was asked for: the declared one where the live one is what
    /// was meant by it. That is `17.4` for `17`, and a later minor version where AWS upgrades those by itself.
    pub(super) fn shown(self, declared: Option<&Self>, auto_minor: bool) -> Self {
        let Some(declared) = declared.filter(|declared| declared.name() == self.name()) else {
            return self;
        };
        let refined = compare(self.version(), declared.version()) == Ordering::Equal
            && self.version().len() >= declared.version().len();
        let upgraded = auto_minor && !declared.is_major_step(&self) && self.is_newer_than(declared);
        if refined || upgraded { declared.clone() } else { self }
    }
}

/// Compares the numbers that both versions say.
fn compare(a: &str, b: &str) -> Ordering {
    let parts = |version: &str| -> Vec<u64> {
        let number = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>();
        version.split('.').map(|part| number(part).parse().unwrap_or(0)).collect()
    };
    let (a, b) = (parts(a), parts(b));
    let known = a.len().min(b.len());
    a[..known].cmp(&b[..known])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postgres(version: &str) -> Engine {
        Engine::Postgres(version.to_owned())
    }

    #[test]
    fn a_live_version_is_shown_as_the_one_that_was_meant() {
        let shown = |live, declared, auto| postgres(live).shown(Some(&postgres(declared)), auto);
        assert_eq!(shown("17.4", "17", false), postgres("17"));
        assert_eq!(shown("17.6", "17.4", true), postgres("17.4"));
        assert_eq!(shown("17.6", "17.4", false), postgres("17.6"));
        assert_eq!(shown("17.2", "17.4", true), postgres("17.2"));
        assert_eq!(shown("16.9", "17", true), postgres("16.9"));
        assert_eq!(postgres("17.4").shown(None, true), postgres("17.4"));
    }

    #[test]
    fn steps() {
        assert!(postgres("16.4").is_major_step(&postgres("17")));
        assert!(!postgres("17.1").is_major_step(&postgres("17.4")));
        let mysql = |version: &str| Engine::Mysql(version.to_owned());
        assert!(mysql("8.0.36").is_major_step(&mysql("8.4")));
        assert!(postgres("17").is_newer_than(&postgres("16")));
        assert!(!postgres("17.4").is_newer_than(&postgres("17")));
        assert!(postgres("17.10").is_newer_than(&postgres("17.9")));
    }
}
