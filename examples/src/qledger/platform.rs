//! What the application needs of the rest.

use infra_aws::{
    eks::ClusterName,
    types::{Arn, KeyId},
};
use infra_core::{Outputs, prelude::*, reference::Reference, state::Urn};

use super::{Cluster, Database};

/// What the application needs of the rest, wherever it is: components of the same graph, or exports of another stack.
pub struct Platform {
    /// The cluster's name.
    pub cluster: Output<ClusterName>,
    /// Where it is.
    pub region: Output<String>,
    /// Where its API is.
    pub endpoint: Output<String>,
    /// Who signed the API's certificate.
    pub authority: Output<String>,
    /// Where the database is.
    pub database: Output<String>,
    /// The port it listens on.
    pub port: Output<u16>,
    /// The secret that RDS keeps its master's password in.
    pub master_secret: Output<Arn>,
    /// The key that seals all of it.
    pub key: Output<Arn>,
    /// The same, by its id.
    pub key_id: Output<KeyId>,
    /// Where the ledger's image is.
    pub repository: Output<String>,
    /// Where the ledger answers.
    pub url: Output<String>,
    /// The block of the network that all of it is in.
    pub network: Output<String>,
    /// What has to be there before a pod can run; nothing, where another stack made all of it.
    pub before_pods: Vec<Urn>,
}

/// The same as exports of a stack.
#[derive(Outputs, Clone, Debug)]
pub struct Exports {
    /// The cluster's name.
    pub cluster: ClusterName,
    /// Where it is.
    pub region: String,
    /// Where its API is.
    pub cluster_endpoint: String,
    /// Who signed the API's certificate.
    pub cluster_ca: String,
    /// Where the database is.
    pub database_address: String,
    /// The port it listens on.
    pub database_port: u16,
    /// The secret that RDS keeps its master's password in.
    pub master_secret: Arn,
    /// The key that seals all of it.
    pub key: Arn,
    /// The same, by its id.
    pub key_id: KeyId,
    /// Where the ledger's image is.
    pub repository: String,
    /// Where the ledger answers.
    pub url: String,
    /// The block of the network that all of it is in.
    pub network: String,
}

impl Platform {
    /// From components of the same graph.
    pub fn here(
        network: &str,
        cluster: &Cluster,
        database: &Database,
        key: &Handle<infra_aws::kms::Key>,
        repository: &Handle<infra_aws::ecr::Repository>,
        url: &Output<String>,
    ) -> Self {
        Self {
            cluster: cluster.eks.name.clone(),
            region: cluster
                .eks
                .arn
                .map(|arn| arn.as_str().split(':').nth(3).unwrap_or_default().to_owned()),
            endpoint: cluster.eks.endpoint.clone(),
            authority: cluster.eks.certificate_authority.clone(),
            database: database.instance.address.clone(),
            port: database.instance.port.clone(),
            master_secret: database.instance.master_secret(),
            key: key.arn.clone(),
            key_id: key.id.clone(),
            repository: repository.url.clone(),
            url: url.clone(),
            network: Output::known(&network.to_owned()),
            before_pods: cluster.before_pods.clone(),
        }
    }

    /// From another stack.
    pub fn of(exports: &Reference<Exports>) -> Self {
        Self {
            cluster: exports.cluster.clone(),
            region: exports.region.clone(),
            endpoint: exports.cluster_endpoint.clone(),
            authority: exports.cluster_ca.clone(),
            database: exports.database_address.clone(),
            port: exports.database_port.clone(),
            master_secret: exports.master_secret.clone(),
            key: exports.key.clone(),
            key_id: exports.key_id.clone(),
            repository: exports.repository.clone(),
            url: exports.url.clone(),
            network: exports.network.clone(),
            before_pods: Vec::new(),
        }
    }

    /// Gives it to other stacks, as [`Exports`].
    pub fn export(&self, stack: &mut Stack) {
        stack.export("cluster", &self.cluster);
        stack.export("region", &self.region);
        stack.export("cluster_endpoint", &self.endpoint);
        stack.export("cluster_ca", &self.authority);
        // For people, as they give it to `psql`.
        stack.export("database", interpolate!("{}:{}", &self.database, &self.port));
        stack.export("database_address", &self.database);
        stack.export("database_port", &self.port);
        stack.export("master_secret", &self.master_secret);
        stack.export("key", &self.key);
        stack.export("key_id", &self.key_id);
        stack.export("repository", &self.repository);
        stack.export("url", &self.url);
        stack.export("network", &self.network);
    }
}
