"""The ledger in Kubernetes: what the program says of it, asked of the API."""

import json
import time

from aws_cli import aws
from cluster import by_itself

LEDGER = "apps/v1/Deployment/qledger/qledger"
BUDGET = "policy/v1/PodDisruptionBudget/qledger/qledger"
POLICY = "networking.k8s.io/v1/NetworkPolicy/qledger/qledger"
SCHEMA = "kubernetes:batch:Job::app/ledger/schema"

# The image that comes after the one in the settings.
IMAGE = "sha256:" + "5ec0" * 16


def same(what, found, expected):
    assert found == expected, f"{what}: Kubernetes has {found}, the program says {expected}"


def same_objects(cluster, before, records):
    """What came since `before`, and was not made by Kubernetes itself, is what the stack has."""
    stack = {it["id"] for it in records if it["urn"].startswith("kubernetes:") and it.get("id")}
    for id in stack:
        assert cluster.get(id), f"{id} is in the state, and Kubernetes has none"
    now = cluster.everything()
    same("objects", {id for id in now.keys() - before.keys() if not by_itself(id, now)}, stack)
    return len(stack)


def same_facts(cluster, outputs):
    """What both sides must say alike for a request to reach the database."""
    ledger = cluster.get(LEDGER)
    now = cluster.everything()
    pods = serving(now)
    same("pods", (len(pods), ledger["status"]["availableReplicas"]), (3, 3))
    nodes = [now[f"v1/Node/{it['spec']['nodeName']}"] for it in pods]
    zones = sorted(it["metadata"]["labels"]["topology.kubernetes.io/zone"] for it in nodes)
    same("their zones", zones, [f"eu-west-1{zone}" for zone in "abc"])
    [container] = ledger["spec"]["template"]["spec"]["containers"]
    same("their image", container["image"].split("@")[0], outputs["repository"])

    [port] = now["v1/Service/qledger/qledger"]["spec"]["ports"]
    [targets] = aws("elbv2 describe-target-groups")["TargetGroups"]
    same("port of the nodes", port["nodePort"], targets["Port"])
    associations = aws("eks list-pod-identity-associations --cluster-name", outputs["cluster"])["associations"]
    for it in associations:
        # An add-on brings its service account itself, to nodes that are not here.
        if "ownerArn" not in it:
            account = f"v1/ServiceAccount/{it['namespace']}/{it['serviceAccount']}"
            assert account in now, f"{account}: EKS gives it an identity, and Kubernetes has none"


def serving(found):
    """The ledger's own pods, without those that are going."""
    pods = [it for id, it in found.items() if id.startswith("v1/Pod/qledger/")]
    ours = [it for it in pods if it["metadata"]["labels"].get("app") == "qledger"]
    return [it for it in ours if "deletionTimestamp" not in it["metadata"]]


def until_settled(cluster):
    end = time.monotonic() + 60
    while (it := cluster.get(LEDGER))["status"].get("availableReplicas") != it["spec"]["replicas"]:
        assert time.monotonic() < end, f"the ledger's pods: {it['status']}"
        time.sleep(0.1)


def edited(stack, cluster, changes):
    """What somebody did by hand is put back where the program speaks of it, and is theirs where it does not."""
    ledger, budget = cluster.get(LEDGER), cluster.get(BUDGET)
    theirs = {
        "metadata": {"annotations": {"somebody": "was here"}, "labels": {"team": "somebody"}},
        "spec": {"revisionHistoryLimit": 5},
    }
    cluster.edit(LEDGER, theirs)
    stack.nothing_to_do()

    cluster.edit(LEDGER, {"spec": {"replicas": ledger["spec"]["replicas"] + 1}})
    until_settled(cluster)
    stack.run("preview", "--refresh", "--exit-code", expect=changes)
    cluster.edit(BUDGET, {"spec": {"maxUnavailable": 3}})
    cluster.call(cluster.path(POLICY), "DELETE")
    stack.run("preview", "--refresh", "--exit-code", expect=changes)
    stack.run("up", "--yes", "--refresh")
    stack.nothing_to_do()

    now = cluster.get(LEDGER)
    same("replicas", now["spec"]["replicas"], ledger["spec"]["replicas"])
    same("budget", cluster.get(BUDGET)["spec"], budget["spec"])
    assert cluster.get(POLICY), "the network policy that somebody deleted is not there again"
    for part, fields in theirs.items():
        for field, value in fields.items():
            found = now[part][field]
            kept = value.items() <= found.items() if isinstance(value, dict) else value == found
            assert kept, f"{field}: somebody's {value} was taken away: {json.dumps(found)}"


def rolled(stack, cluster):
    """A new image: its schema first, by a job of its own, then new pods in place of all the old ones."""

    def schema():
        return next(it["id"] for it in stack.records() if it["urn"] == SCHEMA)

    old, pods = schema(), {it["metadata"]["name"] for it in serving(cluster.everything())}
    stack.settings["ledger.image"] = IMAGE
    stack.run("up", "--yes")
    stack.nothing_to_do()
    new = schema()
    assert new != old and cluster.get(old) is None, f"{old} is still there, beside {new}"
    [job] = cluster.get(new)["spec"]["template"]["spec"]["containers"]
    found = serving(cluster.everything())
    images = {it["image"] for pod in found for it in pod["spec"]["containers"]} | {job["image"]}
    same("images", {image.split("@")[1] for image in images}, {IMAGE})
    both = pods & {it["metadata"]["name"] for it in found}
    assert not both, f"{both} run on, with a template that is not any more"
    ended = cluster.get(new)["status"]["completionTime"]
    first = min(it["metadata"]["creationTimestamp"] for it in found)
    assert ended <= first, f"the first pod is of {first}, and its schema was made until {ended}"
