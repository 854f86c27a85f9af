"""`drift --watch` against moto while calls are throttled, fail and get no answer: it goes on, its memory does not grow, what
it tells is right, and it changes nothing.

usage: watch.py PROGRAM [SECONDS]

A minute in CI; an hour with 3600 (and INFRA_WATCH_EVERY=15), whose outages are longer than the patience of a read. Somebody
changes a tag by hand and changes it back, over and over.
"""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from aws_cli import aws
from emulated import Stack, emulating, free_port
from proxy import Proxy

EVERY = int(os.environ.get("INFRA_WATCH_EVERY", "3"))
# How long a read is tried again, in seconds.
PATIENCE = 120
# Each for a sixth of the time, and calm in between.
TROUBLES = {
    "throttles": {"throttle": 0.3},
    "failing servers": {"broken": 0.3, "silent": 0.1},
    "an outage": {"silent": 1.0},
}
# How much memory may grow after the first quarter: what an allocator keeps, not what looks leave behind.
GROWTH = 16 << 20


def metrics(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    found = {}
    for name, value in re.findall(r"^(\w+)(?:\{[^}]*\})? ([-+.\w]+)$", text, re.MULTILINE):
        found[name] = found.get(name, 0.0) + float(value)
    return found


def health(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def memory(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) << 10


def until(what, holds, seconds):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.5)


def looked(port, times=2):
    """Waits until whole looks have begun and ended since now."""
    def over():
        found = metrics(port)
        return found["infra_drift_looks_total"] - found["infra_drift_look_failures_total"]

    before = over()
    until("looks that went well", lambda: over() >= before + times, 120)


def main(program, seconds="60"):
    with tempfile.TemporaryDirectory() as folder, emulating("moto", program, pathlib.Path(folder)):
        work = pathlib.Path(folder)
        proxy = Proxy(urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"]).port)
        os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{proxy.port}"
        stack = Stack(program, work, f"file:{work / 'state'}")
        stack.run("up", "--yes")
        vpc = next(it["id"] for it in stack.records() if it["urn"] == "aws:ec2:Vpc::network/vpc")
        proxy.changing.clear()
        port = free_port()
        command = stack.command("drift", f"--watch={EVERY}s", f"--listen=127.0.0.1:{port}")
        log = work / "watch.log"
        with open(log, "w") as output:
            watch = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        try:
            watched(proxy, watch, port, vpc, float(seconds))
        except BaseException:
            print(log.read_text()[-2000:])
            raise
        finally:
            watch.kill()
        assert not proxy.changing, f"a watch changed something: {sorted(set(proxy.changing))}"
        stack.run("destroy", "--yes", *[f"--allow-data-loss={urn}" for urn in data(stack)])


def data(stack):
    return [it["urn"] for it in stack.records() if it.get("holds_data")]


def watched(proxy, watch, port, vpc, seconds):
    def is_up():
        assert watch.poll() is None, f"the watch ended with {watch.returncode}"
        try:
            return metrics(port)["infra_drift_looks_total"] >= 1
        except OSError:
            return False

    until("the first look", is_up, 120)
    assert metrics(port).get("infra_drift_findings", 0) == 0, "an untouched stack has no findings"
    assert health(port) == 200
    each = seconds / 6
    begin, warm, highest = time.monotonic(), None, 0
    while time.monotonic() < begin + seconds:
        for trouble, faults in TROUBLES.items():
            before = metrics(port)
            proxy.faults(**faults)
            # Longer than three intervals: then /healthz has to say that nothing is known any more.
            time.sleep(max(each, 4 * EVERY))
            assert watch.poll() is None, f"{trouble} ended the watch with {watch.returncode}"
            during = metrics(port)
            # What is shorter is waited out by the look that is under way.
            if trouble == "an outage" and each > PATIENCE:
                blind = during.get("infra_drift_unchecked", 0) > 100
                failed = during["infra_drift_look_failures_total"] > before["infra_drift_look_failures_total"]
                assert blind or failed, f"in an outage most is unchecked: {during}"
            proxy.faults()
            assert during["infra_drift_looks_total"] >= before["infra_drift_looks_total"], trouble
            looked(port)
            assert metrics(port).get("infra_drift_findings", 0) == 0, f"{trouble} are no drift"
            until(f"health after {trouble}", lambda: health(port) == 200, 60)
            # Calm: a change is seen, and so is that it is gone.
            aws(f"ec2 create-tags --resources {vpc} --tags Key=team,Value=somebody")
            looked(port)
            found = metrics(port).get("infra_drift_findings", 0)
            assert found == 1, f"a tag was changed by hand: {found} findings"
            aws(f"ec2 create-tags --resources {vpc} --tags Key=team,Value=ledger")
            looked(port)
            assert metrics(port).get("infra_drift_findings", 0) == 0, "and changed back"
            now = memory(watch)
            if warm is None and time.monotonic() > begin + seconds / 4:
                warm = now
            highest = max(highest, now if warm else 0)
    found = metrics(port)
    if warm:
        grown = highest - warm
        assert grown < GROWTH, f"memory grew by {grown >> 20} MiB, from {warm >> 20} MiB"
    watch.send_signal(signal.SIGTERM)
    status = watch.wait(timeout=15)
    assert status == 0, f"asked to stop, it ended with {status}"
    looks, failures = found["infra_drift_looks_total"], found["infra_drift_look_failures_total"]
    print(
        f"ok: {looks:.0f} looks in {time.monotonic() - begin:.0f} s, {failures:.0f} of them failed, {proxy.calls} calls, none "
        f"that changes anything, {(warm or highest) >> 20} MiB and then {highest >> 20} MiB at most"
    )


main(*sys.argv[1:])
