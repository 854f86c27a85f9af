//! Patches that are no applies.

mod json_patch;
mod merge;
mod strategic;

pub(crate) use json_patch::json_patch;
pub(crate) use merge::merge_patch;
pub(crate) use strategic::strategic_patch;
