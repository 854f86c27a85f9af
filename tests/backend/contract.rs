//! The contract of the port.

use std::sync::Arc;

use infra_state::{
    Backend,
    backend::{Call, Effect, Fault},
    contract::{Pair, suite},
    env::System,
};

use crate::lab::{Clients, REGION, cloud, fresh, patient, prepared};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_keeps_the_contract() {
    let cloud = cloud();
    suite(async || {
        let prefix = fresh();
        let a: Arc<dyn Backend> = Arc::new(prepared(&cloud, &prefix).await);
        // Another process: clients of its own.
        Pair { a, b: Arc::new(Clients::of(&cloud, REGION).place(&prefix)) }
    })
    .await;
}

/// Throttles in both services, and calls that never arrive.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retry_keeps_the_contract_over_s3_that_throttles() {
    let cloud = cloud();
    cloud.faults().seed(7);
    let clients = Clients::of(&cloud, REGION);
    suite(async || {
        let prefix = fresh();
        cloud.faults().clear();
        prepared(&cloud, &prefix).await;
        cloud.faults().throttle_rate(0.1, "");
        let place = || patient(clients.place(&prefix));
        Pair { a: place(), b: place() }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_keeps_the_contract_over_s3() {
    let cloud = cloud();
    suite(async || {
        let place = prepared(&cloud, &fresh()).await;
        let pass = |_: &Call<'_>| Effect::Pass;
        let fault = || Arc::new(Fault::new(Arc::new(place.clone()), Arc::new(System), pass));
        Pair { a: fault(), b: fault() }
    })
    .await;
}
