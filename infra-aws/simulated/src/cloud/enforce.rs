//! Policies that a cloud enforces.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Cloud;
use crate::authorization::Policy;

impl Cloud {
    /// From now on a call is carried out only if these IAM policies, together, allow it; it is denied otherwise, as AWS
    /// denies it. Whoever calls has them, and no others. The error says which document IAM would not take, and why.
    pub fn enforce(&self, policies: &[Value]) -> Result<(), String> {
        let read = policies.iter().enumerate().map(|(at, document)| {
            Policy::read(document).map_err(|why| format!("policy {}: {why}", at + 1))
        });
        self.enforcement().set(Some(read.collect::<Result<_, _>>()?));
        Ok(())
    }

    /// From now on everybody may do everything again.
    pub fn enforce_nothing(&self) {
        self.enforcement().set(None);
    }

    /// The actions that were asked for since [`enforce`](Self::enforce), each with the resource.
    pub fn asked(&self) -> BTreeSet<(String, String)> {
        self.enforcement().asked()
    }
}
