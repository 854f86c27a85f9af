//! Prometheus and Grafana, with a probe of `/ping` from inside and through the load balancer.
//!
//! CloudWatch has the alarms that somebody is woken by; this is for looking. Its alerts are shown, in Prometheus and in
//! Grafana, and sent to nobody. It keeps what it has seen on the node's
//! disk, for as long as its pod lives: a history that must not be lost belongs into a managed Prometheus.

use infra_aws::policy::{Document, Statement};
use infra_core::prelude::*;
use infra_kubernetes::{
    ConfigMap, Container, Deployment, Namespace, NetworkPolicy, Object, Peer, Pod, Port, Probe,
    Secret, Service, ServiceAccount, Volume,
};

use super::{LEDGER, Platform, identity::pod_identity_in};

const NAMESPACE: &str = "monitoring";
const PROMETHEUS: &str = "prom/prometheus:v3.5.0";
const BLACKBOX: &str = "prom/blackbox-exporter:v0.27.0";
const GRAFANA: &str = "grafana/grafana:12.1.0";
/// The files are in `examples/qledger/monitoring`.
macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../../qledger/monitoring/", $name))
    };
}

/// Prometheus, its prober, and Grafana, reached by `kubectl port-forward`.
pub fn monitoring(stack: &mut Stack, platform: &Platform) {
    let namespace = Namespace::new(NAMESPACE).pod_security("restricted");
    let namespace = stack.add("namespace", namespace.depends_on(&platform.before_pods));
    blackbox(stack, &namespace);
    prometheus(stack, platform, &namespace);
    grafana(stack, platform, &namespace);
    // Each other, the ledger, the database, AWS; and nobody from outside.
    let policy = NetworkPolicy::new(NAMESPACE)
        .namespace(&namespace.name)
        .incoming([Peer::namespace(&namespace.name)], [])
        .resolving()
        .outgoing([Peer::namespace(&namespace.name), Peer::namespace(LEDGER)], [])
        .outgoing([Peer::cidr("0.0.0.0/0")], [80, 443, 5432])
        .outgoing([Peer::cidr("169.254.170.23/32")], [80]);
    stack.add("monitoring", policy);
}

/// A pod of somebody else's image that runs as nobody.
fn pod(user: i32, container: Container) -> Pod {
    Pod::new()
        .user(user)
        .set("spec.automountServiceAccountToken", false)
        .container(container.restricted())
}

fn serve(stack: &mut Stack, namespace: &Handle<Object>, name: &str, pod: Pod, port: i32) {
    let deployment = Deployment::new(name, pod).namespace(&namespace.name).replicas(1);
    let deployment = stack.add(name, deployment);
    let service = Service::new(name, &deployment.name, Port::new(port));
    stack.add(name, service.namespace(&namespace.name));
}

fn blackbox(stack: &mut Stack, namespace: &Handle<Object>) {
    let settings = ConfigMap::new("blackbox")
        .namespace(&namespace.name)
        .data("blackbox.yml", file!("blackbox.yml"));
    let settings = stack.add("blackbox", settings);
    let container = Container::new("blackbox", BLACKBOX)
        .args(["--config.file=/etc/blackbox/blackbox.yml"])
        .port("http", 9115)
        .requests("10m", "32Mi")
        .memory_limit("64Mi")
        .readiness(Probe::http("/-/healthy", 9115))
        .mount_read_only("settings", "/etc/blackbox");
    let pod = pod(65_534, container).volume(Volume::config_map("settings", &settings.name));
    serve(stack, namespace, "blackbox", rolled(pod, &[file!("blackbox.yml")]), 9115);
}

fn prometheus(stack: &mut Stack, platform: &Platform, namespace: &Handle<Object>) {
    let settings = ConfigMap::new("prometheus")
        .namespace(&namespace.name)
        .data("prometheus.yml", file!("prometheus.yml"))
        .data("alerts.yml", file!("alerts.yml"));
    let settings = stack.add("prometheus", settings);
    let inside = format!("http://{LEDGER}.{LEDGER}.svc/ping");
    let ping = interpolate!(
        r#"[{"targets": ["{}"], "labels": {"way": "service"}}, {"targets": ["{}/ping"], "labels": {"way": "entry"}}]"#,
        &inside,
        &platform.url
    );
    let database = interpolate!(
        r#"[{"targets": ["{}:{}"], "labels": {}}]"#,
        &platform.database,
        &platform.port,
        "{}"
    );
    let targets = ConfigMap::new("targets")
        .namespace(&namespace.name)
        .data("ping.json", ping)
        .data("database.json", database);
    let targets = stack.add("targets", targets);
    let container = Container::new("prometheus", PROMETHEUS)
        .args([
            "--config.file=/etc/prometheus/prometheus.yml",
            "--storage.tsdb.path=/prometheus",
            "--storage.tsdb.retention.time=7d",
        ])
        .port("http", 9090)
        .requests("100m", "256Mi")
        .memory_limit("512Mi")
        .readiness(Probe::http("/-/ready", 9090))
        .mount_read_only("settings", "/etc/prometheus")
        .mount_read_only("targets", "/etc/prometheus/targets")
        .mount("data", "/prometheus");
    let pod = pod(65_534, container)
        .volume(Volume::config_map("settings", &settings.name))
        .volume(Volume::config_map("targets", &targets.name))
        .volume(Volume::empty("data"));
    serve(
        stack,
        namespace,
        "prometheus",
        rolled(pod, &[file!("prometheus.yml"), file!("alerts.yml")]),
        9090,
    );
}

/// Grafana, which reads CloudWatch too. It may start some seconds before EKS gives its pod that identity, and after the password
/// was changed it still has the old one: `kubectl -n monitoring rollout restart deployment grafana` is for both.
fn grafana(stack: &mut Stack, platform: &Platform, namespace: &Handle<Object>) {
    let settings = ConfigMap::new("grafana")
        .namespace(&namespace.name)
        .data("datasources.yml", file!("grafana-datasources.yml"))
        .data("dashboards.yml", file!("grafana-dashboards.yml"))
        .data("qledger.json", file!("dashboard.json"));
    let settings = stack.add("grafana", settings);
    let password = stack.secret("grafana");
    let admin = Secret::new("grafana").namespace(&namespace.name).data("password", &password);
    let admin = stack.add("grafana", admin);
    // It reads CloudWatch, and nothing else.
    let read = Statement::allow()
        .sid("Metrics")
        .actions(["cloudwatch:GetMetricData", "cloudwatch:ListMetrics", "tag:GetResources"])
        .actions(["ec2:DescribeRegions"])
        .all_resources();
    let policy = Document::new().statement(read);
    let (_, identity) = pod_identity_in(stack, platform, NAMESPACE, "grafana", policy);
    let account = ServiceAccount::new("grafana").namespace(&namespace.name).automount(false);
    let account = stack.add("grafana", account);
    let container = Container::new("grafana", GRAFANA)
        .port("http", 3000)
        .env("AWS_REGION", &platform.region)
        .env("GF_ANALYTICS_REPORTING_ENABLED", "false")
        .env("GF_ANALYTICS_CHECK_FOR_UPDATES", "false")
        .env_from_secret("GF_SECURITY_ADMIN_PASSWORD", &admin.name, "password")
        .requests("50m", "128Mi")
        .memory_limit("256Mi")
        .readiness(Probe::http("/api/health", 3000));
    let files = [
        ("datasources.yml", "/etc/grafana/provisioning/datasources/datasources.yml"),
        ("dashboards.yml", "/etc/grafana/provisioning/dashboards/dashboards.yml"),
        ("qledger.json", "/var/lib/grafana/dashboards/qledger.json"),
    ];
    // One file of the map at each place, beside what is there.
    let container = files.iter().enumerate().fold(container, |container, (at, (file, path))| {
        let mount = format!("volumeMounts[{at}]");
        container
            .set(&format!("{mount}.name"), "settings")
            .set(&format!("{mount}.mountPath"), *path)
            .set(&format!("{mount}.subPath"), *file)
    });
    let container = container.mount("data", "/var/lib/grafana").mount("scratch", "/tmp");
    let pod = pod(472, container)
        .service_account(&account.name)
        .volume(Volume::config_map("settings", &settings.name))
        .volume(Volume::empty("data"))
        .volume(Volume::empty("scratch"));
    let pod = rolled(
        pod,
        &[
            file!("grafana-datasources.yml"),
            file!("grafana-dashboards.yml"),
            file!("dashboard.json"),
        ],
    );
    let deployment = Deployment::new("grafana", pod).namespace(&namespace.name).replicas(1);
    let deployment = stack.add("grafana", deployment.depends_on(&identity));
    let service = Service::new("grafana", &deployment.name, Port::new(80).target(3000));
    stack.add("grafana", service.namespace(&namespace.name));
    stack.export("grafana_password", &password);
}

/// New settings make new pods: what they read at start they do not read again. (Prometheus looks after its targets itself.)
fn rolled(pod: Pod, files: &[&str]) -> Pod {
    let sum =
        files.iter().flat_map(|file| file.bytes()).fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    pod.annotation("qledger/settings", format!("{sum:016x}"))
}
