//! What a person calls a resource.

use infra_state::Urn;

use crate::{Error, ErrorKind, Result, config::nearest};

/// The one resource that `text` means: a whole urn, or the name part of one (`net/vpc`) if no other has it.
pub fn resolve<'u>(text: &str, known: impl IntoIterator<Item = &'u Urn>) -> Result<Urn> {
    let known: Vec<&Urn> = known.into_iter().collect();
    if let Some(urn) = known.iter().find(|urn| urn.as_str() == text) {
        return Ok((*urn).clone());
    }
    let mut named: Vec<&&Urn> = known.iter().filter(|urn| urn.name() == text).collect();
    named.dedup();
    let message = match &named[..] {
        [urn] => return Ok((**urn).clone()),
        [] => {
            let hint = nearest(text, known.iter().map(|urn| urn.name()))
                .or_else(|| nearest(text, known.iter().map(|urn| urn.as_str())));
            match hint {
                Some(hint) => format!("there is no resource `{text}`; did you mean `{hint}`?"),
                None => {
                    format!("there is no resource `{text}`; `state list` shows those there are")
                }
            }
        }
        several => {
            let several: Vec<_> = several.iter().map(|urn| format!("`{urn}`")).collect();
            format!("`{text}` could be {}: write the whole urn", several.join(" or "))
        }
    };
    Err(Error::new(ErrorKind::Usage, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_enough_if_it_is_the_only_one() {
        let urns: Vec<Urn> = ["a:Vpc::net/vpc", "a:Key::main", "a:Alias::main"]
            .iter()
            .map(|u| u.parse().unwrap())
            .collect();
        assert_eq!(resolve("net/vpc", &urns).unwrap(), urns[0]);
        assert_eq!(resolve("a:Key::main", &urns).unwrap(), urns[1]);
        let error = |text| resolve(text, &urns).unwrap_err().to_string();
        assert_eq!(
            error("main"),
            "`main` could be `a:Key::main` or `a:Alias::main`: write the whole urn"
        );
        assert_eq!(error("net/vcp"), "there is no resource `net/vcp`; did you mean `net/vpc`?");
        assert_eq!(
            error("a:Key::mian"),
            "there is no resource `a:Key::mian`; did you mean `a:Key::main`?"
        );
        assert!(error("elsewhere").contains("`state list`"));
    }
}
