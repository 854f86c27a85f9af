//! Why a step is planned, as one line.

use infra_state::Urn;

use crate::plan::{Cause, Step, Why};

/// The reason chain from the cause outwards; `None` where the sign says everything.
pub(super) fn reason(step: &Step) -> Option<String> {
    let links = step.why.iter().filter_map(|why| link(why, &step.urn));
    let mut chain: Vec<String> = links.collect();
    chain.dedup();
    (!chain.is_empty()).then(|| chain.join(" → "))
}

fn link(why: &Why, own: &Urn) -> Option<String> {
    let subject = match (&why.path, why.urn == *own) {
        (Some(path), true) => path.to_string(),
        (Some(path), false) => format!("{}.{path}", why.urn.name()),
        (None, true) => "it".to_owned(),
        (None, false) => why.urn.name().to_owned(),
    };
    Some(match &why.cause {
        Cause::New | Cause::Destroyed => return None,
        // The property itself is shown below; another resource's is not.
        Cause::Changed if why.urn == *own => return None,
        Cause::Changed => format!("{subject} changes"),
        Cause::Removed if why.urn == *own => "not in the program any more".to_owned(),
        Cause::Removed => format!("{subject} is not in the program any more"),
        Cause::Immutable => format!("{subject} cannot change in place"),
        Cause::Driver(reason) => format!("{subject}: {reason}"),
        Cause::Asked(by) => format!("asked for by {by}"),
        Cause::Follows { urn, output } => format!("{subject} follows {}.{output}", urn.name()),
        Cause::Missing => format!("{subject} is gone from the cloud"),
        Cause::Drifted => format!("{subject} was changed by somebody else"),
        Cause::Unfinished => format!("{subject} was not finished last time"),
        Cause::Broken(reason) => format!("{subject} cannot be used as it is: {reason}"),
        Cause::ProviderMoved => format!("the provider of {subject} points somewhere else now"),
        Cause::Deposed => "left over from an earlier replacement".to_owned(),
        Cause::MakesRoom { urn } => format!("makes room for the new {}", urn.name()),
    })
}
