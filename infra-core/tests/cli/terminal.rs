//! Somebody at a terminal in a project's folder.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use infra_core::{App, Result, Stack, cli::Screen, exit::Exit, policy::Pack, testing::Buffer};

use crate::fake::{Connect, World};

pub struct Terminal {
    pub world: World,
    pub policies: Pack,
    folder: tempfile::TempDir,
}

pub struct Ran {
    pub exit: Exit,
    pub out: String,
    pub err: String,
}

fn text(written: &Buffer) -> String {
    String::from_utf8(written.bytes()).unwrap()
}

impl Terminal {
    pub fn new(toml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The folder of the key is beside the project, as a user's home is.
        let project = folder.path().join("project");
        std::fs::create_dir(&project).unwrap();
        let key = format!("key = 'file:{}'\n", folder.path().join("key").display());
        let mut text = String::new();
        for stack in ["dev", "prod"] {
            let head = format!("[stack.{stack}]\n");
            let rest = toml.split_once(&head).map(|(_, rest)| rest.split("\n[").next().unwrap());
            text = format!("{text}{head}{key}{}\n", rest.unwrap_or_default());
        }
        let config = toml.split("\n[stack.").next().unwrap();
        std::fs::write(project.join("shop.toml"), format!("{config}\n{text}")).unwrap();
        Self { world: World::default(), policies: Pack::none(), folder }
    }

    /// With these policies.
    pub fn held_to(mut self, policies: Pack) -> Self {
        self.policies = policies;
        self
    }

    /// With settings that are taken as they are, but for the key.
    pub fn whole(toml: &str) -> Self {
        let t = Self::new("");
        let key = format!("[stack.dev]\nkey = 'file:{}'\n", t.key().display());
        std::fs::write(t.folder().join("shop.toml"), toml.replace("[stack.dev]\n", &key)).unwrap();
        t
    }

    pub fn folder(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    pub async fn run<P>(&self, program: P, arguments: &[&str]) -> Ran
    where
        P: Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    {
        self.start(program, arguments, None).await
    }

    pub async fn ask<P>(&self, program: P, arguments: &[&str], answers: &str) -> Ran
    where
        P: Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    {
        self.start(program, arguments, Some(answers)).await
    }

    async fn start<P>(&self, program: P, arguments: &[&str], answers: Option<&str>) -> Ran
    where
        P: Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    {
        let out = Buffer::default();
        let ran = self.start_into(program, arguments, answers, out.clone()).await;
        Ran { out: self.steady(&text(&out)), ..ran }
    }

    /// Runs it with standard output going there.
    pub async fn run_into<P>(
        &self,
        program: P,
        arguments: &[&str],
        out: impl Write + Send + 'static,
    ) -> Ran
    where
        P: Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    {
        self.start_into(program, arguments, None, out).await
    }

    async fn start_into<P>(
        &self,
        program: P,
        arguments: &[&str],
        answers: Option<&str>,
        out: impl Write + Send + 'static,
    ) -> Ran
    where
        P: Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    {
        let err = Buffer::default();
        let screen = Screen::captured(out, err.clone(), answers);
        let simulated = Connect {
            world: self.world.clone(),
            notice: Some("simulated: nothing real is touched"),
        };
        let app = App::new("shop")
            .cloud("simulated", simulated)
            .cloud("real", Connect { world: self.world.clone(), notice: None })
            .policies(self.policies.clone())
            .config_beside(self.folder());
        let folder = self.folder();
        let arguments = arguments.iter().map(|argument| match *argument {
            "x.plan" => folder.join("x.plan").display().to_string(),
            other => other.to_owned(),
        });
        let arguments: Vec<String> = std::iter::once("shop".to_owned()).chain(arguments).collect();
        let exit = app.run_on(program, arguments, screen).await;
        Ran { exit, out: String::new(), err: self.steady(&text(&err)) }
    }

    /// The text without what is another one each time.
    fn steady(&self, text: &str) -> String {
        let folder = Path::new(self.folder.path()).canonicalize().unwrap();
        let text = text.replace(&folder.display().to_string(), "/home/me");
        let text = text.replace(&self.folder.path().display().to_string(), "/home/me");
        let mut steady = String::new();
        let mut rest = &*text;
        // Times: `in 0.3 s`.
        while let Some(at) = rest.find(" in 0.") {
            let (before, after) = rest.split_at(at);
            steady.push_str(before);
            steady.push_str(" in TIME");
            rest = &after[after.find(" s").map_or(after.len(), |end| end + 2)..];
        }
        steady.push_str(rest);
        // The random word in a generated id.
        let parts: Vec<&str> = steady.split("net-main-").collect();
        let words = parts[1..].iter().map(|part| format!("net-main-WORD{}", &part[8..]));
        let steady: String = std::iter::once(parts[0].to_owned()).chain(words).collect();
        let lines = steady.split_inclusive('\n').filter(|line| !line.starts_with("Longest chain"));
        lines.collect()
    }
}
