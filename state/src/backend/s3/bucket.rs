//! The bucket: what it has to be like, looked at and put right.

use std::time::Duration;

use aws_sdk_s3::{
    operation::head_bucket::HeadBucketError,
    types::{
        BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration,
        PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
        ServerSideEncryptionConfiguration, ServerSideEncryptionRule, VersioningConfiguration,
    },
};

use super::{
    answer::{Answer as _, code},
    first_use::{self, PROBES},
    lifecycle::Rules,
    objects::Objects,
    policy::Policy,
};
use crate::{Env, Error, ErrorKind, Finding, Grade, Result};

pub(super) const BOOTSTRAP: &str = "`bootstrap` puts it right";
/// How often a bucket is asked for that was made a moment ago, and how long apart.
const VISIBLE: (u32, Duration) = (30, Duration::from_secs(1));

/// The bucket of a place.
pub(super) struct Bucket<'a> {
    pub(super) objects: &'a Objects,
    pub(super) env: &'a dyn Env,
}

/// A setting that a bucket for state has to have.
#[derive(Clone, Copy)]
enum Setting {
    Versioning,
    Encryption,
    PublicAccess,
    TlsOnly,
    Lifecycle,
}

const SETTINGS: [Setting; 5] = [
    Setting::Versioning,
    Setting::Encryption,
    Setting::PublicAccess,
    Setting::TlsOnly,
    Setting::Lifecycle,
];

impl Setting {
    fn name(self) -> &'static str {
        match self {
            Self::Versioning => "versioning of the bucket",
            Self::Encryption => "encryption of the bucket",
            Self::PublicAccess => "public access to the bucket",
            Self::TlsOnly => "policy of the bucket",
            Self::Lifecycle => "lifecycle of the bucket",
        }
    }

    /// What it is like where it is right, and what is the matter where it is not.
    fn says(self) -> (&'static str, &'static str) {
        match self {
            Self::Versioning => (
                "on",
                "off: an object that is overwritten or deleted by mistake cannot be brought back",
            ),
            Self::Encryption => ("on", "off"),
            Self::PublicAccess => ("blocked", "not blocked in every way there is"),
            Self::TlsOnly => ("nothing without TLS", "calls without TLS are not refused"),
            Self::Lifecycle => (
                "old versions and unfinished uploads go away some day",
                "old versions or unfinished uploads stay for ever",
            ),
        }
    }

    /// What is the matter where it is not right.
    fn finding(self) -> Finding {
        let what = format!("{}: {}", self.name(), self.says().1);
        match self {
            Self::PublicAccess => Finding::wrong(what, BOOTSTRAP),
            _ => Finding::notice(what, BOOTSTRAP),
        }
    }
}

impl Bucket<'_> {
    pub(super) async fn examine(&self) -> Result<Vec<Finding>> {
        let bucket = &self.objects.place.bucket;
        match self.is_there().await {
            Ok(true) => {}
            Ok(false) => {
                let what = format!("there is no bucket {bucket}");
                return Ok(vec![Finding::wrong(what, "`bootstrap` makes it")]);
            }
            Err(e) => return Ok(vec![plain(Grade::Wrong, waited(e)?)]),
        }
        let mut findings = vec![Finding::good(format!("the bucket {bucket} is there"))];
        for setting in SETTINGS {
            findings.push(match self.is_right(setting).await {
                Ok(true) => Finding::good(format!("{}: {}", setting.name(), setting.says().0)),
                Ok(false) => setting.finding(),
                Err(e) => unseen(setting.name(), e)?,
            });
        }
        findings.push(
            match Rules::read(self.objects).await.map(|rules| rules.deadly(self.objects)) {
                Ok(None) => Finding::good("no lifecycle rule takes away what a state is made of"),
                Ok(Some(rule)) => plain(Grade::Wrong, rule.to_string()),
                Err(e) => unseen("lifecycle of the bucket", e)?,
            },
        );
        findings.push(match first_use::conditions(self.objects, self.env).await {
            Ok(()) => Finding::good("a write whose condition does not hold is refused"),
            Err(e) => plain(Grade::Wrong, waited(e)?),
        });
        let left = self.objects.list(PROBES, "").await?.len();
        if left > 0 {
            let what = format!("{left} objects are left of checks that were cut off, in {PROBES}");
            findings.push(Finding::notice(what, "they can be deleted"));
        }
        Ok(findings)
    }

    /// What is there is adopted: settings that differ are changed, and what others added to them stays.
    pub(super) async fn prepare(&self) -> Result<Vec<Finding>> {
        let made = self.make().await?;
        let bucket = &self.objects.place.bucket;
        let mut findings = vec![if made {
            plain(Grade::Notice, format!("the bucket {bucket} was made"))
        } else {
            Finding::good(format!("the bucket {bucket} was there"))
        }];
        for setting in SETTINGS {
            let what = format!("{}: {}", setting.name(), setting.says().0);
            findings.push(if self.is_right(setting).await? {
                Finding::good(what)
            } else {
                self.set(setting).await?;
                plain(Grade::Notice, format!("{what} (was not)"))
            });
        }
        first_use::check(self.objects, self.env).await?;
        Ok(findings)
    }

    async fn is_there(&self) -> Result<bool> {
        let Objects { client, place } = self.objects;
        match client.head_bucket().bucket(&place.bucket).send().await {
            Err(e) if e.as_service_error().is_some_and(HeadBucketError::is_not_found) => Ok(false),
            Err(e) if code(&e) == Some("NoSuchBucket") => Ok(false),
            found => found.answer(place, "s3:ListBucket").map(|_| true),
        }
    }

    /// `false`: it was there already.
    async fn make(&self) -> Result<bool> {
        let Objects { client, place } = self.objects;
        if self.is_there().await? {
            return Ok(false);
        }
        let region = self.region()?;
        // The first region is the one that has no name here.
        let constraint = (region != "us-east-1").then(|| {
            let region = BucketLocationConstraint::from(region.as_str());
            CreateBucketConfiguration::builder().location_constraint(region).build()
        });
        let create = client.create_bucket().bucket(&place.bucket);
        let create = create.set_create_bucket_configuration(constraint);
        match create.send().await {
            Err(e) if code(&e) == Some("BucketAlreadyOwnedByYou") => {}
            Err(e) if code(&e) == Some("BucketAlreadyExists") => {
                let message = format!(
                    "the bucket {} is another account's: names of buckets are unique in the world. Name another",
                    place.bucket
                );
                return Err(Error::new(ErrorKind::Refused, message).because(e));
            }
            created => drop(created.answer(place, "s3:CreateBucket")?),
        }
        let (times, pause) = VISIBLE;
        for _ in 0..times {
            if self.is_there().await? {
                return Ok(true);
            }
            self.env.sleep(pause).await;
        }
        let message = format!("the bucket {} was made, but is not there yet", place.bucket);
        Err(Error::new(ErrorKind::Unavailable, message))
    }

    async fn is_right(&self, setting: Setting) -> Result<bool> {
        let Objects { client, place } = self.objects;
        let bucket = &place.bucket;
        Ok(match setting {
            Setting::Versioning => {
                let get = client.get_bucket_versioning().bucket(bucket).send().await;
                let found = get.answer(place, "s3:GetBucketVersioning")?;
                found.status() == Some(&BucketVersioningStatus::Enabled)
            }
            Setting::Encryption => {
                let get = client.get_bucket_encryption().bucket(bucket).send().await;
                match get {
                    Err(e)
                        if code(&e) == Some("ServerSideEncryptionConfigurationNotFoundError") =>
                    {
                        false
                    }
                    found => {
                        let found = found.answer(place, "s3:GetEncryptionConfiguration")?;
                        let rules = found.server_side_encryption_configuration();
                        rules.is_some_and(|rules| {
                            rules.rules().iter().any(|rule| {
                                rule.apply_server_side_encryption_by_default().is_some()
                            })
                        })
                    }
                }
            }
            Setting::PublicAccess => {
                let get = client.get_public_access_block().bucket(bucket).send().await;
                match get {
                    Err(e) if code(&e) == Some("NoSuchPublicAccessBlockConfiguration") => false,
                    found => {
                        let found = found.answer(place, "s3:GetBucketPublicAccessBlock")?;
                        found.public_access_block_configuration() == Some(&nothing_public())
                    }
                }
            }
            Setting::TlsOnly => self.policy().await?.denies_plain_text(bucket),
            Setting::Lifecycle => Rules::read(self.objects).await?.tidy(&place.base()),
        })
    }

    async fn set(&self, setting: Setting) -> Result<()> {
        let Objects { client, place } = self.objects;
        let bucket = &place.bucket;
        match setting {
            Setting::Versioning => {
                let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
                let put = client.put_bucket_versioning().bucket(bucket);
                let put = put.versioning_configuration(on.build()).send().await;
                put.answer(place, "s3:PutBucketVersioning").map(drop)
            }
            Setting::Encryption => {
                let put = client.put_bucket_encryption().bucket(bucket);
                let put = put.server_side_encryption_configuration(encryption()?).send().await;
                put.answer(place, "s3:PutEncryptionConfiguration").map(drop)
            }
            Setting::PublicAccess => {
                let put = client.put_public_access_block().bucket(bucket);
                let put = put.public_access_block_configuration(nothing_public()).send().await;
                put.answer(place, "s3:PutBucketPublicAccessBlock").map(drop)
            }
            Setting::TlsOnly => {
                let policy = self.policy().await?.with_tls_only(bucket, &self.region()?);
                let put = client.put_bucket_policy().bucket(bucket).policy(policy).send().await;
                put.answer(place, "s3:PutBucketPolicy").map(drop)
            }
            Setting::Lifecycle => Rules::read(self.objects).await?.add(self.objects).await,
        }
    }

    async fn policy(&self) -> Result<Policy> {
        let Objects { client, place } = self.objects;
        match client.get_bucket_policy().bucket(&place.bucket).send().await {
            Err(e) if code(&e) == Some("NoSuchBucketPolicy") => Policy::read(None),
            found => Policy::read(found.answer(place, "s3:GetBucketPolicy")?.policy()),
        }
    }

    fn region(&self) -> Result<String> {
        let region = self.objects.client.config().region().map(ToString::to_string);
        region.ok_or_else(|| {
            let message = "the state's address names no region: write `&region=REGION` into it, or set AWS_REGION";
            Error::new(ErrorKind::Refused, message)
        })
    }
}

/// Where there is nothing to advise, or what was found says it.
pub(super) fn plain(grade: Grade, what: String) -> Finding {
    Finding { grade, what, advice: None }
}

/// The finding for what may not be looked at.
pub(super) fn unseen(what: &str, error: Error) -> Result<Finding> {
    let why = waited(error)?;
    Ok(plain(Grade::Notice, format!("{what}: it could not be looked at: {why}")))
}

/// What an error says, unless trying again may help.
pub(super) fn waited(error: Error) -> Result<String> {
    if error.kind() == ErrorKind::Unavailable { Err(error) } else { Ok(error.to_string()) }
}

fn nothing_public() -> PublicAccessBlockConfiguration {
    PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .ignore_public_acls(true)
        .block_public_policy(true)
        .restrict_public_buckets(true)
        .build()
}

fn encryption() -> Result<ServerSideEncryptionConfiguration> {
    let aes = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256);
    let built = aes.build().and_then(|aes| {
        let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(aes);
        ServerSideEncryptionConfiguration::builder().rules(rule.build()).build()
    });
    built.map_err(|e| Error::new(ErrorKind::Invalid, "the encryption cannot be written").because(e))
}
