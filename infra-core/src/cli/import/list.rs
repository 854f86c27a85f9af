//! `import --file`.

use std::{fmt::Write as _, path::Path};

use serde_json::json;

use super::{DRY, Import, Session};
use crate::{
    Error, ErrorKind, Result,
    cli::state::record,
    command::import::{Line, find_all, import_all},
    exit::Exit,
};

/// What JSON and TOML may be.
const FORMS: &str = "a map from urns to ids, or a list of `{\"urn\": …, \"id\": …}`";

pub(super) async fn import(session: &Session<'_>, args: &Import, file: &Path) -> Result<Exit> {
    let lines = read(file)?;
    let engine = &session.engine;
    let found = find_all(engine, &lines).await?;
    let mut text = String::new();
    for (line, result) in lines.iter().zip(&found.lines) {
        let _ = match result {
            Ok(import) if import.differs.is_empty() => {
                writeln!(text, "{} is {}", import.record.urn, line.id)
            }
            Ok(import) => {
                let paths: Vec<_> =
                    import.differs.iter().map(|diff| diff.path.to_string()).collect();
                writeln!(
                    text,
                    "{} is {}; the next `up` changes {}",
                    import.record.urn,
                    line.id,
                    paths.join(", ")
                )
            }
            Err(error) => writeln!(text, "{} {}: {error}", line.name, line.id),
        };
    }
    session.say(&text).await;
    if session.json {
        let documents = lines.iter().zip(&found.lines).map(|(line, result)| match result {
            Ok(import) => {
                let differs: Vec<_> =
                    import.differs.iter().map(|diff| diff.path.to_string()).collect();
                json!({"name": line.name, "id": line.id, "imported": record(&import.record, false), "differs": differs})
            }
            Err(error) => json!({"name": line.name, "id": line.id, "error": error.to_string()}),
        });
        session.document(json!({"lines": documents.collect::<Vec<_>>()}));
    }
    if args.dry_run && found.wrong() == 0 {
        session.say(DRY).await;
        return Ok(Exit::Done);
    }
    import_all(engine, &found, args.locking.lock_timeout.unwrap_or_default()).await?;
    if !session.json {
        session.say("They are recorded.\n").await;
    }
    Ok(Exit::Done)
}

fn read(file: &Path) -> Result<Vec<Line>> {
    let text = String::from_utf8(crate::reference::file(file)?).map_err(|e| {
        let message = format!("{} is no text: {e}", file.display());
        Error::new(ErrorKind::Usage, message)
    })?;
    let wrong = |what: String| {
        let message = format!("{}: {what}", file.display());
        Error::new(ErrorKind::Usage, message)
    };
    let is_toml = file.extension().is_some_and(|extension| extension == "toml");
    let lines = lines(&text, is_toml).map_err(wrong)?;
    if lines.is_empty() {
        return Err(wrong("expected lines of `URN ID`, found none".to_owned()));
    }
    Ok(lines)
}

/// The lines of `URN ID`; or JSON or TOML: a map from urns to ids, or a list `import` of `{urn, id}`.
fn lines(text: &str, is_toml: bool) -> Result<Vec<Line>, String> {
    if is_toml {
        let table: toml::Table = toml::from_str(text).map_err(|e| e.to_string())?;
        let json = serde_json::to_value(table).map_err(|e| e.to_string())?;
        return structured(&json);
    }
    if text.trim_start().starts_with(['{', '[']) {
        let json = serde_json::from_str(text).map_err(|e| e.to_string())?;
        return structured(&json);
    }
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, id)) = line.split_once(char::is_whitespace) else {
            return Err(format!("line {}: expected `URN ID`, found {line:?}", at + 1));
        };
        lines.push(Line { name: name.to_owned(), id: id.trim().to_owned() });
    }
    Ok(lines)
}

fn structured(json: &serde_json::Value) -> Result<Vec<Line>, String> {
    let wrong = |found: &serde_json::Value| {
        Err(format!(
            "expected a map from urns to ids, or a list of `{{\"urn\": …, \"id\": …}}`, found {found}"
        ))
    };
    if let Some(list) = json.as_array().or_else(|| json.get("import").and_then(|it| it.as_array()))
    {
        let line = |entry: &serde_json::Value| {
            let text = |key: &str| entry.get(key).and_then(|it| it.as_str()).map(str::to_owned);
            match (text("urn"), text("id")) {
                (Some(name), Some(id)) => Ok(Line { name, id }),
                _ => wrong(entry),
            }
        };
        return list.iter().map(|entry| line(entry).map_err(|e: String| e)).collect();
    }
    let Some(map) = json.as_object() else {
        return Err(format!("expected {FORMS}, found {json}"));
    };
    let line = |(name, id): (&String, &serde_json::Value)| match id.as_str() {
        Some(id) => Ok(Line { name: name.clone(), id: id.to_owned() }),
        None => wrong(id),
    };
    map.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_list_is_read() {
        let wanted = vec![
            Line { name: "fake:Net::a".to_owned(), id: "net-1".to_owned() },
            Line { name: "b".to_owned(), id: "id with spaces".to_owned() },
        ];
        let read = |text, is_toml| lines(text, is_toml).unwrap();
        assert_eq!(read("# ours\nfake:Net::a net-1\n\n  b\tid with spaces \n", false), wanted);
        assert_eq!(
            read("{\"fake:Net::a\": \"net-1\", \"b\": \"id with spaces\"}", false),
            wanted.iter().rev().cloned().collect::<Vec<_>>()
        );
        let list = "[{\"urn\": \"fake:Net::a\", \"id\": \"net-1\"}, {\"urn\": \"b\", \"id\": \"id with spaces\"}]";
        assert_eq!(read(list, false), wanted);
        let toml = "[[import]]\nurn = \"fake:Net::a\"\nid = \"net-1\"\n[[import]]\nurn = \"b\"\nid = \"id with spaces\"\n";
        assert_eq!(read(toml, true), wanted);
        assert_eq!(read("\"fake:Net::a\" = \"net-1\"", true), wanted[..1]);
    }

    #[test]
    fn what_is_no_list_says_where() {
        let wrong = |text, is_toml| lines(text, is_toml).unwrap_err();
        assert!(wrong("a\n", false).starts_with("line 1: expected `URN ID`"));
        assert!(wrong("{\"a\": 1}", false).contains("found 1"));
        assert!(wrong("[{\"urn\": \"a\"}]", false).contains("found {\"urn\":\"a\"}"));
        assert!(wrong("a = [", true).contains("TOML"));
    }
}
