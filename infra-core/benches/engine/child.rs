//! One measured command, in a process of its own.

use std::{
    fs,
    path::Path,
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use infra_core::App;

use crate::noop::{Connect, layered};

/// What one process took.
pub(crate) struct Measure {
    /// From its start to its end.
    pub(crate) wall: Duration,
    /// The most memory it had, in MiB.
    pub(crate) peak: f64,
    /// What it wrote to disk, in MiB.
    pub(crate) written: f64,
}

/// Runs `command` on `count` resources with its state in `folder`, in a new process.
pub(crate) fn measure(count: usize, folder: &Path, command: &[&str]) -> Measure {
    let program = std::env::current_exe().expect("the bench knows its own path");
    let figures = folder.join("figures");
    let begin = Instant::now();
    let status = Command::new(program)
        .arg("child")
        .arg(count.to_string())
        .arg(&figures)
        .args(command)
        .args(["--no-color", "--state"])
        .arg(format!("file:{}", folder.join("state").display()))
        .env("XDG_CONFIG_HOME", folder.join("config"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(folder.join("screen")).expect("the folder can be written"))
        .status()
        .expect("the bench can run itself");
    let wall = begin.elapsed();
    let screen = || fs::read_to_string(folder.join("screen")).unwrap_or_default();
    assert!(
        status.success(),
        "{command:?} on {count} resources ended with {status}:\n{}",
        screen()
    );
    let figures = fs::read_to_string(figures).expect("the child leaves its figures");
    let mut figures = figures.split_whitespace().map(|figure| figure.parse().unwrap_or(f64::NAN));
    let mut next = || figures.next().unwrap_or(f64::NAN);
    Measure { wall, peak: next(), written: next() }
}

/// The child: `child COUNT FIGURES COMMAND…`.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let [count, figures, command @ ..] = arguments else { return ExitCode::FAILURE };
    let Ok(count) = count.parse::<usize>() else { return ExitCode::FAILURE };
    let program = move |stack: &mut infra_core::Stack| {
        layered(stack, count);
        Ok(())
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let app = App::new("bench").cloud("noop", Connect);
    let code = runtime.block_on(
        app.run_with(program, std::iter::once("bench".to_owned()).chain(command.iter().cloned())),
    );
    let peak = line("/proc/self/status", "VmHWM:").unwrap_or(f64::NAN) / 1024.0;
    let written = line("/proc/self/io", "wchar:").unwrap_or(f64::NAN) / 1_048_576.0;
    drop(fs::write(figures, format!("{peak} {written}")));
    code
}

fn line(file: &str, key: &str) -> Option<f64> {
    let text = fs::read_to_string(file).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(key))?;
    rest.split_whitespace().next()?.parse().ok()
}
