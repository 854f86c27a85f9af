//! What the derives read off a field's type.

use syn::{GenericArgument, PathArguments, Type};

/// How a field is set.
pub(crate) enum Setter<'a> {
    /// One value of this type.
    One(&'a Type),
    /// A list of this type.
    List(&'a Type),
    /// A map with values of this type.
    Map(&'a Type),
}

/// A field's type, taken apart.
pub(crate) struct FieldType<'a> {
    /// It may be left out: `Option`, `Vec` or a map.
    pub(crate) optional: bool,
    /// The type without `Option`.
    pub(crate) inner: &'a Type,
    /// How it is set.
    pub(crate) setter: Setter<'a>,
    /// It is `Sensitive`.
    pub(crate) secret: bool,
}

impl<'a> FieldType<'a> {
    pub(crate) fn of(ty: &'a Type) -> Self {
        let option = argument(ty, "Option", 0);
        let inner = option.unwrap_or(ty);
        let setter = if let Some(of) = argument(inner, "Vec", 0) {
            Setter::List(of)
        } else if let Some(of) = argument(inner, "BTreeMap", 1) {
            Setter::Map(of)
        } else {
            Setter::One(inner)
        };
        let optional = option.is_some() || !matches!(setter, Setter::One(_));
        let secret = argument(inner, "Sensitive", 0).is_some();
        Self { optional, inner, setter, secret }
    }
}

/// The generic argument `at` of `ty`, if its last path segment is `name`.
fn argument<'a>(ty: &'a Type, name: &str, at: usize) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    if last.ident != name {
        return None;
    }
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.iter().nth(at)? {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }
}
