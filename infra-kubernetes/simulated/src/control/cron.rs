//! Cron jobs: jobs at times.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use serde_json::{Value, json};

use super::cx::{Control, ending, has_condition, owner};
use crate::json::{self, at, flag, int, put, text};
use crate::time::{parse, stamp};

const TABLE: &str = "cronjobs.batch";
/// So many steps ahead are looked at: a day that does not fit is one, a minute is one.
const HORIZON: usize = 20_000;

/// `*/5 * * * *`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    minutes: Vec<i8>,
    hours: Vec<i8>,
    days: Vec<i8>,
    months: Vec<i8>,
    weekdays: Vec<i8>,
    /// Day and weekday are both given: either will do.
    either: bool,
}

impl Schedule {
    /// Reads the five fields, or why they cannot be read.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        let fields: Vec<_> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(format!(
                "expected exactly 5 fields, found {}: [{}]",
                fields.len(),
                fields.join(" ")
            ));
        };
        let weekdays: Vec<_> = values(weekday, 0, 7)?.into_iter().map(|it| it % 7).collect();
        Ok(Self {
            minutes: values(minute, 0, 59)?,
            hours: values(hour, 0, 23)?,
            days: values(day, 1, 31)?,
            months: values(month, 1, 12)?,
            weekdays,
            either: !day.starts_with('*') && !weekday.starts_with('*'),
        })
    }

    /// The first time after an instant, in milliseconds.
    pub(crate) fn next(&self, after: i64) -> Option<i64> {
        let minute = (after / 60_000 + 1) * 60_000;
        let mut at = Timestamp::from_millisecond(minute).ok()?.to_zoned(TimeZone::UTC);
        for _ in 0..HORIZON {
            let day = self.days.contains(&at.day());
            let weekday = self.weekdays.contains(&at.weekday().to_sunday_zero_offset());
            let date = if self.either { day || weekday } else { day && weekday };
            if self.months.contains(&at.month()) && date {
                if self.hours.contains(&at.hour()) && self.minutes.contains(&at.minute()) {
                    return Some(at.timestamp().as_millisecond());
                }
                at = at.checked_add(1.minute()).ok()?;
            } else {
                at = at.tomorrow().ok()?.start_of_day().ok()?;
            }
        }
        None
    }
}

fn values(field: &str, least: i8, most: i8) -> Result<Vec<i8>, String> {
    let of_week = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let of_year =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let number = |text: &str| -> Result<i8, String> {
        let lower = text.to_lowercase();
        let named = match most {
            7 => of_week.iter().position(|it| *it == lower),
            12 => of_year.iter().position(|it| *it == lower).map(|it| it + 1),
            _ => None,
        };
        let number = named.and_then(|it| i8::try_from(it).ok()).or_else(|| text.parse().ok());
        let number = number.ok_or_else(|| format!("failed to parse int from {text}"))?;
        if number < least {
            return Err(format!("beginning of range ({number}) below minimum ({least}): {field}"));
        }
        if number > most {
            return Err(format!("end of range ({number}) above maximum ({most}): {field}"));
        }
        Ok(number)
    };
    let mut all = Vec::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                let step: i8 =
                    step.parse().map_err(|_| format!("failed to parse int from {step}"))?;
                if step < 1 {
                    return Err(format!("step of range should be a positive number: {part}"));
                }
                (range, step)
            }
            None => (part, 1),
        };
        let (from, to) = match range {
            "*" | "?" => (least, most),
            _ => match range.split_once('-') {
                Some((from, to)) => (number(from)?, number(to)?),
                None if step > 1 => (number(range)?, most),
                None => (number(range)?, number(range)?),
            },
        };
        if from > to {
            return Err(format!("beginning of range ({from}) beyond end of range ({to}): {part}"));
        }
        all.extend((from..=to).step_by(usize::from(step.unsigned_abs())));
    }
    Ok(all)
}

pub(super) fn run(cx: &mut Control<'_>) {
    for cron in cx.all(TABLE) {
        if !ending(&cron) {
            sync(cx, &cron);
        }
    }
}

fn sync(cx: &mut Control<'_>, cron: &Arc<Value>) {
    let jobs = cx.owned("jobs.batch", cron);
    let over = |job: &Value| has_condition(job, "Complete") || has_condition(job, "Failed");
    clean(cx, cron, &jobs);
    let active: Vec<_> = jobs.iter().filter(|job| !over(job)).cloned().collect();
    let mut status = at(cron, "status").clone();
    json::as_object(&mut status);
    if let Ok(schedule) = Schedule::parse(text(cron, "spec.schedule"))
        && !flag(cron, "spec.suspend")
    {
        let last = parse(text(cron, "status.lastScheduleTime"));
        let since =
            last.or_else(|| parse(text(cron, "metadata.creationTimestamp"))).unwrap_or(cx.now);
        if let Some(mut time) = schedule.next(since)
            && cx.due(time)
        {
            // Of times that were missed only the last is made up for.
            while let Some(next) = schedule.next(time).filter(|next| *next <= cx.now) {
                time = next;
            }
            start(cx, cron, &active, time);
            put(&mut status, "lastScheduleTime", stamp(time));
            if let Some(next) = schedule.next(time) {
                cx.later(next);
            }
        }
    }
    let done = jobs
        .iter()
        .filter(|job| has_condition(job, "Complete"))
        .map(|job| text(job, "status.completionTime"))
        .max();
    if let Some(done) = done {
        put(&mut status, "lastSuccessfulTime", done);
    }
    let references: Vec<_> = active.iter().map(|job| json!({
        "apiVersion": "batch/v1", "kind": "Job", "name": json::name(job), "namespace": json::namespace(job),
        "uid": json::uid(job), "resourceVersion": text(job, "metadata.resourceVersion"),
    })).map(|mut it| { json::remove(&mut it, "resourceVersion"); it }).collect();
    if references.is_empty() {
        json::remove(&mut status, "active");
    } else {
        put(&mut status, "active", references);
    }
    cx.status(TABLE, cron, status);
}

fn start(cx: &mut Control<'_>, cron: &Arc<Value>, active: &[Arc<Value>], time: i64) {
    match text(cron, "spec.concurrencyPolicy") {
        "Forbid" if !active.is_empty() => {
            let message = "Not starting job because prior execution is running and concurrency policy is Forbid";
            cx.event(cron, "Normal", "JobAlreadyActive", message, "cronjob-controller");
            return;
        }
        "Replace" => active.iter().for_each(|job| cx.delete("jobs.batch", job, "Background")),
        _ => {}
    }
    let template = at(cron, "spec.jobTemplate");
    let mut job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "spec": at(template, "spec"),
        "metadata": {
            "name": format!("{}-{}", json::name(cron), time / 60_000), "namespace": json::namespace(cron),
            "ownerReferences": [owner("CronJob", "batch/v1", cron)],
        },
    });
    for field in ["labels", "annotations"] {
        let value = at(template, &format!("metadata.{field}"));
        if value.is_object() {
            put(&mut job, &format!("metadata.{field}"), value.clone());
        }
    }
    if let Ok(job) = cx.create("jobs.batch", job) {
        let message = format!("Created job {}", json::name(&job));
        cx.event(cron, "Normal", "SuccessfulCreate", &message, "cronjob-controller");
    }
}

/// Only the last jobs are kept.
fn clean(cx: &mut Control<'_>, cron: &Value, jobs: &[Arc<Value>]) {
    for (condition, field, default) in
        [("Complete", "successfulJobsHistoryLimit", 3), ("Failed", "failedJobsHistoryLimit", 1)]
    {
        let mut over: Vec<_> = jobs.iter().filter(|job| has_condition(job, condition)).collect();
        over.sort_by_key(|job| cx.noted("jobs.batch", job, "created"));
        let kept =
            usize::try_from(int(cron, &format!("spec.{field}")).unwrap_or(default)).unwrap_or(1);
        for job in over.iter().take(over.len().saturating_sub(kept)) {
            cx.delete("jobs.batch", job, "Background");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;
    use crate::time::{parse, stamp};

    #[test]
    fn the_next_time_is_found() {
        for (schedule, after, next) in [
            ("*/5 * * * *", "2026-01-01T00:02:10Z", "2026-01-01T00:05:00Z"),
            ("0 3 * * *", "2026-01-01T03:00:00Z", "2026-01-02T03:00:00Z"),
            ("30 4 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T04:30:00Z"),
            ("0 0 * * mon-fri", "2026-01-02T12:00:00Z", "2026-01-05T00:00:00Z"),
            ("0 0 1 * 0", "2026-01-01T12:00:00Z", "2026-01-04T00:00:00Z"),
            ("@monthly", "2026-01-15T00:00:00Z", "2026-02-01T00:00:00Z"),
        ] {
            let found = Schedule::parse(schedule).unwrap().next(parse(after).unwrap());
            assert_eq!(found.map(stamp).unwrap_or_default().as_str(), next, "{schedule}");
        }
        for wrong in ["* * * *", "60 * * * *", "a * * * *", "5-1 * * * *", "*/0 * * * *"] {
            assert!(Schedule::parse(wrong).is_err(), "{wrong}");
        }
    }
}
