//! What does not come up says why, and is mended by the next run.

use std::time::Duration;

use infra_core::{Result, Stack, prelude::*};
use infra_kubernetes::{Container, Deployment, Job, Namespace, Pod};

use super::lab::{Lab, steps};

fn web(image: &'static str) -> impl Fn(&mut Stack) -> Result<()> + Send + Sync {
    within(image, 20)
}

fn within(image: &'static str, seconds: u64) -> impl Fn(&mut Stack) -> Result<()> + Send + Sync {
    move |stack| {
        let pod = Pod::new().container(Container::new("web", image));
        let deployment = Deployment::new("web", pod).progress_deadline(2);
        stack.add("web", deployment.create_timeout(Duration::from_secs(seconds)));
        Ok(())
    }
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled_is_named_and_the_right_one_repairs_it() {
    let lab = Lab::new();
    lab.cluster.faults().image_missing("web:wrong");
    let error = lab.stack.up(web("web:wrong")).await.unwrap_err().to_string();
    for part in ["container web", "web:wrong", "ImagePull"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    // Nothing is replaced for that.
    assert_eq!(steps(&lab.stack.plan(web("web:1")).await.unwrap()), ["Update web"]);
    lab.stack.up(web("web:1")).await.unwrap();
    assert!(lab.stack.plan(web("web:1")).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_crash_loop_shows_the_last_lines() {
    let lab = Lab::new();
    lab.cluster.faults().crash_loop("web:1", &["starting", "panic: no database"]);
    // It starts again and again, which looks like progress: the time is over before the cluster gives up.
    let error = lab.stack.up(within("web:1", 3)).await.unwrap_err().to_string();
    for part in ["CrashLoopBackOff", "exit code", "panic: no database"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[tokio::test]
async fn no_node_takes_it() {
    let lab = Lab::new();
    let program = |stack: &mut Stack| -> Result<()> {
        let pod = Pod::new().container(Container::new("web", "web:1"));
        let pod = pod.node_selector("kubernetes.io/arch", "riscv64");
        let deployment = Deployment::new("web", pod).progress_deadline(2);
        stack.add("web", deployment.create_timeout(Duration::from_secs(20)));
        Ok(())
    };
    let error = lab.stack.up(program).await.unwrap_err().to_string();
    assert!(error.contains("Unschedulable") && error.contains("nodes are available"), "{error}");
}

#[tokio::test]
async fn a_job_that_fails_says_why_and_runs_again() {
    let lab = Lab::new();
    lab.cluster.faults().job_fails("migrate", &["relation exists"]);
    let program = |stack: &mut Stack| -> Result<()> {
        let pod = Pod::new().container(Container::new("migrate", "ledger:1"));
        stack.add("migrate", Job::new("migrate", pod).retries(0));
        Ok(())
    };
    let error = lab.stack.up(program).await.unwrap_err().to_string();
    for part in ["BackoffLimitExceeded", "relation exists"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    lab.cluster.faults().clear();
    lab.stack.up(program).await.unwrap();
    assert!(lab.stack.plan(program).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_api_can_be_away_for_a_while() {
    let lab = Lab::new();
    lab.cluster.faults().fail_next(3, "", 503);
    lab.cluster.faults().lose_reply(1, "apply");
    let program = |stack: &mut Stack| -> Result<()> {
        stack.add("n", Namespace::new("n"));
        Ok(())
    };
    lab.stack.up(program).await.unwrap();
    assert!(lab.stack.plan(program).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_job_whose_image_was_wrong_is_replaced_by_one_with_the_right_one() {
    let lab = Lab::new();
    lab.cluster.faults().image_missing("ledger:wrong");
    let job = |image: &'static str| {
        move |stack: &mut Stack| -> Result<()> {
            let pod = Pod::new().container(Container::new("migrate", image));
            let job = Job::new("migrate", pod).create_timeout(Duration::from_secs(2));
            stack.add("migrate", job);
            Ok(())
        }
    };
    let error = lab.stack.up(job("ledger:wrong")).await.unwrap_err().to_string();
    assert!(error.contains("ImagePull") && error.contains("not ready after"), "{error}");
    // It was made, and never came to anything: its template cannot change in place.
    lab.stack.up(job("ledger:1")).await.unwrap();
    assert!(lab.stack.plan(job("ledger:1")).await.unwrap().is_empty());
}
