//! Fields that nobody manages.

use super::element::Element;
use super::set::Set;

const SYSTEM: &[&[&str]] = &[
    &["apiVersion"],
    &["kind"],
    &["metadata"],
    &["metadata", "name"],
    &["metadata", "namespace"],
    &["metadata", "creationTimestamp"],
    &["metadata", "selfLink"],
    &["metadata", "uid"],
    &["metadata", "generation"],
    &["metadata", "managedFields"],
    &["metadata", "resourceVersion"],
    &["metadata", "deletionTimestamp"],
    &["metadata", "deletionGracePeriodSeconds"],
    &["metadata", "generateName"],
];

fn path(names: &[&str]) -> Vec<Element> {
    names.iter().map(|name| Element::Field((*name).to_owned())).collect()
}

/// Without the fields of the system, and without those that a call at this subresource cannot
/// set.
pub(super) fn managed(set: &Set, subresource: &str, has_status: bool) -> Set {
    let mut system = Set::default();
    for names in SYSTEM {
        system.insert(&path(names));
    }
    let set = set.difference(&system);
    match subresource {
        "status" => set.only(&["status"]),
        _ if has_status => {
            let mut status = Set::default();
            status.insert(&path(&["status"]));
            set.without(&status)
        }
        _ => set,
    }
}
