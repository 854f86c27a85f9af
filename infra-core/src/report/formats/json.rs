//! Reports as one JSON document.

use std::io::{self, Write};

use super::Totals;
use crate::{drift::Report, report::JSON_VERSION};

/// `{"version": …, "reports": […], "totals": {…}}`, a report a line.
pub(super) struct Writer<W> {
    out: W,
    totals: Totals,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(mut out: W) -> io::Result<Self> {
        write!(out, "{{\"version\":{JSON_VERSION},\"reports\":[")?;
        Ok(Self { out, totals: Totals::default() })
    }

    pub(super) fn add(&mut self, report: &Report) -> io::Result<()> {
        self.out.write_all(if self.totals.stacks == 0 { b"\n" } else { b",\n" })?;
        self.totals.add(report);
        serde_json::to_writer(&mut self.out, report).map_err(io::Error::from)
    }

    pub(super) fn end(mut self) -> io::Result<W> {
        self.out.write_all(if self.totals.stacks == 0 { b"" } else { b"\n" })?;
        self.out.write_all(b"],\"totals\":")?;
        serde_json::to_writer(&mut self.out, &self.totals).map_err(io::Error::from)?;
        self.out.write_all(b"}\n")?;
        Ok(self.out)
    }
}
