//! Where output goes and answers come from.

use std::{
    fmt,
    io::{self, BufRead, IsTerminal, Write},
    sync::{Arc, Mutex, PoisonError},
};

use anstream::{AutoStream, ColorChoice, StripStream};

/// Where output goes and answers come from: the process's own streams, or buffers.
pub struct Screen {
    /// Data.
    pub(super) out: Shared,
    /// What people read.
    pub(super) err: Shared,
    /// Answers.
    pub(super) input: Box<dyn BufRead + Send>,
    /// Somebody can answer.
    pub(super) interactive: bool,
    /// Lines below the text may move.
    pub(super) live: bool,
    process: bool,
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen").field("interactive", &self.interactive).finish_non_exhaustive()
    }
}

impl Screen {
    /// The process's own streams.
    pub fn process() -> Self {
        let terminal = io::stderr().is_terminal();
        Self {
            out: Shared::new(AutoStream::new(io::stdout(), ColorChoice::Auto)),
            err: Shared::new(AutoStream::new(io::stderr(), ColorChoice::Auto)),
            input: Box::new(io::BufReader::new(io::stdin())),
            interactive: terminal && io::stdin().is_terminal(),
            live: terminal,
            process: true,
        }
    }

    /// Other streams, without colours. With `answers` somebody sits at a terminal and types these lines.
    pub fn captured(
        out: impl Write + Send + 'static,
        err: impl Write + Send + 'static,
        answers: Option<&str>,
    ) -> Self {
        Self {
            out: Shared::new(Stripped(Box::new(out))),
            err: Shared::new(Stripped(Box::new(err))),
            input: Box::new(io::Cursor::new(answers.unwrap_or_default().to_owned())),
            interactive: answers.is_some(),
            live: false,
            process: false,
        }
    }

    /// Takes the colours off the process's streams.
    pub(super) fn without_colors(&mut self) {
        if self.process {
            self.out = Shared::new(AutoStream::never(io::stdout()));
            self.err = Shared::new(AutoStream::never(io::stderr()));
        }
    }
}

/// Takes the colours off, a write at a time.
struct Stripped(Box<dyn Write + Send>);

impl Write for Stripped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        StripStream::new(&mut self.0).write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A stream that the reporter and the command both write to.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Stream>>);

struct Stream {
    to: Box<dyn Write + Send>,
    /// The first thing that could not be written, and why.
    lost: Option<io::Error>,
}

impl Stream {
    /// What was not written is not forgotten, unless the reader is gone (`| head`): it wants no more.
    fn kept<T>(&mut self, written: io::Result<T>) -> io::Result<T> {
        if let Err(e) = &written
            && !matches!(e.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::Interrupted)
            && self.lost.is_none()
        {
            self.lost = Some(io::Error::new(e.kind(), e.to_string()));
        }
        written
    }
}

impl Shared {
    fn new(stream: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Stream { to: Box::new(stream), lost: None })))
    }

    /// Writes all of it. What cannot be written stops nobody; [`Shared::lost`] tells at the end.
    pub(super) fn text(&mut self, text: &str) {
        drop(self.write_all(text.as_bytes()).and_then(|()| self.flush()));
    }

    /// Why not everything that was written has arrived, if it has not.
    pub(super) fn lost(&mut self) -> Option<io::Error> {
        drop(self.flush());
        self.stream().lost.take()
    }

    fn stream(&self) -> std::sync::MutexGuard<'_, Stream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a line.
    pub(super) fn line(&mut self, text: &str) {
        self.text(&format!("{text}\n"));
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut stream = self.stream();
        let written = stream.to.write(bytes);
        stream.kept(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut stream = self.stream();
        let flushed = stream.to.flush();
        stream.kept(flushed)
    }
}
