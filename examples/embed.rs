//! The engine inside somebody else's async program: no command line, no terminal, a stream of events.
//!
//! ```text
//! cargo run --example embed --no-default-features --features s3
//! ```

use std::process::ExitCode;

use infra_aws::s3;
use infra_core::{
    App,
    command::{self, Confirmed, UpOptions},
    config::Settings,
    event::Event,
    prelude::*,
};

/// A stack a tenant: the program is a closure, so it may capture what it is about.
fn tenant(name: &str) -> impl Fn(&mut Stack) -> Result<()> + Send + Sync + 'static {
    let name = name.to_owned();
    move |stack| {
        let files = s3::Bucket::new().versioning(true).tags([("tenant", name.as_str())]);
        let files = stack.add("files", files);
        stack.export("bucket", &files.name);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(log_line(&format!("{error}")));
            ExitCode::FAILURE
        }
    }
}

/// What a control plane would do for each tenant, one after the other.
async fn serve() -> Result<()> {
    for name in ["ada", "grace"] {
        let app = App::new("embed").cloud("simulated", infra_aws::simulated());
        let settings = Settings::new(name).cloud("simulated").state("file:.infra");
        let mut engine = app.engine(&settings, tenant(name)).await?;
        let (events, mut stream) = infra_core::event::Events::channel();
        engine.events = events;

        // The events go wherever this program's events go; here, to its own log.
        let log = tokio::spawn(async move {
            while let Some(event) = stream.recv().await {
                if let Event::StepDone { urn, action, elapsed, .. } = event {
                    drop(log_line(&format!("{action:?} {urn} in {elapsed:?}")));
                }
            }
        });
        let summary = command::up(&engine, &UpOptions::default(), &Confirmed).await?;
        drop(engine);
        log.await.map_err(|e| Error::new(ErrorKind::Failed, e.to_string()))?;
        drop(log_line(&format!(
            "{name}: {:?}, bucket {:?}",
            summary.outcome,
            summary.exports.get("bucket")
        )));
    }
    Ok(())
}

fn log_line(line: &str) -> std::io::Result<()> {
    use std::io::Write;
    writeln!(std::io::stderr(), "{line}")
}
