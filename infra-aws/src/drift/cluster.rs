//! A cluster, and what it runs on.

use infra_core::drift::{Rule, Severity};

use super::lowered::{changed, fewer, off, on};
use crate::eks::{Cluster as R, NodeGroup};

pub(super) fn rules() -> Vec<Rule> {
    let opened = Rule::of::<R>("aws:open-cluster", |it| {
        let (was, is) = (it.recorded(R::PUBLIC_CIDRS)?, it.live(R::PUBLIC_CIDRS)?);
        let new = is.iter().filter(|cidr| !was.contains(cidr));
        let worst = new.map(|cidr| match cidr.prefix() {
            0 => Severity::Critical,
            _ => Severity::High,
        });
        worst.max().filter(|_| it.touches(R::PUBLIC_CIDRS))
    });
    vec![
        opened,
        on("aws:open-cluster", R::PUBLIC_ACCESS, Severity::High),
        fewer("aws:logging", R::LOGS, Severity::High),
        off("aws:deletion-protection", R::DELETION_PROTECTION, Severity::High),
        changed("aws:authentication", R::AUTHENTICATION, Severity::High),
        changed("aws:scaled", NodeGroup::SCALING, Severity::Medium),
    ]
}
