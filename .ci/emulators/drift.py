"""What people change by hand with the aws CLI is found, named and graded, and put right.

usage: drift.py moto|simulate PROGRAM

qledger-ha is made, and looked at ten times: nobody did anything, and nothing is reported. Then everything in `changes` is
done at once, and one look has to find exactly that. `--fix` repairs what can be repaired without making anything smaller or
deleting what nobody remembers; told to, it does that too. The next look finds nothing.
"""

import json
import pathlib
import sys
import tempfile
import time

from aws_cli import aws, driver
from emulated import Stack, emulating

# The program's status where something differs.
DRIFT = 2
LOOKS = 10

ATTACHMENT, INLINE, ROUTE = "aws:iam:PolicyAttachment", "aws:iam:RolePolicy", "aws:ec2:Route"
KEPT = "aws:logs:LogGroup::cluster/audit"
GROUP, RULE = "aws:ec2:SecurityGroup", "aws:ec2:SecurityGroupRule"
ADMIN = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
ANYBODY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}],
}


def changes(records, lineage):
    """`(what was done, resource or kind, what it is found to be, severity, field)`, each done when it is asked for."""
    of = {record["urn"]: record for record in records}
    id = {urn: record.get("id") for urn, record in of.items()}

    def inputs(urn):
        return of[urn]["inputs"]

    vpc = "aws:ec2:Vpc::network/vpc"
    aws("ec2 create-tags --tags Key=team,Value=somebody --resources", id[vpc])
    yield "a tag", vpc, "changed", "info", "tags.team"

    nodes = id[f"{GROUP}::network/nodes"]
    world = "--protocol tcp --port 22 --cidr 0.0.0.0/0"
    aws(f"ec2 authorize-security-group-ingress {world} --group-id", nodes)
    yield "SSH from everywhere", RULE, "orphan", "critical", None

    half = "IpProtocol=tcp,FromPort=5432,ToPort=5432,IpRanges=[{CidrIp=0.0.0.0/1}]"
    tagged = "ResourceType=security-group-rule,Tags=[{Key=Name,Value=tmp}]"
    opening = "ec2 authorize-security-group-ingress --ip-permissions"
    aws(opening, half, "--tag-specifications", tagged, "--group-id", nodes)
    yield "the database's port from half of the world, with a tag", RULE, "orphan", "critical", None

    colleague = "--protocol tcp --port 443 --cidr 203.0.113.9/32"
    aws(f"ec2 authorize-security-group-ingress {colleague} --group-id", nodes)
    yield "an address let in", RULE, "orphan", "medium", None

    entry = f"{RULE}::network/clients-to-entry"
    opened = f"SecurityGroupRuleId={id[entry]},SecurityGroupRule={{IpProtocol=tcp,FromPort=80,ToPort=80,CidrIpv4=0.0.0.0/0}}"
    aws("ec2 modify-security-group-rules --group-id", inputs(entry)["group_id"], "--security-group-rules", opened)
    yield "a rule for everybody", entry, "changed", "high", "source.cidr"

    database = f"{RULE}::network/nodes-to-database"
    revoked = f"ec2 revoke-security-group-ingress --security-group-rule-ids {id[database]} --group-id"
    aws(revoked, inputs(database)["group_id"])
    yield "a rule revoked", database, "deleted", "high", None

    route = "aws:ec2:Route::network/app-a-out"
    table = inputs(route)["route_table_id"]
    aws("ec2 delete-route --destination-cidr-block 0.0.0.0/0 --route-table-id", table)
    yield "a route deleted", route, "deleted", "high", None

    route = "aws:ec2:Route::network/app-b-out"
    internet = id["aws:ec2:InternetGateway::network/internet"]
    replaced = f"ec2 replace-route --destination-cidr-block 0.0.0.0/0 --gateway-id {internet} --route-table-id"
    aws(replaced, inputs(route)["route_table_id"])
    yield "a private subnet led to the internet", route, "changed", "high", "target"

    data = id["aws:ec2:RouteTable::network/data"]
    inserted = f"ec2 create-route --destination-cidr-block 0.0.0.0/0 --gateway-id {internet} --route-table-id"
    aws(inserted, data)
    yield "the database's subnets led to the internet", ROUTE, "orphan", "high", None

    subnet = "aws:ec2:Subnet::network/data-a"
    aws("ec2 modify-subnet-attribute --map-public-ip-on-launch --subnet-id", id[subnet])
    # The CLI looks for the options of this command in every later one.
    driver.cache_clear()
    yield "public addresses", subnet, "changed", "high", "map_public_ip_on_launch"

    token = "aws:ssm:Parameter::app/secrets/token"
    key = inputs(token)["kms_key"]
    put = f"ssm put-parameter --overwrite --type SecureString --key-id {key} --value changed-by-hand --name"
    aws(put, id[token])
    yield "a secret", token, "changed", "high", "value"

    policy = "aws:iam:RolePolicy::app/ledger/qledger"
    role, name = id[policy].split("|")
    put = f"iam put-role-policy --role-name {role} --policy-name {name} --policy-document"
    aws(put, json.dumps(ADMIN))
    yield "a policy that allows everything", policy, "changed", "critical", "policy"

    role = "aws:iam:Role::cluster/observability"
    aws(f"iam update-assume-role-policy --role-name {id[role]} --policy-document", json.dumps(ANYBODY))
    yield "a role for everybody", role, "changed", "critical", "assume_role_policy"

    attachment = "aws:iam:PolicyAttachment::cluster/node-AmazonSSMManagedInstanceCore"
    role, arn = id[attachment].split("|")
    aws(f"iam detach-role-policy --role-name {role} --policy-arn", arn)
    yield "a policy detached", attachment, "deleted", "high", None

    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    aws(f"iam attach-role-policy --role-name {role} --policy-arn", admin)
    yield "a policy attached", ATTACHMENT, "orphan", "critical", None

    put = f"iam put-role-policy --role-name {role} --policy-name by-hand --policy-document"
    aws(put, json.dumps(ADMIN))
    yield "a policy written into a role", INLINE, "orphan", "critical", None

    group = "aws:eks:NodeGroup::cluster/nodes-a"
    cluster, name = id[group].split("/")
    scaled = f"eks update-nodegroup-config --cluster-name {cluster} --nodegroup-name {name} --scaling-config"
    aws(scaled, "minSize=1,maxSize=4,desiredSize=2")
    yield "nodes", group, "changed", "medium", "scaling"

    instance = "aws:rds:Instance::database/instance"
    modified = "rds modify-db-instance --publicly-accessible --apply-immediately --db-instance-identifier"
    aws(modified, id[instance])
    yield "a public database", instance, "changed", "critical", "publicly_accessible"

    logs = "aws:logs:LogGroup::network/flows"
    aws("logs put-retention-policy --retention-in-days 1 --log-group-name", id[logs])
    yield "logs that are gone tomorrow", logs, "changed", "high", "retention_days"

    aws("logs put-retention-policy --retention-in-days 3653 --log-group-name", id[KEPT])
    yield "logs that are kept for ten years", KEPT, "changed", "medium", "retention_days"

    key = "aws:kms:Key::key/key"
    aws("kms disable-key-rotation --key-id", id[key])
    yield "a key that gets old", key, "changed", "high", "rotation"

    repository = "aws:ecr:Repository::image/repository"
    mutable = "ecr put-image-tag-mutability --image-tag-mutability MUTABLE --repository-name"
    aws(mutable, id[repository])
    yield "images that may be exchanged", repository, "changed", "high", "tag_mutability"

    role = "aws:iam:Role::app/ledger/qledger"
    aws("iam update-role --max-session-duration 43200 --role-name", id[role])
    yield "long sessions", role, "changed", "medium", "max_session_duration"

    tags = {
        "infra:stack": "qledger-ha/dev",
        "infra:lineage": lineage,
        "infra:urn": f"{GROUP}::network/forgotten",
        "infra:instance": "0123456789abcdef",
    }
    tags = ",".join(f"{{Key={name},Value={value}}}" for name, value in tags.items())
    tags = f"ResourceType=security-group,Tags=[{tags}]"
    create = f"ec2 create-security-group --group-name forgotten --description forgotten --vpc-id {id[vpc]}"
    forgotten = aws(create, "--tag-specifications", tags)["GroupId"]
    # A new group lets everything out.
    out = "ec2 revoke-security-group-egress --protocol all --cidr 0.0.0.0/0 --group-id"
    aws(out, forgotten)
    yield "a group that nobody remembers", GROUP, "orphan", "low", None


def looked(stack, *args, expect):
    document = json.loads(stack.run("drift", "--json", *args, expect=expect))
    [report] = document["reports"]
    assert not report.get("unchecked") and not report.get("failed"), report
    return report


def named(finding):
    """A finding as a row of the table: one row a field."""
    who = finding.get("urn") or finding["kind"]
    fields = [(it["path"], it["severity"]) for it in finding.get("fields", [])]
    return [(who, finding["what"], severity, path) for path, severity in fields] or [
        (who, finding["what"], finding["severity"], None)
    ]


def same_findings(report, table):
    found = [row for finding in report["findings"] for row in named(finding)]
    for what, who, kind, severity, field in table:
        rows = [
            row
            for row in found
            if row[:3] == (who, kind, severity) and (row[3] or "").startswith(field or "")
        ]
        assert rows, f"{what}: expected {who} {kind} {severity} {field}, found {found}"
        # Orphans look alike; of one object several fields may have changed.
        for row in rows if field else rows[:1]:
            found.remove(row)
        print(f"      {severity:8} {kind:8} {who}{' ' + rows[0][3] if rows[0][3] else ''}: {what}")
    # What one change brings with it in the same object.
    objects = {who for _, who, *_ in table}
    more = [row for row in found if row[0] not in objects]
    assert not more, f"found, and nobody did it: {more}"


def check(stack, name):
    clock = time.monotonic()

    def done(what):
        nonlocal clock
        print(f"   {what} ({time.monotonic() - clock:.1f} s)", flush=True)
        clock = time.monotonic()

    stack.run("up", "--yes")
    done("up")
    for _ in range(LOOKS):
        report = looked(stack, expect=0)
        assert not report["findings"], report["findings"]
    calls = sum(report["calls"].values())
    done(f"{LOOKS} looks at {report['checked']} objects find nothing, with {calls} calls each")

    state = json.loads(stack.run("state", "pull"))
    table = list(changes(state["records"], state["identity"]["lineage"]))
    done(f"{len(table)} changes by hand")
    report = looked(stack, expect=DRIFT)
    same_findings(report, table)
    severities = [finding["severity"] for finding in report["findings"]]
    order = ["critical", "high", "medium", "low", "info"]
    assert severities == sorted(severities, key=order.index), severities
    who = {finding["by"]["who"] for finding in report["findings"] if finding.get("by")}
    if name == "simulate":
        # What a policy does not allow follows from what somebody did.
        done_by_somebody = [it for it in report["findings"] if it["what"] != "violation"]
        unknown = [it.get("urn") for it in done_by_somebody if not it.get("by")]
        assert who == {"embedded"} and not unknown, (who, unknown)
    done("each is found, named and graded" + (f", and that it was {', '.join(who)}" if who else ""))

    stack.run("drift", "--fix", "--yes", expect=DRIFT)
    left = looked(stack, expect=DRIFT)
    rest = {(it.get("urn") or it["kind"], it["what"]) for it in left["findings"]}
    group = "aws:eks:NodeGroup::cluster/nodes-a"
    orphans = {(kind, "orphan") for kind in (RULE, GROUP, ATTACHMENT, INLINE, ROUTE)}
    assert rest == orphans | {(group, "changed"), (KEPT, "changed")}, left["findings"]
    repaired, kept = len(report["findings"]) - len(left["findings"]), len(left["findings"])
    done(f"--fix repairs {repaired}; what it leaves alone it names: {kept}")
    stack.run("drift", "--fix", "--yes", "--delete-orphans", "--allow-shrink")
    assert not looked(stack, expect=0)["findings"]
    stack.nothing_to_do()
    done("told to, it repairs these too, and the next look finds nothing")


def main(name, program):
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        with emulating(name, program, work):
            check(Stack(program, work, f"file:{work / 'state'}"), name)


main(*sys.argv[1:])
