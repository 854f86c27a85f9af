//! `derive(Outputs)`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, DeriveInput, Result};

use crate::{
    attributes::{docs, summary, unknown},
    emit::{data_impl, named_fields},
};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let (name, visibility) = (&input.ident, &input.vis);
    let text = name.to_string();
    let refs = format_ident!("{}Refs", text.strip_suffix("Outputs").unwrap_or(&text));
    let fields = named_fields(input)?;
    let data = data_impl(name, &fields, None);
    let members = fields.iter().map(|f| {
        let (ident, ty, docs) = (f.ident, &f.field.ty, docs(&f.field.attrs));
        quote!(#(#docs)* pub #ident: ::infra_core::Output<#ty>)
    });
    let idents = fields.iter().map(|f| f.ident);
    let names: Vec<_> = fields.iter().map(|f| &f.name).collect();
    let schemas = fields
        .iter()
        .map(|f| {
            let (name, doc, secret) = (&f.name, summary(&f.field.attrs), f.ty.secret);
            let ty = &f.field.ty;
            let stable = stable(&f.field.attrs)?;
            Ok(quote!(::infra_core::provider::OutputSchema {
                name: #name, doc: #doc, stable: #stable, secret: #secret,
                spelling: <#ty as ::infra_core::Data>::spelling,
            }))
        })
        .collect::<Result<Vec<_>>>()?;
    let refs_doc = format!("References to [`{name}`]: what a handle's fields are.");
    Ok(quote! {
        #data

        #[doc = #refs_doc]
        #visibility struct #refs { #(#members),* }

        impl ::infra_core::program::Outputs for #name {
            type Refs = #refs;

            fn refs(__urn: &::infra_core::state::Urn) -> #refs {
                #refs {
                    #(#idents: ::infra_core::Output::of(__urn, ::infra_core::state::Path::field(#names))),*
                }
            }

            fn schema() -> ::std::vec::Vec<::infra_core::provider::OutputSchema> {
                ::std::vec![#(#schemas),*]
            }
        }
    })
}

fn stable(attributes: &[Attribute]) -> Result<bool> {
    let mut stable = false;
    for attribute in attributes.iter().filter(|a| a.path().is_ident("output")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("stable") {
                stable = true;
                Ok(())
            } else {
                Err(unknown(&meta, "stable"))
            }
        })?;
    }
    Ok(stable)
}
