//! The whole text.

use std::collections::BTreeSet;

use infra_state::Path;

use super::{
    group::{Unit, units},
    layout::{Lines, comment},
    names::raw,
    order::{Called, arrange, circles, needs},
    program::{Program, Unwritable},
    reach::{Collection, Scope as _},
    statement::Statement,
    term::Term,
    tree::{Step, Thing, Tree},
    uses::Uses,
    value::{Writer, quoted},
};
use crate::{Resource as _, graph::Role, secret::Secret, spelling::Spelling};

/// The text of the program.
///
/// # Errors
///
/// If something in it has no form in Rust: a secret in clear, an output that does not fit where it is given, a reference to
/// what is not declared, resources that need each other in a circle.
#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the method alone is of one lifetime, and what is asked for is of any"
)]
pub fn program(program: &Program) -> Result<String, Unwritable> {
    written(program, |text, items, missing| text.whole(items, missing))
        .map_err(|mut wrong| wrong.swap_remove(0))
}

/// Everything that has no form in Rust: each declaration of which the text cannot be written, and why.
pub fn unwritable(program: &Program) -> Vec<Unwritable> {
    written(program, |_, _, _| Ok(())).err().unwrap_or_default()
}

/// What comes of the items of a program, if all of it can be written; at least one reason if not.
fn written<T>(
    program: &Program,
    whole: impl FnOnce(&mut Text<'_>, &[String], &[(String, String)]) -> Result<T, Unwritable>,
) -> Result<T, Vec<Unwritable>> {
    let mut apart = BTreeSet::new();
    loop {
        let (units, places) = units(&program.declarations, &mut apart);
        let needs = needs(&units);
        let circle = circles(&needs);
        if !circle.is_empty() {
            // Members of two loops may need each other crosswise: those are written one by one.
            let loops = circle.iter().filter(|at| units[**at].table.is_some());
            let mut loops = loops.filter_map(|at| places.get(&units[*at].first().urn)).peekable();
            if loops.peek().is_some() {
                apart.extend(loops.map(|(group, ..)| group.clone()));
                continue;
            }
            let wrong = circle.iter().map(|at| Unwritable {
                of: units[*at].first().urn.to_string(),
                path: String::new(),
                why: "it and what it needs need each other".to_owned(),
            });
            return Err(wrong.collect());
        }
        let all = (0..units.len()).collect();
        let items = arrange(&units, &needs, &all, 0, false);
        let mut exported = BTreeSet::new();
        for expr in program.exports.values() {
            expr.references(&mut |urn, _| {
                exported.insert(urn);
            });
        }
        let tree = Tree::new(&units, &places, &items, &exported);
        let own = tree.functions.iter().map(|function| function.result.as_str());
        let (uses, lines) = (Uses::beside(own), Lines::default());
        let mut text = Text { program, tree: &tree, uses, lines, wrong: Vec::new() };
        let (items, missing) = text.items();
        if text.wrong.is_empty() {
            return whole(&mut text, &items, &missing).map_err(|wrong| vec![wrong]);
        }
        // One member may be what is wrong with a loop: written one by one, it says so itself.
        let loops = text.wrong.iter().filter(|(at, _)| units[*at].table.is_some());
        let loops = loops.filter_map(|(at, _)| places.get(&units[*at].first().urn));
        let before = apart.len();
        apart.extend(loops.map(|(group, ..)| group.clone()));
        if apart.len() == before {
            return Err(text.wrong.into_iter().map(|(_, wrong)| wrong).collect());
        }
    }
}

struct Text<'a> {
    program: &'a Program,
    tree: &'a Tree<'a>,
    uses: Uses,
    lines: Lines,
    /// The units that cannot be written.
    wrong: Vec<(usize, Unwritable)>,
}

impl Text<'_> {
    /// Its items, and what is not in them.
    fn items(&mut self) -> (Vec<String>, Vec<(String, String)>) {
        let mut items = vec![self.main()];
        let mut missing = self.program.missing.clone();
        for at in 0..self.tree.functions.len() {
            items.extend(self.structure(at));
            items.push(self.function(at, &mut missing));
        }
        (items, missing)
    }

    fn whole(
        &mut self,
        items: &[String],
        missing: &[(String, String)],
    ) -> Result<String, Unwritable> {
        let body = self.lay_out(items)?;
        let std = [
            ("BTreeMap", "collections::BTreeMap"),
            ("ExitCode", "process::ExitCode"),
            ("Duration::", "time::Duration"),
        ];
        let std: Vec<_> =
            std.iter().filter(|(name, _)| body.contains(name)).map(|(_, path)| *path).collect();
        let uses = self.uses.items(&std);
        let parts: Vec<_> = uses.split("\n\n").map(str::to_owned).collect();
        let uses = self.lay_out(&parts)?;
        let source = comment(&self.program.source);
        let name = comment(&self.program.name);
        let mut text =
            format!("//! The stack `{name}`, written from {source}.\n\n{uses}\n\n{body}\n");
        if !missing.is_empty() {
            text.push_str("\n// Not in this program:\n//\n");
            for (what, why) in missing {
                text.extend([format!("// - {}: {}\n", comment(what), comment(why))]);
            }
        }
        Ok(text)
    }

    fn lay_out(&self, items: &[String]) -> Result<String, Unwritable> {
        let unwritable = |error: syn::Error| Unwritable {
            of: format!("the program `{}`", self.program.name),
            path: String::new(),
            why: format!("what was written is not Rust: {error}"),
        };
        self.lines.lay_out(items).map_err(unwritable)
    }

    fn main(&self) -> String {
        let plugs: Vec<_> = self.program.plugs.iter().map(|plug| format!(".{plug}")).collect();
        let plugs = plugs.concat();
        format!(
            "#[tokio::main] async fn main() -> ExitCode {{ App::new({})\
             .config_beside(env!(\"CARGO_MANIFEST_DIR\")){plugs}.run(program).await }}",
            quoted(&self.program.name)
        )
    }

    /// What a function gives, if it gives anything.
    fn structure(&mut self, at: usize) -> Option<String> {
        let function = &self.tree.functions[at];
        let called = called(function.called.as_ref()?);
        let fields: Vec<_> = function
            .gives
            .iter()
            .map(|thing| format!("{}: {}", raw(&function.variables[thing]), self.ty(*thing)))
            .collect();
        (!fields.is_empty()).then(|| {
            format!(
                "/// What the rest of the stack uses of {called}.\nstruct {} {{ {} }}",
                function.result,
                fields.join(", ")
            )
        })
    }

    fn ty(&mut self, thing: Thing) -> String {
        let unit = match thing {
            Thing::Result(at) => return self.tree.functions[at].result.clone(),
            Thing::Unit(unit) => &self.tree.units[unit],
        };
        let schema = unit.first().driver.schema();
        let one = if schema.kind == Secret::KIND {
            "Output<Sensitive<String>>".to_owned()
        } else if unit.first().driver.role() == Role::Provider {
            let cloud = schema.cloud.as_ref().map(|cloud| self.uses.ty(cloud));
            format!("ProviderHandle<{}>", cloud.unwrap_or_default())
        } else {
            format!("Handle<{}>", self.uses.ty(&schema.path))
        };
        match unit.table.as_ref().map(|table| table.collection) {
            None => one,
            Some(Collection::List) => format!("Vec<{one}>"),
            Some(Collection::ByName) => format!("BTreeMap<&'static str, {one}>"),
            Some(Collection::ByNumber) => format!("BTreeMap<usize, {one}>"),
        }
    }

    fn function(&mut self, at: usize, missing: &mut Vec<(String, String)>) -> String {
        let function = &self.tree.functions[at];
        let mut body = String::new();
        for (number, step) in function.steps.iter().enumerate() {
            body.push_str(&match step {
                Step::Declare(unit) => self.declare(at, *unit, number == 0),
                Step::Call(inner) => {
                    let call = self.call(at, *inner);
                    if number == 0 { call } else { self.lines.empty() + &call }
                }
            });
            body.push('\n');
        }
        if at == 0 {
            body.push_str(&self.exports(missing));
        }
        let takes: Vec<_> = function
            .takes
            .iter()
            .map(|thing| format!(", {}: &{}", function.variables[thing], self.ty(*thing)))
            .collect();
        let takes = takes.concat();
        let given: Vec<_> =
            function.gives.iter().map(|thing| raw(&function.variables[thing])).collect();
        let (result, end) = if given.is_empty() {
            ("()".to_owned(), "Ok(())".to_owned())
        } else {
            let end = format!("Ok({} {{ {} }})", function.result, given.join(", "));
            (function.result.clone(), end)
        };
        let (doc, public) = match &function.called {
            None => ("/// What the stack consists of.".to_owned(), "pub "),
            Some(of) => (format!("/// Declares {}.", called(of)), ""),
        };
        let name = &function.name;
        format!(
            "{doc}\n{public}fn {name}(stack: &mut Stack{takes}) -> Result<{result}> {{ {body} {end} }}"
        )
    }

    fn declare(&mut self, at: usize, unit: usize, is_first: bool) -> String {
        let (tree, unit_number) = (self.tree, unit);
        let unit: &Unit<'_> = &tree.units[unit];
        let function = &tree.functions[at];
        let mut text = String::new();
        let comments = self.comments(unit);
        if !is_first && (!comments.is_empty() || unit.table.is_some()) {
            text.push_str(&self.lines.empty());
        }
        for comment in comments {
            text.push_str(&self.lines.comment(&comment));
        }
        let seen = tree.seen_from(at);
        let variable = function.variables.get(&Thing::Unit(unit_number)).map(String::as_str);
        let names = function.names.clone();
        let mut statement = Statement { unit, variable, scope: &seen, names };
        match statement.text(&mut self.uses) {
            Ok(statement) => text.push_str(&statement),
            Err(wrong) => self.wrong.push((unit_number, wrong)),
        }
        text
    }

    /// Where it comes from, and what should be known of it.
    fn comments(&self, unit: &Unit<'_>) -> Vec<String> {
        let mut comments = Vec::new();
        match (&unit.table, &unit.first().member) {
            (Some(_), Some(member)) => comments.push(member.group.clone()),
            _ => comments.extend(unit.first().origin.clone()),
        }
        let notes = unit.members.iter().filter_map(|member| self.program.notes.get(&member.urn));
        for note in notes.flatten() {
            if !comments.contains(note) {
                comments.push(note.clone());
            }
        }
        comments
    }

    fn call(&mut self, at: usize, inner: usize) -> String {
        let seen = self.tree.seen_from(at);
        let (function, callee) = (&self.tree.functions[at], &self.tree.functions[inner]);
        let arguments: String = callee
            .takes
            .iter()
            .map(|thing| {
                let name = &function.variables[thing];
                if seen.is_argument(*thing) { format!(", {name}") } else { format!(", &{name}") }
            })
            .collect();
        let name = &callee.name;
        let call = match &callee.called {
            Some(Called::Scope(scope)) if arguments.is_empty() => {
                format!("stack.scope({}, {name})?", quoted(scope))
            }
            Some(Called::Scope(scope)) => {
                format!("stack.scope({}, |stack| {name}(stack{arguments}))?", quoted(scope))
            }
            _ => format!("{name}(stack{arguments})?"),
        };
        match function.variables.get(&Thing::Result(inner)) {
            Some(variable) => format!("let {variable} = {call};"),
            None => format!("{call};"),
        }
    }

    fn exports(&mut self, missing: &mut Vec<(String, String)>) -> String {
        let mut text = String::new();
        for (number, (name, expr)) in self.program.exports.iter().enumerate() {
            match self.export(&Term::from(expr)) {
                Ok(value) => {
                    if number == 0 {
                        text.push_str(&self.lines.empty());
                    }
                    text.extend([format!("stack.export({}, {value});\n", quoted(name))]);
                }
                Err(why) => missing.push((format!("the export `{name}`"), why)),
            }
        }
        text
    }

    /// A value that is exported: what it is tells how it is written.
    fn export(&mut self, term: &Term) -> Result<String, String> {
        let seen = self.tree.seen_from(0);
        let given = |term: &Term| match term {
            Term::Reference(urn, path) => seen.schema(urn)?.output_spelling(path),
            Term::Literal(infra_state::Value::String(_)) | Term::Concat(_) => Some(Spelling::Text),
            Term::Literal(infra_state::Value::Bool(_)) => Some(Spelling::Bool),
            _ => None,
        };
        let mut writer =
            Writer { scope: &seen, uses: &mut self.uses, columns: Vec::new(), key: "" };
        let why = |(path, why): (Path, String)| {
            if path.0.is_empty() { why } else { format!("`{path}`: {why}") }
        };
        let is_reference = |term: &Term| matches!(term, Term::Reference(..));
        match term {
            Term::List(list) if !list.is_empty() && list.iter().all(is_reference) => {
                let of = given(&list[0]).ok_or("its type is not known")?;
                if let Some(all) = writer.whole(list, &of) {
                    return Ok(format!("Output::all({all})"));
                }
                let (texts, ty) = writer.alike(list, &of).map_err(why)?;
                if ty.starts_with("&Output<") {
                    Ok(format!("[{}]", texts.join(", ")))
                } else {
                    Err("its elements have different types".to_owned())
                }
            }
            Term::Map(map) if !map.is_empty() && map.values().all(is_reference) => {
                let values: Vec<_> = map.values().cloned().collect();
                let of = given(&values[0]).ok_or("its type is not known")?;
                let (texts, ty) = writer.alike(&values, &of).map_err(why)?;
                if !ty.starts_with("&Output<") {
                    return Err("its entries have different types".to_owned());
                }
                let entry = |(key, text): (&String, &String)| {
                    let place = text.trim_start_matches('&');
                    format!("({key:?}.to_owned(), {place}.clone())")
                };
                let entries: Vec<_> = map.keys().zip(&texts).map(entry).collect();
                Ok(format!("BTreeMap::from([{}])", entries.join(", ")))
            }
            Term::Secret(of) => {
                let inner = given(of).ok_or("its type is not known")?;
                let text = writer.value(of, &inner).map_err(why)?.text;
                Ok(format!("{}.secret()", text.trim_start_matches('&')))
            }
            _ => {
                let of = given(term).unwrap_or(Spelling::Json);
                Ok(writer.value(term, &of).map_err(why)?.text)
            }
        }
    }
}

fn called(of: &Called) -> String {
    match of {
        Called::Scope(name) => format!("the scope `{}`", comment(name)),
        Called::Service(name) => format!("what is of `{name}`"),
    }
}
