//! `derive(Resource)`.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, format_ident, quote};
use syn::{DeriveInput, Ident, LitStr, Result, Type};

use crate::{
    attributes::{ResourceAttributes, summary},
    emit::{data_impl, declaration, field_schema, named_fields, public_path},
};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let decl = format_ident!("{name}Decl");
    let attributes = ResourceAttributes::parse(&input.attrs, name)?;
    let fields = named_fields(input)?;
    let data = data_impl(name, &fields, attributes.path.as_ref());
    let declaration = declaration(&input.vis, name, &fields)?;
    let schemas = fields.iter().map(field_schema);
    let ResourceAttributes {
        kind,
        outputs,
        holds_data,
        delete_before_replace,
        declare,
        cloud,
        path,
    } = attributes;
    let cloud_path = option(cloud.as_ref().map(|cloud| {
        let cloud = last(cloud);
        let beside = path.as_ref().map(|path| beside(path, &cloud));
        public_path(&cloud, beside.as_ref())
    }));
    let path = public_path(name, path.as_ref());
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
                        path: #path,
                        cloud: #cloud_path,
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

/// The type's own name, without what is before it.
fn last(ty: &Type) -> Ident {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.clone()),
        _ => None,
    }
    .unwrap_or_else(|| format_ident!("{}", ty.to_token_stream().to_string()))
}

/// The path of `name` where this path's type is.
fn beside(path: &LitStr, name: &Ident) -> LitStr {
    let text = path.value();
    let module = text.rsplit_once("::").map_or("", |(module, _)| module);
    LitStr::new(&format!("{module}::{name}"), path.span())
}

fn option(tokens: Option<TokenStream>) -> TokenStream {
    if let Some(tokens) = tokens {
        quote!(::core::option::Option::Some(#tokens))
    } else {
        quote!(::core::option::Option::None)
    }
}
