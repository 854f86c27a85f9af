//! Where things are: accounts, regions, zones. Readable from a program's configuration (serde).

use infra_core::{DataError, text_type};

text_type! {
    /// An account number.
    #[derive(serde::Deserialize)]
    #[serde(try_from = "String")]
    AccountId, "an account number of 12 digits", |text| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}
text_type! {
    /// A region.
    #[derive(serde::Deserialize)]
    #[serde(try_from = "String")]
    Region, "a region like `eu-west-1`", |text| is_region(text)
}
text_type! {
    /// An availability zone.
    #[derive(serde::Deserialize)]
    #[serde(try_from = "String")]
    Zone, "a zone like `eu-west-1a`",
    |text| text.strip_suffix(|c: char| c.is_ascii_lowercase()).is_some_and(is_region)
}

fn is_region(text: &str) -> bool {
    let mut parts = text.rsplit('-');
    let number =
        parts.next().is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let words: Vec<_> = parts.collect();
    number
        && words.len() >= 2
        && words.iter().all(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase()))
}

impl Zone {
    /// The zone's region: `eu-west-1` of `eu-west-1a`.
    pub fn region(&self) -> Region {
        Region::trusted(self.as_str().trim_end_matches(|c: char| c.is_ascii_lowercase()))
    }
}

macro_rules! from_configuration {
    ($($name:ident)*) => { $(
        impl TryFrom<String> for $name {
            type Error = DataError;

            fn try_from(text: String) -> Result<Self, DataError> {
                Self::new(text)
            }
        }
    )* };
}
from_configuration!(AccountId Region Zone);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_apart() {
        assert_eq!(Zone::new("eu-west-1a").unwrap().region().as_str(), "eu-west-1");
        assert!(Region::new("us-gov-west-1").is_ok());
        for wrong in ["eu-west-1a", "eu-west", "euwest1", "", "-1"] {
            assert!(Region::new(wrong).is_err(), "{wrong}");
        }
        assert!(Zone::new("eu-west-1").is_err());
        assert!(AccountId::new("12345").is_err());
    }
}
