//! A plan of the value that was written of it; `None` where it is not one.

use std::sync::Arc;

use infra_state::{Key, Record, Value};

use crate::plan::{
    Action, Cause, DataLoss, DiffKind, Hint, Plan, PropertyDiff, ReplaceOrder, Replacement, Step,
    StepId, Why,
};

fn list<T>(value: &Value, read: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    value.as_list()?.iter().map(read).collect()
}

/// Null is none; anything else must be readable.
#[expect(
    clippy::option_option,
    reason = "what is not readable and what is not there are two things"
)]
fn maybe<T>(value: &Value, read: impl FnOnce(&Value) -> Option<T>) -> Option<Option<T>> {
    match value {
        Value::Null => Some(None),
        value => read(value).map(Some),
    }
}

fn parsed<T: std::str::FromStr>(value: &Value) -> Option<T> {
    value.as_str()?.parse().ok()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        _ => None,
    }
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        _ => None,
    }
}

pub(super) fn plan(value: &Value) -> Option<Plan> {
    Some(Plan {
        steps: list(value.get("steps")?, step)?,
        exported: value.get("exported")?.as_map()?.clone(),
        hints: list(value.get("hints")?, hint)?,
        losses: list(value.get("losses")?, |loss| match loss.as_list()? {
            [urn, allowed, named] => {
                Some(DataLoss { urn: parsed(urn)?, allowed: flag(allowed)?, named: flag(named)? })
            }
            _ => None,
        })?,
        records: list(value.get("records")?, record)?,
        forgotten: list(value.get("forgotten")?, key)?,
        ..Plan::default()
    })
}

fn step(value: &Value) -> Option<Step> {
    let id = |id: &Value| Some(StepId(usize::try_from(number(id)?).ok()?));
    Some(Step {
        urn: parsed(value.get("urn")?)?,
        instance: value.get("instance")?.as_str()?.into(),
        action: action(value.get("action")?.as_str()?)?,
        inputs: value.get("inputs")?.clone().into(),
        outputs: value.get("outputs")?.clone().into(),
        recorded: maybe(value.get("recorded")?, record)?.map(Arc::new),
        diff: list(value.get("diff")?, difference)?,
        drift: list(value.get("drift")?, difference)?,
        paths: list(value.get("paths")?, parsed)?,
        replaces: maybe(value.get("replaces")?, replacement)?,
        why: list(value.get("why")?, why)?,
        after: list(value.get("after")?, id)?.into_iter().collect(),
        data_loss: flag(value.get("data_loss")?)?,
        record_only: flag(value.get("record_only")?)?,
        only_if: maybe(value.get("only_if")?, parsed)?,
        renamed_from: maybe(value.get("renamed_from")?, parsed)?,
    })
}

fn action(word: &str) -> Option<Action> {
    Some(match word {
        "keep" => Action::Keep,
        "create" => Action::Create,
        "update" => Action::Update,
        "import" => Action::Import,
        "delete" => Action::Delete,
        "delete-old" => Action::DeleteOld,
        "read" => Action::Read,
        "forget" => Action::Forget,
        _ => return None,
    })
}

fn replacement(value: &Value) -> Option<Replacement> {
    let reason = maybe(value.get("delete_first")?, text)?;
    Some(Replacement {
        old: key(value.get("old")?)?,
        if_changed: flag(value.get("if_changed")?)?,
        order: reason.map_or(ReplaceOrder::CreateFirst, ReplaceOrder::DeleteFirst),
    })
}

fn difference(value: &Value) -> Option<PropertyDiff> {
    let side = |name: &str| Some(value.get(name)?.as_list()?.first().cloned());
    Some(PropertyDiff {
        path: parsed(value.get("path")?)?,
        before: side("before")?,
        after: side("after")?,
        kind: match value.get("kind")?.as_str()? {
            "update" => DiffKind::Update,
            "replace" => DiffKind::Replace,
            "maybe-replace" => DiffKind::MaybeReplace,
            _ => return None,
        },
    })
}

fn why(value: &Value) -> Option<Why> {
    Some(Why {
        urn: parsed(value.get("urn")?)?,
        path: maybe(value.get("path")?, parsed)?,
        cause: cause(value.get("cause")?)?,
    })
}

fn cause(value: &Value) -> Option<Cause> {
    let words = list(value, text)?;
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    Some(match words.as_slice() {
        ["new"] => Cause::New,
        ["removed"] => Cause::Removed,
        ["destroyed"] => Cause::Destroyed,
        ["immutable"] => Cause::Immutable,
        ["changed"] => Cause::Changed,
        ["driver", why] => Cause::Driver((*why).to_owned()),
        ["asked", by] => Cause::Asked((*by).to_owned()),
        ["follows", urn, output] => {
            Cause::Follows { urn: urn.parse().ok()?, output: output.parse().ok()? }
        }
        ["missing"] => Cause::Missing,
        ["drifted"] => Cause::Drifted,
        ["unfinished"] => Cause::Unfinished,
        ["broken", why] => Cause::Broken((*why).to_owned()),
        ["provider-moved"] => Cause::ProviderMoved,
        ["deposed"] => Cause::Deposed,
        ["makes-room", urn] => Cause::MakesRoom { urn: urn.parse().ok()? },
        _ => return None,
    })
}

fn hint(value: &Value) -> Option<Hint> {
    let words = list(value, text)?;
    let [kind, first, second] = words.as_slice() else { return None };
    Some(match kind.as_str() {
        "rename" => Hint::Rename { from: first.parse().ok()?, to: second.parse().ok()? },
        "fixed-name" => Hint::FixedName { urn: first.parse().ok()?, field: second.clone() },
        "note" => Hint::Note(first.clone()),
        _ => return None,
    })
}

fn key(value: &Value) -> Option<Key> {
    match value.as_list()? {
        [urn, instance] => Some(Key { urn: parsed(urn)?, instance: instance.as_str()?.into() }),
        _ => None,
    }
}

fn record(value: &Value) -> Option<Record> {
    Some(Record {
        urn: parsed(value.get("urn")?)?,
        instance: value.get("instance")?.as_str()?.into(),
        version: u32::try_from(number(value.get("version")?)?).ok()?,
        status: serde_json::from_value(value.get("status")?.to_json()).ok()?,
        id: maybe(value.get("id")?, text)?,
        inputs: value.get("inputs")?.clone(),
        outputs: value.get("outputs")?.clone(),
        provider: serde_json::from_value(value.get("provider")?.to_json()).ok()?,
        dependencies: list(value.get("dependencies")?, parsed)?.into_iter().collect(),
        options: serde_json::from_value(value.get("options")?.to_json()).ok()?,
        holds_data: flag(value.get("holds_data")?)?,
        created: parsed(value.get("created")?)?,
        updated: parsed(value.get("updated")?)?,
    })
}
