//! Values that are known once a resource exists.

use std::{borrow::Borrow, fmt, marker::PhantomData, panic::Location, sync::Arc};

use infra_state::{Path, Urn, Value};

use crate::{
    Data, Sensitive,
    graph::{Expr, Opaque},
};

/// A `T` that some resource will give.
///
/// It has no value in the program: it can be passed on, put into text, mapped; not compared, printed or branched on.
/// So the graph is the same in preview and in `up`.
pub struct Output<T> {
    expr: Expr,
    of: PhantomData<fn() -> T>,
}

/// What could be compared with an output: nothing anybody has. It exists so that the compiler can say why.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "an `Output` cannot be compared: its value is not known while the program runs",
    label = "this value is known only once the resource exists",
    note = "branch on the configuration instead; to work with the value later use `.map(|value| …)` or `interpolate!`"
)]
pub trait KnownWhileTheProgramRuns {}

/// Two types that have no values. With fewer the compiler would know before it looks at the right side of a `==` that
/// there is no such comparison, and say only that.
mod nothing {
    pub enum One {}
    pub enum Other {}
}

#[diagnostic::do_not_recommend]
impl KnownWhileTheProgramRuns for ValueOf<nothing::One> {}
#[diagnostic::do_not_recommend]
impl KnownWhileTheProgramRuns for ValueOf<nothing::Other> {}

/// Never usable: nothing fulfils the bound.
impl<T, U> PartialEq<U> for Output<T>
where
    ValueOf<U>: KnownWhileTheProgramRuns,
{
    fn eq(&self, _: &U) -> bool {
        false
    }
}

/// Stands for a value that there is none of while the program runs. The bounds below are on this type, not on the
/// output: of a bound on the type itself the compiler would tell the outer trait only, not why it is not there.
#[doc(hidden)]
pub struct ValueOf<T>(PhantomData<fn() -> T>);

/// Never fulfilled: it exists so that the compiler can say why an output cannot be printed.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "an `Output` cannot be printed: its value is not known while the program runs",
    label = "this value is known only once the resource exists",
    note = "write `interpolate!(\"net-{{}}\", &vpc.id)` instead of `format!(\"net-{{}}\", vpc.id)`: it gives an `Output<String>`",
    note = "names of resources and of exports must be known: they cannot be made from outputs"
)]
pub trait PrintableWhileTheProgramRuns {}

/// Never usable: nothing fulfils the bound.
impl<T> fmt::Display for Output<T>
where
    ValueOf<T>: PrintableWhileTheProgramRuns,
{
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// How it is computed; never a secret.
impl<T> fmt::Debug for Output<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)
    }
}

impl<T> Clone for Output<T> {
    fn clone(&self) -> Self {
        Self::from_expr(self.expr.clone())
    }
}

impl<T> Output<T> {
    /// The output that this expression computes; the derives and combinators make these.
    pub fn from_expr(expr: Expr) -> Self {
        Self { expr, of: PhantomData }
    }

    /// The output `path` of a resource.
    pub fn of(urn: &Urn, path: Path) -> Self {
        Self::from_expr(Expr::Reference { urn: urn.clone(), path })
    }

    /// How it is computed.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// How it is computed.
    pub fn into_expr(self) -> Expr {
        self.expr
    }

    /// The same value with the secret mark: sealed in state, hidden everywhere.
    #[must_use]
    pub fn secret(&self) -> Output<Sensitive<T>> {
        Output::from_expr(Expr::Secret(Box::new(self.expr.clone())))
    }

    /// The value as canonical JSON text.
    #[must_use]
    pub fn json(&self) -> Output<String> {
        Output::from_expr(Expr::Json(Box::new(self.expr.clone())))
    }

    /// All these values at once, as a list: `Output::all(&subnet_ids).map(|ids| …)`.
    pub fn all<O: Borrow<Self>>(outputs: impl IntoIterator<Item = O>) -> Output<Vec<T>> {
        let exprs = outputs.into_iter().map(|output| output.borrow().expr.clone());
        Output::from_expr(Expr::List(exprs.collect()))
    }

    /// Both values at once, for `map`.
    #[must_use]
    pub fn zip<U>(&self, other: &Output<U>) -> Output<(T, U)> {
        Output::from_expr(Expr::List(vec![self.expr.clone(), other.expr.clone()]))
    }
}

impl<T: Data> Output<T> {
    /// A value that is known already, where an output is asked for.
    pub fn known(value: &T) -> Self {
        Self::from_expr(Expr::Literal(value.to_value()))
    }

    /// Applies a closure once the value is known. The closure must be pure; it is not stored, its result is.
    #[track_caller]
    #[must_use]
    pub fn map<U: Data>(&self, f: impl Fn(T) -> U + Send + Sync + 'static) -> Output<U> {
        self.try_map(move |value| Ok(f(value)))
    }

    /// Applies a closure that may fail: the failure fails the resource that needed the value.
    #[track_caller]
    #[must_use]
    pub fn try_map<U: Data>(
        &self,
        f: impl Fn(T) -> Result<U, String> + Send + Sync + 'static,
    ) -> Output<U> {
        let apply = move |value: &Value| {
            let value = T::from_value(value).map_err(|e| e.to_string())?;
            f(value).map(|value| value.to_value())
        };
        Output::from_expr(Expr::Opaque(Opaque {
            input: Box::new(self.expr.clone()),
            apply: Arc::new(apply),
            at: Location::caller(),
        }))
    }
}

impl<A: Data, B: Data> Output<(A, B)> {
    /// Applies a closure to both once they are known.
    #[track_caller]
    #[must_use]
    pub fn map2<U: Data>(&self, f: impl Fn(A, B) -> U + Send + Sync + 'static) -> Output<U> {
        let apply = move |value: &Value| {
            let part = |at| value.as_list().and_then(|list| list.get(at)).unwrap_or(&Value::Null);
            let a = A::from_value(part(0)).map_err(|e| e.to_string())?;
            let b = B::from_value(part(1)).map_err(|e| e.to_string())?;
            Ok(f(a, b).to_value())
        };
        Output::from_expr(Expr::Opaque(Opaque {
            input: Box::new(self.expr.clone()),
            apply: Arc::new(apply),
            at: Location::caller(),
        }))
    }
}

impl<T> Output<Vec<T>> {
    /// One element.
    #[must_use]
    pub fn index(&self, index: usize) -> Output<T> {
        Output::from_expr(Expr::Index(Box::new(self.expr.clone()), index))
    }
}

impl Output<String> {
    /// The text in base64 (user data).
    #[must_use]
    pub fn base64(&self) -> Self {
        Self::from_expr(Expr::Base64(Box::new(self.expr.clone())))
    }

    /// The text percent-encoded, as a part of a URL.
    #[must_use]
    pub fn url_encode(&self) -> Self {
        Self::from_expr(Expr::UrlEncode(Box::new(self.expr.clone())))
    }
}
