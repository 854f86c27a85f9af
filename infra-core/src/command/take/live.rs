//! The objects inside a live network.

use super::{
    TakeOptions, Taking,
    declare::{Source, take},
    places::Places,
};
use crate::{Engine, Error, ErrorKind, Result, transfer::take::of_contained};

/// Reads everything inside the container `within` (a VPC's id), and says what a program would have said of it. Writes
/// nothing.
pub async fn from_live(engine: &Engine, within: &str, options: &TakeOptions) -> Result<Taking> {
    let mut places = Places::new(engine);
    let (mut found, mut failed) = (None, None);
    for (kind, connector) in &engine.connectors {
        // Only who has the network has to be reached.
        let connection = match places.default(kind).await {
            Ok((_, connection)) => connection,
            Err(error) => {
                failed.get_or_insert(error);
                continue;
            }
        };
        let contained = connector.contained(&connection, within).await.map_err(|e| {
            let message = format!("what is in {within} cannot be listed: {e}");
            Error::new(ErrorKind::Failed, message).because(e)
        })?;
        found = found.or(contained);
    }
    let Some(mut contained) = found else {
        if let Some(error) = failed {
            return Err(error);
        }
        let message = format!(
            "no cloud of this program has a network like {within:?}: expected the id of a VPC"
        );
        return Err(Error::new(ErrorKind::Usage, message));
    };
    places.announce();
    let chosen = |id: &str| options.only.is_empty() || options.only.iter().any(|only| only == id);
    contained.retain(|object| chosen(&object.id));
    let is_known = |kind: &str| engine.registry.get(kind).is_some();
    let (candidates, left) = of_contained(contained, &is_known);
    let source = Source { candidates, left, ..Source::default() };
    take(engine, places, source).await
}
