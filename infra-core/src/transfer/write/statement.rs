//! Statements: a declaration, or a loop of several.

use std::time::Duration;

use infra_state::{Path, Segment, Urn, Value};

use super::{
    group::{Differing, Unit},
    names::Names,
    program::Unwritable,
    reach::{Collection, Scope},
    term::Term,
    uses::Uses,
    value::{Column, DOT, Failed, Writer, named, quoted},
};
use crate::{
    Resource as _,
    graph::{NodeOptions, Role},
    provider::Schema,
    secret::Secret,
    transfer::Key,
};

/// The statement of a unit.
pub(super) struct Statement<'a> {
    pub(super) unit: &'a Unit<'a>,
    /// The variable of its handle, if anything uses it.
    pub(super) variable: Option<&'a str>,
    pub(super) scope: &'a dyn Scope,
    /// The names that are taken in the function.
    pub(super) names: Names,
}

impl Statement<'_> {
    /// Its text.
    pub(super) fn text(&mut self, uses: &mut Uses) -> Result<String, Unwritable> {
        let of = self.unit.first().urn.as_str().to_owned();
        let unwritable = |(path, why): Failed| Unwritable { of, path: path.to_string(), why };
        self.written(uses).map_err(unwritable)
    }

    fn written(&mut self, uses: &mut Uses) -> Result<String, Failed> {
        let Some(table) = &self.unit.table else {
            let Added { name, verb, declaration } = self.add(uses, Vec::new(), "")?;
            let arguments = [Some(name), declaration].into_iter().flatten().collect::<Vec<_>>();
            let add = format!("stack{DOT}{verb}({})", arguments.join(", "));
            return Ok(match self.variable {
                Some(name) => format!("let {name} = {add};"),
                None => format!("{add};"),
            });
        };
        let is_index = table.collection != Collection::ByName;
        let key = if is_index { "index" } else { "key" };
        let mut columns = Vec::new();
        let mut values = Vec::new();
        for (at, column) in table.columns.iter().enumerate() {
            let (variable, texts) = self.column(uses, at, column)?;
            columns.push(variable);
            values.push(texts);
        }
        let variables: Vec<_> = columns.iter().map(|column| column.name.clone()).collect();
        let Added { name, verb, declaration } = self.add(uses, columns, key)?;
        let rows: Vec<Vec<String>> = (0..self.unit.members.len())
            .map(|at| values.iter().map(|texts| texts[at].clone()).collect())
            .collect();
        let head = self.head(table.collection, &variables, rows);
        let kind = self.unit.first().driver.schema().path.rsplit("::").next().unwrap_or_default();
        let one = self.names.pick(kind, "one");
        let (first, arguments) = match declaration {
            Some(declaration) => (format!("let {one} = {declaration};"), format!("{name}, {one}")),
            None => (String::new(), name),
        };
        let add = format!("stack{DOT}{verb}({arguments})");
        Ok(match (self.variable, table.collection) {
            (None, _) => format!("for {head} {{ {first} {add}; }}"),
            (Some(list), Collection::List) => {
                format!(
                    "let mut {list} = Vec::new(); for {head} {{ {first} {list}{DOT}push({add}); }}"
                )
            }
            (Some(map), _) => format!(
                "let mut {map} = BTreeMap::new(); for {head} {{ {first} {map}{DOT}insert({key}, {add}); }}"
            ),
        })
    }

    /// What a loop runs over, and what its body calls that.
    fn head(&self, collection: Collection, variables: &[String], rows: Vec<Vec<String>>) -> String {
        if collection == Collection::List {
            let list: Vec<_> = rows.iter().map(|row| tuple(row)).collect();
            let (row, list) = (tuple(variables), list.join(", "));
            return match (variables.is_empty(), self.uses_key()) {
                (true, true) => format!("index in 0..{}", rows.len()),
                (true, false) => format!("_ in 0..{}", rows.len()),
                (false, true) => format!("(index, {row}) in [{list}].into_iter().enumerate()"),
                (false, false) => format!("{row} in [{list}]"),
            };
        }
        let keys = self.unit.members.iter().filter_map(|member| member.member.as_ref());
        let keys = keys.map(|member| match &member.key {
            Key::Index(at) => at.to_string(),
            Key::Name(name) => format!("{name:?}"),
        });
        let is_used = self.variable.is_some() || self.uses_key();
        let with_key = |key: String, rest: Vec<String>| {
            let key = is_used.then_some(key);
            tuple(&key.into_iter().chain(rest).collect::<Vec<_>>())
        };
        let rows: Vec<_> = keys.zip(rows).map(|(key, row)| with_key(key, row)).collect();
        let key = if collection == Collection::ByName { "key" } else { "index" };
        let row = with_key(key.to_owned(), variables.to_vec());
        format!("{row} in [{}]", rows.join(", "))
    }

    /// Whether the body needs to know which member it is.
    fn uses_key(&self) -> bool {
        let body = &self.unit.body;
        let terms = [&body.name].into_iter().chain(body.fields.values()).chain(&body.depends_on);
        terms.into_iter().any(Term::is_keyed)
    }

    /// One column: its variable, and what is in its rows.
    fn column(
        &mut self,
        uses: &mut Uses,
        at: usize,
        column: &Differing,
    ) -> Result<(Column, Vec<String>), Failed> {
        let body = &self.unit.body;
        let left = body.name.uses(at)
            + body.fields.values().chain(&body.depends_on).map(|term| term.uses(at)).sum::<usize>();
        let mut writer = Writer { scope: self.scope, uses, columns: Vec::new(), key: "" };
        let (texts, ty) = writer.alike(&column.values, &column.spelling)?;
        let is_copy = ty.starts_with('&')
            || matches!(column.spelling, crate::spelling::Spelling::Macro { .. })
            || ["bool", "u8", "u16", "u32", "i32", "i64", "f64"].contains(&&*ty);
        let name = self.names.pick(&column.field, "value");
        Ok((Column { name, ty, is_copy, left }, texts))
    }

    /// What `stack.add` is given. In a loop the declaration is made before the name.
    fn add(
        &self,
        uses: &mut Uses,
        columns: Vec<Column>,
        key: &'static str,
    ) -> Result<Added, Failed> {
        let declaration = self.unit.first();
        let schema = declaration.driver.schema();
        let body = &self.unit.body;
        let mut writer = Writer { scope: self.scope, uses, columns, key };
        let mut text = writer.declaration(&schema.path, &schema.fields, &body.fields)?;
        let depends_on = self.depends_on(&body.depends_on)?;
        let name = match &body.name {
            Term::Literal(Value::String(text)) => quoted(text),
            Term::Keyed(before, after) if before.is_empty() && after.is_empty() && key == "key" => {
                "key".to_owned()
            }
            Term::Keyed(before, after) => named(before, key, after),
            other => writer.value(other, &crate::spelling::Spelling::Text)?.text,
        };
        if schema.kind == Secret::KIND {
            let options = NodeOptions { import: None, ..declaration.options.clone() };
            if options != NodeOptions::default() {
                return Err((Path::ROOT, "a secret of the stack takes no options".to_owned()));
            }
            let given = (!text.ends_with("::new()")).then_some(text);
            let verb = if given.is_some() { "secret_with" } else { "secret" };
            return Ok(Added { name, verb, declaration: given });
        }
        if let Some(provider) = &declaration.provider {
            let Some(reached) = self.scope.reach(provider) else {
                return Err((Path::ROOT, format!("its provider `{provider}` is not declared")));
            };
            text.extend([format!(".provider({})", reached.borrowed())]);
        }
        text.push_str(&depends_on);
        text.push_str(&options(&declaration.options, schema, writer.uses));
        let verb = match declaration.driver.role() {
            Role::Managed => "add",
            Role::Lookup => "lookup",
            Role::Provider => "provider",
        };
        Ok(Added { name, verb, declaration: Some(text) })
    }

    fn depends_on(&self, on: &[Term]) -> Result<String, Failed> {
        let fail = |why: String| Err((Path::field("depends_on"), why));
        let mut places = Vec::new();
        let mut kinds = Vec::new();
        for term in on {
            let (urn, beside): (&Urn, bool) = match term {
                Term::Reference(urn, _) => (urn, false),
                Term::Beside(urn, _) => (urn, true),
                _ => return fail("a resource is expected".to_owned()),
            };
            let (Some(reached), Some(schema)) = (self.scope.reach(urn), self.scope.schema(urn))
            else {
                return fail(format!("`{urn}` is not declared"));
            };
            if schema.kind == Secret::KIND {
                return fail(format!("nothing depends on the secret `{urn}` but by its value"));
            }
            let place = if beside { reached.beside() } else { reached.place() };
            let plain = reached.is_reference && reached.member.is_none();
            places.push((if plain { place.clone() } else { format!("&{place}") }, place));
            kinds.push(schema.kind);
        }
        Ok(match &places[..] {
            [] => String::new(),
            [(one, _)] => format!(".depends_on({one})"),
            _ if kinds.windows(2).all(|pair| pair[0] == pair[1]) => {
                let list: Vec<_> = places.into_iter().map(|(borrowed, _)| borrowed).collect();
                format!(".depends_on([{}])", list.join(", "))
            }
            _ => {
                let urns: Vec<_> =
                    places.iter().map(|(_, place)| format!("{place}.urn()")).collect();
                format!(".depends_on([{}])", urns.join(", "))
            }
        })
    }
}

/// What the stack is told.
struct Added {
    name: String,
    /// Its method.
    verb: &'static str,
    declaration: Option<String>,
}

/// The options that are no references.
fn options(options: &NodeOptions, schema: &Schema, uses: &mut Uses) -> String {
    let NodeOptions {
        protect,
        retain_on_delete,
        depends_on: _,
        ignore_changes,
        replace_on_changes,
        delete_before_replace,
        aliases,
        create_timeout,
        update_timeout,
        delete_timeout,
        import: _,
        adopt,
        allow,
    } = options;
    let mut text = String::new();
    for (is_set, name) in [
        (*protect, "protect"),
        (*retain_on_delete, "retain_on_delete"),
        (*delete_before_replace, "delete_before_replace"),
        (*adopt, "adopt"),
    ] {
        if is_set {
            text.extend([format!(".{name}()")]);
        }
    }
    for (paths, name) in
        [(ignore_changes, "ignore_changes"), (replace_on_changes, "replace_on_changes")]
    {
        if !paths.is_empty() {
            text.extend([format!(".{name}([{}])", fields(paths, schema, uses))]);
        }
    }
    for alias in aliases {
        text.extend([format!(".alias({})", quoted(alias))]);
    }
    for (limit, name) in
        [(create_timeout, "create"), (update_timeout, "update"), (delete_timeout, "delete")]
    {
        if let Some(limit) = limit {
            text.extend([format!(".{name}_timeout({})", duration(*limit))]);
        }
    }
    for (policy, reason) in allow {
        text.extend([format!(".allow({}, {})", quoted(policy), quoted(reason))]);
    }
    text
}

/// One field by its constant, which the compiler checks; else all as text.
fn fields(paths: &[Path], schema: &Schema, uses: &mut Uses) -> String {
    if let [path] = paths
        && let [Segment::Key(name)] = &path.0[..]
        && schema.fields.iter().any(|field| field.name == *name)
    {
        return format!("{}::{}", uses.ty(&schema.path), name.to_uppercase());
    }
    paths.iter().map(|path| quoted(&path.to_string())).collect::<Vec<_>>().join(", ")
}

fn duration(limit: Duration) -> String {
    if limit.subsec_nanos() == 0 {
        format!("Duration::from_secs({})", limit.as_secs())
    } else {
        format!("Duration::from_millis({})", limit.as_millis())
    }
}

fn tuple(parts: &[String]) -> String {
    match parts {
        [one] => one.clone(),
        _ => format!("({})", parts.join(", ")),
    }
}
