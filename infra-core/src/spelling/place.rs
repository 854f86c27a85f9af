//! The type of what is at a path.

use infra_state::{Path, Segment};

use super::{Form, Spelling};
use crate::provider::{FieldSchema, Schema};

impl Schema {
    /// The type of what is at this path of the inputs; `None` where there is no such place.
    pub fn spelling(&self, path: &Path) -> Option<Spelling> {
        in_fields(&self.fields, &path.0)
    }

    /// The type of what is at this path of the outputs; `None` where there is no such place.
    pub fn output_spelling(&self, path: &Path) -> Option<Spelling> {
        let (Segment::Key(name), rest) = path.0.split_first()? else { return None };
        let output = self.outputs.iter().find(|output| output.name == name)?;
        inside((output.spelling)(), rest)
    }
}

fn in_fields(fields: &[FieldSchema], path: &[Segment]) -> Option<Spelling> {
    let (Segment::Key(name), rest) = path.split_first()? else { return None };
    let field = fields.iter().find(|field| field.name == name)?;
    inside((field.spelling)(), rest)
}

/// The type of what is at `path` inside a value of this type. A sealed value's parts have the types they would have plain.
fn inside(spelling: Spelling, path: &[Segment]) -> Option<Spelling> {
    let Some((first, rest)) = path.split_first() else { return Some(spelling) };
    match (spelling, first) {
        (Spelling::Secret(of) | Spelling::Newtype { of, .. }, _) => inside(*of, path),
        (Spelling::Json, _) => Some(Spelling::Json),
        (Spelling::List(of), Segment::Index(_) | Segment::Any)
        | (Spelling::Map(of), Segment::Key(_) | Segment::Any) => inside(*of, rest),
        (Spelling::Struct { fields, .. }, Segment::Key(_)) => in_fields(&fields, path),
        (Spelling::Enum { variants, .. }, Segment::Key(text)) => {
            match variants.into_iter().find(|variant| variant.text == text)?.form {
                Form::Unit => None,
                Form::One { of, .. } => inside(of(), rest),
                Form::Fields { fields, .. } => in_fields(&fields, rest),
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{Data as _, Resource, Value, spelling::path};

    #[derive(Value, Clone, Debug)]
    enum Target {
        Everything,
        Ports(Vec<u16>),
        Range { from: u16, to: u16 },
    }

    #[derive(Value, Clone, Debug)]
    struct Rule {
        to: Target,
        note: Option<String>,
    }

    #[derive(Resource, Clone, Debug)]
    #[resource(kind = "test:Wall")]
    struct Wall {
        rules: Vec<Rule>,
        tags: BTreeMap<String, String>,
    }

    #[test]
    fn a_place_has_the_type_that_the_program_has_to_give() {
        let of = |path: &str| Wall::schema().spelling(&path.parse().unwrap()).map(|s| s.name());
        let rule = path(module_path!(), "Rule");
        assert_eq!(of("rules"), Some(format!("Vec<{rule}>")));
        assert_eq!(of("rules[3]"), Some(rule));
        assert_eq!(of("rules[0].note"), Some("String".into()));
        assert_eq!(of("rules[0].to.ports[1]"), Some("u16".into()));
        assert_eq!(of("rules[0].to.range.from"), Some("u16".into()));
        assert_eq!(of("rules[0].to.everything.x"), None);
        assert_eq!(of("tags[\"a.b\"]"), Some("String".into()));
        assert_eq!(of("nothing"), None);
        assert_eq!(Wall::schema().path, path(module_path!(), "Wall"));
        assert!(
            matches!(Target::spelling(), Spelling::Enum { variants, .. } if variants.len() == 3)
        );
    }
}
