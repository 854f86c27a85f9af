//! What may be given for a field.

use std::{collections::BTreeMap, marker::PhantomData};

use infra_state::Value;

use crate::{Data, Sensitive, Text, graph::Expr, program::Output};

/// Something given for a field of type `T`: a value, an output, or a struct with outputs somewhere inside it.
pub struct Input<T> {
    expr: Expr,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Input<T> {
    fn clone(&self) -> Self {
        Self::from_expr(self.expr.clone())
    }
}

impl<T> Input<T> {
    /// The input that this expression computes.
    pub fn from_expr(expr: Expr) -> Self {
        Self { expr, of: PhantomData }
    }

    /// How it is computed.
    pub fn into_expr(self) -> Expr {
        self.expr
    }
}

/// What may be given where a `T` is asked for: a `T`, an `Output<T>`, or an `Input<T>` made by a derived constructor.
#[diagnostic::on_unimplemented(
    message = "expected `{T}` or an `Output<{T}>`, found `{Self}`",
    label = "this is not a `{T}`, nor an output of one",
    note = "pass a value of type `{T}`, or a reference to another resource's output of that type, like `&other.id`",
    note = "where text is wanted, an output of something else (an id) becomes text by `interpolate!(\"{{}}\", &other.id)`"
)]
pub trait IntoInput<T> {
    /// The input.
    fn into_input(self) -> Input<T>;
}

impl<T: Data> IntoInput<T> for T {
    fn into_input(self) -> Input<T> {
        Input::from_expr(Expr::Literal(self.to_value()))
    }
}

impl<T> IntoInput<T> for Input<T> {
    fn into_input(self) -> Self {
        self
    }
}

impl<T> IntoInput<T> for Output<T> {
    fn into_input(self) -> Input<T> {
        Input::from_expr(self.into_expr())
    }
}

impl<T> IntoInput<T> for &Output<T> {
    fn into_input(self) -> Input<T> {
        Input::from_expr(self.expr().clone())
    }
}

impl<T> IntoInput<Sensitive<T>> for Output<T> {
    fn into_input(self) -> Input<Sensitive<T>> {
        Input::from_expr(Expr::Secret(Box::new(self.into_expr())))
    }
}

impl<T> IntoInput<Sensitive<T>> for &Output<T> {
    fn into_input(self) -> Input<Sensitive<T>> {
        self.clone().into_input()
    }
}

impl IntoInput<String> for &str {
    fn into_input(self) -> Input<String> {
        Input::from_expr(Expr::Literal(self.into()))
    }
}

impl IntoInput<String> for &String {
    fn into_input(self) -> Input<String> {
        self.as_str().into_input()
    }
}

impl IntoInput<Sensitive<String>> for &str {
    fn into_input(self) -> Input<Sensitive<String>> {
        Input::from_expr(Expr::Literal(Value::from(self).secret()))
    }
}

impl IntoInput<Sensitive<Self>> for String {
    fn into_input(self) -> Input<Sensitive<Self>> {
        self.as_str().into_input()
    }
}

impl IntoInput<Sensitive<String>> for &String {
    fn into_input(self) -> Input<Sensitive<String>> {
        self.as_str().into_input()
    }
}

/// What may be given for a list: anything that yields inputs, or an output of the whole list.
#[diagnostic::on_unimplemented(
    message = "expected a list of `{T}`, found `{Self}`",
    label = "this is not a list of `{T}` or of outputs of it",
    note = "pass an array, a `Vec` or an iterator of `{T}` or `&Output<{T}>`, like `[&a.id, &b.id]`"
)]
pub trait IntoList<T> {
    /// The input.
    fn into_list(self) -> Input<Vec<T>>;
}

impl<T, I> IntoList<T> for I
where
    I: IntoIterator,
    I::Item: IntoInput<T>,
{
    fn into_list(self) -> Input<Vec<T>> {
        let elements = self.into_iter().map(|element| element.into_input().into_expr());
        Input::from_expr(Expr::List(elements.collect()))
    }
}

impl<T> IntoList<T> for Output<Vec<T>> {
    fn into_list(self) -> Input<Vec<T>> {
        Input::from_expr(self.into_expr())
    }
}

impl<T> IntoList<T> for &Output<Vec<T>> {
    fn into_list(self) -> Input<Vec<T>> {
        Input::from_expr(self.expr().clone())
    }
}

/// What may be given for a map: anything that yields keys and inputs, like `[("Name", "qledger")]`.
pub trait IntoMap<T> {
    /// The input.
    fn into_map(self) -> Input<BTreeMap<String, T>>;
}

impl<T, I, K, V> IntoMap<T> for I
where
    I: IntoIterator<Item = (K, V)>,
    K: Into<String>,
    V: IntoInput<T>,
{
    fn into_map(self) -> Input<BTreeMap<String, T>> {
        let entry = |(key, value): (K, V)| (key.into(), value.into_input().into_expr());
        Input::from_expr(Expr::Map(self.into_iter().map(entry).collect()))
    }
}

/// What may stand for a `{}` of [`interpolate!`](crate::interpolate): text, numbers, ids, and outputs of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand inside `interpolate!`",
    label = "not text, a number, an id, or an output of one",
    note = "for lists and structs use `.json()` or `.map(…)` first"
)]
pub trait IntoText {
    /// The expression.
    fn into_text(self) -> Expr;
}

impl<T: Text> IntoText for T {
    fn into_text(self) -> Expr {
        Expr::Literal(self.to_value())
    }
}

impl<T: Text> IntoText for Output<T> {
    fn into_text(self) -> Expr {
        self.into_expr()
    }
}

impl<T: Text> IntoText for &Output<T> {
    fn into_text(self) -> Expr {
        self.expr().clone()
    }
}

impl IntoText for &str {
    fn into_text(self) -> Expr {
        Expr::Literal(self.into())
    }
}

impl IntoText for &String {
    fn into_text(self) -> Expr {
        self.as_str().into_text()
    }
}

/// What may be exported: any output, or a value.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be exported",
    label = "neither an output nor a value",
    note = "pass a reference to an output, like `&lb.dns_name`, a list of outputs, or a value like text or a list"
)]
pub trait IntoExport {
    /// The expression.
    fn into_export(self) -> Expr;
}

impl<T: Data> IntoExport for T {
    fn into_export(self) -> Expr {
        Expr::Literal(self.to_value())
    }
}

impl<T> IntoExport for Output<T> {
    fn into_export(self) -> Expr {
        self.into_expr()
    }
}

impl<T> IntoExport for &Output<T> {
    fn into_export(self) -> Expr {
        self.expr().clone()
    }
}

macro_rules! export_lists {
    ($([$($generics:tt)*] $list:ty;)*) => { $(
        impl<$($generics)*> IntoExport for $list {
            fn into_export(self) -> Expr {
                Output::all(self).into_expr()
            }
        }
    )* };
}

export_lists! {
    [T] Vec<Output<T>>;
    [T] Vec<&Output<T>>;
    [T] &Vec<Output<T>>;
    [T] &[Output<T>];
    [T, const N: usize] [Output<T>; N];
    [T, const N: usize] [&Output<T>; N];
    [T, const N: usize] &[Output<T>; N];
}

impl<T> IntoExport for BTreeMap<String, Output<T>> {
    fn into_export(self) -> Expr {
        Expr::Map(self.into_iter().map(|(key, output)| (key, output.into_expr())).collect())
    }
}

impl IntoExport for &String {
    fn into_export(self) -> Expr {
        self.as_str().into_export()
    }
}

impl IntoExport for &str {
    fn into_export(self) -> Expr {
        Expr::Literal(self.into())
    }
}

/// The fields set so far of a struct being declared; what the derived constructors and setters fill.
#[doc(hidden)]
#[derive(Clone, Default)]
pub struct Fields(BTreeMap<String, Expr>);

impl Fields {
    /// Sets a field.
    #[must_use]
    pub fn with<T>(mut self, name: &str, input: Input<T>) -> Self {
        self.0.insert(name.to_owned(), input.into_expr());
        self
    }

    /// The fields.
    pub fn into_map(self) -> BTreeMap<String, Expr> {
        self.0
    }

    /// The fields as one expression.
    pub fn into_expr(self) -> Expr {
        Expr::Map(self.0)
    }
}
