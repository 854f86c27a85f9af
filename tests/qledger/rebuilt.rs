//! The state is deleted, and written again from the program and the cloud.

use std::fs;

use infra_core::{
    command::{
        self, Confirmed, UpOptions,
        rebuild::{AsFound, RebuildOptions, SecretFrom, rebuild},
    },
    plan::Refresh,
    state::Outcome,
};

use super::{Lab, busy, shown};

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_state_is_written_again_and_the_next_preview_is_empty() {
    let lab = Lab::new();
    for sets in [&[][..], &["interface_endpoints=true", "bastion=true", "nat=\"per-zone\""][..]] {
        lab.up(sets).await;
        let before = lab.engine(sets).await.state.read().await.unwrap().unwrap().snapshot;
        fs::remove_dir_all(lab.folder.path().join("state")).unwrap();

        // It is not made a second time.
        lab.clear_calls();
        let refused = command::up(&lab.engine(sets).await, &UpOptions::default(), &Confirmed).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("state rebuild"), "{refused}");

        let found = rebuild(&lab.engine(sets).await, &RebuildOptions::default(), &Confirmed).await;
        let found = found.unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(lab.mutations(), Vec::<String>::new());
        assert_eq!(found.missing.len(), 0, "{:#?}", found.missing);
        assert_eq!(found.count(AsFound::Current), found.objects.len(), "{:#?}", found.objects);
        let told =
            |from: &SecretFrom| matches!(from, SecretFrom::Places(places) if !places.is_empty());
        assert!(
            found.secrets.values().all(told) && found.secrets.len() == 2,
            "{:?}",
            found.secrets
        );

        let after = lab.engine(sets).await.state.read().await.unwrap().unwrap().snapshot;
        assert_eq!(after.identity, before.identity);
        assert_eq!(after.exports, before.exports);
        let urns = |snapshot: &infra_core::state::Snapshot| {
            snapshot.records.keys().map(|key| key.urn.clone()).collect::<Vec<_>>()
        };
        assert_eq!(urns(&after), urns(&before));
        for refresh in [Refresh::Touched, Refresh::All] {
            let plan = lab.plan(sets, refresh).await;
            assert!(plan.is_empty(), "{refresh:?}: {:#?}", shown(&busy(&plan)));
        }
        lab.up(sets).await;
        assert_eq!(lab.mutations(), Vec::<String>::new());
    }
    let engine = lab.engine(&[]).await;
    let summary = command::destroy(&engine, &UpOptions::default(), &Confirmed).await;
    let summary = summary.unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(summary.outcome, Outcome::Succeeded, "{:#?}", summary.failed);
}
