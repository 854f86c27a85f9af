//! Taking over Terraform states of several sizes from a cloud that answers at once: what is left is this engine's own work.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Instant,
};

use infra_core::{
    App, Stack,
    command::take::{TakeOptions, from_terraform},
    state,
    transfer::{terraform::State, write},
};
use serde_json::{Value, json};

use crate::{
    held::Held,
    table::{say, seconds},
};

/// Takes over states of these sizes.
pub(crate) fn sizes(sizes: &[usize]) {
    say("| taken over from Terraform | state | read, refer, prove | write | lines written |");
    say("|---|---|---|---|---|");
    for &count in sizes {
        let (text, held) = outside(count);
        let begin = Instant::now();
        let state = State::read(text.as_bytes()).expect("a state");
        let read = begin.elapsed();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = |name: &str| format!("file:{}", folder.path().join(name).display());
        let mut settings = infra_core::config::Settings::new("dev").cloud("held").state(place("s"));
        settings.key = Some(place("key"));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let (taking, took) = runtime.block_on(async {
            let app = App::new("bench").cloud("held", Held(Arc::new(held)));
            let engine = app.engine(&settings, |_: &mut Stack| Ok(())).await.expect("the engine");
            let begin = Instant::now();
            let taking = from_terraform(&engine, &state, &TakeOptions::default()).await;
            (taking.unwrap_or_else(|e| panic!("{e}")), begin.elapsed())
        });
        assert_eq!(taking.taken.len(), state.instances.len(), "{:?}", taking.left.first());
        let begin = Instant::now();
        let program = write::Program {
            name: "bench".to_owned(),
            source: "a bench".to_owned(),
            declarations: taking.declarations,
            exports: taking.exports,
            ..write::Program::default()
        };
        let program = write::program(&program).expect("a program");
        let written = begin.elapsed();
        say(format!(
            "| {} objects | {} | {} | {} | {} |",
            taking.taken.len(),
            seconds(read),
            seconds(took),
            seconds(written),
            program.lines().count()
        ));
    }
    say("");
}

/// A Terraform state of about `count` instances, and the objects that it knows.
fn outside(count: usize) -> (String, HashMap<String, state::Value>) {
    let mut outside = Outside::default();
    let mut module = 0;
    while outside.count + 20 + count / 10 <= count {
        outside.team(module);
        module += 1;
    }
    // What grows with everything: one loop of many, and many in no module.
    let rest = count.saturating_sub(outside.count);
    for at in 0..rest {
        let net = outside.nets[at % outside.nets.len()].clone();
        let id = outside.id("parameter");
        let of = json!({"path": format!("/all/{at}/net"), "value": net});
        let one = if at % 2 == 0 {
            let key = Some(format!("k{at}"));
            Resource { module: String::new(), kind: "held_parameter", name: "all".to_owned(), key }
        } else {
            let name = format!("single_{at}");
            Resource { module: String::new(), kind: "held_parameter", name, key: None }
        };
        outside.add(one, id, of, &json!({}), &[]);
    }
    let resources: Vec<Value> = outside.resources.into_values().collect();
    let state = json!({
        "version": 4, "terraform_version": "1.9.8", "serial": 1, "lineage": "l",
        "outputs": {}, "resources": resources,
    });
    (state.to_string(), outside.held)
}

#[derive(Default)]
struct Outside {
    count: usize,
    nets: Vec<String>,
    resources: BTreeMap<(String, &'static str, String), Value>,
    held: HashMap<String, state::Value>,
}

/// What Terraform calls one instance.
struct Resource {
    module: String,
    kind: &'static str,
    name: String,
    key: Option<String>,
}

impl Outside {
    /// What one module makes: 20 objects.
    fn team(&mut self, number: usize) {
        let module = format!("module.team_{number}");
        let in_module = |kind, name: &str, key: Option<String>| Resource {
            module: module.clone(),
            kind,
            name: name.to_owned(),
            key,
        };
        let uses = |of: &str| format!("{module}.{of}");
        let (block, tags) = (format!("10.{}.0.0/16", number % 256), json!({"Name": "main"}));
        let net = self.id("net");
        self.nets.push(net.clone());
        let of = json!({"block": block, "tags": tags});
        self.add(in_module("held_net", "this", None), net.clone(), of, &json!({}), &[]);
        let mut subnets = Vec::new();
        for at in 0..6 {
            let id = self.id("subnet");
            let of = json!({
                "net": net, "block": format!("10.{}.{at}.0/24", number % 256), "zone": "eu-1a",
                "tags": {"Name": format!("private-{at}")},
            });
            let one = in_module("held_subnet", "private", Some(at.to_string()));
            self.add(one, id.clone(), of, &json!({}), &[uses("held_net.this")]);
            subnets.push(id);
        }
        let arns: Vec<_> = subnets
            .iter()
            .map(|id| format!("arn:held:held:net:Subnet:eu-1:123456789012:{id}"))
            .collect();
        let role = self.id("role");
        let policy = json!({"Statement": [{"Action": "*", "Resource": arns}]}).to_string();
        let of = json!({"name": format!("team-{number}"), "policy": policy});
        self.add(
            in_module("held_role", "host", None),
            role.clone(),
            of,
            &json!({}),
            &[uses("held_subnet.private")],
        );
        let mut hosts: Vec<String> = Vec::new();
        for (at, subnet) in subnets.iter().enumerate() {
            let id = self.id("host");
            let line = |n: usize| format!("echo step {n} of host {at} >> /var/log/start.log\n");
            let mut script: String = (0..40).map(line).collect();
            script.extend([format!("join {net} {subnet}\n")]);
            let mut of = json!({
                "subnet": subnet, "role": role, "peers": hosts, "user_data": script,
            });
            // No table says that one of them has more fields than the others.
            if at == 2 {
                of["size"] = "big".into();
            }
            let one = in_module("held_host", "web", Some(format!("w{at}")));
            self.add(
                one,
                id.clone(),
                of,
                &json!({}),
                &[uses("held_subnet.private"), uses("held_role.host")],
            );
            hosts.push(id);
        }
        let password = format!("Geheimnis{number}0Xy");
        let db = self.id("db");
        self.add(
            in_module("held_db", "main", None),
            db.clone(),
            json!({"subnets": subnets}),
            &json!({"password": password}),
            &[uses("held_subnet.private")],
        );
        for at in 0..5 {
            let id = self.id("parameter");
            let value = match at {
                0 => format!("postgres://shop:{password}@db/shop"),
                1 => hosts[0].clone(),
                _ => format!("the value {at} of {} is a longer text", hosts[at]),
            };
            let of = json!({"path": format!("/team/{number}/{at}"), "value": value});
            let one = in_module("held_parameter", &format!("p{at}"), None);
            self.add(one, id, of, &json!({}), &[uses("held_host.web"), uses("held_db.main")]);
        }
    }

    fn id(&self, kind: &str) -> String {
        format!(
            "{kind}-0{:012x}",
            (self.count as u64 + 1).wrapping_mul(0x9e37_79b9_7f4b) & 0xffff_ffff_ffff
        )
    }

    fn add(&mut self, resource: Resource, id: String, of: Value, known: &Value, uses: &[String]) {
        self.count += 1;
        let Resource { module, kind, name, key } = resource;
        let mut attributes = known.clone();
        attributes["id"] = id.clone().into();
        let mut instance = json!({"attributes": attributes, "dependencies": uses});
        if let Some(key) = key {
            instance["index_key"] = key.parse::<u32>().map_or(key.into(), Value::from);
        }
        let entry =
            self.resources.entry((module.clone(), kind, name.clone())).or_insert_with(|| {
                let mut resource = json!({
                    "mode": "managed", "type": kind, "name": name, "instances": [],
                    "provider": "provider[\"registry.terraform.io/acme/held\"]",
                });
                if !module.is_empty() {
                    resource["module"] = module.into();
                }
                resource
            });
        entry["instances"].as_array_mut().expect("a list").push(instance);
        self.held.insert(id, of.into());
    }
}
