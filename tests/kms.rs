//! Secrets sealed by a key in KMS, on the embedded AWS: what it costs, what it refuses, what it says.

#![expect(clippy::unwrap_used, reason = "tests")]

use infra_aws::{
    embedded::{Cloud, Settings as Embedded},
    kms, kms_keys_on, simulated_in,
};
use infra_core::{
    App, Engine, Error, ErrorKind, Result, Stack,
    command::{self, Confirmed, PreviewOptions, UpOptions},
    config::Settings,
    event::Summary,
    state::Outcome,
};
use tempfile::TempDir;

struct Lab {
    cloud: Cloud,
    folder: TempDir,
}

/// The stack that has the keys.
fn keys(stack: &mut Stack) -> Result<()> {
    for name in ["one", "two"] {
        let key = stack.add(name, kms::Key::new());
        stack.add(format!("{name}-alias"), kms::Alias::new(&key.id).name(format!("alias/{name}")));
    }
    Ok(())
}

fn shop(stack: &mut Stack) -> Result<()> {
    let password = stack.secret("password");
    stack.export("password", password);
    Ok(())
}

impl Lab {
    /// An AWS in which another stack has made two keys.
    async fn new() -> Self {
        let lab =
            Self { cloud: Cloud::memory(Embedded::default()), folder: TempDir::new().unwrap() };
        lab.up("keys", &lab.file(), keys).await.unwrap();
        lab.cloud.clear_calls();
        lab
    }

    fn file(&self) -> String {
        format!("file:{}", self.folder.path().join("key").display())
    }

    async fn engine<P>(&self, name: &str, key: &str, program: P) -> Result<Engine>
    where
        P: Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    {
        let simulated = || simulated_in(self.cloud.clone());
        let app = App::new(name).cloud("simulated", simulated()).revision("test");
        let app = app.keys("kms", kms_keys_on(simulated()));
        let state = format!("file:{}", self.folder.path().join("state").display());
        let mut settings = Settings::new("dev").state(state).cloud("simulated");
        settings.key = Some(key.to_owned());
        settings.directory = self.folder.path().to_owned();
        app.engine(&settings, program).await
    }

    async fn up<P>(&self, name: &str, key: &str, program: P) -> Result<Summary>
    where
        P: Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    {
        let engine = self.engine(name, key, program).await?;
        let summary = command::up(&engine, &UpOptions::default(), &Confirmed).await?;
        assert_eq!(summary.outcome, Outcome::Succeeded, "{:#?}", summary.failed);
        Ok(summary)
    }

    async fn preview(&self, key: &str) -> Error {
        let engine = self.engine("shop", key, shop).await.unwrap_or_else(|e| panic!("{e:?}"));
        let preview = command::preview(&engine, &PreviewOptions::default()).await;
        preview.map(|_| ()).expect_err("it cannot be read")
    }

    /// The calls to KMS since the last time this was asked.
    fn calls(&self) -> Vec<String> {
        let calls = self.cloud.calls();
        self.cloud.clear_calls();
        let ours = calls.into_iter().filter(|call| call.service == "kms");
        ours.map(|call| format!("{} {}", call.operation, call.status)).collect()
    }

    /// The ARN of a key.
    async fn arn(&self, name: &str) -> String {
        let engine = self.engine("keys", &self.file(), keys).await.unwrap();
        let objects = command::state::show(&engine, &format!("aws:kms:Key::{name}")).await.unwrap();
        objects[0].outputs.get("arn").unwrap().as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_run_costs_one_call_however_much_is_sealed() {
    let lab = Lab::new().await;
    let made = lab.up("shop", "kms:alias/one", shop).await.unwrap();
    assert_eq!(lab.calls(), ["Encrypt 200"]);
    for n in 0..3 {
        let program = move |stack: &mut Stack| {
            stack.secret(format!("more-{n}"));
            shop(stack)
        };
        lab.up("shop", "kms:alias/one", program).await.unwrap();
        assert_eq!(lab.calls(), ["Decrypt 200"]);
    }
    let engine = lab.engine("shop", "kms:alias/one", shop).await.unwrap();
    assert_eq!(command::outputs(&engine).await.unwrap(), made.exports);
    assert_eq!(command::history(&engine, 10).await.unwrap().len(), 4);
    assert_eq!(lab.calls(), ["Decrypt 200"]);
    // Each way to name it is the same key.
    let arn = lab.arn("one").await;
    let id = arn.rsplit('/').next().unwrap();
    for key in [arn.clone(), id.to_owned(), "alias/one?region=eu-west-1".to_owned()] {
        let engine = lab.engine("shop", &format!("kms:{key}"), shop).await.unwrap();
        assert_eq!(command::outputs(&engine).await.unwrap(), made.exports, "{key}");
    }
    assert_eq!(engine.state.sealer().key_id(), arn);
}

#[tokio::test]
async fn rotation_to_another_key() {
    let lab = Lab::new().await;
    let made = lab.up("shop", "kms:alias/one", shop).await.unwrap();
    let old = lab.engine("shop", "kms:alias/one", shop).await.unwrap();
    let new = lab.engine("shop", "kms:alias/two", shop).await.unwrap();
    let error = command::outputs(&new).await.unwrap_err().to_string();
    let arn = lab.arn("one").await;
    assert!(error.contains(&arn), "{error} does not name {arn}");
    lab.calls();
    let sealer = sealer(&lab, "kms:alias/two").await;
    command::state::rekey(&old, sealer, std::time::Duration::ZERO).await.unwrap();
    assert_eq!(lab.calls(), ["Decrypt 200", "Encrypt 200", "Decrypt 200"]);
    assert_eq!(command::outputs(&new).await.unwrap(), made.exports);
    let error = lab.preview("kms:alias/one").await.to_string();
    let arn = lab.arn("two").await;
    assert!(error.contains(&arn), "{error} does not name {arn}");
}

/// The key as the program's `App` opens it.
async fn sealer(lab: &Lab, url: &str) -> std::sync::Arc<dyn infra_core::state::Sealer> {
    let state = lab.engine("shop", url, shop).await.unwrap();
    let address = infra_core::app::Address {
        url: url.to_owned(),
        directory: lab.folder.path().to_owned(),
        stack: state.state.name().clone(),
        cloud: Some("simulated".to_owned()),
        settings: infra_core::state::Value::map(),
        exists: true,
        world: state.context.world.clone(),
        default_cloud: "simulated".to_owned(),
    };
    kms_keys_on(simulated_in(lab.cloud.clone()))(address).await.unwrap()
}

#[tokio::test]
async fn the_key_may_not_belong_to_the_stack_it_seals() {
    let lab = Lab::new().await;
    // Taken over by the stack that it seals.
    let own = |stack: &mut Stack| {
        let key = stack.add("key", kms::Key::new());
        stack.add("alias", kms::Alias::new(&key.id).name("one"));
        Ok(())
    };
    let error = lab.up("shop", "kms:alias/one", own).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    let text = error.to_string();
    assert!(text.contains("aws:kms:Alias::alias") && text.contains("state rekey --to"), "{text}");
    // Sealed with a key that the stack has.
    let engine = lab.engine("keys", &lab.file(), keys).await.unwrap();
    for url in ["kms:alias/one".to_owned(), format!("kms:{}", lab.arn("two").await)] {
        let sealer = sealer(&lab, &url).await;
        let wait = std::time::Duration::ZERO;
        let error = command::state::rekey(&engine, sealer, wait).await.unwrap_err().to_string();
        assert!(error.contains("of this stack") && error.contains("aws:kms:"), "{error}");
    }
    lab.up("keys", &lab.file(), keys).await.unwrap();
}

#[tokio::test]
async fn what_kms_refuses_is_said_with_what_to_do() {
    let lab = Lab::new().await;
    lab.up("shop", "kms:alias/one", shop).await.unwrap();
    let refusals = [
        ("AccessDeniedException", "`kms:Decrypt` is denied"),
        ("DisabledException", "kms:EnableKey"),
        ("KMSInvalidStateException", "kms:CancelKeyDeletion"),
        ("InvalidKeyUsageException", "symmetric"),
    ];
    for (code, says) in refusals {
        lab.cloud.faults().refuse("kms.Decrypt", code, 400, "no");
        let error = lab.preview("kms:alias/one").await.to_string();
        assert!(error.contains(says) && error.contains("alias/one"), "{code}: {error}");
        lab.cloud.faults().clear();
    }
    // The embedded KMS takes an alias that there is none of for another key.
    lab.cloud.faults().refuse("kms.Decrypt", "NotFoundException", 400, "Alias is not found.");
    let error = lab.preview("kms:alias/none").await.to_string();
    assert!(error.contains("eu-west-1") && error.contains("?region="), "{error}");
    let error = lab.preview("kms:alias/one?region=us-east-1").await.to_string();
    lab.cloud.faults().clear();
    assert!(error.contains("us-east-1"), "{error}");
    for wrong in ["kms:", "kms:alias/", "kms:a key", "kms:alias/one?zone=a"] {
        let error = lab.engine("shop", wrong, shop).await.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{wrong}: {error}");
    }
}
