//! The command line that every program has: arguments in, events and data out. All it does is call
//! [`command`](crate::command).

mod args;
mod changes;
mod confirm;
mod diagnostic;
mod dispatch;
mod drift;
mod export;
mod fleet;
mod import;
mod interrupt;
mod notify;
mod place;
mod policy;
mod print;
mod rebuild;
mod reporter;
mod schedule;
mod screen;
mod sheet;
mod stack;
mod state;
mod voice;
mod watch;

pub(crate) use dispatch::run;
pub use screen::Screen;
