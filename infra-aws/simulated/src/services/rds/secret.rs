//! The master password that RDS keeps in Secrets Manager.

use serde_json::{Value, json};

use crate::services::access::hex;
use crate::services::{Access, secrets_manager};
use crate::wire::{Failure, text};

/// Makes the secret; what the reply says about it.
pub(super) fn make(access: &mut Access<'_>, username: &str) -> Result<Value, Failure> {
    let name = format!("rds!db-{}", uuid::Uuid::new_v4());
    let secret = json!({"username": username, "password": hex(28)}).to_string();
    let key = text(access.input(), "MasterUserSecretKmsKeyId");
    let mut asked = json!({
        "Name": name, "SecretString": secret, "ClientRequestToken": uuid::Uuid::new_v4(),
        "Description": "The secret associated with the primary RDS DB instance",
        "Tags": [{"Key": "aws:rds:primaryDBInstanceArn", "Value": "rds"}],
    });
    if let Some(key) = key {
        asked["KmsKeyId"] = json!(key);
    }
    let made = secrets_manager::ask(access, "CreateSecret", &asked)?;
    let (region, account) = (access.region(), access.account());
    let key = key.map_or_else(
        || format!("arn:aws:kms:{region}:{account}:alias/aws/secretsmanager"),
        str::to_owned,
    );
    Ok(json!({"SecretArn": made["ARN"], "SecretStatus": "active", "KmsKeyId": key}))
}

/// It goes with the instance, and without a recovery window.
pub(super) fn remove(access: &mut Access<'_>, secret: &Value) {
    if secret["SecretArn"].is_string() {
        let asked = json!({"SecretId": secret["SecretArn"], "ForceDeleteWithoutRecovery": true});
        if let Err(failure) = secrets_manager::ask(access, "DeleteSecret", &asked) {
            tracing::debug!(failure.message, "the managed secret was gone already");
        }
    }
}
