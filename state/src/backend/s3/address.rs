//! `s3://bucket/prefix?lock=TABLE`.

use std::time::Duration;

use crate::{Error, ErrorKind, Result, backend::key::check_key};

const KEYS: [&str; 3] = ["lock", "region", "lease"];
const LEASE: Duration = Duration::from_mins(1);
const SHORTEST_LEASE: Duration = Duration::from_secs(5);

/// Where a state is, as `s3://bucket/prefix?lock=TABLE&region=REGION` says it.
///
/// **Invariant:** only bucket and prefix are the state's home. The table, the region and the length of the lease may
/// change, and the state stays the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct S3Address {
    /// The bucket.
    pub bucket: String,
    /// Words joined by `/`, or nothing.
    pub prefix: String,
    /// The table that keeps the leases.
    pub table: String,
    /// The region of bucket and table, if the address says it.
    pub region: Option<String>,
    /// How long a beat is good for: a minute unless the address says otherwise.
    pub lease: Duration,
}

impl S3Address {
    /// Reads an address. A key that is not known is an error, as is a bucket or table that no AWS would have.
    pub fn parse(url: &str) -> Result<Self> {
        let wrong = |what: String| {
            let message = format!("{url:?}: {what} (`s3://bucket/prefix?lock=TABLE`)");
            Error::new(ErrorKind::Invalid, message)
        };
        let rest = url.strip_prefix("s3://").ok_or_else(|| wrong("no S3 address".to_owned()))?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        let prefix = prefix.trim_end_matches('/');
        check_bucket(bucket).map_err(wrong)?;
        if !prefix.is_empty() {
            check_key(prefix).map_err(|e| wrong(format!("the prefix {e}")))?;
        }
        let (mut table, mut region, mut lease) = (None, None, LEASE);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            match key {
                "lock" if is_table(value) => table = Some(value.to_owned()),
                "lock" => return Err(wrong(format!("{value:?} is no name of a table"))),
                "region" if is_region(value) => region = Some(value.to_owned()),
                "region" => return Err(wrong(format!("{value:?} is no region"))),
                "lease" => lease = read_lease(value).map_err(wrong)?,
                _ => return Err(wrong(unknown(key))),
            }
        }
        let table = table.ok_or_else(|| {
            wrong("it names no table for the lock; `bootstrap` makes the one you name".to_owned())
        })?;
        Ok(Self { bucket: bucket.to_owned(), prefix: prefix.to_owned(), table, region, lease })
    }

    /// The canonical form: what a state calls its home.
    pub fn home(&self) -> String {
        match &*self.prefix {
            "" => format!("s3://{}", self.bucket),
            prefix => format!("s3://{}/{prefix}", self.bucket),
        }
    }

    /// The object's key in the bucket.
    pub(super) fn object(&self, key: &str) -> String {
        format!("{}{key}", self.base())
    }

    /// What every key in the bucket begins with: empty, or with a `/` at its end.
    pub(super) fn base(&self) -> String {
        if self.prefix.is_empty() { String::new() } else { format!("{}/", self.prefix) }
    }

    /// The hash key of a stack's lease.
    pub(super) fn lock_id(&self, stack: &str) -> String {
        format!("{}/{}", self.bucket, self.object(stack))
    }
}

fn check_bucket(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !(3..=63).contains(&name.len())
        || !name.chars().all(fits)
        || !name.starts_with(ends)
        || !name.ends_with(ends)
    {
        return Err(format!("{name:?} is no name of a bucket"));
    }
    // Their listings are not in order and cannot begin after a key.
    if name.ends_with("--x-s3") {
        return Err(format!("{name:?} is a directory bucket; state needs a general purpose one"));
    }
    Ok(())
}

fn is_table(name: &str) -> bool {
    (3..=255).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
}

fn is_region(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn read_lease(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().map(Duration::from_secs);
    seconds
        .filter(|lease| (SHORTEST_LEASE..=Duration::from_hours(1)).contains(lease))
        .ok_or_else(|| format!("`lease={text}`: a number of seconds from 5 to 3600 is expected"))
}

fn unknown(key: &str) -> String {
    let near = |known: &&str| strsim::damerau_levenshtein(key, known);
    match KEYS.into_iter().min_by_key(near).filter(|known| near(known) <= 2) {
        Some(known) => format!("`{key}` is not known; did you mean `{known}`?"),
        None => format!("`{key}` is not known; there are `{}`", KEYS.join("`, `")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_full() {
        let address =
            S3Address::parse("s3://acme-state/teams/a/?lock=locks&region=eu-west-1&lease=5")
                .unwrap();
        assert_eq!(address.home(), "s3://acme-state/teams/a");
        assert_eq!(address.table, "locks");
        assert_eq!(address.region.as_deref(), Some("eu-west-1"));
        assert_eq!(address.lease, Duration::from_secs(5));
        assert_eq!(address.object("p/s/head.json"), "teams/a/p/s/head.json");
        assert_eq!(address.lock_id("p/s"), "acme-state/teams/a/p/s");
    }

    #[test]
    fn a_bucket_alone_is_a_place_too() {
        let address = S3Address::parse("s3://acme-state?lock=locks").unwrap();
        assert_eq!((address.home().as_str(), address.base().as_str()), ("s3://acme-state", ""));
        assert_eq!(address.lease, Duration::from_mins(1));
        assert_eq!(address.lock_id("p/s"), "acme-state/p/s");
    }

    #[test]
    fn what_is_wrong_says_so() {
        let said = |url: &str| S3Address::parse(url).unwrap_err().to_string();
        assert!(said("s3://acme-state/p?lok=t").contains("did you mean `lock`"));
        assert!(said("s3://acme-state/p?encrypt=true").contains("there are `lock`"));
        assert!(said("s3://acme-state/p").contains("names no table"));
        assert!(said("s3://Acme/p?lock=ttt").contains("no name of a bucket"));
        assert!(said("s3://acme--x-s3/p?lock=ttt").contains("directory bucket"));
        assert!(said("s3://acme-state/../p?lock=ttt").contains("prefix"));
        assert!(said("s3://acme-state/p?lock=ttt&lease=1").contains("5 to 3600"));
        assert!(said("s3://acme-state/p?lock=ttt&region=EU").contains("no region"));
        assert!(said("file:x").contains("no S3 address"));
    }
}
