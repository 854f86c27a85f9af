//! Random programs that evolve at random, executed as far as chance lets them: every plan keeps its invariants, what is
//! executed whole settles, and a destroy leaves nothing.

use infra_state::Urn;
use proptest::{collection::vec, prelude::*};

use super::{
    fake::{Program, lit, out, urn},
    world::World,
};
use crate::{
    graph::{Expr, Graph},
    plan::{PlanOptions, Refresh},
};

const COUNT: usize = 7;
const PLACES: u8 = 7;

/// One resource of a random program; what it refers to has to come before it in the program's order.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent draws")]
struct Spec {
    present: bool,
    solo: bool,
    fixed: u8,
    size: u8,
    named: bool,
    first: bool,
    place: u8,
    links: Vec<(usize, u8)>,
    roots: Vec<(usize, u8)>,
    on: Vec<usize>,
}

fn spec() -> impl Strategy<Value = Spec> {
    let reference = || (0..COUNT, 0..3_u8);
    let flags = (prop::bool::weighted(0.8), prop::bool::weighted(0.2), prop::bool::weighted(0.3));
    let references = (vec(reference(), 0..2), vec(reference(), 0..2), vec(0..COUNT, 0..2));
    (flags, prop::bool::weighted(0.1), 0..2_u8, 0..3_u8, 0..PLACES, references).prop_map(
        |((present, solo, named), first, fixed, size, place, (links, roots, on))| Spec {
            present,
            solo,
            fixed,
            size,
            named,
            first,
            place,
            links,
            roots,
            on,
        },
    )
}

/// A program, how much of its plan works, and what is asked for beside it.
#[derive(Clone, Debug)]
struct Turn {
    specs: Vec<Spec>,
    fails: Vec<bool>,
    replace: Option<usize>,
    target: Option<usize>,
    exclude: Option<usize>,
    lost: Option<u8>,
    refresh: bool,
}

fn turn() -> impl Strategy<Value = Turn> {
    let rarely = |count: usize| prop::option::weighted(0.15, 0..count);
    (
        vec(spec(), COUNT),
        prop_oneof![Just(Vec::new()), vec(prop::bool::weighted(0.2), 2 * COUNT)],
        (rarely(COUNT), rarely(COUNT), rarely(COUNT)),
        prop::option::weighted(0.15, 0..PLACES),
        prop::bool::weighted(0.7),
    )
        .prop_map(|(specs, fails, (replace, target, exclude), lost, refresh)| Turn {
            specs,
            fails,
            replace,
            target,
            exclude,
            lost,
            refresh,
        })
}

fn name(specs: &[Spec], at: usize) -> String {
    let kind = if specs[at].solo { "fake:Solo" } else { "fake:Thing" };
    format!("{kind}::n{at}")
}

fn graph(specs: &[Spec]) -> Graph {
    // Which comes first differs from program to program: dependencies turn round.
    let rank = |at: usize| (specs[at].place, at);
    let mut program = Program::new();
    for at in (0..specs.len()).filter(|&at| specs[at].present) {
        let spec = &specs[at];
        let usable = |on: usize| specs[on].present && rank(on) < rank(at);
        let refs = |list: &[(usize, u8)]| {
            let usable = list.iter().filter(|(on, _)| usable(*on));
            let output = |output: u8| ["id", "arn", "rev"][usize::from(output)];
            Expr::List(usable.map(|(on, o)| out(&name(specs, *on), output(*o))).collect())
        };
        let on: Vec<Urn> =
            spec.on.iter().filter(|on| usable(**on)).map(|on| urn(&name(specs, *on))).collect();
        program = program.add_with(
            &name(specs, at),
            [
                ("fixed", lit(u32::from(spec.fixed))),
                ("size", lit(u32::from(spec.size))),
                ("links", refs(&spec.links)),
                ("roots", refs(&spec.roots)),
            ],
            |options| {
                options.depends_on.extend(on);
                options.delete_before_replace = spec.first;
            },
        );
        if spec.named {
            let name = lit(format!("name-{at}"));
            program = program.but(|node| drop(node.inputs.insert("name".into(), name)));
        }
    }
    program.build()
}

fn evolve(turns: &[Turn]) {
    let mut world = World::new();
    for turn in turns {
        let graph = graph(&turn.specs);
        let named = |at: Option<usize>| {
            let urn = at.map(|at| urn(&name(&turn.specs, at)));
            urn.filter(|urn| graph.nodes.contains_key(urn)).into_iter().collect()
        };
        if let Some(lost) = turn.lost {
            let id = world.objects.keys().nth(usize::from(lost)).cloned();
            id.map(|id| world.objects.remove(&id));
        }
        world.options = PlanOptions {
            replaces: named(turn.replace),
            targets: named(turn.target),
            excludes: named(turn.exclude),
            refresh: if turn.refresh { Refresh::All } else { Refresh::Touched },
            allow_mass_absence: true,
            ..PlanOptions::default()
        };
        // Scopes that cannot be are refused; everything else must be plannable.
        let plan = match world.plan(&graph) {
            Ok(plan) => plan,
            Err(e) => {
                assert!(turn.target.is_some() || turn.exclude.is_some(), "{e:?}");
                continue;
            }
        };
        world.apply(&graph, &plan, |id| !turn.fails.get(id.0).copied().unwrap_or_default());
    }
    let last = graph(&turns.last().unwrap().specs);
    world.options =
        PlanOptions { refresh: Refresh::All, allow_mass_absence: true, ..PlanOptions::default() };
    // An object that turns out to be replaced late leaves its old one for the next run.
    let mut rounds = 0;
    loop {
        let left = super::world::lines(&world.up(&last));
        rounds += 1;
        if left.is_empty() {
            break;
        }
        assert!(rounds < 4, "does not settle: {left:#?}");
    }
    assert_eq!(world.objects.len(), last.nodes.len().saturating_sub(1));
    world.options.destroy = true;
    world.up(&last);
    assert!(world.snapshot.records.is_empty() && world.objects.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn plans_settle_whatever_came_before(turns in vec(turn(), 1..5)) {
        evolve(&turns);
    }
}
