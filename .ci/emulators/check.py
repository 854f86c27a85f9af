"""One emulator: qledger-ha makes its stack there, the aws CLI and the API of Kubernetes show what the program says, and
nothing is left of it.

usage: check.py moto|simulate|ministack PROGRAM

Services that an emulator does not have, or has too roughly to give back what it was told, are at `simulate`, the
program's own embedded AWS over HTTP, and so is Kubernetes. Which ones, and why, is in emulated.py.
"""

import json
import pathlib
import shutil
import sys
import tempfile
import time
import urllib.parse

import application
from aws_cli import aws, everything
from emulated import Stack, emulating

# What the stack cannot bring back.
DATA = [
    "aws:kms:Key::key/key",
    "aws:kms:ReplicaKey::recovery/key",
    "aws:rds:AutomatedBackupReplication::recovery/backups",
    "aws:rds:Instance::database/instance",
    "aws:route53:HostedZone::entry/zone",
]

# The program's status where a plan has something to do, and where it will not do it unasked.
CHANGES, REFUSED = 2, 3
STACK = "qledger-ha/dev"


def same(what, found, expected):
    assert found == expected, f"{what}: the aws CLI shows {found}, the program says {expected}"


def same_objects(before, now, records):
    """What came since `before` is what the stack has: no object less, none more."""
    stack = {}
    for record in records:
        if record.get("id") and not record["urn"].startswith("kubernetes:"):
            stack.setdefault(record["urn"].split("::")[0], set()).add(record["id"])
    # Proof that another resource is there, and a value that no cloud has.
    for kind in ["aws:acm:CertificateValidation", "core:Secret"]:
        stack.pop(kind, None)
    came = {}
    for kind, ids in now.items():
        if (ids := ids - before.get(kind, set())) and not kind.startswith("("):
            came[kind] = ids
    for kind in sorted(came.keys() | stack.keys()):
        same(kind, came.get(kind, set()), stack.get(kind, set()))
    return sum(map(len, came.values()))


def outputs_of(stack):
    return json.loads(stack.run("outputs", "--json"))["outputs"]


def same_facts(stack):
    """What the program exports and what its source promises, asked of each service."""
    outputs = outputs_of(stack)
    records = {record["urn"]: record for record in stack.records()}

    vpc = records["aws:ec2:Vpc::network/vpc"]["id"]
    found = aws("ec2 describe-vpcs --filters", f"Name=tag:infra:stack,Values={STACK}")["Vpcs"]
    same("VPCs", [(it["VpcId"], it["CidrBlock"]) for it in found], [(vpc, "10.10.0.0/16")])
    found = aws("ec2 describe-subnets --filters", f"Name=vpc-id,Values={vpc}")["Subnets"]
    zones = sorted(it["AvailabilityZone"] for it in found)
    same("zones of subnets", zones, [f"eu-west-1{zone}" for zone in "aaabbbccc"])
    found = aws("ec2 describe-tags --filters Name=key,Values=infra:urn")["Tags"]
    tagged = {it["ResourceId"]: it["Value"] for it in found}
    for urn in ["Vpc::network/vpc", "Subnet::network/data-a", "SecurityGroup::network/nodes"]:
        urn = f"aws:ec2:{urn}"
        same("owner tag", tagged.get(records[urn]["id"]), urn)

    [database] = aws("rds describe-db-instances")["DBInstances"]
    endpoint = database["Endpoint"]
    same("database", f"{endpoint['Address']}:{endpoint['Port']}", outputs["database"])
    key = records["aws:kms:Key::key/key"]["outputs"]["arn"]
    shape = ["Engine", "MultiAZ", "StorageEncrypted", "PubliclyAccessible", "KmsKeyId"]
    same("its shape", [database[it] for it in shape], ["postgres", True, True, False, key])
    groups = [it["VpcSecurityGroupId"] for it in database["VpcSecurityGroups"]]
    same("its groups", groups, [records["aws:ec2:SecurityGroup::network/database"]["id"]])

    [balancer] = aws("elbv2 describe-load-balancers")["LoadBalancers"]
    same("load balancer", balancer["Type"], "network")
    if "domain" in stack.settings:
        same("its scheme", balancer["Scheme"], "internet-facing")
        zone = records["aws:route53:HostedZone::entry/zone"]["id"]
        found = aws("route53 list-resource-record-sets --hosted-zone-id", zone)["ResourceRecordSets"]
        aliases = [it["AliasTarget"]["DNSName"].rstrip(".") for it in found if "AliasTarget" in it]
        same("alias", [name.removeprefix("dualstack.") for name in aliases], [balancer["DNSName"]])
    else:
        same("its scheme", balancer["Scheme"], "internal")
        same("url", f"http://{balancer['DNSName']}", outputs["url"])

    cluster = aws("eks describe-cluster --name", outputs["cluster"])["cluster"]
    same("cluster", cluster["endpoint"], outputs["cluster_endpoint"])
    same("its state", cluster["status"], "ACTIVE")
    [repository] = aws("ecr describe-repositories")["repositories"]
    same("repository", repository["repositoryUri"], outputs["repository"])

    def parameter(name):
        name = f"{outputs['parameters']}/{name}"
        found = aws("ssm get-parameter --with-decryption --name", name)["Parameter"]
        same(f"type of {name}", found["Type"], "SecureString")
        return found["Value"]

    token = stack.run("outputs", "token", "--show-secrets").strip()
    same("token", parameter("LEDGER_AUTH_TOKEN"), token)
    url = urllib.parse.urlsplit(parameter("DATABASE_URL"))
    same("host in the secret", f"{url.hostname}:{url.port}", outputs["database"].lower())


def check(stack, cluster, grown):
    clock = time.monotonic()

    def done(what):
        nonlocal clock
        print(f"   {what} ({time.monotonic() - clock:.1f} s)", flush=True)
        clock = time.monotonic()

    def both(before):
        """What the program says is so on both sides, and how much that is."""
        aws_before, kubernetes_before = before
        records = stack.records()
        there = same_objects(aws_before, everything(), records)
        inside = application.same_objects(cluster, kubernetes_before, records)
        same_facts(stack)
        application.same_facts(cluster, outputs_of(stack))
        return f"{there} objects in AWS and {inside} in Kubernetes"

    before = everything(), cluster.everything()
    stack.run("up", "--yes")
    done("up")
    stack.run("up", "--yes")
    stack.nothing_to_do()
    stack.run("up", "--yes", "--refresh")
    stack.nothing_to_do()
    done("the second up has nothing to do")
    count = both(before)
    done(f"the aws CLI and Kubernetes show what the program says, and nothing else: {count}")

    vpc = next(it["id"] for it in stack.records() if it["urn"] == "aws:ec2:Vpc::network/vpc")
    aws("ec2 create-tags --tags Key=team,Value=somebody --resources", vpc)
    stack.run("preview", "--refresh", "--exit-code", expect=CHANGES)
    stack.run("up", "--yes", "--refresh")
    stack.nothing_to_do()
    [found] = aws("ec2 describe-vpcs --vpc-ids", vpc)["Vpcs"]
    same("team", [it["Value"] for it in found["Tags"] if it["Key"] == "team"], ["ledger"])
    done("what somebody else changed in AWS is seen and put back")
    application.edited(stack, cluster, CHANGES)
    by = "kubectl" if cluster.kubectl else "calls like kubectl's, which is not installed"
    done(f"in Kubernetes too, but for what the program does not speak of (by {by})")

    application.rolled(stack, cluster)
    count = both(before)
    done(f"another image: a schema job of its own, new pods: {count}")

    stack.settings |= grown
    stack.run("up", "--yes")
    stack.nothing_to_do()
    count = both(before)
    done(f"grown by {', '.join(grown)}: {count}")

    # Folder and key file are two things: the state is lost, the key is not.
    remembered = {it["urn"]: it.get("id") for it in stack.records()}
    folder = pathlib.Path(stack.state.removeprefix("file:"))
    shutil.move(folder, folder.with_name("lost"))
    stack.run("up", "--yes", expect=REFUSED)
    stack.run("state", "rebuild", "--yes")
    stack.nothing_to_do()
    again = {it["urn"]: it.get("id") for it in stack.records()}
    secrets = {urn for urn in remembered if urn.startswith("core:Secret")}
    same("urns", again.keys(), remembered.keys())
    for urn in remembered.keys() - secrets:
        same(f"id of {urn}", again[urn], remembered[urn])
    both(before)
    done(f"the state removed: `state rebuild` finds all {len(again)} again, and nothing is to do")

    # What holds data goes only by name: an ordinary --yes is no agreement to lose it.
    stack.run("destroy", "--yes", expect=REFUSED)
    stack.nothing_to_do()
    here = set(stack.run("state", "list").split())
    stack.run("destroy", "--yes", *[f"--allow-data-loss={urn}" for urn in DATA if urn in here])
    same("state", stack.run("state", "list"), "")
    now = everything()
    for kind in sorted(before[0].keys() | now.keys()):
        same(f"left of {kind}", now.get(kind, set()), before[0].get(kind, set()))
    application.same("what is left", set(cluster.everything()), set(before[1]))
    done("destroy leaves nothing on either side")


def main(name, program):
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        with emulating(name, program, work) as emulator:
            stack = Stack(program, work, f"file:{work / 'state'}")
            check(stack, emulator["cluster"], emulator["grown"])


main(*sys.argv[1:])
