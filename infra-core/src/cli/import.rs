//! `import`.

mod list;
mod taking;

use std::{fmt::Write as _, path::PathBuf};

use clap::Args;
use infra_state::Value;
use serde_json::json;

use super::{args::Locking, dispatch::Session, state::record};
use crate::{App, Error, ErrorKind, Result, command::import, exit::Exit, report::inline};

/// How much of a value a line shows.
const WIDTH: usize = 100;

#[derive(Args, Debug)]
pub(super) struct Import {
    /// A declared urn, or its name part
    #[arg(requires = "id", required_unless_present = "source")]
    urn: Option<String>,
    /// The cloud's id of the object
    id: Option<String>,
    /// Record many: lines of `URN ID`, or the same as JSON or TOML; all of them or none
    #[arg(long, value_name = "FILE", group = "source", conflicts_with = "urn")]
    file: Option<PathBuf>,
    /// Take over what a Terraform or OpenTofu state knows, and write the program that declares it: a file, or a URL
    #[arg(long, value_name = "FILE", group = "source", conflicts_with = "urn")]
    from_terraform: Option<String>,
    /// Take over everything in a VPC, and write the program that declares it
    #[arg(long, value_name = "VPC_ID", group = "source", conflicts_with = "urn")]
    from_live: Option<String>,
    /// Where the program is written; a dry run without it writes it to standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["urn", "file"])]
    out: Option<PathBuf>,
    /// Write over the file that is there
    #[arg(long, requires = "out")]
    force: bool,
    /// What the program is called, if not like this one: its state is written under that name
    #[arg(long, value_name = "NAME", conflicts_with_all = ["urn", "file"])]
    program: Option<String>,
    /// Only this: an address of a resource, an instance or a module of Terraform's; an id of the VPC's (may be given several
    /// times)
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["urn", "file"])]
    only: Vec<String>,
    /// Write nothing, only say what would be taken over
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    locking: Locking,
}

impl Import {
    /// The program whose state is written.
    pub(super) fn app(&self, app: &App) -> App {
        match &self.program {
            Some(name) => app.clone().called(name),
            None => app.clone(),
        }
    }
}

pub(super) async fn import(session: &Session<'_>, args: &Import) -> Result<Exit> {
    if let Some(file) = &args.file {
        return list::import(session, args, file).await;
    }
    if args.from_terraform.is_some() || args.from_live.is_some() {
        return taking::take(session, args).await;
    }
    let (Some(urn), Some(id)) = (&args.urn, &args.id) else {
        let message =
            "say what to import: `import URN ID`, or --file, --from-terraform, --from-live";
        return Err(Error::new(ErrorKind::Usage, message));
    };
    let engine = &session.engine;
    let found = import::find(engine, urn, id).await?;
    let text = text(&found);
    session.say(&text).await;
    if !args.dry_run {
        import::import(engine, &found, args.locking.lock_timeout.unwrap_or_default()).await?;
    }
    if session.json {
        let differs: Vec<_> = found.differs.iter().map(|diff| diff.path.to_string()).collect();
        session.document(json!({"imported": record(&found.record, false), "differs": differs}));
    } else {
        session.say(if args.dry_run { DRY } else { "It is recorded.\n" }).await;
    }
    Ok(Exit::Done)
}

/// What a dry run says at its end.
const DRY: &str = "Nothing was written.\n";

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
