//! Providers and lookups: nodes that nothing is created, changed or deleted for.

use std::sync::Arc;

use infra_state::{Record, Value};

use super::{
    Action, Cause, Held, Moved, Subject, Verdict, assess,
    draft::{Make, because},
    forward::Forward,
};
use crate::{Result, graph::Node};

impl<'a> Forward<'a> {
    pub(super) fn provider(
        &mut self,
        node: &'a Node,
        record: Option<Arc<Record>>,
    ) -> Result<Make<'a>> {
        let Some(record) = record else {
            let mut make = self.fresh(node, Cause::New)?;
            make.record_only = true;
            make.outputs = self.nothing.clone();
            return Ok(make);
        };
        let desired = self.wanted(node, &record.instance, Some(&record.inputs))?;
        let subject = Subject {
            node,
            recorded: &record,
            desired: &desired,
            seen: None,
            moved: Moved::No,
            asked: false,
        };
        let mut found = assess(&subject, &|path| self.follows(node, path));
        let mut identities = self.remembered.identities(&node.urn);
        let moved = match self.seen.providers.get(&node.urn) {
            _ if found.diff.is_empty() => Moved::No,
            Some(now) if identities.all(|made| made == now) => Moved::No,
            Some(_) => Moved::Yes,
            None if identities.next().is_none() || !desired.has_unknown() => Moved::No,
            None => Moved::Maybe,
        };
        if moved == Moved::No {
            found.verdict = found.verdict.min(Verdict::Update);
            let mut make = self.in_place(node, record, desired, found, None);
            make.record_only = make.acts();
            make.outputs = self.nothing.clone();
            return Ok(make);
        }
        // Until all that was made through the old connection is gone, its configuration must be remembered.
        self.moved.insert(&node.urn, moved);
        let mut make = self.replacement(node, record, found)?;
        if let Some(replacing) = &mut make.replaces {
            replacing.if_changed = moved == Moved::Maybe;
            replacing.first = None;
        }
        make.record_only = true;
        make.outputs = self.nothing.clone();
        Ok(make)
    }

    pub(super) fn lookup(&self, node: &'a Node, record: Option<&Arc<Record>>) -> Result<Make<'a>> {
        let instance = record.map_or_else(|| (self.mint)(), |record| record.instance.clone());
        let inputs = self.wanted(node, &instance, record.map(|record| &record.inputs))?;
        let pinned = record.filter(|record| record.inputs == inputs);
        let stays = node.driver.is_pinned() && !self.options.refresh_lookups;
        let looked_up = self.seen.lookups.get(&node.urn);
        let mut make = Make {
            node,
            action: Action::Read,
            instance,
            recorded: record.cloned(),
            inputs: Held::from(Value::Null),
            outputs: self.unknown.clone(),
            diff: Vec::new(),
            drift: Vec::new(),
            paths: Vec::new(),
            replaces: None,
            why: Vec::new(),
            record_only: false,
        };
        match (pinned, looked_up) {
            (Some(record), found) if found.map_or(stays, |found| *found == record.outputs) => {
                make.action = Action::Keep;
                make.record_only = self.options_changed(node, record);
                make.inputs = Held::Inputs(Arc::clone(record));
                make.outputs = Held::Outputs(Arc::clone(record));
                return Ok(make);
            }
            (_, Some(found)) if !inputs.has_unknown() => {
                make.outputs = found.clone().into();
                make.record_only = true;
            }
            _ => {}
        }
        let cause = if record.is_some() { Cause::Changed } else { Cause::New };
        make.why.push(because(&node.urn, None, cause));
        make.inputs = inputs.into();
        Ok(make)
    }
}
