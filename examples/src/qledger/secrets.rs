//! What the ledger reads at start.

use infra_aws::ssm;
use infra_core::prelude::*;

use super::{LEDGER, Platform};

/// What the ledger reads at start: its connection string and the token its callers must show. Generated here, sealed
/// in state, stored as `SecureStrings`; nobody types or sees them.
pub struct Secrets {
    /// Where both are.
    pub path: String,
    /// What callers show.
    pub token: Output<Sensitive<String>>,
    /// The connection string's parameter.
    pub url_parameter: Handle<ssm::Parameter>,
    /// The token's.
    pub token_parameter: Handle<ssm::Parameter>,
}

impl Secrets {
    /// Declares them.
    pub fn new(stack: &mut Stack, platform: &Platform) -> Self {
        let path = format!("/{}/{LEDGER}", stack.name());
        // Letters and digits only: safe in a URL, in a shell and in a DSN alike.
        let password = stack.secret("database-password");
        let token = stack.secret_with("auth-token", Secret::new().length(48));
        // Its own role, made by a job, and not the master's; and the certificate is checked, by the bundle in the image.
        let url = interpolate!(
            "postgres://qledger:{}@{}:{}/qledger?sslmode=verify-full&sslrootcert=/etc/rds/global-bundle.pem",
            &password,
            &platform.database,
            &platform.port
        );
        let parameter = |name: &str, value: Output<Sensitive<String>>| {
            ssm::Parameter::secure(format!("{path}/{name}"), value).kms_key(&platform.key_id)
        };
        let url_parameter = stack.add("url", parameter("DATABASE_URL", url.secret()));
        let token_parameter = stack.add("token", parameter("LEDGER_AUTH_TOKEN", token.clone()));
        Self { path, token, url_parameter, token_parameter }
    }
}
