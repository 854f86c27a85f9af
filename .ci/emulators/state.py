"""The state in S3 with its lock in DynamoDB, on moto: made, shared, lost and found again.

usage: state.py PROGRAM
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from aws_cli import aws
from emulated import Stack, emulating

BUCKET, TABLE = "infra-state", "infra-lock"
# Seconds: what a holder's beat is good for. The shortest that the address takes, so that this test does not wait long.
LEASE = 6
FAILED, REFUSED, LOCKED = 1, 3, 4


def same(what, found, expected):
    assert found == expected, f"{what}: {found}, not {expected}"


def holder():
    """The lease as it is in the table, if somebody has it."""
    items = aws("dynamodb scan --consistent-read --table-name", TABLE)["Items"]
    return next((it for it in items if "nonce" in it), None)


def begin(stack, *args):
    """A command that goes on in the background."""
    return subprocess.Popen(
        stack.command(*args), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True
    )


def until(what, true, patience=60):
    end = time.monotonic() + patience
    while not (found := true()):
        assert time.monotonic() < end, f"{what}: not within {patience} s"
        time.sleep(0.05)
    return found


def made(stack):
    """`bootstrap` makes what a state needs, and makes nothing twice."""
    refused = begin(stack, "preview")
    said = refused.communicate()[0]
    assert refused.returncode == FAILED and "bootstrap" in said, said
    stack.run("bootstrap", "--yes")

    versioning = aws("s3api get-bucket-versioning --bucket", BUCKET)
    same("versioning", versioning["Status"], "Enabled")
    blocked = aws("s3api get-public-access-block --bucket", BUCKET)["PublicAccessBlockConfiguration"]
    same("public access blocked", set(blocked.values()), {True})
    encryption = aws("s3api get-bucket-encryption --bucket", BUCKET)["ServerSideEncryptionConfiguration"]
    assert encryption["Rules"], encryption
    policy = aws("s3api get-bucket-policy --bucket", BUCKET)["Policy"]
    assert "aws:SecureTransport" in policy, policy
    rules = aws("s3api get-bucket-lifecycle-configuration --bucket", BUCKET)["Rules"]
    assert any("NoncurrentVersionExpiration" in rule for rule in rules), rules
    # That of marks without a version behind them expires no object.
    assert not any({"Days", "Date"} & set(rule.get("Expiration", {})) for rule in rules), rules
    table = aws("dynamodb describe-table --table-name", TABLE)["Table"]
    same("key", table["KeySchema"], [{"AttributeName": "LockID", "KeyType": "HASH"}])
    same("billing", table["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST")
    same("deletion protection", table["DeletionProtectionEnabled"], True)
    backups = aws("dynamodb describe-continuous-backups --table-name", TABLE)["ContinuousBackupsDescription"]
    same("recovery", backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"], "ENABLED")

    stack.run("bootstrap", "--yes")
    stack.run("state", "doctor")


def shared(stack):
    """Of two at once one works; the other says who has the lock, or waits for it."""
    first = begin(stack, "up", "--yes")
    lease = until("the first has the lock", holder)
    second = begin(stack, "up", "--yes")
    said = second.communicate()[0]
    same("the second", second.returncode, LOCKED)
    assert lease["nonce"]["S"] in said and f"process {first.pid}" in said and "since" in said, said
    third = begin(stack, "up", "--yes", "--lock-timeout", "5m")
    looking = begin(stack, "preview")
    said = looking.communicate()[0]
    assert "in progress" in said or first.poll() is not None, said
    for process in (first, third):
        said = process.communicate()[0]
        same(f"one that was let in ({said})", process.returncode, 0)
    same("the lock afterwards", holder(), None)


def taken_over(stack):
    """Who is killed holds the lock for a lease, no longer; the next one goes on from there."""
    stack.settings["team"] = "taken-over"
    killed = begin(stack, "up", "--yes")
    until("it has the lock", holder)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    start = time.monotonic()
    next_one = begin(stack, "up", "--yes", "--lock-timeout", "2m")
    nonce = holder()["nonce"]
    until("the lock is taken over", lambda: (it := holder()) and it["nonce"] != nonce)
    took = time.monotonic() - start
    # It watches for a lease, and it asks again every half second; the machine is busy too.
    assert took < LEASE + 5, f"taken over after {took:.1f} s"
    said = next_one.communicate()[0]
    same(f"the next ({said})", next_one.returncode, 0)
    stack.run("preview", "--exit-code")
    return took


def lost(stack):
    """The table is only the lock: without it everything can be read, and with a new one all goes on."""
    aws("dynamodb update-table --no-deletion-protection-enabled --table-name", TABLE)
    aws("dynamodb delete-table --table-name", TABLE)
    stack.run("outputs")
    stack.settings["team"] = "without-table"
    refused = begin(stack, "up", "--yes")
    said = refused.communicate()[0]
    assert refused.returncode == FAILED and "bootstrap" in said, said
    stack.run("bootstrap", "--yes")
    stack.run("up", "--yes")
    stack.run("preview", "--exit-code")


def terraforms(stack):
    """A table that Terraform locks with serves as well, and what Terraform has in it stays."""
    item = {"LockID": {"S": f"{BUCKET}/terraform.tfstate-md5"}, "Digest": {"S": "0123"}}
    aws("dynamodb put-item --table-name", TABLE, "--item", json.dumps(item))
    stack.settings["team"] = "beside-terraform"
    stack.run("up", "--yes")
    found = aws("dynamodb get-item --table-name", TABLE, "--key", json.dumps({"LockID": item["LockID"]}))
    same("Terraform's item", found["Item"], item)


def removed(stack):
    """Bucket contents and table are removed under a living stack: it is written again, and nothing has to be done."""
    before = {it["urn"]: it.get("id") for it in stack.records()}
    versions = aws("s3api list-object-versions --bucket", BUCKET)
    for kind in ["Versions", "DeleteMarkers"]:
        for it in versions.get(kind) or []:
            aws("s3api delete-object --bucket", BUCKET, "--key", it["Key"], "--version-id", it["VersionId"])
    aws("dynamodb update-table --no-deletion-protection-enabled --table-name", TABLE)
    aws("dynamodb delete-table --table-name", TABLE)
    stack.run("bootstrap", "--yes")
    # A second stack beside the living one is not made.
    stack.run("up", "--yes", expect=REFUSED)
    stack.run("state", "rebuild", "--yes")
    stack.nothing_to_do()
    after = {it["urn"]: it.get("id") for it in stack.records()}
    same("urns", after.keys(), before.keys())
    for urn in after:
        assert after[urn] == before[urn] or urn.startswith("core:Secret"), f"{urn}: {after[urn]}, not {before[urn]}"
    return len(after)


def counted():
    """Sixteen processes add to one counter; none of what they add is lost."""
    place = f"s3://{BUCKET}/counting?lock={TABLE}&region=eu-west-1"
    test = ["cargo", "test", "--quiet", "--workspace", "--test", "contention"]
    subprocess.run(test, env=os.environ | {"INFRA_STATE": place}, check=True)


def main(program):
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        with emulating("moto", program, work):
            clock = time.monotonic()

            def done(what):
                nonlocal clock
                print(f"   {what} ({time.monotonic() - clock:.1f} s)", flush=True)
                clock = time.monotonic()

            stack = Stack(program, work, f"s3://{BUCKET}/team?lock={TABLE}&region=eu-west-1&lease={LEASE}")
            made(stack)
            done("bootstrap makes bucket and table, once")
            shared(stack)
            done("two at once: one works, one is told who, one waits")
            took = taken_over(stack)
            done(f"kill -9 of the holder: taken over after {took:.1f} s of a lease of {LEASE} s")
            lost(stack)
            done("the table deleted: nothing is lost")
            terraforms(stack)
            done("beside Terraform's locks")
            count = removed(stack)
            done(f"bucket contents and table removed: {count} records are written again, and nothing is to do")
            counted()
            done("sixteen processes count together")


main(*sys.argv[1:])
