//! Why something is planned: from the cause outwards.

use std::collections::{BTreeMap, BTreeSet};

use infra_state::{Path, Segment, Urn, Value};

use super::{Assessment, Cause, Why, draft::because, forward::Forward};
use crate::graph::{Expr, Node, Role};

/// How many links of a reason chain are kept.
const LINKS: usize = 8;

impl Forward<'_> {
    /// The other resource's output that a value hangs on and that is not known.
    pub(super) fn follows(&self, node: &Node, path: &Path) -> Option<Cause> {
        let (field, rest) = path.0.split_first()?;
        let Segment::Key(field) = field else { return None };
        let mut expr = node.inputs.get(field)?;
        for segment in rest {
            expr = match (segment, expr) {
                (Segment::Key(key), Expr::Map(map)) => map.get(key)?,
                (Segment::Index(at), Expr::List(list)) => list.get(*at)?,
                _ => break,
            };
        }
        let mut cause = None;
        expr.references(&mut |urn, output| {
            let known = self.outputs(urn).is_some_and(|outputs| {
                !matches!(outputs, Value::Unknown)
                    && output.get(outputs).is_none_or(|value| !value.has_unknown())
            });
            if (!known || self.found_new(urn, output)) && cause.is_none() {
                cause = Some(Cause::Follows { urn: urn.clone(), output: output.clone() });
            }
        });
        cause
    }

    /// Whether a lookup, or the stack that is referred to, says something else at `output` than last time.
    fn found_new(&self, urn: &Urn, output: &Path) -> bool {
        let make = self.places.get(urn).map(|at| &self.makes[*at]);
        make.filter(|make| make.node.role == Role::Lookup).is_some_and(|make| {
            let recorded = make.recorded.as_ref();
            recorded.is_some_and(|record| output.get(&record.outputs) != output.get(&make.outputs))
        })
    }

    /// The causes, the first of them led to by what caused it elsewhere.
    pub(super) fn chain(&self, node: &Node, found: &Assessment) -> Vec<Why> {
        let mut chain = Vec::new();
        let led = found.causes.iter().find_map(|(_, cause)| match cause {
            Cause::Follows { urn, .. } => self.places.get(urn).map(|at| &self.makes[*at].why),
            Cause::ProviderMoved => {
                let provider = node.provider.as_ref()?;
                self.places.get(provider).map(|at| &self.makes[*at].why)
            }
            _ => None,
        });
        if let Some(led) = led {
            let skipped = led.len().saturating_sub(LINKS);
            chain.extend(led.iter().take(1).cloned());
            chain.extend(led.iter().skip(1 + skipped).cloned());
        }
        let mut told = BTreeSet::new();
        let mut seldom = BTreeMap::new();
        for (path, cause) in &found.causes {
            // One follows-link per output is enough, and one example of each other kind of cause beyond a few.
            let once = match cause {
                Cause::Follows { urn, output } => told.insert((urn, output)),
                Cause::Changed | Cause::Drifted => {
                    let count: &mut usize = seldom.entry(*cause == Cause::Drifted).or_default();
                    *count += 1;
                    *count <= LINKS
                }
                _ => true,
            };
            if once {
                chain.push(because(&node.urn, path.clone(), cause.clone()));
            }
        }
        chain
    }
}
