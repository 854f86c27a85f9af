//! Values as a program writes them.

use std::collections::BTreeMap;

use infra_state::{Path, Segment, Urn, Value};

use super::{
    names::{raw, snake},
    reach::Scope,
    term::Term,
    uses::Uses,
};
use crate::{
    provider::FieldSchema,
    secret::Secret,
    spelling::{Fit, Form, Spelling, Variant, fit},
};

/// Something written, and its type in Rust: elements of one list must have the same.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) ty: String,
}

impl Written {
    fn is_text(&self) -> bool {
        matches!(&*self.ty, "&str" | "String")
    }
}

/// A column of a loop's table, as its body sees it.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// The variable.
    pub(super) name: String,
    /// Its type.
    pub(super) ty: String,
    /// It can be used again and again.
    pub(super) is_copy: bool,
    /// How often it is still to be used.
    pub(super) left: usize,
}

/// Writes values.
pub(super) struct Writer<'a> {
    pub(super) scope: &'a dyn Scope,
    pub(super) uses: &'a mut Uses,
    /// The columns of the loop around it.
    pub(super) columns: Vec<Column>,
    /// The variable of that loop's key.
    pub(super) key: &'static str,
}

/// Why something cannot be written, and where.
pub(super) type Failed = (Path, String);

type Result<T> = std::result::Result<T, Failed>;

fn fail<T>(why: impl Into<String>) -> Result<T> {
    Err((Path::ROOT, why.into()))
}

fn within<T>(segment: Segment, result: Result<T>) -> Result<T> {
    result.map_err(|(mut path, why)| {
        path.0.insert(0, segment);
        (path, why)
    })
}

impl Writer<'_> {
    /// `Type::new(required).optional(value)`: a resource or a struct with these fields.
    pub(super) fn declaration(
        &mut self,
        path: &str,
        schema: &[FieldSchema],
        fields: &BTreeMap<String, Term>,
    ) -> Result<String> {
        if let Some(name) = fields.keys().find(|name| schema.iter().all(|f| f.name != **name)) {
            return within(Segment::Key(name.clone()), fail("there is no such field"));
        }
        let mut arguments = Vec::new();
        let mut setters = String::new();
        // In the order in which they are evaluated: what is used again later is cloned.
        let required = schema.iter().filter(|field| field.required);
        for field in required.chain(schema.iter().filter(|field| !field.required)) {
            let given = fields.get(field.name);
            let at = Segment::Key(field.name.to_owned());
            let spelling = (field.spelling)();
            match given {
                Some(term) if field.required => {
                    arguments.push(within(at, self.argument(term, &spelling))?.text);
                }
                None if field.required => return within(at, fail("it is required")),
                None | Some(Term::Literal(Value::Null)) => {}
                Some(term) if is_default(term, field.default.as_ref()) => {}
                Some(term) => {
                    let value = within(at, self.argument(term, &spelling))?.text;
                    setters.extend([format!(".{}({value})", raw(field.name))]);
                }
            }
        }
        let ty = self.uses.ty(path);
        Ok(format!("{ty}::new({}){setters}", arguments.join(", ")))
    }

    /// What a constructor or a setter of a field of this type is given.
    fn argument(&mut self, term: &Term, spelling: &Spelling) -> Result<Written> {
        match (spelling, term) {
            (Spelling::List(of), Term::List(list)) => self.list(list, of),
            (Spelling::Map(of), Term::Map(map)) => self.map(map, of),
            (Spelling::Map(_), _) => fail("a map is given entry by entry, not as an output"),
            _ => self.value(term, spelling),
        }
    }

    fn list(&mut self, list: &[Term], of: &Spelling) -> Result<Written> {
        if list.is_empty() {
            let text = format!("Vec::<{}>::new()", self.ty(of));
            return Ok(Written { text, ty: format!("Vec<{}>", of.name()) });
        }
        if let Some(text) = self.whole(list, of) {
            return Ok(Written { text, ty: "iterator".to_owned() });
        }
        let elements = list.iter().enumerate();
        let elements = elements.map(|(at, term)| within(Segment::Index(at), self.value(term, of)));
        let elements = alike(elements.collect::<Result<_>>()?);
        Ok(Written { text: format!("[{}]", elements.join(", ")), ty: "array".to_owned() })
    }

    /// Values of this type as they stand in one list, and the type that they have there.
    pub(super) fn alike(&mut self, terms: &[Term], of: &Spelling) -> Result<(Vec<String>, String)> {
        let values = terms.iter().map(|term| self.value(term, of)).collect::<Result<Vec<_>>>()?;
        let ty = values.first().map(|first| first.ty.clone()).unwrap_or_default();
        let ty = if values.iter().all(|value| value.ty == ty) {
            ty
        } else if values.iter().all(Written::is_text) {
            "String".to_owned()
        } else {
            format!("Input<{}>", of.name())
        };
        Ok((alike(values), ty))
    }

    /// One output of everything that a loop made: `private.iter().map(|subnet| &subnet.id)`.
    pub(super) fn whole(&self, list: &[Term], of: &Spelling) -> Option<String> {
        let (first, _) = plain(list.first()?)?;
        let members = self.scope.members(first);
        if list.len() < 2 || members.len() != list.len() {
            return None;
        }
        let same = list.iter().map(plain).collect::<Option<Vec<_>>>()?;
        let path = same[0].1;
        let mut beside = members.iter().zip(&same);
        let all = beside.all(|(member, (given, at))| member.urn == **given && *at == path);
        let schema = self.scope.schema(first)?;
        let given = schema.output_spelling(path)?;
        let [Segment::Key(output)] = &path.0[..] else { return None };
        if !all || fit(&given, of) != Some(Fit::Same) {
            return None;
        }
        let one = raw(&snake(schema.path.rsplit("::").next()?));
        let each = self.scope.reach(first)?.each()?;
        Some(format!("{each}.map(|{one}| &{one}.{})", raw(output)))
    }

    fn map(&mut self, map: &BTreeMap<String, Term>, of: &Spelling) -> Result<Written> {
        let ty = "map".to_owned();
        if map.is_empty() {
            let text = format!("BTreeMap::<String, {}>::new()", self.ty(of));
            return Ok(Written { text, ty });
        }
        let values = map
            .iter()
            .map(|(key, term)| within(Segment::Key(key.clone()), self.value(term, of)))
            .collect::<Result<_>>()?;
        let entries = map.keys().zip(alike(values));
        let entries: Vec<_> = entries.map(|(key, value)| format!("({key:?}, {value})")).collect();
        Ok(Written { text: format!("[{}]", entries.join(", ")), ty })
    }

    /// One value of this type.
    pub(super) fn value(&mut self, term: &Term, spelling: &Spelling) -> Result<Written> {
        match term {
            Term::Reference(urn, path) => self.output(urn, path, spelling, false),
            Term::Beside(urn, path) => self.output(urn, path, spelling, true),
            Term::Column(at) => Ok(self.column(*at)),
            Term::Keyed(before, after) => match spelling {
                Spelling::Named { path } => {
                    let text = self.keyed(before, after).text;
                    let text = format!("{}::trusted({text})", self.uses.ty(path));
                    Ok(Written { text, ty: spelling.name() })
                }
                _ => Ok(self.keyed(before, after)),
            },
            Term::Concat(parts) => self.text(parts, spelling),
            Term::Index(..) | Term::Base64(_) | Term::UrlEncode(_) => {
                let (text, given) = self.place(term)?;
                match fit(&given, spelling) {
                    Some(Fit::Same) => {
                        Ok(Written { text, ty: format!("Output<{}>", given.name()) })
                    }
                    Some(Fit::Text) => Ok(interpolated(&format!("\"{{}}\", {text}"))),
                    None => misfit(&given, spelling),
                }
            }
            Term::Secret(of) => match spelling {
                Spelling::Secret(_) => self.value(of, spelling),
                _ => fail("what is made secret is given to a field that is not sealed"),
            },
            Term::Strange(what) => fail(format!("{what} is not written")),
            Term::Literal(Value::Secret(_)) => fail(
                "a secret is never written into a program: declare it as a secret of the stack",
            ),
            _ => self.literal(term, spelling),
        }
    }

    fn literal(&mut self, term: &Term, spelling: &Spelling) -> Result<Written> {
        let typed = |text: String| Ok(Written { text, ty: spelling.name() });
        match (spelling, term) {
            (Spelling::Text, Term::Literal(Value::String(text))) => {
                Ok(Written { text: quoted(text), ty: "&str".to_owned() })
            }
            (Spelling::Bool, Term::Literal(Value::Bool(value))) => typed(value.to_string()),
            (Spelling::Number("f64"), Term::Literal(Value::Number(number))) => {
                let whole = number.as_f64().filter(|_| !number.is_f64());
                typed(whole.map_or_else(|| number.to_string(), |whole| format!("{whole:?}")))
            }
            (Spelling::Number(_), Term::Literal(Value::Number(number))) => typed(grouped(number)),
            (Spelling::Named { path }, Term::Literal(Value::String(text))) => {
                let ty = self.uses.ty(path);
                typed(format!("{ty}::trusted({})", quoted(text)))
            }
            (Spelling::Macro { by, .. }, Term::Literal(Value::String(text))) => {
                let name = self.uses.macro_(by);
                typed(format!("{MACRO}{name}({})", quoted(text)))
            }
            (Spelling::Newtype { path, of }, _) => {
                let inner = self.literal(term, of)?.text;
                let ty = self.uses.ty(path);
                typed(format!("{ty}({inner})"))
            }
            (Spelling::Struct { path, fields }, Term::Map(given)) => {
                let text = self.declaration(path, fields, given)?;
                Ok(Written { text, ty: format!("{path}Decl") })
            }
            (Spelling::Enum { path, variants }, _) => self.variant(path, variants, term),
            (Spelling::Json, _) => {
                let text = json(term, &self.uses.ty("infra_core::state::Value"))?;
                typed(text)
            }
            (Spelling::Secret(_), _) => {
                fail("a sealed value is never written into a program: declare it as a secret")
            }
            (Spelling::List(_) | Spelling::Map(_), _) => fail("a list of lists is not written"),
            _ => fail(format!("expected a value of the type `{}`", spelling.name())),
        }
    }

    fn variant(&mut self, path: &str, variants: &[Variant], term: &Term) -> Result<Written> {
        let ty = self.uses.ty(path);
        let by_text = |text: &str| variants.iter().find(|variant| variant.text == text);
        match term {
            Term::Literal(Value::String(text)) => match by_text(text) {
                Some(Variant { name, form: Form::Unit, .. }) => {
                    Ok(Written { text: format!("{ty}::{name}"), ty: path.to_owned() })
                }
                _ => fail(format!("{text:?} is none of its variants")),
            },
            Term::Map(map) if map.len() == 1 => {
                let Some((text, inner)) = map.first_key_value() else { return fail("nothing") };
                let Some(variant) = by_text(text) else {
                    return fail(format!("{text:?} is none of its variants"));
                };
                let at = Segment::Key(text.clone());
                let (function, arguments) = match (&variant.form, inner) {
                    (Form::One { function, of }, inner) => {
                        (*function, within(at, self.argument(inner, &of()))?.text)
                    }
                    (Form::Fields { function: Some(function), fields }, Term::Map(given)) => {
                        let mut arguments = Vec::new();
                        for field in fields {
                            let Some(term) = given.get(field.name) else {
                                return within(at, fail(format!("`{}` is missing", field.name)));
                            };
                            let argument = self.argument(term, &(field.spelling)());
                            arguments.push(within(at.clone(), argument)?.text);
                        }
                        (*function, arguments.join(", "))
                    }
                    _ => return within(at, fail("this variant is not written")),
                };
                let text = format!("{ty}::{}({arguments})", raw(function));
                Ok(Written { text, ty: format!("Input<{path}>") })
            }
            _ => fail("it is none of its variants"),
        }
    }

    fn column(&mut self, at: usize) -> Written {
        let column = &mut self.columns[at];
        column.left = column.left.saturating_sub(1);
        let again = !column.is_copy && column.left > 0;
        let text = if again { format!("{}.clone()", column.name) } else { column.name.clone() };
        Written { text, ty: column.ty.clone() }
    }

    fn keyed(&mut self, before: &str, after: &str) -> Written {
        if before.is_empty() && after.is_empty() && self.key == "key" {
            return Written { text: "key".to_owned(), ty: "&str".to_owned() };
        }
        let text = named(before, self.key, after);
        Written { text, ty: "String".to_owned() }
    }

    /// An output of a resource where a value of this type is wanted.
    fn output(
        &mut self,
        urn: &Urn,
        path: &Path,
        spelling: &Spelling,
        beside: bool,
    ) -> Result<Written> {
        let (place, given) = self.found(urn, path, beside)?;
        let is_value = place.ends_with(')');
        let is_variable = !place.contains(['.', '[', '(']);
        let is_reference = is_variable && self.scope.reach(urn).is_some_and(|r| r.is_reference);
        let borrowed = if is_value || is_reference { place } else { format!("&{place}") };
        match fit(&given, spelling) {
            Some(Fit::Same) => {
                let sign = if is_value { "" } else { "&" };
                Ok(Written { text: borrowed, ty: format!("{sign}Output<{}>", given.name()) })
            }
            Some(Fit::Text) => Ok(interpolated(&format!("\"{{}}\", {borrowed}"))),
            None => misfit(&given, spelling),
        }
    }

    /// The place of an output, and its type: `vpc.id`, `zones.names.index(0)`.
    fn found(&self, urn: &Urn, path: &Path, beside: bool) -> Result<(String, Spelling)> {
        let Some(reached) = self.scope.reach(urn) else {
            return fail(format!("`{urn}` is not declared"));
        };
        let Some(schema) = self.scope.schema(urn) else {
            return fail(format!("nothing is known of `{urn}`"));
        };
        let Some(given) = schema.output_spelling(path) else {
            return fail(format!("`{urn}` has no output `{path}`"));
        };
        let handle = if beside { reached.beside() } else { reached.place() };
        let Some((Segment::Key(output), rest)) = path.0.split_first() else {
            return fail("not an output");
        };
        // A secret of the stack is its value, not a handle.
        let mut place = if schema.kind == <Secret as crate::Resource>::KIND {
            handle
        } else {
            format!("{handle}.{}", raw(output))
        };
        for segment in rest {
            let Segment::Index(at) = segment else {
                return fail(format!("`{path}` of `{urn}` is inside an output"));
            };
            place.extend([format!(".index({at})")]);
        }
        Ok((place, given))
    }

    /// The expression of something computed, and its type.
    fn place(&mut self, term: &Term) -> Result<(String, Spelling)> {
        let encoded = |(text, given): (String, Spelling), how: &str| match given {
            Spelling::Text => Ok((format!("{text}.{how}()"), Spelling::Text)),
            other => fail(format!("text is encoded, not `{}`", other.name())),
        };
        match term {
            Term::Reference(urn, path) => self.found(urn, path, false),
            Term::Beside(urn, path) => self.found(urn, path, true),
            Term::Index(of, at) => match self.place(of)? {
                (text, Spelling::List(of)) => Ok((format!("{text}.index({at})"), *of)),
                (_, other) => fail(format!("`{}` has no elements", other.name())),
            },
            Term::Base64(of) => encoded(self.place(of)?, "base64"),
            Term::UrlEncode(of) => encoded(self.place(of)?, "url_encode"),
            Term::Concat(parts) => Ok((self.text(parts, &Spelling::Text)?.text, Spelling::Text)),
            _ => fail("nothing is computed from it"),
        }
    }

    /// `interpolate!`.
    fn text(&mut self, parts: &[Term], spelling: &Spelling) -> Result<Written> {
        match spelling {
            Spelling::Text => {}
            Spelling::Secret(of) if matches!(**of, Spelling::Text) => {}
            _ => return misfit(&Spelling::Text, spelling),
        }
        let mut pieces = Vec::new();
        for part in parts {
            pieces.push(match part {
                Term::Literal(Value::String(text)) => Err(text.clone()),
                Term::Keyed(..) | Term::Column(_) => Ok(self.value(part, &Spelling::Text)?.text),
                Term::Literal(value @ (Value::Number(_) | Value::Bool(_))) => {
                    Err(value.to_json().to_string())
                }
                Term::Reference(urn, path) => Ok(self.output_text(urn, path, false)?),
                Term::Beside(urn, path) => Ok(self.output_text(urn, path, true)?),
                Term::Secret(_) | Term::Literal(_) => {
                    return fail("a secret is never written into a program");
                }
                other => Ok(self.place(other)?.0),
            });
        }
        Ok(interpolated(&template(&pieces)))
    }

    fn output_text(&mut self, urn: &Urn, path: &Path, beside: bool) -> Result<String> {
        let (_, given) = self.found(urn, path, beside)?;
        if !given.is_text() {
            return fail(format!("`{}` cannot stand inside text", given.name()));
        }
        Ok(self.output(urn, path, &given, beside)?.text)
    }

    /// A type as it stands in a program.
    fn ty(&mut self, of: &Spelling) -> String {
        match of {
            Spelling::List(of) => format!("Vec<{}>", self.ty(of)),
            Spelling::Map(of) => format!("BTreeMap<String, {}>", self.ty(of)),
            Spelling::Secret(of) => format!("Sensitive<{}>", self.ty(of)),
            other => self.uses.ty(&other.name()),
        }
    }
}

/// What a macro's name begins with while the program is formatted: it is laid out as the call that it reads like.
pub(super) const MACRO: &str = "__macro_";

/// What stands for the dot of a method that is laid out like a function: `stack.add(…)` is no chain to be broken up.
pub(super) const DOT: &str = "__dot__";

fn interpolated(arguments: &str) -> Written {
    let text = format!("{MACRO}interpolate({arguments})");
    Written { text, ty: "Output<String>".to_owned() }
}

/// The template and its arguments: text that the template would not leave alone is an argument itself.
fn template(pieces: &[std::result::Result<String, String>]) -> String {
    let text = |quote: bool| -> String {
        pieces
            .iter()
            .map(|piece| match piece {
                Err(text) if !quote => text.as_str(),
                _ => "{}",
            })
            .collect()
    };
    let outputs = pieces.iter().filter(|piece| piece.is_ok()).count();
    let plain = text(false);
    let quote = crate::program::placeholders(&plain) != outputs
        || crate::program::has_format_argument(&plain);
    let arguments = pieces.iter().filter_map(|piece| match piece {
        Ok(output) => Some(output.clone()),
        Err(text) => quote.then(|| quoted(text)),
    });
    let template = quoted(&text(quote));
    [template].into_iter().chain(arguments).collect::<Vec<_>>().join(", ")
}

fn misfit<T>(given: &Spelling, wanted: &Spelling) -> Result<T> {
    fail(format!("an output of the type `{}` does not fit `{}`", given.name(), wanted.name()))
}

fn plain(term: &Term) -> Option<(&Urn, &Path)> {
    match term {
        Term::Reference(urn, path) => Some((urn, path)),
        _ => None,
    }
}

fn is_default(term: &Term, default: Option<&Value>) -> bool {
    default.is_some_and(|default| Term::from(default) == *term)
}

/// The elements as they stand in one list: where their types differ, all are made inputs.
fn alike(elements: Vec<Written>) -> Vec<String> {
    let same = elements.windows(2).all(|pair| pair[0].ty == pair[1].ty);
    let texts = elements.iter().all(Written::is_text);
    let element = |element: Written| match &*element.ty {
        _ if same => element.text,
        "&str" if texts => format!("{}.to_owned()", element.text),
        _ if texts => element.text,
        ty if ty.starts_with("Input<") => element.text,
        ty if ty.starts_with("&Output<") => format!("({}).into_input()", element.text),
        _ => format!("{}.into_input()", element.text),
    };
    elements.into_iter().map(element).collect()
}

/// A name with a loop's key in it: `format!("private-{key}")`.
pub(super) fn named(before: &str, key: &str, after: &str) -> String {
    let escaped = |text: &str| text.replace('{', "{{").replace('}', "}}");
    let text = format!("{}{{{key}}}{}", escaped(before), escaped(after));
    format!("{MACRO}format({})", quoted(&text))
}

/// The text as a literal: raw if that reads better.
pub(super) fn quoted(text: &str) -> String {
    // What turns the direction of text is refused in a literal.
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain = text.chars().all(|c| c == '\n' || c == '\t' || !(c.is_control() || turns(c)));
    let raw = plain && (text.contains('"') || text.contains('\\') || text.contains('\n'));
    if !raw {
        return format!("{text:?}");
    }
    let mut hashes = String::from("#");
    while text.contains(&format!("\"{hashes}")) {
        hashes.push('#');
    }
    format!("r{hashes}\"{text}\"{hashes}")
}

/// The number with its digits in groups of three.
fn grouped(number: &serde_json::Number) -> String {
    let text = number.to_string();
    let digits = text.trim_start_matches('-');
    if digits.len() < 5 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return text;
    }
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('_');
        }
        out.push(digit);
    }
    if text.starts_with('-') { format!("-{out}") } else { out }
}

/// JSON, as a value of the type that is written `ty`.
fn json(term: &Term, ty: &str) -> Result<String> {
    Ok(match term {
        Term::Literal(Value::Null) => format!("{ty}::Null"),
        Term::Literal(Value::Bool(value)) => format!("{ty}::from({value})"),
        Term::Literal(Value::String(text)) => format!("{ty}::from({})", quoted(text)),
        Term::Literal(Value::Number(number)) => match number.as_i64() {
            Some(number) => format!("{ty}::from({number}_i64)"),
            None => return fail(format!("the number {number} is not written")),
        },
        Term::List(list) => {
            let list = list.iter().map(|of| json(of, ty)).collect::<Result<Vec<_>>>()?;
            format!("{ty}::List(vec![{}])", list.join(", "))
        }
        Term::Map(map) if map.is_empty() => format!("{ty}::map()"),
        Term::Map(map) => {
            let entry = |(key, of): (&String, &Term)| Ok(format!("({key:?}, {})", json(of, ty)?));
            let map = map.iter().map(entry).collect::<Result<Vec<_>>>()?;
            format!("{ty}::from([{}])", map.join(", "))
        }
        _ => return fail("JSON with outputs in it is not written"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        provider::{Schema, Shape},
        transfer::{Declaration, write::reach::Reached},
    };

    /// Where nothing is declared.
    struct Nowhere;

    impl Scope for Nowhere {
        fn reach(&self, _: &Urn) -> Option<Reached> {
            None
        }

        fn schema(&self, _: &Urn) -> Option<&Schema> {
            None
        }

        fn members(&self, _: &Urn) -> &[&Declaration] {
            &[]
        }
    }

    #[test]
    fn what_a_row_uses_twice_is_cloned_where_it_is_evaluated_first() {
        let field = |name, required| FieldSchema {
            name,
            doc: "",
            required,
            replace: false,
            secret: false,
            write_only: false,
            computed: false,
            tags: false,
            default: None,
            normalize: None,
            name_rule: None,
            shape: Shape::Scalar,
            spelling: || Spelling::Text,
        };
        let (name, ty) = ("it".to_owned(), "String".to_owned());
        let columns = vec![Column { name, ty, is_copy: false, left: 2 }];
        let mut uses = Uses::default();
        let mut writer = Writer { scope: &Nowhere, uses: &mut uses, columns, key: "key" };
        let fields = ["note", "name"].map(|name| (name.to_owned(), Term::Column(0))).into();
        let schema = [field("note", false), field("name", true)];
        let text = writer.declaration("shop::Thing", &schema, &fields).unwrap();
        assert_eq!(text, "Thing::new(it.clone()).note(it)");
    }

    #[test]
    fn text_is_quoted_so_that_it_reads() {
        assert_eq!(quoted("web"), "\"web\"");
        assert_eq!(quoted("{\"a\":1}"), "r#\"{\"a\":1}\"#");
        assert_eq!(quoted("a\"#b"), "r##\"a\"#b\"##");
        assert_eq!(quoted("a\u{0}\"b"), "\"a\\0\\\"b\"");
        for text in ["", "\"", "\\", "\r\n\"", "{}", "é🚀", "a\"##\"b", "#!/bin/sh\necho \"x\"\n"]
        {
            let literal = syn::parse_str::<syn::LitStr>(&quoted(text)).unwrap();
            assert_eq!(literal.value(), text);
        }
    }

    #[test]
    fn a_template_has_braces_for_its_outputs_only() {
        let output = || Ok("&a.arn".to_owned());
        let text = |text: &str| Err(text.to_owned());
        assert_eq!(template(&[output(), text("/*")]), "\"{}/*\", &a.arn");
        assert_eq!(template(&[text("{}"), output()]), "\"{}{}\", \"{}\", &a.arn");
        assert_eq!(template(&[text("{x}"), output()]), "\"{}{}\", \"{x}\", &a.arn");
        assert_eq!(template(&[text("{"), output(), text("}")]), "\"{{}}\", &a.arn");
    }

    #[test]
    fn numbers_are_grouped() {
        let of = |number: i64| grouped(&number.into());
        assert_eq!(
            (of(1234), of(30_000), of(-1_234_567)),
            ("1234".into(), "30_000".into(), "-1_234_567".into())
        );
    }
}
