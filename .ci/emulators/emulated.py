"""Emulators of AWS: how each is started, and which of its services are better asked of `simulate`."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

BESIDE = pathlib.Path(__file__).parent
BIN = pathlib.Path(sys.executable).parent

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


@contextlib.contextmanager
def emulating(name, program, work):
    """The emulator runs, and the environment leads to it and to nothing else, until the block ends."""
    emulator = EMULATORS[name]
    simulated = ", ".join(emulator["at_simulate"])
    print(f"-- {name}" + (f", with {simulated} at simulate" if simulated else ""), flush=True)
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
    with contextlib.ExitStack() as servers:
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
        yield emulator


class Stack:
    """The program and its stack, with the settings that it has at the moment."""

    def __init__(self, program, state, folder=None):
        self.program, self.state, self.folder, self.settings = program, state, folder, {}

    def command(self, *args):
        settings = [f"--set={name}={value}" for name, value in self.settings.items()]
        place = ["--stack=dev", "--cloud=aws", f"--state={self.state}", "--no-color"]
        return [self.program, *args, *settings, *place]

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
