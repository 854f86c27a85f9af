//! The two commands, and `kubectl` reading what they write where it is installed.

use std::{fs, process::Command};

use infra_core::{App, Result, Stack, exit::Exit, prelude::Sensitive};
use serde_json::Value as Json;

use super::{Kubeconfig, KubeconfigToken, Token};
use crate::terminal::{Ran, Terminal};

const ENDPOINT: &str = "https://ABC.gr7.eu-west-1.eks.amazonaws.com";

/// A program that exports what one with a cluster does.
fn program(stack: &mut Stack) -> Result<()> {
    stack.export("cluster", "qledger-dev");
    stack.export("cluster_endpoint", ENDPOINT);
    stack.export("cluster_ca", "LS0tLS1CRUdJTg==");
    stack.export("region", "eu-west-1");
    Ok(())
}

/// Without a cloud, which is no simulated one.
fn app() -> App {
    App::new("ledger").command(Kubeconfig).command(KubeconfigToken::new(|cluster, region, _| {
        let expires = "2026-01-02T03:04:05Z".parse().unwrap();
        let token = Sensitive::new(format!("token of {cluster} in {region}"));
        async move { Ok(Token { token, expires }) }
    }))
}

/// A terminal whose stack is made.
async fn made(app: App) -> Terminal {
    let terminal = Terminal::new();
    let up = terminal.run(app, program, &["up", "--yes"]).await;
    assert_eq!(up.exit, Exit::Done, "{}", up.err);
    terminal
}

async fn ran(terminal: &Terminal, app: App, arguments: &[&str]) -> Ran {
    let ran = terminal.run(app, program, arguments).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.err);
    ran
}

/// What `kubectl` says to these arguments; nothing if it is not installed.
fn kubectl(file: &std::path::Path, arguments: &[&str]) -> Option<String> {
    let mut kubectl = Command::new("kubectl");
    let ran = kubectl.arg("--kubeconfig").arg(file).args(arguments).output().ok()?;
    let err = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success(), "kubectl {arguments:?}: {err}");
    Some(String::from_utf8(ran.stdout).unwrap())
}

fn value(text: &str) -> Json {
    serde_saphyr::from_str(text).unwrap()
}

#[tokio::test]
async fn it_names_this_program_as_the_one_that_knows_the_tokens() {
    let terminal = made(app()).await;
    let printed = ran(&terminal, app(), &["kubeconfig"]).await.out;
    let document = value(&printed);
    let cluster = &document["clusters"][0]["cluster"];
    assert_eq!(cluster["server"], ENDPOINT);
    assert_eq!(cluster["certificate-authority-data"], "LS0tLS1CRUdJTg==");
    assert_eq!(cluster["tls-server-name"], Json::Null);
    let exec = &document["users"][0]["user"]["exec"];
    assert_eq!(exec["command"], std::env::current_exe().unwrap().to_str().unwrap());
    let arguments: Vec<_> =
        exec["args"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    assert_eq!(&arguments[..3], ["kubeconfig-token", "--stack", "dev"]);
    let settings = arguments.iter().position(|one| *one == "--config").unwrap();
    assert!(std::path::Path::new(arguments[settings + 1]).is_absolute());

    // What it names is a command that gives a token.
    let token = ran(&terminal, app(), &arguments).await.out;
    let token: Json = serde_json::from_str(&token).unwrap();
    assert_eq!(token["status"]["token"], "token of qledger-dev in eu-west-1");
    assert_eq!(token["status"]["expirationTimestamp"], "2026-01-02T03:04:05Z");
    let same = ran(&terminal, app(), &["kubeconfig-token"]).await.out;
    assert_eq!(serde_json::from_str::<Json>(&same).unwrap(), token);

    let file = terminal.folder.path().join("alone.yaml");
    fs::write(&file, printed).unwrap();
    if let Some(view) = kubectl(&file, &["config", "view", "-o", "json"]) {
        let view: Json = serde_json::from_str(&view).unwrap();
        assert_eq!(view["users"][0]["user"]["exec"]["args"], exec["args"]);
    }
}

#[tokio::test]
async fn it_is_merged_into_a_file_that_has_others() {
    let terminal = made(app()).await;
    let folder = terminal.folder.path();
    let file = folder.join("config");
    let others = "apiVersion: v1\nkind: Config\ncurrent-context: home\n\
                  clusters:\n- {name: home, cluster: {server: 'https://10.0.0.1'}}\n\
                  contexts:\n- {name: home, context: {cluster: home, user: me}}\n\
                  users:\n- {name: me, user: {token: '123'}}\n";
    fs::write(&file, others).unwrap();
    let out = file.to_str().unwrap();
    ran(&terminal, app(), &["kubeconfig", "--out", out, "--name", "ours"]).await;
    let merged = fs::read_to_string(&file).unwrap();
    assert_eq!(value(&merged)["current-context"], "home");
    assert_eq!(value(&merged)["users"][0], value(others)["users"][0]);
    if let Some(contexts) = kubectl(&file, &["config", "get-contexts", "-o", "name"]) {
        assert_eq!(contexts, "home\nours\n");
    }
    if let Some(token) =
        kubectl(&file, &["config", "view", "--raw", "-o", "jsonpath={.users[0].user.token}"])
    {
        assert_eq!(token, "123");
    }
    ran(&terminal, app(), &["kubeconfig", "--out", out, "--name", "ours"]).await;
    assert_eq!(fs::read_to_string(&file).unwrap(), merged, "a second time changes no byte");
    ran(&terminal, app(), &["kubeconfig", "--out", out, "--name", "ours", "--use"]).await;
    if let Some(current) = kubectl(&file, &["config", "current-context"]) {
        assert_eq!(current, "ours\n");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, symlink};
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        // A link stays a link, and what it leads to is what changes.
        let link = folder.join("link");
        symlink(&file, &link).unwrap();
        let link = link.to_str().unwrap();
        ran(&terminal, app(), &["kubeconfig", "--out", link, "--name", "third"]).await;
        assert!(fs::symlink_metadata(link).unwrap().is_symlink());
        assert!(fs::read_to_string(&file).unwrap().contains("third"));
    }
    // A new file, in a folder that is not there yet.
    let fresh = folder.join("new/config");
    ran(&terminal, app(), &["kubeconfig", "--out", fresh.to_str().unwrap()]).await;
    assert_eq!(value(&fs::read_to_string(&fresh).unwrap())["current-context"], "qledger-dev");
    let left = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().ends_with(".new")));
}

#[tokio::test]
async fn a_file_that_is_none_stays_as_it_is() {
    let terminal = made(app()).await;
    let file = terminal.folder.path().join("config");
    fs::write(&file, "- not\n- one\n").unwrap();
    let ran = terminal.run(app(), program, &["kubeconfig", "--out", file.to_str().unwrap()]).await;
    assert_eq!(ran.exit, Exit::Usage);
    assert!(ran.all().contains("nothing was changed"), "{}", ran.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), "- not\n- one\n");
}

#[tokio::test]
async fn through_a_forwarded_port_the_certificate_still_names_the_cluster() {
    let terminal = made(app()).await;
    let printed =
        ran(&terminal, app(), &["kubeconfig", "--server", "https://127.0.0.1:8443"]).await;
    let document = value(&printed.out);
    let cluster = &document["clusters"][0]["cluster"];
    assert_eq!(cluster["server"], "https://127.0.0.1:8443");
    assert_eq!(cluster["tls-server-name"], "ABC.gr7.eu-west-1.eks.amazonaws.com");
    for server in ["http://127.0.0.1:8080", "127.0.0.1"] {
        let ran = terminal.run(app(), program, &["kubeconfig", "--server", server]).await;
        assert_eq!(ran.exit, Exit::Usage, "{server}");
    }
}

#[tokio::test]
async fn without_a_stack_it_says_so() {
    let terminal = Terminal::new();
    let ran = terminal.run(app(), program, &["kubeconfig"]).await;
    assert_eq!(ran.exit, Exit::Usage);
    assert!(ran.all().contains("`up` makes the stack"), "{}", ran.err);
}

#[tokio::test]
async fn a_simulated_cluster_has_one_token_and_is_served_where_it_is_said() {
    let app = || app().cloud("simulated", infra_aws::simulated());
    let terminal = made(app()).await;
    let inside = ran(&terminal, app(), &["kubeconfig"]).await;
    assert!(inside.err.contains("simulate --kubernetes"), "{}", inside.err);
    let served = ran(&terminal, app(), &["kubeconfig", "--server", "http://127.0.0.1:1"]).await;
    assert!(!served.err.contains("simulate"), "{}", served.err);
    let document = value(&served.out);
    assert_eq!(document["users"][0]["user"]["token"], "simulated");
    assert_eq!(
        document["clusters"][0]["cluster"].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["server"]
    );
    let token = ran(&terminal, app(), &["kubeconfig-token"]).await.out;
    assert_eq!(serde_json::from_str::<Json>(&token).unwrap()["status"]["token"], "simulated");
}
