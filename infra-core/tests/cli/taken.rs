//! Taking over from Terraform and leaving again, from the command line.

use infra_core::{
    exit::Exit,
    prelude::*,
    state::Value,
    transfer::terraform::{Block, Body, Export, Import, Piece, Requires, Tables},
};

use crate::{
    fake::{Host, Net},
    terminal::Terminal,
};

/// What the fake cloud knows of Terraform.
pub fn tables() -> Tables {
    Tables {
        imports: [
            ("fake_net", Import::Objects(|it| one("fake:Net", it.id()))),
            ("fake_host", Import::Objects(|it| one("fake:Host", it.id()))),
        ]
        .into(),
        exports: [
            (
                "fake:Net",
                Export {
                    terraform: "fake_net",
                    outputs: &[("id", "id")],
                    give: |net| {
                        let body = Body::new()
                            .set("block", net.field("block"))
                            .set("tags", net.field("tags"));
                        Ok(vec![Block::new("fake_net", net.id(), body)])
                    },
                },
            ),
            (
                "fake:Host",
                Export {
                    terraform: "fake_host",
                    outputs: &[("id", "id")],
                    give: |host| {
                        if host.input("disk").is_some() {
                            return Err("a disk cannot be written".to_owned());
                        }
                        let body = Body::new()
                            .set("net", host.field("net"))
                            .set("password", host.field("password"));
                        Ok(vec![Block::new("fake_host", host.id(), body)])
                    },
                },
            ),
        ]
        .into(),
        requires: Some(Requires {
            name: "fake",
            source: "acme/fake",
            version: "~> 1.0",
            provider: |identity, _| {
                Body::new().set("region", identity.get("region").map(String::as_str))
            },
        }),
        place: None,
    }
}

fn one(kind: &str, id: Option<&str>) -> std::result::Result<Vec<Piece>, String> {
    Ok(vec![Piece::new(kind, id.ok_or("it has no id")?)])
}

fn nothing(_: &mut Stack) -> Result<()> {
    Ok(())
}

fn program(stack: &mut Stack) -> Result<()> {
    let net = stack.add("main", Net::new("10.0.0.0/16").tags([("a", "b")]));
    let password = stack.secret("web-password");
    stack.add("web", Host::new(&net.id).password(password));
    stack.export("net", &net.id);
    Ok(())
}

const STATE: &str = r#"{
    "version": 4, "terraform_version": "1.9.8", "serial": 1, "lineage": "l",
    "outputs": {"net": {"value": "net-123456", "type": "string"}},
    "resources": [
        {"mode": "managed", "type": "fake_net", "name": "main", "provider": "provider[\"registry.terraform.io/acme/fake\"]",
         "instances": [{"schema_version": 0, "attributes": {"id": "net-123456"}}]},
        {"mode": "managed", "type": "fake_host", "name": "web", "provider": "provider[\"registry.terraform.io/acme/fake\"]",
         "instances": [{"schema_version": 0, "attributes": {"id": "host-1"}, "dependencies": ["fake_net.main"]}]},
        {"mode": "managed", "type": "other_thing", "name": "x", "provider": "provider[\"registry.terraform.io/acme/fake\"]",
         "instances": [{"schema_version": 0, "attributes": {"id": "x"}}]}
    ]
}"#;

/// A world with a net and a host, and the state that knows them.
fn outside(t: &Terminal) -> String {
    let mut objects = t.world.0.lock().unwrap();
    let tags = [("a", Value::from("b"))].into();
    let net: Value = [("block", Value::from("10.0.0.0/16")), ("tags", tags)].into();
    objects.insert("net-123456".to_owned(), ("hand".to_owned(), net));
    let host: Value = [("net", Value::from("net-123456")), ("password", "geheimnis".into())].into();
    objects.insert("host-1".to_owned(), ("hand".to_owned(), host));
    let file = t.folder().join("terraform.tfstate");
    std::fs::write(&file, STATE).unwrap();
    file.display().to_string()
}

#[tokio::test]
async fn from_terraform_and_back() {
    let t = Terminal::new("");
    let state = outside(&t);
    let out = t.folder().join("src/main.rs");
    let out = out.to_str().unwrap();
    let import = ["import", "--from-terraform", &state, "--out", out];
    let dry = t.run(nothing, &[&import[..], &["--dry-run"]].concat()).await;
    assert_eq!(dry.exit, Exit::Done, "{}", dry.err);
    assert!(dry.err.contains("Nothing was written"), "{}", dry.err);
    assert!(!std::path::Path::new(out).exists());
    let shown = t.run(nothing, &["import", "--from-terraform", &state, "--dry-run"]).await;
    assert_eq!(t.run(nothing, &["state", "list"]).await.exit, Exit::Usage);

    let taken = t.run(nothing, &import).await;
    assert_eq!(taken.exit, Exit::Done, "{}", taken.err);
    assert!(taken.err.contains("other_thing.x: no cloud of this program"), "{}", taken.err);
    let text = std::fs::read_to_string(out).unwrap();
    // The machine's own rustfmt may lay out what is written to a file.
    insta::assert_snapshot!("taken", shown.out);
    assert!(!format!("{text}{}{}", taken.out, taken.err).contains("geheimnis"));

    let preview = t.run(program, &["preview", "--exit-code", "--refresh"]).await;
    assert_eq!(preview.exit, Exit::Done, "{}", preview.err);
    let again = t.run(program, &import).await;
    assert_eq!(again.exit, Exit::Refused, "{}", again.err);
    assert!(again.err.contains("--force"), "{}", again.err);
    let again = t.run(program, &[&import[..], &["--force"]].concat()).await;
    assert_eq!(again.exit, Exit::Refused, "{}", again.err);
    assert!(again.err.contains("is recorded already"), "{}", again.err);
    assert_eq!(
        std::fs::read_to_string(out).unwrap(),
        text,
        "what failed leaves the program as it was"
    );

    let folder = t.folder().join("hcl");
    let folder = folder.to_str().unwrap();
    let given = t.run(program, &["export", "--to-terraform", folder, "--json"]).await;
    assert_eq!(given.exit, Exit::Done, "{}", given.err);
    let json: serde_json::Value = serde_json::from_str(&given.out).unwrap();
    assert_eq!(json["written"]["fake:Host::web"], "fake_host.web");
    let mut files = String::new();
    for name in ["main.tf", "imports.tf", "outputs.tf", "variables.tf"] {
        let text = std::fs::read_to_string(t.folder().join("hcl").join(name)).unwrap();
        files.extend(["## ", name, "\n", &text, "\n"]);
    }
    insta::assert_snapshot!("given", files);
    let twice = t.run(program, &["export", "--to-terraform", folder]).await;
    assert_eq!(twice.exit, Exit::Refused, "{}", twice.err);
}

#[tokio::test]
async fn a_program_of_another_name_has_a_state_of_its_own() {
    let t = Terminal::new("");
    let state = outside(&t);
    let import = ["import", "--from-terraform", &state, "--program", "other", "--json"];
    let nowhere = t.run(nothing, &import).await;
    assert_eq!(nowhere.exit, Exit::Usage, "{}", nowhere.err);
    let out = t.folder().join("other.rs");
    let import = [&import[..], &["--out", out.to_str().unwrap()]].concat();
    let state_url = format!("file:{}", t.folder().join("states").display());
    // The settings are the other's too: where its key is.
    let settings = format!("[stack.dev]\nkey = 'file:{}'\n", t.key().display());
    std::fs::write(t.folder().join("other.toml"), settings).unwrap();
    let taken = t.run(nothing, &[&import[..], &["--state", &state_url]].concat()).await;
    assert_eq!(taken.exit, Exit::Done, "{}", taken.err);
    let json: serde_json::Value = serde_json::from_str(taken.out.lines().last().unwrap()).unwrap();
    assert_eq!(json["taken"].as_array().unwrap().len(), 2);
    assert_eq!(json["left"][0]["reason"], "unmapped");
    assert!(json["program"].as_str().unwrap().contains("App::new(\"other\")"), "{json}");
    assert!(t.folder().join("states/other/dev").exists());
}

#[tokio::test]
async fn a_list_of_ids() {
    let t = Terminal::new("");
    outside(&t);
    let file = t.folder().join("ids");
    std::fs::write(&file, "main net-123456\nweb host-9\n").unwrap();
    let list = ["import", "--file", file.to_str().unwrap()];
    let program = |stack: &mut Stack| {
        let net = stack.add("main", Net::new("10.0.0.0/16").tags([("a", "b")]));
        stack.add("web", Host::new(&net.id));
        Ok(())
    };
    let wrong = t.run(program, &list).await;
    assert_eq!(wrong.exit, Exit::Refused, "{}", wrong.err);
    assert!(wrong.err.contains("web host-9: there is no fake:Host"), "{}", wrong.err);
    assert!(wrong.err.contains("1 of 2 lines are wrong: nothing was recorded"), "{}", wrong.err);
    std::fs::write(&file, "{\"main\": \"net-123456\", \"web\": \"host-1\"}").unwrap();
    let right = t.run(program, &list).await;
    assert_eq!(right.exit, Exit::Done, "{}", right.err);
    let preview = t.run(program, &["preview", "--exit-code"]).await;
    assert_eq!(preview.exit, Exit::Done, "{}", preview.err);
    let neither = t.run(program, &["import"]).await;
    assert_eq!(neither.exit, Exit::Usage, "{}", neither.err);
}
