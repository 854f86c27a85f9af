//! The attributes of the derives, parsed.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Attribute, Expr, Ident, Lit, LitInt, LitStr, Meta, Path, Result, Type, meta::ParseNestedMeta,
};

/// `#[resource(…)]`.
pub(crate) struct ResourceAttributes {
    pub(crate) kind: LitStr,
    pub(crate) outputs: Option<Type>,
    pub(crate) holds_data: bool,
    pub(crate) delete_before_replace: Option<LitStr>,
    pub(crate) declare: Option<Path>,
    pub(crate) cloud: Option<Type>,
    pub(crate) path: Option<LitStr>,
}

impl ResourceAttributes {
    pub(crate) fn parse(attributes: &[Attribute], name: &Ident) -> Result<Self> {
        let (mut kind, mut outputs, mut holds_data, mut before) = (None, None, false, None);
        let (mut cloud, mut declare, mut path) = (None, None, None);
        for attribute in attributes.iter().filter(|a| a.path().is_ident("resource")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("kind") {
                    kind = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("outputs") {
                    outputs = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("holds_data") {
                    holds_data = true;
                } else if meta.path.is_ident("declare") {
                    declare = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("delete_before_replace") {
                    before = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("cloud") {
                    cloud = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("path") {
                    path = Some(meta.value()?.parse()?);
                } else {
                    let expected =
                        "kind, outputs, holds_data, delete_before_replace, declare, cloud, path";
                    return Err(unknown(&meta, expected));
                }
                Ok(())
            })?;
        }
        let missing = || {
            let message = "a resource needs its kind: `#[resource(kind = \"cloud:service:Name\")]`";
            syn::Error::new(name.span(), message)
        };
        let kind = kind.ok_or_else(missing)?;
        Ok(Self { kind, outputs, holds_data, delete_before_replace: before, declare, cloud, path })
    }
}

/// `#[field(…)]`.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent attributes, as they are written")]
pub(crate) struct FieldAttributes {
    pub(crate) replace: bool,
    pub(crate) write_only: bool,
    pub(crate) computed: bool,
    pub(crate) tags: bool,
    pub(crate) default: Option<Expr>,
    pub(crate) normalize: Option<Path>,
    pub(crate) set: bool,
    pub(crate) key: Option<LitStr>,
    pub(crate) name: Option<NameAttributes>,
}

/// `name(max = 64, extra = "-_", lowercase)`.
pub(crate) struct NameAttributes {
    max: LitInt,
    extra: LitStr,
    lowercase: bool,
}

impl NameAttributes {
    pub(crate) fn tokens(&self) -> TokenStream {
        let Self { max, extra, lowercase } = self;
        quote!(::infra_core::provider::NameRule { max: #max, extra: #extra, lowercase: #lowercase })
    }
}

impl FieldAttributes {
    pub(crate) fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut found = Self::default();
        for attribute in attributes.iter().filter(|a| a.path().is_ident("field")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("replace") {
                    found.replace = true;
                } else if meta.path.is_ident("write_only") {
                    found.write_only = true;
                } else if meta.path.is_ident("computed") {
                    found.computed = true;
                } else if meta.path.is_ident("tags") {
                    found.tags = true;
                } else if meta.path.is_ident("set") {
                    found.set = true;
                } else if meta.path.is_ident("default") {
                    found.default = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("normalize") {
                    found.normalize = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("key") {
                    found.key = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("name") {
                    found.name = Some(name(&meta)?);
                } else {
                    let expected =
                        "replace, write_only, computed, tags, set, default, normalize, key, name";
                    return Err(unknown(&meta, expected));
                }
                Ok(())
            })?;
        }
        Ok(found)
    }
}

fn name(meta: &ParseNestedMeta<'_>) -> Result<NameAttributes> {
    let mut found = NameAttributes {
        max: LitInt::new("255", Span::call_site()),
        extra: LitStr::new("-", Span::call_site()),
        lowercase: false,
    };
    meta.parse_nested_meta(|meta| {
        if meta.path.is_ident("max") {
            found.max = meta.value()?.parse()?;
        } else if meta.path.is_ident("extra") {
            found.extra = meta.value()?.parse()?;
        } else if meta.path.is_ident("lowercase") {
            found.lowercase = true;
        } else {
            return Err(unknown(&meta, "max, extra, lowercase"));
        }
        Ok(())
    })?;
    Ok(found)
}

pub(crate) fn unknown(meta: &ParseNestedMeta<'_>, expected: &str) -> syn::Error {
    meta.error(format!("unknown attribute; expected one of: {expected}"))
}

/// The doc attributes, to be repeated on what is generated.
pub(crate) fn docs(attributes: &[Attribute]) -> Vec<&Attribute> {
    attributes.iter().filter(|a| a.path().is_ident("doc")).collect()
}

/// The first line of the documentation.
pub(crate) fn summary(attributes: &[Attribute]) -> String {
    let line = docs(attributes).into_iter().find_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) => match &pair.value {
            Expr::Lit(lit) => match &lit.lit {
                Lit::Str(text) => Some(text.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    line.unwrap_or_default()
}
