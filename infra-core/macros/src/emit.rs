//! What structs with named fields need, whichever derive they stand under.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{
    Data, DeriveInput, Field, Fields, Ident, LitStr, Result, Type, Visibility, ext::IdentExt,
};

use crate::{
    attributes::{FieldAttributes, docs, summary},
    types::{FieldType, Setter},
};

/// One named field with everything the derives know of it.
pub(crate) struct NamedField<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) name: String,
    pub(crate) field: &'a Field,
    pub(crate) ty: FieldType<'a>,
    pub(crate) attributes: FieldAttributes,
}

impl NamedField<'_> {
    /// The constructor asks for it.
    pub(crate) fn required(&self) -> bool {
        !self.ty.optional && self.attributes.default.is_none()
    }
}

/// The named fields of a struct.
pub(crate) fn named_fields(input: &DeriveInput) -> Result<Vec<NamedField<'_>>> {
    let message = "expected a struct with named fields";
    let Data::Struct(data) = &input.data else {
        return Err(syn::Error::new(input.ident.span(), message));
    };
    match &data.fields {
        Fields::Named(fields) => fields.named.iter().map(named).collect(),
        Fields::Unit => Ok(Vec::new()),
        Fields::Unnamed(_) => Err(syn::Error::new(input.ident.span(), message)),
    }
}

pub(crate) fn named(field: &Field) -> Result<NamedField<'_>> {
    let missing = || syn::Error::new_spanned(field, "expected a named field");
    let ident = field.ident.as_ref().ok_or_else(missing)?;
    let name = ident.unraw().to_string();
    let attributes = FieldAttributes::parse(&field.attrs)?;
    Ok(NamedField { ident, name, field, ty: FieldType::of(&field.ty), attributes })
}

/// `impl Data` for a struct with these fields.
pub(crate) fn data_impl(
    name: &Ident,
    fields: &[NamedField<'_>],
    path: Option<&LitStr>,
) -> TokenStream {
    let idents: Vec<_> = fields.iter().map(|f| f.ident).collect();
    let names: Vec<_> = fields.iter().map(|f| &f.name).collect();
    let read = fields.iter().map(|f| {
        let (name, ty) = (&f.name, &f.field.ty);
        match &f.attributes.default {
            Some(default) if !f.ty.optional => quote!(match __value.get(#name) {
                ::core::option::Option::Some(_) => ::infra_core::data::field::<#ty>(__value, #name)?,
                ::core::option::Option::None => ::core::convert::Into::<#ty>::into(#default),
            }),
            _ => quote!(::infra_core::data::field::<#ty>(__value, #name)?),
        }
    });
    let schemas: Vec<_> = fields.iter().map(field_schema).collect();
    let path = public_path(name, path);
    quote! {
        impl ::infra_core::Data for #name {
            fn to_value(&self) -> ::infra_core::state::Value {
                #[allow(unused_mut)]
                let mut map = ::std::collections::BTreeMap::new();
                #(if !::infra_core::Data::is_absent(&self.#idents) {
                    map.insert(#names.to_owned(), ::infra_core::Data::to_value(&self.#idents));
                })*
                ::infra_core::state::Value::Map(map)
            }

            fn from_value(
                __value: &::infra_core::state::Value,
            ) -> ::core::result::Result<Self, ::infra_core::DataError> {
                if __value.as_map().is_none() {
                    return ::core::result::Result::Err(::infra_core::DataError::new("a map", __value));
                }
                ::core::result::Result::Ok(Self { #(#idents: #read),* })
            }

            fn shape() -> ::infra_core::provider::Shape {
                ::infra_core::provider::Shape::Struct(::std::vec![#(#schemas),*])
            }

            fn spelling() -> ::infra_core::spelling::Spelling {
                ::infra_core::spelling::Spelling::Struct {
                    path: #path,
                    fields: ::std::vec![#(#schemas),*],
                }
            }
        }
    }
}

/// The path by which a program finds the type: as the attribute says, or where types of the module are.
pub(crate) fn public_path(name: &Ident, path: Option<&LitStr>) -> TokenStream {
    path.map_or_else(
        || {
            let name = name.unraw().to_string();
            quote!(::infra_core::spelling::path(::core::module_path!(), #name))
        },
        |path| quote!(::std::borrow::ToOwned::to_owned(#path)),
    )
}

/// A `FieldSchema`.
pub(crate) fn field_schema(f: &NamedField<'_>) -> TokenStream {
    let (name, ty, inner) = (&f.name, &f.field.ty, f.ty.inner);
    let doc = summary(&f.field.attrs);
    let (required, secret) = (f.required(), f.ty.secret);
    let FieldAttributes { replace, write_only, computed, tags, .. } = f.attributes;
    let option = |tokens: Option<TokenStream>| {
        if let Some(tokens) = tokens {
            quote!(::core::option::Option::Some(#tokens))
        } else {
            quote!(::core::option::Option::None)
        }
    };
    let default = option(f.attributes.default.as_ref().map(|default| {
        quote!(::infra_core::Data::to_value(&::core::convert::Into::<#inner>::into(#default)))
    }));
    let normalize = option(f.attributes.normalize.as_ref().map(|path| quote!(#path)));
    let name_rule =
        option(f.attributes.name.as_ref().map(super::attributes::NameAttributes::tokens));
    let order = match (&f.attributes.key, f.attributes.set) {
        (Some(key), _) => Some(quote!(::infra_core::provider::Order::Keyed(#key))),
        (None, true) => Some(quote!(::infra_core::provider::Order::Set)),
        (None, false) => None,
    };
    let shape = if let Some(order) = order {
        quote!(<#ty as ::infra_core::Data>::shape().ordered(#order))
    } else {
        quote!(<#ty as ::infra_core::Data>::shape())
    };
    quote! {
        ::infra_core::provider::FieldSchema {
            name: #name, doc: #doc, required: #required, replace: #replace, secret: #secret,
            write_only: #write_only, computed: #computed, tags: #tags, default: #default,
            normalize: #normalize, name_rule: #name_rule, shape: #shape,
            spelling: <#ty as ::infra_core::Data>::spelling,
        }
    }
}

/// The declaration struct, the constructor and the setters.
pub(crate) fn declaration(
    visibility: &Visibility,
    name: &Ident,
    fields: &[NamedField<'_>],
) -> Result<TokenStream> {
    let decl = format_ident!("{name}Decl");
    let (required, optional): (Vec<_>, Vec<_>) = fields.iter().partition(|f| f.required());
    if required.len() > 4 {
        let message = "more than four required fields: positional arguments get unreadable; \
             group some into a type of their own or give them defaults";
        return Err(syn::Error::new(name.span(), message));
    }
    let idents: Vec<_> = required.iter().map(|f| f.ident).collect();
    let names: Vec<_> = required.iter().map(|f| &f.name).collect();
    let types: Vec<_> = required.iter().map(|f| f.ty.inner).collect();
    let setters = optional.iter().map(|f| setter(f));
    let constants = fields.iter().map(|f| {
        let constant = format_ident!("{}", f.name.to_uppercase());
        let (name, ty) = (&f.name, f.ty.inner);
        let doc = format!("The field `{name}`, for options and drivers.");
        quote! {
            #[doc = #doc]
            pub const #constant: ::infra_core::provider::Field<Self, #ty> =
                ::infra_core::provider::Field::new(#name);
        }
    });
    let decl_doc = format!("A [`{name}`] being declared: setters for what may be left out.");
    let new_doc = "Declares one, from what it cannot do without.";
    Ok(quote! {
        #[doc = #decl_doc]
        #[derive(Clone)]
        #[must_use = "a declaration does nothing until it is used"]
        #visibility struct #decl(::infra_core::program::Fields);

        #[allow(clippy::new_ret_no_self, clippy::new_without_default, clippy::should_implement_trait)]
        impl #name {
            #[doc = #new_doc]
            pub fn new(#(#idents: impl ::infra_core::program::IntoInput<#types>),*) -> #decl {
                #decl(::infra_core::program::Fields::default()
                    #(.with(#names, ::infra_core::program::IntoInput::<#types>::into_input(#idents)))*)
            }

            #(#constants)*
        }

        #[allow(clippy::should_implement_trait)]
        impl #decl {
            #(#setters)*

            /// Applies `change` only if `condition` holds.
            pub fn when(self, condition: bool, change: impl ::core::ops::FnOnce(Self) -> Self) -> Self {
                if condition { change(self) } else { self }
            }
        }
    })
}

fn setter(f: &NamedField<'_>) -> TokenStream {
    let (ident, name) = (f.ident, &f.name);
    let maybe = format_ident!("maybe_{}", name);
    let docs = docs(&f.field.attrs);
    let (bound, convert) = conversion(&f.ty.setter);
    let maybe_doc = format!("Sets `{name}` if there is something to set.");
    quote! {
        #(#docs)*
        pub fn #ident(self, value: impl #bound) -> Self {
            Self(self.0.with(#name, #convert(value)))
        }

        #[doc = #maybe_doc]
        pub fn #maybe(self, value: ::core::option::Option<impl #bound>) -> Self {
            match value {
                ::core::option::Option::Some(value) => self.#ident(value),
                ::core::option::Option::None => self,
            }
        }
    }
}

/// The bound of a setter's argument and the function that takes it.
pub(crate) fn conversion(setter: &Setter<'_>) -> (TokenStream, TokenStream) {
    let parts = |of: &Type, bound: TokenStream, call: TokenStream| {
        (quote!(#bound<#of>), quote!(#bound::<#of>::#call))
    };
    match setter {
        Setter::One(of) => parts(of, quote!(::infra_core::program::IntoInput), quote!(into_input)),
        Setter::List(of) => parts(of, quote!(::infra_core::program::IntoList), quote!(into_list)),
        Setter::Map(of) => parts(of, quote!(::infra_core::program::IntoMap), quote!(into_map)),
    }
}
