//! Which stack is referred to.

use infra_state::StackName;

use crate::Resource;

/// Which stack is referred to, and how it is reached.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "core:StackReference", outputs = ())]
pub struct StackReference {
    /// The stack's name, or `PROGRAM/STACK`.
    pub stack: String,
    /// Its program, if it is another one.
    pub of_program: Option<String>,
    /// Where its state lives, if it is another place: `s3://…`. A stack of the same program is looked for where its
    /// settings say.
    pub at: Option<String>,
    /// What seals its secrets, if they are needed and its settings do not say it: `file:PATH`, or another scheme.
    pub key: Option<String>,
}

impl StackReference {
    /// The stack that is meant by a stack of `own`.
    pub(super) fn target(&self, own: &str) -> infra_state::Result<StackName> {
        match (&self.of_program, self.stack.split_once('/')) {
            (Some(program), _) => StackName::new(program, &self.stack),
            (None, Some((program, stack))) => StackName::new(program, stack),
            (None, None) => StackName::new(own, &self.stack),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_named_alone_or_with_its_program() {
        let named = |stack: &str, of_program: Option<&str>| StackReference {
            stack: stack.to_owned(),
            of_program: of_program.map(str::to_owned),
            at: None,
            key: None,
        };
        let target = |reference: StackReference| reference.target("shop").unwrap().to_string();
        assert_eq!(target(named("network", None)), "shop/network");
        assert_eq!(target(named("platform/network", None)), "platform/network");
        assert_eq!(target(named("network", Some("platform"))), "platform/network");
        assert!(named("a/b", Some("platform")).target("shop").is_err());
    }
}
