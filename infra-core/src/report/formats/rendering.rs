//! Reports, written one after the other.

use std::io::{self, Write};

use super::{Format, json, junit, prometheus, sarif};
use crate::drift::Report;

/// Reports that are written one after the other; nothing of what was written is kept but numbers.
pub struct Rendering<W: Write>(Kind<W>);

enum Kind<W: Write> {
    Json(json::Writer<W>),
    Junit(junit::Writer<W>),
    Sarif(sarif::Writer<W>),
    Prometheus(prometheus::Writer<W>),
}

impl<W: Write> Rendering<W> {
    /// Begins.
    pub fn new(out: W, format: Format) -> io::Result<Self> {
        Ok(Self(match format {
            Format::Json => Kind::Json(json::Writer::new(out)?),
            Format::Junit => Kind::Junit(junit::Writer::new(out)?),
            Format::Sarif => Kind::Sarif(sarif::Writer::new(out)?),
            Format::Prometheus => Kind::Prometheus(prometheus::Writer::new(out)),
        }))
    }

    /// One report more.
    pub fn add(&mut self, report: &Report) -> io::Result<()> {
        match &mut self.0 {
            Kind::Json(writer) => writer.add(report),
            Kind::Junit(writer) => writer.add(report),
            Kind::Sarif(writer) => writer.add(report),
            Kind::Prometheus(writer) => {
                writer.add(report);
                Ok(())
            }
        }
    }

    /// Ends, and gives back what was written to.
    pub fn end(self) -> io::Result<W> {
        let mut out = match self.0 {
            Kind::Json(writer) => writer.end()?,
            Kind::Junit(writer) => writer.end()?,
            Kind::Sarif(writer) => writer.end()?,
            Kind::Prometheus(writer) => writer.end()?,
        };
        out.flush()?;
        Ok(out)
    }
}

/// The reports as one text.
pub fn render(reports: &[Report], format: Format) -> String {
    let write = || {
        let mut rendering = Rendering::new(Vec::new(), format)?;
        reports.iter().try_for_each(|report| rendering.add(report))?;
        rendering.end()
    };
    // Memory takes everything.
    let bytes: io::Result<Vec<u8>> = write();
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}
