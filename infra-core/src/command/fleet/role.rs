//! The role in which the stacks of an account are looked at.

use std::{collections::BTreeSet, fmt, net::TcpListener, str::FromStr, sync::Arc};

use async_trait::async_trait;
use infra_state::{ProviderIdentity, Snapshot, StackName, Value};
use tokio_util::sync::CancellationToken;

use crate::{
    policy::Policy,
    provider::{
        Connection, Connector, Contained, Context, Driver, Error, Needs, Planted, Policies, Result,
        Touched,
    },
};

/// A template of roles: `arn:aws:iam::{account}:role/drift`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role(String);

/// What may stand in a template.
const FIELDS: [&str; 4] = ["account", "program", "region", "stack"];

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut rest = text;
        while let Some((_, after)) = rest.split_once('{') {
            let (field, after) = after.split_once('}').unwrap_or((after, ""));
            if !FIELDS.contains(&field) {
                let known = FIELDS.map(|field| format!("`{{{field}}}`")).join(", ");
                return Err(format!("`{{{field}}}` is no part of a role; known: {known}"));
            }
            rest = after;
        }
        if text.is_empty() || rest.contains('}') {
            return Err("write it like `arn:aws:iam::{account}:role/drift`".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Role {
    /// The role for what a provider of this stack has at this place.
    fn at(&self, stack: &StackName, identity: &ProviderIdentity) -> Result<String> {
        let mut role = self.0.clone();
        for field in FIELDS {
            let mark = format!("{{{field}}}");
            if !role.contains(&mark) {
                continue;
            }
            let value = match field {
                "program" => Some(&stack.program),
                "stack" => Some(&stack.stack),
                place => identity.get(place),
            };
            let value = value.ok_or_else(|| {
                Error::invalid(format!(
                    "no {field} is recorded that the role {} could be in",
                    self.0
                ))
            })?;
            role = role.replace(&mark, value);
        }
        Ok(role)
    }
}

/// A connector whose connections work in a role of the account in which the stack's objects are recorded. Clouds without
/// accounts are connected as they are.
pub struct InRole {
    inner: Arc<dyn Connector>,
    role: Role,
    stack: StackName,
    /// The configurations of recorded providers, and where their objects are.
    places: Vec<(Value, ProviderIdentity)>,
}

impl InRole {
    /// The same connector, working in a role.
    pub fn new(inner: Arc<dyn Connector>, role: Role, snapshot: &Snapshot) -> Self {
        let mut places = Vec::new();
        for record in snapshot.records.values() {
            let Some(provider) = &record.provider else { continue };
            if provider.urn.kind() != inner.provider_kind() {
                continue;
            }
            for configured in snapshot.of(&provider.urn) {
                let place = (configured.inputs.clone(), provider.identity.clone());
                if !places.contains(&place) {
                    places.push(place);
                }
            }
        }
        Self { inner, role, stack: snapshot.identity.stack.clone(), places }
    }

    /// Where the objects of a provider with this configuration are, as far as it is recorded.
    fn place(&self, config: &Value) -> Option<&ProviderIdentity> {
        let recorded = self.places.iter().find(|(recorded, _)| recorded.same(config));
        // A provider that was configured anew since is in the account of the others, if there is but one.
        let accounts: BTreeSet<_> = self.places.iter().map(|(_, at)| at.get("account")).collect();
        let only = || self.places.first().filter(|_| accounts.len() == 1);
        recorded.or_else(only).map(|(_, at)| at)
    }
}

#[deny(clippy::missing_trait_methods, reason = "it is the same connector in everything else")]
#[async_trait]
impl Connector for InRole {
    fn provider_kind(&self) -> &'static str {
        self.inner.provider_kind()
    }

    fn drivers(&self) -> Vec<Arc<dyn Driver>> {
        self.inner.drivers()
    }

    fn kind(&self, kind: &str) -> Option<&'static Arc<dyn Driver>> {
        self.inner.kind(kind)
    }

    fn default_provider(&self, context: &Context) -> Result<Value> {
        self.inner.default_provider(context)
    }

    async fn connect(&self, config: &Value, context: &Context) -> Result<Connection> {
        match self.place(config) {
            Some(place) if place.contains_key("account") => {
                let role = self.role.at(&self.stack, place)?;
                let config = self.inner.as_role(config.clone(), &role)?;
                self.inner.connect(&config, context).await
            }
            _ => self.inner.connect(config, context).await,
        }
    }

    async fn serve(
        &self,
        listener: TcpListener,
        context: &Context,
        stop: CancellationToken,
    ) -> Result<()> {
        self.inner.serve(listener, context, stop).await
    }

    async fn plant(&self, state: &serde_json::Value, context: &Context) -> Result<Planted> {
        self.inner.plant(state, context).await
    }

    fn settings(&self) -> Vec<String> {
        self.inner.settings()
    }

    fn environment(&self, address: std::net::SocketAddr) -> Vec<(String, String)> {
        self.inner.environment(address)
    }

    fn notice(&self, context: &Context) -> Option<String> {
        self.inner.notice(context)
    }

    fn plugged(&self, name: &str) -> Vec<String> {
        self.inner.plugged(name)
    }

    fn policies(&self, needs: &Needs) -> Result<Option<Policies>> {
        self.inner.policies(needs)
    }

    fn guardrails(&self) -> Vec<Policy> {
        self.inner.guardrails()
    }

    fn listens(&self) -> &'static str {
        self.inner.listens()
    }

    fn as_role(&self, config: Value, role: &str) -> Result<Value> {
        self.inner.as_role(config, role)
    }

    fn rules(&self) -> Vec<crate::drift::Rule> {
        self.inner.rules()
    }

    async fn actors(
        &self,
        connection: &Connection,
        asked: &[Touched<'_>],
        since: jiff::Timestamp,
    ) -> Vec<Option<crate::drift::Actor>> {
        self.inner.actors(connection, asked, since).await
    }

    fn terraform(&self) -> crate::transfer::terraform::Tables {
        self.inner.terraform()
    }

    async fn contained(
        &self,
        connection: &Connection,
        within: &str,
    ) -> Result<Option<Vec<Contained>>> {
        self.inner.contained(connection, within).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_made_of_where_the_objects_are() {
        let role: Role = "arn:aws:iam::{account}:role/drift-{stack}".parse().unwrap();
        let stack = StackName::new("shop", "prod").unwrap();
        let place = ProviderIdentity::from([("account".to_owned(), "123".to_owned())]);
        assert_eq!(role.at(&stack, &place).unwrap(), "arn:aws:iam::123:role/drift-prod");
        let error = role.at(&stack, &ProviderIdentity::new()).unwrap_err().to_string();
        assert!(error.contains("no account is recorded"), "{error}");
        let error = "arn:aws:iam::{acount}:role/x".parse::<Role>().unwrap_err();
        assert!(
            error.starts_with("`{acount}` is no part of a role; known: `{account}`"),
            "{error}"
        );
        assert!("".parse::<Role>().is_err() && "a}b".parse::<Role>().is_err());
    }
}
