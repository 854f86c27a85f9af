//! What runs before the ledger does, each in a job of its own.

use infra_aws::eks;
use infra_core::prelude::*;
use infra_kubernetes::{Container, Job, Object, Pod, ServiceAccount, Volume};

use super::{
    LEDGER, Platform, Secrets,
    app::Image,
    identity::{pod_identity, reads_master_secret, reads_parameters},
};

/// Where secrets are, in every container of the ledger's image.
pub(super) const SECRETS: &str = "/run/qledger";
/// The AWS CLI, which loads them. By its version here; production pins a digest (`ledger.loader`).
pub(super) const LOADER: &str = "public.ecr.aws/aws-cli/aws-cli:2.31.38";
/// The user that the image is made for.
const USER: i32 = 10_001;
/// What the job's pods are.
const DATABASE: &str = "qledger-database";

/// The script that the loader runs: why it is as it is stands in it.
const LOAD: &str = include_str!("../../qledger/load-secrets.sh");

/// What the jobs and the ledger's own pods have in common.
pub(super) struct Preparation<'a> {
    pub(super) platform: &'a Platform,
    pub(super) secrets: &'a Secrets,
    pub(super) image: &'a Image,
    /// The image of the loader.
    pub(super) loader: &'a str,
}

impl Preparation<'_> {
    /// A container of the ledger's image that does one of the things it can.
    pub(super) fn container(&self, what: &str) -> Container {
        Container::new(LEDGER, &self.image.reference).args([what])
    }

    /// A pod of the ledger's image: not root, nothing writable but memory, its secrets loaded into that before it starts.
    /// `secrets` is what the loader is told: `NAME=ssm:PARAMETER:VERSION …`.
    pub(super) fn pod(
        &self,
        account: &Handle<Object>,
        secrets: &Output<String>,
        container: Container,
    ) -> Pod {
        let load = Container::new("load-secrets", self.loader)
            .command(["/bin/sh", "-c", LOAD])
            .env("SECRETS", secrets)
            .env("INTO", SECRETS)
            .env("AWS_REGION", &self.platform.region)
            // The CLI looks for its settings in the home of its user, who has none.
            .env("HOME", SECRETS)
            .requests("50m", "128Mi")
            .memory_limit("256Mi")
            .mount("secrets", SECRETS)
            .restricted();
        Pod::new()
            .service_account(&account.name)
            .user(USER)
            .set("spec.automountServiceAccountToken", false)
            .volume(Volume::in_memory("secrets", "1Mi"))
            .init_container(load)
            .container(container.mount_read_only("secrets", SECRETS).restricted())
    }

    /// What the loader is told of the connection string, with its version: a pod has the values that its template speaks
    /// of, and a rotated one makes new pods.
    fn url(&self) -> Output<String> {
        let url = &self.secrets.url_parameter;
        interpolate!("DATABASE_URL=ssm:{}:{}", &url.name, &url.version)
    }

    /// The same of all that the ledger needs.
    pub(super) fn everything(&self) -> Output<String> {
        let token = &self.secrets.token_parameter;
        interpolate!("{} LEDGER_AUTH_TOKEN=ssm:{}:{}", &self.url(), &token.name, &token.version)
    }

    /// The role and the database that the ledger uses. The identity of this job alone may read the master's password.
    pub(super) fn database(&self, stack: &mut Stack, namespace: &Handle<Object>) -> Handle<Object> {
        let policy = reads_parameters(self.platform, &[&self.secrets.url_parameter.arn]);
        let policy = reads_master_secret(policy, self.platform);
        let identity = pod_identity(stack, self.platform, DATABASE, policy);
        let account = ServiceAccount::new(DATABASE).namespace(&namespace.name).automount(false);
        let account = stack.add("database", account);
        let told = interpolate!(
            "{} MASTER_SECRET=secretsmanager:{}",
            &self.url(),
            &self.platform.master_secret
        );
        let pod = self.pod(&account, &told, self.container("database"));
        let job = Job::new(DATABASE, pod).namespace(&namespace.name).retries(4).deadline(600);
        stack.add("database", job.depends_on(&identity))
    }

    /// The schema that this image needs. Replicas that start together on an old one kill each other, so it is there before
    /// them: one job for each image.
    pub(super) fn schema(
        &self,
        stack: &mut Stack,
        namespace: &Handle<Object>,
        account: &Handle<Object>,
        after: (&Handle<Object>, &Handle<eks::PodIdentityAssociation>),
    ) -> Handle<Object> {
        let pod = self.pod(account, &self.url(), self.container("schema"));
        let job = Job::new(format!("qledger-schema-{}", self.image.short), pod);
        let job = job.namespace(&namespace.name).retries(4).deadline(900);
        stack.add("schema", job.depends_on(after))
    }
}
