"""352 resources on moto: how many calls one look at all of them makes, beside a plan of Terraform over the same.

usage: bulk.py PROGRAM        where PROGRAM is the example `many`

Without Terraform, or without its provider in $TF_PLUGINS (/opt/tf-plugins), only the calls are counted.
"""

import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from emulated import moto

# How many calls a look may make, and how many times faster than Terraform it has to be.
CALLS, TIMES = 60, 5
PLUGINS = pathlib.Path(os.environ.get("TF_PLUGINS", "/opt/tf-plugins"))

# The same for Terraform. It reads with as many at once as it is told.
TERRAFORM = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  endpoints {
    ec2 = "%(endpoint)s"
    iam = "%(endpoint)s"
    ssm = "%(endpoint)s"
    sts = "%(endpoint)s"
  }
}
resource "aws_vpc" "vpc" {
  cidr_block = "10.1.0.0/16"
}
resource "aws_subnet" "subnet" {
  count             = 100
  vpc_id            = aws_vpc.vpc.id
  cidr_block        = cidrsubnet("10.1.0.0/16", 8, count.index)
  availability_zone = "eu-west-1a"
}
resource "aws_iam_role" "role" {
  count = 100
  name  = "terraform-${count.index}"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
}
resource "aws_ssm_parameter" "parameter" {
  count = 100
  name  = "/terraform/${count.index}"
  type  = "String"
  value = "value ${count.index}"
}
resource "aws_security_group" "group" {
  vpc_id      = aws_vpc.vpc.id
  description = "many rules"
}
resource "aws_security_group_rule" "rule" {
  count             = 50
  type              = "ingress"
  security_group_id = aws_security_group.group.id
  protocol          = "tcp"
  from_port         = 8000 + count.index
  to_port           = 8000 + count.index
  cidr_blocks       = ["10.1.0.0/16"]
}
"""


class Counted:
    """What was called in the block, and how long it took."""

    def __init__(self, log):
        self.log = log

    def __enter__(self):
        self.log.write_text("")
        self.started = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.started
        self.calls = collections.Counter(self.log.read_text().split("\n"))
        self.calls.pop("", None)

    def total(self):
        return sum(self.calls.values())

    def told(self):
        return ", ".join(f"{count} {call}" for call, count in self.calls.most_common())


def run(*command, expect=0, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=580, stdin=subprocess.DEVNULL, **options)
    said = f"{command}: exit {done.returncode}, not {expect}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == expect, said
    return done.stdout


def ours(program, work, log):
    def many(*args, expect=0):
        return run(program, *args, "--stack=dev", "--cloud=aws", f"--state=file:{work / 'state'}", "--no-color", expect=expect)

    many("up", "--yes")
    records = json.loads(many("state", "pull"))["records"]
    made = [it for it in records if it["urn"].startswith("aws:") and it.get("id")]
    assert len(made) == 352, f"{len(made)} resources"
    best = None
    for _ in range(3):
        with Counted(log) as look:
            report = json.loads(many("drift", "--json"))
        [report] = report["reports"]
        assert report["checked"] >= 352 and not report["findings"] and not report.get("unchecked"), report
        assert sum(report["calls"].values()) == look.total(), (report["calls"], look.calls)
        best = look if best is None or look.seconds < best.seconds else best
    print(f"   drift of 352 resources: {best.total()} calls in {best.seconds:.2f} s: {best.told()}", flush=True)
    assert best.total() <= CALLS, f"expected at most {CALLS} calls"
    # What somebody changes is found in as many, and the few more that make sure.
    subnet = next(it["id"] for it in records if it["urn"] == "aws:ec2:Subnet::subnet-42")
    from aws_cli import aws, driver

    aws("ec2 modify-subnet-attribute --map-public-ip-on-launch --subnet-id", subnet)
    driver.cache_clear()
    aws("ssm put-parameter --overwrite --name /many/dev/7 --value by-hand")
    role = next(it["id"] for it in records if it["urn"] == "aws:iam:Role::role-13")
    aws("iam update-role --role-name", role, "--max-session-duration", "7200")
    with Counted(log) as look:
        report = json.loads(many("drift", "--json", expect=2))
    found = {it["urn"] for it in report["reports"][0]["findings"]}
    assert found == {"aws:ec2:Subnet::subnet-42", "aws:iam:Role::role-13", "aws:ssm:Parameter::parameter-7"}, found
    print(f"   and three changes among them: {look.total()} calls in {look.seconds:.2f} s", flush=True)
    return best


def terraform(work, endpoint, log):
    found = shutil.which("terraform")
    if not found or not PLUGINS.is_dir():
        print("   SKIPPED: the comparison; Terraform or its provider is not on this machine")
        return None
    work.mkdir()
    (work / "main.tf").write_text(TERRAFORM % {"endpoint": endpoint})
    chdir = f"-chdir={work}"
    run(found, chdir, "init", f"-plugin-dir={PLUGINS}", "-no-color")
    run(found, chdir, "apply", "-auto-approve", "-no-color", "-parallelism=100")
    best = None
    for _ in range(2):
        with Counted(log) as plan:
            run(found, chdir, "plan", "-detailed-exitcode", "-no-color", "-parallelism=100")
        best = plan if best is None or plan.seconds < best.seconds else best
    print(f"   terraform plan of the same: {best.total()} calls in {best.seconds:.2f} s", flush=True)
    return best


def main(program):
    print("-- moto, and what one look costs", flush=True)
    with tempfile.TemporaryDirectory() as folder, moto(pathlib.Path(folder)) as log:
        work = pathlib.Path(folder)
        look = ours(program, work, log)
        plan = terraform(work / "terraform", os.environ["AWS_ENDPOINT_URL"], log)
    if plan:
        times = plan.seconds / look.seconds
        print(f"   {plan.total() / look.total():.1f} times fewer calls, {times:.1f} times faster", flush=True)
        assert times >= TIMES, f"expected at least {TIMES} times faster"


main(*sys.argv[1:])
