//! The tables are held against the kinds that there are.

use std::collections::BTreeSet;

use infra_core::{graph::Role, provider::Driver};

use super::tables;

fn kinds() -> BTreeSet<&'static str> {
    let drivers = crate::drivers();
    let managed = drivers.iter().filter(|driver| driver.role() == Role::Managed);
    managed.map(|driver: &std::sync::Arc<dyn Driver>| driver.schema().kind).collect()
}

#[test]
fn no_type_is_said_twice() {
    let all = super::take::imports();
    let distinct: BTreeSet<_> = all.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(distinct.len(), all.len());
    assert_eq!(tables().imports.len(), all.len());
}
