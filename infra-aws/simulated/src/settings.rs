//! How the embedded cloud behaves: its account, and how long things take.

use std::time::Duration;

/// Fixed when a [`Cloud`](crate::Cloud) is made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The account that ordinary access keys belong to.
    pub account: String,
    /// How long a NAT gateway, a cluster, a database take.
    pub durations: Durations,
    /// What every call takes besides: half on the way there, half on the way back.
    pub latency: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            account: "123456789012".to_owned(),
            durations: Durations::default(),
            latency: Duration::ZERO,
        }
    }
}

impl Settings {
    /// The same, in another account.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = account.into();
        self
    }

    /// The same, with other durations.
    #[must_use]
    pub fn durations(mut self, durations: Durations) -> Self {
        self.durations = durations;
        self
    }

    /// The same, with a round trip around every call.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }
}

/// How long the things that take time take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Durations {
    /// Every transition is due at once: the reply still says `pending`, the next read does not.
    Instant,
    /// Real durations times this.
    Scaled(f64),
}

impl Default for Durations {
    /// A database (12 min) in 300 ms, a NAT gateway (2 min) in 50 ms.
    fn default() -> Self {
        Self::Scaled(1.0 / 2400.0)
    }
}

/// What takes time. The table of real seconds is in [`Wait::seconds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    VpcAvailable,
    NatAvailable,
    NatDeleted,
    /// How long a finished thing stays visible (NAT `deleted`, instance `terminated`).
    Remains,
    EndpointAvailable,
    EndpointDeleted,
    InstanceRunning,
    InstanceTerminated,
    ClusterActive,
    ClusterUpdate,
    ClusterDeleted,
    NodegroupActive,
    NodegroupUpdate,
    NodegroupDeleted,
    AddonActive,
    AddonDeleted,
    DatabaseCreating,
    DatabaseBackingUp,
    DatabaseModifying,
    DatabaseModifyStarts,
    DatabaseDeleted,
    LoadBalancerActive,
    TargetHealthy,
    TargetDraining,
    TableActive,
    TableDeleted,
    CertificateRecord,
    CertificateIssued,
    DnsInSync,
    AlarmEvaluated,
    KeyReplicated,
    BackupsReplicated,
    BackupsRetained,
}

impl Wait {
    /// Real seconds, from the waiters and guides of AWS.
    const fn seconds(self) -> u32 {
        match self {
            Self::VpcAvailable => 2,
            Self::NatAvailable | Self::DatabaseBackingUp | Self::CertificateIssued => 120,
            Self::NatDeleted
            | Self::EndpointDeleted
            | Self::AddonDeleted
            | Self::BackupsRetained => 60,
            Self::Remains => 3600,
            Self::EndpointAvailable | Self::ClusterUpdate | Self::NodegroupUpdate => 150,
            Self::InstanceRunning
            | Self::TargetHealthy
            | Self::TargetDraining
            | Self::DnsInSync => 30,
            Self::InstanceTerminated | Self::AlarmEvaluated => 45,
            Self::ClusterActive => 660,
            Self::ClusterDeleted
            | Self::NodegroupDeleted
            | Self::DatabaseDeleted
            | Self::BackupsReplicated => 300,
            Self::NodegroupActive | Self::LoadBalancerActive | Self::DatabaseModifying => 180,
            Self::AddonActive => 90,
            Self::DatabaseCreating => 600,
            Self::DatabaseModifyStarts | Self::CertificateRecord | Self::KeyReplicated => 5,
            Self::TableActive | Self::TableDeleted => 15,
        }
    }

    /// Milliseconds under these settings.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded")]
    pub(crate) fn millis(self, durations: Durations) -> u64 {
        match durations {
            Durations::Instant => 0,
            Durations::Scaled(factor) => (f64::from(self.seconds()) * 1000.0 * factor) as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stack is quick to make unless somebody asks for more: what is waited for is nowhere
    /// longer than 300 ms, a database from its creation to its first backup included.
    #[test]
    fn nothing_takes_long_by_default() {
        let settings = Settings::default();
        assert!(settings.latency.is_zero());
        let millis = |wait: Wait| wait.millis(settings.durations);
        let database = millis(Wait::DatabaseCreating) + millis(Wait::DatabaseBackingUp);
        let changed = millis(Wait::DatabaseModifyStarts) + millis(Wait::DatabaseModifying);
        let longest = [
            database,
            changed,
            millis(Wait::DatabaseDeleted),
            millis(Wait::ClusterActive),
            millis(Wait::ClusterUpdate),
            millis(Wait::ClusterDeleted),
            millis(Wait::NodegroupActive),
            millis(Wait::NodegroupDeleted),
            millis(Wait::LoadBalancerActive),
            millis(Wait::NatAvailable),
            millis(Wait::EndpointAvailable),
            millis(Wait::CertificateRecord) + millis(Wait::CertificateIssued),
        ];
        assert!(longest.iter().all(|it| (1..=300).contains(it)), "{longest:?}");
        assert_eq!(Wait::ClusterActive.millis(Durations::Instant), 0);
    }
}
