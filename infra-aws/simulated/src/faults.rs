//! Faults on request: throttling, refusals, lost replies, lag, outage. Switchable at run time
//! and, given a seed, the same every time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::wire::{ApiCall, Failure, fail};

/// The faults of one cloud.
///
/// An operation filter is `""` or `"*"` (every call), an operation (`"CreateVpc"`), a prefix
/// (`"Create*"`), a service (`"ec2.*"`) or both (`"ec2.CreateVpc"`).
#[derive(Debug, Default)]
pub struct Faults(Mutex<Plan>);

#[derive(Debug, Default)]
struct Plan {
    rules: Vec<Rule>,
    lag: Vec<(String, Duration)>,
    outage: bool,
    random: u64,
}

#[derive(Debug)]
struct Rule {
    filter: String,
    effect: Effect,
    /// How many calls it still hits; none: all.
    left: Option<u32>,
    /// In thousandths; 1000 is always.
    rate: u32,
}

#[derive(Clone, Debug)]
enum Effect {
    Fail(Failure),
    Throttle,
    LoseReply,
    Drop,
}

/// What happens to a call before it is carried out.
#[derive(Debug)]
pub(crate) enum Before {
    Go,
    /// Answered with an error; nothing happens.
    Refuse(Failure),
    /// The connection fails; nothing happens.
    Disconnect,
}

impl Faults {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, filter: &str, effect: Effect, left: Option<u32>, rate: u32) {
        self.plan().rules.push(Rule { filter: filter.to_owned(), effect, left, rate });
    }

    /// What random decisions follow from.
    pub fn seed(&self, seed: u64) {
        self.plan().random = seed;
    }

    /// The next `calls` calls are throttled.
    pub fn throttle_next(&self, calls: u32, filter: &str) {
        self.add(filter, Effect::Throttle, Some(calls), 1000);
    }

    /// One call in so many is throttled: `rate` between 0 and 1.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    pub fn throttle_rate(&self, rate: f64, filter: &str) {
        self.add(filter, Effect::Throttle, None, (rate.clamp(0.0, 1.0) * 1000.0) as u32);
    }

    /// The next `calls` calls take effect, but the connection fails before the reply.
    pub fn lose_reply(&self, calls: u32, filter: &str) {
        self.add(filter, Effect::LoseReply, Some(calls), 1000);
    }

    /// The next `calls` calls do not arrive.
    pub fn drop_request(&self, calls: u32, filter: &str) {
        self.add(filter, Effect::Drop, Some(calls), 1000);
    }

    /// Every such call is answered with this error, until [`clear`](Self::clear).
    pub fn refuse(&self, filter: &str, code: &str, status: u16, message: &str) {
        self.add(filter, Effect::Fail(fail(code, message).status(status)), None, 1000);
    }

    /// The next `calls` such calls are answered with this error.
    pub fn refuse_next(&self, calls: u32, filter: &str, code: &str, status: u16, message: &str) {
        self.add(filter, Effect::Fail(fail(code, message).status(status)), Some(calls), 1000);
    }

    /// What was made less than `lag` ago is not seen by reads that match.
    pub fn lag_after_create(&self, lag: Duration, filter: &str) {
        self.plan().lag.push((filter.to_owned(), lag));
    }

    /// Nothing answers.
    pub fn outage(&self, on: bool) {
        self.plan().outage = on;
    }

    /// No faults any more.
    pub fn clear(&self) {
        let mut plan = self.plan();
        let random = plan.random;
        *plan = Plan { random, ..Plan::default() };
    }

    pub(crate) fn before(&self, call: &ApiCall) -> Before {
        let mut plan = self.plan();
        if plan.outage {
            return Before::Disconnect;
        }
        match plan.hit(call, |effect| !matches!(effect, Effect::LoseReply)) {
            None | Some(Effect::LoseReply) => Before::Go,
            Some(Effect::Fail(failure)) => Before::Refuse(failure),
            Some(Effect::Throttle) => Before::Refuse(throttled(call)),
            Some(Effect::Drop) => Before::Disconnect,
        }
    }

    /// Whether the reply of a call that was carried out is lost.
    pub(crate) fn loses_reply(&self, call: &ApiCall) -> bool {
        self.plan().hit(call, |effect| matches!(effect, Effect::LoseReply)).is_some()
    }

    /// How old something must be for this call to see it.
    pub(crate) fn lag(&self, call: &ApiCall) -> Duration {
        let plan = self.plan();
        let matching = plan.lag.iter().filter(|(filter, _)| matches(filter, call));
        matching.map(|(_, lag)| *lag).max().unwrap_or_default()
    }
}

impl Plan {
    fn hit(&mut self, call: &ApiCall, wanted: impl Fn(&Effect) -> bool) -> Option<Effect> {
        let random = &mut self.random;
        let at = self.rules.iter().position(|rule| {
            rule.left != Some(0)
                && wanted(&rule.effect)
                && matches(&rule.filter, call)
                && (rule.rate >= 1000 || draw(random) < rule.rate)
        })?;
        let rule = &mut self.rules[at];
        if let Some(left) = &mut rule.left {
            *left -= 1;
        }
        Some(rule.effect.clone())
    }
}

/// A number below 1000 (splitmix64).
fn draw(state: &mut u64) -> u32 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) % 1000) as u32
}

fn matches(filter: &str, call: &ApiCall) -> bool {
    let (service, operation) = match filter.split_once('.') {
        Some((service, operation)) => (service, operation),
        None => ("*", filter),
    };
    let fits = |pattern: &str, text: &str| {
        pattern.is_empty()
            || pattern.strip_suffix('*').map_or(pattern == text, |start| text.starts_with(start))
    };
    fits(service, call.service.name()) && fits(operation, &call.operation)
}

/// The error each service throttles with.
fn throttled(call: &ApiCall) -> Failure {
    use crate::services::Service;
    let (code, status) = match call.service {
        Service::Ec2 => ("RequestLimitExceeded", 503),
        Service::S3 => ("SlowDown", 503),
        Service::Eks => ("TooManyRequestsException", 429),
        Service::Cloudtrail
        | Service::Dynamodb
        | Service::Kms
        | Service::Ssm
        | Service::SecretsManager
        | Service::Logs
        | Service::Tagging
        | Service::Ecr => ("ThrottlingException", 400),
        _ => ("Throttling", 400),
    };
    fail(code, "Rate exceeded").status(status)
}
