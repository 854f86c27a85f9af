//! What the README's table measures: whole processes over a provider that does nothing, Terraform beside them if it
//! is installed, and the scheduler against the critical path of timed graphs.
//!
//! ```text
//! cargo engine-bench                 # everything, some minutes
//! cargo engine-bench --quick         # 1,000 and 2,000 resources, no Terraform
//! cargo engine-bench --import        # only: taking over Terraform states
//! ```

mod child;
mod held;
mod import;
mod noop;
mod scheduler;
mod table;
mod terraform;

use std::{env, process::ExitCode};

/// How large the states are that are taken over.
const IMPORTED: &[usize] = &[100, 1_000, 3_000, 10_000];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("child") => return child::main(&arguments[1..]),
        // `cargo test --benches` runs benches with this flag: nothing is measured there.
        Some("--test") => return ExitCode::SUCCESS,
        _ => {}
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let sizes: &[usize] = if quick { &[1_000, 2_000] } else { &[1_000, 2_000, 10_000, 100_000] };
    table::print_machine();
    if arguments.iter().any(|argument| argument == "--import") {
        import::sizes(IMPORTED);
        return ExitCode::SUCCESS;
    }
    table::sizes(sizes);
    if quick {
        table::say("Terraform: SKIPPED (--quick)");
    } else {
        terraform::beside(&[500, 2_000]);
    }
    import::sizes(if quick { sizes } else { IMPORTED });
    scheduler::table();
    ExitCode::SUCCESS
}
