//! The command `smoke`: which ledger, which token.

use std::{
    io::{BufRead, Write},
    time::Duration,
};

use async_trait::async_trait;
use clap::{Arg, ArgMatches, Command};
use infra_core::{Engine, Error, ErrorKind, Result, Sensitive, app::Custom, command::outputs};

use super::{checks::Checks, client::Client, report::Report};

/// How long a call waits to connect.
const PATIENCE: Duration = Duration::from_secs(5);

/// The command `smoke`. See the [module](super).
#[derive(Clone, Copy, Debug, Default)]
pub struct Smoke;

#[async_trait]
impl Custom for Smoke {
    fn command(&self) -> Command {
        Command::new("smoke")
            .about("Try the running ledger: accounts, transactions, balances, and whether its door is locked")
            .after_help(
                "Each run makes two accounts and two transactions under names of its own; a ledger forgets nothing, \
                 so they stay. Exits with 1 if a check fails.",
            )
            .arg(Arg::new("url").long("url").value_name("URL").help(
                "The ledger's address; without it the stack's output `url`",
            ))
            .arg(Arg::new("token").long("token").value_name("TOKEN").help(
                "Its token, or `-` for the first line of standard input, where no list of processes shows it; without \
                 it the stack's secret output `token`",
            ))
            .arg(
                Arg::new("wait")
                    .long("wait")
                    .value_name("TIME")
                    .default_value("2m")
                    .value_parser(time)
                    .help("How long to wait for the first answer while a load balancer warms up, like `90s`, `10m`"),
            )
    }

    async fn run(
        &self,
        engine: &Engine,
        arguments: &ArgMatches,
        out: &mut (dyn Write + Send),
    ) -> Result<()> {
        let url = arguments.get_one::<String>("url");
        let token = arguments.get_one::<String>("token");
        if url.is_none() && engine.is_simulated() {
            let message = "no ledger runs on a simulated stack: its load balancer exists inside this process only. \
                           Point it at one that runs: `smoke --url http://HOST:PORT --token TOKEN`, or `--stack NAME` \
                           of a stack on a real cloud";
            return Err(Error::new(ErrorKind::Usage, message));
        }
        let url = match url {
            Some(url) => url.clone(),
            None => output(engine, "url").await?.reveal().clone(),
        };
        if host(&url).ends_with(".simulated.invalid") {
            let message = format!(
                "nothing answers at {url}: such names are an embedded cloud's. Say the address of a ledger that runs"
            );
            return Err(Error::new(ErrorKind::Usage, message));
        }
        let token = match token.map(String::as_str) {
            Some("-") => first_line()?,
            Some(token) => Sensitive::new(token.to_owned()),
            None => output(engine, "token").await?,
        };
        let wait = arguments.get_one::<Duration>("wait").copied().unwrap_or_default();
        // A flag of every command; this one may also be run by a program that has none.
        let json = matches!(arguments.try_get_one::<bool>("json"), Ok(Some(true)));

        let client = Client::new(&url, &token, PATIENCE)?;
        let checks = Checks::new(&client, &*engine.env);
        let mut report = Report::new(out, json);
        report.heading(&format!("The ledger at {}", client.base()))?;
        checks.run(&*engine.env, wait, &mut report).await?;
        report.end(client.base(), &checks.made())
    }
}

/// An output of the stack, which is text.
async fn output(engine: &Engine, name: &str) -> Result<Sensitive<String>> {
    let outputs = outputs(engine).await?;
    let text = outputs.get(name).and_then(|value| value.as_str());
    text.map(|text| Sensitive::new(text.to_owned())).ok_or_else(|| {
        let message = format!(
            "the stack has no output `{name}`; bring it up to date with `up`, or say --{name} here"
        );
        Error::new(ErrorKind::Usage, message)
    })
}

fn first_line() -> Result<Sensitive<String>> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|e| {
        let message = format!("cannot read the token from standard input: {e}");
        Error::new(ErrorKind::Usage, message).because(e)
    })?;
    let line = line.trim_end_matches(['\r', '\n']);
    if line.is_empty() {
        let message = "`--token -` reads the token from standard input, whose first line is empty";
        return Err(Error::new(ErrorKind::Usage, message));
    }
    Ok(Sensitive::new(line.to_owned()))
}

fn host(url: &str) -> String {
    let uri: Option<http::Uri> = url.parse().ok();
    uri.and_then(|uri| uri.host().map(str::to_lowercase)).unwrap_or_default()
}

fn time(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a time like `90s`, `10m` or `0`".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let seconds = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    Ok(Duration::from_secs(number.saturating_mul(seconds)))
}
