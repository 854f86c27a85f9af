//! A zone is lost, with its nodes and the pods on them.

use std::time::{Duration, Instant};

use infra_core::plan::Refresh;

use super::{Lab, busy, shown};

impl Lab {
    /// How many of the ledger's pods are available.
    fn available(&self) -> i64 {
        let objects = self.cluster.objects();
        let ledger = objects.iter().find(|object| {
            object["kind"] == "Deployment" && object["metadata"]["name"] == "qledger"
        });
        ledger.unwrap()["status"]["availableReplicas"].as_i64().unwrap_or_default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pods_stay_and_the_third_comes_up_elsewhere() {
    for zone in ["eu-west-1a", "eu-west-1b"] {
        let lab = Lab::new();
        lab.up(&[]).await;
        assert_eq!(lab.available(), 3);
        lab.cluster.faults().lose_zone(zone);
        let begun = Instant::now();
        let mut fewest = 3;
        // Its pods are given up, and new ones are placed in the zones that are left.
        loop {
            fewest = fewest.min(lab.available());
            if begun.elapsed() > Duration::from_secs(2) && lab.available() == 3 {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{} pods", lab.available());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(fewest >= 2, "{fewest} pods were available without {zone}");
        // It mends itself: there is nothing for us to do.
        let plan = lab.plan(&[], Refresh::All).await;
        assert!(plan.is_empty(), "{:#?}", shown(&busy(&plan)));
    }
}
