//! [`S3`]: objects in a bucket, leases in a table.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::{
    S3Address,
    bucket::Bucket,
    first_use,
    lease::Leases,
    objects::{Objects, When},
    table::Table,
};
use crate::{
    Env, Finding, Result,
    backend::{Backend, Claim, HolderInfo, Liveness, Object, Put, Tag, Taken, key::check_key},
    env::System,
};

/// A bucket and a `DynamoDB` table (`s3://bucket/prefix?lock=TABLE`).
///
/// The clients are given ready: with credentials, region and timeouts. They need not try again by themselves; a
/// [`Retry`](crate::backend::Retry) around this does. A call should be given up well within the lease.
///
/// **Invariant:** nothing is written to a place before it was seen to keep conditions, and not to expire objects.
#[derive(Clone, Debug)]
pub struct S3 {
    place: S3Address,
    objects: Objects,
    leases: Leases,
    env: Arc<dyn Env>,
    lease: Duration,
    /// That the place was checked, now or by an earlier run.
    checked: Arc<OnceCell<()>>,
}

impl S3 {
    /// The place `address`, through these clients. Calls nothing.
    pub fn new(
        address: S3Address,
        s3: aws_sdk_s3::Client,
        dynamodb: aws_sdk_dynamodb::Client,
    ) -> Self {
        Self {
            objects: Objects { client: s3, place: address.clone() },
            leases: Leases { client: dynamodb, place: address.clone() },
            env: Arc::new(System),
            lease: address.lease,
            checked: Arc::default(),
            place: address,
        }
    }

    /// The same, with another clock and another source of randomness.
    #[must_use]
    pub fn with_env(mut self, env: Arc<dyn Env>) -> Self {
        self.env = env;
        self
    }

    /// The same, with leases of another length than an address can say: for tests that wait until one runs out.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Where this is.
    pub fn address(&self) -> &S3Address {
        &self.place
    }

    async fn put(&self, key: &str, body: &[u8], when: When<'_>) -> Result<Put> {
        check_key(key)?;
        self.check_place().await?;
        self.objects.put(key, body, when).await
    }

    async fn check_place(&self) -> Result<()> {
        let check = || first_use::check(&self.objects, &*self.env);
        self.checked.get_or_try_init(check).await.copied()
    }

    fn bucket(&self) -> Bucket<'_> {
        Bucket { objects: &self.objects, env: &*self.env }
    }

    fn table(&self) -> Table<'_> {
        Table { client: &self.leases.client, place: &self.place, env: &*self.env }
    }
}

#[async_trait]
impl Backend for S3 {
    fn url(&self) -> String {
        self.place.home()
    }

    fn liveness(&self) -> Liveness {
        Liveness::Beats { lease: self.lease, every: self.lease / 3 }
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        check_key(key)?;
        self.objects.get(key).await
    }

    async fn put_if_absent(&self, key: &str, body: &[u8]) -> Result<Put> {
        self.put(key, body, When::Absent).await
    }

    async fn put_if_match(&self, key: &str, body: &[u8], seen: &Tag) -> Result<Put> {
        self.put(key, body, When::Is(seen)).await
    }

    async fn list(&self, folder: &str, after: &str) -> Result<Vec<String>> {
        if !folder.is_empty() {
            check_key(folder)?;
        }
        let mut names = self.objects.list(folder, after).await?;
        // No key begins with a dot: these are the place's own.
        names.retain(|name| !name.starts_with('.'));
        Ok(names)
    }

    async fn delete(&self, key: &str) -> Result<()> {
        check_key(key)?;
        self.objects.delete(key).await
    }

    async fn lease_take(&self, stack: &str, claim: &Claim, over: Option<Uuid>) -> Result<Taken> {
        check_key(stack)?;
        self.check_place().await?;
        self.leases.take(stack, claim, over).await
    }

    async fn lease_renew(&self, stack: &str, nonce: Uuid, beat: Uuid) -> Result<bool> {
        check_key(stack)?;
        self.leases.renew(stack, nonce, beat).await
    }

    async fn lease_free(&self, stack: &str, nonce: Uuid) -> Result<bool> {
        check_key(stack)?;
        self.leases.free(stack, nonce).await
    }

    async fn lease_holder(&self, stack: &str) -> Result<Option<HolderInfo>> {
        check_key(stack)?;
        self.leases.holder(stack).await
    }

    async fn examine(&self) -> Result<Vec<Finding>> {
        let mut findings = self.bucket().examine().await?;
        findings.extend(self.table().examine().await?);
        Ok(findings)
    }

    async fn prepare(&self) -> Result<Vec<Finding>> {
        let mut prepared = self.bucket().prepare().await?;
        prepared.extend(self.table().prepare().await?);
        Ok(prepared)
    }
}
