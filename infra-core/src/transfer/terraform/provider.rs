//! Which configuration of which provider a Terraform resource is made through.

use std::fmt;

/// `provider["registry.terraform.io/hashicorp/aws"].us`, possibly of a module.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderAddress {
    /// The module it is configured in: `module.x`; empty for the root.
    pub module: String,
    /// Where it comes from: `registry.terraform.io/hashicorp/aws`.
    pub source: String,
    /// Which of several configurations; `None` for the default one.
    pub alias: Option<String>,
}

impl ProviderAddress {
    /// Reads what a state says. States of before Terraform 0.13 say `provider.aws.us`.
    pub fn read(text: &str) -> Option<Self> {
        let at = if text.starts_with("provider") { 0 } else { text.find(".provider")? + 1 };
        let module = text[..at].trim_end_matches('.').to_owned();
        let rest = text[at..].strip_prefix("provider")?;
        if let Some(rest) = rest.strip_prefix("[\"") {
            let (source, rest) = rest.split_once("\"]")?;
            let alias = match rest {
                "" => None,
                rest => Some(rest.strip_prefix('.')?.to_owned()),
            };
            return Some(Self { module, source: source.to_owned(), alias });
        }
        let rest = rest.strip_prefix('.')?;
        let (name, alias) = match rest.split_once('.') {
            Some((name, alias)) => (name, Some(alias.to_owned())),
            None => (rest, None),
        };
        Some(Self { module, source: format!("registry.terraform.io/hashicorp/{name}"), alias })
    }

    /// The last part of where it comes from: `aws`.
    pub fn name(&self) -> &str {
        self.source.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for ProviderAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.module.is_empty() {
            write!(f, "{}.", self.module)?;
        }
        write!(f, "provider[\"{}\"]", self.source)?;
        match &self.alias {
            Some(alias) => write!(f, ".{alias}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_states_have_is_read() {
        let own = "provider[\"registry.terraform.io/hashicorp/aws\"]";
        let read = |text: &str| ProviderAddress::read(text).unwrap();
        assert_eq!(read(own).alias, None);
        assert_eq!(read(&format!("{own}.us")).alias.as_deref(), Some("us"));
        let inner = format!("module.x.module.y.{own}.us");
        assert_eq!(read(&inner).module, "module.x.module.y");
        assert_eq!(read(&inner).to_string(), inner);
        assert_eq!(read("provider[\"registry.opentofu.org/hashicorp/aws\"]").name(), "aws");
        assert_eq!(read("provider.aws.us").to_string(), format!("{own}.us"));
        assert_eq!(read("module.x.provider.aws").module, "module.x");
        assert_eq!(ProviderAddress::read("aws"), None);
    }
}
