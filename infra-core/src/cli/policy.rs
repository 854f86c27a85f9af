//! `policy`: documents on standard output, or in files.

use std::{fs, path::Path};

use infra_state::StackName;
use serde_json::json;

use super::{
    args::{For, Policy},
    dispatch::Session,
};
use crate::{
    Error, ErrorKind, Result,
    command::{self, PolicyOptions},
    exit::Exit,
    provider::{PolicyDocument, Purpose},
    report,
};

pub(super) async fn policy(session: &Session<'_>, args: &Policy) -> Result<Exit> {
    let purpose = match args.purpose {
        For::Deploy => Purpose::Deploy,
        For::Drift => Purpose::Drift,
        For::Fleet => Purpose::Fleet,
    };
    let settings = session.settings;
    let program = &session.engine.state.name().program;
    let formerly = args.formerly.iter().map(|name| StackName::new(program.as_str(), name.as_str()));
    let options = PolicyOptions {
        purpose,
        formerly: formerly.collect::<Result<_, _>>()?,
        state: settings.state.clone(),
        key: settings.key.clone(),
    };
    let found = command::policy(&session.engine, &options).await?;
    if args.table {
        if session.json {
            let rows = found
                .implied
                .iter()
                .map(|row| json!({"action": row.action, "when": row.when, "source": row.source}));
            session.document(json!({"implied": rows.collect::<Vec<_>>()}));
        } else {
            session.data(report::implied(&found.implied).trim_end());
        }
        return Ok(Exit::Done);
    }
    if let Some(folder) = &args.out {
        for document in &found.documents {
            write(folder, document)?;
        }
        let files: Vec<_> = found.documents.iter().map(|it| format!("{}.json", it.name)).collect();
        session.say(&format!("Wrote {} to {}.\n", files.join(", "), folder.display())).await;
        return Ok(Exit::Done);
    }
    if session.json {
        let named = found.documents.iter().map(|it| json!({"name": it.name, "document": it.json}));
        session.document(json!({"policies": named.collect::<Vec<_>>()}));
        return Ok(Exit::Done);
    }
    match &found.documents[..] {
        [one] => session.data(&pretty(&one.json)),
        // More than one object is no JSON.
        several => {
            let all: Vec<_> = several.iter().map(|document| document.json.clone()).collect();
            session.data(&pretty(&serde_json::Value::Array(all)));
        }
    }
    Ok(Exit::Done)
}

fn pretty(json: &serde_json::Value) -> String {
    format!("{json:#}")
}

fn write(folder: &Path, document: &PolicyDocument) -> Result<()> {
    let path = folder.join(format!("{}.json", document.name));
    let text = format!("{}\n", pretty(&document.json));
    fs::create_dir_all(folder).and_then(|()| fs::write(&path, text)).map_err(|e| {
        Error::new(ErrorKind::Failed, format!("cannot write {}: {e}", path.display())).because(e)
    })
}
