//! How values of a type are written in a Rust program, and which output fits which field.
//!
//! Every type of a field or an output says it ([`Data::spelling`](crate::Data::spelling)); the derives write it. The text of
//! a program is made from it ([`transfer::write`](crate::transfer::write)), and who recovers references asks it first:
//!
//! ```
//! use infra_core::{Data as _, Resource as _, secret::Secret, spelling::{Fit, fit}, state::Path};
//!
//! let schema = Secret::schema();
//! let output = schema.output_spelling(&Path::field("value")).unwrap();
//! let field = schema.spelling(&Path::field("alphabet")).unwrap();
//! assert_eq!((output.name(), field.name()), ("Sensitive<String>".into(), "String".into()));
//! assert_eq!(fit(&output, &field), Some(Fit::Text));
//! ```
//!
//! **Invariant:** the paths of types are public: a program outside of the type's crate can name it.

mod fit;
mod path;
mod place;
mod types;

pub use fit::{Fit, fit};
pub use path::path;
pub use types::{Form, Spelling, Variant};
