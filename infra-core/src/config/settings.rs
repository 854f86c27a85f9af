//! The engine's settings of one stack.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use infra_state::Value;

use super::{Config, Located, Node, Place, Source, did_you_mean, nearest};
use crate::{
    Error, ErrorKind, Result,
    graph::Mistake,
    policy::{Enforcement, Pack},
    provider::Driver,
};

/// What the engine itself reads under `[stack.X]`; the clouds add the fields of their providers.
pub const ENGINE_KEYS: [&str; 7] =
    ["cloud", "config", "key", "notify", "policies", "production", "state"];

/// What may stand under `[stack.X]`.
#[derive(Clone, Default)]
pub struct Known {
    /// The keys that the clouds read, each with the provider that it is a field of, if it is.
    pub keys: BTreeMap<String, Option<Arc<dyn Driver>>>,
    /// The names of the clouds.
    pub clouds: Vec<String>,
    /// The schemes of places that states can be in.
    pub states: Vec<String>,
    /// The schemes of sealing keys.
    pub seals: Vec<String>,
    /// The policies.
    pub policies: Pack,
}

/// The engine's settings of one stack, and the program's configuration in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The stack's name.
    pub stack: String,
    /// The file they come from.
    pub file: Option<PathBuf>,
    /// What relative paths are relative to: the file's folder, or where the program was started.
    pub directory: PathBuf,
    /// The cloud's name, if one is named.
    pub cloud: Option<String>,
    /// Where the state lives, if it is said: `file:DIR`, or another scheme of [`App::backend`](crate::App::backend).
    pub state: Option<String>,
    /// What seals secrets, if it is said: `file:PATH`, or another scheme of [`App::keys`](crate::App::keys).
    pub key: Option<String>,
    /// Whether changes must be confirmed by typing the stack's name.
    pub production: bool,
    /// Who is told what a look found: `command:PROGRAM`, `https://…`, or another scheme of
    /// [`App::notifier`](crate::App::notifier).
    pub notify: Vec<String>,
    /// Policies that are enforced otherwise than they say; `None`: they are off.
    pub policies: BTreeMap<String, Option<Enforcement>>,
    /// What the clouds read: `region`, `profile`, …
    pub clouds: Value,
    /// The program's own configuration.
    pub config: Config,
}

impl Settings {
    /// The settings of a stack that no file mentions.
    pub fn new(stack: impl Into<String>) -> Self {
        let stack = stack.into();
        let production = matches!(&*stack, "prod" | "production");
        Self { stack, production, clouds: Value::map(), ..Self::default() }
    }

    /// The same with this cloud.
    #[must_use]
    pub fn cloud(mut self, name: impl Into<String>) -> Self {
        self.cloud = Some(name.into());
        self
    }

    /// The same with the state there.
    #[must_use]
    pub fn state(mut self, url: impl Into<String>) -> Self {
        self.state = Some(url.into());
        self
    }

    /// The same with this configuration for the program.
    #[must_use]
    pub fn config(mut self, config: impl Into<Config>) -> Self {
        self.config = config.into();
        self
    }

    /// The settings of `stack` as the file and the flags say. All mistakes are reported together.
    pub fn load(source: &Source, stack: &str, sets: &[String], known: &Known) -> Result<Self> {
        let mut settings = Self::new(stack);
        settings.directory.clone_from(&source.from);
        let mut config = Located::table();
        let mut wrong = Wrong(Vec::new());
        if let Some((path, file)) = source.read()? {
            settings.directory = path.parent().map_or_else(PathBuf::new, Path::to_owned);
            settings.file = Some(path);
            config = settings.fill(&file, known, &mut wrong);
        }
        for set in sets {
            match Located::parse_set(set) {
                Ok(set) => config.merge(set),
                Err(e) => wrong.said(e.to_string()),
            }
        }
        wrong.end()?;
        settings.config = config.into();
        Ok(settings)
    }

    fn fill(&mut self, file: &Located, known: &Known, wrong: &mut Wrong) -> Located {
        for (key, value) in file.entries().into_iter().flatten() {
            if !["config", "stack"].contains(&&**key) {
                let hint = match nearest(key, ["config", "stack"]) {
                    Some(nearest) => format!("did you mean `{nearest}`?"),
                    None => format!(
                        "the engine's settings stand under `[stack.{}]`, the program's under `[config]`",
                        self.stack
                    ),
                };
                wrong.at(&value.place, format!("the key `{key}` is not known here; {hint}"));
            }
        }
        let mut config = Located::table();
        if let Some(defaults) = wrong.table(file.get("config"), "config") {
            config.merge(defaults.clone());
        }
        let stacks = wrong.table(file.get("stack"), "stack").and_then(Located::entries);
        if let Some(stacks) = stacks {
            let names = stacks.keys().map(String::as_str);
            match stacks.get(&self.stack) {
                Some(stack) => self.fill_stack(stack, known, &mut config, wrong),
                // A typing error must not make a stack of its own.
                None => {
                    if let Some(nearest) =
                        nearest(&self.stack, names).filter(|_| self.stack != "dev")
                    {
                        let stack = &self.stack;
                        let message = format!(
                            "there is no `[stack.{stack}]`; did you mean `--stack {nearest}`? If not, write an empty `[stack.{stack}]`"
                        );
                        wrong.at(
                            &file.get("stack").map_or_else(Place::default, |s| s.place.clone()),
                            message,
                        );
                    }
                }
            }
        }
        config
    }

    fn fill_stack(
        &mut self,
        stack: &Located,
        known: &Known,
        config: &mut Located,
        wrong: &mut Wrong,
    ) {
        let name = format!("stack.{}", self.stack);
        let Some(entries) = wrong.table(Some(stack), &name).and_then(Located::entries) else {
            return;
        };
        let mut clouds = BTreeMap::new();
        for (key, value) in entries {
            match &**key {
                "config" => {
                    if let Some(own) = wrong.table(Some(value), &format!("{name}.config")) {
                        config.merge(own.clone());
                    }
                }
                "cloud" => {
                    self.cloud = wrong.text(value, key);
                    wrong.one_of(self.cloud.as_deref(), "cloud", &known.clouds, value);
                }
                "state" => {
                    self.state = wrong.text(value, key);
                    wrong.one_of(
                        self.state.as_deref().map(scheme),
                        "state scheme",
                        &known.states,
                        value,
                    );
                }
                "key" => {
                    self.key = wrong.text(value, key);
                    wrong.one_of(
                        self.key.as_deref().map(scheme),
                        "key scheme",
                        &known.seals,
                        value,
                    );
                }
                "notify" => self.notify = wrong.texts(value, key),
                "policies" => self.fill_policies(value, &format!("{name}.policies"), known, wrong),
                "production" => match &value.node {
                    Node::Scalar(Value::Bool(production)) => self.production = *production,
                    _ => wrong.expected("true or false", value, key),
                },
                other if known.keys.contains_key(other) => {
                    if let Some(provider) = &known.keys[other] {
                        wrong.mistyped(&**provider, value, key);
                    }
                    drop(clouds.insert(key.clone(), value.to_value()));
                }
                other => {
                    let mut all: Vec<&str> = known.keys.keys().map(String::as_str).collect();
                    all.extend(ENGINE_KEYS);
                    let hint = did_you_mean(other, &all);
                    let message = format!(
                        "`[{name}]` has no key `{other}`{hint} (the program's own keys stand under `[{name}.config]`)"
                    );
                    wrong.at(&value.place, message);
                }
            }
        }
        self.clouds = Value::Map(clouds);
    }

    fn fill_policies(&mut self, table: &Located, name: &str, known: &Known, wrong: &mut Wrong) {
        let entries = wrong.table(Some(table), name).and_then(Located::entries);
        for (policy, value) in entries.into_iter().flatten() {
            if let Some(message) = known.policies.unknown(policy) {
                wrong.at(&value.place, message);
                continue;
            }
            let said = match &value.node {
                Node::Scalar(Value::String(text)) if text == Enforcement::OFF => Some(None),
                Node::Scalar(Value::String(text)) => text.parse().ok().map(Some),
                _ => None,
            };
            match said {
                Some(said) => drop(self.policies.insert(policy.clone(), said)),
                None => wrong.expected("`off`, `advisory` or `mandatory`", value, policy),
            }
        }
    }
}

/// What stands before the first `:` of an address.
pub(crate) fn scheme(url: &str) -> &str {
    url.split_once(':').map_or("", |(scheme, _)| scheme)
}

/// What is wrong in a file, collected.
struct Wrong(Vec<Mistake>);

impl Wrong {
    fn at(&mut self, place: &Place, message: impl std::fmt::Display) {
        let message = format!("{place}: {message}");
        self.0.push(Mistake { message, urn: None, at: None });
    }

    /// A mistake that says itself where it is.
    fn said(&mut self, message: String) {
        self.0.push(Mistake { message, urn: None, at: None });
    }

    fn one_of(&mut self, found: Option<&str>, what: &str, known: &[String], value: &Located) {
        if let Some(found) = found.filter(|found| !known.iter().any(|known| known == found)) {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let hint = did_you_mean(found, &known);
            self.at(&value.place, format!("this program has no {what} `{found}`{hint}"));
        }
    }

    /// What has not the type of the provider's field. (A region that is not text would be taken for none.)
    fn mistyped(&mut self, provider: &dyn Driver, value: &Located, key: &str) {
        let alone = Value::from([(key, value.to_value())]);
        let wrong = provider.type_check(&alone).into_iter();
        for violation in wrong.filter(|violation| violation.path.first() == Some(key)) {
            self.at(&value.place, format!("`{}`: {}", violation.path, violation.message));
        }
    }

    fn expected(&mut self, expected: &str, value: &Located, key: &str) {
        let message = format!("`{key}`: expected {expected}, found {}", value.describe());
        self.at(&value.place, message);
    }

    fn table<'l>(&mut self, value: Option<&'l Located>, name: &str) -> Option<&'l Located> {
        let value = value?;
        if value.entries().is_none() {
            self.expected(&format!("a table `[{name}]`"), value, name);
            return None;
        }
        Some(value)
    }

    fn text(&mut self, value: &Located, key: &str) -> Option<String> {
        if let Node::Scalar(Value::String(text)) = &value.node {
            return Some(text.clone());
        }
        self.expected("text", value, key);
        None
    }

    fn texts(&mut self, value: &Located, key: &str) -> Vec<String> {
        let Node::List(list) = &value.node else {
            self.expected("a list of texts", value, key);
            return Vec::new();
        };
        list.iter().filter_map(|value| self.text(value, key)).collect()
    }

    fn end(self) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(Error::configuration(self.0))
    }
}

impl Error {
    /// All mistakes of a configuration.
    pub fn configuration(mistakes: Vec<Mistake>) -> Self {
        let count = mistakes.len();
        let plural = if count == 1 { "" } else { "s" };
        Self::new(ErrorKind::Usage, format!("the configuration has {count} mistake{plural}"))
            .with_mistakes(mistakes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Resource, plan::Plan, policy::Policy, provider::provider_driver};

    #[derive(Resource, Clone, Debug)]
    #[resource(kind = "fake:Provider")]
    struct Place {
        region: Option<String>,
    }

    fn load(text: &str, stack: &str, sets: &[&str]) -> Result<Settings> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("p.toml"), text).unwrap();
        let inner = folder.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        let source = Source { program: "p".into(), from: inner, ..Source::default() };
        let sets: Vec<_> = sets.iter().map(|set| (*set).to_owned()).collect();
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let known = Known {
            keys: [("region".to_owned(), Some(provider_driver::<Place>()))].into(),
            clouds: words(&["simulated", "aws"]),
            states: words(&["file"]),
            seals: words(&["file"]),
            policies: Pack::new([Policy::mandatory("shop:open", |_: &Plan| Vec::new())]),
        };
        let mut settings = Settings::load(&source, stack, &sets, &known)?;
        assert_eq!(settings.directory, folder.path());
        settings.directory = PathBuf::new();
        Ok(settings)
    }

    #[test]
    fn defaults_stack_and_flags_are_merged() {
        let text = "[config]\nzones = 3\ndb = { class = 'small', size = 10 }\n\
            [stack.live]\ncloud = 'aws'\nregion = 'eu-west-1'\nproduction = true\n\
            [stack.live.config.db]\nclass = 'large'\n";
        let live = load(text, "live", &["zones=2"]).unwrap();
        let config = serde_json::json!({"zones": 2, "db": {"class": "large", "size": 10}});
        assert_eq!(live.config.value(), config.into());
        assert!(live.production && live.cloud.as_deref() == Some("aws"));
        assert_eq!(live.clouds, Value::from([("region", Value::from("eu-west-1"))]));
        let dev = load(text, "dev", &[]).unwrap();
        assert_eq!((dev.cloud, dev.production), (None, false));
        assert!(load(text, "prod", &[]).unwrap().production);
    }

    #[test]
    fn policies_are_set_for_a_stack() {
        let set = |word: &str| {
            let text = format!("[stack.dev.policies]\n'shop:open' = '{word}'\n");
            load(&text, "dev", &[]).unwrap().policies.remove("shop:open").unwrap()
        };
        assert_eq!(set("off"), None);
        assert_eq!(set("advisory"), Some(Enforcement::Advisory));
        assert_eq!(set("mandatory"), Some(Enforcement::Mandatory));
    }

    #[test]
    fn who_is_notified_is_a_list() {
        let text = "[stack.dev]\nnotify = ['command:page', 'https://hooks.example.com/x']\n";
        let notify = load(text, "dev", &[]).unwrap().notify;
        assert_eq!(notify, ["command:page", "https://hooks.example.com/x"]);
        let error = load("[stack.dev]\nnotify = 'command:page'\n", "dev", &[]).unwrap_err();
        assert!(error.mistakes()[0].message.contains("expected a list of texts"), "{error:?}");
    }

    #[test]
    fn every_mistake_is_reported_with_its_line() {
        let text = "stat = 1\n[stack.dev]\nregoin = 'x'\nstate = 3\nzones = 2\nconfig = 7\n";
        let error = load(text, "dev", &[]).unwrap_err();
        let messages: Vec<_> = error
            .mistakes()
            .iter()
            .map(|m| m.message.rsplit_once("p.toml").unwrap().1.to_owned())
            .collect();
        insta::assert_snapshot!(messages.join("\n"), @r"
        :1: the key `stat` is not known here; did you mean `stack`?
        :6: `stack.dev.config`: expected a table `[stack.dev.config]`, found 7
        :3: `[stack.dev]` has no key `regoin`; did you mean `region`? (the program's own keys stand under `[stack.dev.config]`)
        :4: `state`: expected text, found 3
        :5: `[stack.dev]` has no key `zones`; known: `cloud`, `config`, `key`, `notify`, `policies`, `production`, `region`, `state` (the program's own keys stand under `[stack.dev.config]`)
        ");
        let text = "[stack.dev]\ncloud = 'awz'\nregion = 5\nstate = 's3://bucket'\nkey = 'kms:x'\n";
        let error = load(text, "dev", &["novalue"]).unwrap_err();
        let messages: Vec<_> = error
            .mistakes()
            .iter()
            .map(|m| m.message.rsplit_once("p.toml").map_or(&*m.message, |(_, rest)| rest))
            .collect();
        insta::assert_snapshot!(messages.join("\n"), @r"
        :2: this program has no cloud `awz`; did you mean `aws`?
        :5: this program has no key scheme `kms`; known: `file`
        :3: `region`: expected text, found a number
        :4: this program has no state scheme `s3`; known: `file`
        --set novalue: there is no `=`; write it like `--set db.class=large`
        ");
        let text = "[stack.dev.policies]\n'shop:opne' = 'off'\n'shop:open' = 'never'\n";
        let error = load(text, "dev", &[]).unwrap_err();
        let messages: Vec<_> = error.mistakes().iter().map(|m| &*m.message).collect();
        assert!(messages[0].ends_with(
            ":3: `shop:open`: expected `off`, `advisory` or `mandatory`, found \"never\""
        ));
        assert!(
            messages[1]
                .ends_with(":2: this program has no policy `shop:opne`; did you mean `shop:open`?")
        );
        let error = load("[stack.prod]\n", "prdo", &[]).unwrap_err();
        assert!(error.mistakes()[0].message.contains("`--stack prod`"), "{error:?}");
    }
}
