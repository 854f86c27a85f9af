//! Jobs and their schedules.

use serde_json::Value;

use super::{apps, pod};
use crate::control::Schedule;
use crate::failure::Cause;
use crate::json::{at, text};

pub(super) fn job(object: &Value, path: &str, causes: &mut Vec<Cause>) {
    for field in ["parallelism", "completions", "backoffLimit", "ttlSecondsAfterFinished"] {
        apps::not_negative(object, &format!("{path}.{field}"), causes);
    }
    let template = format!("{path}.template.spec");
    pod::spec(object, &template, &[], causes);
    let policy = at(object, &format!("{template}.restartPolicy"));
    if policy == "Always" {
        let detail = "valid values: \"OnFailure\", \"Never\"";
        let field = format!("{template}.restartPolicy");
        causes.push(Cause::new("FieldValueRequired", field, format!("Required value: {detail}")));
    }
}

pub(super) fn cron_job(object: &Value, causes: &mut Vec<Cause>) {
    let schedule = at(object, "spec.schedule");
    match schedule.as_str() {
        None | Some("") => causes.push(Cause::required("spec.schedule", "")),
        Some(given) => {
            if let Err(why) = Schedule::parse(given) {
                causes.push(Cause::invalid("spec.schedule", schedule, &why));
            }
        }
    }
    if !matches!(text(object, "spec.concurrencyPolicy"), "Allow" | "Forbid" | "Replace") {
        let given = at(object, "spec.concurrencyPolicy");
        causes.push(Cause::unsupported(
            "spec.concurrencyPolicy",
            given,
            &["Allow", "Forbid", "Replace"],
        ));
    }
    let name = crate::json::name(object);
    if name.len() > 52 {
        let detail = "must be no more than 52 characters";
        causes.push(Cause::invalid("metadata.name", &Value::from(name), detail));
    }
    job(object, "spec.jobTemplate.spec", causes);
}
