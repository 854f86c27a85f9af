//! Key attributes.

use aws_sdk_dynamodb::types::{AttributeDefinition, KeySchemaElement, KeyType};
use infra_core::{Value, provider::Result};

use crate::classify::Classify as _;

/// An attribute that is part of a key.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: AttributeType,
}

/// The type of a key attribute.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeType {
    /// Text.
    #[value(rename = "S")]
    Text,
    /// A number.
    #[value(rename = "N")]
    Number,
    /// Bytes.
    #[value(rename = "B")]
    Binary,
}

impl Attribute {
    /// A text attribute.
    pub fn text(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: AttributeType::Text }
    }

    /// A number attribute.
    pub fn number(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: AttributeType::Number }
    }

    pub(super) fn define(&self) -> Result<AttributeDefinition> {
        let define = AttributeDefinition::builder().attribute_name(&self.name);
        define.attribute_type(self.kind.as_str().into()).build().classify()
    }
}

/// The key of a table or an index, as the API takes it.
pub(super) fn schema(hash: &Attribute, range: Option<&Attribute>) -> Result<Vec<KeySchemaElement>> {
    let element = |attribute: &Attribute, kind| {
        let element = KeySchemaElement::builder().attribute_name(&attribute.name);
        element.key_type(kind).build().classify()
    };
    let mut schema = vec![element(hash, KeyType::Hash)?];
    if let Some(range) = range {
        schema.push(element(range, KeyType::Range)?);
    }
    Ok(schema)
}

/// The attributes of a key as the API gives it.
pub(super) fn of_schema(
    schema: &[KeySchemaElement],
    definitions: &[AttributeDefinition],
) -> (Attribute, Option<Attribute>) {
    let find = |kind: &KeyType| {
        let name = &schema.iter().find(|element| element.key_type() == kind)?.attribute_name;
        let definition = definitions.iter().find(|it| it.attribute_name() == name);
        let kind = match definition.map(|it| it.attribute_type().as_str()) {
            Some("N") => AttributeType::Number,
            Some("B") => AttributeType::Binary,
            _ => AttributeType::Text,
        };
        Some(Attribute { name: name.clone(), kind })
    };
    (find(&KeyType::Hash).unwrap_or_else(|| Attribute::text("")), find(&KeyType::Range))
}
