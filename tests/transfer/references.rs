//! Outputs of a Terraform state as typed references.

use std::path::Path;

use infra_core::{
    ErrorKind, Outputs, Stack,
    command::{self, PreviewOptions},
    prelude::*,
};

use crate::{
    harness::{Host, Lab, Net, Safe, steps},
    outside::engine,
};

#[derive(Outputs, Clone, Debug)]
struct Network {
    net: String,
    zones: Vec<String>,
    token: String,
    missing: Option<String>,
}

fn write(file: &Path, outputs: &serde_json::Value) {
    let state = serde_json::json!({
        "version": 4, "terraform_version": "1.9.8", "serial": 1, "lineage": "l",
        "outputs": outputs, "resources": []
    });
    std::fs::write(file, state.to_string()).unwrap();
}

fn outputs(net: &str) -> serde_json::Value {
    serde_json::json!({
        "net": {"value": net, "type": "string"},
        "zones": {"value": ["a", "b"], "type": ["list", "string"]},
        "token": {"value": "geheimnis", "type": "string", "sensitive": true},
    })
}

fn program(url: String) -> impl Fn(&mut Stack) -> Result<()> + Send + Sync + Clone + 'static {
    move |stack| {
        let network = stack.terraform::<Network>("network", TerraformState::at(url.clone()));
        let own = stack.add("own", Net::new("10.1.0.0/16"));
        stack.add("host", Host::new(&network.net).labels([&own.id, &network.zones.index(1)]));
        stack.add("safe", Safe::new(network.token.clone().secret()));
        stack.export("token", &network.token);
        Ok(())
    }
}

async fn run(lab: &Lab, url: &str) -> Result<Vec<String>> {
    let engine = engine(lab, program(url.to_owned()));
    let preview = command::preview(&engine, &PreviewOptions::default()).await?;
    Ok(steps(&preview.plan))
}

#[tokio::test]
async fn what_terraform_gives_is_used_and_read_anew() {
    let (lab, folder) = (Lab::new(), tempfile::tempdir().unwrap());
    let file = folder.path().join("terraform.tfstate");
    let url = format!("file:{}", file.display());
    write(&file, &outputs("net-1"));
    let up = async || {
        let engine = engine(&lab, program(url.clone()));
        lab.run(engine, &command::Confirmed).await.ok();
    };
    up().await;
    let (_, host) = lab.world.of("fake:Host").pop_first().unwrap();
    assert_eq!(host.inputs.get("net").and_then(|net| net.as_str()), Some("net-1"));
    assert_eq!(run(&lab, &url).await.unwrap(), Vec::<String>::new());
    let snapshot = lab.snapshot().await.unwrap();
    assert!(snapshot.exports["token"].has_secret(), "what is sensitive there is secret here");

    write(&file, &outputs("net-2"));
    assert_eq!(run(&lab, &url).await.unwrap(), ["Create host", "DeleteOld host"]);
}

#[tokio::test]
async fn what_does_not_fit_says_which_output_and_why() {
    let (lab, folder) = (Lab::new(), tempfile::tempdir().unwrap());
    let file = folder.path().join("terraform.tfstate");
    let url = format!("file:{}", file.display());
    let refused = async |told: &str| {
        let error = run(&lab, &url).await.unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
    };
    refused("cannot be read").await;
    std::fs::write(&file, "").unwrap();
    refused("found an empty file").await;
    let mut wrong = outputs("net-1");
    wrong["zones"] = serde_json::json!({"value": "a", "type": "string"});
    write(&file, &wrong);
    refused("the output `zones` of").await;
    let mut wrong = outputs("net-1");
    wrong["nets"] = wrong.as_object_mut().unwrap().remove("net").unwrap();
    write(&file, &wrong);
    refused("did you mean `nets`?").await;
    let elsewhere = run(&lab, "ftp://x/y").await.unwrap_err();
    assert!(elsewhere.to_string().contains("in no place that can be opened"), "{elsewhere}");
    assert_ne!(elsewhere.kind(), ErrorKind::PlanStale);
}
