//! The programs.

use infra_aws::{ec2, sts};
use infra_core::prelude::*;
use serde::Deserialize;

use super::{
    App, Cluster, Config, Database, Entry, Exports, LedgerConfig, Network, Platform, WatchConfig,
    alarms, bastion, encryption_key, image_repository, people, recovery::recovery,
};

/// Everything in one graph. Pure: it builds the graph and calls no cloud.
pub fn whole(stack: &mut Stack) -> Result<()> {
    let config: Config = stack.config()?;
    let base = Base::new(stack, &config);
    let platform = &base.platform;
    let Some(ledger) = &config.ledger else {
        return Err(Error::new(
            ErrorKind::Usage,
            "expected `[config.ledger]`: what runs in the cluster",
        ));
    };
    let drift = config.drift.as_ref();
    let app = stack.scope("app", |stack| App::new(stack, ledger, drift, platform));
    if !config.callers.is_empty() {
        let caller = stack.scope("people", |stack| {
            people::caller(stack, &config.callers, &app.secrets, &platform.key)
        });
        stack.export("caller_role", &caller.arn);
    }
    base.export(stack);
    stack.export("parameters", app.secrets.path.as_str());
    stack.export("token", &app.secrets.token);
    Ok(())
}

/// What the ledger stands on, as a stack of its own: it changes once a quarter.
pub fn platform(stack: &mut Stack) -> Result<()> {
    let config: Config = stack.config()?;
    Base::new(stack, &config).export(stack);
    Ok(())
}

/// What the stack of the application is told.
#[derive(Deserialize)]
struct AppConfig {
    /// The program and stack of the platform: `qledger-platform/dev`.
    platform: String,
    /// Who may take on the caller's role.
    callers: Vec<String>,
    /// What runs.
    ledger: LedgerConfig,
    /// How the stack looks for drift in itself.
    drift: Option<WatchConfig>,
}

/// The ledger on a platform that another stack made: it changes every day.
pub fn app(stack: &mut Stack) -> Result<()> {
    let config: AppConfig = stack.config()?;
    let exports = stack.reference::<Exports>(&config.platform);
    let platform = Platform::of(&exports);
    let drift = config.drift.as_ref();
    let app = stack.scope("app", |stack| App::new(stack, &config.ledger, drift, &platform));
    if !config.callers.is_empty() {
        let caller = stack.scope("people", |stack| {
            people::caller(stack, &config.callers, &app.secrets, &platform.key)
        });
        stack.export("caller_role", &caller.arn);
    }
    // For `smoke` and `kubeconfig`.
    stack.export("url", &platform.url);
    stack.export("cluster", &platform.cluster);
    stack.export("region", &platform.region);
    stack.export("cluster_endpoint", &platform.endpoint);
    stack.export("cluster_ca", &platform.authority);
    stack.export("parameters", app.secrets.path.as_str());
    stack.export("token", &app.secrets.token);
    Ok(())
}

/// All but the application.
struct Base {
    platform: Platform,
    operator: Option<Output<infra_aws::types::Arn>>,
}

impl Base {
    fn new(stack: &mut Stack, config: &Config) -> Self {
        let caller = stack.lookup("caller", sts::CallerIdentity::new());
        let zones = stack.lookup("zones", ec2::AvailabilityZones::new());
        let key = stack.scope("key", |stack| encryption_key(stack, config, &caller, &zones));
        let network = stack.scope("network", |stack| Network::new(stack, config, &zones, &key));
        let database =
            stack.scope("database", |stack| Database::new(stack, config, &network, &key));
        let registry = stack.scope("image", |stack| image_repository(stack, config, &key));
        let mut cluster =
            stack.scope("cluster", |stack| Cluster::new(stack, config, &network, &key));
        let entry = stack.scope("entry", |stack| Entry::new(stack, config, &network, &cluster));
        stack.scope("alarms", |stack| alarms(stack, config, &database, &entry, &cluster, &key));
        if let Some(region) = &config.dr_region {
            stack.scope("recovery", |stack| {
                recovery(stack, config, region, &key, &database, &caller);
            });
        }
        if config.bastion {
            stack.scope("bastion", |stack| bastion(stack, &network, &cluster, &key));
        }
        let operator = (!config.operators.is_empty()).then(|| {
            let operators = &config.operators;
            let (role, entry) =
                stack.scope("people", |stack| people::operator(stack, operators, &cluster));
            cluster.before_pods.push(entry.urn().clone());
            role.arn.clone()
        });
        let platform =
            Platform::here(&config.cidr, &cluster, &database, &key, &registry, &entry.url);
        Self { platform, operator }
    }

    fn export(&self, stack: &mut Stack) {
        self.platform.export(stack);
        if let Some(role) = &self.operator {
            stack.export("operator_role", role);
        }
    }
}
