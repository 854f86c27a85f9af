//! Policies, from the program and the settings to the exit code.

use infra_core::{
    exit::Exit,
    plan::Plan,
    policy::{Enforcement, Pack, Policy, Violation, Wanted},
    prelude::*,
};
use serde_json::Value;

use crate::{
    fake::{Host, Net},
    terminal::Terminal,
};

/// No machine is huge, nothing that holds data goes, and networks have tags.
fn pack() -> Pack {
    let small = Policy::each::<Host>("shop:small", |it: &Wanted<'_, Host>| {
        let huge = it.is(Host::SIZE, &"huge".to_owned());
        it.wrong_if(huge, Host::SIZE, "nobody pays for that")
    });
    let tagged = Policy::each::<Net>("shop:tagged", |it: &Wanted<'_, Net>| {
        it.wrong_if(it.lacks(Net::TAGS), Net::TAGS, "say whose it is")
    });
    let tagged = tagged.enforced(Enforcement::Advisory);
    Pack::new([small, tagged]).with(Policy::data_loss("shop:data-loss", "fake:"))
}

fn terminal(toml: &str) -> Terminal {
    Terminal::new(toml).held_to(pack())
}

/// The line of the last declaration of a machine.
const LINE: u32 = line!() + 6;

fn host(stack: &mut Stack, size: &str, reason: Option<&str>) {
    let net = stack.add("main", Net::new("10.0.0.0/16").tags([("a", "b")]));
    let host = Host::new(&net.id).size(size);
    match reason {
        None => stack.add("web", host),
        Some(reason) => stack.add("web", host.allow("shop:small", reason)),
    };
}

fn huge(stack: &mut Stack) -> Result<()> {
    host(stack, "huge", None);
    Ok(())
}

fn small(stack: &mut Stack) -> Result<()> {
    host(stack, "small", None);
    Ok(())
}

fn allowed(stack: &mut Stack) -> Result<()> {
    host(stack, "huge", Some("the fair is in May"));
    Ok(())
}

fn only_net(stack: &mut Stack) -> Result<()> {
    stack.add("main", Net::new("10.0.0.0/16"));
    Ok(())
}

fn planned(out: &str) -> Value {
    let events = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.into_iter().find(|event| event["event"] == "planned").unwrap()
}

#[tokio::test]
async fn what_is_mandatory_stops_the_preview_and_the_deployment_with_the_line() {
    let t = terminal("");
    let preview = t.run(huge, &["preview"]).await;
    assert_eq!(preview.exit, Exit::Refused, "{}", preview.err);
    let place = format!("tests/cli/enforced.rs:{LINE}");
    for text in ["shop:small", "web.size", "nobody pays for that", "mandatory", &place] {
        assert!(preview.err.contains(text), "{text}: {}", preview.err);
    }
    // Nobody is asked about what is refused.
    let up = t.ask(huge, &["up"], "y\n").await;
    assert_eq!(up.exit, Exit::Refused, "{}", up.err);
    assert!(!up.err.contains("[y/N]"), "{}", up.err);
    let saved = t.run(huge, &["preview", "--save", "x.plan"]).await;
    assert_eq!(saved.exit, Exit::Refused, "{}", saved.err);
    assert!(!t.folder().join("x.plan").exists());
    assert!(t.world.0.lock().unwrap().is_empty());

    let json = t.run(huge, &["preview", "--json"]).await;
    let violation = &planned(&json.out)["violations"][0];
    assert_eq!(violation["policy"], "shop:small");
    assert_eq!(violation["enforcement"], "mandatory");
    assert_eq!(violation["urn"], "fake:Host::web");
    assert_eq!(violation["path"], "size");
    assert!(violation["at"].as_str().unwrap().ends_with(&place), "{violation}");
    assert_eq!(violation["allowed"], Value::Null);
}

#[tokio::test]
async fn what_is_allowed_with_a_reason_is_shown_and_done() {
    let t = terminal("");
    let up = t.run(allowed, &["up", "--yes"]).await;
    assert_eq!(up.exit, Exit::Done, "{}", up.err);
    assert!(up.err.contains("allowed: the fair is in May"), "{}", up.err);
    let json = t.run(allowed, &["preview", "--json"]).await;
    assert_eq!(json.exit, Exit::Done, "{}", json.err);
    assert_eq!(planned(&json.out)["violations"][0]["allowed"], "the fair is in May");
    // Going back to it is allowed too: the reason is filed with what was declared.
    assert_eq!(t.run(small, &["up", "--yes"]).await.exit, Exit::Done);
    let back = t.run(small, &["rollback", "1", "--yes"]).await;
    assert_eq!(back.exit, Exit::Done, "{}", back.err);
}

#[tokio::test]
async fn a_rollback_to_what_is_not_allowed_any_more_is_refused() {
    let mut t = terminal("");
    t.policies = Pack::none();
    assert_eq!(t.run(huge, &["up", "--yes"]).await.exit, Exit::Done);
    assert_eq!(t.run(small, &["up", "--yes"]).await.exit, Exit::Done);
    t.policies = pack();
    for arguments in [&["rollback", "1", "--yes"][..], &["rollback", "1", "--preview"]] {
        let back = t.run(small, arguments).await;
        assert_eq!(back.exit, Exit::Refused, "{}", back.err);
        assert!(back.err.contains("`shop:small` by web"), "{}", back.err);
    }
}

#[tokio::test]
async fn advice_stops_nothing() {
    let t = terminal("");
    let up = t.run(only_net, &["up", "--yes"]).await;
    assert_eq!(up.exit, Exit::Done, "{}", up.err);
    assert!(up.err.contains("shop:tagged") && up.err.contains("say whose it is"), "{}", up.err);
}

#[tokio::test]
async fn the_settings_of_a_stack_enforce_otherwise() {
    let off = "[stack.dev]\n[stack.dev.policies]\n'shop:small' = 'off'\n";
    let t = Terminal::whole(off).held_to(pack());
    let preview = t.run(huge, &["preview"]).await;
    assert_eq!(preview.exit, Exit::Done, "{}", preview.err);
    assert!(!preview.err.contains("shop:small"), "{}", preview.err);

    let strict = "[stack.dev]\n[stack.dev.policies]\n'shop:tagged' = 'mandatory'\n";
    let t = Terminal::whole(strict).held_to(pack());
    assert_eq!(t.run(only_net, &["preview"]).await.exit, Exit::Refused);

    let wrong = "[stack.dev]\n[stack.dev.policies]\n'shop:smal' = 'off'\n";
    let t = Terminal::whole(wrong).held_to(pack());
    let preview = t.run(huge, &["preview"]).await;
    assert_eq!(preview.exit, Exit::Usage, "{}", preview.err);
    assert!(preview.err.contains("did you mean `shop:small`?"), "{}", preview.err);
}

#[tokio::test]
async fn what_allows_a_policy_that_is_not_there_or_says_no_reason_is_a_mistake() {
    let t = terminal("");
    let program = |stack: &mut Stack| {
        stack.add("a", Net::new("10.0.0.0/16").allow("shop:smalll", "why not"));
        stack.add("b", Net::new("10.1.0.0/16").allow("shop:small", " "));
        Ok(())
    };
    let preview = t.run(program, &["preview"]).await;
    assert_eq!(preview.exit, Exit::Usage, "{}", preview.err);
    assert!(preview.err.contains("needs a reason"), "{}", preview.err);
    let program = |stack: &mut Stack| {
        stack.add("a", Net::new("10.0.0.0/16").allow("shop:smalll", "why not"));
        Ok(())
    };
    let preview = t.run(program, &["preview"]).await;
    assert_eq!(preview.exit, Exit::Usage, "{}", preview.err);
    assert!(preview.err.contains("did you mean `shop:small`?"), "{}", preview.err);
}

#[tokio::test]
async fn what_holds_data_and_is_not_declared_any_more_has_the_line_where_it_was() {
    let t = terminal("");
    assert_eq!(t.run(small, &["up", "--yes"]).await.exit, Exit::Done);
    let preview = t.run(only_net, &["preview"]).await;
    assert_eq!(preview.exit, Exit::Refused, "{}", preview.err);
    let place = format!("tests/cli/enforced.rs:{LINE}");
    assert!(preview.err.contains("was declared at"), "{}", preview.err);
    assert!(preview.err.matches(&place).count() >= 2, "{}", preview.err);
    assert!(preview.err.contains("--allow-data-loss fake:Host::web"), "{}", preview.err);
    assert!(!preview.err.contains(".allow("), "there is no line to say it at: {}", preview.err);

    let agreed = ["up", "--yes", "--allow-data-loss", "web"];
    let up = t.run(only_net, &agreed).await;
    assert_eq!(up.exit, Exit::Done, "{}", up.err);
    // Nobody owns what a simulated cloud holds: all of it may go.
    assert_eq!(t.run(small, &["up", "--yes"]).await.exit, Exit::Done);
    let destroy = t.run(small, &["destroy", "--yes"]).await;
    assert_eq!(destroy.exit, Exit::Done, "{}", destroy.err);
}

#[tokio::test]
async fn what_is_not_known_before_is_checked_before_its_call() {
    let mut t = terminal("");
    t.policies = Pack::new([Policy::each::<Host>("shop:elsewhere", |it: &Wanted<'_, Host>| {
        let here = it.known(Host::NET).is_some_and(|net| net.starts_with("main-"));
        it.wrong_if(here, Host::NET, "not in this net")
    })]);
    assert_eq!(t.run(small, &["preview"]).await.exit, Exit::Done);
    let up = t.run(small, &["up", "--yes"]).await;
    assert_eq!(up.exit, Exit::Failed, "{}", up.err);
    let said = "policy `shop:elsewhere`: `net`: not in this net";
    assert!(up.err.contains(said), "{}", up.err);
    let made: Vec<String> = t.world.0.lock().unwrap().keys().cloned().collect();
    assert!(made.len() == 1 && made[0].starts_with("main-"), "{made:?}");
    // Now it is known: the plan says it.
    assert_eq!(t.run(small, &["preview"]).await.exit, Exit::Refused);
}

#[tokio::test]
async fn a_check_that_panics_is_a_mistake() {
    let mut t = terminal("");
    t.policies = Pack::new([Policy::mandatory("shop:broken", |plan: &Plan| {
        let names: Vec<_> = plan.steps.iter().filter(|step| step.urn.name() == "none").collect();
        vec![Violation::of(names[0], "never")]
    })]);
    let preview = t.run(small, &["preview"]).await;
    assert_eq!(preview.exit, Exit::Usage, "{}", preview.err);
    assert!(preview.err.contains("the policy `shop:broken` panicked"), "{}", preview.err);
}

#[tokio::test]
async fn a_line_that_moved_is_no_change() {
    let first = |stack: &mut Stack| {
        stack.add("main", Net::new("10.0.0.0/16").tags([("a", "b")]));
        Ok(())
    };
    let moved = |stack: &mut Stack| {
        stack.add("main", Net::new("10.0.0.0/16").tags([("a", "b")]));
        Ok(())
    };
    let t = terminal("");
    assert_eq!(t.run(first, &["up", "--yes"]).await.exit, Exit::Done);
    let head = || std::fs::read(t.folder().join(".infra/shop/dev/head.json")).unwrap();
    let before = head();
    let up = t.run(moved, &["up", "--yes"]).await;
    assert_eq!(up.exit, Exit::Done, "{}", up.err);
    assert_eq!(head(), before, "nothing is written for a line that moved");
}
