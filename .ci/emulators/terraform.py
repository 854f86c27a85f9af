"""A stack of Terraform's on moto: taken over with the program that is written, and given back.

usage: terraform.py PROGRAM        where PROGRAM is any program with the cloud `aws`: the example `hello-bucket`

`terraform/` is applied. `import --from-terraform` calls nothing that changes anything. What it writes is compiled; its
preview is empty, and an edit changes only that. `export --to-terraform` gives a configuration whose plan imports
everything and changes nothing in AWS. EKS is at `simulate`: moto does not tell who may enter a cluster. SKIPPED without Terraform, or without its provider in $TF_PLUGINS (/opt/tf-plugins).
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from emulated import BESIDE, free_port, serving

PLUGINS = pathlib.Path(os.environ.get("TF_PLUGINS", "/opt/tf-plugins"))
ROOT = BESIDE.parent.parent
LOOKING = ("Describe", "Get", "List", "Head", "GET:", "HEAD:", "BatchGet", "Lookup")
# Buckets have no host names here.
OVERRIDE = """
provider "aws" {
  s3_use_path_style = true
}
provider "aws" {
  alias             = "us"
  s3_use_path_style = true
}
"""
SECRETS = {"db_url": "postgres://db", "feature_flag_1": "on", "gr_e": "xl", "us": "there"}
# What no call tells, and Terraform notes for itself when it imports: nothing of it is sent to AWS.
NOTED = {"aws_secretsmanager_secret": {"force_overwrite_replica_secret", "recovery_window_in_days"}}


def run(*command, expect=0, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200, stdin=subprocess.DEVNULL, **options)
    said = f"{command}: exit {done.returncode}, not {expect}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == expect, said
    return done.stdout


def told(*command):
    """What a person is told: data goes to standard output, everything else does not."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def configured(folder, terraform):
    """The folder's configuration, with what an emulator needs."""
    (folder / "override.tf").write_text(OVERRIDE)
    run(terraform, f"-chdir={folder}", "init", f"-plugin-dir={PLUGINS}", "-no-color")


def compiled(programs):
    """Each text as a program: examples for a while, so that what is compiled already is used."""
    folder = ROOT / "examples" / "examples"
    assert not folder.exists(), f"{folder} is in the way: is another check running?"
    folder.mkdir()
    try:
        for name, text in programs.items():
            (folder / f"{name}.rs").write_text(text)
        wanted = [f"--example={name}" for name in programs]
        run("cargo", "build", "--workspace", "--quiet", *wanted, cwd=ROOT)
    finally:
        shutil.rmtree(folder)
    built = pathlib.Path(os.environ["CARGO_TARGET_DIR"]) / "debug" / "examples"
    return [built / name for name in programs]


def main(program):
    print("-- moto, and a stack of Terraform's", flush=True)
    terraform = shutil.which("terraform")
    if not terraform or not PLUGINS.is_dir():
        print("   SKIPPED: Terraform or its provider is not on this machine")
        return
    for variable in list(os.environ):
        if variable.startswith("AWS_") or variable.lower().endswith("_proxy"):
            del os.environ[variable]
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        port, log = free_port(), work / "calls"
        os.environ |= {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "XDG_CONFIG_HOME": str(work / "config"),
        }
        command = [sys.executable, BESIDE / "moto_server.py", "-H127.0.0.1", f"-p{port}"]
        eks = free_port()
        simulate = [program, "simulate", f"--listen=127.0.0.1:{eks}", f"--state=file:{work / 'simulate'}"]
        with (
            serving(command, [port], os.environ | {"CALLS": str(log)}, work / "moto.log"),
            serving(simulate, [eks], dict(os.environ), work / "simulate.log"),
        ):
            os.environ["AWS_ENDPOINT_URL_EKS"] = f"http://127.0.0.1:{eks}"
            there_and_back(program, terraform, work, log)


def there_and_back(program, terraform, work, log):
    source, state = work / "source", work / "source" / "terraform.tfstate"
    shutil.copytree(BESIDE / "terraform", source)
    configured(source, terraform)
    run(terraform, f"-chdir={source}", "apply", "-auto-approve", "-no-color")
    instances = [it for it in json.loads(state.read_text())["resources"] if it["mode"] == "managed"]
    print(f"   {sum(len(it['instances']) for it in instances)} instances of {len({it['type'] for it in instances})} types", flush=True)

    def ours(it, *args):
        return told(it, *args, "--stack=tf", "--cloud=aws", f"--state=file:{work / 'state'}", "--no-color")

    def changes():
        """What was called since the last time, apart from looks."""
        calls = [line.split(" ", 1)[1] for line in log.read_text().splitlines()]
        log.write_text("")
        return [it for it in calls if not it.startswith(LOOKING)]

    changes()
    text = work / "taken.rs"
    said = ours(program, "import", "--from-terraform", str(state), "--out", str(text), "--program", "taken")
    assert changes() == [], "an import changes nothing"
    # All but the key pair, which there is no kind for.
    assert re.findall(r"^  (\S+): there is no kind", said, re.M) == ["aws_key_pair.admin"], said
    # What a program cannot say all of is left to Terraform.
    assert re.findall(r"^  (\S+): .* has spot options", said, re.M) == ["aws_launch_template.spot"], said
    written = text.read_text()
    assert "Ports::icmp_type(8)" in written, written
    edit = written.replace(".retention_days(30)", ".retention_days(14)")
    assert edit != written, written
    taken, edited = compiled({"taken_over": written, "taken_over_and_edited": edit})
    print(f"   taken over; the program of {len(written.splitlines())} lines compiles", flush=True)
    preview = ours(taken, "preview")
    assert "Nothing to do" in preview, preview
    folder = work / "export"
    ours(taken, "export", "--to-terraform", str(folder))
    assert changes() == [], "a preview and an export change nothing"
    ours(edited, "up", "--yes")
    assert changes() == ["PutRetentionPolicy"], "an edit changes only that"
    ours(taken, "up", "--yes")

    configured(folder, terraform)
    for name in re.findall(r'variable "(\w+)"', (folder / "variables.tf").read_text()):
        [value] = [value for part, value in SECRETS.items() if part in name]
        os.environ[f"TF_VAR_{name}"] = value
    chdir = f"-chdir={folder}"
    run(terraform, chdir, "plan", "-no-color", "-out=plan")
    plan = json.loads(run(terraform, chdir, "show", "-json", "plan"))
    imported = 0
    for it in plan["resource_changes"]:
        change = it["change"]
        imported += "importing" in change
        before, after = change["before"] or {}, change["after"] or {}
        differs = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        noted = change["actions"] == ["update"] and differs <= NOTED.get(it["type"], set())
        values = {key: (before.get(key), after.get(key)) for key in differs}
        assert change["actions"] == ["no-op"] or noted, f"{it['address']}: {change['actions']} {values}"
    print(f"   given back: {imported} resources are imported, nothing changes", flush=True)


main(*sys.argv[1:])
