//! `export`.

use std::{fmt::Write as _, path::PathBuf};

use clap::Args;
use serde_json::json;

use super::dispatch::Session;
use crate::{Error, ErrorKind, Result, command::export, exit::Exit};

#[derive(Args, Debug)]
pub(super) struct Export {
    /// Write a Terraform configuration with import blocks into this folder
    #[arg(long, value_name = "FOLDER")]
    to_terraform: PathBuf,
    /// Write over the files that are there
    #[arg(long)]
    force: bool,
}

pub(super) async fn export(session: &Session<'_>, args: &Export) -> Result<Exit> {
    let out = export::to_terraform(&session.engine).await?;
    let folder = &args.to_terraform;
    let there = out.files.keys().map(|name| folder.join(name)).find(|file| file.exists());
    if let Some(file) = there.filter(|_| !args.force) {
        let message =
            format!("{} is there already: say `--force` to write over it", file.display());
        return Err(Error::new(ErrorKind::Refused, message));
    }
    let failed = |e: std::io::Error| {
        let message = format!("{} cannot be written: {e}", folder.display());
        Error::new(ErrorKind::Failed, message).because(e)
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    for (name, text) in &out.files {
        std::fs::write(folder.join(name), text).map_err(failed)?;
    }
    let mut text = String::new();
    for (urn, address) in &out.written {
        let _ = writeln!(text, "  {urn} is {address}");
    }
    for (urn, why) in &out.left {
        let _ = writeln!(text, "  {urn} is not written: {why}");
    }
    for (urn, fields) in &out.heeded {
        let fields = fields.join("`, `");
        let _ = writeln!(
            text,
            "  {urn}: the program ignores changes of `{fields}`, and Terraform will not: nothing is known for it there"
        );
    }
    for (name, of) in &out.variables {
        let _ = writeln!(text, "  TF_VAR_{name} has to hold {of}");
    }
    let _ = writeln!(
        text,
        "{} objects are in {}: `terraform init`, then `terraform plan` imports them and changes nothing else.",
        out.written.len(),
        folder.display()
    );
    session.say(&text).await;
    if session.json {
        session.document(json!({
            "written": out.written,
            "left": out.left,
            "variables": out.variables,
            "not_ignored": out.heeded,
            "files": out.files.keys().map(|name| folder.join(name)).collect::<Vec<_>>(),
        }));
    }
    Ok(Exit::Done)
}
