//! The text as the reader's own rustfmt has it.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

/// The text as `rustfmt` lays it out, where there is one; else as it is. The settings are those of the current folder.
pub fn tidied(text: &str) -> String {
    formatted(text).unwrap_or_else(|| text.to_owned())
}

fn formatted(text: &str) -> Option<String> {
    let mut command = Command::new("rustfmt");
    command.args(["--edition", "2024", "--emit", "stdout", "--quiet"]);
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = pipes.spawn().ok()?;
    let mut input = child.stdin.take()?;
    // Both ends at once: a long text would fill the pipe before it is read.
    let output = std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(text.as_bytes()));
        child.wait_with_output().ok()
    })?;
    let out = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !out.trim().is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::tidied;

    #[test]
    fn what_is_no_rust_stays_as_it_is() {
        assert_eq!(tidied("fn ("), "fn (");
    }

    #[test]
    fn what_is_tidied_says_the_same() {
        let text = "fn main(){let x = 1;\n// kept\nlet _ = x;}\n";
        let words = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(words(&tidied(text)), words(text));
    }
}
