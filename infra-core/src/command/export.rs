//! Leaving again: a stack as a Terraform configuration that imports it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use infra_state::{Record, Segment, Status, Urn, Value};

use super::outputs::remembered;
use crate::{
    Engine, Resource as _, Result,
    graph::{Graph, Role},
    secret::Secret,
    transfer::terraform::{
        Block, Body, Convert, Export, Hcl, Names, Object, Requires, Tables, identifier, marked,
        marks,
    },
};

/// A stack as a Terraform configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// The files, by name.
    pub files: BTreeMap<String, String>,
    /// What each object is there.
    pub written: BTreeMap<Urn, String>,
    /// What is not written, and why.
    pub left: BTreeMap<Urn, String>,
    /// The variables that secrets have become: of what.
    pub variables: BTreeMap<String, String>,
    /// The fields of which the program ignores changes, and Terraform would not: what they are there is not known.
    pub heeded: BTreeMap<Urn, Vec<String>>,
}

/// Writes the stack as it is recorded, with the references that the program has. Changes nothing anywhere.
pub async fn to_terraform(engine: &Engine) -> Result<Exported> {
    let graph = engine.graph()?;
    let snapshot = remembered(engine).await?.snapshot;
    let records: BTreeMap<Urn, &Record> = snapshot
        .records
        .values()
        .filter(|record| record.status != Status::Deposed)
        .map(|record| (record.urn.clone(), &**record))
        .collect();
    let tables: BTreeMap<String, Tables> = engine
        .connectors
        .iter()
        .map(|(kind, connector)| (kind.clone(), connector.terraform()))
        .collect();
    let exports: BTreeMap<&'static str, Export> =
        tables.values().flat_map(|tables| tables.exports.iter().map(|(k, v)| (*k, *v))).collect();
    let is_object = |record: &Record| {
        let role = engine.registry.get(record.urn.kind()).map(|driver| driver.role());
        role == Some(Role::Managed) && record.urn.kind() != Secret::KIND
    };
    let mut out = Exported::default();
    let mut variables = BTreeMap::new();
    let mut free = Names::variables();
    for urn in records.keys().filter(|urn| urn.kind() == Secret::KIND) {
        let name = free.fresh(urn.name(), &["variable"]);
        out.variables.insert(name.clone(), format!("`{urn}`"));
        variables.insert(urn.clone(), name);
    }
    let order = graph.order.iter().filter_map(|urn| records.get(urn));
    let rest = records.values().filter(|record| !graph.nodes.contains_key(&record.urn));
    let objects: Vec<&Record> =
        order.chain(rest).copied().filter(|record| is_object(record)).collect();
    let names;
    (names, out.left) = written(&graph, &records, &exports, &variables, &objects);
    let mut beside = names.clone();
    let convert = Convert {
        graph: &graph,
        records: &records,
        exports: &exports,
        names: &names,
        variables: &variables,
    };
    let mut main = String::new();
    let mut imports = String::new();
    let mut places = BTreeSet::new();
    let mut addresses = BTreeMap::new();
    for record in objects {
        if out.left.contains_key(&record.urn) {
            continue;
        }
        let Ok(blocks) = blocks(&graph, &convert, record) else { continue };
        places.extend(record.provider.as_ref().map(|provider| provider.urn.clone()));
        let alias = alias(&tables, record);
        let name = names.of(&record.urn).unwrap_or_default();
        let (mut ignored, heeded) = ignored(&graph, &convert, record, &blocks);
        if !heeded.is_empty() {
            out.heeded.insert(record.urn.clone(), heeded);
        }
        let mut waits = BTreeSet::new();
        waits_of(&graph, &addresses, &record.urn, &mut waits);
        let mut own = Vec::new();
        for (at, mut block) in blocks.into_iter().enumerate() {
            let name = match at {
                0 => name.to_owned(),
                _ => beside.fresh(name, &[block.terraform]),
            };
            let address = format!("{}.{name}", block.terraform);
            hide(&mut block.body, &record.urn, &mut out.variables);
            let about = About {
                alias: alias.as_deref(),
                waits: if at == 0 { std::mem::take(&mut waits) } else { BTreeSet::new() },
                ignored: ignored.remove(&at).unwrap_or_default(),
                protect: at == 0 && (record.options.protect || record.holds_data),
            };
            let body = resource(&block, about);
            let header = format!("resource \"{}\" \"{name}\"", block.terraform);
            let _ = write!(main, "\n# {}\n{}", record.urn, body.text(&header));
            let _ = writeln!(imports, "{}", import(&block, &address, alias.as_deref()));
            if at == 0 {
                out.written.insert(record.urn.clone(), address.clone());
            }
            own.push(address);
        }
        addresses.insert(&record.urn, own);
    }
    for (urn, why) in &out.left {
        let _ = writeln!(main, "\n# Not written: {urn}: {}", why.replace('\n', " "));
    }
    let head = head(&tables, &records, &places);
    out.files.insert("main.tf".to_owned(), format!("{head}{main}"));
    out.files.insert("imports.tf".to_owned(), format!("{}\n", imports.trim_end()));
    let outputs = outputs(&graph, &convert);
    if !outputs.is_empty() {
        out.files.insert("outputs.tf".to_owned(), outputs);
    }
    if !out.variables.is_empty() {
        out.files.insert("variables.tf".to_owned(), declared(&out.variables));
    }
    Ok(out)
}

fn import(block: &Block, address: &str, alias: Option<&str>) -> String {
    let import = Body::new()
        .set("to", Some(Hcl::Expression(address.to_owned())))
        .set("id", Some(block.id.as_str()))
        .set("provider", alias.map(|it| Hcl::Expression(it.to_owned())));
    import.text("import")
}

/// The variables that secrets have become.
fn declared(variables: &BTreeMap<String, String>) -> String {
    let variable = |(name, of): (&String, &String)| {
        let body = Body::new()
            .set("description", Some(format!("Secret: {of}")))
            .set("type", Some(Hcl::Expression("string".to_owned())))
            .set("sensitive", Some(true));
        body.text(&format!("variable \"{name}\""))
    };
    let text: Vec<String> = variables.iter().map(variable).collect();
    text.join("\n")
}

/// What those that can be written are called, and why the others cannot.
fn written(
    graph: &Graph,
    records: &BTreeMap<Urn, &Record>,
    exports: &BTreeMap<&'static str, Export>,
    variables: &BTreeMap<Urn, String>,
    objects: &[&Record],
) -> (Names, BTreeMap<Urn, String>) {
    let (mut names, mut left) = (Names::default(), BTreeMap::new());
    for record in objects {
        if let Some(export) = exports.get(record.urn.kind()) {
            names.give(&record.urn, &[export.terraform]);
        }
    }
    // What refers to one that is not written is given its value, and may be refused for that.
    loop {
        let convert = Convert { graph, records, exports, names: &names, variables };
        let open = objects.iter().filter(|record| !left.contains_key(&record.urn));
        let refused: Vec<_> = open
            .filter_map(|record| Some((&record.urn, blocks(graph, &convert, record).err()?)))
            .collect();
        if refused.is_empty() {
            return (names, left);
        }
        for (urn, why) in refused {
            names.forget(urn);
            left.insert(urn.clone(), why);
        }
    }
}

fn blocks(
    graph: &Graph,
    convert: &Convert<'_>,
    record: &Record,
) -> std::result::Result<Vec<Block>, String> {
    let node = graph.nodes.get(&record.urn);
    blocks_of(convert, record, &|name| convert.field(node, record, name))
}

/// The blocks of an object with such fields.
fn blocks_of(
    convert: &Convert<'_>,
    record: &Record,
    field: &dyn Fn(&str) -> Option<Hcl>,
) -> std::result::Result<Vec<Block>, String> {
    let urn = &record.urn;
    let export = convert
        .exports
        .get(urn.kind())
        .ok_or_else(|| format!("nothing of Terraform's is known for `{}`", urn.kind()))?;
    if record.id.is_none() {
        return Err("it has no id yet; run `up` first".to_owned());
    }
    let name = convert.names.of(urn).unwrap_or_default();
    (export.give)(&Object::new(record, export.terraform, name, field))
}

/// What the program says of an object beside its fields: the attributes of which changes are ignored, by block, and the
/// fields of which it is not known what they are there.
fn ignored(
    graph: &Graph,
    convert: &Convert<'_>,
    record: &Record,
    blocks: &[Block],
) -> (BTreeMap<usize, BTreeSet<String>>, Vec<String>) {
    let (mut ignored, mut heeded) = (BTreeMap::<usize, BTreeSet<String>>::new(), Vec::new());
    let node = graph.nodes.get(&record.urn);
    for path in node.iter().flat_map(|node| &node.options.ignore_changes) {
        let Some((Segment::Key(first), rest)) = path.0.split_first() else {
            heeded.push(path.to_string());
            continue;
        };
        // Where the field comes to stand tells what it is called.
        let field = |name: &str| {
            let value = convert.field(node, record, name);
            if name == first { Some(marked(value, rest)) } else { value }
        };
        let shown = blocks_of(convert, record, &field).unwrap_or_default();
        let mut found = 0;
        for (at, (shown, block)) in shown.iter().zip(blocks).enumerate() {
            if shown.terraform == block.terraform {
                let names = marks(&shown.body);
                found += names.len();
                if !names.is_empty() {
                    ignored.entry(at).or_default().extend(names);
                }
            }
        }
        if found > 0 {
            continue;
        }
        let is_named = |block: &Block| {
            block.body.attributes.iter().any(|(name, _)| name == first)
                || block.body.blocks.iter().any(|(name, _)| name == first)
        };
        match blocks.iter().position(is_named) {
            Some(at) => drop(ignored.entry(at).or_default().insert(first.clone())),
            None => heeded.push(path.to_string()),
        }
    }
    (ignored, heeded)
}

/// The addresses of what the program makes an object wait for; of what is not written, what that is made from.
fn waits_of(
    graph: &Graph,
    addresses: &BTreeMap<&Urn, Vec<String>>,
    of: &Urn,
    waits: &mut BTreeSet<String>,
) {
    let mut met = BTreeSet::new();
    let mut open: Vec<Urn> = match graph.nodes.get(of) {
        Some(node) => node.options.depends_on.iter().cloned().collect(),
        None => return,
    };
    while let Some(next) = open.pop() {
        match (addresses.get(&next), graph.nodes.get(&next)) {
            (Some(all), _) => waits.extend(all.iter().cloned()),
            (None, Some(node)) if met.insert(next.clone()) => open.extend(node.dependencies()),
            _ => {}
        }
    }
}

/// What is about the resource, not about the object.
struct About<'a> {
    alias: Option<&'a str>,
    waits: BTreeSet<String>,
    ignored: BTreeSet<String>,
    protect: bool,
}

/// The body with what is about the resource.
fn resource(block: &Block, about: About<'_>) -> Body {
    let list = |all: BTreeSet<String>| Hcl::List(all.into_iter().map(Hcl::Expression).collect());
    let mut body =
        Body::new().set("provider", about.alias.map(|it| Hcl::Expression(it.to_owned())));
    body.attributes.extend(block.body.attributes.iter().cloned());
    body = body.set("depends_on", Some(list(about.waits)));
    body.blocks.extend(block.body.blocks.iter().cloned());
    if about.protect || !about.ignored.is_empty() {
        // A resource has one such block, and the kind's own may be it.
        let mut lifecycle = match body.blocks.iter().position(|(name, _)| name == "lifecycle") {
            Some(at) => body.blocks.remove(at).1,
            None => Body::new(),
        };
        let mut ignored = about.ignored;
        let own = lifecycle.attributes.iter().position(|(name, _)| name == "ignore_changes");
        let own = own.filter(|_| !ignored.is_empty()).map(|at| lifecycle.attributes.remove(at).1);
        ignored.extend(own.iter().flat_map(Hcl::elements).filter_map(|hcl| match hcl {
            Hcl::Expression(text) => Some(text),
            _ => None,
        }));
        lifecycle = lifecycle.set("ignore_changes", Some(list(ignored)));
        if about.protect {
            lifecycle = lifecycle.set("prevent_destroy", Some(true));
        }
        body = body.block("lifecycle", lifecycle);
    }
    body
}

/// `aws.us`, for what is not made through the default provider.
fn alias(tables: &BTreeMap<String, Tables>, record: &Record) -> Option<String> {
    let urn = &record.provider.as_ref()?.urn;
    let requires = tables.get(urn.kind())?.requires.as_ref()?;
    (urn.name() != "default").then(|| format!("{}.{}", requires.name, identifier(urn.name())))
}

/// Makes a variable of everything that is secret.
fn hide(body: &mut Body, urn: &Urn, variables: &mut BTreeMap<String, String>) {
    body.each_literal(&mut |value: &Value| {
        if !matches!(value, Value::Secret(_)) {
            return None;
        }
        let base = identifier(urn.name());
        let mut name = format!("{base}_secret");
        let mut number = 2;
        while variables.contains_key(&name) {
            name = format!("{base}_secret_{number}");
            number += 1;
        }
        variables.insert(name.clone(), format!("a field of `{urn}`"));
        Some(Hcl::Expression(format!("var.{name}")))
    });
}

/// The block `terraform`, and the providers.
fn head(
    tables: &BTreeMap<String, Tables>,
    records: &BTreeMap<Urn, &Record>,
    places: &BTreeSet<Urn>,
) -> String {
    let used: Vec<&Requires> = tables
        .iter()
        .filter(|(kind, _)| places.iter().any(|urn| urn.kind() == kind.as_str()))
        .filter_map(|(_, tables)| tables.requires.as_ref())
        .collect();
    let mut versions = Body::new();
    for requires in &used {
        let source = Hcl::Map(vec![
            ("source".to_owned(), requires.source.into()),
            ("version".to_owned(), requires.version.into()),
        ]);
        versions = versions.set(requires.name, Some(source));
    }
    let terraform =
        Body::new().set("required_version", Some(">= 1.5")).block("required_providers", versions);
    let mut text = terraform.text("terraform");
    for urn in places {
        let Some(requires) = tables.get(urn.kind()).and_then(|it| it.requires.as_ref()) else {
            continue;
        };
        let mut of = records.values().filter_map(|record| record.provider.as_ref());
        let identity = of.find(|provider| provider.urn == *urn).map(|it| it.identity.clone());
        let config = records.get(urn).map_or_else(Value::map, |record| record.inputs.clone());
        let given = (requires.provider)(&identity.unwrap_or_default(), &config);
        let alias = (urn.name() != "default").then(|| identifier(urn.name()));
        let mut body = Body::new().set("alias", alias);
        body.attributes.extend(given.attributes);
        body.blocks.extend(given.blocks);
        let header = format!("provider \"{}\"", requires.name);
        let _ = write!(text, "\n{}", body.text(&header));
    }
    text
}

fn outputs(graph: &Graph, convert: &Convert<'_>) -> String {
    let (mut blocks, mut names) = (Vec::new(), Names::default());
    for (name, expr) in &graph.exports {
        let value = convert.value(expr);
        let secret = value.as_ref().is_some_and(Value::has_secret);
        let Some(hcl) = convert.expr(expr, value.as_ref()) else { continue };
        let mut body = Body::new().set("value", Some(hcl));
        // What is secret and no variable is not written at all.
        let mut hidden = false;
        body.each_literal(&mut |value| {
            hidden |= matches!(value, Value::Secret(_));
            None
        });
        if hidden {
            continue;
        }
        if secret {
            body = body.set("sensitive", Some(true));
        }
        let name = names.fresh(name, &["output"]);
        blocks.push(body.text(&format!("output \"{name}\"")));
    }
    blocks.join("\n")
}
