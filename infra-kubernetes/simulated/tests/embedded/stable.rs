//! Every kind: what is applied twice, or written back as it was read, stays as it is.

use serde_json::{Value, json};

use crate::api::{Api, deployment, job};

/// Objects of many kinds, said in more than one way.
#[expect(clippy::too_many_lines, reason = "a list")]
fn objects() -> Vec<(&'static str, Value)> {
    let pod = json!({
        "serviceAccountName": "runner", "automountServiceAccountToken": false, "hostNetwork": false,
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "imagePullSecrets": [{"name": "registry"}],
        "initContainers": [{"name": "init", "image": "tool:1", "command": ["true"]}],
        "containers": [{
            "name": "app", "image": "app@sha256:0000000000000000000000000000000000000000000000000000000000000000",
            "ports": [{"name": "http", "containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}],
            "env": [
                {"name": "A", "value": ""}, {"name": "B", "value": "1"},
                {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "D", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": true}}},
            ],
            "envFrom": [{"configMapRef": {"name": "env", "optional": true}}],
            "resources": {"requests": {"cpu": "0.1", "memory": "131072Ki"}, "limits": {"memory": "1Gi"}},
            "readinessProbe": {"httpGet": {"port": "http"}, "initialDelaySeconds": 0},
            "livenessProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 5},
            "lifecycle": {"preStop": {"exec": {"command": ["sleep", "1"]}}},
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, {"name": "conf", "mountPath": "/conf", "readOnly": true}],
        }],
        "volumes": [
            {"name": "tmp", "emptyDir": {}}, {"name": "conf", "configMap": {"name": "env", "optional": true}},
            {"name": "all", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}},
        ],
        "topologySpreadConstraints": [{
            "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"app": "web"}},
        }],
        "tolerations": [{"key": "spot", "operator": "Exists"}],
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{
            "weight": 1, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}},
        }]}},
    });
    let mut web = deployment("web", 1);
    web["spec"]["template"]["spec"] = pod;
    web["metadata"]["annotations"] = json!({"x.io/note": ""});
    let mut set = deployment("db", 1);
    set["kind"] = json!("StatefulSet");
    set["spec"]["serviceName"] = json!("db");
    set["spec"]["volumeClaimTemplates"] = json!([{
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}},
    }]);
    let mut daemon = deployment("agent", 1);
    daemon["kind"] = json!("DaemonSet");
    daemon["spec"].as_object_mut().unwrap().remove("replicas");
    let rbac = "rbac.authorization.k8s.io";
    vec![
        (
            "/api/v1/namespaces/t/serviceaccounts",
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "runner", "annotations": {"eks.amazonaws.com/role-arn": "arn"}}}),
        ),
        (
            "/api/v1/namespaces/t/secrets",
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": "v"}, "data": {"b": "Yg=="}}),
        ),
        (
            "/api/v1/namespaces/t/configmaps",
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "env", "labels": {}}, "data": {"k": "", "j": "1"}, "binaryData": {"b": "Yg=="}}),
        ),
        ("/apis/apps/v1/namespaces/t/deployments", web),
        ("/apis/apps/v1/namespaces/t/statefulsets", set),
        ("/apis/apps/v1/namespaces/t/daemonsets", daemon),
        ("/apis/batch/v1/namespaces/t/jobs", job("once")),
        (
            "/apis/batch/v1/namespaces/t/cronjobs",
            json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "tick"}, "spec": {"schedule": "0 3 * * *", "timeZone": "Etc/UTC", "jobTemplate": {"spec": job("x")["spec"]}}}),
        ),
        (
            "/api/v1/namespaces/t/services",
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}, {"name": "dns", "port": 53, "protocol": "UDP"}]}}),
        ),
        (
            "/api/v1/namespaces/t/services",
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "headless"}, "spec": {"clusterIP": "None", "selector": {"app": "web"}, "ports": [{"port": 80}]}}),
        ),
        (
            "/api/v1/namespaces/t/services",
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "lb"}, "spec": {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "selector": {"app": "web"}, "ports": [{"port": 443}]}}),
        ),
        (
            "/api/v1/namespaces/t/services",
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "ext"}, "spec": {"type": "ExternalName", "externalName": "db.example.com"}}),
        ),
        (
            "/api/v1/namespaces/t/persistentvolumeclaims",
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "0.5Gi"}}}}),
        ),
        (
            "/apis/policy/v1/namespaces/t/poddisruptionbudgets",
            json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "p"}, "spec": {"maxUnavailable": "50%", "selector": {"matchLabels": {"app": "web"}}}}),
        ),
        (
            "/apis/networking.k8s.io/v1/namespaces/t/networkpolicies",
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "deny"}, "spec": {"podSelector": {}, "ingress": [], "egress": [{"ports": [{"port": 53, "protocol": "UDP"}]}]}}),
        ),
        (
            "/apis/networking.k8s.io/v1/namespaces/t/ingresses",
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"}, "spec": {"ingressClassName": "alb", "tls": [{"hosts": ["a.example.com"]}], "rules": [{"host": "a.example.com", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"name": "http"}}}}]}}]}}),
        ),
        (
            "/apis/networking.k8s.io/v1/ingressclasses",
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "alb"}, "spec": {"controller": "eks.amazonaws.com/alb"}}),
        ),
        (
            "/apis/autoscaling/v2/namespaces/t/horizontalpodautoscalers",
            json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"}, "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "maxReplicas": 3, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}, "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]}}),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/namespaces/t/roles",
            json!({"apiVersion": format!("{rbac}/v1"), "kind": "Role", "metadata": {"name": "r"}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/namespaces/t/rolebindings",
            json!({"apiVersion": format!("{rbac}/v1"), "kind": "RoleBinding", "metadata": {"name": "r"}, "roleRef": {"kind": "Role", "name": "r", "apiGroup": rbac}, "subjects": [{"kind": "ServiceAccount", "name": "runner", "namespace": "t"}, {"kind": "User", "name": "u"}]}),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            json!({"apiVersion": format!("{rbac}/v1"), "kind": "ClusterRole", "metadata": {"name": "system:x"}, "rules": []}),
        ),
        (
            "/apis/storage.k8s.io/v1/storageclasses",
            json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"}, "provisioner": "ebs.csi.aws.com", "parameters": {"type": "io2"}}),
        ),
        (
            "/apis/scheduling.k8s.io/v1/priorityclasses",
            json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 1000, "globalDefault": false}),
        ),
        (
            "/api/v1/namespaces/t/resourcequotas",
            json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"pods": "100", "count/secrets": 50}}}),
        ),
        (
            "/api/v1/namespaces/t/limitranges",
            json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"}, "spec": {"limits": [{"type": "Container", "default": {"memory": "0.5Gi"}}]}}),
        ),
        (
            "/apis/coordination.k8s.io/v1/namespaces/t/leases",
            json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l"}, "spec": {"holderIdentity": "x", "leaseDurationSeconds": 15}}),
        ),
        (
            "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
            json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "w"}, "webhooks": [{"name": "w.x.io", "sideEffects": "None", "admissionReviewVersions": ["v1"], "clientConfig": {"service": {"name": "w", "namespace": "t"}}, "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]}]}),
        ),
    ]
}

#[tokio::test]
async fn the_same_again_is_nothing_whatever_the_kind() {
    let api = Api::new().await;
    let all = objects();
    for (path, object) in &all {
        let path = format!("{path}/{}", object["metadata"]["name"].as_str().unwrap());
        let made = api.apply(&path, object).await;
        assert_eq!(made.status, 201, "{path}: {}", made.body);
    }
    let place = "/apis/apps/v1/namespaces/t";
    api.until(&format!("{place}/deployments/web"), |it| it["status"]["readyReplicas"] == 1).await;
    api.until(&format!("{place}/statefulsets/db"), |it| it["status"]["readyReplicas"] == 1).await;
    api.until(&format!("{place}/daemonsets/agent"), |it| it["status"]["numberReady"] == 3).await;
    api.until("/apis/batch/v1/namespaces/t/jobs/once", |it| it["status"]["succeeded"] == 1).await;
    api.until("/api/v1/namespaces/t/services/lb", |it| {
        it["status"]["loadBalancer"]["ingress"].is_array()
    })
    .await;
    for (path, object) in &all {
        let path = format!("{path}/{}", object["metadata"]["name"].as_str().unwrap());
        let live = api.get(&path).await.ok();
        let dry = api.apply_as("m1", &path, object, "&dryRun=All&force=true").await.ok();
        assert_eq!(dry, live, "{path}: dry run");
        let again = api.apply(&path, object).await.ok();
        assert_eq!(again, live, "{path}: applied again");
        let back = api.put(&path, &live).await.ok();
        assert_eq!(back, live, "{path}: written back");
        let nothing = api.merge(&path, &json!({})).await.ok();
        assert_eq!(nothing, live, "{path}: an empty patch");
    }
}
