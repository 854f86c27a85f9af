//! Typed configuration.

use infra_state::Value;
use serde::de::DeserializeOwned;

use crate::{Error, ErrorKind};

/// The configuration as the program's own type.
pub fn typed<T: DeserializeOwned>(config: &Value) -> crate::Result<T> {
    serde_path_to_error::deserialize(config.to_json())
        .map_err(|e| Error::new(ErrorKind::Usage, format!("the configuration is wrong: {e}")))
}
