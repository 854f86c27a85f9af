//! Many objects are read by the page, and the server is asked what it would change only where something differs.

use infra_core::{Result, Stack};
use infra_kubernetes::{ConfigMap, Container, Deployment, Pod};
use serde_json::json;

use super::lab::{Lab, steps};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn program(stack: &mut Stack) -> Result<()> {
    for at in 0..40 {
        let name = format!("map-{at}");
        stack.add(&name, ConfigMap::new(&*name).data("key", "value"));
    }
    let container = Container::new("web", "web:1").requests("1000m", "1024Mi");
    stack.add("web", Deployment::new("web", Pod::new().container(container)).replicas(1));
    Ok(())
}

#[tokio::test]
async fn many_are_listed_and_what_is_as_recorded_is_not_asked_about() {
    let lab = Lab::new();
    lab.stack.up(program).await.unwrap();
    lab.cluster.clear_calls();
    assert!(lab.refreshed(program).await.is_empty());
    let calls = lab.cluster.calls();
    let maps: Vec<_> = calls.iter().filter(|call| call.path.starts_with(MAPS)).collect();
    assert_eq!(maps.len(), 1, "{maps:?}");
    assert_eq!(maps[0].verb, "list");
    assert!(calls.iter().all(|call| call.verb != "apply"), "{calls:?}");
}

#[tokio::test]
async fn what_is_in_no_list_is_looked_for_by_itself() {
    let lab = Lab::new();
    lab.stack.up(program).await.unwrap();
    // Without the label that lists go by, with another value, and gone.
    let unlabelled = json!({"metadata": {"labels": {"infra-engine/stack": null}}});
    lab.edit(&format!("{MAPS}/map-1"), unlabelled).await;
    lab.edit(&format!("{MAPS}/map-2"), json!({"data": {"key": "other"}})).await;
    lab.kubectl("DELETE", &format!("{MAPS}/map-3"), "application/json", json!(null)).await;
    let plan = lab.refreshed(program).await;
    assert_eq!(steps(&plan), ["Update map-2", "Forget map-3", "Create map-3"]);
    lab.repaired(program).await.unwrap();
    assert!(lab.refreshed(program).await.is_empty());
}
