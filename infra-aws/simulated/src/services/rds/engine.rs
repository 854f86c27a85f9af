//! Engines and their versions.

use serde_json::{Value, json};

use crate::services::Access;
use crate::wire::text;

/// Minor versions, oldest first.
const POSTGRES: [&str; 10] =
    ["14.19", "15.12", "15.14", "16.8", "16.10", "17.4", "17.5", "17.6", "17.7", "18.1"];

pub(super) fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

/// A major version means its newest minor; other engines are taken as they come.
pub(super) fn resolve(engine: &str, asked: Option<&str>) -> Option<String> {
    if engine != "postgres" {
        return Some(asked.unwrap_or("8.0.43").to_owned());
    }
    let asked = asked.unwrap_or("17");
    let newest = POSTGRES.iter().rev().find(|it| **it == asked || major(it) == asked);
    newest.map(|version| (*version).to_owned())
}

pub(super) fn versions(access: &Access<'_>) -> Value {
    let input = access.input();
    let engine = text(input, "Engine").unwrap_or("postgres");
    let wanted = text(input, "EngineVersion");
    let default_only = text(input, "DefaultOnly") == Some("true");
    let found: Vec<Value> = POSTGRES
        .iter()
        .filter(|_| engine == "postgres")
        .filter(|it| wanted.is_none_or(|wanted| **it == wanted || major(it) == wanted))
        .filter(|it| {
            !default_only
                || **it
                    == wanted
                        .and_then(|it| resolve(engine, Some(it)))
                        .unwrap_or_else(|| "17.7".to_owned())
        })
        .map(|version| {
            let targets: Vec<Value> = POSTGRES
                .iter()
                .skip_while(|it| *it != version)
                .skip(1)
                .map(|it| {
                    json!({
                        "Engine": engine, "EngineVersion": it,
                        "IsMajorVersionUpgrade": major(it) != major(version),
                    })
                })
                .collect();
            json!({
                "Engine": engine, "EngineVersion": version, "Status": "available",
                "DBParameterGroupFamily": format!("postgres{}", major(version)),
                "DBEngineDescription": "PostgreSQL",
                "ValidUpgradeTarget": targets,
                "ExportableLogTypes": ["postgresql", "upgrade"],
            })
        })
        .collect();
    json!({"DBEngineVersions": found})
}

pub(super) fn orderable(access: &Access<'_>) -> Value {
    let input = access.input();
    json!({"OrderableDBInstanceOptions": [{
        "Engine": input["Engine"], "EngineVersion": input["EngineVersion"],
        "DBInstanceClass": input["DBInstanceClass"], "StorageType": "gp3", "MultiAZCapable": true,
        "Vpc": true, "SupportsStorageEncryption": true, "SupportsStorageAutoscaling": true,
    }]})
}
