//! What a stack's file decides.

use infra_aws::types::Cidr;
use infra_core::Stack;
use serde::Deserialize;

/// What `qledger-ha.toml` decides of the system.
#[derive(Deserialize)]
pub struct Config {
    /// The block of the network.
    pub cidr: String,
    /// How many zones.
    pub zones: usize,
    /// How the application subnets reach the internet.
    pub nat: Nat,
    /// Whether AWS's own services are reached inside the network.
    pub interface_endpoints: bool,
    /// Who may reach the Kubernetes API from outside.
    pub api_access: Vec<String>,
    /// The version of Kubernetes.
    pub kubernetes: String,
    /// What kind of instance nodes are.
    pub node_type: String,
    /// How many nodes a zone has.
    pub nodes_per_zone: i32,
    /// How many more it may have.
    pub spare_nodes_per_zone: i32,
    /// The version of PostgreSQL.
    pub postgres: String,
    /// What kind of instance the database is.
    pub database_class: String,
    /// How large its disk is.
    pub database_gib: i32,
    /// For how many days backups are kept.
    pub backup_days: i32,
    /// A second region, for backups.
    pub dr_region: Option<String>,
    /// Whether there is a host for port forwarding.
    pub bastion: bool,
    /// Who administers the cluster, beside the one who makes it.
    pub admins: Vec<String>,
    /// Who only looks into the cluster.
    #[serde(default)]
    pub viewers: Vec<String>,
    /// Who may take on the operator's role in an emergency.
    #[serde(default)]
    pub operators: Vec<String>,
    /// Who may take on the caller's role.
    #[serde(default)]
    pub callers: Vec<String>,
    /// Who is told of alarms.
    pub alarm_email: Option<String>,
    /// The name that the ledger has on the internet.
    pub domain: Option<String>,
    /// A tag on the network.
    pub team: String,
    /// Whether what holds data is protected.
    pub protect: bool,
    /// What runs in the cluster; of the platform alone, nothing.
    pub ledger: Option<LedgerConfig>,
    /// How the stack looks for drift in itself; of the platform alone, not at all.
    pub drift: Option<WatchConfig>,
}

/// How the stack looks for drift in itself: `[config.drift]`.
#[derive(Deserialize)]
pub struct WatchConfig {
    /// An image with this program and its configuration in it, by its digest; without one nothing looks.
    pub image: Option<String>,
    /// When, as `cron` says it.
    pub every: String,
    /// Whom it tells: `sns:ARN`, `https://…`.
    #[serde(default)]
    pub notify: Vec<String>,
}

/// What runs in the cluster: `[config.ledger]`.
#[derive(Deserialize)]
pub struct LedgerConfig {
    /// The digest of the ledger's image, or a whole reference with one.
    pub image: Option<String>,
    /// The image of the AWS CLI that loads the secrets.
    pub loader: Option<String>,
    /// How many pods.
    pub replicas: i32,
    /// Whether Prometheus and Grafana watch it.
    pub prometheus: bool,
}

/// How the application subnets reach the internet.
#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Nat {
    /// One gateway a zone: a lost zone takes only its own way out with it.
    PerZone,
    /// One for all: cheaper.
    Single,
}

/// The block, or a mistake that says which entry of the configuration is none.
pub(super) fn checked(stack: &mut Stack, key: &str, block: &str) -> Option<Cidr> {
    Cidr::parse(block)
        .map_err(|e| stack.error(format!("`{key}` in the configuration: {block:?}: {e}")))
        .ok()
}
