//! A service and a timer of systemd.

use std::path::PathBuf;

use super::{Every, File, Look};

/// The machine that looks.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The program's own path.
    pub program: PathBuf,
    /// Where it is started: its settings are looked for from there upward.
    pub directory: PathBuf,
    /// Whose credentials and sealing key are used.
    pub user: Option<String>,
    /// What it may write: a state on this machine.
    pub writable: Vec<PathBuf>,
}

/// A service that looks once, and a timer that starts it.
pub fn units(look: &Look, every: Every, machine: &Machine) -> Vec<File> {
    let program = machine.program.display().to_string();
    let words = std::iter::once(program).chain(look.arguments.iter().cloned());
    let exec: Vec<_> = words.map(|word| quoted(&argument(&word))).collect();
    let user = machine.user.as_ref().map(|user| format!("User={user}\n")).unwrap_or_default();
    let writable = machine
        .writable
        .iter()
        .map(|path| format!("ReadWritePaths={}\n", quoted(&format!("-{}", path_of(path)))));
    let writable: String = writable.collect();
    let directory = path_of(&machine.directory);
    let service = format!(
        "[Unit]
Description=Drift of {of}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
{user}WorkingDirectory={directory}
ExecStart={exec}
# Drift (2) makes the unit fail like an error (1) does: `systemctl --failed` and OnFailure= see both.
TimeoutStartSec={timeout}
# Variables like AWS_PROFILE, if there are any.
EnvironmentFile=-/etc/default/{name}

# It looks and changes nothing.
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
{writable}PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
CapabilityBoundingSet=
UMask=0077
",
        of = text(&look.of),
        name = look.name,
        exec = exec.join(" "),
        timeout = (every.seconds() * 3).max(900),
    );
    let timer = format!(
        "[Unit]
Description=Drift of {of}, every {span}

[Timer]
# Counted from the last look, so that two never run at once.
OnUnitActiveSec={span}
OnBootSec=2min
RandomizedDelaySec={delay}

[Install]
WantedBy=timers.target
",
        of = text(&look.of),
        span = every.span(),
        delay = (every.seconds() / 10).max(1),
    );
    let file = |kind: &str, text: String| File { name: format!("{}.{kind}", look.name), text };
    vec![file("service", service), file("timer", timer)]
}

/// A word of `ExecStart=`: systemd takes `$` and `%` for its own.
fn argument(word: &str) -> String {
    word.replace('%', "%%").replace('$', "$$")
}

/// One word of several.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%$".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in word.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A path as a setting: to the end of the line, spaces too.
fn path_of(path: &std::path::Path) -> String {
    path.display().to_string().replace('%', "%%")
}

/// Text in one line.
fn text(text: &str) -> String {
    text.replace('%', "%%").replace('\n', " ")
}
