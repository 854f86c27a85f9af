//! `import`.

use std::fmt::Write as _;

use infra_state::Value;
use serde_json::json;

use super::{args, dispatch::Session, state::record};
use crate::{Result, command::import, exit::Exit, report::inline};

/// How much of a value a line shows.
const WIDTH: usize = 100;

pub(super) async fn import(session: &Session<'_>, args: &args::Import) -> Result<Exit> {
    let engine = &session.engine;
    let found = import::find(engine, &args.urn, &args.id).await?;
    let text = text(&found);
    session.say(&text).await;
    import::import(engine, &found, args.locking.lock_timeout.unwrap_or_default()).await?;
    if session.json {
        let differs: Vec<_> = found.differs.iter().map(|diff| diff.path.to_string()).collect();
        session.document(json!({"imported": record(&found.record, false), "differs": differs}));
    } else {
        session.say("It is recorded.\n").await;
    }
    Ok(Exit::Done)
}

/// What will be recorded, for a person.
fn text(found: &import::Import) -> String {
    let import::Import { record, differs } = found;
    let id = record.id.as_deref().unwrap_or_default();
    let mut text = format!("{} is {id}, and is recorded as it is:\n", record.urn);
    for (field, value) in record.inputs.as_map().into_iter().flatten() {
        let _ = writeln!(text, "  {field}: {}", inline(value, WIDTH));
    }
    if !differs.is_empty() {
        text.push_str("The program declares it otherwise; the next `up` changes:\n");
    }
    for diff in differs {
        let shown = |value: &Option<Value>| {
            value.as_ref().map_or_else(|| "nothing".to_owned(), |value| inline(value, WIDTH))
        };
        let _ =
            writeln!(text, "  {}: {} -> {}", diff.path, shown(&diff.before), shown(&diff.after));
    }
    text
}
