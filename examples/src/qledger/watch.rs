//! Drift detection of its own: by the clock, this program looks from inside the cluster at everything that it made.
//!
//! It looks with a role that may only look: exactly what `policy --for drift` prints of this stack, told from the graph
//! itself. In Kubernetes the role is let in to read. It takes no lock, so a deployment is never disturbed.

use infra_aws::{
    policy::{Document, Statement},
    types::Arn,
};
use infra_core::{prelude::*, provider::Purpose};
use infra_kubernetes::{
    Container, CronJob, Namespace, NetworkPolicy, Object, Peer, Pod, ServiceAccount, Volume,
};

use super::{Platform, WatchConfig, access::looks, identity::pod_identity_in};

/// Its namespace, its account, its job.
const DRIFT: &str = "drift";
/// Any user that is not root: the image is told nothing of it.
const USER: i32 = 10_002;

/// Declares it; `None` until there is an image of this program.
pub fn watch(
    stack: &mut Stack,
    config: &WatchConfig,
    platform: &Platform,
) -> Option<Handle<Object>> {
    let image = config.image.as_deref()?;
    let namespace = Namespace::new(DRIFT).pod_security("restricted");
    let namespace = stack.add("namespace", namespace.depends_on(&platform.before_pods));
    let account = ServiceAccount::new(DRIFT).namespace(&namespace.name).automount(false);
    let account = stack.add("account", account);

    let own = stack.own_policy("may-look", Purpose::Drift);
    let (role, identity) = pod_identity_in(stack, platform, DRIFT, DRIFT, own);
    let entry = stack.add("looks", looks(&platform.cluster, &role.arn));
    let topics = config.notify.iter().filter_map(|target| target.strip_prefix("sns:"));
    let topics: Vec<_> = topics.map(Arn::trusted).collect();
    if !topics.is_empty() {
        let tell = Statement::allow().sid("Tell").actions(["sns:Publish"]).resources(topics);
        let policy = Document::new().statement(tell);
        stack.add("tell", infra_aws::iam::RolePolicy::new(&role.name, policy));
    }

    let name = stack.name().to_owned();
    let mut args = vec!["drift".to_owned(), "--stack".to_owned(), name, "--json".to_owned()];
    args.extend(config.notify.iter().flat_map(|to| ["--notify".to_owned(), to.clone()]));
    let container = Container::new(DRIFT, image)
        .args(args)
        .env("AWS_REGION", &platform.region)
        // What it keeps of itself goes with the pod.
        .env("HOME", "/tmp")
        .requests("50m", "128Mi")
        .memory_limit("512Mi")
        .mount("scratch", "/tmp")
        .restricted();
    let pod = Pod::new()
        .user(USER)
        .service_account(&account.name)
        .set("spec.automountServiceAccountToken", false)
        .volume(Volume::empty("scratch"))
        .container(container);
    // Drift makes a job fail, and is no reason to look again at once: the next one comes by the clock.
    let job = CronJob::new(DRIFT, &config.every, pod)
        .namespace(&namespace.name)
        .one_at_a_time()
        .retries(0)
        .keep(3, 3)
        .set("spec.jobTemplate.spec.activeDeadlineSeconds", 600);
    let job = stack.add("job", job.depends_on((&identity, &entry)));
    let policy = NetworkPolicy::new(DRIFT)
        .namespace(&namespace.name)
        .resolving()
        // AWS and the API of the cluster, inside the network or outside of it.
        .outgoing([Peer::cidr("0.0.0.0/0")], [443])
        // The agent that gives pods their identity, on their own node.
        .outgoing([Peer::cidr("169.254.170.23/32")], [80]);
    stack.add("network", policy);
    Some(job)
}
