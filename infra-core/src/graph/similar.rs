//! Which resource somebody probably meant.

use infra_state::Urn;

use crate::config::nearest;

/// `; did you mean …?` if there is a resource of this kind with a similar name, or one with this name of a similar kind.
pub(crate) fn did_you_mean<'u>(urn: &Urn, candidates: impl Iterator<Item = &'u Urn>) -> String {
    let (mut names, mut kinds) = (Vec::new(), Vec::new());
    for candidate in candidates {
        if candidate.kind() == urn.kind() {
            names.push(candidate.name());
        }
        if candidate.name() == urn.name() {
            kinds.push(candidate.kind());
        }
    }
    let name = nearest(urn.name(), names).map(|name| (urn.kind(), name));
    let near = name.or_else(|| nearest(urn.kind(), kinds).map(|kind| (kind, urn.name())));
    near.map(|(kind, name)| format!("; did you mean `{kind}::{name}`?")).unwrap_or_default()
}
