//! The printed tables.

use std::{fs, io::Write, time::Duration};

use crate::child::{Measure, measure};

/// Prints one line.
pub(crate) fn say(line: impl AsRef<str>) {
    let mut out = anstream::stdout().lock();
    drop(writeln!(out, "{}", line.as_ref()));
}

/// What it runs on.
pub(crate) fn print_machine() {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu =
        cpu.lines().find_map(|line| line.strip_prefix("model name\t: ")).unwrap_or("?").to_owned();
    say(format!("{cores} cores, {cpu}\n"));
}

/// Seconds with as many digits as they deserve.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}

/// Creates, plans, updates without change and destroys graphs of these sizes. The median of three runs up to 2,000
/// resources, one run above.
pub(crate) fn sizes(sizes: &[usize]) {
    say(
        "| resources | create | plan, no change | up, no change | destroy | per resource | peak | written |",
    );
    say("|---|---|---|---|---|---|---|---|");
    for &count in sizes {
        let runs = if count <= 2_000 { 3 } else { 1 };
        let mut columns: [Vec<Measure>; 4] = Default::default();
        for _ in 0..runs {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let mut run = |column: usize, command: &[&str]| {
                columns[column].push(measure(count, folder.path(), command));
            };
            run(0, &["up", "--yes"]);
            run(1, &["preview"]);
            run(2, &["up", "--yes"]);
            run(3, &["destroy", "--yes"]);
        }
        let walls = columns.each_ref().map(|runs| median(runs));
        let peak = columns.iter().flatten().map(|run| run.peak).fold(0.0, f64::max);
        let written = columns[0][0].written;
        #[expect(clippy::cast_precision_loss, reason = "at most 100,000")]
        let each = walls[0].as_secs_f64() * 1e6 / count as f64;
        let [create, plan, up, destroy] = walls.map(seconds);
        say(format!(
            "| {count} | {create} | {plan} | {up} | {destroy} | {each:.0} µs | {peak:.0} MiB | {written:.1} MiB |"
        ));
    }
    say("");
}

/// The median wall time.
pub(crate) fn median(runs: &[Measure]) -> Duration {
    let mut walls: Vec<_> = runs.iter().map(|run| run.wall).collect();
    walls.sort_unstable();
    walls[walls.len() / 2]
}
