//! Panics of the program, caught and told like its other mistakes.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    env, fmt,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

/// A panic that was caught.
#[derive(Debug)]
pub(crate) struct Panic {
    /// What it said.
    message: String,
    /// `src/main.rs:7:5`.
    at: Option<String>,
}

impl Panic {
    /// The same panic, where what it says may have a secret in it.
    pub(crate) fn without_message(self) -> Self {
        Self { message: "its message is left out, it was given a secret".to_owned(), ..self }
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.at.iter().try_for_each(|at| write!(f, " (at {at})"))
    }
}

thread_local! {
    static CATCHING: Cell<usize> = const { Cell::new(0) };
    static AT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs the program's code. What it was in the middle of changing must not be used after a panic.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> Result<T, Panic> {
    watch();
    CATCHING.set(CATCHING.get() + 1);
    let result = panic::catch_unwind(AssertUnwindSafe(run));
    CATCHING.set(CATCHING.get() - 1);
    result.map_err(|payload| Panic { message: said(&*payload), at: AT.take() })
}

/// The payload of a panic does not know where it was; the hook is told. It prints nothing of panics that are caught:
/// they are reported in their place, without secrets. (A backtrace that was asked for is printed.)
fn watch() {
    static WATCHING: Once = Once::new();
    WATCHING.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let catching = CATCHING.try_with(Cell::get).unwrap_or_default() > 0;
            if catching {
                let _ = AT.try_with(|at| at.replace(info.location().map(ToString::to_string)));
            }
            if !catching || env::var_os("RUST_BACKTRACE").is_some_and(|wish| wish != "0") {
                before(info);
            }
        }));
    });
}

fn said(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_says_what_and_where() {
        assert_eq!(caught(|| 7).unwrap(), 7);
        let zero = [0_u8; 3].len() - 3;
        let panic = caught(|| 7 / zero).unwrap_err().to_string();
        assert!(panic.contains("divide by zero (at ") && panic.contains("panics.rs:"), "{panic}");
        let panic = caught(|| panic::panic_any(7)).unwrap_err().to_string();
        assert!(panic.starts_with("without a message"), "{panic}");
    }
}
