//! `--format` and `--output` of reports that come one after the other.

use std::{
    fs,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use super::{
    drift::args::{Drift, Form},
    voice::Voice,
};
use crate::{
    Error, ErrorKind, Result,
    drift::Report,
    report::{
        self,
        formats::{Format, Rendering},
    },
};

type Out = BufWriter<Box<dyn Write + Send>>;

/// A document that reports are written to as they come. A file is there when it is whole.
pub(super) struct Sheet {
    rendering: Option<Rendering<Out>>,
    /// For people: each report as text.
    text: Option<Out>,
    /// What it is called until it is whole, and then.
    file: Option<(PathBuf, PathBuf)>,
}

impl Sheet {
    /// What `args` ask for, if they ask for a document; otherwise people are told.
    pub(super) fn new(args: &Drift, voice: &Voice<'_>) -> Result<Option<Self>> {
        let said = args.format.or(voice.json.then_some(Form::Json));
        if let Some(path) = &args.output {
            let part = part(path);
            let file = fs::File::create(&part).map_err(|e| unwritten(&part, &e))?;
            let out: Out = BufWriter::new(Box::new(file));
            let format = said.unwrap_or(Form::Json).format();
            return Self::begin(out, format, Some((part, path.clone()))).map(Some);
        }
        match said.and_then(Form::format) {
            Some(format) => {
                let out: Out = BufWriter::new(Box::new(voice.out.clone()));
                Self::begin(out, Some(format), None).map(Some)
            }
            None => Ok(None),
        }
    }

    fn begin(out: Out, format: Option<Format>, file: Option<(PathBuf, PathBuf)>) -> Result<Self> {
        Ok(match format {
            Some(format) => {
                let rendering = Rendering::new(out, format).map_err(|e| lost(file.as_ref(), &e))?;
                Self { rendering: Some(rendering), text: None, file }
            }
            None => Self { rendering: None, text: Some(out), file },
        })
    }

    /// One report more.
    pub(super) fn add(&mut self, report: &Report) -> Result<()> {
        let written = match (&mut self.rendering, &mut self.text) {
            (Some(rendering), _) => rendering.add(report),
            (None, Some(text)) => {
                let report = report::drift(report);
                text.write_all(anstream::adapter::strip_str(&report).to_string().as_bytes())
            }
            (None, None) => Ok(()),
        };
        written.map_err(|e| lost(self.file.as_ref(), &e))
    }

    /// It is whole.
    pub(super) fn end(self) -> Result<()> {
        let ended = self.rendering.map(Rendering::end).transpose();
        let ended = ended.and_then(|_| self.text.map_or(Ok(()), |mut text| text.flush()));
        ended.map_err(|e| lost(self.file.as_ref(), &e))?;
        let Some((part, path)) = self.file else { return Ok(()) };
        fs::rename(&part, &path).map_err(|e| unwritten(&path, &e))
    }
}

fn part(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

fn lost(file: Option<&(PathBuf, PathBuf)>, error: &io::Error) -> Error {
    match file {
        Some((part, _)) => unwritten(part, error),
        None => Error::new(ErrorKind::Failed, format!("cannot write the report: {error}")),
    }
}

fn unwritten(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::Failed, format!("cannot write {}: {error}", path.display()))
}
