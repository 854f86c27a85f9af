//! What programs read: documents, streams that break, lines that stay whole.

use std::io::{self, Write};

use infra_core::exit::Exit;

use crate::{TOML, program, terminal::Terminal};

struct Broken(io::ErrorKind);

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn data_that_is_not_written_is_a_failure() {
    let t = Terminal::new(TOML);
    let full = || Broken(io::ErrorKind::StorageFull);
    let up = t.run_into(program, &["up", "--yes", "--json"], full()).await;
    assert_eq!(up.exit, Exit::Failed, "{}", up.err);
    assert!(up.err.contains("cannot write to standard output"), "{}", up.err);
    // The deployment went on.
    assert_eq!(t.world.0.lock().unwrap().len(), 2);
    for command in [&["outputs"][..], &["state", "pull"], &["history"], &["--help"]] {
        assert_eq!(t.run_into(program, command, full()).await.exit, Exit::Failed, "{command:?}");
        // `| head` has seen enough.
        let gone = Broken(io::ErrorKind::BrokenPipe);
        let ran = t.run_into(program, command, gone).await;
        assert_eq!((ran.exit, &*ran.err), (Exit::Done, ""), "{command:?}");
    }
}

#[tokio::test]
async fn every_command_with_data_prints_one_document() {
    let t = Terminal::new(TOML);
    assert_eq!(t.run(program, &[]).await.exit, Exit::Done);
    let commands: [(&[&str], &str); 7] = [
        (&["outputs"], "outputs"),
        (&["outputs", "net"], "outputs"),
        (&["history"], "deployments"),
        (&["stack", "list"], "stacks"),
        (&["stack", "show"], "kinds"),
        (&["state", "list"], "resources"),
        (&["state", "show", "web"], "objects"),
    ];
    for (command, member) in commands {
        let ran = t.run(program, &[command, &["--json"]].concat()).await;
        let document: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(document["version"], 1, "{}", ran.out);
        assert!(!document[member].is_null(), "{}", ran.out);
    }
    let wrong = t.run(program, &["up", "--jes", "--json"]).await;
    let event: serde_json::Value = serde_json::from_str(&wrong.out).unwrap();
    assert_eq!((&event["event"], &event["kind"]), (&"error".into(), &"usage".into()));
    assert_eq!(event["message"], "unexpected argument '--jes' found");
}

#[tokio::test]
async fn without_a_terminal_no_line_is_broken() {
    let t = Terminal::new(TOML);
    let long = format!("file:{}", "a-rather-long-name/".repeat(12));
    let ran = t.run(program, &["preview", "--cloud", &long]).await;
    assert_eq!(ran.exit, Exit::Usage);
    assert!(ran.err.contains(&long), "{}", ran.err);
    let version = t.run(program, &["--version"]).await;
    assert!(version.out.starts_with("shop ") && version.out.contains("(infra "), "{}", version.out);
}
