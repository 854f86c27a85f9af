//! CloudWatch alarms, in whichever of its three protocols the caller speaks.

use serde_json::{Value, json};

use super::{Access, Service, json_tags};
use crate::settings::Wait;
use crate::wire::{Failure, Outcome, fail, list, text, texts};
use crate::world;

const TABLE: &str = "alarm";

/// Fields of a put call that are kept as given.
const FIELDS: [&str; 20] = [
    "AlarmName",
    "AlarmDescription",
    "ActionsEnabled",
    "OKActions",
    "AlarmActions",
    "InsufficientDataActions",
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Dimensions",
    "Period",
    "Unit",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
    "Metrics",
];

pub(crate) fn answer(access: &mut Access<'_>) -> Outcome {
    match access.call.operation.as_str() {
        "PutMetricAlarm" => put(access),
        "DescribeAlarms" => Ok(describe(access)),
        "DeleteAlarms" => {
            let names = texts(access.input(), "AlarmNames");
            let docs = access.docs(Service::Cloudwatch);
            let unknown: Vec<&String> = names.iter().filter(|it| !docs.has(TABLE, it)).collect();
            if !unknown.is_empty() && names.len() > 1 {
                return Err(fail("ResourceNotFound", format!("{unknown:?}")).status(404));
            }
            for name in &names {
                docs.remove(TABLE, name);
            }
            Ok(json!({}))
        }
        "EnableAlarmActions" => actions(access, true),
        "DisableAlarmActions" => actions(access, false),
        "SetAlarmState" => {
            let input = access.input();
            let name = text(input, "AlarmName").unwrap_or_default();
            let Some(alarm) = access.docs(Service::Cloudwatch).edit(TABLE, name) else {
                return Err(fail("ResourceNotFound", name).status(404));
            };
            alarm["StateValue"] = input["StateValue"].clone();
            alarm["StateReason"] = input["StateReason"].clone();
            world::plan(alarm, &[]);
            Ok(json!({}))
        }
        "TagResource" => tag(access, |tags, input| {
            let new: Value = list(input, "Tags").into_iter().cloned().collect();
            json_tags::put(tags, &new);
        }),
        "UntagResource" => {
            tag(access, |tags, input| json_tags::remove(tags, &texts(input, "TagKeys")))
        }
        "ListTagsForResource" => {
            let name = named(access)?;
            let docs = access.docs(Service::Cloudwatch);
            Ok(json!({"Tags": docs.get(TABLE, &name).map(|it| it["_tags"].clone())}))
        }
        "PutMetricData" => Ok(json!({})),
        other => Err(fail("InvalidAction", format!("no CloudWatch operation {other}"))),
    }
}

fn named(access: &mut Access<'_>) -> Result<String, Failure> {
    let arn = text(access.input(), "ResourceARN").unwrap_or_default();
    let name = arn.split_once(":alarm:").map_or(arn, |(_, name)| name).to_owned();
    if access.docs(Service::Cloudwatch).has(TABLE, &name) {
        return Ok(name);
    }
    Err(fail("ResourceNotFoundException", format!("{arn} not found")).status(404))
}

fn tag(access: &mut Access<'_>, change: impl FnOnce(&mut Value, &Value)) -> Outcome {
    let name = named(access)?;
    let input = access.input();
    if let Some(alarm) = access.docs(Service::Cloudwatch).edit(TABLE, &name) {
        change(&mut alarm["_tags"], input);
    }
    Ok(json!({}))
}

/// Numbers and flags arrive as texts in the query protocol.
fn typed(field: &str, value: &Value) -> Value {
    match (field, value) {
        ("Period" | "EvaluationPeriods" | "DatapointsToAlarm", Value::String(text)) => {
            text.parse::<i64>().map_or(Value::Null, |it| json!(it))
        }
        ("Threshold", Value::String(text)) => {
            text.parse::<f64>().map_or(Value::Null, |it| json!(it))
        }
        ("Threshold", Value::Number(number)) => json!(number.as_f64()),
        ("ActionsEnabled", Value::String(text)) => json!(text == "true"),
        _ => value.clone(),
    }
}

/// Replaces the whole alarm; tags count only when it is new.
fn put(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let name = text(input, "AlarmName").unwrap_or_default();
    for needed in ["AlarmName", "ComparisonOperator", "EvaluationPeriods"] {
        if input[needed].is_null() {
            return Err(fail("ValidationError", format!("{needed} is required")));
        }
    }
    let old = access.docs(Service::Cloudwatch).get(TABLE, name).cloned();
    let (region, account) = (access.region(), access.account());
    let mut alarm = json!({
        "AlarmArn": format!("arn:aws:cloudwatch:{region}:{account}:alarm:{name}"),
        "AlarmConfigurationUpdatedTimestamp": access.epoch(),
        "StateUpdatedTimestamp": access.epoch(), "StateTransitionedTimestamp": access.epoch(),
        "StateValue": "INSUFFICIENT_DATA",
        "StateReason": "Unchecked: Initial alarm creation",
        "ActionsEnabled": true,
        "OKActions": [], "AlarmActions": [], "InsufficientDataActions": [], "Dimensions": [],
    });
    for field in FIELDS {
        if !input[field].is_null() {
            alarm[field] = typed(field, &input[field]);
        }
    }
    let asked: Value = list(input, "Tags").into_iter().cloned().collect();
    alarm["_tags"] =
        old.as_ref().map_or_else(|| json_tags::given(&asked), |it| it["_tags"].clone());
    if let Some(old) = old {
        for field in ["StateValue", "StateReason", "_timeline"] {
            alarm[field] = old[field].clone();
        }
    } else {
        let seen = json!({"StateValue": "OK", "StateReason": "Threshold not crossed"});
        world::plan(&mut alarm, &[(access.after(Wait::AlarmEvaluated), seen)]);
    }
    access.docs(Service::Cloudwatch).put(TABLE, name, alarm);
    Ok(json!({}))
}

fn actions(access: &mut Access<'_>, on: bool) -> Outcome {
    for name in texts(access.input(), "AlarmNames") {
        if let Some(alarm) = access.docs(Service::Cloudwatch).edit(TABLE, &name) {
            alarm["ActionsEnabled"] = json!(on);
        }
    }
    Ok(json!({}))
}

fn describe(access: &mut Access<'_>) -> Value {
    let input = access.input();
    let names = texts(input, "AlarmNames");
    let prefix = text(input, "AlarmNamePrefix").unwrap_or_default();
    let state = text(input, "StateValue");
    let all: Vec<Value> = access
        .docs(Service::Cloudwatch)
        .all(TABLE)
        .filter(|(name, it)| {
            (names.is_empty() || names.iter().any(|wanted| wanted == name))
                && name.starts_with(prefix)
                && state.is_none_or(|state| it["StateValue"] == state)
        })
        .map(|(_, it)| it.clone())
        .collect();
    json!({"MetricAlarms": all, "CompositeAlarms": []})
}
