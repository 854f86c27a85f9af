//! `derive(Resource)`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{DeriveInput, Result};

use crate::{
    attributes::{ResourceAttributes, summary},
    emit::{data_impl, declaration, field_schema, named_fields},
};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let decl = format_ident!("{name}Decl");
    let attributes = ResourceAttributes::parse(&input.attrs, name)?;
    let fields = named_fields(input)?;
    let data = data_impl(name, &fields);
    let declaration = declaration(&input.vis, name, &fields)?;
    let schemas = fields.iter().map(field_schema);
    let ResourceAttributes { kind, outputs, holds_data, delete_before_replace, declare, cloud } =
        attributes;
    let outputs = outputs.map_or_else(|| quote!(()), |outputs| quote!(#outputs));
    let before = if let Some(why) = delete_before_replace {
        quote!(::core::option::Option::Some(#why))
    } else {
        quote!(::core::option::Option::None)
    };
    let cloud = cloud.map(|cloud| {
        quote! {
            impl ::infra_core::provider::Cloud for #cloud {
                type Provider = #name;
            }

            impl ::infra_core::provider::ProviderKind for #name {
                type Cloud = #cloud;
            }
        }
    });
    let declared = quote!(::infra_core::program::Declared::new(self.0));
    let declared = declare.map_or_else(|| declared.clone(), |with| quote!(#with(#declared)));
    let doc = summary(&input.attrs);
    Ok(quote! {
        #data

        #declaration

        impl ::infra_core::program::Resource for #name {
            const KIND: &'static str = #kind;
            type Outputs = #outputs;

            fn schema() -> &'static ::infra_core::provider::Schema {
                static SCHEMA: ::std::sync::LazyLock<::infra_core::provider::Schema> =
                    ::std::sync::LazyLock::new(|| ::infra_core::provider::Schema {
                        kind: #kind,
                        doc: #doc,
                        fields: ::std::vec![#(#schemas),*],
                        outputs: <#outputs as ::infra_core::program::Outputs>::schema(),
                        holds_data: #holds_data,
                        delete_before_replace: #before,
                        declarative: false,
                    });
                &SCHEMA
            }
        }

        impl ::infra_core::program::Declaration for #decl {
            type Resource = #name;

            fn declared(self) -> ::infra_core::program::Declared<#name> {
                #declared
            }
        }

        #cloud
    })
}
