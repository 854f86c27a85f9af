"""What a Kubernetes API shows: everything that qledger-ha can make there, and what becomes of it."""

import json
import shutil
import subprocess
import urllib.error
import urllib.request

# It comes and goes by itself, and is nobody's.
FLEETING = {"Event", "Lease"}


class Cluster:
    """An API without TLS that takes any token, as `simulate` has it, and a kubeconfig that leads there."""

    def __init__(self, server, kubeconfig):
        self.server, self.kubeconfig = server, kubeconfig
        self.kubectl = shutil.which("kubectl")

    def call(self, path, method="GET", body=None):
        """The answer; `None` if there is no such thing."""
        headers = {"Authorization": "Bearer emulated", "Content-Type": "application/merge-patch+json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.server + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from error

    def kinds(self):
        """`(apiVersion, kind, plural, whether it is in a namespace)` of all that can be listed, each in one version."""
        groups = [it["preferredVersion"]["groupVersion"] for it in self.call("/apis")["groups"]]
        for version in ["v1", *groups]:
            for it in self.call(folder(version))["resources"]:
                if "list" in it["verbs"] and "/" not in it["name"]:
                    yield version, it["kind"], it["name"], it["namespaced"]

    def everything(self):
        """`{id: object}`, with the ids that the program's state has."""
        found = {}
        for version, kind, plural, namespaced in self.kinds():
            if kind in FLEETING:
                continue
            for it in self.call(f"{folder(version)}/{plural}")["items"]:
                place = [it["metadata"]["namespace"]] if namespaced else []
                found["/".join([version, kind, *place, it["metadata"]["name"]])] = it
        return found

    def path(self, id):
        """Where the object with an id of the state is."""
        for version, kind, plural, namespaced in self.kinds():
            if id.startswith(f"{version}/{kind}/"):
                *namespace, name = id.removeprefix(f"{version}/{kind}/").split("/")
                place = f"/namespaces/{namespace[0]}" if namespaced else ""
                return f"{folder(version)}{place}/{plural}/{name}"
        raise AssertionError(f"{id}: the API serves no such kind")

    def get(self, id):
        return self.call(self.path(id))

    def edit(self, id, change):
        """What somebody does by hand: `kubectl patch`, or the call that it makes where it is not installed."""
        if not self.kubectl:
            return self.call(f"{self.path(id)}?fieldManager=kubectl-patch", "PATCH", change)
        kind, namespace, name = id.split("/")[-3:]
        patch = ["patch", kind, name, f"--namespace={namespace}", "--type=merge", f"--patch={json.dumps(change)}"]
        cache = f"--cache-dir={self.kubeconfig.with_name('kube')}"
        command = [self.kubectl, f"--kubeconfig={self.kubeconfig}", cache, *patch]
        return subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)


def folder(version):
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def by_itself(id, found):
    """Whether Kubernetes made an object: a controller for one that is there, or whoever makes a namespace usable."""
    there = {it["metadata"]["uid"] for it in found.values()}
    owners = found[id]["metadata"].get("ownerReferences", [])
    if owners:
        return all(owner["uid"] in there for owner in owners)
    return id.startswith("v1/ServiceAccount/") and id.endswith("/default") or id.endswith("/kube-root-ca.crt")
