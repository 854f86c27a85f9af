//! Documents of many lines: a header, one entry a line, and an end that says how many and with which checksum.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    Envelope, VERSION,
    document::{admitted, damaged},
};
use crate::{Checksum, Error, ErrorKind, Result};

/// The last line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    end: u64,
    sha256: Checksum,
}

/// What is common to all headers stands before what is particular.
#[derive(Serialize)]
struct FirstLine<'a, H> {
    kind: &'a str,
    format: u32,
    header: &'a H,
}

/// The same, to be read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstLineIn<'a, H> {
    #[serde(rename = "kind")]
    _kind: &'a str,
    #[serde(rename = "format")]
    _format: u32,
    header: H,
}

/// Writes lines and keeps count.
pub(super) struct FrameWriter<W> {
    to: W,
    line: Vec<u8>,
    lines: u64,
    digest: Sha256,
}

fn failed(e: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Invalid, format!("cannot write an entry: {e}")).because(e)
}

impl<W: Write> FrameWriter<W> {
    pub(super) fn new(to: W, kind: &str, header: &impl Serialize) -> Result<Self> {
        let mut writer = Self { to, line: Vec::new(), lines: 0, digest: Sha256::new() };
        writer.push(&FirstLine { kind, format: VERSION, header })?;
        writer.lines = 0;
        Ok(writer)
    }

    pub(super) fn push(&mut self, entry: &impl Serialize) -> Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, entry).map_err(failed)?;
        self.line.push(b'\n');
        self.digest.update(&self.line);
        self.lines += 1;
        self.to.write_all(&self.line).map_err(failed)
    }

    /// Lines that are encoded already, each with its newline.
    pub(super) fn push_encoded(&mut self, lines: &[u8], count: u64) -> Result<()> {
        self.digest.update(lines);
        self.lines += count;
        self.to.write_all(lines).map_err(failed)
    }

    pub(super) fn finish(mut self) -> Result<W> {
        let end = End { end: self.lines, sha256: Checksum(self.digest.finalize().into()) };
        serde_json::to_writer(&mut self.to, &end).map_err(failed)?;
        self.to.write_all(b"\n").map_err(failed)?;
        Ok(self.to)
    }
}

/// Reads lines and checks count and checksum at the end.
pub(super) struct FrameReader<'o, R> {
    object: &'o str,
    from: R,
    line: Vec<u8>,
    lines: u64,
    digest: Sha256,
}

impl<'o, R: BufRead> FrameReader<'o, R> {
    /// Checks kind and version, and gives the version and the header.
    pub(super) fn open<H: for<'de> Deserialize<'de>>(
        object: &'o str,
        kind: &str,
        from: R,
    ) -> Result<(Self, u32, H)> {
        let mut reader = Self { object, from, line: Vec::new(), lines: 0, digest: Sha256::new() };
        reader.advance()?;
        let found: Envelope<'_> = serde_json::from_slice(&reader.line)
            .map_err(|e| damaged(object, format!("its first line: {e}")))?;
        admitted(object, kind, &found)?;
        let format = found.format;
        let header: FirstLineIn<'_, H> = serde_json::from_slice(&reader.line)
            .map_err(|e| damaged(object, format!("its first line: {e}")))?;
        let header = header.header;
        reader.digest.update(&reader.line);
        Ok((reader, format, header))
    }

    /// Reads to the end, only to know that all of it is what was written.
    pub(super) fn verify(mut self) -> Result<()> {
        while self.next()?.is_some() {}
        Ok(())
    }

    /// The next entry's bytes; `None` after the last, once the end has been checked.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>> {
        self.advance()?;
        // No entry starts like the end does.
        if self.line.starts_with(b"{\"end\":") {
            let end: End = serde_json::from_slice(&self.line)
                .map_err(|e| damaged(self.object, format!("its last line: {e}")))?;
            let sum = Checksum(self.digest.finalize_reset().into());
            if end.end != self.lines || end.sha256 != sum {
                return Err(damaged(self.object, "its checksum is not that of its content"));
            }
            self.line.clear();
            if self.from.read_until(b'\n', &mut self.line).map_err(|e| self.unreadable(&e))? > 0 {
                return Err(damaged(self.object, "something stands after its end"));
            }
            return Ok(None);
        }
        self.digest.update(&self.line);
        self.lines += 1;
        Ok(Some(&self.line))
    }

    fn advance(&mut self) -> Result<()> {
        self.line.clear();
        self.from.read_until(b'\n', &mut self.line).map_err(|e| self.unreadable(&e))?;
        if self.line.last() == Some(&b'\n') {
            return Ok(());
        }
        Err(damaged(self.object, "it is cut off"))
    }

    fn unreadable(&self, e: &io::Error) -> Error {
        damaged(self.object, e)
    }
}
