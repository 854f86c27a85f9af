//! What a command works on, before anything else is shown.

use std::fmt::Write;

use super::paint::{dim, heading, warning};
use crate::event::Target;

/// Stack, cloud, account, region and state; the notice of a simulated cloud first.
pub fn target(target: &Target) -> String {
    let mut out = String::new();
    if let Some(notice) = &target.notice {
        let _ = writeln!(out, "{}", warning(notice));
    }
    let _ = writeln!(out, "{} {}", heading(&target.stack), dim(&format!("· {}", target.command)));
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(out, "  {} {value}", dim(&format!("{key:<9}")));
    };
    line("cloud", &target.cloud);
    let several = target.providers.len() > 1;
    for (name, identity) in &target.providers {
        let identity = identity.iter().filter(|(key, _)| *key != "cloud");
        let facts: Vec<_> = identity.map(|(key, value)| format!("{key} {value}")).collect();
        let name = name.split_once("::").map_or(&**name, |(_, name)| name);
        if facts.is_empty() {
            continue;
        }
        line(
            "provider",
            &if several { format!("{name}: {}", facts.join(", ")) } else { facts.join(", ") },
        );
    }
    line("state", &target.state);
    if target.notice.is_none() && target.state.starts_with("file:") && !target.providers.is_empty()
    {
        let _ = writeln!(
            out,
            "{} the state of real things lies on this machine only; who else runs the program makes them twice",
            warning("warning:")
        );
    }
    out
}
