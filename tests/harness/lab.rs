//! One stack of one program in a fake world.

use std::sync::Arc;

use infra_core::{
    Engine, Error, Result, Stack,
    command::{
        self, Confirm, Confirmed, Preview, PreviewOptions, UpOptions,
        rebuild::{Found, RebuildOptions, rebuild},
    },
    engine::Cancel,
    event::{Event, Events, Summary},
    graph::Graph,
    plan::{self, Action, Plan, PlanOptions},
    policy::Pack,
    provider::{self, Connector, Context, Gate, Registry},
    reference::SamePlace,
    state::{Backend, LocalKey, Memory, Snapshot, StackName, State, Value},
};

use tokio::sync::mpsc::UnboundedReceiver;

use super::{FakeConnector, Hurried, World};

/// One stack of one program in a fake world. Clones share the world and the state.
#[derive(Clone)]
pub struct Lab {
    /// The cloud.
    pub world: Arc<World>,
    /// The state.
    pub backend: Arc<dyn Backend>,
    /// The program's name.
    pub program: String,
    /// The stack's name.
    pub stack: String,
    /// The key that seals its secrets: 32 of these.
    pub key: u8,
    /// The program's revision.
    pub revision: String,
    /// Whose credentials are used.
    pub account: String,
    /// The region that the environment says.
    pub region: String,
    /// What the stack's settings say of its cloud.
    pub settings: Value,
    /// The name of the cloud.
    pub cloud: String,
    /// What the program is told.
    pub config: Value,
    /// What its plans are checked against.
    pub policies: Pack,
    /// What is asked of plan and execution.
    pub options: UpOptions,
}

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub result: Result<Summary>,
    /// Everything it said.
    pub events: Vec<Event>,
}

impl Ran {
    /// The summary of a command that did what was planned.
    #[track_caller]
    pub fn ok(self) -> Summary {
        let summary = self.result.unwrap_or_else(|e| panic!("{e:?}\n{:#?}", self.events));
        assert!(summary.failed.is_empty(), "{:?}", summary.failed);
        summary
    }

    /// The summary, whatever failed in it.
    #[track_caller]
    pub fn summary(self) -> Summary {
        self.result.unwrap_or_else(|e| panic!("{e:?}"))
    }

    /// The notices.
    pub fn notices(&self) -> Vec<String> {
        let text = |event: &Event| match event {
            Event::Notice(text) => Some(text.clone()),
            _ => None,
        };
        self.events.iter().filter_map(text).collect()
    }

    /// The error of a command that was refused as a whole.
    #[track_caller]
    pub fn error(self) -> Error {
        match self.result {
            Ok(summary) => panic!("expected an error, found {summary:?}"),
            Err(error) => error,
        }
    }
}

impl Default for Lab {
    fn default() -> Self {
        Self::new()
    }
}

impl Lab {
    /// An empty world and no state.
    pub fn new() -> Self {
        Self {
            world: Arc::default(),
            backend: Arc::new(Memory::new()),
            program: "program".to_owned(),
            stack: "dev".to_owned(),
            key: 7,
            revision: "test".to_owned(),
            account: "1111".to_owned(),
            region: "here".to_owned(),
            settings: Value::map(),
            cloud: "fake".to_owned(),
            config: Value::map(),
            policies: Pack::none(),
            options: UpOptions::default(),
        }
    }

    /// The same lab with other options.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&mut UpOptions)) -> Self {
        let mut lab = self.clone();
        change(&mut lab.options);
        lab
    }

    /// The engine of a program here.
    pub fn engine(
        &self,
        program: impl Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    ) -> Engine {
        let connector = FakeConnector {
            world: Arc::clone(&self.world),
            account: self.account.clone(),
            region: self.region.clone(),
        };
        let mut registry = Registry::default();
        connector.drivers().into_iter().for_each(|driver| registry.add(driver));
        registry.add(infra_core::secret::driver());
        registry.add(infra_core::reference::driver::<()>());
        let name = StackName::new(&*self.program, &*self.stack).unwrap();
        let env = Arc::new(Hurried::default());
        let state = State::new(
            Arc::clone(&self.backend),
            Arc::new(LocalKey::from_bytes([self.key; 32])),
            name.clone(),
        );
        let state = state.with_env(Arc::clone(&env) as _);
        let stacks = Arc::new(SamePlace(state.clone()));
        Engine {
            registry,
            connectors: [(
                connector.provider_kind().to_owned(),
                Arc::new(connector) as Arc<dyn Connector>,
            )]
            .into(),
            state,
            stacks,
            env,
            context: Context {
                stack: name,
                settings: self.settings.clone(),
                directory: std::path::PathBuf::new(),
                world: provider::World::with_key(std::env::temp_dir(), [7; 32]),
                gate: Gate::default(),
            },
            program: Arc::new(program),
            policies: self.policies.clone(),
            config: self.config.clone().into(),
            rules: Vec::new(),
            cloud: self.cloud.clone(),
            revision: self.revision.clone(),
            by: "tester@lab".to_owned(),
            state_url: None,
            key_url: None,
            events: Events::ignored(),
            cancel: Cancel::default(),
        }
    }

    /// Runs `up`.
    pub async fn up(
        &self,
        program: impl Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    ) -> Ran {
        self.run(self.engine(program), &Confirmed).await
    }

    /// Runs `up` with an engine that was tampered with, or with somebody to ask.
    pub async fn run(&self, mut engine: Engine, confirm: &dyn Confirm) -> Ran {
        let (events, stream) = Events::channel();
        engine.events = events;
        let result = command::up(&engine, &self.options, confirm).await;
        drop(engine);
        Ran { result, events: all(stream).await }
    }

    /// The same lab for another stack, in the same world and place.
    #[must_use]
    pub fn stack(&self, program: &str, stack: &str) -> Self {
        Self { program: program.to_owned(), stack: stack.to_owned(), ..self.clone() }
    }

    /// Runs `rollback`, of a program that is what it is now.
    pub async fn rollback(
        &self,
        number: u64,
        program: impl Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    ) -> Ran {
        let (events, stream) = Events::channel();
        let engine = Engine { events, ..self.engine(program) };
        let result = command::rollback(&engine, number, &self.options, &Confirmed).await;
        drop(engine);
        Ran { result, events: all(stream).await }
    }

    /// Runs `destroy`.
    pub async fn destroy(
        &self,
        program: impl Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    ) -> Ran {
        self.planning(|plan| plan.destroy = true).up(program).await
    }

    /// Runs `preview`, and checks the plan's invariants.
    pub async fn preview(
        &self,
        program: impl Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    ) -> Result<Preview> {
        let engine = self.engine(program);
        let options = PreviewOptions { plan: self.options.plan.clone() };
        let preview = command::preview(&engine, &options).await?;
        if let Some(snapshot) = self.snapshot().await {
            check(&preview.plan, &preview.graph, &snapshot);
        }
        Ok(preview)
    }

    /// The plan of a program.
    pub async fn plan(
        &self,
        program: impl Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    ) -> Arc<Plan> {
        self.preview(program).await.unwrap_or_else(|e| panic!("{e:?}")).plan
    }

    /// The same lab after its state was lost.
    #[must_use]
    pub fn without_state(&self) -> Self {
        Self { backend: Arc::new(Memory::new()), ..self.clone() }
    }

    /// Runs `state rebuild`, which must change nothing in the world.
    pub async fn rebuild(
        &self,
        program: impl Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
        options: &RebuildOptions,
    ) -> Result<Found> {
        self.world.clear_calls();
        let found = rebuild(&self.engine(program), options, &Confirmed).await;
        assert_eq!(self.world.mutations(), Vec::<String>::new());
        found
    }

    /// What is remembered.
    pub async fn snapshot(&self) -> Option<Snapshot> {
        let engine = self.engine(|_| Ok(()));
        engine.state.read().await.unwrap().map(|view| view.snapshot)
    }

    /// Asks for data loss, targets and the like.
    #[must_use]
    pub fn planning(&self, change: impl FnOnce(&mut PlanOptions)) -> Self {
        self.with(|options| change(&mut options.plan))
    }
}

/// Everything that is said until nobody is left to say anything.
async fn all(mut stream: UnboundedReceiver<Event>) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(event) = stream.recv().await {
        events.push(event);
    }
    events
}

fn check(plan: &Plan, graph: &Graph, snapshot: &Snapshot) {
    let broken = plan::check::invariants(plan, graph, snapshot);
    assert!(broken.is_empty(), "the plan breaks: {broken:#?}");
}

/// What a plan does, as `Create net`, sorted: for comparing.
pub fn steps(plan: &Plan) -> Vec<String> {
    let shown = plan.steps.iter().filter(|step| step.action != Action::Keep && !step.record_only);
    let mut steps: Vec<_> =
        shown.map(|step| format!("{:?} {}", step.action, step.urn.name())).collect();
    steps.sort();
    steps
}
