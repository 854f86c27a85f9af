//! A CronJob of Kubernetes.

use serde_json::Value as Json;

use super::{Every, File, Look};

/// The cluster that looks.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The image that has the program as its entry point.
    pub image: String,
    /// The namespace; that of the context where none is named.
    pub namespace: Option<String>,
    /// The service account, with the read-only role.
    pub service_account: String,
    /// How many pods share the stacks of a place; `None`: one pod looks at what it is told.
    pub shards: Option<u32>,
}

/// A CronJob; with shards its jobs are indexed.
pub fn cron_job(look: &Look, every: Every, cluster: &Cluster) -> Result<File, String> {
    let schedule = every.cron(&look.of)?;
    let name = &look.name;
    let namespace = cluster.namespace.as_ref();
    let namespace =
        namespace.map(|it| format!("  namespace: {}\n", scalar(it))).unwrap_or_default();
    let (indexed, arguments, variables) = match cluster.shards {
        None => (String::new(), look.arguments.clone(), String::new()),
        Some(shards) => {
            let more = ["--shard", "auto"].map(str::to_owned);
            let arguments = look.arguments.iter().cloned().chain(more).collect();
            (indexed(shards), arguments, variables(shards))
        }
    };
    let text = format!(
        "# Drift of {of}, every {span}. It looks and changes nothing.
apiVersion: batch/v1
kind: CronJob
metadata:
  name: {name}
{namespace}  labels:
    app.kubernetes.io/name: {name}
    app.kubernetes.io/component: drift
spec:
  schedule: {schedule}
  timeZone: Etc/UTC
  # A look that is still running is not joined by another.
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: {deadline}
  successfulJobsHistoryLimit: 3
  failedJobsHistoryLimit: 3
  jobTemplate:
    metadata:
      labels:
        app.kubernetes.io/name: {name}
    spec:
{indexed}      backoffLimit: {backoff}
      activeDeadlineSeconds: {active}
      ttlSecondsAfterFinished: 86400
      # Drift (2) is no accident: the job fails, and is not tried again.
      podFailurePolicy:
        rules:
          - action: FailJob
            onExitCodes:
              containerName: drift
              operator: In
              values: [2, 64]
          - action: Ignore
            onPodConditions:
              - type: DisruptionTarget
                status: \"True\"
{template}",
        of = look.of.replace('\n', " "),
        span = every.span(),
        schedule = scalar(&schedule),
        deadline = every.seconds().clamp(30, 3600),
        backoff = if cluster.shards.is_some() { 6 } else { 0 },
        active = (every.seconds() * 3).max(900),
        template = template(look, cluster, &arguments, &variables),
    );
    Ok(File { name: format!("{name}.yaml"), text })
}

/// The pod, as the restricted Pod Security Standard wants it.
fn template(look: &Look, cluster: &Cluster, arguments: &[String], variables: &str) -> String {
    let arguments = arguments.iter().map(|word| format!("                - {}\n", scalar(word)));
    format!(
        "      template:
        metadata:
          labels:
            app.kubernetes.io/name: {name}
        spec:
          restartPolicy: Never
          serviceAccountName: {account}
          automountServiceAccountToken: false
          securityContext:
            runAsNonRoot: true
            runAsUser: 65532
            runAsGroup: 65532
            fsGroup: 65532
            seccompProfile:
              type: RuntimeDefault
          containers:
            - name: drift
              image: {image}
              args:
{arguments}              env:
                - name: HOME
                  value: /tmp
{variables}              resources:
                requests:
                  cpu: 100m
                  memory: 128Mi
                limits:
                  memory: 512Mi
              securityContext:
                allowPrivilegeEscalation: false
                readOnlyRootFilesystem: true
                capabilities:
                  drop: [ALL]
              volumeMounts:
                - name: tmp
                  mountPath: /tmp
          volumes:
            - name: tmp
              emptyDir: {{}}
",
        name = look.name,
        account = scalar(&cluster.service_account),
        image = scalar(&cluster.image),
        arguments = arguments.collect::<Vec<_>>().concat(),
    )
}

fn indexed(shards: u32) -> String {
    format!(
        "      completionMode: Indexed\n      completions: {shards}\n      parallelism: {shards}\n"
    )
}

/// `JOB_COMPLETION_INDEX` comes by itself. How many there are and which run this is have to be said.
fn variables(shards: u32) -> String {
    format!(
        "                - name: JOB_COMPLETIONS
                  value: \"{shards}\"
                - name: INFRA_DRIFT_RUN
                  valueFrom:
                    fieldRef:
                      fieldPath: metadata.labels['batch.kubernetes.io/job-name']
"
    )
}

/// A text that YAML cannot take for anything else: JSON is YAML.
fn scalar(text: &str) -> String {
    Json::from(text).to_string()
}
