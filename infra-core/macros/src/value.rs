//! `derive(Value)`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{
    Attribute, Data, DataEnum, DeriveInput, Fields, FieldsNamed, Ident, LitStr, Result, Type,
    Variant, ext::IdentExt,
};

use crate::{
    attributes::{docs, unknown},
    emit::{
        NamedField, conversion, data_impl, declaration, field_schema, named, named_fields,
        public_path,
    },
    types::FieldType,
};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => Ok(newtype(
                &input.ident,
                &fields.unnamed[0].ty,
                attribute(&input.attrs, "path")?.as_ref(),
            )),
            _ => structure(input),
        },
        Data::Enum(data) => enumeration(input, data),
        Data::Union(_) => Err(syn::Error::new(input.ident.span(), "expected a struct or an enum")),
    }
}

fn structure(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let decl = format_ident!("{name}Decl");
    let fields = named_fields(input)?;
    let path = attribute(&input.attrs, "path")?;
    let data = data_impl(name, &fields, path.as_ref());
    let declaration = declaration(&input.vis, name, &fields)?;
    Ok(quote! {
        #data

        #declaration

        impl ::infra_core::program::IntoInput<#name> for #decl {
            fn into_input(self) -> ::infra_core::program::Input<#name> {
                ::infra_core::program::Input::from_expr(self.0.into_expr())
            }
        }
    })
}

fn newtype(name: &Ident, ty: &Type, path: Option<&LitStr>) -> TokenStream {
    let path = public_path(name, path);
    quote! {
        impl ::infra_core::Data for #name {
            fn to_value(&self) -> ::infra_core::state::Value {
                ::infra_core::Data::to_value(&self.0)
            }

            fn from_value(
                value: &::infra_core::state::Value,
            ) -> ::core::result::Result<Self, ::infra_core::DataError> {
                <#ty as ::infra_core::Data>::from_value(value).map(Self)
            }

            fn shape() -> ::infra_core::provider::Shape {
                <#ty as ::infra_core::Data>::shape()
            }

            fn spelling() -> ::infra_core::spelling::Spelling {
                ::infra_core::spelling::Spelling::Newtype {
                    path: #path,
                    of: ::std::boxed::Box::new(<#ty as ::infra_core::Data>::spelling()),
                }
            }
        }
    }
}

fn enumeration(input: &DeriveInput, data: &DataEnum) -> Result<TokenStream> {
    let name = &input.ident;
    let variants = data.variants.iter().map(Alternative::of).collect::<Result<Vec<_>>>()?;
    let texts = variants.iter().map(|v| format!("`{}`", v.text)).collect::<Vec<_>>().join(", ");
    let expected = format!("one of {texts}");
    let write = variants.iter().map(Alternative::write);
    let read_units = variants.iter().filter(|v| v.is_unit()).map(|v| {
        let (ident, text) = (&v.variant.ident, &v.text);
        quote!(::core::option::Option::Some(#text) => return ::core::result::Result::Ok(Self::#ident),)
    });
    let read_others = variants.iter().filter_map(Alternative::read);
    let all_units = variants.iter().all(Alternative::is_unit);
    let shape = if all_units {
        quote!(::infra_core::provider::Shape::Scalar)
    } else {
        let schemas = variants.iter().filter_map(Alternative::schema);
        quote!(::infra_core::provider::Shape::Struct(::std::vec![#(#schemas),*]))
    };
    let spellings = variants.iter().map(Alternative::spelling);
    let path = public_path(name, attribute(&input.attrs, "path")?.as_ref());
    let constructors = variants.iter().filter_map(Alternative::constructor);
    let text = all_units.then(|| {
        let arms = variants.iter().map(|v| {
            let (ident, text) = (&v.variant.ident, &v.text);
            quote!(Self::#ident => #text)
        });
        quote! {
            /// The text it is written as.
            pub fn as_str(&self) -> &'static str {
                match self { #(#arms),* }
            }
        }
    });
    let text_impl = all_units.then(|| quote!(impl ::infra_core::Text for #name {}));
    Ok(quote! {
        impl ::infra_core::Data for #name {
            fn to_value(&self) -> ::infra_core::state::Value {
                match self { #(#write),* }
            }

            fn from_value(
                __value: &::infra_core::state::Value,
            ) -> ::core::result::Result<Self, ::infra_core::DataError> {
                match __value.as_str() {
                    #(#read_units)*
                    ::core::option::Option::Some(other) => {
                        let mut error = ::infra_core::DataError::new(#expected, __value);
                        error.found = ::std::format!("{other:?}");
                        return ::core::result::Result::Err(error);
                    }
                    ::core::option::Option::None => {}
                }
                #(#read_others)*
                ::core::result::Result::Err(::infra_core::DataError::new(#expected, __value))
            }

            fn shape() -> ::infra_core::provider::Shape {
                #shape
            }

            fn spelling() -> ::infra_core::spelling::Spelling {
                ::infra_core::spelling::Spelling::Enum {
                    path: #path,
                    variants: ::std::vec![#(#spellings),*],
                }
            }
        }

        #text_impl

        impl #name {
            #text
            #(#constructors)*
        }
    })
}

/// One variant.
struct Alternative<'a> {
    variant: &'a Variant,
    text: String,
    named: Vec<NamedField<'a>>,
}

impl<'a> Alternative<'a> {
    fn of(variant: &'a Variant) -> Result<Self> {
        let rename = attribute(&variant.attrs, "rename")?;
        let text = rename.map_or_else(|| snake(&variant.ident), |text| text.value());
        let fields = match &variant.fields {
            Fields::Named(FieldsNamed { named: fields, .. }) => {
                fields.iter().map(named).collect::<Result<_>>()?
            }
            Fields::Unnamed(fields) if fields.unnamed.len() != 1 => {
                let message = "expected no field, one unnamed field, or named fields";
                return Err(syn::Error::new(variant.ident.span(), message));
            }
            _ => Vec::new(),
        };
        Ok(Self { variant, text, named: fields })
    }

    fn is_unit(&self) -> bool {
        matches!(self.variant.fields, Fields::Unit)
    }

    fn unnamed(&self) -> Option<&'a Type> {
        match &self.variant.fields {
            Fields::Unnamed(fields) => Some(&fields.unnamed[0].ty),
            _ => None,
        }
    }

    fn write(&self) -> TokenStream {
        let (ident, text) = (&self.variant.ident, &self.text);
        let entry =
            |inner: TokenStream| quote!(::infra_core::state::Value::from([(#text, #inner)]));
        if self.is_unit() {
            return quote!(Self::#ident => ::infra_core::state::Value::from(#text));
        }
        if self.unnamed().is_some() {
            let inner = entry(quote!(::infra_core::Data::to_value(value)));
            return quote!(Self::#ident(value) => #inner);
        }
        let idents: Vec<_> = self.named.iter().map(|f| f.ident).collect();
        let names = self.named.iter().map(|f| &f.name);
        let inner = entry(quote!({
            let mut map = ::std::collections::BTreeMap::new();
            #(if !::infra_core::Data::is_absent(#idents) {
                map.insert(#names.to_owned(), ::infra_core::Data::to_value(#idents));
            })*
            ::infra_core::state::Value::Map(map)
        }));
        quote!(Self::#ident { #(#idents),* } => #inner)
    }

    fn read(&self) -> Option<TokenStream> {
        let (ident, text) = (&self.variant.ident, &self.text);
        if let Some(ty) = self.unnamed() {
            return Some(quote! {
                if __value.get(#text).is_some() {
                    return ::infra_core::data::field::<#ty>(__value, #text).map(Self::#ident);
                }
            });
        }
        if self.is_unit() {
            return None;
        }
        let idents = self.named.iter().map(|f| f.ident);
        let names = self.named.iter().map(|f| &f.name);
        let types = self.named.iter().map(|f| &f.field.ty);
        Some(quote! {
            if let ::core::option::Option::Some(inner) = __value.get(#text) {
                return ::core::result::Result::Ok(Self::#ident {
                    #(#idents: ::infra_core::data::field::<#types>(inner, #names).map_err(|e| {
                        e.within(::infra_core::state::Segment::Key(#text.to_owned()))
                    })?),*
                });
            }
        })
    }

    fn schema(&self) -> Option<TokenStream> {
        if self.is_unit() {
            return None;
        }
        let text = &self.text;
        let shape = if let Some(ty) = self.unnamed() {
            quote!(<#ty as ::infra_core::Data>::shape())
        } else {
            let schemas = self.named.iter().map(field_schema);
            quote!(::infra_core::provider::Shape::Struct(::std::vec![#(#schemas),*]))
        };
        Some(quote!(::infra_core::provider::FieldSchema::variant(#text, #shape)))
    }

    /// A `Variant`.
    fn spelling(&self) -> TokenStream {
        let (name, text) = (self.variant.ident.unraw().to_string(), &self.text);
        let function = snake(&self.variant.ident);
        let form = if let Some(ty) = self.unnamed() {
            quote!(::infra_core::spelling::Form::One {
                function: #function,
                of: <#ty as ::infra_core::Data>::spelling,
            })
        } else if self.is_unit() {
            quote!(::infra_core::spelling::Form::Unit)
        } else {
            let schemas = self.named.iter().map(field_schema);
            let function = if self.has_function() {
                quote!(::core::option::Option::Some(#function))
            } else {
                quote!(::core::option::Option::None)
            };
            quote!(::infra_core::spelling::Form::Fields {
                function: #function,
                fields: ::std::vec![#(#schemas),*],
            })
        };
        quote!(::infra_core::spelling::Variant { name: #name, text: #text, form: #form })
    }

    /// Whether a function can take all that is in it.
    fn has_function(&self) -> bool {
        !self.is_unit() && self.named.iter().all(NamedField::required)
    }

    /// A function that takes inputs, so that an output fits inside a variant.
    fn constructor(&self) -> Option<TokenStream> {
        let function = format_ident!("{}", snake(&self.variant.ident));
        let (docs, text) = (docs(&self.variant.attrs), &self.text);
        let signature = |arguments: TokenStream, inner: TokenStream| {
            quote! {
                #(#docs)*
                pub fn #function(#arguments) -> ::infra_core::program::Input<Self> {
                    ::infra_core::program::Input::from_expr(::infra_core::program::Fields::default()
                        .with(#text, #inner).into_expr())
                }
            }
        };
        if let Some(ty) = self.unnamed() {
            let (bound, convert) = conversion(&FieldType::of(ty).setter);
            return Some(signature(quote!(value: impl #bound), quote!(#convert(value))));
        }
        if !self.has_function() {
            return None;
        }
        let parts: Vec<_> = self.named.iter().map(|f| (f, conversion(&f.ty.setter))).collect();
        let arguments = parts.iter().map(|(f, (bound, _))| {
            let ident = f.ident;
            quote!(#ident: impl #bound)
        });
        let sets = parts.iter().map(|(f, (_, convert))| {
            let (ident, name) = (f.ident, &f.name);
            quote!(.with(#name, #convert(#ident)))
        });
        let inner = quote!(::infra_core::program::Input::<::infra_core::state::Value>::from_expr(
            ::infra_core::program::Fields::default()#(#sets)*.into_expr()
        ));
        Some(signature(quote!(#(#arguments),*), inner))
    }
}

/// `#[value(NAME = "…")]`, on a type (`path`) or a variant (`rename`).
fn attribute(attributes: &[Attribute], name: &str) -> Result<Option<LitStr>> {
    let mut found = None;
    for attribute in attributes.iter().filter(|a| a.path().is_ident("value")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident(name) {
                return Err(unknown(&meta, name));
            }
            found = Some(meta.value()?.parse()?);
            Ok(())
        })?;
    }
    Ok(found)
}

/// `NatGateway` → `nat_gateway`.
fn snake(ident: &Ident) -> String {
    let mut text = String::new();
    for (at, c) in ident.unraw().to_string().chars().enumerate() {
        if c.is_uppercase() && at > 0 {
            text.push('_');
        }
        text.extend(c.to_lowercase());
    }
    text
}
