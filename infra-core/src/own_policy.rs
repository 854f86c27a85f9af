//! The least-privilege policy of a stack as a value in its own graph: a built-in kind like any other.
//!
//! A stack that makes the role that looks after it gives that role exactly what `policy` prints. What it needs is told from
//! the program alone: the policy grants reading itself too, and is the same before and after the first deployment.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use infra_state::Value;

use crate::{
    Data as _, Engine, Outputs, Resource, Result,
    command::{PolicyOptions, policy_of},
    graph::{Expr, Graph, Role},
    provider::{
        Connection, Driver, ErasedFind, ErasedObserved, Memo, Purpose, Schema, Violation,
        violations,
    },
};

/// The policy that allows exactly what its own stack needs.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "core:OwnPolicy", outputs = OwnPolicyOutputs)]
pub struct OwnPolicy {
    /// What for: `deploy`, `drift`, `fleet`.
    pub purpose: String,
    /// The document; the engine fills it in when the whole program is known.
    pub document: Option<String>,
}

/// What it gives.
#[derive(Outputs, Clone, Debug)]
pub struct OwnPolicyOutputs {
    /// The document as JSON text.
    pub document: String,
}

/// The driver of the kind.
pub fn driver() -> Arc<dyn Driver> {
    Arc::new(OwnPolicyDriver)
}

struct OwnPolicyDriver;

#[async_trait]
impl Driver for OwnPolicyDriver {
    fn schema(&self) -> &Schema {
        OwnPolicy::schema()
    }

    fn role(&self) -> Role {
        Role::Lookup
    }

    fn is_pinned(&self) -> bool {
        false
    }

    fn type_check(&self, inputs: &Value) -> Vec<Violation> {
        violations::<OwnPolicy>(inputs)
    }

    async fn read(
        &self,
        _: &Connection,
        _: &Memo,
        find: Vec<ErasedFind>,
    ) -> Vec<crate::provider::Result<Option<ErasedObserved>>> {
        let answer = |find: &ErasedFind| {
            let want = find.looked_up()?;
            let document = OwnPolicy::from_value(want)?.document.unwrap_or_default();
            Ok(Some(ErasedObserved::looked_up(want, OwnPolicyOutputs { document }.to_value())))
        };
        find.iter().map(answer).collect()
    }
}

/// Fills in the documents of the policies that a graph has in it.
pub(crate) fn fill(engine: &Engine, graph: &mut Graph) -> Result<()> {
    let own = graph.nodes.values().filter(|node| node.urn.kind() == OwnPolicy::KIND);
    let mut documents = BTreeMap::new();
    for node in own {
        let purpose = node.literal("purpose");
        let purpose = purpose.as_ref().and_then(Value::as_str).and_then(Purpose::named);
        let purpose = purpose.unwrap_or_default();
        let options = PolicyOptions {
            purpose,
            formerly: Vec::new(),
            state: engine.state_url.clone(),
            key: engine.key_url.clone(),
        };
        let found = policy_of(engine, graph, None, &options)?;
        let statements = found.documents.iter().filter_map(|it| it.json["Statement"].as_array());
        let statements: Vec<_> = statements.flatten().cloned().collect();
        let version = found.documents.first().map(|it| it.json["Version"].clone());
        let whole = serde_json::json!({"Statement": statements, "Version": version});
        documents.insert(node.urn.clone(), whole.to_string());
    }
    for (urn, document) in documents {
        if let Some(node) = graph.nodes.get_mut(&urn) {
            let document = Expr::Literal(document.as_str().into());
            node.inputs.insert("document".to_owned(), document);
        }
    }
    Ok(())
}
