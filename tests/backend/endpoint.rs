//! The same on any S3 and `DynamoDB` that answer at `INFRA_STATE_ENDPOINT` (`http://HOST:PORT`), which may be
//! emulators: nothing of the bucket and the table is removed afterwards.

use std::sync::Arc;

use infra_state::{
    Backend, Grade,
    contract::{Pair, suite},
};

use crate::lab::{Clients, fresh, patient};

const VARIABLE: &str = "INFRA_STATE_ENDPOINT";

#[expect(clippy::print_stderr, reason = "who runs it without an endpoint is told")]
fn endpoint() -> Option<String> {
    let endpoint = std::env::var(VARIABLE).ok().filter(|endpoint| !endpoint.is_empty());
    if endpoint.is_none() {
        eprintln!("SKIPPED: {VARIABLE} names no endpoint");
    }
    endpoint
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_keeps_the_contract() {
    let Some(endpoint) = endpoint() else { return };
    let place = Clients::at_endpoint(&endpoint).place("health");
    place.prepare().await.unwrap();
    place.prepare().await.unwrap();
    for finding in place.examine().await.unwrap() {
        assert_eq!(finding.grade, Grade::Good, "{finding}");
    }
    let open = |prefix: &str| Clients::at_endpoint(&endpoint).place(prefix);
    suite(async || {
        let prefix = fresh();
        let pair: [Arc<dyn Backend>; 2] = [Arc::new(open(&prefix)), patient(open(&prefix))];
        let [a, b] = pair;
        Pair { a, b }
    })
    .await;
}
