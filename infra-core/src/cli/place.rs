//! `bootstrap` and `state doctor`: the place where state lives, and how it is.

use infra_state::{Finding, Grade};
use serde_json::json;

use super::{confirm::Ask, dispatch::Session, screen::Shared};
use crate::{App, Error, ErrorKind, Result, config::Settings, exit::Exit, report};

/// The place that the settings name, before there is an engine on it.
pub(super) struct Place<'a> {
    pub(super) settings: &'a Settings,
    pub(super) ask: Ask<'a>,
    pub(super) interactive: bool,
    pub(super) json: bool,
    pub(super) out: Shared,
}

impl Place<'_> {
    /// Shows what is not as it should be, asks, makes it so.
    pub(super) async fn bootstrap(self, app: &App, yes: bool) -> Result<Exit> {
        let place = app.place(self.settings).await?;
        let url = place.url();
        let now = place.examine().await?;
        if now.iter().all(|finding| finding.grade == Grade::Good) {
            self.show(&now, &format!("{url} has all that a state needs.\n"));
            return Ok(Exit::Done);
        }
        if !self.json {
            self.show(&now, "");
        }
        if !yes {
            if !self.interactive {
                let message = format!(
                    "nobody is at a terminal to confirm that {url} is made as above. Say `bootstrap --yes`"
                );
                return Err(Error::new(ErrorKind::Refused, message));
            }
            if !self.ask.asked(&format!("make {url} so")).await? {
                return Err(Error::new(ErrorKind::Refused, "declined; nothing was changed"));
            }
        }
        let made = place.prepare().await?;
        self.show(&made, &format!("{url} has all that a state needs now.\n"));
        Ok(Exit::Done)
    }

    fn show(&self, findings: &[Finding], end: &str) {
        if self.json {
            let document = json!({"version": report::JSON_VERSION, "findings": listed(findings)});
            self.out.clone().line(&document.to_string());
        } else {
            self.ask.reporter.write(&format!("{}{end}", report::findings(findings)));
        }
    }
}

/// Looks after the state of the stack and its place.
pub(super) async fn doctor(session: &Session<'_>) -> Result<Exit> {
    let state = &session.engine.state;
    let mut findings = state.backend().examine().await?;
    findings.extend(state.examine().await?);
    if session.json {
        session.document(json!({"findings": listed(&findings)}));
    } else {
        session.say(&report::findings(&findings)).await;
    }
    let wrong = findings.iter().any(|finding| finding.grade == Grade::Wrong);
    Ok(if wrong { Exit::Failed } else { Exit::Done })
}

fn listed(findings: &[Finding]) -> Vec<serde_json::Value> {
    let listed = findings.iter().map(|finding| {
        let grade = match finding.grade {
            Grade::Good => "good",
            Grade::Notice => "notice",
            Grade::Wrong => "wrong",
        };
        json!({"grade": grade, "what": finding.what, "advice": finding.advice})
    });
    listed.collect()
}
