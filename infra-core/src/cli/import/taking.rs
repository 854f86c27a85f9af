//! `import --from-terraform`, `import --from-live`.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use infra_state::Urn;
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, process::Command};

use super::{DRY, Import, Session};
use crate::{
    Error, ErrorKind, Result,
    cli::dispatch::here,
    command::take::{TakeOptions, Taking, from_live, from_terraform, record},
    exit::Exit,
    transfer::{
        take::{Left, Reason},
        terraform::State,
        write::{self, Program},
    },
};

pub(super) async fn take(session: &Session<'_>, args: &Import) -> Result<Exit> {
    let engine = &session.engine;
    if let Some(file) = &args.out
        && file.exists()
        && !args.force
        && !args.dry_run
    {
        let message =
            format!("{} is there already: say `--force` to write over it", file.display());
        return Err(Error::new(ErrorKind::Refused, message));
    }
    if args.out.is_none() && !args.dry_run {
        // Printed after the state was written, it could be lost; the state alone is of no use.
        let message =
            "say where the program is written: `--out src/main.rs`, or only look with `--dry-run`";
        return Err(Error::new(ErrorKind::Usage, message));
    }
    let options = TakeOptions { only: args.only.clone() };
    let (taking, source) = match (&args.from_terraform, &args.from_live) {
        (Some(place), _) => {
            let bytes = match place.split_once(':') {
                Some((scheme, _)) if scheme.len() > 1 && !Path::new(place).exists() => {
                    engine.stacks.document(&typed(place)?).await?
                }
                _ => crate::reference::file(Path::new(place))?,
            };
            let state = State::read(&bytes)
                .map_err(|e| Error::new(e.kind(), format!("{place}: {e}")).because(e))?;
            let name = Path::new(place).file_name().unwrap_or_default().to_string_lossy();
            let source = format!("the Terraform state {name}");
            (from_terraform(engine, &state, &options).await?, source)
        }
        (None, Some(within)) => {
            (from_live(engine, within, &options).await?, format!("what was in {within}"))
        }
        (None, None) => return Err(Error::new(ErrorKind::Usage, "say what to take over")),
    };
    let text = program(session, &taking, source)?;
    session.say(&report(&taking)).await;
    if args.dry_run {
        print(session, args, &taking, &text);
        session.say(DRY).await;
        return Ok(Exit::Done);
    }
    let written = match &args.out {
        Some(file) => Some(write_new(file, &formatted(&text, file).await)?),
        None => None,
    };
    let wait = args.locking.lock_timeout.unwrap_or_default();
    let recorded = match record(engine, &taking, wait).await {
        Ok(recorded) => recorded,
        Err(error) => {
            // The program without its state would make everything a second time.
            if let Some(written) = written {
                written.take_back();
            }
            return Err(error);
        }
    };
    print(session, args, &taking, &text);
    let to = args.out.as_ref().map(|file| format!(" The program is in {}.", file.display()));
    session
        .say(&format!(
            "{} objects are recorded in {}.{} Its next `preview` is empty.\n",
            taking.taken.len(),
            engine.state.name(),
            to.unwrap_or_default()
        ))
        .await;
    match recorded.unfinished {
        None => Ok(Exit::Done),
        Some(e) => {
            let message = format!("everything is recorded, but the deployment was not ended: {e}");
            Err(Error::new(e.kind(), message).because(e))
        }
    }
}

/// What is typed is relative to where it is typed.
fn typed(place: &str) -> Result<String> {
    Ok(crate::cli::dispatch::typed(place, &here()?))
}

/// The text of the program.
fn program(session: &Session<'_>, taking: &Taking, source: String) -> Result<String> {
    let engine = &session.engine;
    let plugs = engine.connectors.values().flat_map(|it| it.plugged(&engine.cloud));
    let listed = |left: &&Left| left.reason != Reason::Part;
    let program = Program {
        name: engine.state.name().program.clone(),
        source,
        plugs: plugs.collect(),
        declarations: taking.declarations.clone(),
        exports: taking.exports.clone(),
        notes: notes(taking),
        missing: taking
            .left
            .iter()
            .filter(listed)
            .map(|left| (left.origin.clone(), left.why.clone()))
            .collect(),
    };
    write::program(&program).map_err(|e| Error::new(ErrorKind::Failed, e.to_string()).because(e))
}

/// What stands above declarations.
fn notes(taking: &Taking) -> BTreeMap<Urn, Vec<String>> {
    let mut notes: BTreeMap<Urn, Vec<String>> = BTreeMap::new();
    for taken in &taking.taken {
        let mut said = Vec::new();
        if taken.tainted {
            said.push("Terraform had marked it as tainted: it would have replaced it.".to_owned());
        }
        if !taken.ignored.is_empty() {
            let paths: Vec<_> = taken.ignored.iter().map(|path| format!("`{path}`")).collect();
            said.push(format!(
                "What {} is meant to be cannot be told from what is there.",
                paths.join(", ")
            ));
        }
        if let Some(why) = &taken.unfinished {
            said.push(format!("When it was taken over: {why}."));
        }
        if !said.is_empty() {
            notes.insert(taken.urn.clone(), said);
        }
    }
    for (secret, of) in &taking.unknown_secrets {
        let text =
            format!("Stands for {of}, which cannot be read: its real value is not known here.");
        notes.entry(secret.clone()).or_default().push(text);
    }
    notes
}

fn print(session: &Session<'_>, args: &Import, taking: &Taking, text: &str) {
    if !session.json {
        if args.out.is_none() {
            session.data(text.trim_end());
        }
        return;
    }
    let taken: Vec<_> = taking
        .taken
        .iter()
        .map(|taken| {
            json!({
                "urn": taken.urn,
                "id": taken.id,
                "origin": taken.origin,
                "tainted": taken.tainted,
                "ignored": taken.ignored.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "unfinished": taken.unfinished,
            })
        })
        .collect();
    let left: Vec<_> = taking
        .left
        .iter()
        .map(|left| json!({"origin": left.origin, "reason": left.reason.word(), "why": left.why}))
        .collect();
    session.document(json!({
        "taken": taken,
        "left": left,
        "exports": taking.exports.keys().collect::<Vec<_>>(),
        "unknown_secrets": taking.unknown_secrets,
        "program": text,
        "dry_run": args.dry_run,
    }));
}

/// What is taken over and what is not, for a person.
fn report(taking: &Taking) -> String {
    let mut text = format!("{} objects can be taken over:\n", taking.taken.len());
    for taken in &taking.taken {
        let _ = writeln!(text, "  {} is {} ({})", taken.urn, taken.id, taken.origin);
        if taken.tainted {
            text.push_str("    Terraform had marked it as tainted, and would have replaced it\n");
        }
        if !taken.ignored.is_empty() {
            let paths: Vec<_> = taken.ignored.iter().map(ToString::to_string).collect();
            let _ = writeln!(text, "    changes are ignored at: {}", paths.join(", "));
        }
        if let Some(why) = &taken.unfinished {
            let _ = writeln!(text, "    {why}");
        }
    }
    for (secret, of) in &taking.unknown_secrets {
        let _ = writeln!(text, "  `{secret}` stands for {of}, which cannot be read");
    }
    for (reason, title) in [
        (Reason::Part, "Not on their own"),
        (Reason::Unmapped, "Not taken over"),
        (Reason::Elsewhere, "Not here"),
        (Reason::Missing, "Not found"),
        (Reason::Deposed, "Waiting to be deleted"),
    ] {
        let left: Vec<_> = taking.left.iter().filter(|left| left.reason == reason).collect();
        if left.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{title}:");
        for left in left {
            let _ = writeln!(text, "  {}: {}", left.origin, left.why);
        }
    }
    text
}

/// The program as the `rustfmt` of this machine lays it out, by the rules of where it is written; as it is where there is
/// none.
async fn formatted(text: &str, file: &Path) -> String {
    // The folder may be one that is still to be made.
    let folder = file.ancestors().skip(1).find(|folder| folder.is_dir());
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--edition", "2024"]).env("RUSTUP_AUTO_INSTALL", "0");
    rustfmt.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    if let Some(folder) = folder {
        rustfmt.current_dir(folder);
    }
    let run = async {
        let mut child = rustfmt.spawn().ok()?;
        let mut stdin = child.stdin.take()?;
        let give = async move { stdin.write_all(text.as_bytes()).await.is_ok() };
        let (given, output) = tokio::join!(give, child.wait_with_output());
        let output = output.ok().filter(|output| given && output.status.success())?;
        String::from_utf8(output.stdout).ok().filter(|text| !text.is_empty())
    };
    run.await.unwrap_or_else(|| text.to_owned())
}

/// A file that was written, and what was there before.
struct Written {
    file: PathBuf,
    before: Option<Vec<u8>>,
}

fn write_new(file: &Path, text: &str) -> Result<Written> {
    let failed = |e: std::io::Error| {
        let message = format!("{} cannot be written: {e}. Nothing was recorded", file.display());
        Error::new(ErrorKind::Failed, message).because(e)
    };
    let before = file.exists().then(|| std::fs::read(file)).transpose().map_err(failed)?;
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    replace(file, text.as_bytes()).map_err(failed)?;
    Ok(Written { file: file.to_owned(), before })
}

/// Writes the file as a whole: who is interrupted has what was there before.
fn replace(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // Through a link, to what it points to.
    let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = file.with_file_name(name);
    let written = std::fs::write(&fresh, bytes).and_then(|()| std::fs::rename(&fresh, &file));
    if written.is_err() {
        let _ = std::fs::remove_file(&fresh);
    }
    written
}

impl Written {
    fn take_back(self) {
        // What failed before matters more than what fails here.
        let _ = match self.before {
            Some(before) => replace(&self.file, &before),
            None => std::fs::remove_file(&self.file),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn who_is_interrupted_has_the_program_that_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("main.rs"), folder.path().join("link.rs"));
        fs::write(&file, "before").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        // Where nothing can be written beside it.
        let beside = folder.path().join("main.rs.new");
        fs::create_dir(&beside).unwrap();
        assert!(write_new(&link, "after").is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "before");

        fs::remove_dir(&beside).unwrap();
        let written = write_new(&link, "after").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "after");
        assert!(link.is_symlink() && !beside.exists());
        written.take_back();
        assert_eq!(fs::read_to_string(&file).unwrap(), "before");

        let fresh = folder.path().join("src/new.rs");
        write_new(&fresh, "after").unwrap().take_back();
        assert!(!fresh.exists());
    }

    #[tokio::test]
    async fn what_is_written_is_as_rustfmt_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let (file, text) = (folder.path().join("src/main.rs"), "fn  main( ) { }");
        let version = Command::new("rustfmt").arg("--version").output().await;
        let wanted =
            if version.is_ok_and(|it| it.status.success()) { "fn main() {}\n" } else { text };
        assert_eq!(formatted(text, &file).await, wanted);
        assert_eq!(formatted("no Rust at all", &file).await, "no Rust at all");
    }
}
