//! The ledger in the cluster.

use infra_core::prelude::*;
use infra_kubernetes::{
    Deployment, Namespace, NetworkPolicy, Object, Peer, Pod, PodDisruptionBudget, Port, Probe,
    Service, ServiceAccount, Spread,
};

use super::{
    LEDGER, LedgerConfig, NODE_PORT, PORT, POSTGRES, Platform, Secrets,
    app::Image,
    identity::{pod_identity, reads_parameters},
    preparation::{self, Preparation},
};

/// The ledger: its database made ready, then its pods, behind a port of every node.
///
/// Three pods over zones and hosts. A lost zone's nodes do not count, so its pods come up in the others; while pods are
/// exchanged, those of the old template do not count either.
pub fn ledger(
    stack: &mut Stack,
    config: &LedgerConfig,
    platform: &Platform,
    secrets: &Secrets,
    image: &Image,
) -> Handle<Object> {
    let namespace = Namespace::new(LEDGER).pod_security("restricted");
    let namespace = stack.add("namespace", namespace.depends_on(&platform.before_pods));
    let loader = config.loader.as_deref().unwrap_or(preparation::LOADER);
    let prepared = Preparation { platform, secrets, image, loader };
    let database = prepared.database(stack, &namespace);

    let parameters = [&secrets.url_parameter.arn, &secrets.token_parameter.arn];
    let policy = reads_parameters(platform, &parameters);
    let identity = pod_identity(stack, platform, LEDGER, policy);
    let account = ServiceAccount::new(LEDGER).namespace(&namespace.name).automount(false);
    let account = stack.add("ledger", account);
    // The jobs come first for what they do; and they take the seconds that EKS may need until it gives pods an identity that
    // was just made. A pod that comes too early has none for as long as it lives: of a job's pods the next one has it.
    let schema = prepared.schema(stack, &namespace, &account, (&database, &identity));

    let ping = || Probe::http("/ping", PORT).timeout(2);
    let container = prepared
        .container("serve")
        .port("http", PORT)
        .requests("100m", "64Mi")
        .memory_limit("256Mi")
        // Two minutes to come up; the other probes begin after that.
        .startup(ping().every(2).failures(60))
        .readiness(ping().every(5).failures(2))
        .liveness(ping().every(10).failures(6))
        // It has no graceful stop of its own: what sends it traffic gets to know first.
        .sleep_before_stop(20);
    let zones = Spread::over_zones().counting("app", LEDGER).of_one_rollout();
    let hosts = Spread::over_hosts().counting("app", LEDGER).of_one_rollout();
    let pod = prepared
        .pod(&account, &prepared.everything(), container)
        .grace(45)
        .spread(zones)
        .spread(hosts);
    let pod = ["not-ready", "unreachable"].into_iter().enumerate().fold(pod, given_up);
    let deployment = Deployment::new(LEDGER, pod)
        .namespace(&namespace.name)
        .replicas(config.replicas)
        .rolling(1, 0)
        .progress_deadline(300);
    let deployment = stack.add("ledger", deployment.depends_on((&schema, &identity)));

    let budget = PodDisruptionBudget::new(LEDGER, &deployment.name)
        .namespace(&namespace.name)
        .max_unavailable(1)
        .evict_unready();
    stack.add("ledger", budget);
    // A call that has reached a node stays there: a node without a pod answers no health check and is no target.
    let port = Port::new(80).target(PORT).node_port(NODE_PORT.into()).name("http");
    let service = Service::new(LEDGER, &deployment.name, port)
        .namespace(&namespace.name)
        .on_nodes()
        .local_traffic();
    stack.add("ledger", service);
    policies(stack, &namespace, &platform.network);
    deployment
}

/// Pods of a node that is lost are made anew elsewhere after half a minute, instead of the five that Kubernetes waits unless
/// it is said. Nothing of them is on the node, so a node that was only away for a while costs a pod, and nothing else.
fn given_up(pod: Pod, (at, condition): (usize, &str)) -> Pod {
    let toleration = format!("spec.tolerations[{at}]");
    pod.set(&format!("{toleration}.key"), format!("node.kubernetes.io/{condition}"))
        .set(&format!("{toleration}.operator"), "Exists")
        .set(&format!("{toleration}.effect"), "NoExecute")
        .set(&format!("{toleration}.tolerationSeconds"), 30)
}

/// Who may talk to the ledger's pods, and they to whom. Whatever is not here is refused.
fn policies(stack: &mut Stack, namespace: &Handle<Object>, network: &Output<String>) {
    // Everything in the namespace: the jobs need the same as the ledger.
    let policy = NetworkPolicy::new(LEDGER)
        .namespace(&namespace.name)
        // A public load balancer passes its clients' addresses on, an internal one shows its own. Who may reach either is
        // said by its security group, and nothing but it reaches the nodes' port.
        .incoming([], [PORT])
        .resolving()
        .outgoing([Peer::cidr(network)], [POSTGRES.into()])
        // AWS's services, inside the network or outside of it.
        .outgoing([Peer::cidr("0.0.0.0/0")], [443])
        // The agent that gives pods their identity, on their own node.
        .outgoing([Peer::cidr("169.254.170.23/32")], [80]);
    stack.add("ledger", policy);
}
