"""Emulators of AWS: how each is started, and which of its services are better asked of `simulate`.

Kubernetes is always that of `simulate`: no emulator of AWS has an API behind the clusters that it makes.
"""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

from cluster import Cluster

BESIDE = pathlib.Path(__file__).parent
BIN = pathlib.Path(sys.executable).parent
SETTINGS = BESIDE.parent.parent / "examples" / "qledger-ha.toml"

# All that the program can have beyond what `dev` has: it grows into that in place.
GROWN = {
    "nat": "per-zone",
    "interface_endpoints": "true",
    "alarm_email": "on-call@example.com",
    "bastion": "true",
    "domain": "ledger.example.com",
    "ledger.prometheus": "true",
    "callers": '["arn:aws:iam::123456789012:root"]',
    "operators": '["arn:aws:iam::123456789012:root"]',
    "dr_region": "eu-central-1",
}

EMULATORS = {
    # EKS and its auto scaling groups: moto makes no group for a node group. CloudWatch: moto does not speak the CBOR
    # that the SDK does, and answers 404. It has no operation that copies a database's backups to another region, and
    # everything else of RDS: the second region is tried at the others.
    "moto": {
        "server": lambda port: [sys.executable, BESIDE / "moto_server.py", "-H127.0.0.1", f"-p{port}"],
        "at_simulate": ["EKS", "AUTO_SCALING", "CLOUDWATCH"],
        "grown": {name: GROWN[name] for name in GROWN if name != "dr_region"},
    },
    # The embedded AWS alone, over HTTP instead of in the process.
    "simulate": {"server": None, "at_simulate": [], "grown": GROWN},
    # It forgets a NAT gateway's address, a flow log's destination, the key of a launch template's disk, a database's
    # managed password and log exports, a node group's template: EC2, RDS and EKS are elsewhere. It has neither the
    # public image parameters that a bastion needs nor DescribeListenerCertificates, which a domain needs.
    "ministack": {
        "server": lambda port: [BIN / "ministack"],
        "at_simulate": ["EKS", "AUTO_SCALING", "EC2", "RDS"],
        "grown": {name: GROWN[name] for name in GROWN if name not in ["bastion", "domain"]},
    },
}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


@contextlib.contextmanager
def serving(command, ports, env, log):
    """A server, from when it listens on all of its ports until the block ends."""
    with open(log, "w") as output:
        server = subprocess.Popen(command, env=env, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    try:
        for _ in range(300):
            assert server.poll() is None, f"{command} ended:\n{log.read_text()}"
            if all(map(listens, ports)):
                break
            time.sleep(0.1)
        else:
            raise TimeoutError(f"{command} does not listen on {ports}:\n{log.read_text()}")
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


def nothing_of_the_host(work):
    """Nothing of whoever runs this: no profile, no credentials, no endpoint that is real."""
    for variable in list(os.environ):
        if variable.startswith(("AWS_", "KUBE")) or variable.lower().endswith("_proxy"):
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


@contextlib.contextmanager
def moto(work):
    """moto and nothing beside it. Gives the file with a line for each call."""
    nothing_of_the_host(work)
    port, log = free_port(), work / "calls"
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"
    command = [sys.executable, BESIDE / "moto_server.py", "-H127.0.0.1", f"-p{port}"]
    with serving(command, [port], os.environ | {"CALLS": str(log)}, work / "moto.log"):
        yield log


@contextlib.contextmanager
def simulate(program, work):
    """The embedded AWS over HTTP and nothing beside it."""
    nothing_of_the_host(work)
    port = free_port()
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"
    command = [program, "simulate", f"--listen=127.0.0.1:{port}", f"--state=file:{work / 'simulate'}"]
    with serving(command, [port], os.environ, work / "simulate.log"):
        yield


@contextlib.contextmanager
def emulating(name, program, work):
    """The emulator runs, and the environment leads to it and to nothing else, until the block ends."""
    emulator = EMULATORS[name]
    simulated = ", ".join(emulator["at_simulate"])
    print(f"-- {name}" + (f", with {simulated} at simulate" if simulated else ""), flush=True)
    nothing_of_the_host(work)
    with contextlib.ExitStack() as servers:
        port, kubernetes = free_port(), free_port()
        place = [f"--listen=127.0.0.1:{port}", f"--kubernetes=127.0.0.1:{kubernetes}"]
        command = [program, "simulate", *place, f"--state=file:{work / 'simulate'}"]
        servers.enter_context(serving(command, [port, kubernetes], os.environ, work / "simulate.log"))
        simulate = f"http://127.0.0.1:{port}"
        if emulator["server"]:
            port = free_port()
            env = os.environ | {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1"}
            servers.enter_context(serving(emulator["server"](port), [port], env, work / f"{name}.log"))
        os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"
        os.environ |= {f"AWS_ENDPOINT_URL_{service}": simulate for service in emulator["at_simulate"]}
        kubernetes = f"http://127.0.0.1:{kubernetes}"
        yield emulator | {"cluster": Cluster(kubernetes, written(work, kubernetes))}


def written(work, kubernetes):
    """The program's settings, with all of the stack's connections to Kubernetes pointed at a kubeconfig beside them."""
    before, server, after = (BESIDE / "kubeconfig.yaml").read_text().rpartition("http://127.0.0.1:5557")
    assert server, "kubeconfig.yaml: expected the server of the README"
    kubeconfig = work / "kubeconfig.yaml"
    kubeconfig.write_text(before + kubernetes + after)
    before, stack, after = SETTINGS.read_text().partition("[stack.dev]\n")
    assert stack, f"{SETTINGS}: expected a line `[stack.dev]`"
    (work / SETTINGS.name).write_text(f'{before}{stack}kubernetes.kubeconfig = "{kubeconfig.name}"\n{after}')
    return kubeconfig


class Stack:
    """The program and its stack, with the settings that it has at the moment."""

    def __init__(self, program, work, state):
        self.program, self.config, self.state, self.settings = program, work / SETTINGS.name, state, {}

    def command(self, *args):
        settings = [f"--set={name}={value}" for name, value in self.settings.items()]
        place = ["--stack=dev", "--cloud=aws", f"--state={self.state}", f"--config={self.config}"]
        return [self.program, *args, *settings, *place, "--no-color"]

    def run(self, *args, expect=0):
        # Killed, not asked to stop: whoever hangs may hang there too.
        options = {"capture_output": True, "text": True, "timeout": 300, "stdin": subprocess.DEVNULL}
        done = subprocess.run(self.command(*args), **options)
        said = f"{' '.join(args)}: exit {done.returncode}, not {expect}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == expect, said
        return done.stdout

    def nothing_to_do(self):
        """A plan after everything was read, not only what is remembered."""
        self.run("preview", "--refresh", "--exit-code")

    def records(self):
        return json.loads(self.run("state", "pull"))["records"]
