//! A fake cloud that knows Terraform's types, and a lab on it.

use std::{collections::BTreeMap, sync::Arc};

use infra_core::{
    Engine, Result, Stack,
    provider::{self, Connection, Connector, Contained, Context, Driver},
    state::{ProviderIdentity, Value},
    transfer::terraform::{Block, Body, Export, Import, Instance, Piece, State, Tables},
};

use crate::harness::{FakeConnector, Lab};

/// A connector that knows Terraform's `fake_…`.
struct Known(FakeConnector);

#[async_trait::async_trait]
impl Connector for Known {
    fn provider_kind(&self) -> &'static str {
        self.0.provider_kind()
    }

    fn drivers(&self) -> Vec<Arc<dyn Driver>> {
        self.0.drivers()
    }

    fn default_provider(&self, context: &Context) -> provider::Result<Value> {
        let config = self.0.default_provider(context)?;
        let mut config = config.as_map().cloned().unwrap_or_default();
        let token = context.settings.get("token").cloned();
        config.extend(token.map(|token| ("token".to_owned(), token)));
        Ok(Value::Map(config))
    }

    async fn connect(&self, config: &Value, context: &Context) -> provider::Result<Connection> {
        self.0.connect(config, context).await
    }

    fn terraform(&self) -> Tables {
        Tables { imports: imports(), exports: exports(), place: Some(place), ..Tables::default() }
    }

    async fn contained(
        &self,
        _: &Connection,
        within: &str,
    ) -> provider::Result<Option<Vec<Contained>>> {
        if !within.starts_with("net-") {
            return Ok(None);
        }
        let object =
            |kind: &str, id: &str, name: Option<&str>, comes_with: Option<&str>| Contained {
                kind: kind.to_owned(),
                id: id.to_owned(),
                name: name.map(str::to_owned),
                owner: None,
                comes_with: comes_with.map(str::to_owned),
            };
        Ok(Some(vec![
            object("fake:Net", within, Some("main net"), None),
            object("fake:Host", "host-1234", Some("web/1"), None),
            object("FAKE::Gadget", "gadget-1", None, None),
            object("fake:Host", "host-9999", None, Some("the net itself")),
        ]))
    }
}

fn imports() -> BTreeMap<&'static str, Import> {
    fn piece(kind: &'static str, it: &Instance) -> std::result::Result<Vec<Piece>, String> {
        let id = it.id().ok_or("it has no id")?;
        Ok(vec![Piece::new(kind, id)])
    }
    [
        ("fake_net", Import::Objects(|it| piece("fake:Net", it))),
        ("fake_host", Import::Objects(|it| piece("fake:Host", it))),
        (
            "fake_box",
            Import::Objects(|it| {
                let id = it.id().ok_or("it has no id")?;
                Ok(vec![Piece::new("fake:Host", id).known("wait", it.attribute("wait"))])
            }),
        ),
        ("fake_safe", Import::Objects(|it| piece("fake:Safe", it))),
        ("fake_note", Import::Objects(|it| piece("fake:Note", it))),
        (
            "fake_db",
            Import::Objects(|it| {
                let known = it.attribute("password");
                Ok(vec![
                    Piece::new("fake:Db", it.id().unwrap_or_default()).known("password", known),
                ])
            }),
        ),
        (
            "fake_pair",
            Import::Asked(|_, all| {
                let pieces = |it: &&Instance| {
                    let id = it.id().unwrap_or_default();
                    let one =
                        |end: &str| Piece::new("fake:Note", format!("{id}-{end}")).suffix(end);
                    Ok(vec![one("left"), one("right")])
                };
                Box::pin(std::future::ready(all.iter().map(pieces).collect()))
            }),
        ),
        ("fake_net_tags", Import::Part("the net")),
        ("fake_account", Import::Never("there is one account, and nobody makes it")),
    ]
    .into()
}

/// A note is three blocks there, a host cannot be written if it is big.
fn exports() -> BTreeMap<&'static str, Export> {
    let note = Export {
        terraform: "fake_note",
        outputs: &[("id", "id")],
        give: |note| {
            let body = Body::new().set("text", note.field("text"));
            Ok(vec![Block::new("fake_note", note.id(), body); 3])
        },
    };
    let net = Export {
        terraform: "fake_net",
        outputs: &[("id", "id")],
        give: |net| Ok(vec![Block::new("fake_net", net.id(), Body::new())]),
    };
    let host = Export {
        terraform: "fake_host",
        outputs: &[("id", "id")],
        give: |host| {
            if host.input("size").is_some() {
                return Err("its size cannot be written".to_owned());
            }
            let body = Body::new().set("net", host.field("net"));
            Ok(vec![Block::new("fake_host", host.id(), body)])
        },
    };
    let db = Export {
        terraform: "fake_db",
        outputs: &[("id", "id")],
        give: |db| {
            let body =
                Body::new().set("password", db.field("password")).set("net", db.field("net"));
            Ok(vec![Block::new("fake_db", db.id(), body)])
        },
    };
    [("fake:Note", note), ("fake:Net", net), ("fake:Host", host), ("fake:Db", db)].into()
}

fn place(it: &Instance, default: &ProviderIdentity) -> std::result::Result<Option<Value>, String> {
    let account = it.text("account").unwrap_or(&default["account"]);
    if default["account"] != account {
        return Err(format!(
            "it is in the account {account}, and this run is in {}",
            default["account"]
        ));
    }
    let region = it.text("region").filter(|region| *region != default["region"]);
    Ok(region.map(|region| [("region", Value::from(region))].into()))
}

/// The engine of a program on such a cloud.
pub(crate) fn engine(
    lab: &Lab,
    program: impl Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
) -> Engine {
    let mut engine = lab.engine(program);
    let known = Known(FakeConnector {
        world: Arc::clone(&lab.world),
        account: lab.account.clone(),
        region: lab.region.clone(),
    });
    engine.registry.add(infra_core::reference::terraform_driver::<()>());
    engine.connectors.insert(known.provider_kind().to_owned(), Arc::new(known));
    engine
}

/// A state with these resources: (module, type, name, alias, instances as JSON).
pub(crate) fn state(resources: &[(&str, &str, &str, &str, serde_json::Value)]) -> State {
    let resources: Vec<_> = resources
        .iter()
        .map(|(module, kind, name, alias, instances)| {
            let alias = if alias.is_empty() { String::new() } else { format!(".{alias}") };
            let mut resource = serde_json::json!({
                "mode": "managed",
                "type": kind,
                "name": name,
                "provider": format!("provider[\"registry.terraform.io/acme/fake\"]{alias}"),
                "instances": instances,
            });
            if !module.is_empty() {
                resource["module"] = (*module).into();
            }
            resource
        })
        .collect();
    let file = serde_json::json!({
        "version": 4,
        "terraform_version": "1.9.8",
        "serial": 1,
        "lineage": "l",
        "outputs": {},
        "resources": resources,
    });
    State::read(file.to_string().as_bytes()).unwrap()
}
