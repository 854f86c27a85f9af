//! Which output may be given for which field.

use super::Spelling;

/// How an output is given for a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// As it is: `&vpc.id`. Into a sealed field also what is not sealed.
    Same,
    /// The field takes text, and the output can be written as text: `interpolate!("{}", &vpc.id)`.
    Text,
}

/// How an output of the type `output` can be given for a field of the type `field`; `None` if that does not compile.
pub fn fit(output: &Spelling, field: &Spelling) -> Option<Fit> {
    let (given, wanted) = (output.name(), field.name());
    if given == wanted {
        return Some(Fit::Same);
    }
    match field {
        // The plain value of the same type becomes sealed; any text by way of `interpolate!`.
        Spelling::Secret(inner) => match &**inner {
            of if of.name() == given => Some(Fit::Same),
            Spelling::Text if output.is_text() => Some(Fit::Text),
            _ => None,
        },
        Spelling::Text if output.is_text() => Some(Fit::Text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Data, Sensitive};

    crate::text_type! {
        /// An id.
        Id, "an id", |text| !text.is_empty()
    }

    fn between<Output: Data, Field: Data>() -> Option<Fit> {
        fit(&Output::spelling(), &Field::spelling())
    }

    #[test]
    fn only_what_compiles_fits() {
        assert_eq!(between::<Id, Id>(), Some(Fit::Same));
        assert_eq!(between::<Id, Option<Id>>(), Some(Fit::Same));
        assert_eq!(between::<Id, String>(), Some(Fit::Text));
        assert_eq!(between::<i32, String>(), Some(Fit::Text));
        assert_eq!(between::<String, Id>(), None);
        assert_eq!(between::<Vec<Id>, Id>(), None);
        assert_eq!(between::<Vec<Id>, Vec<Id>>(), Some(Fit::Same));
        assert_eq!(between::<Vec<String>, String>(), None);
        assert_eq!(between::<f64, String>(), None);
        assert_eq!(between::<String, Sensitive<String>>(), Some(Fit::Same));
        assert_eq!(between::<Id, Sensitive<String>>(), Some(Fit::Text));
        assert_eq!(between::<Sensitive<String>, String>(), Some(Fit::Text));
        assert_eq!(between::<Sensitive<String>, Id>(), None);
    }
}
