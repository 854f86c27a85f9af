"""One emulator: qledger-ha makes its stack there, the aws CLI sees what the program says, and nothing is left of it.

usage: check.py moto|simulate|ministack PROGRAM

Services that an emulator does not have, or has too roughly to give back what it was told, are at `simulate`, the
program's own embedded AWS over HTTP. Which ones, and why, is in EMULATORS.
"""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

from aws_cli import aws, everything

# What the stack cannot bring back.
DATA = ["aws:kms:Key::key/key", "aws:rds:Instance::database/instance", "aws:route53:HostedZone::entry/zone"]

# The program's status where a plan has something to do, and where it will not do it unasked.
CHANGES, REFUSED = 2, 3

BESIDE = pathlib.Path(__file__).parent
BIN = pathlib.Path(sys.executable).parent
STACK = "qledger-ha/dev"

# All that the program can have beyond what `dev` has: it grows into that in place.
GROWN = {
    "nat": "per-zone",
    "interface_endpoints": "true",
    "alarm_email": "on-call@example.com",
    "bastion": "true",
    "domain": "ledger.example.com",
}

EMULATORS = {
    # EKS and its auto scaling groups: moto makes no group for a node group. CloudWatch: moto does not speak the CBOR
    # that the SDK does, and answers 404.
    "moto": {
        "server": lambda port: [sys.executable, BESIDE / "moto_server.py", "-H127.0.0.1", f"-p{port}"],
        "at_simulate": ["EKS", "AUTO_SCALING", "CLOUDWATCH"],
        "grown": GROWN,
    },
    # The embedded AWS alone, over HTTP instead of in the process.
    "simulate": {"server": None, "at_simulate": [], "grown": GROWN},
    # It forgets a NAT gateway's address, a flow log's destination, the key of a launch template's disk, a database's
    # managed password and log exports, a node group's template: EC2, RDS and EKS are elsewhere. It has neither the
    # public image parameters that a bastion needs nor DescribeListenerCertificates, which a domain needs.
    "ministack": {
        "server": lambda port: [BIN / "ministack"],
        "at_simulate": ["EKS", "AUTO_SCALING", "EC2", "RDS"],
        "grown": {name: GROWN[name] for name in ["nat", "interface_endpoints", "alarm_email"]},
    },
}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextlib.contextmanager
def serving(command, port, env, log):
    """A server, from when it listens until the block ends."""
    with open(log, "w") as output:
        server = subprocess.Popen(command, env=env, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    try:
        for _ in range(300):
            assert server.poll() is None, f"{command} ended:\n{log.read_text()}"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.1)
        else:
            raise TimeoutError(f"{command} does not listen on {port}:\n{log.read_text()}")
        yield
    except Exception:
        # What an emulator broke at says more than what the program makes of the answer.
        _, found, traceback = log.read_text().rpartition("Traceback")
        if found:
            print(f"-- {log.name}: Traceback{traceback}"[:5000])
        raise
    finally:
        server.kill()
        server.wait()


class Stack:
    """The program and its stack, with the settings that it has at the moment."""

    def __init__(self, program, state):
        self.program, self.state, self.settings = program, state, {}

    def run(self, *args, expect=0):
        settings = [f"--set={name}={value}" for name, value in self.settings.items()]
        place = ["--stack=dev", "--cloud=aws", f"--state=file:{self.state}", "--no-color"]
        command = [self.program, *args, *settings, *place]
        # Killed, not asked to stop: whoever hangs may hang there too.
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
        said = f"{' '.join(args)}: exit {done.returncode}, not {expect}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == expect, said
        return done.stdout

    def nothing_to_do(self):
        """A plan after everything was read, not only what is remembered."""
        self.run("preview", "--refresh", "--exit-code")

    def records(self):
        return json.loads(self.run("state", "pull"))["records"]


def same(what, found, expected):
    assert found == expected, f"{what}: the aws CLI shows {found}, the program says {expected}"


def same_objects(before, now, records):
    """What came since `before` is what the stack has: no object less, none more."""
    stack = {}
    for record in records:
        if record.get("id"):
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


def same_facts(stack):
    """What the program exports and what its source promises, asked of each service."""
    outputs = json.loads(stack.run("outputs", "--json"))["outputs"]
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


def check(stack, grown):
    clock = time.monotonic()

    def done(what):
        nonlocal clock
        print(f"   {what} ({time.monotonic() - clock:.1f} s)", flush=True)
        clock = time.monotonic()

    before = everything()
    stack.run("up", "--yes")
    done("up")
    stack.nothing_to_do()
    stack.run("up", "--yes", "--refresh")
    stack.nothing_to_do()
    done("the second up has nothing to do")
    count = same_objects(before, everything(), stack.records())
    same_facts(stack)
    done(f"the aws CLI shows the {count} objects that the program says, and nothing else")

    vpc = next(it["id"] for it in stack.records() if it["urn"] == "aws:ec2:Vpc::network/vpc")
    aws("ec2 create-tags --tags Key=team,Value=somebody --resources", vpc)
    stack.run("preview", "--refresh", "--exit-code", expect=CHANGES)
    stack.run("up", "--yes", "--refresh")
    stack.nothing_to_do()
    [found] = aws("ec2 describe-vpcs --vpc-ids", vpc)["Vpcs"]
    same("team", [it["Value"] for it in found["Tags"] if it["Key"] == "team"], ["ledger"])
    done("what somebody else changed is seen and put back")

    stack.settings = grown
    stack.run("up", "--yes")
    stack.nothing_to_do()
    count = same_objects(before, everything(), stack.records())
    same_facts(stack)
    done(f"grown by {', '.join(grown)}: {count} objects")

    # What holds data goes only by name: an ordinary --yes is no agreement to lose it.
    stack.run("destroy", "--yes", expect=REFUSED)
    stack.nothing_to_do()
    here = set(stack.run("state", "list").split())
    stack.run("destroy", "--yes", *[f"--allow-data-loss={urn}" for urn in DATA if urn in here])
    same("state", stack.run("state", "list"), "")
    now = everything()
    for kind in sorted(before.keys() | now.keys()):
        same(f"left of {kind}", now.get(kind, set()), before.get(kind, set()))
    done("destroy leaves nothing")


def main(name, program):
    emulator = EMULATORS[name]
    simulated = ", ".join(emulator["at_simulate"])
    print(f"-- {name}" + (f", with {simulated} at simulate" if simulated else ""), flush=True)
    with tempfile.TemporaryDirectory() as work, contextlib.ExitStack() as servers:
        work = pathlib.Path(work)
        # Nothing of whoever runs this: no profile, no credentials, no endpoint that is real.
        for variable in list(os.environ):
            if variable.startswith("AWS_") or variable.lower().endswith("_proxy"):
                del os.environ[variable]
        os.environ |= {
            "AWS_ACCESS_KEY_ID": "123456789012",  # ministack takes the account from it
            "AWS_SECRET_ACCESS_KEY": "emulated",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "XDG_CONFIG_HOME": str(work / "config"),
        }
        port = free_port()
        place = [f"--listen=127.0.0.1:{port}", f"--state=file:{work / 'simulate'}"]
        command = [program, "simulate", *place]
        servers.enter_context(serving(command, port, os.environ, work / "simulate.log"))
        simulate = f"http://127.0.0.1:{port}"
        if emulator["server"]:
            port = free_port()
            env = os.environ | {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1"}
            servers.enter_context(serving(emulator["server"](port), port, env, work / f"{name}.log"))
        os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"
        os.environ |= {f"AWS_ENDPOINT_URL_{service}": simulate for service in emulator["at_simulate"]}
        check(Stack(program, work / "state"), emulator["grown"])


main(*sys.argv[1:])
