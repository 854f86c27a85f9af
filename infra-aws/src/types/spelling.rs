//! AWS's spelling of an enum's variants.

use infra_core::{Data, provider::Result, state::Value};

/// The variant that AWS spells like this: `spelled::<Protocol>("TCP_UDP")`. An error names the known ones.
pub fn spelled<T: Data>(text: &str) -> Result<T> {
    Ok(T::from_value(&Value::from(text))?)
}
