//! The arguments of `drift`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use crate::{
    cli::{args::time, fleet::Many, notify::Telling, schedule::Then, watch::Often},
    command::drift,
    drift::Severity,
    report::formats,
};

#[derive(Args, Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent flags")]
pub(in crate::cli) struct Drift {
    /// Only this resource (may be given several times)
    #[arg(long, value_name = "URN")]
    pub(in crate::cli) only: Vec<String>,
    /// Only what is at least this bad: info, low, medium, high, critical
    #[arg(long, value_name = "LEVEL", default_value_t = Severity::Info)]
    pub(in crate::cli) severity: Severity,
    /// Exit with 2 only for what is at least this bad
    #[arg(long, value_name = "LEVEL")]
    pub(in crate::cli) fail_on: Option<Severity>,
    /// Which objects with this stack's tags are looked for that no state knows
    #[arg(long, value_enum, value_name = "WHICH", default_value_t)]
    pub(in crate::cli) orphans: Orphans,
    /// Find what nobody manages in the networks that the stack knows, too
    #[arg(long)]
    pub(in crate::cli) unmanaged: bool,
    /// Do not ask the cloud who did it
    #[arg(long)]
    pub(in crate::cli) no_actors: bool,
    /// Show what violates a policy as it is recorded, too, not only what somebody made violate it
    #[arg(long)]
    pub(in crate::cli) policies: bool,
    /// Compare what is recorded with what is there, without what the program wants
    #[arg(long, conflicts_with_all = ["fix", "accept"])]
    pub(in crate::cli) recorded_only: bool,
    /// The form of the report
    #[arg(long, value_enum, value_name = "FORM")]
    pub(in crate::cli) format: Option<Form>,
    /// Write the report to a file; as JSON, unless --format says otherwise
    #[arg(long, short, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) repair: Repair,
    #[command(flatten)]
    pub(in crate::cli) often: Often,
    #[command(flatten)]
    pub(in crate::cli) many: Many,
    #[command(flatten)]
    pub(in crate::cli) telling: Telling,
    #[command(subcommand)]
    pub(in crate::cli) then: Option<Then>,
}

impl Drift {
    /// Whether it knows itself how to stop.
    pub(in crate::cli) fn stops(&self) -> bool {
        self.repair.fix || self.repair.accept
    }

    /// Whether it is not about one stack that can be read now: there may be no engine for it.
    pub(in crate::cli) fn is_apart(&self) -> bool {
        self.many.all_stacks || self.often.watch.is_some() || self.then.is_some()
    }
}

/// What is done about what is found.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Putting it right")]
#[expect(clippy::struct_excessive_bools, reason = "independent flags")]
pub(in crate::cli) struct Repair {
    /// Bring back what is recorded, where the program does not want something else by now
    #[arg(long)]
    pub(in crate::cli) fix: bool,
    /// Take what is there into the state
    #[arg(long, conflicts_with = "fix")]
    pub(in crate::cli) accept: bool,
    /// Do not ask
    #[arg(long, short)]
    pub(in crate::cli) yes: bool,
    /// With --fix: this resource may be made anew
    #[arg(long, value_name = "URN", requires = "fix")]
    pub(in crate::cli) allow_replace: Vec<String>,
    /// With --fix: agree to lose the data of this resource
    #[arg(long, value_name = "URN", requires = "fix")]
    pub(in crate::cli) allow_data_loss: Vec<String>,
    /// With --fix: capacity that somebody added may go again
    #[arg(long, requires = "fix")]
    pub(in crate::cli) allow_shrink: bool,
    /// With --fix: delete the orphans that were found
    #[arg(long, requires = "fix")]
    pub(in crate::cli) delete_orphans: bool,
    /// Go on though many objects are gone at once
    #[arg(long)]
    pub(in crate::cli) allow_mass_absence: bool,
    /// How long to wait for somebody else's lock, like `90s`, `10m`
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(in crate::cli) lock_timeout: Option<Duration>,
}

/// Which orphans are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Orphans {
    /// None
    None,
    /// Of the kinds that the stack uses
    #[default]
    Used,
    /// Of every kind that the program knows
    All,
}

impl From<Orphans> for drift::Orphans {
    fn from(which: Orphans) -> Self {
        match which {
            Orphans::None => Self::None,
            Orphans::Used => Self::Used,
            Orphans::All => Self::All,
        }
    }
}

/// The form of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Form {
    /// For people
    Human,
    /// One document
    Json,
    /// For CI that shows test reports
    Junit,
    /// For code scanning
    Sarif,
    /// Numbers only
    Prometheus,
}

impl Form {
    /// The format for programs; `None`: for people.
    pub(in crate::cli) fn format(self) -> Option<formats::Format> {
        match self {
            Self::Human => None,
            Self::Json => Some(formats::Format::Json),
            Self::Junit => Some(formats::Format::Junit),
            Self::Sarif => Some(formats::Format::Sarif),
            Self::Prometheus => Some(formats::Format::Prometheus),
        }
    }
}
