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

#[cfg(feature = "tagging")]
use crate::tagged as tagging;
use crate::{Aws, batch};

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

/// Those of these objects (their ids and ARNs) that are the stack's, for a service that gives tags one by one. What the look
/// knows is not asked about again.
pub(crate) async fn by_tags<R: Managed<Cloud = Aws>, Asked>(
    cx: &Cx<Aws>,
    stack: &StackName,
    objects: Vec<(String, String)>,
    tags_of: impl Fn(String) -> Asked,
) -> Result<Option<Vec<Observed<R>>>>
where
    Asked: Future<Output = Result<Option<Tags>>>,
{
    let unknown = objects.into_iter().filter(|(id, _)| !cx.knows(R::KIND, id));
    let (ids, arns): (Vec<_>, Vec<_>) = unknown.unzip();
    let tags = batch::each(&arns, |arn| tags_of(arn.clone())).await;
    read(cx, tagged(stack, ids, tags)?).await
}

/// The same for what the Resource Groups Tagging API has an index of. A look asks the service only about what is in the
/// index, or is named like the stack's.
#[cfg(feature = "tagging")]
pub(crate) async fn by_index<R: Managed<Cloud = Aws>, Asked>(
    cx: &Cx<Aws>,
    stack: &StackName,
    mut objects: Vec<(String, String)>,
    tags_of: impl Fn(String) -> Asked,
) -> Result<Option<Vec<Observed<R>>>>
where
    Asked: Future<Output = Result<Option<Tags>>>,
{
    objects.retain(|(id, _)| !cx.knows(R::KIND, id));
    if cx.is_look()
        && objects.iter().any(|(id, _)| !is_named_like(stack, id))
        && let Some(indexed) = tagging::of_stack(cx, stack).await?.as_ref()
    {
        objects.retain(|(id, arn)| indexed.contains(arn) || is_named_like(stack, id));
    }
    by_tags(cx, stack, objects, tags_of).await
}

/// The objects with these ids, as a read gives them; without what has gone since it was listed, and without what the look
/// has read already.
pub(crate) async fn read<R: Managed<Cloud = Aws>>(
    cx: &Cx<Aws>,
    mut ids: Vec<String>,
) -> Result<Option<Vec<Observed<R>>>> {
    ids.retain(|id| !cx.knows(R::KIND, id));
    let find: Vec<_> = ids.iter().map(|id| Find::Id { id, recorded: None }).collect();
    let found = if find.is_empty() { Vec::new() } else { R::read(cx, &find).await };
    found.into_iter().filter_map(Result::transpose).collect::<Result<_>>().map(Some)
}

/// Those of the objects with these ids that are the stack's: for kinds whose tags come with everything else.
pub(crate) async fn of_stack<R: Managed<Cloud = Aws>>(
    cx: &Cx<Aws>,
    stack: &StackName,
    mut ids: Vec<String>,
) -> Result<Option<Vec<Observed<R>>>> {
    ids.retain(|id| !cx.knows(R::KIND, id));
    let find: Vec<_> = ids.iter().map(|id| Find::Id { id, recorded: None }).collect();
    let found = if find.is_empty() { Vec::new() } else { R::read(cx, &find).await };
    let found = answered(&ids, found, |id| is_named_like(stack, id))?;
    let ours =
        |observed: &Observed<R>| observed.owner.as_ref().is_some_and(|owner| carries(owner, stack));
    Ok(Some(found.into_iter().map(|(_, observed)| observed).filter(ours).collect()))
}

#[cfg(all(test, feature = "simulated", feature = "full"))]
mod tests;
