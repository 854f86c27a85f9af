//! Every exit code, in one place.

use std::process::ExitCode;

use infra_state::Outcome;

use crate::{ErrorKind, event::Summary};

/// How a process that ran a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// Something failed.
    Failed = 1,
    /// There are changes (`preview --exit-code`).
    Changes = 2,
    /// Refused: declined, identity, protection, data loss, a plan that is out of date.
    Refused = 3,
    /// Somebody else holds the lock.
    Locked = 4,
    /// The program, its configuration or the command line is wrong.
    Usage = 64,
    /// Interrupted.
    Interrupted = 130,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

impl From<ErrorKind> for Exit {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Usage | ErrorKind::Program => Self::Usage,
            ErrorKind::Failed => Self::Failed,
            ErrorKind::Refused | ErrorKind::PlanStale => Self::Refused,
            ErrorKind::Locked => Self::Locked,
            ErrorKind::Interrupted => Self::Interrupted,
        }
    }
}

impl From<&Summary> for Exit {
    fn from(summary: &Summary) -> Self {
        match summary.outcome {
            Outcome::Succeeded => Self::Done,
            Outcome::Failed => Self::Failed,
            Outcome::Interrupted => Self::Interrupted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_the_documented_ones() {
        let kinds = [
            (ErrorKind::Usage, 64),
            (ErrorKind::Program, 64),
            (ErrorKind::Failed, 1),
            (ErrorKind::Refused, 3),
            (ErrorKind::Locked, 4),
            (ErrorKind::Interrupted, 130),
            (ErrorKind::PlanStale, 3),
        ];
        for (kind, code) in kinds {
            assert_eq!(Exit::from(kind).code(), code, "{kind:?}");
        }
    }
}
