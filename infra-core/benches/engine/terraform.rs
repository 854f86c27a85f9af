//! The same graph in Terraform, in the same run.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use crate::{
    child::measure,
    noop::parent,
    table::{say, seconds},
};

/// Measures both, if `terraform` is on the path.
pub(crate) fn beside(sizes: &[usize]) {
    if !terraform(Path::new("."), &["version"]).is_some_and(|(_, of)| of.status.success()) {
        say("Terraform: SKIPPED (not on the path)\n");
        return;
    }
    say("| resources | | create | plan, no change |");
    say("|---|---|---|---|");
    for &count in sizes {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("main.tf"), configuration(count))
            .expect("the folder can be written");
        let timed = |arguments: &[&str]| {
            let (time, output) = terraform(folder.path(), arguments).expect("terraform runs");
            let screen = || String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "terraform {arguments:?} failed:\n{}", screen());
            time
        };
        timed(&["init", "-input=false"]);
        let theirs = [timed(&["apply", "-auto-approve", "-parallelism=100"]), timed(&["plan"])];
        let ours = tempfile::tempdir().expect("a temporary folder");
        let ours = [["up", "--yes"].as_slice(), &["preview"]]
            .map(|command| measure(count, ours.path(), command).wall);
        let ratio = |at: usize| theirs[at].as_secs_f64() / ours[at].as_secs_f64();
        say(format!("| {count} | Terraform | {} | {} |", seconds(theirs[0]), seconds(theirs[1])));
        say(format!("| {count} | here | {} | {} |", seconds(ours[0]), seconds(ours[1])));
        say(format!("| {count} | times faster | {:.0} | {:.0} |", ratio(0), ratio(1)));
    }
    say("");
}

fn terraform(folder: &Path, arguments: &[&str]) -> Option<(Duration, Output)> {
    let begin = Instant::now();
    let output = Command::new("terraform")
        .args(arguments)
        .current_dir(folder)
        .env("CHECKPOINT_DISABLE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .ok()?;
    Some((begin.elapsed(), output))
}

/// `terraform_data` in layers of 100, each but the first layer's with the id of one of the layer before as input.
fn configuration(count: usize) -> String {
    let mut text = String::new();
    for at in 0..count {
        let input = match (at / 100).checked_sub(1) {
            Some(layer) => format!("terraform_data.thing_{}.id", layer * 100 + parent(at)),
            None => "\"root\"".to_owned(),
        };
        writeln!(text, "resource \"terraform_data\" \"thing_{at}\" {{\n  input = {input}\n}}")
            .expect("text can be written");
    }
    text
}
