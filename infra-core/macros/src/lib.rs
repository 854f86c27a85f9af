//! The three derives of `infra-core`.
//!
//! Authors write plain structs; the derives write what a program uses: a constructor for the required fields, a
//! setter for every optional one, conversions to and from `Value`, the schema.

mod attributes;
mod emit;
mod outputs;
mod resource;
mod types;
mod value;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct a kind of resource.
///
/// On the struct: `#[resource(kind = "aws:ec2:Subnet", outputs = SubnetOutputs, holds_data,
/// delete_before_replace = "why")]`; on the kind of a provider `cloud = Aws`, the type of its connections, which makes
/// that a `Cloud`; `path = "shop::Page"` where programs find the type elsewhere than in the crate's module that it is
/// written in; `declare = function` for what is done with every declaration (`fn(Declared<Self>) -> Declared<Self>`).
/// On fields: `#[field(…)]` with `replace`, `write_only`, `computed`, `tags`,
/// `default = …`, `normalize = function`, `set`, `key = "…"`, `name(max = 64, extra = "-_", lowercase)`.
#[proc_macro_derive(Resource, attributes(resource, field))]
pub fn resource(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    resource::derive(&input).unwrap_or_else(|e| e.to_compile_error()).into()
}

/// Makes a struct the outputs of a kind: `#[output(stable)]` marks what no update changes.
#[proc_macro_derive(Outputs, attributes(output))]
pub fn outputs(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    outputs::derive(&input).unwrap_or_else(|e| e.to_compile_error()).into()
}

/// Makes a nested struct or enum usable in a resource's fields, with outputs at any depth in it.
///
/// Fields take the same `#[field(…)]` attributes as in `derive(Resource)`; variants take `#[value(rename = "…")]`,
/// the type `#[value(path = "…")]` as in `derive(Resource)`.
#[proc_macro_derive(Value, attributes(field, value))]
pub fn value(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    value::derive(&input).unwrap_or_else(|e| e.to_compile_error()).into()
}
