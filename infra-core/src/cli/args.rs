//! The arguments.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use infra_state::Lineage;

/// Infrastructure as a Rust program. Without a command: `up` on a simulated cloud, `preview` on a real one.
#[derive(Parser, Debug)]
#[command(disable_help_subcommand = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) global: Global,
}

/// What every command takes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Options of every command")]
pub(super) struct Global {
    /// The stack
    #[arg(long, global = true, value_name = "NAME", default_value = "dev")]
    pub(super) stack: String,
    /// The configuration; without it PROGRAM.toml is looked for upward, then beside the program's source
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The cloud of a new stack; one that there is stays on its own
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) cloud: Option<String>,
    /// Where the state lives: `file:DIR`, or another scheme that the program plugs in
    #[arg(long, global = true, value_name = "URL")]
    pub(super) state: Option<String>,
    /// Sets a key of the program's configuration, like `--set db.class=large`
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
    /// On standard output, for programs: of commands that plan or execute one versioned event a line; of commands that
    /// print data (`outputs`, `history`, `stack`, `state list`, `state show`) one versioned document
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// No colours
    #[arg(long, global = true)]
    pub(super) no_color: bool,
    /// Show every property of what is created and deleted
    #[arg(long, global = true)]
    pub(super) details: bool,
}

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Show what `up` would do; changes nothing, takes no lock
    Preview(Preview),
    /// Bring the cloud to what the program declares
    Up(Up),
    /// Remove everything the stack has
    Destroy(Destroy),
    /// Show where the cloud is not what is recorded, and put it right; a look changes nothing and takes no lock
    Drift(Box<super::drift::args::Drift>),
    /// Print what the stack exports
    Outputs(Outputs),
    /// Draw the stack
    Graph(Graph),
    /// Print the least-privilege policy that the stack needs
    Policy(Policy),
    /// List deployments
    History(History),
    /// Bring the cloud back to what an earlier deployment declared
    Rollback(Rollback),
    /// List, show, rename and remove stacks
    #[command(subcommand)]
    Stack(Stack),
    /// Operate on what is remembered
    #[command(subcommand)]
    State(State),
    /// Make the place where the state lives: the bucket and the lock table
    Bootstrap(Bootstrap),
    /// Record objects that exist: one or many as declared resources, or what Terraform knows or a VPC has, with the program
    /// that declares it; the cloud is not touched
    Import(super::import::Import),
    /// Write the stack as the configuration of another tool; nothing else is changed
    Export(super::export::Export),
    /// Serve the embedded cloud over HTTP, for the aws CLI and other programs
    Simulate(Simulate),
}

/// What a plan is made of.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Planning {
    /// Only this resource and what it needs (may be given several times)
    #[arg(long, value_name = "URN")]
    pub(super) target: Vec<String>,
    /// Not this resource, nor what needs it
    #[arg(long, value_name = "URN")]
    pub(super) exclude: Vec<String>,
    /// Agree to lose the data of this resource
    #[arg(long, value_name = "URN")]
    pub(super) allow_data_loss: Vec<String>,
    /// Read everything first, not only what the plan touches
    #[arg(long, conflicts_with = "no_refresh")]
    pub(super) refresh: bool,
    /// Read nothing first
    #[arg(long)]
    pub(super) no_refresh: bool,
    /// Go on though many objects are gone at once
    #[arg(long)]
    pub(super) allow_mass_absence: bool,
}

/// What only a plan towards the program's graph takes.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Towards {
    /// Replace this resource whether it changed or not
    #[arg(long, value_name = "URN")]
    pub(super) replace: Vec<String>,
    /// Ask lookups again instead of using what they found first
    #[arg(long)]
    pub(super) refresh_lookups: bool,
}

/// How a plan is executed.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Executing {
    /// Do not ask
    #[arg(long, short)]
    pub(super) yes: bool,
    /// After a failed delete, still try the deletes that wait for it
    #[arg(long)]
    pub(super) continue_on_error: bool,
    /// How many steps run at once
    #[arg(long, value_name = "N", value_parser = parallel)]
    pub(super) parallel: Option<usize>,
    /// How long to wait for somebody else's lock, like `90s`, `10m`
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) lock_timeout: Option<Duration>,
}

#[derive(Args, Debug, Default)]
pub(super) struct Preview {
    #[command(flatten)]
    pub(super) planning: Planning,
    #[command(flatten)]
    pub(super) towards: Towards,
    /// Plan to remove everything
    #[arg(long)]
    pub(super) destroy: bool,
    /// Write the plan to a file, for `up --plan`
    #[arg(long, value_name = "FILE")]
    pub(super) save: Option<PathBuf>,
    /// Exit with 2 if there is something to do
    #[arg(long)]
    pub(super) exit_code: bool,
}

#[derive(Args, Debug, Default)]
pub(super) struct Up {
    #[command(flatten)]
    pub(super) planning: Planning,
    #[command(flatten)]
    pub(super) towards: Towards,
    #[command(flatten)]
    pub(super) executing: Executing,
    /// Make a stack without a state though the cloud has objects with its tags; they are left alone
    #[arg(long)]
    pub(super) new_lineage: bool,
    /// Execute a plan that `preview --save` wrote, without asking
    #[arg(long, value_name = "FILE", conflicts_with_all = ["target", "exclude", "replace", "refresh", "no_refresh", "refresh_lookups"])]
    pub(super) plan: Option<PathBuf>,
}

#[derive(Args, Debug, Default)]
pub(super) struct Destroy {
    #[command(flatten)]
    pub(super) planning: Planning,
    #[command(flatten)]
    pub(super) executing: Executing,
    /// Leave what is protected, and what it needs
    #[arg(long)]
    pub(super) exclude_protected: bool,
}

#[derive(Args, Debug)]
pub(super) struct Rollback {
    /// The deployment to go back to, as `history` numbers them
    #[arg(value_name = "NUMBER")]
    pub(super) number: u64,
    /// Only show what would be done
    #[arg(long, conflicts_with = "yes")]
    pub(super) preview: bool,
    #[command(flatten)]
    pub(super) planning: Planning,
    #[command(flatten)]
    pub(super) executing: Executing,
}

#[derive(Args, Debug)]
pub(super) struct Outputs {
    /// Only this one, as it is
    pub(super) name: Option<String>,
    /// Print secrets in clear
    #[arg(long)]
    pub(super) show_secrets: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Dot,
    Mermaid,
    Svg,
}

#[derive(Args, Debug)]
pub(super) struct Graph {
    /// The form; without it by the file's extension (.dot, .mmd, .svg), else dot
    #[arg(long, value_enum)]
    pub(super) format: Option<Format>,
    /// Write to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Draw what is remembered, not what the program declares
    #[arg(long)]
    pub(super) remembered: bool,
}

/// What the policy is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum For {
    /// `up`, `destroy`, `state rebuild`
    #[default]
    Deploy,
    /// `drift`, `preview --refresh`: it changes nothing
    Drift,
    /// `drift --all-stacks`: it reads every state of the place, and several of it leave their parts there
    Fleet,
}

#[derive(Args, Debug)]
pub(super) struct Policy {
    /// What the policy is for
    #[arg(long = "for", value_enum, default_value_t)]
    pub(super) purpose: For,
    /// A name that the stack had before it was renamed (may be given several times)
    #[arg(long, value_name = "NAME")]
    pub(super) formerly: Vec<String>,
    /// Write each document to a file of this folder instead of standard output
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Print which of its permissions no call is named after, when they are asked for, and who says so
    #[arg(long, conflicts_with = "out")]
    pub(super) table: bool,
}

#[derive(Args, Debug)]
pub(super) struct History {
    /// How many
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(super) last: usize,
}

#[derive(Subcommand, Debug)]
pub(super) enum Stack {
    /// List the program's stacks in the same place
    List,
    /// Show what is known of the stack
    Show,
    /// Give the stack another name; its objects keep theirs
    Rename {
        /// The new name
        #[arg(value_name = "NAME")]
        new: String,
        #[command(flatten)]
        locking: Locking,
    },
    /// Remove the state of a stack in which nothing is left
    #[command(alias = "remove")]
    Rm {
        /// Though something is left: it stays in the cloud, and is listed
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        locking: Locking,
    },
}

/// How long to wait for the lock.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Locking {
    /// How long to wait for somebody else's lock, like `90s`, `10m`
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) lock_timeout: Option<Duration>,
}

#[derive(Subcommand, Debug)]
pub(super) enum State {
    /// One urn a line
    List,
    /// One resource as JSON
    Show {
        /// A urn, or its name part
        urn: String,
        /// Print secrets in clear
        #[arg(long)]
        show_secrets: bool,
    },
    /// Look after the state and its place: whether all of it can be read, and is kept safely
    Doctor,
    /// Give a resource another name; dependents follow
    Mv {
        /// A urn, or its name part
        from: String,
        /// The new name, or a whole urn
        to: String,
        #[command(flatten)]
        locking: Locking,
    },
    /// Forget a resource; its object stays in the cloud
    Rm {
        /// A urn, or its name part
        urn: String,
        /// Though others depend on it, or nobody knows what an operation on it that was cut off has done
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        locking: Locking,
    },
    /// Protect resources from delete and replacement
    Protect {
        /// Urns, or their name parts
        #[arg(required = true)]
        urns: Vec<String>,
        #[command(flatten)]
        locking: Locking,
    },
    /// End the protection of resources
    Unprotect {
        /// Urns, or their name parts
        #[arg(required = true)]
        urns: Vec<String>,
        #[command(flatten)]
        locking: Locking,
    },
    /// Take the lock from a holder that is surely dead (on this machine none stays: the system frees it)
    Unlock {
        /// The holder's nonce, as the message shows it
        nonce: String,
    },
    /// Print the whole state as JSON; secrets stay sealed
    Pull {
        /// Print secrets in clear
        #[arg(long)]
        show_secrets: bool,
    },
    /// Replace the state by what `pull` printed
    Push {
        /// The file; `-` is standard input
        file: PathBuf,
        /// Though the state has moved since
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        locking: Locking,
    },
    /// Write a lost state again, from the program and what the cloud has; changes nothing in the cloud
    Rebuild(Rebuild),
    /// Move the state to another place, with its history
    Migrate {
        /// Where to: `file:DIR`, or another scheme that the program plugs in
        #[arg(long, value_name = "URL")]
        to: String,
        /// What seals its secrets there, if it is another key
        #[arg(long, value_name = "URL")]
        key: Option<String>,
        #[command(flatten)]
        locking: Locking,
    },
    /// Seal everything that is stored anew, with a fresh key; what the key before sealed is removed
    Rekey {
        /// What keeps the key from now on, like `key` in the settings: `file:PATH`, `passphrase:`, …; without it what
        /// keeps it now
        #[arg(long, value_name = "KEY")]
        to: Option<String>,
        #[command(flatten)]
        locking: Locking,
    },
    /// Take over state that was copied or moved here
    #[command(group(clap::ArgGroup::new("how").required(true)))]
    Rebind {
        /// The original is still there: this becomes a stack of its own
        #[arg(long, group = "how")]
        copied: bool,
        /// The original is gone: this is the same stack
        #[arg(long, group = "how")]
        moved: bool,
        #[command(flatten)]
        locking: Locking,
    },
}

#[derive(Args, Debug)]
pub(super) struct Bootstrap {
    /// Do not ask
    #[arg(long, short)]
    pub(super) yes: bool,
}

#[derive(Args, Debug)]
pub(super) struct Rebuild {
    /// Which life of the stack, where the cloud has objects of several
    #[arg(long, value_name = "UUID")]
    pub(super) lineage: Option<Lineage>,
    /// Give a secret that cannot be recovered a new value (may be given several times)
    #[arg(long, value_name = "NAME")]
    pub(super) rotate: Vec<String>,
    /// Which object a resource is, where it has several
    #[arg(long, value_name = "URN=ID", value_parser = current)]
    pub(super) current: Vec<(String, String)>,
    /// A name that the stack had before it was renamed (may be given several times)
    #[arg(long, value_name = "NAME")]
    pub(super) formerly: Vec<String>,
    /// Do not remember what the program does not declare; it stays in the cloud
    #[arg(long)]
    pub(super) forget_unknown: bool,
    /// Do not ask
    #[arg(long, short)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) locking: Locking,
}

#[derive(Args, Debug)]
pub(super) struct Simulate {
    /// The address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4566")]
    pub(super) listen: String,
    /// Serve the embedded Kubernetes too, at this address (kubectl, other programs)
    #[arg(long, value_name = "ADDR")]
    pub(super) kubernetes: Option<String>,
    /// Let it hold what this Terraform state says, with the same ids: a rehearsal of a migration
    #[arg(long, value_name = "FILE")]
    pub(super) plant: Option<PathBuf>,
}

fn current(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((urn, id)) if !urn.is_empty() && !id.is_empty() => Ok((urn.to_owned(), id.to_owned())),
        _ => Err("expected a urn, or its name part, and an id: `net/vpc=vpc-123`".to_owned()),
    }
}

pub(super) fn parallel(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a number from 1".to_owned()),
        Ok(n) => Ok(n),
    }
}

pub(super) fn time(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a time like `90s`, `10m` or `1h`".to_owned();
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_make_sense() {
        Arguments::command().debug_assert();
        assert_eq!(time("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(time("10m"), Ok(Duration::from_mins(10)));
        assert!(time("m").is_err() && time("3x").is_err() && parallel("0").is_err());
    }

    fn help(path: &[&str]) -> String {
        let mut command = Arguments::command().name("program").term_width(100);
        command.build();
        let mut at = &mut command;
        for name in path {
            at = at.find_subcommand_mut(name).unwrap();
        }
        at.render_help().to_string()
    }

    #[test]
    fn help_texts() {
        insta::assert_snapshot!("help", help(&[]));
        insta::assert_snapshot!("help_up", help(&["up"]));
        insta::assert_snapshot!("help_state", help(&["state"]));
    }
}
