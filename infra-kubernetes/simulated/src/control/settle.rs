//! Letting happen what is due.

use super::cx::Control;
use super::{
    attach, autoscale, budget, collect, cron, daemon, definition, deployment, endpoints, job,
    kubelet, namespace, node, quota, replica, schedule, stateful, volume,
};
use crate::faults::Rules;
use crate::settings::Settings;
use crate::store::Store;

/// So many instants are looked at one by one; what is due after so long an absence is due now.
const INSTANTS: usize = 400;
/// Controllers answer each other; that they come to rest is a matter of a few rounds.
const ROUNDS: usize = 60;

/// Lets everything happen that is due, each thing at its time. The next instant at which
/// something will happen by itself is returned.
pub(crate) fn settle(
    store: &mut Store,
    settings: &Settings,
    rules: &Rules,
    from: i64,
    now: i64,
) -> i64 {
    let mut at = from.min(now);
    for step in 0.. {
        let wake = rest(store, settings, rules, at);
        if wake > now || step > INSTANTS && at == now {
            return wake;
        }
        at = if step >= INSTANTS { now } else { wake.max(at + 1) };
    }
    now
}

/// Runs all controllers until none has anything to do at this instant.
fn rest(store: &mut Store, settings: &Settings, rules: &Rules, now: i64) -> i64 {
    let mut wake = i64::MAX;
    for _ in 0..ROUNDS {
        let before = store.revision();
        let mut cx = Control { store, settings, rules, now, wake: i64::MAX };
        node::run(&mut cx);
        definition::run(&mut cx);
        namespace::run(&mut cx);
        cron::run(&mut cx);
        deployment::run(&mut cx);
        replica::run(&mut cx);
        stateful::run(&mut cx);
        daemon::run(&mut cx);
        job::run(&mut cx);
        volume::run(&mut cx);
        schedule::run(&mut cx);
        kubelet::run(&mut cx);
        endpoints::run(&mut cx);
        attach::run(&mut cx);
        budget::run(&mut cx);
        autoscale::run(&mut cx);
        quota::run(&mut cx);
        collect::run(&mut cx);
        wake = cx.wake;
        if store.revision() == before {
            break;
        }
    }
    wake
}
