//! What is written is what its reader understands.

use std::{fs, process::Command, time::Duration};

use serde_json::{Value as Json, json};

use super::{Cluster, Every, Look, Machine, cron_job, units};

fn look() -> Look {
    let arguments = ["drift", "--stack", "prod", "--set", "greeting=50% \"$HOME\" \\o/"];
    Look::new("qledger-ha/prod", arguments.map(str::to_owned))
}

fn every() -> Every {
    Every::new(Duration::from_mins(15)).unwrap()
}

fn machine(program: &str) -> Machine {
    Machine {
        program: program.into(),
        directory: "/srv".into(),
        user: Some("drift".to_owned()),
        writable: vec!["/srv/infra state".into()],
    }
}

#[test]
fn systemd_units() {
    let files = units(&look(), every(), &machine("/opt/qledger-ha"));
    let text = files.iter().map(|file| format!("--- {}\n{}", file.name, file.text));
    insta::assert_snapshot!("systemd", text.collect::<String>());
}

/// Where systemd is, it is asked.
#[test]
fn systemd_understands_its_units() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let files = units(&look(), every(), &machine("/bin/true"));
    let paths: Vec<_> = files.iter().map(|file| folder.path().join(&file.name)).collect();
    paths.iter().zip(&files).for_each(|(path, file)| fs::write(path, &file.text).unwrap());
    let mut verify = Command::new("systemd-analyze");
    let said = verify.args(["verify", "--man=no"]).args(&paths).output().unwrap();
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(!said.contains("drift-qledger-ha-prod"), "{said}");
}

fn parsed(cluster: &Cluster, look: &Look) -> Json {
    let file = cron_job(look, every(), cluster).unwrap();
    serde_saphyr::from_str(&file.text).unwrap_or_else(|e| panic!("{e}\n{}", file.text))
}

#[test]
fn a_cron_job() {
    let cluster = Cluster {
        image: "registry.example.com/qledger-ha:1".to_owned(),
        namespace: Some("ops".to_owned()),
        service_account: "drift".to_owned(),
        shards: None,
    };
    let file = cron_job(&look(), every(), &cluster).unwrap();
    insta::assert_snapshot!("kubernetes", file.text);
    let job = parsed(&cluster, &look());
    assert_eq!(
        job["metadata"],
        json!({
            "name": "drift-qledger-ha-prod-fc9faf",
            "namespace": "ops",
            "labels": {"app.kubernetes.io/name": "drift-qledger-ha-prod-fc9faf", "app.kubernetes.io/component": "drift"},
        })
    );
    assert_eq!(job["spec"]["concurrencyPolicy"], "Forbid");
    let spec = &job["spec"]["jobTemplate"]["spec"];
    assert_eq!((&spec["backoffLimit"], &spec["completions"]), (&json!(0), &Json::Null));
    let pod = &spec["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(container["args"], json!(look().arguments), "each word as it was");
    // What the restricted Pod Security Standard asks for.
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
    assert_eq!(container["securityContext"]["capabilities"]["drop"], json!(["ALL"]));
}

#[test]
fn a_fleet_is_an_indexed_job() {
    let cluster = Cluster {
        image: "i".to_owned(),
        namespace: None,
        service_account: "drift".to_owned(),
        shards: Some(4),
    };
    let look = Look::new("s3://states/Infra", ["drift", "--all-stacks"].map(str::to_owned));
    assert_eq!(look.name, "drift-s3-states-infra-1e4055");
    let other = Look::new("s3://states/infra", []);
    assert_ne!(other.name, look.name, "another place");
    let job = parsed(&cluster, &look);
    let spec = &job["spec"]["jobTemplate"]["spec"];
    let said = ["completionMode", "completions", "parallelism"].map(|name| spec[name].clone());
    assert_eq!(said, [json!("Indexed"), json!(4), json!(4)]);
    let container = &spec["template"]["spec"]["containers"][0];
    assert_eq!(container["args"], json!(["drift", "--all-stacks", "--shard", "auto"]));
    let variables = container["env"].as_array().unwrap();
    assert!(variables.contains(&json!({"name": "JOB_COMPLETIONS", "value": "4"})));
    let run = variables.iter().find(|it| it["name"] == "INFRA_DRIFT_RUN").unwrap();
    assert!(run["valueFrom"]["fieldRef"]["fieldPath"].is_string());
}

#[test]
fn names_are_those_of_objects() {
    let long = Look::new(format!("{}/dev", "Program_".repeat(12)), []);
    assert!(long.name.len() <= 50 && !long.name.ends_with('-'), "{}", long.name);
    assert!(long.name.starts_with("drift-program-program"), "{}", long.name);
    // What is written alike in small letters, digits and `-` is not called alike.
    let alike =
        ["shop/prod-eu", "shop-prod/eu", "Shop/prod-eu", "shop/all-stacks", "shop.all/stacks"];
    let beyond = ["a", "b"].map(|end| format!("{}/{end}", "program".repeat(9)));
    let names = alike.into_iter().map(str::to_owned).chain(beyond).map(|of| Look::new(of, []).name);
    let names: Vec<_> = names.collect();
    let different: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(different.len(), names.len(), "{names:?}");
}
