//! A real system is taken over: the state of 66 instances that Terraform 1.11 made with version 3.8 of its AWS provider,
//! on an AWS that holds its objects. What is written compiles, and declares what there is.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;

use infra_aws::{
    embedded::{Cloud, Settings},
    ssm,
};
use infra_core::{App, Result, Stack, cli::Screen, exit::Exit, policy::Pack, testing::Buffer};

/// What `import` writes, compiled.
#[rustfmt::skip]
#[path = "seed/written.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    clippy::pedantic,
    clippy::needless_range_loop,
    reason = "a program of its own: its main is not called; it is as long as the stack is"
)]
mod written;

/// A project's folder, and the AWS that it is on.
struct Place {
    cloud: Cloud,
    folder: tempfile::TempDir,
}

struct Ran {
    exit: Exit,
    out: String,
    err: String,
}

fn state() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("../infra-core/tests/data/terraform/seed.tfstate")
}

impl Place {
    /// With the state's objects in the cloud.
    async fn planted() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        std::fs::create_dir(&project).unwrap();
        let key = format!("[stack.dev]\nkey = 'file:{}'\n", folder.path().join("key").display());
        std::fs::write(project.join("koho.toml"), key).unwrap();
        let cloud = Cloud::memory(Settings::default());
        let state = std::fs::read_to_string(state()).unwrap();
        cloud.plant(&serde_json::from_str(&state).unwrap()).await.unwrap().unwrap();
        Self { cloud, folder }
    }

    async fn run<P>(&self, program: P, arguments: &[&str]) -> Ran
    where
        P: Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    {
        let (out, err) = (Buffer::default(), Buffer::default());
        let screen = Screen::captured(out.clone(), err.clone(), None);
        let app = App::new("koho")
            .cloud("simulated", infra_aws::simulated_in(self.cloud.clone()))
            .policies(Pack::none())
            .config_beside(self.folder.path().join("project"));
        let arguments = std::iter::once("koho").chain(arguments.iter().copied());
        let exit =
            app.run_on(program, arguments.map(str::to_owned).collect::<Vec<_>>(), screen).await;
        let text = |written: &Buffer| String::from_utf8(written.bytes()).unwrap();
        Ran { exit, out: text(&out), err: text(&err) }
    }

    /// Somebody writes another name on it.
    async fn tag(&self, id: &str) {
        let body = format!("Action=CreateTags&ResourceId.1={id}&Tag.1.Key=Name&Tag.1.Value=mine");
        let request = http::Request::builder()
            .method("POST")
            .uri("https://ec2.eu-west-1.amazonaws.com/")
            .body(body.into());
        let answer = self.cloud.handle(request.unwrap()).await;
        assert!(answer.status().is_success());
    }

    /// The calls that could have changed something.
    fn changes(&self) -> Vec<String> {
        let reads = ["Describe", "Get", "List", "Head", "Lookup"];
        let calls = self.cloud.calls().into_iter().map(|call| call.operation);
        calls.filter(|it| !reads.iter().any(|read| it.starts_with(read))).collect()
    }
}

fn nothing(_: &mut Stack) -> Result<()> {
    Ok(())
}

/// The written program and one thing more.
fn edited(stack: &mut Stack) -> Result<()> {
    written::program(stack)?;
    stack.add("note", ssm::Parameter::new("/dev/NOTE", "taken over"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_terraform_knew_becomes_a_program_that_changes_nothing() {
    let place = Place::planted().await;
    place.cloud.clear_calls();
    let out = place.folder.path().join("main.rs");
    let (state, out) = (state().display().to_string(), out.display().to_string());
    let import = ["import", "--from-terraform", &state, "--out", &out];
    let taken = place.run(nothing, &import).await;
    assert_eq!(taken.exit, Exit::Done, "{}{}", taken.out, taken.err);
    assert_eq!(place.changes(), Vec::<String>::new());

    // The password of the database is in the state of Terraform, and in nothing that is written in clear.
    let text = std::fs::read_to_string(&out).unwrap();
    assert!(!text.contains("cDQWBfelLbl4N5VY"));

    let preview = place.run(written::program, &["preview", "--refresh", "--exit-code"]).await;
    assert_eq!(preview.exit, Exit::Done, "{}", preview.err);
    let up = place.run(written::program, &["up", "--yes"]).await;
    assert_eq!(up.exit, Exit::Done, "{}", up.err);
    assert!(up.err.contains("Nothing to do"), "{}", up.err);
    assert_eq!(place.changes(), Vec::<String>::new());

    // What cannot be taken over is listed with why.
    let left = "module.eks.kubernetes_config_map.aws_auth[0]: no cloud of this program";
    assert!(taken.err.contains(left), "{}", taken.err);

    // An edit changes that, and so does a hand in the cloud.
    let preview = place.run(edited, &["preview", "--exit-code"]).await;
    assert_eq!(preview.exit, Exit::Changes, "{}", preview.err);
    let up = place.run(edited, &["up", "--yes"]).await;
    assert_eq!(up.exit, Exit::Done, "{}", up.err);
    assert_eq!(place.changes(), ["PutParameter"]);
    place.cloud.clear_calls();
    place.tag("subnet-104b147d496e5a898").await;
    let up = place.run(edited, &["up", "--yes", "--refresh"]).await;
    assert_eq!(up.exit, Exit::Done, "{}", up.err);
    assert_eq!(place.changes(), ["CreateTags", "CreateTags"], "{}", up.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_is_what_is_compiled_here() {
    let place = Place::planted().await;
    let state = state().display().to_string();
    let taken = place.run(nothing, &["import", "--from-terraform", &state, "--dry-run"]).await;
    assert_eq!(taken.exit, Exit::Done, "{}", taken.err);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/seed/written.rs");
        std::fs::write(golden, &taken.out).unwrap();
    }
    let golden = include_str!("seed/written.rs");
    let said = "written (UPDATE_GOLDEN=1 writes it to the file)";
    assert!(taken.out == golden, "{said}:\n{}", taken.out);
}
