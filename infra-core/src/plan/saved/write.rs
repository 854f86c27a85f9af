//! A plan as a value.

use infra_state::{Key, Path, Record, Value};

use crate::plan::{
    Action, Cause, DataLoss, DiffKind, Hint, Plan, PropertyDiff, ReplaceOrder, Replacement, Step,
    Why,
};

fn list<T>(items: impl IntoIterator<Item = T>, write: impl Fn(T) -> Value) -> Value {
    Value::List(items.into_iter().map(write).collect())
}

fn maybe<T>(item: Option<T>, write: impl FnOnce(T) -> Value) -> Value {
    item.map_or(Value::Null, write)
}

fn text(text: &impl ToString) -> Value {
    Value::String(text.to_string())
}

pub(super) fn plan(plan: &Plan) -> Value {
    Value::from([
        ("steps", list(&plan.steps, step)),
        ("exported", Value::Map(plan.exported.clone())),
        ("hints", list(&plan.hints, hint)),
        (
            "losses",
            list(&plan.losses, |DataLoss { urn, allowed, named }| {
                Value::List(vec![text(urn), (*allowed).into(), (*named).into()])
            }),
        ),
        ("records", list(&plan.records, record)),
        ("forgotten", list(&plan.forgotten, key)),
    ])
}

fn step(step: &Step) -> Value {
    Value::from([
        ("urn", text(&step.urn)),
        ("instance", text(&step.instance)),
        ("action", action(step.action).into()),
        ("inputs", Value::clone(&step.inputs)),
        ("outputs", Value::clone(&step.outputs)),
        ("recorded", maybe(step.recorded.as_deref(), record)),
        ("diff", list(&step.diff, difference)),
        ("drift", list(&step.drift, difference)),
        ("paths", list(&step.paths, text)),
        ("replaces", maybe(step.replaces.as_ref(), replacement)),
        ("why", list(&step.why, why)),
        ("after", list(&step.after, |id| (id.0 as u64).into())),
        ("data_loss", step.data_loss.into()),
        ("record_only", step.record_only.into()),
        ("only_if", maybe(step.only_if.as_ref(), text)),
        ("renamed_from", maybe(step.renamed_from.as_ref(), text)),
    ])
}

fn action(action: Action) -> &'static str {
    match action {
        Action::Keep => "keep",
        Action::Create => "create",
        Action::Update => "update",
        Action::Import => "import",
        Action::Delete => "delete",
        Action::DeleteOld => "delete-old",
        Action::Read => "read",
        Action::Forget => "forget",
    }
}

fn replacement(replacement: &Replacement) -> Value {
    let reason = match &replacement.order {
        ReplaceOrder::CreateFirst => None,
        ReplaceOrder::DeleteFirst(reason) => Some(reason),
    };
    Value::from([
        ("old", key(&replacement.old)),
        ("if_changed", replacement.if_changed.into()),
        ("delete_first", maybe(reason, text)),
    ])
}

fn difference(diff: &PropertyDiff) -> Value {
    // Present and null are two things.
    let side = |value: &Option<Value>| list(value.iter().cloned(), |value| value);
    let kind = match diff.kind {
        DiffKind::Update => "update",
        DiffKind::Replace => "replace",
        DiffKind::MaybeReplace => "maybe-replace",
    };
    Value::from([
        ("path", text(&diff.path)),
        ("before", side(&diff.before)),
        ("after", side(&diff.after)),
        ("kind", kind.into()),
    ])
}

fn why(why: &Why) -> Value {
    Value::from([
        ("urn", text(&why.urn)),
        ("path", maybe(why.path.as_ref(), text)),
        ("cause", cause(&why.cause)),
    ])
}

fn cause(cause: &Cause) -> Value {
    let words = |words: &[&str]| list(words, |word| (*word).into());
    let output = |urn: &str, output: &Path| words(&["follows", urn, &output.to_string()]);
    match cause {
        Cause::New => words(&["new"]),
        Cause::Removed => words(&["removed"]),
        Cause::Destroyed => words(&["destroyed"]),
        Cause::Immutable => words(&["immutable"]),
        Cause::Changed => words(&["changed"]),
        Cause::Driver(why) => words(&["driver", why]),
        Cause::Asked(by) => words(&["asked", by]),
        Cause::Follows { urn, output: path } => output(urn.as_str(), path),
        Cause::Missing => words(&["missing"]),
        Cause::Drifted => words(&["drifted"]),
        Cause::Unfinished => words(&["unfinished"]),
        Cause::Broken(why) => words(&["broken", why]),
        Cause::ProviderMoved => words(&["provider-moved"]),
        Cause::Deposed => words(&["deposed"]),
        Cause::MakesRoom { urn } => words(&["makes-room", urn.as_str()]),
    }
}

fn hint(hint: &Hint) -> Value {
    let words = |words: [&str; 3]| list(words, Value::from);
    match hint {
        Hint::Rename { from, to } => words(["rename", from.as_str(), to.as_str()]),
        Hint::FixedName { urn, field } => words(["fixed-name", urn.as_str(), field]),
        Hint::Note(note) => words(["note", note, ""]),
    }
}

fn key(key: &Key) -> Value {
    Value::List(vec![text(&key.urn), text(&key.instance)])
}

fn record(record: &Record) -> Value {
    let json =
        |value: serde_json::Result<serde_json::Value>| value.map_or(Value::Null, Value::from);
    Value::from([
        ("urn", text(&record.urn)),
        ("instance", text(&record.instance)),
        ("version", record.version.into()),
        ("status", json(serde_json::to_value(record.status))),
        ("id", maybe(record.id.as_ref(), text)),
        ("inputs", record.inputs.clone()),
        ("outputs", record.outputs.clone()),
        ("provider", json(serde_json::to_value(&record.provider))),
        ("dependencies", list(&record.dependencies, text)),
        ("options", json(serde_json::to_value(&record.options))),
        ("holds_data", record.holds_data.into()),
        ("created", text(&record.created)),
        ("updated", text(&record.updated)),
    ])
}
