//! The policies of a stack.

use std::collections::{BTreeMap, BTreeSet};

use infra_core::{
    provider::{Grant, Needs, Policies, PolicyDocument, Purpose, Result},
    state::{ProviderIdentity, Value},
};

use super::{
    backend, implied,
    merge::statements,
    placed::{At, Placed},
    split,
};

/// The policies that allow what is needed: those of whoever deploys, and those of each role that a provider takes on.
pub(crate) fn policies(needs: &Needs) -> Result<Policies> {
    let mut principals: BTreeMap<Option<String>, BTreeSet<Placed>> = BTreeMap::new();
    principals.insert(None, BTreeSet::new());
    for place in &needs.places {
        let role = backend::role(&place.config);
        let at = At::of(needs, &place.config, &place.identity);
        let all = principals.entry(role.clone()).or_default();
        all.extend(place.grants.iter().map(|grant| at.place(grant, false)));
        all.extend(place.adopting.iter().map(|grant| at.place(grant, true)));
        if needs.purpose.only_looks() && cfg!(feature = "cloudtrail") {
            // Who did it. It has no resources.
            let actors = Grant::new("cloudtrail:LookupEvents", "*");
            all.insert(at.place(&actors, false));
        }
        if let Some(role) = role {
            let assume = Grant::new("sts:AssumeRole", role);
            principals.entry(None).or_default().insert(at.place(&assume, false));
        }
    }
    let home = home(needs);
    let engine = backend::grants(needs)?;
    let own = principals.entry(None).or_default();
    own.extend(engine.iter().map(|grant| home.place(grant, false)));
    let mut found = Policies::default();
    for (role, permissions) in principals {
        if permissions.is_empty() {
            continue;
        }
        let actions: BTreeSet<&str> = permissions.iter().map(|it| it.action.as_str()).collect();
        found.implied.extend(implied::of(&actions));
        let name = name(needs.purpose, role.as_deref());
        let documents = split::documents(&name, statements(permissions))?;
        for (at, json) in (1..).zip(documents) {
            let name = if at == 1 { name.clone() } else { format!("{name}-{at}") };
            found.documents.push(PolicyDocument { name, json });
        }
    }
    found.implied.sort();
    found.implied.dedup();
    Ok(found)
}

/// Where the run begins: the place of what it does as itself.
fn home(needs: &Needs) -> At {
    let own = needs.places.iter().find(|place| backend::role(&place.config).is_none());
    match own {
        Some(place) => At::of(needs, &place.config, &place.identity),
        None => At::of(needs, &Value::map(), &ProviderIdentity::new()),
    }
}

/// `deploy`, `deploy-as-NAME` for what is done as a role.
fn name(purpose: Purpose, role: Option<&str>) -> String {
    match role.and_then(|role| role.rsplit('/').next()) {
        None => purpose.name().to_owned(),
        Some(role) => format!("{}-as-{role}", purpose.name()),
    }
}
