//! Panics of the program and of drivers, caught and told like other mistakes.

use std::{
    any::Any,
    backtrace::Backtrace,
    cell::{Cell, RefCell},
    env, fmt,
    future::{Future, poll_fn},
    io::{self, Write},
    panic::{self, AssertUnwindSafe},
    pin::pin,
    sync::Once,
    task::Poll,
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

/// The same of code that waits: a driver's verb.
pub(crate) async fn caught_in<T>(run: impl Future<Output = T>) -> Result<T, Panic> {
    let mut run = pin!(run);
    poll_fn(|cx| match caught(|| run.as_mut().poll(cx)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// The payload of a panic does not know where it was; the hook is told. It prints nothing of what a caught panic says:
/// that may be a secret, and it is reported in its place. A backtrace that was asked for has only places in it.
fn watch() {
    static WATCHING: Once = Once::new();
    WATCHING.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let catching = CATCHING.try_with(Cell::get).unwrap_or_default() > 0;
            if !catching {
                return before(info);
            }
            let at = info.location().map(ToString::to_string);
            if env::var_os("RUST_BACKTRACE").is_some_and(|wish| wish != "0") {
                let (at, trace) = (at.as_deref().unwrap_or("?"), Backtrace::force_capture());
                // Without a place to write to there is nobody to read it.
                let _ = writeln!(io::stderr(), "panicked at {at}\n{trace}");
            }
            let _ = AT.try_with(|place| place.replace(at));
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

    #[tokio::test]
    async fn code_that_waits_is_caught_wherever_it_panics() {
        assert_eq!(caught_in(async { 7 }).await.unwrap(), 7);
        let late = async {
            tokio::task::yield_now().await;
            panic!("late");
        };
        let panic = caught_in::<()>(late).await.unwrap_err();
        assert!(panic.to_string().starts_with("late (at "), "{panic}");
        assert!(!panic.without_message().to_string().contains("late"));
    }

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
