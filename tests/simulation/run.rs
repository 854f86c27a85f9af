//! One seed, one whole life of a stack: programs, commands, blows, and what has to hold after each.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use infra_core::{
    Engine, Result,
    command::{self, Confirmed, PreviewOptions, UpOptions, state},
    event::{Event, Events, Summary},
    plan::{Action, Plan, PlanOptions, Refresh},
    provider::{Connector, Context, Gate, Registry},
    state::{
        LocalKey, Memory, Outcome, StackName, State, Urn, Value,
        backend::{Leases, Liveness},
    },
};

use super::{
    case::Case,
    cloud::{Allowed, Cloud},
    kinds::Plug,
    ledger::Ledger,
    process::{Birth, Blow, Clock, Cut, End, Me, Process},
    program::Program,
    wire::{Storage, backend},
    world::{Chance, Weather, World, lock},
};

/// More events than this in one command, and it does not end.
const ENDLESS: u64 = 400_000;
/// How long a command waits for the lock: longer than a lease.
const PATIENCE: Duration = Duration::from_mins(15);

/// What came of it.
#[derive(Debug)]
pub struct Ran {
    /// What must not have happened.
    pub wrong: Vec<String>,
    /// Tells one run from another.
    pub digest: u64,
    /// What happened, if it was to be told.
    pub trace: String,
    /// How many moments each command had.
    pub moments: Vec<u64>,
    /// After which of them a call that changes the cloud was on its way.
    pub calls: Vec<(usize, u64)>,
    /// How many blows were dealt.
    pub blows: u64,
}

/// What a person runs.
#[derive(Clone, Debug)]
enum Order {
    Up(Program, PlanOptions),
    Preview(Program, PlanOptions),
    Destroy(PlanOptions),
    Move(String, String),
    Protect(String, bool),
    Forget(String),
}

/// What a command gave.
enum Gave {
    Summary(Box<Summary>),
    Plan(Arc<Plan>),
    Nothing,
}

type Told = (Result<Gave>, Vec<Event>);

struct Life {
    world: Arc<World>,
    cloud: Arc<Cloud>,
    ledger: Arc<Ledger>,
    storage: Storage,
    chance: Chance,
    program: Program,
    moments: Vec<u64>,
    calls: Vec<(usize, u64)>,
    blows: u64,
    processes: u64,
    earlier: Arc<Mutex<Option<Leases>>>,
}

/// Runs a case. With `tell`, what happens is kept as text.
pub fn run(case: Case, tell: bool) -> Ran {
    let mut life = Life::new(case, tell);
    life.turmoil(case);
    life.peace();
    let wrong = life.world.wrongs();
    Ran {
        wrong,
        digest: life.world.digest(),
        trace: if tell { life.world.trace() } else { String::new() },
        moments: life.moments,
        calls: life.calls,
        blows: life.blows,
    }
}

impl Life {
    fn new(case: Case, tell: bool) -> Self {
        let world = World::new(case.seed, tell);
        let mut chance = Chance::new(case.seed ^ 0x5eed);
        let memory = if chance.percent(50) {
            let (lease, every) = (Duration::from_mins(1), Duration::from_secs(20));
            Memory::with_liveness(Liveness::Beats { lease, every })
        } else {
            Memory::new()
        };
        world.set_weather(Weather::of(&mut chance).without(case.calm));
        let ledger = Arc::new(Ledger::default());
        let cloud = Cloud::new(&world, &ledger);
        let storage = Storage { memory, ledger: Arc::clone(&ledger), cloud: Arc::clone(&cloud) };
        let program = Program::new(&mut chance, &cloud);
        world.note("    ", format_args!("{:?} {:?}", world.weather(), storage.memory));
        Self {
            world,
            cloud,
            ledger,
            storage,
            chance,
            program,
            moments: Vec::new(),
            calls: Vec::new(),
            blows: 0,
            processes: 0,
            earlier: Arc::default(),
        }
    }

    /// Commands, each of which may be cut off, with things going wrong all the time.
    fn turmoil(&mut self, case: Case) {
        let commands = 1 + usize::try_from(self.chance.below(4)).unwrap();
        let commands = case.commands.map_or(commands, |most| most.min(commands));
        for number in 0..commands {
            let order = self.order(number);
            let rolled = self.blow();
            let cut = match case.cut {
                Some((of, cut)) if of == number => Some(cut),
                // What is examined is one cut, not what the seed would have done besides.
                Some((of, _)) if number > of => None,
                _ => rolled,
            };
            let company = self.chance.percent(12);
            self.world.note("    ", format_args!("command {number}: {order:?}"));
            let seed = self.chance.next();
            let told = self.command(&order, cut, company, seed);
            self.expect_no_bug(&told);
            self.look(&told);
            if self.chance.percent(25) {
                let time = self.chance.millis(60_000);
                self.world.pass(time);
            }
            if self.chance.percent(20) {
                self.cloud.meddle();
            }
        }
    }

    /// What a person does next.
    fn order(&mut self, number: usize) -> Order {
        if number > 0 && self.chance.percent(80) {
            self.program = self.program.evolved(&mut self.chance, &self.cloud);
        }
        let options = self.options();
        match self.chance.below(20) {
            0 | 1 => Order::Preview(self.program.clone(), options),
            2 if number > 0 => {
                let allow_data_loss = self.everything();
                let exclude_protected = self.chance.percent(50);
                Order::Destroy(PlanOptions { allow_data_loss, exclude_protected, ..options })
            }
            3 if number > 0 => {
                // Renamed in the state and in the program.
                let old = self.program.clone();
                let Some(res) = self.chance.pick(&old.all).cloned() else {
                    return Order::Up(old, options);
                };
                let (program, new) = old.renamed(&res.name);
                self.program = program;
                Order::Move(res.urn().to_string(), new)
            }
            4 if number > 0 => match self.chance.pick(&self.program.all).cloned() {
                Some(res) if !res.protect => {
                    let protect = false;
                    Order::Protect(res.urn().to_string(), protect)
                }
                Some(res) if self.chance.percent(30) && !res.holds_data() => {
                    Order::Forget(res.urn().to_string())
                }
                _ => Order::Up(self.program.clone(), options),
            },
            _ => Order::Up(self.program.clone(), options),
        }
    }

    fn options(&mut self) -> PlanOptions {
        let mut options = PlanOptions { allow_mass_absence: true, ..PlanOptions::default() };
        let some = |chance: &mut Chance, program: &Program| {
            chance.pick(&program.all).map(super::program::Res::urn).into_iter().collect()
        };
        match self.chance.below(12) {
            0 => options.targets = some(&mut self.chance, &self.program),
            1 => options.excludes = some(&mut self.chance, &self.program),
            2 => {
                let free: Vec<_> =
                    self.program.all.iter().filter(|r| !r.protect).cloned().collect();
                options.replaces =
                    self.chance.pick(&free).map(super::program::Res::urn).into_iter().collect();
            }
            3 => options.refresh = Refresh::All,
            4 => options.refresh = Refresh::Nothing,
            5 => options.refresh_lookups = true,
            _ => {}
        }
        if self.chance.percent(60) {
            options.allow_data_loss = self.everything();
        }
        options
    }

    fn blow(&mut self) -> Option<Cut> {
        let beats = matches!(
            infra_core::state::Backend::liveness(&self.storage.memory),
            Liveness::Beats { .. }
        );
        let most = if self.chance.percent(50) { 60 } else { 400 };
        let at = 1 + self.chance.below(most);
        let seconds = 1 + self.chance.below(300);
        let blow = match self.chance.below(20) {
            0..=5 => Blow::Crash,
            6 | 7 => Blow::Freeze(seconds),
            8 => Blow::Stop,
            9 => Blow::Abort,
            10 => Blow::Away(seconds),
            11 if beats => Blow::TableLost,
            12 if beats => Blow::TableRestored,
            13 if beats => Blow::Unlocked,
            _ => return None,
        };
        Some(Cut { at, blow })
    }

    /// Runs a command; `company` runs it a second time beside it.
    fn command(
        &mut self,
        order: &Order,
        cut: Option<Cut>,
        company: bool,
        seed: u64,
    ) -> Vec<Option<Told>> {
        let allowed = match order {
            Order::Up(_, options) | Order::Destroy(options) => {
                options.allow_data_loss.iter().map(ToString::to_string).collect()
            }
            _ => Vec::new(),
        };
        self.cloud.allow(Allowed { loss: allowed });
        self.ledger.releasing(matches!(order, Order::Forget(_)));
        let mut processes = vec![self.process(order, cut, seed)];
        let mut told = Vec::new();
        // Who watches while somebody stands still takes over.
        let frozen = cut.is_some_and(|cut| {
            let outlived = [Blow::TableLost, Blow::Unlocked, Blow::TableRestored];
            matches!(cut.blow, Blow::Freeze(_)) || outlived.contains(&cut.blow)
        });
        if company || frozen {
            processes.push(self.process(order, None, seed ^ 1));
        }
        let first = processes[0].me.name.clone();
        let mut moments = 0;
        let mut events = 0_u64;
        loop {
            for at in (0..processes.len()).rev() {
                processes[at].work();
                if at == 0 && first == processes[at].me.name {
                    moments = processes[at].me.moments();
                }
                if processes[at].is_over() {
                    if processes[at].me.name == first {
                        let command = self.moments.len();
                        let called = processes[at].me.called();
                        self.calls.extend(called.into_iter().map(|moment| (command, moment)));
                    }
                    told.push(self.ended(processes.remove(at)));
                }
            }
            if processes.is_empty() {
                break;
            }
            events += 1;
            if events > ENDLESS {
                self.world.wrong("(3) the command does not end".to_owned());
                break;
            }
            if !self.world.go_on() {
                self.world.wrong("(3) everybody waits, and nothing is going to happen".to_owned());
                break;
            }
        }
        self.blows += u64::from(cut.is_some_and(|cut| cut.at <= moments));
        self.moments.push(moments);
        self.ledger.releasing(false);
        told
    }

    /// A process that is over: what it had is dropped, what it spawned too.
    fn ended(&self, process: Process<Told>) -> Option<Told> {
        let name = process.me.name.clone();
        match process.end() {
            End::Done(told) => {
                let result = told.0.as_ref().map(|_| "done").map_err(ToString::to_string);
                self.world.note(&name, format_args!("{result:?}"));
                Some(told)
            }
            End::Dead => None,
            End::Panicked => {
                self.world.wrong(format!("{name} panicked"));
                None
            }
        }
    }

    fn process(&mut self, order: &Order, cut: Option<Cut>, seed: u64) -> Process<Told> {
        self.processes += 1;
        let (memory, earlier) = (self.storage.memory.clone(), Arc::clone(&self.earlier));
        *lock(&earlier) = Some(memory.leases());
        let struck = move |blow: Blow| match blow {
            Blow::TableLost => memory.restore_leases(Leases::default()),
            Blow::TableRestored => {
                if let Some(earlier) = &*lock(&earlier) {
                    memory.restore_leases(earlier.clone());
                }
            }
            Blow::Unlocked => memory.free_leases(),
            _ => {}
        };
        let birth = Birth {
            name: format!("p{}", self.processes),
            world: Arc::clone(&self.world),
            cut,
            seed,
            struck: Box::new(struck),
        };
        let (storage, order) = (self.storage.clone(), order.clone());
        Process::new(birth, move |me| work(storage, me, order))
    }

    /// What must not be, whatever was cut off.
    fn look(&self, told: &[Option<Told>]) {
        for id in self.cloud.orphans() {
            self.world.wrong(format!("(1) {id} is in no record, and no open operation made it"));
        }
        for event in told.iter().flatten().flat_map(|(_, events)| events) {
            let text = format!("{event:?}");
            if let Some(secret) = self.world.leaks(&text) {
                self.world.wrong(format!("(8) the secret {secret} is in {text}"));
            }
        }
    }

    fn expect_no_bug(&self, told: &[Option<Told>]) {
        let bugs = [
            "please report",
            "panicked",
            "was damaged",
            "journal has a gap",
            "not the segment",
            "cannot be applied",
            "Put it back",
            "nobody knows whether",
            "nobody can tell",
            "cannot be read: it",
            "in it twice",
            "is not open",
            "two of its objects",
        ];
        for (result, events) in told.iter().flatten() {
            let said = events.iter().filter_map(|event| match event {
                Event::StepFailed { message, .. } => Some(message.clone()),
                _ => None,
            });
            let said = said.chain(result.as_ref().err().map(ToString::to_string));
            for text in said.filter(|text| bugs.iter().any(|bug| text.contains(bug))) {
                self.world.wrong(format!("(3) {text}"));
            }
        }
    }

    /// Nothing goes wrong any more: the stack converges, has nothing left to do, and can be destroyed.
    fn peace(&mut self) {
        self.world.set_weather(Weather::calm());
        let options = PlanOptions {
            allow_data_loss: self.everything(),
            allow_mass_absence: true,
            refresh: Refresh::All,
            ..PlanOptions::default()
        };
        // What was taken over and destroyed since cannot be taken over again: the person takes the line away.
        self.program.take_over_only(|id| self.storage.cloud.is_alive(id));
        self.world.note("    ", format_args!("peace: {:?}", self.program));
        // The one that finds out what was left; what it could only begin to repair, the next one ends.
        let mut said = Vec::new();
        for _ in 0..3 {
            said = self.quiet(&Order::Up(self.program.clone(), options.clone()));
            if said.is_empty() || !self.world.wrongs().is_empty() {
                break;
            }
        }
        if !said.is_empty() {
            self.world.wrong(format!("(3) it does not converge: {said:?}"));
        }
        if !self.world.wrongs().is_empty() {
            return;
        }
        self.world.pass(Duration::from_mins(3));
        self.settled();
        let seed = self.chance.next();
        let preview = Order::Preview(self.program.clone(), options.clone());
        for told in self.command(&preview, None, false, seed).into_iter().flatten() {
            match told.0 {
                Ok(Gave::Plan(plan)) if plan.is_empty() => {}
                Ok(Gave::Plan(plan)) => {
                    let steps = plan.steps.iter().filter(|s| s.action != Action::Keep);
                    let steps: Vec<_> =
                        steps.map(|s| (s.urn.to_string(), s.action, &s.why)).collect();
                    self.world.wrong(format!("(6) after `up` there is left: {steps:?}"));
                }
                Ok(_) => {}
                Err(e) => self.world.wrong(format!("(6) no preview: {e}")),
            }
        }
        self.destroyed(&options);
        self.history();
        self.sealed();
    }

    /// All that was ever declared or recorded.
    fn everything(&self) -> BTreeSet<Urn> {
        let all = self.ledger.urns().into_iter().chain(self.program.data());
        all.map(|urn| urn.parse().unwrap()).collect()
    }

    /// Runs a command in peace; gives what kept it from being done.
    fn quiet(&mut self, order: &Order) -> Vec<String> {
        let seed = self.chance.next();
        let told = self.command(order, None, false, seed);
        self.expect_no_bug(&told);
        self.look(&told);
        let mut said = Vec::new();
        for told in told {
            match told {
                Some((Ok(Gave::Summary(summary)), _)) if summary.outcome == Outcome::Succeeded => {}
                Some((Ok(Gave::Summary(summary)), _)) => {
                    said.extend(summary.failed.iter().map(|f| format!("{}: {}", f.urn, f.message)));
                    said.push(format!("{:?}", summary.outcome));
                }
                Some((Ok(_), _)) => {}
                Some((Err(e), _)) => said.push(e.to_string()),
                None => said.push("it died".to_owned()),
            }
        }
        said
    }

    /// State and cloud are the same.
    fn settled(&self) {
        let open = self.ledger.count_open();
        if open > 0 {
            self.world.wrong(format!("(3) {open} operations are still open"));
        }
        let alive = self.cloud.alive();
        for ((urn, instance), known) in self.ledger.records() {
            let Some(id) = known.id else { continue };
            if urn.starts_with("sim:") && !urn.contains("Image") && !urn.contains("Provider") {
                if known.status != "ready" {
                    self.world.wrong(format!("(3) {urn} {instance} is left {}", known.status));
                }
                if !alive.contains_key(&id) {
                    self.world.wrong(format!("(3) {id} of {urn} is recorded and not there"));
                }
            }
        }
    }

    fn destroyed(&mut self, options: &PlanOptions) {
        // What somebody told the engine to forget is theirs to remove, and may use what is destroyed now.
        self.cloud.remove_released();
        let protected = self.ledger.records().into_iter().filter(|(_, known)| known.protect);
        let protected: Vec<_> = protected.map(|((urn, _), _)| urn).collect();
        for urn in protected {
            let said = self.quiet(&Order::Protect(urn, false));
            for said in said {
                self.world.wrong(format!("(7) unprotect: {said}"));
            }
        }
        let mut said = Vec::new();
        for _ in 0..2 {
            said = self.quiet(&Order::Destroy(options.clone()));
            if said.is_empty() {
                break;
            }
        }
        for said in said {
            self.world.wrong(format!("(7) destroy: {said}"));
        }
        for (id, _) in self.cloud.alive() {
            if self.ledger.ever(&id) && !self.ledger.is_released(&id) {
                self.world.wrong(format!("(7) {id} outlives the stack"));
            }
        }
        for urn in self.ledger.records().keys() {
            self.world.wrong(format!("(7) {urn:?} is still recorded"));
        }
    }

    /// Every deployment is in the history once, and the state can be read.
    fn history(&mut self) {
        let storage = self.storage.clone();
        let birth = Birth {
            name: "read".to_owned(),
            world: Arc::clone(&self.world),
            cut: None,
            seed: 1,
            struck: Box::new(|_| ()),
        };
        let process = Process::new(birth, move |me| async move {
            let engine = engine(&storage, &me, &Program::default());
            (engine.state.history(usize::MAX).await, engine.state.read().await)
        });
        while !process.is_over() {
            process.work();
            if !self.world.go_on() {
                break;
            }
        }
        let End::Done((history, view)) = process.end() else {
            return self.world.wrong("the history cannot be read".to_owned());
        };
        if let Err(e) = view {
            self.world.wrong(format!("the state cannot be read: {e}"));
        }
        match history {
            Ok(history) => {
                let told: Vec<_> = history.iter().map(|entry| entry.deployment.number).collect();
                let mut begun = self.ledger.begun();
                begun.sort_unstable();
                if told != begun {
                    self.world.wrong(format!("the history has {told:?}, begun were {begun:?}"));
                }
            }
            Err(e) => self.world.wrong(format!("the history cannot be read: {e}")),
        }
    }

    /// No stored byte shows a secret.
    fn sealed(&self) {
        self.ledger.written(|written| {
            for (key, body) in written {
                let body = if std::path::Path::new(key).extension().is_some_and(|e| e == "zst") {
                    zstd::decode_all(&**body).unwrap()
                } else {
                    body.clone()
                };
                if let Some(secret) = self.world.leaks(&String::from_utf8_lossy(&body)) {
                    self.world.wrong(format!("(8) the secret {secret} is stored in {key}"));
                }
            }
        });
    }
}

/// The engine of a program in a process.
fn engine(storage: &Storage, me: &Arc<Me>, program: &Program) -> Engine {
    let plug = Plug { cloud: Arc::clone(&storage.cloud), me: Arc::clone(me) };
    let mut registry = Registry::default();
    plug.drivers().into_iter().for_each(|driver| registry.add(driver));
    registry.add(infra_core::secret::driver());
    let name = StackName::new("program", "dev").unwrap();
    let env = Arc::new(Clock(Arc::clone(me)));
    let key = LocalKey::from_bytes([7; 32]).with_env(Arc::clone(&env) as _);
    let state = State::new(backend(storage, me), Arc::new(key), name.clone());
    let state = state.with_env(Arc::clone(&env) as _);
    let stacks = Arc::new(infra_core::reference::SamePlace(state.clone()));
    let program = program.clone();
    Engine {
        registry,
        connectors: [(plug.provider_kind().to_owned(), Arc::new(plug) as Arc<dyn Connector>)]
            .into(),
        state,
        stacks,
        env,
        context: Context {
            stack: name,
            settings: Value::map(),
            directory: std::path::PathBuf::new(),
            world: infra_core::provider::World::with_key("", [7; 32]),
            gate: Gate::default(),
        },
        program: Arc::new(move |stack| program.declare(stack)),
        policies: infra_core::policy::Pack::none(),
        config: Value::map().into(),
        rules: Vec::new(),
        cloud: "sim".to_owned(),
        revision: "test".to_owned(),
        by: me.name.clone(),
        state_url: None,
        key_url: None,
        events: Events::ignored(),
        cancel: me.cancel.clone(),
    }
}

/// A command from its beginning to its end.
async fn work(storage: Storage, me: Arc<Me>, order: Order) -> Told {
    let program = match &order {
        Order::Up(program, _) | Order::Preview(program, _) => program.clone(),
        _ => Program::default(),
    };
    let mut engine = engine(&storage, &me, &program);
    let (events, mut stream) = Events::channel();
    engine.events = events;
    let result = obey(&engine, order).await;
    drop(engine);
    let mut events = Vec::new();
    while let Ok(event) = stream.try_recv() {
        events.push(event);
    }
    (result, events)
}

async fn obey(engine: &Engine, order: Order) -> Result<Gave> {
    let with = |plan| UpOptions { plan, lock_timeout: PATIENCE, ..UpOptions::default() };
    let summary = |summary| Gave::Summary(Box::new(summary));
    match order {
        Order::Up(_, plan) => command::up(engine, &with(plan), &Confirmed).await.map(summary),
        Order::Destroy(plan) => {
            command::destroy(engine, &with(plan), &Confirmed).await.map(summary)
        }
        Order::Preview(_, plan) => {
            let preview = command::preview(engine, &PreviewOptions { plan }).await?;
            Ok(Gave::Plan(preview.plan))
        }
        Order::Move(from, to) => {
            state::mv(engine, &from, &to, PATIENCE).await.map(|_| Gave::Nothing)
        }
        Order::Protect(urn, protect) => {
            state::protect(engine, &[urn], protect, PATIENCE).await.map(|_| Gave::Nothing)
        }
        Order::Forget(urn) => state::rm(engine, &urn, false, PATIENCE).await.map(|_| Gave::Nothing),
    }
}
