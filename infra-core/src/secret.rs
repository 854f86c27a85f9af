//! Generated secrets: a built-in kind like any other.

use std::sync::Arc;

use async_trait::async_trait;
use infra_state::Value;

use crate::{
    Outputs, Resource, Sensitive,
    graph::Role,
    provider::{
        Connection, Driver, ErasedChange, ErasedFind, ErasedObserved, Error, Field, Memo,
        Operation, Partial, Readiness, Result, Schema, Violation, violations,
    },
};

/// A secret that is generated once and sealed in state. Another length, alphabet or rotation makes a new one.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "core:Secret", outputs = SecretOutputs)]
pub struct Secret {
    /// How many characters, 8 to 4096; 32 if left out.
    #[field(replace, default = 32u16)]
    pub length: u16,
    /// The characters it is made of; letters and digits if left out (safe in URLs, shells and DSNs).
    #[field(replace)]
    pub alphabet: Option<String>,
    /// Any text: another text makes a new secret.
    #[field(replace)]
    pub rotation: Option<String>,
}

/// What a secret gives.
#[derive(Outputs, Clone, Debug)]
pub struct SecretOutputs {
    /// The secret.
    #[output(stable)]
    pub value: Sensitive<String>,
}

/// Letters and digits.
pub(crate) const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl Secret {
    /// Draws the secret with `random`, which fills a buffer with random bytes. Every character is equally likely.
    pub fn generate(&self, random: &mut dyn FnMut(&mut [u8])) -> String {
        let alphabet: Vec<char> = self.alphabet.as_deref().unwrap_or(ALPHABET).chars().collect();
        // Values past the last whole multiple would make the first characters likelier.
        let limit = 256 - 256 % alphabet.len().max(1);
        let mut text = String::new();
        while text.chars().count() < usize::from(self.length) {
            let mut bytes = [0; 64];
            random(&mut bytes);
            let fitting = bytes.iter().map(|&b| usize::from(b)).filter(|&b| b < limit);
            let wanted = usize::from(self.length) - text.chars().count();
            text.extend(fitting.map(|b| alphabet[b % alphabet.len()]).take(wanted));
        }
        text
    }

    /// Whether this declaration could have generated the text.
    pub fn could_be(&self, text: &str) -> bool {
        let alphabet = self.alphabet.as_deref().unwrap_or(ALPHABET);
        text.chars().count() == usize::from(self.length)
            && text.chars().all(|c| alphabet.contains(c))
    }
}

/// The driver of generated secrets. The engine calls no cloud for them: it draws the value and records it.
pub fn driver() -> Arc<dyn Driver> {
    Arc::new(SecretDriver)
}

struct SecretDriver;

#[async_trait]
impl Driver for SecretDriver {
    fn schema(&self) -> &Schema {
        Secret::schema()
    }

    fn role(&self) -> Role {
        Role::Managed
    }

    fn type_check(&self, inputs: &Value) -> Vec<Violation> {
        violations::<Secret>(inputs)
    }

    fn check(&self, want: &Value) -> Vec<Violation> {
        let want = Partial::<Secret>::new(want.clone());
        let mut violations = Vec::new();
        if let Some(length) = want.get(Secret::LENGTH).known()
            && !(8..=4096).contains(&length)
        {
            let message = format!("expected 8 to 4096 characters, found {length}");
            violations.push(Violation::of(Secret::LENGTH, message));
        }
        if let Some(alphabet) = want.get(Secret::ALPHABET).known()
            && !(2..=256).contains(&alphabet.chars().count())
        {
            let message = "expected 2 to 256 different characters".to_owned();
            violations.push(Violation::of(Field::<Secret, String>::new("alphabet"), message));
        }
        violations
    }

    async fn read(
        &self,
        _: &Connection,
        _: &Memo,
        find: Vec<ErasedFind>,
    ) -> Vec<Result<Option<ErasedObserved>>> {
        // What is in state is all there is of a secret: it never drifts, and it cannot be read anywhere else.
        let answer = |find: &ErasedFind| match find {
            ErasedFind::Id { id, recorded: Some(recorded) } => Ok(Some(ErasedObserved {
                id: id.clone(),
                readiness: Readiness::Ready,
                live: recorded.clone(),
                outputs: None,
                owner: None,
                beyond: Vec::new(),
            })),
            _ => Ok(None),
        };
        find.iter().map(answer).collect()
    }

    async fn create(&self, _: &Connection, _: &Value, op: &Operation) -> Result<String> {
        Ok(op.instance.to_string())
    }

    async fn update(&self, _: &Connection, _: &ErasedChange, _: &Operation) -> Result<()> {
        Err(Error::invalid("a secret has nothing to update in place"))
    }

    async fn delete(
        &self,
        _: &Connection,
        _: &ErasedObserved,
        _: &Value,
        _: &Operation,
    ) -> Result<()> {
        Ok(())
    }
}
