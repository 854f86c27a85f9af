//! A call together with what was expected of it.

use super::{
    client::{Answer, Call, Client, Silence},
    meaning,
};

/// The most of a body that a report shows.
const SHOWN: usize = 300;

/// What came of a call.
#[derive(Debug)]
pub(super) enum Came {
    Answer(Answer),
    Silence(Silence),
}

/// What a check found wrong.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) request: String,
    pub(super) expected: String,
    pub(super) came: String,
    pub(super) means: Option<String>,
}

impl Finding {
    /// Its parts by name.
    pub(super) fn members(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let parts =
            [("request", &self.request), ("expected", &self.expected), ("came", &self.came)];
        let means = self.means.as_ref().map(|means| ("means", means));
        parts.into_iter().chain(means).map(|(what, text)| (what, text.as_str()))
    }
}

/// A call that was made.
pub(super) struct Attempt<'a> {
    client: &'a Client,
    call: Call,
    pub(super) came: Came,
}

impl<'a> Attempt<'a> {
    /// Makes the call.
    pub(super) async fn make(client: &'a Client, call: Call) -> Self {
        let came = client.call(&call).await.map_or_else(Came::Silence, Came::Answer);
        Self { client, call, came }
    }

    /// The answer, if it has one of these statuses.
    pub(super) fn answered(&self, statuses: &[u16]) -> Result<&Answer, Finding> {
        match &self.came {
            Came::Answer(answer) if statuses.contains(&answer.status) => Ok(answer),
            _ => {
                let list: Vec<_> = statuses.iter().map(ToString::to_string).collect();
                Err(self.finding(list.join(" or "), None))
            }
        }
    }

    /// What is wrong with what came. Without a meaning of the check's own it is what the status means.
    pub(super) fn finding(&self, expected: impl Into<String>, means: Option<&str>) -> Finding {
        let means = means.map(ToOwned::to_owned);
        Finding {
            request: self.client.scrubbed(&shortened(&self.call.to_string())),
            expected: expected.into(),
            came: self.client.scrubbed(&said(&self.came)),
            means: means.or_else(|| meaning::of(&self.came, self.call.shows)),
        }
    }
}

fn said(came: &Came) -> String {
    match came {
        Came::Silence(silence) => silence.cause.clone(),
        Came::Answer(answer) if answer.body.trim().is_empty() => answer.status.to_string(),
        Came::Answer(answer) => format!("{} {}", answer.status, shortened(&answer.body)),
    }
}

/// One line of it, without what would move the cursor of a terminal.
fn shortened(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let mut text: Vec<char> = text.trim().chars().map(clean).take(SHOWN + 1).collect();
    if text.len() > SHOWN {
        text[SHOWN] = '…';
    }
    text.into_iter().collect()
}
