//! `drift schedule`.

use std::{fs, path::PathBuf};

use clap::{Args, Subcommand};

use super::{
    args::{Global, time},
    dispatch::here,
    drift::args::{Drift, Orphans},
    voice::Voice,
};
use crate::{
    App, Error, ErrorKind, Result,
    command::fleet::Shard,
    config::Settings,
    drift::Severity,
    exit::Exit,
    schedule::{Cluster, Every, File, Look, Machine, cron_job, units},
};

/// What `drift` is told to do instead of looking.
#[derive(Subcommand, Clone, Debug)]
pub(super) enum Then {
    /// Write the files with which systemd or Kubernetes looks again and again, with the options before this word; changes
    /// nothing
    Schedule(Schedule),
}

#[derive(Args, Clone, Debug)]
#[command(group(clap::ArgGroup::new("where").required(true)))]
pub(super) struct Schedule {
    /// A service and a timer of systemd, for this machine
    #[arg(long, group = "where")]
    pub(super) systemd: bool,
    /// A CronJob of Kubernetes
    #[arg(long, group = "where", requires = "image")]
    pub(super) kubernetes: bool,
    /// How often
    #[arg(long, value_name = "TIME", value_parser = every, default_value = "15m")]
    pub(super) every: Every,
    /// Every stack of the place; with --kubernetes by an indexed Job of several pods
    #[arg(long)]
    pub(super) fleet: bool,
    /// With --fleet and --kubernetes: how many pods share the stacks
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=i64::from(Shard::MOST)))]
    pub(super) shards: u32,
    /// The image that has this program as its entry point
    #[arg(long, value_name = "IMAGE")]
    pub(super) image: Option<String>,
    /// The namespace in Kubernetes
    #[arg(long, value_name = "NAME")]
    pub(super) namespace: Option<String>,
    /// The service account in Kubernetes, with the role that `policy --for drift` prints
    #[arg(long, value_name = "NAME", default_value = "drift")]
    pub(super) service_account: String,
    /// Whom systemd runs it as; whoever writes this, if it is not said
    #[arg(long, value_name = "NAME")]
    pub(super) user: Option<String>,
    /// Write the files to this folder instead of standard output
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
}

fn every(text: &str) -> Result<Every, String> {
    Every::new(time(text)?)
}

/// Writes the files.
pub(super) async fn schedule(
    app: &App,
    settings: &Settings,
    global: &Global,
    args: &Drift,
    schedule: &Schedule,
    voice: &Voice<'_>,
) -> Result<Exit> {
    let usage = |message: String| Error::new(ErrorKind::Usage, message);
    let fleet = schedule.fleet || args.many.all_stacks;
    let of = if fleet {
        format!("{}/all-stacks", app.name())
    } else {
        format!("{}/{}", app.name(), global.stack)
    };
    let look = Look::new(of, words(global, args, fleet).map_err(usage)?);
    let files = if schedule.systemd {
        let machine = Machine {
            program: std::env::current_exe()
                .map_err(|e| usage(format!("the program's own path is not known: {e}")))?,
            directory: here()?,
            user: schedule.user.clone().or_else(|| std::env::var("USER").ok()),
            writable: vec![crate::app::own_folder(settings)],
        };
        units(&look, schedule.every, &machine)
    } else {
        let cluster = Cluster {
            image: schedule.image.clone().unwrap_or_default(),
            namespace: schedule.namespace.clone(),
            service_account: schedule.service_account.clone(),
            shards: fleet.then_some(schedule.shards),
        };
        vec![cron_job(&look, schedule.every, &cluster).map_err(usage)?]
    };
    write(schedule, &files, voice).await?;
    Ok(Exit::Done)
}

async fn write(schedule: &Schedule, files: &[File], voice: &Voice<'_>) -> Result<()> {
    let Some(folder) = &schedule.out else {
        for file in files {
            let head = if files.len() > 1 { format!("# {}\n", file.name) } else { String::new() };
            voice.data(format!("{head}{}", file.text).trim_end());
        }
        return Ok(());
    };
    for file in files {
        let path = folder.join(&file.name);
        fs::create_dir_all(folder).and_then(|()| fs::write(&path, &file.text)).map_err(|e| {
            let message = format!("cannot write {}: {e}", path.display());
            Error::new(ErrorKind::Failed, message).because(e)
        })?;
    }
    let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
    let then = if schedule.systemd {
        // The service first, then what starts it.
        let timer = names.last().copied().unwrap_or_default();
        format!("copy them to /etc/systemd/system and `systemctl enable --now {timer}`")
    } else {
        format!("`kubectl apply -f {}`", folder.display())
    };
    voice.say(&format!("Wrote {} to {}; {then}.\n", names.join(", "), folder.display())).await;
    Ok(())
}

/// What says the same as these arguments.
fn words(global: &Global, args: &Drift, fleet: bool) -> Result<Vec<String>, String> {
    let mut words = vec!["drift".to_owned()];
    let mut say = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            words.push(format!("--{name}"));
            words.push(value);
        }
    };
    say("stack", (!fleet || global.stack != "dev").then(|| global.stack.clone()));
    say("config", global.config.as_ref().map(|path| path.display().to_string()));
    say("cloud", global.cloud.clone());
    say("state", global.state.clone());
    global.set.iter().for_each(|set| say("set", Some(set.clone())));
    args.only.iter().for_each(|urn| say("only", Some(urn.clone())));
    say("severity", (args.severity != Severity::Info).then(|| args.severity.to_string()));
    say("fail-on", args.fail_on.map(|level| level.to_string()));
    let orphans = match args.orphans {
        Orphans::None => Some("none"),
        Orphans::Used => None,
        Orphans::All => Some("all"),
    };
    say("orphans", orphans.map(str::to_owned));
    let form = args.format.map(|form| form.format().map_or("human", |format| format.as_str()));
    say("format", form.map(str::to_owned));
    say("output", args.output.as_ref().map(|path| path.display().to_string()));
    args.telling.notify.iter().for_each(|target| say("notify", Some(target.clone())));
    say("parallel", args.many.parallel.map(|n| n.to_string()));
    say("assume-role", args.many.assume_role.as_ref().map(ToString::to_string));
    let flags = [
        ("all-stacks", fleet),
        ("unmanaged", args.unmanaged),
        ("no-actors", args.no_actors),
        ("policies", args.policies),
        ("recorded-only", args.recorded_only),
        ("notify-always", args.telling.notify_always),
        ("json", global.json),
        ("details", global.details),
        ("no-color", global.no_color),
    ];
    words.extend(flags.iter().filter(|(_, said)| *said).map(|(name, _)| format!("--{name}")));
    let wrong = [
        ("--fix", args.repair.fix),
        ("--accept", args.repair.accept),
        ("--watch", args.often.watch.is_some()),
        ("--shard", args.many.shard.is_some()),
    ];
    if let Some((name, _)) = wrong.iter().find(|(_, said)| *said) {
        return Err(format!("`{name}` is not for a schedule: what is started looks once"));
    }
    if fleet && !args.only.is_empty() {
        return Err("`--only` is of one stack, and a fleet has many".to_owned());
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Arguments, Command};

    fn parsed(words: &[&str]) -> (Global, Drift) {
        let words = std::iter::once("program").chain(words.iter().copied());
        let Arguments { global, command } = Arguments::try_parse_from(words).unwrap();
        let Some(Command::Drift(args)) = command else { panic!("{command:?}") };
        (global, *args)
    }

    /// What is written means what was said.
    #[test]
    fn the_words_say_the_same() {
        let said = [
            "drift",
            "--stack",
            "prod",
            "--config",
            "x.toml",
            "--cloud",
            "aws",
            "--state",
            "s3://b/p",
            "--set",
            "a.b=c d",
            "--only",
            "net/vpc",
            "--severity",
            "low",
            "--fail-on",
            "high",
            "--orphans",
            "all",
            "--format",
            "sarif",
            "--output",
            "out.sarif",
            "--notify",
            "command:page",
            "--unmanaged",
            "--no-actors",
            "--policies",
            "--recorded-only",
            "--notify-always",
            "--no-color",
        ];
        let (global, args) = parsed(&said);
        assert_eq!(words(&global, &args, false).unwrap(), said);
        let said = ["drift", "--parallel", "9", "--assume-role", "arn:{account}", "--all-stacks"];
        let (global, args) = parsed(&said);
        assert_eq!(words(&global, &args, true).unwrap(), said);
        let (global, args) = parsed(&["drift", "--watch", "15m"]);
        assert!(words(&global, &args, false).unwrap_err().starts_with("`--watch` is not"));
    }
}
