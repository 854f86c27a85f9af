"""Many stacks in one bucket, looked at by a few processes: each stack once, one report, and memory that does not grow with the
stacks. They are at `simulate`, because moto takes seconds for a call when it has thousands of objects.

usage: fleet.py PROGRAM [STACKS [PROCESSES]]        where PROGRAM is the example `many`

Forty stacks in CI; 500 with 4 processes by hand.
"""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from aws_cli import aws, driver
from emulated import Stack, simulate

BUCKET, TABLE = "infra-state", "infra-lock"
DRIFT = 2
# How much more memory a process may take for ten times the stacks.
GROWTH = 16 << 20


class Small(Stack):
    """One of many stacks: its name is all in which it differs."""

    def __init__(self, program, name):
        super().__init__(program, pathlib.Path(), f"s3://{BUCKET}/fleet?lock={TABLE}&region=eu-west-1")
        self.name = name

    def command(self, *args):
        place = [f"--stack={self.name}", "--cloud=aws", f"--state={self.state}"]
        return [self.program, *args, "--set=of=1", *place, "--no-color"]


class Shard:
    """One process that looks at its share."""

    def __init__(self, stack, work, at, of, run):
        self.out, self.err = work / f"{run}-{at}.out", work / f"{run}-{at}.err"
        command = stack.command("drift", "--all-stacks", f"--shard={at}/{of}", f"--run={run}", "--json")
        with open(self.out, "w") as out, open(self.err, "w") as err:
            self.process = subprocess.Popen(command, stdout=out, stderr=err, stdin=subprocess.DEVNULL)

    def ended(self):
        """Its exit code, and how much memory it had at most."""
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        return self.process.returncode, used.ru_maxrss << 10


def make(program, names):
    def up(name):
        Small(program, name).run("up", "--yes")

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _ in pool.map(up, names):
            pass


def look(program, work, processes, run):
    """The report of all, how long it took, and the memory of the process that had most."""
    stack = Small(program, "nobody")
    begun = time.monotonic()
    shards = [Shard(stack, work, at, processes, run) for at in range(processes)]
    ended = [shard.ended() for shard in shards]
    seconds, memory = time.monotonic() - begun, max(memory for _, memory in ended)
    told = [shard for shard, (code, _) in zip(shards, ended) if code]
    said = [(code, shard.err.read_text()[-500:]) for shard, (code, _) in zip(shards, ended)]
    assert len(told) == 1, said
    reports = json.loads(told[0].out.read_text())["reports"]
    wrong = [report for report in reports if report.get("unchecked") or report.get("failed")]
    assert all(code in (0, DRIFT) for code, _ in ended), (said, wrong[:3])
    silent = [shard for shard in shards if shard not in told]
    assert not any(shard.out.read_text().strip() for shard in silent), "two processes told"
    return reports, seconds, memory


def shares(run, processes):
    """How many stacks each process looked at, as it left it in the bucket."""
    parts = []
    for at in range(processes):
        key = f"fleet/drift.runs/{run}/part-{at}-of-{processes}.json"
        with tempfile.NamedTemporaryFile() as file:
            aws(f"s3api get-object --bucket {BUCKET} --key {key}", file.name)
            parts.append(json.loads(pathlib.Path(file.name).read_text())["totals"]["stacks"])
    return parts


def main(program, stacks="40", processes="4"):
    stacks, processes = int(stacks), int(processes)
    names = [f"team-{at:03}" for at in range(stacks)]
    print(f"-- simulate, and {stacks} stacks", flush=True)
    few = names[: max(stacks // 10, processes)]
    with tempfile.TemporaryDirectory() as folder, simulate(program, pathlib.Path(folder)):
        work = pathlib.Path(folder)
        os.environ["INFRA_KEY_FILE"] = str(work / "key")
        Small(program, "nobody").run("bootstrap", "--yes")
        # The first makes the key of all.
        make(program, few[:1])
        make(program, few[1:])
        changed = {few[0]}
        aws(f"ssm put-parameter --overwrite --name /many/{few[0]}/0 --value by-hand")
        _, _, before = look(program, work, processes, "few")

        make(program, names[len(few) :])
        for name in names[::7]:
            driver.cache_clear()
            aws(f"ssm put-parameter --overwrite --name /many/{name}/0 --value by-hand")
            changed.add(name)
        reports, seconds, memory = look(program, work, processes, "all")
        found = sorted(report["stack"] for report in reports)
        assert found == sorted(f"many/{name}" for name in names), f"not each stack once: {found}"
        drifted = {report["stack"].removeprefix("many/") for report in reports if report["findings"]}
        assert drifted == changed, f"{drifted ^ changed}"
        parts = shares("all", processes)
        assert sum(parts) == stacks and all(parts), parts
        print(
            f"   {stacks} stacks, {processes} processes with {parts}: each stack once, {len(drifted)} of them drifted, one report "
            f"in {seconds:.0f} s; {memory >> 20} MiB at most, and {before >> 20} MiB with {len(few)} stacks",
            flush=True,
        )
        assert memory - before < GROWTH, "memory grows with the stacks"


main(*sys.argv[1:])
