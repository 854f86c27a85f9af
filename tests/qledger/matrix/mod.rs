//! The kill matrix: the flagship's runs, killed at every point at which something becomes durable or is called.
//!
//! A run is recorded once to learn its points, and again to keep what a kill at each of them would leave: the state as
//! it is stored and the cloud as it is, between two steps of the run. From each of these the same command is run again
//! by a process that knows nothing else. It must succeed without being asked anything; then cloud and state are as
//! those of runs that were never killed, and there is nothing left to do.
//!
//! `INFRA_MATRIX=all` takes every point; an ordinary run takes a few of each command, of other kinds of resource and
//! point each, and says of how many. `INFRA_MATRIX=TEXT` takes the points whose names contain the text, `command: urn: point`.

mod likeness;
mod recording;
mod world;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::Write as _,
    time::Instant,
};

use futures_util::{StreamExt as _, stream};
use infra_core::{
    command::{self, PreviewOptions},
    plan::{PlanOptions, Refresh},
    state::Outcome,
};
use likeness::{Content, Likeness, content};
use recording::{Image, Point, Recording};
use world::{Verb, World};

/// What a stack has that uses every choice of the configuration, one of each.
const ALL: [&str; 6] = [
    "bastion=true",
    "domain=\"ledger.example.com\"",
    "api_access=[\"203.0.113.0/24\"]",
    "admins=[\"arn:aws:iam::999999999999:role/admin\"]",
    "alarm_email=\"on-call@example.com\"",
    "team=\"ledger\"",
];

/// Worlds that are kept at once: each is some megabytes.
const KEPT: usize = 150;
/// Runs at once.
const PARALLEL: usize = 4;
/// How many points of a command an ordinary run takes.
const SOME: usize = 14;

/// A command that is killed.
struct Killed {
    name: &'static str,
    verb: Verb,
    /// Whether the stack is there before; else nothing is.
    before: bool,
    sets: Vec<&'static str>,
    /// `--replace URN`.
    replaced: &'static [&'static str],
}

fn with(changes: &[&'static str]) -> Vec<&'static str> {
    ALL.into_iter().chain(changes.iter().copied()).collect()
}

fn commands() -> Vec<Killed> {
    let changed = |name, changes: &[&'static str]| Killed {
        name,
        verb: Verb::Up,
        before: true,
        sets: with(changes),
        replaced: &[],
    };
    vec![
        Killed { name: "up", verb: Verb::Up, before: false, sets: with(&[]), replaced: &[] },
        changed("up (tag)", &["team=\"payments\""]),
        changed(
            "up (sizes)",
            &[
                "backup_days=3",
                "database_gib=30",
                "database_class=\"db.t4g.small\"",
                "node_type=\"t4g.large\"",
                "spare_nodes_per_zone=2",
                "api_access=[\"198.51.100.0/24\"]",
            ],
        ),
        changed("up (domain)", &["domain=\"ledger.example.org\""]),
        Killed {
            name: "up --replace",
            verb: Verb::Up,
            before: true,
            sets: with(&[]),
            replaced: &[
                "aws:ec2:NatGateway::network/nat-a",
                "aws:elbv2:TargetGroup::entry/targets",
                "aws:iam:Role::network/flows",
                "aws:kms:Alias::key/alias",
                "aws:logs:LogGroup::network/flows",
                "aws:ec2:Instance::bastion/host",
            ],
        },
        Killed {
            name: "destroy",
            verb: Verb::Destroy,
            before: true,
            sets: with(&[]),
            replaced: &[],
        },
    ]
}

/// A runtime of one thread, so that a world can be copied between two steps of a run.
fn recorded(
    before: &World,
    killed: &Killed,
    wanted: Option<BTreeSet<Point>>,
) -> (Vec<Point>, Vec<Image>, Content) {
    let world = before.copied();
    std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let recording = Recording::of(&world, wanted);
                let ran = world.run(killed, Some(&recording)).await;
                let summary = ran.unwrap_or_else(|e| panic!("{}: {e:?}", killed.name));
                assert_eq!(summary.outcome, Outcome::Succeeded, "{:#?}", summary.failed);
                let (points, images) = recording.taken();
                let engine = world.engine(&killed.sets, None).await;
                (points, images, content(&world, &engine).await)
            })
        });
        run.join().unwrap()
    })
}

/// Runs the command again on what a kill left; how that differs from what should be.
async fn again(image: World, killed: &Killed, likeness: &Likeness) -> Result<(), String> {
    let summary = image.run(killed, None).await.map_err(|e| e.to_string())?;
    if summary.outcome != Outcome::Succeeded {
        let failed = summary.failed.iter().map(|it| format!("{}: {}", it.urn, it.message));
        return Err(failed.collect::<Vec<_>>().join("; "));
    }
    let engine = image.engine(&killed.sets, None).await;
    let differences = likeness.differences(&content(&image, &engine).await);
    if !differences.is_empty() {
        return Err(differences.join("\n      "));
    }
    let destroy = killed.verb == Verb::Destroy;
    let plan = PlanOptions { refresh: Refresh::All, destroy, ..PlanOptions::default() };
    let preview = command::preview(&engine, &PreviewOptions { plan }).await;
    let plan = preview.map_err(|e| e.to_string())?.plan;
    if !plan.is_empty() {
        return Err(format!("left to do: {:#?}", super::shown(&super::busy(&plan))));
    }
    Ok(())
}

/// What came of the points of one command.
#[derive(Default)]
struct Figures {
    known: usize,
    points: usize,
    worlds: usize,
    converged: usize,
    unreached: Vec<Point>,
    failed: Vec<String>,
}

/// Kills the command at the points that `choose` takes.
async fn matrix(
    killed: &Killed,
    before: &World,
    choose: impl Fn(&[Point]) -> BTreeSet<Point>,
) -> Figures {
    // The undisturbed runs tell what is random, and which points there are.
    let (points, _, first) = recorded(before, killed, None);
    let undisturbed = [first, recorded(before, killed, None).2, recorded(before, killed, None).2];
    let likeness = Likeness::of(&undisturbed);
    let (compared, counted) = likeness.strength();
    assert!(compared > 20 * counted.max(1) || compared > 50, "{compared} values of {counted}");
    let mut wanted = choose(&points);
    let mut figures = Figures { known: points.len(), points: wanted.len(), ..Figures::default() };
    // Steps run in parallel, so a run may miss points that another one reached: those are tried again.
    let mut patience = 3;
    while !wanted.is_empty() && patience > 0 {
        let some: BTreeSet<Point> = wanted.iter().take(KEPT).cloned().collect();
        let (_, images, _) = recorded(before, killed, Some(some.clone()));
        let reached: BTreeSet<Point> = images.iter().flat_map(|it| it.points.clone()).collect();
        if reached.is_empty() {
            patience -= 1;
        }
        wanted.retain(|point| !reached.contains(point));
        figures.worlds += images.len();
        let runs = stream::iter(images).map(|Image { points, world }| {
            let likeness = &likeness;
            async move { (points, again(world, killed, likeness).await) }
        });
        let mut runs = runs.buffer_unordered(PARALLEL);
        while let Some((points, result)) = runs.next().await {
            match result {
                Ok(()) => figures.converged += points.len(),
                Err(why) => {
                    let names: Vec<_> = points.iter().map(ToString::to_string).collect();
                    figures.failed.push(format!("{}\n      {why}", names.join(" = ")));
                }
            }
        }
    }
    figures.unreached = wanted.into_iter().collect();
    figures
}

/// Points of which each has a kind of resource or a kind of point that the others have not, always the same ones.
fn some(points: &[Point]) -> BTreeSet<Point> {
    let order = |point: &Point| {
        let mut hash = DefaultHasher::new();
        point.to_string().hash(&mut hash);
        hash.finish()
    };
    let mut points: Vec<&Point> = points.iter().collect();
    points.sort_by_key(|point| order(point));
    let (mut kinds, mut resources) = (BTreeSet::new(), BTreeSet::new());
    let taken = points.into_iter().filter(|point| {
        let fresh = kinds.insert(point.kind());
        resources.insert(point.resource().to_owned()) || fresh
    });
    taken.take(SOME).cloned().collect()
}

async fn all_commands(report: &mut BTreeMap<&'static str, Figures>) {
    let asked = env::var("INFRA_MATRIX").unwrap_or_default();
    let made = World::new();
    let first =
        Killed { name: "before", verb: Verb::Up, before: false, sets: with(&[]), replaced: &[] };
    made.run(&first, None).await.unwrap();
    for killed in commands() {
        let start = Instant::now();
        let before = if killed.before { made.copied() } else { World::new() };
        let figures = matrix(&killed, &before, |points| match asked.as_str() {
            "" => some(points),
            "all" => points.iter().cloned().collect(),
            text => {
                let named = |point: &&Point| format!("{}: {point}", killed.name).contains(text);
                points.iter().filter(named).cloned().collect()
            }
        })
        .await;
        let Figures { known, points, worlds, converged, unreached, failed } = &figures;
        tell(&format!(
            "{}: {points} of {known} points ({worlds} worlds): {converged} converged, {} failed, {} not reached, {:.0} s",
            killed.name,
            failed.len(),
            unreached.len(),
            start.elapsed().as_secs_f32(),
        ));
        for point in &**unreached {
            tell(&format!("  not reached: {point}"));
        }
        for failed in &**failed {
            tell(&format!("  FAILED {failed}"));
        }
        report.insert(killed.name, figures);
    }
}

/// The figures are what this test is run for: they are shown although it succeeds.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_anywhere_the_same_command_again_comes_to_the_same() {
    let mut report = BTreeMap::new();
    all_commands(&mut report).await;
    let failed: Vec<_> = report
        .iter()
        .flat_map(|(name, figures)| figures.failed.iter().map(move |it| format!("{name}: {it}")))
        .collect();
    assert!(failed.is_empty(), "{} of them:\n{}", failed.len(), failed.join("\n"));
}
