//! What the engine itself does: it keeps the stack's state, seals its secrets and takes on roles.

use infra_core::{
    provider::{Error, Grant, Needs, Purpose, Result},
    state::Value,
};

use super::sealing;

/// What the state and the sealing key need, where they are in AWS.
pub(super) fn grants(needs: &Needs) -> Result<Vec<Grant>> {
    let mut all = Vec::new();
    if let Some(url) = needs.state.as_deref().filter(|url| url.starts_with("s3:")) {
        all.extend(state(needs, url)?);
    }
    if let Some(key) = needs.key.as_deref().and_then(|url| url.strip_prefix("kms:")) {
        all.extend(sealing::grants(needs, key));
    }
    Ok(all)
}

/// Where the processes of a fleet leave what they found.
#[cfg(feature = "state")]
const RUNS: &str = infra_core::command::fleet::FOLDER;

#[cfg(feature = "state")]
fn state(needs: &Needs, url: &str) -> Result<Vec<Grant>> {
    use infra_core::state::backend::S3Address;

    let place = S3Address::parse(url).map_err(|e| Error::invalid(e.to_string()))?;
    let stack = needs.stack.to_string();
    let base = if place.prefix.is_empty() { String::new() } else { format!("{}/", place.prefix) };
    let bucket = format!("arn:*:s3:::{}", place.bucket);
    let region = place.region.as_deref().unwrap_or("*");
    let table = format!("arn:*:dynamodb:{region}:*:table/{}", place.table);
    // A fleet looks at every stack of the place.
    let stacks = if needs.purpose == Purpose::Fleet { "*" } else { &*stack };
    let own = format!("{bucket}/{base}{stacks}/*");
    let mark = format!("{bucket}/{base}.place.json");
    let item = format!("{}/{base}{stacks}", place.bucket);
    let on_item = |action| Grant::new(action, &*table).when("dynamodb:LeadingKeys", &*item);
    let mut all = vec![
        // Without it what is not there is denied instead of missing.
        Grant::new("s3:ListBucket", &*bucket),
        Grant::new("s3:GetObject", &*own),
        Grant::new("s3:GetObject", &*mark),
        on_item("dynamodb:GetItem"),
    ];
    if needs.purpose == Purpose::Fleet {
        // The parts that its processes leave for the one that tells what all have found.
        let runs = format!("{bucket}/{base}{RUNS}/*");
        all.extend(["s3:PutObject", "s3:DeleteObject"].map(|action| Grant::new(action, &*runs)));
    }
    if needs.purpose == Purpose::Deploy {
        let probe = format!("{bucket}/{base}.probe/*");
        for object in [&own, &probe] {
            all.extend(
                ["s3:PutObject", "s3:DeleteObject"].map(|action| Grant::new(action, object)),
            );
        }
        all.push(Grant::new("s3:PutObject", mark));
        // A rule that would take away what the state is made of is refused.
        all.push(Grant::new("s3:GetLifecycleConfiguration", bucket));
        all.push(on_item("dynamodb:UpdateItem"));
    }
    Ok(all)
}

#[cfg(not(feature = "state"))]
fn state(_: &Needs, url: &str) -> Result<Vec<Grant>> {
    let message = format!("this program was built without state in S3, and its state is {url:?}");
    Err(Error::invalid(message))
}

/// The role that a provider takes on, if it takes on one.
pub(super) fn role(config: &Value) -> Option<String> {
    let role = config.get("assume_role")?.get("role_arn")?;
    role.as_str().map(str::to_owned)
}

#[cfg(all(test, feature = "state"))]
mod tests {
    use infra_core::state::StackName;

    use super::*;

    fn needs(purpose: Purpose) -> Needs {
        Needs {
            stack: StackName::new("shop", "dev").expect("a name"),
            formerly: Vec::new(),
            purpose,
            places: Vec::new(),
            state: Some("s3://acme/team?lock=locks&region=eu-west-1".to_owned()),
            key: Some("kms:alias/infra".to_owned()),
        }
    }

    #[test]
    fn the_state_is_this_stacks_objects_and_item() {
        let all = grants(&needs(Purpose::Deploy)).unwrap();
        let put = |resource: &str| Grant::new("s3:PutObject", resource);
        assert!(all.contains(&put("arn:*:s3:::acme/team/shop/dev/*")));
        let item = Grant::new("dynamodb:UpdateItem", "arn:*:dynamodb:eu-west-1:*:table/locks");
        assert!(all.contains(&item.when("dynamodb:LeadingKeys", "acme/team/shop/dev")), "{all:#?}");
        assert!(all.iter().any(|grant| grant.action == "kms:Encrypt"));
    }

    #[test]
    fn a_fleet_reads_every_stack_and_writes_its_parts_only() {
        let all = grants(&needs(Purpose::Fleet)).unwrap();
        assert!(all.contains(&Grant::new("s3:GetObject", "arn:*:s3:::acme/team/*/*")), "{all:#?}");
        let item = Grant::new("dynamodb:GetItem", "arn:*:dynamodb:eu-west-1:*:table/locks");
        assert!(all.contains(&item.when("dynamodb:LeadingKeys", "acme/team/*")), "{all:#?}");
        let writes = |grant: &&Grant| {
            ["Put", "Delete", "Update", "Encrypt"].iter().any(|word| grant.action.contains(word))
        };
        let written: Vec<_> = all.iter().filter(writes).map(|it| it.resource.as_str()).collect();
        assert_eq!(written, ["arn:*:s3:::acme/team/drift.runs/*"; 2]);
    }

    #[test]
    fn who_only_looks_writes_nothing() {
        let all = grants(&needs(Purpose::Drift)).unwrap();
        let actions: Vec<_> = all.iter().map(|grant| grant.action.as_str()).collect();
        let reads =
            ["s3:ListBucket", "s3:GetObject", "s3:GetObject", "dynamodb:GetItem", "kms:Decrypt"];
        assert_eq!(actions, reads);
        let needs =
            Needs { state: Some("file:.infra".into()), key: None, ..needs(Purpose::Deploy) };
        assert!(grants(&needs).unwrap().is_empty());
    }
}
