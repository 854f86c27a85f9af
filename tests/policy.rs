//! The policies that `policy` prints, enforced: the flagship lives its whole life with exactly what they allow.

#![expect(clippy::print_stdout, clippy::unwrap_used, unreachable_pub, reason = "tests")]

#[path = "policy/exact.rs"]
mod exact;
#[path = "policy/fields.rs"]
mod fields;
#[path = "policy/lab.rs"]
mod lab;

use infra_core::{plan::Refresh, provider::Purpose};
use lab::{BIG, Lab};

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_lives_with_the_policy_that_is_printed_before_it_is_made() {
    let mut lab = Lab::new();
    let policy = lab.policy(Purpose::Deploy, BIG).await;
    lab.enforce(&policy);
    lab.life(BIG).await.unwrap_or_else(|e| panic!("{e}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_looks_may_look_at_everything_and_change_nothing() {
    let lab = Lab::new();
    lab.up(BIG).await.unwrap_or_else(|e| panic!("{e}"));
    let policy = lab.policy(Purpose::Drift, BIG).await;
    lab.enforce(&policy);
    let plan = lab.plan(BIG, Refresh::All).await.unwrap_or_else(|e| panic!("{e}"));
    assert!(plan.is_empty());
    for (action, _) in lab.cloud.asked() {
        let verb = action.split(':').nth(1).unwrap();
        let reads =
            ["Describe", "Get", "List", "Decrypt"].iter().any(|read| verb.starts_with(read));
        assert!(reads, "{action} is asked for by looking");
    }
    let policy = policy.iter().map(ToString::to_string).collect::<String>();
    for word in ["Create", "Put", "Delete", "Modify", "Update", "Pass", "Tag\""] {
        assert!(!policy.contains(&format!(":{word}")), "{word} is in {policy}");
    }
    lab.cloud.clear_calls();
    let denied = lab.up(&[BIG, &["team=\"payments\""]].concat()).await.unwrap_err();
    assert!(denied.contains("not authorized to perform"), "{denied}");
    let changed = lab.cloud.calls().into_iter().filter(|call| call.mutating && call.status < 300);
    assert_eq!(changed.map(|call| call.operation).collect::<Vec<_>>(), Vec::<String>::new());
}
