//! Multi-AZ PostgreSQL.

use infra_aws::{
    kms, rds,
    rds::{Engine, gib},
};
use infra_core::prelude::*;

use super::{Config, Network};

/// Multi-AZ PostgreSQL in the isolated subnets. RDS makes and rotates the master password; nothing else knows it.
pub struct Database {
    /// The instance, which has a standby in another zone.
    pub instance: Handle<rds::Instance>,
}

impl Database {
    /// Declares it.
    pub fn new(
        stack: &mut Stack,
        config: &Config,
        network: &Network,
        key: &Handle<kms::Key>,
    ) -> Self {
        let subnets = network.data.iter().map(|subnet| &subnet.id);
        let subnets = stack.add("subnets", rds::SubnetGroup::new().subnets(subnets));
        let parameters = rds::ParameterGroup::new(format!("postgres{}", config.postgres))
            .parameters([("rds.force_ssl", "1"), ("log_min_duration_statement", "500")]);
        let parameters = stack.add("parameters", parameters);
        let instance = rds::Instance::new(
            Engine::postgres(&config.postgres),
            &config.database_class,
            gib(config.database_gib),
        )
        .multi_az(true)
        .database("qledger")
        .username("qledger_master")
        .manage_master_password(true)
        .master_secret_key(&key.arn)
        .kms_key(&key.arn)
        .subnet_group(&subnets.name)
        .parameter_group(&parameters.name)
        .security_groups([&network.data_group.id])
        .backup_retention(config.backup_days)
        .copy_tags_to_snapshot(true)
        .log_exports(["postgresql", "upgrade"])
        .deletion_protection(config.protect)
        .skip_final_snapshot(!config.protect);
        Self { instance: stack.add("instance", instance.protect_if(config.protect)) }
    }
}
