//! Writing an object's fields as attributes.

use infra_core::{
    state::Value,
    transfer::terraform::{Block, Body, Hcl, Object},
};

/// The blocks of an object, or why it cannot be written.
pub(super) type Given = Result<Vec<Block>, String>;

/// A body that is being written from an object's fields.
pub(super) struct Draft<'d, 'o> {
    object: &'d Object<'o>,
    body: Body,
}

impl<'d, 'o> Draft<'d, 'o> {
    pub(super) fn of(object: &'d Object<'o>) -> Self {
        Self { object, body: Body::new() }
    }

    /// Fields that are called the same there.
    pub(super) fn same(self, fields: &[&str]) -> Self {
        fields.iter().fold(self, |draft, field| draft.named(field, field))
    }

    /// A field under its name there.
    pub(super) fn named(self, attribute: &str, field: &str) -> Self {
        let value = self.object.field(field);
        self.set(attribute, value)
    }

    /// A field, or what is meant where it is not declared.
    pub(super) fn or(self, attribute: &str, field: &str, otherwise: impl Into<Hcl>) -> Self {
        let value = self.object.field(field).unwrap_or_else(|| otherwise.into());
        self.set(attribute, Some(value))
    }

    /// An attribute with this value, unless that says nothing.
    pub(super) fn set(mut self, attribute: &str, value: Option<impl Into<Hcl>>) -> Self {
        self.body = self.body.set(attribute, value);
        self
    }

    /// The tags.
    pub(super) fn tags(self) -> Self {
        self.same(&["tags"])
    }

    /// A block inside.
    pub(super) fn block(mut self, name: &str, body: Body) -> Self {
        self.body = self.body.block(name, body);
        self
    }

    /// What Terraform does not look at any more once the object is there.
    pub(super) fn ignoring(self, paths: &[&str]) -> Self {
        if paths.is_empty() {
            return self;
        }
        let paths = paths.iter().map(|path| Hcl::Expression((*path).to_owned())).collect();
        self.block("lifecycle", Body::new().set("ignore_changes", Some(Hcl::List(paths))))
    }

    /// A block inside, if there is anything to say in it.
    pub(super) fn maybe(self, name: &str, body: Option<Body>) -> Self {
        match body {
            Some(body) => self.block(name, body),
            None => self,
        }
    }

    /// The block, imported by the object's id.
    pub(super) fn block_of(self, terraform: &'static str) -> Block {
        let id = self.object.id().to_owned();
        self.imported(terraform, id)
    }

    /// The block, imported by another id than ours.
    pub(super) fn imported(self, terraform: &'static str, id: impl Into<String>) -> Block {
        Block::new(terraform, id, self.body)
    }

    /// All that there is of the object.
    pub(super) fn whole(self, terraform: &'static str) -> Given {
        Ok(vec![self.block_of(terraform)])
    }
}

/// A field's flag, or what is meant where it is not declared.
pub(super) fn flag(object: &Object<'_>, field: &str, otherwise: bool) -> bool {
    match object.input(field).map(Value::revealed) {
        Some(Value::Bool(flag)) => *flag,
        _ => otherwise,
    }
}

/// A field's text.
pub(super) fn text<'o>(object: &'o Object<'_>, field: &str) -> Option<&'o str> {
    object.input(field).and_then(Value::as_str)
}

/// A word of the text that an enum's value is.
pub(super) fn upper(value: &Hcl) -> Option<Hcl> {
    value.text().map(|text| text.to_uppercase().into())
}

/// The variant of an enum, and what is in it.
pub(super) fn variant(value: &Hcl) -> Option<(String, Option<Hcl>)> {
    if let Some(word) = value.text() {
        return Some((word.to_owned(), None));
    }
    let (name, inner) = match value {
        Hcl::Map(map) => map.first().cloned()?,
        Hcl::Literal(value) => {
            let (name, inner) = value.as_map()?.iter().next()?;
            (name.clone(), Hcl::Literal(inner.clone()))
        }
        _ => return None,
    };
    Some((name, Some(inner)))
}

/// `KEY: VALUE` of a map as attributes and their values.
pub(super) fn entry(value: Option<&Hcl>, key: &str) -> Option<Hcl> {
    value?.get(key)
}

/// The part of an id between its separators.
pub(super) fn part(id: &str, separator: char, at: usize) -> &str {
    id.split(separator).nth(at).unwrap_or_default()
}

/// A line of the table.
macro_rules! line {
    ($kind:literal, $terraform:literal, [$($output:literal = $attribute:literal),* $(,)?], $give:expr) => {
        (
            $kind,
            infra_core::transfer::terraform::Export {
                terraform: $terraform,
                outputs: &[$(($output, $attribute)),*],
                give: $give,
            },
        )
    };
}
pub(super) use line;
