//! What the processes of a run found, in the place of the states.

use std::io::{BufRead, BufReader};

use infra_state::{Backend, Env, backend::Put};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Shard;
use crate::{
    Error, ErrorKind, Result, command::watch::Audience, drift::Report, report::formats::Totals,
};

/// Where runs are kept. No program can be called so, and no stack is looked for in it.
pub const FOLDER: &str = "drift.runs";

const VERSION: u32 = 1;
/// So long after it was told a run is not joined any more.
const OVER: SignedDuration = SignedDuration::from_hours(1);
/// A chunk is written when it has this many bytes of JSON.
const CHUNK: usize = 1 << 20;

/// One run of several processes.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    place: &'a dyn Backend,
    id: &'a str,
}

/// What one process has found: how it is numbered, and in which chunks its reports are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    version: u32,
    /// Which process.
    pub shard: Shard,
    /// When it was ready.
    pub at: Timestamp,
    /// What its reports come to.
    pub totals: Totals,
    chunks: Vec<String>,
}

/// Who tells what all have found.
#[derive(Debug, Serialize, Deserialize)]
struct Claim {
    version: u32,
    by: Shard,
    at: Timestamp,
    totals: Totals,
}

/// When what all have found was told.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    version: u32,
    at: Timestamp,
}

/// The part that a process is writing.
#[derive(Debug)]
pub struct Parts<'a> {
    run: Run<'a>,
    shard: Shard,
    /// Tells the chunks of one attempt from those of another; begins with its time.
    attempt: String,
    lines: Vec<u8>,
    chunks: Vec<String>,
    totals: Totals,
}

impl<'a> Run<'a> {
    /// The run `id` in a place: a word of letters, digits and `._-`.
    pub fn new(place: &'a dyn Backend, id: &'a str) -> Result<Self> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if id.is_empty() || id.len() > 100 || id.starts_with('.') || !id.chars().all(fits) {
            let message = format!(
                "{id:?} cannot name a run: 1 to 100 letters, digits, `.`, `_` and `-`, and no `.` first"
            );
            return Err(Error::new(ErrorKind::Usage, message));
        }
        Ok(Self { place, id })
    }

    fn key(&self, name: &str) -> String {
        format!("{FOLDER}/{}/{name}", self.id)
    }

    /// The part of this process, if an earlier attempt has finished it.
    pub async fn part(&self, shard: Shard) -> Result<Option<Part>> {
        let key = self.key(&name(shard));
        let Some(object) = self.place.get(&key).await? else { return Ok(None) };
        read(&key, &object.body).map(Some)
    }

    /// Begins the part of this process.
    pub fn begin(self, shard: Shard, env: &dyn Env) -> Parts<'a> {
        let mut chance = [0; 4];
        env.random(&mut chance);
        let attempt = format!("{}-{:08x}", env.now().as_second(), u32::from_le_bytes(chance));
        let (lines, chunks, totals) = (Vec::new(), Vec::new(), Totals::default());
        Parts { run: self, shard, attempt, lines, chunks, totals }
    }

    /// All parts, if all are there.
    pub async fn whole(&self, of: u32) -> Result<Option<Vec<Part>>> {
        let there = self.place.list(&format!("{FOLDER}/{}", self.id), "").await?;
        let mut parts = Vec::new();
        for index in 0..of {
            let shard = Shard::new(index, of).map_err(|e| Error::new(ErrorKind::Usage, e))?;
            if !there.contains(&name(shard)) {
                return Ok(None);
            }
            match self.part(shard).await? {
                Some(part) => parts.push(part),
                None => return Ok(None),
            }
        }
        Ok(Some(parts))
    }

    /// Whether it is this process that tells what all have found: the first that asks, and the same one if it asks again.
    pub async fn claim(&self, shard: Shard, totals: &Totals, at: Timestamp) -> Result<bool> {
        let claim = Claim { version: VERSION, by: shard, at, totals: totals.clone() };
        let key = self.key("merged.json");
        if let Put::Stored(_) = self.place.put_if_absent(&key, &json(&claim)?).await? {
            return Ok(true);
        }
        let Some(object) = self.place.get(&key).await? else { return Ok(false) };
        Ok(read::<Claim>(&key, &object.body)?.by == shard)
    }

    /// From now on what all have found is told.
    pub async fn told(&self, at: Timestamp) -> Result<()> {
        let body = json(&Told { version: VERSION, at })?;
        // Refused: it was told before.
        let _ = self.place.put_if_absent(&self.key("told.json"), &body).await?;
        Ok(())
    }

    /// Whether what all have found was told.
    pub async fn was_told(&self) -> Result<bool> {
        Ok(self.place.get(&self.key("told.json")).await?.is_some())
    }

    /// Refuses a run that is over: nothing would be looked at, and nobody told. An attempt that is made again in time goes on.
    pub async fn refuse_if_over(&self, now: Timestamp) -> Result<()> {
        let key = self.key("told.json");
        let Some(object) = self.place.get(&key).await? else { return Ok(()) };
        let told = read::<Told>(&key, &object.body)?;
        if now.duration_since(told.at) < OVER {
            return Ok(());
        }
        let message = format!(
            "the run {:?} was over at {}, and nothing is looked at again in it: say another ID, a new one for every run",
            self.id, told.at
        );
        Err(Error::new(ErrorKind::Usage, message))
    }

    /// Gives all reports of a part, a chunk at a time.
    pub async fn reports(&self, part: &Part, audience: &mut dyn Audience) -> Result<()> {
        for chunk in &part.chunks {
            let key = self.key(chunk);
            let lost = |why: String| {
                let message = format!("the part {key} of the run cannot be read: {why}");
                Error::new(ErrorKind::Failed, message)
            };
            let object =
                self.place.get(&key).await?.ok_or_else(|| lost("it is gone".to_owned()))?;
            let text =
                zstd::Decoder::with_buffer(&*object.body).map_err(|e| lost(e.to_string()))?;
            for line in BufReader::new(text).lines() {
                let line = line.map_err(|e| lost(e.to_string()))?;
                let report: Report =
                    serde_json::from_str(&line).map_err(|e| lost(e.to_string()))?;
                audience.hear(report).await?;
            }
        }
        Ok(())
    }
}

impl Parts<'_> {
    /// One report more.
    pub async fn add(&mut self, report: &Report) -> Result<()> {
        self.totals.add(report);
        self.lines.extend(json(report)?);
        self.lines.push(b'\n');
        if self.lines.len() >= CHUNK { self.write().await } else { Ok(()) }
    }

    async fn write(&mut self) -> Result<()> {
        let lines = std::mem::take(&mut self.lines);
        let body = zstd::encode_all(&*lines, 0).map_err(|e| {
            Error::new(ErrorKind::Failed, format!("reports cannot be compressed: {e}")).because(e)
        })?;
        let (part, n) = (stem(self.shard), self.chunks.len());
        let chunk = format!("{part}.{}.{n}.ndjson.zst", self.attempt);
        // Refused: its own write, whose reply was lost. The attempt is in the name.
        let _ = self.run.place.put_if_absent(&self.run.key(&chunk), &body).await?;
        self.chunks.push(chunk);
        Ok(())
    }

    /// The part is whole. If another attempt was faster, it is that one's.
    pub async fn end(mut self, at: Timestamp) -> Result<Part> {
        // There is always one, which says when the run was.
        if !self.lines.is_empty() || self.chunks.is_empty() {
            self.write().await?;
        }
        let (run, shard) = (self.run, self.shard);
        let part = Part { version: VERSION, shard, at, totals: self.totals, chunks: self.chunks };
        match run.place.put_if_absent(&run.key(&name(shard)), &json(&part)?).await? {
            Put::Stored(_) => Ok(part),
            Put::Refused => Ok(run.part(shard).await?.unwrap_or(part)),
        }
    }
}

/// Removes the runs that began before `before`, except `keep`. How many there were.
pub async fn sweep(place: &dyn Backend, keep: &str, before: Timestamp) -> Result<usize> {
    let mut swept = 0;
    for run in place.list(FOLDER, "").await? {
        let Some(run) = run.strip_suffix('/').filter(|run| *run != keep) else { continue };
        let folder = format!("{FOLDER}/{run}");
        let objects = place.list(&folder, "").await?;
        let last = objects.iter().filter_map(|name| began(name)).max();
        if last.is_none_or(|last| last >= before.as_second()) {
            continue;
        }
        // The chunks, which say how old it is, go last: cut off, it is found again.
        let (chunks, others): (Vec<_>, Vec<_>) =
            objects.iter().partition(|name| began(name).is_some());
        for name in others.into_iter().chain(chunks) {
            place.delete(&format!("{folder}/{name}")).await?;
        }
        swept += 1;
    }
    Ok(swept)
}

/// When the attempt began that wrote this chunk, in seconds since 1970.
fn began(name: &str) -> Option<i64> {
    let name = name.strip_suffix(".ndjson.zst")?;
    let (_, attempt) = name.split_once('.')?;
    attempt.split_once('-')?.0.parse().ok()
}

fn stem(shard: Shard) -> String {
    format!("part-{}-of-{}", shard.index(), shard.of())
}

/// What says that a part is whole.
fn name(shard: Shard) -> String {
    format!("{}.json", stem(shard))
}

fn json(what: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(what).map_err(|e| {
        Error::new(ErrorKind::Failed, format!("a report cannot be written: {e}")).because(e)
    })
}

fn read<T: for<'de> Deserialize<'de>>(key: &str, body: &[u8]) -> Result<T> {
    let version = serde_json::from_slice::<serde_json::Value>(body).ok();
    let version = version.and_then(|document| document["version"].as_u64());
    if version.is_some_and(|version| version > u64::from(VERSION)) {
        let message = format!("{key} was written by a newer version of this program: use that one");
        return Err(Error::new(ErrorKind::Failed, message));
    }
    serde_json::from_slice(body).map_err(|e| {
        Error::new(ErrorKind::Failed, format!("{key} is not what a run writes: {e}")).because(e)
    })
}
