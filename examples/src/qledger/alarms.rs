//! What somebody must look at.

use infra_aws::{
    cloudwatch,
    cloudwatch::{Comparison, Metric, MissingData, Statistic},
    kms, sns,
};
use infra_core::prelude::*;

use super::{Cluster, Config, Database, Entry};

/// What somebody must look at, sent to one topic.
pub fn alarms(
    stack: &mut Stack,
    config: &Config,
    database: &Database,
    entry: &Entry,
    cluster: &Cluster,
    key: &Handle<kms::Key>,
) {
    let people = config.alarm_email.iter().map(|address| sns::Subscription {
        protocol: sns::Protocol::Email,
        endpoint: address.clone(),
    });
    let topic = sns::Topic::new().kms_key(&key.id).subscriptions(people.collect::<Vec<_>>());
    let topic = stack.add("topic", topic);
    let balancer = |metric: &str| {
        Metric::new("AWS/NetworkELB", metric).dimensions([
            ("LoadBalancer", &entry.balancer.full_name),
            ("TargetGroup", &entry.targets.full_name),
        ])
    };
    let database = |metric: &str| {
        Metric::new("AWS/RDS", metric)
            .dimensions([("DBInstanceIdentifier", &database.instance.identifier)])
            .period(300)
    };
    // From the agents of the observability add-on.
    let nodes = |metric: &str| {
        Metric::new("ContainerInsights", metric)
            .dimensions([("ClusterName", interpolate!("{}", &cluster.eks.name))])
    };
    let gibibyte = 1_073_741_824.0;
    for (name, about, metric, comparison, threshold) in [
        // As many as answer, at the worst moment. A node without a pod of the ledger is none of them, and no trouble: that is
        // why nobody counts those that do not answer.
        (
            "few-targets",
            "Fewer than two nodes answer",
            balancer("HealthyHostCount").statistic(Statistic::Minimum),
            Comparison::Less,
            2.0,
        ),
        (
            "database-cpu",
            "The database is busy",
            database("CPUUtilization"),
            Comparison::Greater,
            80.0,
        ),
        (
            "database-space",
            "The disk is nearly full",
            database("FreeStorageSpace").statistic(Statistic::Minimum),
            Comparison::Less,
            5.0 * gibibyte,
        ),
        (
            "database-memory",
            "Little memory is left",
            database("FreeableMemory").statistic(Statistic::Minimum),
            Comparison::Less,
            gibibyte / 8.0,
        ),
        // Of many nodes the one that is worst off: an average hides it.
        (
            "failed-nodes",
            "A node of the cluster has failed",
            nodes("cluster_failed_node_count").statistic(Statistic::Maximum),
            Comparison::Greater,
            0.0,
        ),
        (
            "node-cpu",
            "A node is busy",
            nodes("node_cpu_utilization").statistic(Statistic::Maximum),
            Comparison::Greater,
            80.0,
        ),
        (
            "node-memory",
            "A node has little memory left",
            nodes("node_memory_utilization").statistic(Statistic::Maximum),
            Comparison::Greater,
            85.0,
        ),
        (
            "node-disk",
            "The disk of a node is nearly full",
            nodes("node_filesystem_utilization").statistic(Statistic::Maximum),
            Comparison::Greater,
            85.0,
        ),
        // The ledger's pool has no limit, so the database's own is the one to watch.
        (
            "connections",
            "Many connections",
            database("DatabaseConnections").statistic(Statistic::Maximum),
            Comparison::Greater,
            80.0,
        ),
    ] {
        // A load balancer that counts no targets at all has none; what others do not say is told by `INSUFFICIENT_DATA`.
        let missing =
            if name == "few-targets" { MissingData::Breaching } else { MissingData::Missing };
        let alarm = cloudwatch::Alarm::new(metric, comparison, threshold)
            .description(about)
            .evaluation_periods(3)
            .missing_data(missing)
            .alarm_actions([&topic.arn])
            .ok_actions([&topic.arn]);
        stack.add(name, alarm);
    }
}
