//! A kubeconfig for one cluster, and one merged into a file that has others.
//!
//! Everything here is text in, text out. What is merged into keeps its entries, whatever they hold; comments go, as
//! they do when `kubectl config` writes. A file that already says the same is given back as it was, byte for byte.

use infra_core::{Error, ErrorKind, Result, Sensitive};
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

/// The API of credential programs that every `kubectl` in use speaks.
const EXEC: &str = "client.authentication.k8s.io/v1";

/// How `kubectl` reaches one cluster.
#[derive(Clone, Debug)]
pub struct Access {
    /// What cluster, user and context are called.
    pub name: String,
    /// The address of the Kubernetes API.
    pub server: String,
    /// The certificate authority of the API, as base64 of PEM: what EKS gives.
    pub authority: Option<String>,
    /// Whom the certificate must name, where that is not the host of `server` (a forwarded port).
    pub tls_server_name: Option<String>,
    /// Who the user is.
    pub login: Login,
}

/// How a user proves who they are.
#[derive(Clone, Debug)]
pub enum Login {
    /// A token that stays the same.
    Token(Sensitive<String>),
    /// A program that prints a [credential](credential) whenever one is needed.
    Program {
        /// Its path.
        command: String,
        /// Its arguments.
        arguments: Vec<String>,
        /// Variables that it needs beside those of `kubectl`.
        environment: Vec<(String, String)>,
    },
}

impl Access {
    /// A kubeconfig that has nothing else.
    pub fn document(&self) -> Result<String> {
        self.merged("", true)
    }

    /// `into` with this cluster, its user and its context: those of the same name are replaced, everything else stays.
    /// The context becomes the current one if `select` says so, or if there is none.
    ///
    /// A namespace that somebody chose for the context stays chosen.
    pub fn merged(&self, into: &str, select: bool) -> Result<String> {
        let before = read(into)?;
        let mut all = before.clone();
        all.entry("apiVersion").or_insert_with(|| "v1".into());
        all.entry("kind").or_insert_with(|| "Config".into());
        let context = json!({"cluster": self.name, "user": self.name});
        self.put(&mut all, "clusters", "cluster", self.cluster())?;
        self.put(&mut all, "users", "user", self.user())?;
        self.put(&mut all, "contexts", "context", context)?;
        let current = all.entry("current-context").or_insert(Json::Null);
        if select || current.as_str().is_none_or(str::is_empty) {
            *current = self.name.as_str().into();
        }
        if all == before {
            return Ok(into.to_owned());
        }
        written(&Json::Object(all))
    }

    fn cluster(&self) -> Json {
        let mut cluster = json!({"server": self.server});
        if let Some(authority) = &self.authority {
            cluster["certificate-authority-data"] = authority.as_str().into();
        }
        if let Some(name) = &self.tls_server_name {
            cluster["tls-server-name"] = name.as_str().into();
        }
        cluster
    }

    fn user(&self) -> Json {
        match &self.login {
            Login::Token(token) => json!({"token": token.reveal()}),
            Login::Program { command, arguments, environment } => {
                let mut exec = json!({
                    "apiVersion": EXEC,
                    "command": command,
                    "args": arguments,
                    "interactiveMode": "Never",
                    "provideClusterInfo": false,
                });
                if !environment.is_empty() {
                    let one =
                        |(name, value): &(String, String)| json!({"name": name, "value": value});
                    exec["env"] = environment.iter().map(one).collect();
                }
                json!({"exec": exec})
            }
        }
    }

    /// Puts `{name, <key>: value}` into the list, over the one of the same name.
    fn put(&self, all: &mut Map<String, Json>, list: &str, key: &str, value: Json) -> Result<()> {
        let entries = all.entry(list).or_insert(Json::Null);
        if entries.is_null() {
            *entries = json!([]);
        }
        let found = kind(entries);
        let Json::Array(entries) = entries else {
            let message = format!("`{list}` of a kubeconfig is a list; this one's is {found}");
            return Err(Error::new(ErrorKind::Usage, message));
        };
        let Some(there) = entries.iter_mut().find(|entry| entry["name"] == self.name.as_str())
        else {
            entries.push(json!({"name": self.name, key: value}));
            return Ok(());
        };
        match (key, &mut there[key], value) {
            // What is not about cluster and user is the person's own choice.
            ("context", Json::Object(there), Json::Object(value)) => there.extend(value),
            (_, there, value) => *there = value,
        }
        Ok(())
    }
}

/// What a [program](Login::Program) prints: the token, and until when it is good.
pub fn credential(token: &Sensitive<String>, expires: Option<Timestamp>) -> String {
    let mut status = json!({"token": token.reveal()});
    if let Some(expires) = expires {
        // Whole seconds: Kubernetes' times have no others.
        let expires = expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        status["expirationTimestamp"] = expires.into();
    }
    json!({"apiVersion": EXEC, "kind": "ExecCredential", "status": status}).to_string()
}

fn read(text: &str) -> Result<Map<String, Json>> {
    let not = |why: String| {
        Error::new(ErrorKind::Usage, format!("this is not a kubeconfig that can be merged: {why}"))
    };
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_saphyr::from_str::<Json>(text) {
        Ok(Json::Object(all)) => Ok(all),
        Ok(Json::Null) => Ok(Map::new()),
        Ok(other) => Err(not(format!("expected keys and values, found {}", kind(&other)))),
        // What is wrong may stand beside a token: where is said, what is not.
        Err(error) => {
            let at = error.location();
            let at = at.map_or_else(String::new, |at| format!(" (line {})", at.line()));
            Err(not(format!("it is not YAML{at}")))
        }
    }
}

fn written(all: &Json) -> Result<String> {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(all, options).map_err(|e| {
        Error::new(ErrorKind::Failed, format!("cannot write the kubeconfig: {e}")).because(e)
    })
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "nothing",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "keys and values",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> Access {
        Access {
            name: "qledger-prod".into(),
            server: "https://ABC.gr7.eu-west-1.eks.amazonaws.com".into(),
            authority: Some("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t".repeat(20)),
            tls_server_name: None,
            login: Login::Program {
                command: "/home/me/bin/qledger-ha".into(),
                arguments: vec!["kubeconfig-token".into(), "--stack".into(), "prod".into()],
                environment: vec![("AWS_PROFILE".into(), "prod".into())],
            },
        }
    }

    const OTHERS: &str = r#"apiVersion: v1
kind: Config
preferences: {colors: true}
current-context: home
clusters:
- name: home
  cluster:
    server: https://10.0.0.1:6443
    insecure-skip-tls-verify: true
    extensions:
    - name: odd
      extension: {since: "2024-01-01", port: "0123", yes: "no", big: 12345678901234567890}
contexts:
- {name: home, context: {cluster: home, user: me, namespace: "1e3"}}
users:
- name: me
  user:
    token: "on"
    as-user-extra: {reason: ["a: b", "multi\nline", ""]}
x-kept: [1, 2.5, null, ~, true, "~"]
"#;

    fn value(text: &str) -> Json {
        serde_saphyr::from_str(text).unwrap()
    }

    #[test]
    fn alone_it_is_complete() {
        let document = value(&access().document().unwrap());
        assert_eq!(document["current-context"], "qledger-prod");
        assert_eq!(document["kind"], "Config");
        let exec = &document["users"][0]["user"]["exec"];
        assert_eq!(exec["args"][2], "prod");
        assert_eq!(exec["interactiveMode"], "Never");
        assert_eq!(exec["env"][0], json!({"name": "AWS_PROFILE", "value": "prod"}));
    }

    #[test]
    fn everything_else_stays_as_it_was() {
        let merged = access().merged(OTHERS, false).unwrap();
        let (before, after) = (value(OTHERS), value(&merged));
        for list in ["clusters", "contexts", "users"] {
            assert_eq!(after[list][0], before[list][0], "{list}");
            assert_eq!(after[list].as_array().unwrap().len(), 2);
        }
        for key in ["preferences", "x-kept", "current-context"] {
            assert_eq!(after[key], before[key], "{key}");
        }
        // What looks like something else than text is quoted, so that readers of YAML 1.1 see text too.
        assert!(merged.contains(r#"token: "on""#) || merged.contains("token: 'on'"), "{merged}");
    }

    #[test]
    fn merging_again_changes_no_byte() {
        let commented = format!("# mine\n{}", access().merged(OTHERS, false).unwrap());
        assert_eq!(access().merged(&commented, false).unwrap(), commented);
        let selected = access().merged(&commented, true).unwrap();
        assert_eq!(value(&selected)["current-context"], "qledger-prod");
    }

    #[test]
    fn its_own_entries_are_replaced_and_a_chosen_namespace_stays() {
        let first = access().merged(OTHERS, false).unwrap();
        let first = first
            .replace("cluster: qledger-prod\n", "cluster: qledger-prod\n    namespace: qledger\n");
        let moved = Access {
            server: "https://127.0.0.1:8443".into(),
            tls_server_name: Some("ABC.gr7.eu-west-1.eks.amazonaws.com".into()),
            login: Login::Token(Sensitive::new("t".into())),
            ..access()
        };
        let second = value(&moved.merged(&first, false).unwrap());
        assert_eq!(second["clusters"].as_array().unwrap().len(), 2);
        assert_eq!(second["clusters"][1]["cluster"]["server"], "https://127.0.0.1:8443");
        assert_eq!(second["users"][1]["user"], json!({"token": "t"}));
        assert_eq!(second["contexts"][1]["context"]["namespace"], "qledger");
    }

    #[test]
    fn what_is_none_is_refused_without_being_shown() {
        for text in ["- a", "clusters: {a: b}", "token: [s3cret", "just text"] {
            let error = access().merged(text, false).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{text}");
            assert!(!error.to_string().contains("s3cret"));
        }
        for nothing in ["", "\n", "---\n", "clusters:\nusers: []\n"] {
            assert_eq!(access().merged(nothing, false).unwrap().matches("server:").count(), 1);
        }
    }

    #[test]
    fn a_credential_says_until_when() {
        let expires: Timestamp = "2026-01-02T03:04:05.678Z".parse().unwrap();
        let printed = credential(&Sensitive::new("k8s-aws-v1.abc".into()), Some(expires));
        let printed: Json = serde_json::from_str(&printed).unwrap();
        assert_eq!(printed["status"]["expirationTimestamp"], "2026-01-02T03:04:05Z");
        assert_eq!(printed["status"]["token"], "k8s-aws-v1.abc");
        assert_eq!(printed["kind"], "ExecCredential");
    }
}
