//! Whoever does not sit at the terminal is told what they have to know, and not twice.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use infra_core::exit::Exit;
use serde_json::Value as Json;

use super::{OPEN, child, deployed, ended, resize, script};
use crate::{
    TOML, program,
    terminal::{Ran, Terminal},
};

/// A script that files what it is told, and the flag that has it told.
fn filing(t: &Terminal) -> (PathBuf, String) {
    script(t, "tell", "cat >> \"$1\"");
    let (script, file) = (t.folder().join("tell"), t.folder().join("told"));
    let flag = format!("command:{} {}", script.display(), file.display());
    (file, flag)
}

/// What was filed.
fn told(file: &Path) -> Vec<Json> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn drift(t: &Terminal, more: &[&str]) -> Ran {
    let arguments: Vec<&str> =
        ["drift", "--set", "size=small"].iter().chain(more).copied().collect();
    t.run(program, &arguments).await
}

#[tokio::test]
async fn a_look_that_fails_and_a_report_that_cannot_be_written_are_told() {
    let t = Terminal::new(TOML);
    deployed("dev", &t).await;
    let (file, flag) = filing(&t);
    // What whoever wrote it mistook is for them alone.
    assert_eq!(drift(&t, &["--notify", &flag, "--only", "nobody"]).await.exit, Exit::Usage);
    assert!(told(&file).is_empty());

    resize(&t, "huge");
    let nowhere = t.folder().join("no/such/folder/report.json").display().to_string();
    let ran = drift(&t, &["--notify", &flag, "--output", &nowhere]).await;
    assert_eq!(ran.exit, Exit::Failed, "{}", ran.err);
    assert!(ran.err.contains("cannot write"), "{}", ran.err);
    assert_eq!(told(&file)[0]["totals"]["drifted"], 1);

    let head = t.folder().join(".infra/shop/dev/head.json");
    fs::write(&head, "{").unwrap();
    let ran = drift(&t, &["--notify", &flag]).await;
    assert_eq!(ran.exit, Exit::Failed, "{}", ran.err);
    let told = told(&file);
    assert_eq!((told.len(), &told[1]["totals"]["failed"]), (2, &1.into()), "{told:?}");
    assert!(told[1]["reports"][0]["failed"].is_string(), "{told:?}");
}

#[tokio::test]
async fn a_run_is_told_when_somebody_could_be_told_and_then_never_again() {
    let t = Terminal::new(TOML);
    deployed("dev", &t).await;
    resize(&t, "huge");
    let (file, flag) = filing(&t);
    let look = ["--all-stacks", "--shard", "0/1", "--run", "tonight", "--notify", &flag];
    script(&t, "tell", "exit 1");
    let nobody = drift(&t, &look).await;
    assert_eq!(nobody.exit, Exit::Failed, "{}", nobody.err);
    let run = t.folder().join(".infra/drift.runs/tonight");
    assert!(run.join("part-0-of-1.json").exists() && !run.join("told.json").exists());
    // The next attempt looks at nothing again, and tells.
    resize(&t, "small");
    filing(&t);
    let second = drift(&t, &look).await;
    assert_eq!(second.exit, Exit::Changes, "{}", second.err);
    assert_eq!(told(&file)[0]["totals"]["drifted"], 1);
    // One more has nothing to tell: a job that is tried again ends well.
    let third = drift(&t, &look).await;
    assert_eq!((third.exit, told(&file).len()), (Exit::Done, 1), "{}", third.err);
}

#[tokio::test]
async fn a_watch_that_is_wrong_does_not_begin() {
    let t = Terminal::new(TOML);
    deployed("dev", &t).await;
    for wrong in [
        &["--only", "nobody"][..],
        &["--cloud", "azure"],
        &["--notify", "pigeon:x"],
        &["--stack", "a b"],
        &["--all-stacks", "--state", "pigeon:x"],
    ] {
        let ran = drift(&t, &[&["--watch", "1s"], wrong].concat()).await;
        assert_eq!(ran.exit, Exit::Usage, "{wrong:?}: {}", ran.err);
    }
}

/// Waits until so much was filed.
fn wait_for(file: &Path, count: usize) -> Vec<Json> {
    let began = Instant::now();
    loop {
        let told = told(file);
        if told.len() >= count {
            return told;
        }
        assert!(began.elapsed() < Duration::from_mins(1), "{told:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_watch_whose_state_is_out_of_reach_goes_on_tells_it_once_and_that_it_is_over() {
    for more in [&[][..], &["--all-stacks"]] {
        let t = Terminal::new(TOML);
        let place = t.folder().join("place");
        let url = format!("shaky:{}", place.display());
        let open = || fs::write(place.join(OPEN), "").unwrap();
        fs::create_dir(&place).unwrap();
        open();
        let up = ["up", "--yes", "--state", &url];
        let (exit, _, err) = ended(child(&t, &up, &BTreeMap::new()));
        assert_eq!(exit, 0, "{err}");
        let (file, flag) = filing(&t);
        fs::remove_file(place.join(OPEN)).unwrap();
        let watch = ["drift", "--watch", "1s", "--state", &url, "--notify", &flag];
        let mut watch = child(&t, &[&watch[..], more].concat(), &BTreeMap::new());
        let mut lines = BufReader::new(watch.stderr.take().unwrap()).lines().map(Result::unwrap);
        let failed = |line: &String| {
            line.contains("could not be looked at") || line.contains("the look failed")
        };
        for _ in 0..5 {
            assert!(lines.any(|line| failed(&line)), "{more:?}");
        }
        let alarm = wait_for(&file, 1);
        assert_eq!(alarm.len(), 1, "once, after three: {alarm:?}");
        assert!(alarm[0].to_string().contains("the place does not answer"), "{alarm:?}");
        open();
        assert!(lines.any(|line| line.contains("no drift")), "{more:?}");
        let told = wait_for(&file, 2);
        let well = &told[1]["totals"];
        assert_eq!((&well["failed"], &well["stacks"]), (&0.into(), &1.into()), "{told:?}");
        let stopped = Command::new("kill").args(["-TERM", &watch.id().to_string()]).status();
        assert!(stopped.unwrap().success());
        assert!(lines.any(|line| line == "Stopped."));
        assert_eq!((watch.wait().unwrap().code(), wait_for(&file, 2).len()), (Some(0), 2));
    }
}

#[tokio::test]
async fn an_orphan_is_named_by_its_whole_urn() {
    let t = Terminal::new(TOML);
    let up = t.run(program, &["up", "--yes", "--cloud", "real", "--set", "size=small"]).await;
    assert_eq!(up.exit, Exit::Done, "{}", up.err);
    // The machine has data, and nobody remembers it.
    let forgotten = t.run(program, &["state", "rm", "web"]).await;
    assert_eq!(forgotten.exit, Exit::Done, "{}", forgotten.err);
    let fix = ["--fix", "--yes", "--delete-orphans"];
    let refused = drift(&t, &fix).await;
    assert_eq!(refused.exit, Exit::Refused, "{}", refused.err);
    assert!(refused.err.contains("fake:Host::web"), "{}", refused.err);
    let named = drift(&t, &[&fix[..], &["--allow-data-loss", "fake:Host::web"]].concat()).await;
    assert_eq!(named.exit, Exit::Done, "{}", named.err);
    let left: Vec<_> = t.world.0.lock().unwrap().keys().cloned().collect();
    assert!(left.len() == 1 && left[0].starts_with("net-main-"), "{left:?}");
    // A word that is no URN is one of what is recorded.
    let wrong = drift(&t, &[&fix[..], &["--allow-data-loss", "wep"]].concat()).await;
    assert_eq!(wrong.exit, Exit::Usage, "{}", wrong.err);
}
