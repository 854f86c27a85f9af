//! What sealing with a key in KMS needs.

use infra_core::provider::{Grant, Needs, Purpose};

use crate::policy::key;

/// `named` is what stands behind `kms:` in the settings.
pub(super) fn grants(needs: &Needs, named: &str) -> Vec<Grant> {
    let (named, options) = named.split_once('?').unwrap_or((named, ""));
    let region = options.split('&').find_map(|option| option.strip_prefix("region="));
    let mut of = key(named);
    if let (Some(region), false) = (region, named.starts_with("arn:")) {
        of = of.replacen("arn:*:kms:*:", &format!("arn:*:kms:{region}:"), 1);
    }
    // An alias is no resource of what is done with its key; that it was asked for by it can be demanded.
    let alias = named.find("alias/").map(|at| &named[at..]);
    let text = format!("infra-state data key of {}", needs.stack);
    let actions: &[&str] = match needs.purpose {
        Purpose::Deploy => &["kms:Decrypt", "kms:Encrypt"],
        Purpose::Drift | Purpose::Fleet => &["kms:Decrypt"],
    };
    let grant = |action: &&str| {
        let grant = Grant::new(*action, &*of).when("kms:EncryptionContext:infra", &*text);
        match alias {
            Some(alias) => grant.when("kms:RequestAlias", alias),
            None => grant,
        }
    };
    actions.iter().map(grant).collect()
}

#[cfg(test)]
mod tests {
    use infra_core::state::StackName;

    use super::*;

    #[test]
    fn a_key_is_bound_to_the_stack() {
        let needs = Needs {
            stack: StackName::new("shop", "dev").expect("a name"),
            formerly: Vec::new(),
            purpose: Purpose::Drift,
            places: Vec::new(),
            state: None,
            key: None,
        };
        let one = |named: &str| grants(&needs, named).remove(0);
        let alias = one("alias/infra?region=eu-west-2");
        assert_eq!(alias.resource, "arn:*:kms:eu-west-2:*:key/*");
        assert_eq!(alias.conditions["kms:RequestAlias"], "alias/infra");
        let context = "infra-state data key of shop/dev";
        assert_eq!(alias.conditions["kms:EncryptionContext:infra"], context);
        let arn = "arn:aws:kms:eu-west-1:123456789012:key/1234";
        assert_eq!((one(arn).resource, one(arn).conditions.len()), (arn.to_owned(), 1));
    }
}
