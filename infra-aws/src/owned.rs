//! Finding what carries a stack's owner tags: what the services' searches have in common.
//!
//! A search lists everything of its kind that there is, drops what is not the stack's by its tags alone, and reads the
//! rest by id. So nothing that somebody else made can fail it by what it is, and what is found is what a read gives.

use std::collections::BTreeMap;

use infra_core::{
    Resource,
    provider::{Class, Cx, Find, Managed, Observed, Result},
    state::StackName,
};

use crate::Aws;

/// The tag that says which stack an object is of.
pub(crate) const STACK: &str = "infra:stack";
/// The tag that says of which life of the stack it is.
pub(crate) const LINEAGE: &str = "infra:lineage";

type Tags = BTreeMap<String, String>;

/// Whether these are the tags of an object of the stack.
pub(crate) fn carries(tags: &Tags, stack: &StackName) -> bool {
    tags.get(STACK).is_some_and(|of| *of == stack.to_string())
}

/// Whose an object is by these tags, and nothing of which resource it is: what hangs on an object of the stack's without
/// tags of its own is taken for the stack's, and says of no resource that it is its object.
pub(crate) fn whose(tags: &Tags) -> Tags {
    let said = tags.iter().filter(|(key, _)| [STACK, LINEAGE].contains(&key.as_str()));
    said.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// What was answered, for each that was asked about, without what is not there.
///
/// A denial about one object is its own policy's, where others were answered: whom an object shuts out has not made
/// it. Where it may be the caller's own permission that is missing, it is an error: nobody was answered, or the object
/// is one of `ours`. To leave those out would be to say that they do not exist.
pub(crate) fn answered<T, A>(
    asked: impl IntoIterator<Item = T>,
    answers: Vec<Result<Option<A>>>,
    ours: impl Fn(&T) -> bool,
) -> Result<Vec<(T, A)>> {
    let reached = answers.iter().any(Result::is_ok);
    let mut all = Vec::new();
    for (asked, answer) in asked.into_iter().zip(answers) {
        match answer {
            Ok(Some(answer)) => all.push((asked, answer)),
            Ok(None) => {}
            Err(e) if e.class() == Class::Denied && reached && !ours(&asked) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(all)
}

/// Those of `ids` whose tags say that they are the stack's.
pub(crate) fn tagged(
    stack: &StackName,
    ids: Vec<String>,
    tags: Vec<Result<Option<Tags>>>,
) -> Result<Vec<String>> {
    let answered = answered(ids, tags, |id| is_named_like(stack, id))?;
    Ok(answered.into_iter().filter(|(_, tags)| carries(tags, stack)).map(|(id, _)| id).collect())
}

/// Whether the stack's generated names may be in the id, whatever their rule makes of its words.
pub(crate) fn is_named_like(stack: &StackName, id: &str) -> bool {
    let words = |text: &str| {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|it| !it.is_empty());
        words.fold(String::new(), |all, word| all + "-" + &word.to_ascii_lowercase())
    };
    (words(id) + "-").contains(&(words(&stack.to_string()) + "-"))
}

/// What the generated names of this kind begin with.
pub(crate) fn prefix<R: Resource>(stack: &StackName) -> Option<String> {
    R::schema().name_rule().map(|rule| rule.prefix(stack))
}

/// The objects with these ids, as a read gives them; without what has gone since it was listed.
pub(crate) async fn read<R: Managed<Cloud = Aws>>(
    cx: &Cx<Aws>,
    ids: Vec<String>,
) -> Result<Option<Vec<Observed<R>>>> {
    let find: Vec<_> = ids.iter().map(|id| Find::Id { id, recorded: None }).collect();
    let found = if find.is_empty() { Vec::new() } else { R::read(cx, &find).await };
    found.into_iter().filter_map(Result::transpose).collect::<Result<_>>().map(Some)
}

/// Those of the objects with these ids that are the stack's: for kinds whose tags come with everything else.
pub(crate) async fn of_stack<R: Managed<Cloud = Aws>>(
    cx: &Cx<Aws>,
    stack: &StackName,
    ids: Vec<String>,
) -> Result<Option<Vec<Observed<R>>>> {
    let find: Vec<_> = ids.iter().map(|id| Find::Id { id, recorded: None }).collect();
    let found = if find.is_empty() { Vec::new() } else { R::read(cx, &find).await };
    let found = answered(&ids, found, |id| is_named_like(stack, id))?;
    let ours =
        |observed: &Observed<R>| observed.owner.as_ref().is_some_and(|owner| carries(owner, stack));
    Ok(Some(found.into_iter().map(|(_, observed)| observed).filter(ours).collect()))
}

#[cfg(all(test, feature = "simulated", feature = "full"))]
mod tests;
