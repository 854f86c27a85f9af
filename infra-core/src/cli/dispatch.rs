//! From arguments to an exit code.

use std::{
    ffi::OsString,
    io::BufRead,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use clap::{CommandFactory, FromArgMatches};

use super::{
    Screen,
    args::{self, Arguments, Bootstrap, Command, Global},
    changes,
    confirm::Ask,
    diagnostic, drift,
    drift::args::Drift,
    export,
    fleet::Fleet,
    import, interrupt,
    place::Place,
    policy, print,
    reporter::Reporter,
    schedule::{Then, schedule},
    screen::Shared,
    stack, state,
    voice::Voice,
    watch::One,
};
use crate::{
    App, Cancel, Engine, Error, ErrorKind, Program, Result,
    config::Settings,
    event::Events,
    exit::Exit,
    report::{Human, Sink},
};

/// A command that runs.
pub(super) struct Session<'a> {
    pub(super) engine: Engine,
    pub(super) settings: &'a Settings,
    pub(super) interactive: bool,
    pub(super) json: bool,
    reporter: &'a Reporter,
    out: Shared,
    err: Shared,
    input: Mutex<Option<Box<dyn BufRead + Send>>>,
}

impl Session<'_> {
    /// Prints a line of data.
    pub(super) fn data(&self, text: &str) {
        self.out.clone().line(text);
    }

    /// Prints the one document of a command that gives data, for `--json`.
    pub(super) fn document(&self, members: serde_json::Value) {
        let mut document = serde_json::json!({"version": crate::report::JSON_VERSION});
        if let (Some(document), serde_json::Value::Object(members)) =
            (document.as_object_mut(), members)
        {
            document.extend(members);
        }
        self.data(&document.to_string());
    }

    /// Tells a person something, after everything that was told before.
    pub(super) async fn say(&self, text: &str) {
        self.reporter.caught_up().await;
        self.say_now(text);
    }

    /// Tells a person something.
    pub(super) fn say_now(&self, text: &str) {
        self.reporter.write(text);
    }

    /// The question before changes.
    pub(super) fn ask(&self) -> Ask<'_> {
        let input = self.input.lock().map_or(None, |mut input| input.take());
        Ask {
            reporter: self.reporter,
            err: self.err.clone(),
            input: Mutex::new(input),
            cancel: self.engine.cancel.clone(),
            production: self.settings.production.then(|| self.settings.stack.clone()),
        }
    }

    /// Whether nothing real can be touched.
    fn is_simulated(&self) -> bool {
        let engine = &self.engine;
        engine.connectors.values().all(|connector| connector.notice(&engine.context).is_some())
    }
}

/// What the arguments ask for.
enum Asked {
    Ours(Option<Command>),
    /// The place of the state, before there can be an engine on it.
    Place(Bootstrap),
    /// Many stacks, or none, or one that may be out of reach.
    Apart(Box<Drift>),
    Custom(usize, clap::ArgMatches),
}

/// Runs the command that the arguments say.
pub(crate) async fn run<A>(app: &App, program: Arc<Program>, arguments: A, screen: Screen) -> Exit
where
    A: IntoIterator<Item: Into<OsString> + Clone>,
{
    let mut screen = screen;
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let (global, asked) = match parse(app, &arguments) {
        Ok(parsed) => parsed,
        Err(error) => return usage(&error, &arguments, screen),
    };
    if global.no_color {
        screen.without_colors();
    }
    let Screen { out, err, input, interactive, live, .. } = screen;
    let (events, received) = Events::channel();
    let reporter = if global.json {
        Reporter::json(out.clone(), received)
    } else {
        let sink = Box::new(err.clone());
        let sink = if live { Sink::live(sink) } else { Sink::plain(sink) };
        Reporter::human(Human::new(sink, global.details), received)
    };
    let other = match &asked {
        Asked::Ours(Some(Command::Import(args))) => Some(args.app(app)),
        _ => None,
    };
    let app = other.as_ref().unwrap_or(app);
    let ended = async {
        let settings = settings(app, &global)?;
        let input = Mutex::new(Some(input));
        if let Asked::Place(args) = &asked {
            let (out, err, cancel) = (out.clone(), err.clone(), Cancel::default());
            interrupt::listen(cancel.clone());
            let ask = Ask { reporter: &reporter, err, input, cancel, production: None };
            let place = Place { settings: &settings, ask, interactive, json: global.json, out };
            return place.bootstrap(app, args.yes).await;
        }
        if let Asked::Apart(args) = &asked {
            let voice = Voice { reporter: &reporter, out: out.clone(), json: global.json };
            if let Some(Then::Schedule(then)) = &args.then {
                return schedule(app, &settings, &global, args, then, &voice).await;
            }
            let cancel = Cancel::default();
            interrupt::listen(cancel.clone());
            if !args.many.all_stacks {
                return One { app, settings: &settings, program, voice, cancel, args }
                    .watch()
                    .await;
            }
            let (settings, sets) = (&settings, &*global.set);
            return Fleet { app, settings, sets, program, voice, cancel, args }.run().await;
        }
        let session = Session {
            engine: app.assemble(&settings, program, events).await?,
            settings: &settings,
            interactive,
            json: global.json,
            reporter: &reporter,
            out: out.clone(),
            err: err.clone(),
            input,
        };
        execute(app, &session, asked).await
    };
    let ended = ended.await;
    reporter.end().await;
    let mut out = out;
    let mut err = err;
    let exit = ended.unwrap_or_else(|error| {
        let mut folders: Vec<PathBuf> = std::env::current_dir().into_iter().collect();
        folders.extend(app.beside().cloned());
        err.text(&diagnostic::render(&error, &folders, live));
        if global.json {
            out.line(&error_event(&error).to_string());
        }
        error.kind().into()
    });
    written(&mut out, &mut err, live, exit)
}

/// A command whose data did not arrive has failed, whatever else it did: who reads the file would take a part for all.
fn written(out: &mut Shared, err: &mut Shared, live: bool, exit: Exit) -> Exit {
    let Some(lost) = out.lost() else { return exit };
    let error = Error::new(ErrorKind::Failed, format!("cannot write to standard output: {lost}"));
    err.text(&diagnostic::render(&error, &[], live));
    if matches!(exit, Exit::Done | Exit::Changes) { Exit::Failed } else { exit }
}

fn parse(app: &App, arguments: &[OsString]) -> Result<(Global, Asked), clap::Error> {
    let mut command = Arguments::command().name(app.name().to_owned()).bin_name(app.name());
    command = command.version(app.version());
    command = command.subcommands(app.commands().iter().map(|custom| custom.command()));
    let matches = command.try_get_matches_from(arguments)?;
    let named = matches.subcommand();
    let custom = named.and_then(|(name, own)| {
        let at = app.commands().iter().position(|custom| custom.command().get_name() == name)?;
        Some(Asked::Custom(at, own.clone()))
    });
    if let Some(custom) = custom {
        return Ok((<Global as FromArgMatches>::from_arg_matches(&matches)?, custom));
    }
    let Arguments { global, command } = Arguments::from_arg_matches(&matches)?;
    let asked = match command {
        Some(Command::Bootstrap(args)) => Asked::Place(args),
        Some(Command::Drift(args)) if args.is_apart() => Asked::Apart(args),
        command => Asked::Ours(command),
    };
    Ok((global, asked))
}

/// Help goes to standard output, a mistake to standard error.
fn usage(error: &clap::Error, arguments: &[OsString], screen: Screen) -> Exit {
    let mut screen = screen;
    // What is wrong keeps the arguments from being read as a whole; these two are meant all the same.
    let says = |flag: &str| arguments.iter().take_while(|a| *a != "--").any(|a| a == flag);
    if says("--no-color") {
        screen.without_colors();
    }
    let text = error.render().ansi().to_string();
    let exit = if error.use_stderr() {
        screen.err.text(&text);
        if says("--json") {
            let text = error.render().to_string();
            let message = text.trim().trim_start_matches("error: ");
            let message = message.lines().next().unwrap_or_default();
            let error = Error::new(ErrorKind::Usage, message);
            screen.out.line(&error_event(&error).to_string());
        }
        Exit::Usage
    } else {
        screen.out.text(&text);
        Exit::Done
    };
    written(&mut screen.out, &mut screen.err, screen.live, exit)
}

fn settings(app: &App, global: &Global) -> Result<Settings> {
    let here = here()?;
    let mut settings = app.settings(&global.stack, global.config.clone(), &here, &global.set)?;
    if let Some(cloud) = &global.cloud {
        settings.cloud = Some(cloud.clone());
    }
    if let Some(state) = &global.state {
        settings.state = Some(typed(state, &here));
    }
    Ok(settings)
}

/// What is typed is relative to where it is typed.
pub(super) fn typed(url: &str, here: &Path) -> String {
    match url.strip_prefix("file:") {
        Some(path) => format!("file:{}", here.join(path.trim_start_matches("//")).display()),
        None => url.to_owned(),
    }
}

pub(super) fn here() -> Result<PathBuf> {
    std::env::current_dir().map_err(|e| {
        Error::new(ErrorKind::Usage, format!("there is no current directory: {e}")).because(e)
    })
}

async fn execute(app: &App, session: &Session<'_>, asked: Asked) -> Result<Exit> {
    let cancel = session.engine.cancel.clone();
    interrupt::listen(cancel.clone());
    // These know themselves how to stop.
    let stops = match &asked {
        Asked::Ours(Some(Command::Drift(args))) => args.stops(),
        Asked::Ours(
            None
            | Some(
                Command::Up(_) | Command::Destroy(_) | Command::Rollback(_) | Command::Simulate(_),
            ),
        ) => true,
        _ => false,
    };
    // Cut off, these are finished by being said again.
    let moves = matches!(
        asked,
        Asked::Ours(Some(
            Command::State(args::State::Migrate { .. })
                | Command::Stack(args::Stack::Rename { .. })
        ))
    );
    let done = dispatch(app, session, asked);
    if stops {
        return done.await;
    }
    tokio::select! {
        done = done => done,
        () = cancel.stopped() => Err(Error::new(ErrorKind::Interrupted, if moves {
            "interrupted; say the same again to finish it"
        } else {
            "interrupted; nothing was changed"
        })),
    }
}

async fn dispatch(app: &App, session: &Session<'_>, asked: Asked) -> Result<Exit> {
    let command = match asked {
        Asked::Custom(at, matches) => {
            let mut out = session.out.clone();
            app.commands()[at].run(&session.engine, &matches, &mut out).await?;
            return Ok(Exit::Done);
        }
        Asked::Ours(command) => command,
        Asked::Place(_) | Asked::Apart(_) => unreachable!("it needs no engine"),
    };
    match command {
        None if session.is_simulated() => changes::try_out(session).await,
        None => changes::look(session).await,
        Some(Command::Preview(args)) => changes::preview(session, &args).await,
        Some(Command::Up(args)) => changes::up(session, &args).await,
        Some(Command::Destroy(args)) => changes::destroy(session, &args).await,
        Some(Command::Drift(args)) => drift::drift(app, session, &args).await,
        Some(Command::Outputs(args)) => print::outputs(session, &args).await,
        Some(Command::Graph(args)) => print::graph(session, &args).await,
        Some(Command::Policy(args)) => policy::policy(session, &args).await,
        Some(Command::History(args)) => print::history(session, &args).await,
        Some(Command::Import(args)) => import::import(session, &args).await,
        Some(Command::Export(args)) => export::export(session, &args).await,
        Some(Command::Rollback(args)) => changes::rollback(session, &args).await,
        Some(Command::Stack(args)) => stack::stack(session, &args).await,
        Some(Command::State(args)) => state::state(app, session, &args).await,
        Some(Command::Bootstrap(_)) => unreachable!("`parse` takes it out"),
        Some(Command::Simulate(args)) => print::simulate(session, &args).await,
    }
}

/// The last line of `--json` when a command did not get as far as a summary.
fn error_event(error: &Error) -> serde_json::Value {
    let mistakes = error.mistakes().iter().map(|mistake| {
        serde_json::json!({
            "message": mistake.message,
            "urn": mistake.urn,
            "at": mistake.at.map(ToString::to_string),
        })
    });
    serde_json::json!({
        "version": crate::report::JSON_VERSION,
        "event": "error",
        "kind": format!("{:?}", error.kind()).to_lowercase(),
        "message": error.to_string(),
        "mistakes": mistakes.collect::<Vec<_>>(),
    })
}
