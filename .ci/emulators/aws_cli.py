"""What the aws CLI shows of an account: everything that qledger-ha can make, by kind."""

import contextlib
import functools
import io
import json

# Where qledger-ha is, and where it has copies of its backups.
REGION, SECOND_REGION = "eu-west-1", "eu-central-1"


@functools.cache
def driver():
    # Not before the first call: it takes its endpoints from the environment, and leaves there where its own data is.
    from awscli.clidriver import create_clidriver

    return create_clidriver()


def aws(command, *more, region=REGION):
    """The answer to `aws COMMAND`, asked in this process: a process each would take a second."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        # Always said: the driver keeps the region that it was told last.
        status = driver().main([*command.split(), *more, "--region", region, "--output", "json"])
    assert status == 0, f"aws {command} {more}: exit {status}"
    return json.loads(out.getvalue() or "{}")


def everything():
    """`{kind: {id, …}}`, with the ids that the program's state has for them. `(…)` is what AWS makes by itself.

    What is on its way out for a while (a NAT gateway `deleted`, a key `PendingDeletion`, `retained` backups) is gone.
    """
    found = {}

    def add(kind, ids):
        found.setdefault(kind, set()).update(ids)

    def each(kind, command, key, id):
        add(kind, [it[id] if id else it for it in aws(command)[key]])

    def alive(kind, command, key, id):
        gone = ("deleted", "terminated")
        add(kind, [it[id] for it in aws(command)[key] if it["State"].lower() not in gone])

    each("aws:ec2:Vpc", "ec2 describe-vpcs", "Vpcs", "VpcId")
    each("aws:ec2:Subnet", "ec2 describe-subnets", "Subnets", "SubnetId")
    gateways = "ec2 describe-internet-gateways"
    each("aws:ec2:InternetGateway", gateways, "InternetGateways", "InternetGatewayId")
    alive("aws:ec2:NatGateway", "ec2 describe-nat-gateways", "NatGateways", "NatGatewayId")
    each("aws:ec2:ElasticIp", "ec2 describe-addresses", "Addresses", "AllocationId")
    for table in aws("ec2 describe-route-tables")["RouteTables"]:
        main = any(it.get("Main") for it in table["Associations"])
        add("(main route table)" if main else "aws:ec2:RouteTable", [table["RouteTableId"]])
        subnets = [it["SubnetId"] for it in table["Associations"] if "SubnetId" in it]
        add("aws:ec2:RouteTableAssociation", subnets)
        made = [it for it in table["Routes"] if it["Origin"] == "CreateRoute"]
        # A gateway endpoint's routes are its own, to a prefix list.
        blocks = [it["DestinationCidrBlock"] for it in made if "DestinationCidrBlock" in it]
        add("aws:ec2:Route", [f"{table['RouteTableId']}|{block}" for block in blocks])
    for group in aws("ec2 describe-security-groups")["SecurityGroups"]:
        # Every VPC and every cluster come with one.
        theirs = group["GroupName"].startswith(("default", "eks-cluster-sg-"))
        add("(security group)" if theirs else "aws:ec2:SecurityGroup", [group["GroupId"]])
    for rule in aws("ec2 describe-security-group-rules")["SecurityGroupRules"]:
        theirs = rule["GroupId"] in found.get("(security group)", set())
        add("(rule)" if theirs else "aws:ec2:SecurityGroupRule", [rule["SecurityGroupRuleId"]])
    alive("aws:ec2:VpcEndpoint", "ec2 describe-vpc-endpoints", "VpcEndpoints", "VpcEndpointId")
    each("aws:ec2:FlowLog", "ec2 describe-flow-logs", "FlowLogs", "FlowLogId")
    templates = "ec2 describe-launch-templates"
    each("aws:ec2:LaunchTemplate", templates, "LaunchTemplates", "LaunchTemplateId")
    for reservation in aws("ec2 describe-instances")["Reservations"]:
        running = [it for it in reservation["Instances"] if it["State"]["Name"] != "terminated"]
        add("aws:ec2:Instance", [it["InstanceId"] for it in running])
    interfaces = "ec2 describe-network-interfaces"
    each("(network interface)", interfaces, "NetworkInterfaces", "NetworkInterfaceId")

    for role in aws("iam list-roles")["Roles"]:
        name = role["RoleName"]
        add("aws:iam:Role", [name])
        policies = aws("iam list-role-policies --role-name", name)["PolicyNames"]
        add("aws:iam:RolePolicy", [f"{name}|{policy}" for policy in policies])
        attached = aws("iam list-attached-role-policies --role-name", name)["AttachedPolicies"]
        add("aws:iam:PolicyAttachment", [f"{name}|{policy['PolicyArn']}" for policy in attached])
    profiles = "iam list-instance-profiles"
    each("aws:iam:InstanceProfile", profiles, "InstanceProfiles", "InstanceProfileName")
    each("aws:iam:Policy", "iam list-policies --scope Local", "Policies", "Arn")

    for kind, region in [("aws:kms:Key", REGION), ("aws:kms:ReplicaKey", SECOND_REGION)]:
        for key in aws("kms list-keys", region=region)["Keys"]:
            key = aws("kms describe-key --key-id", key["KeyId"], region=region)["KeyMetadata"]
            # A primary waits for its last replica.
            dying = key["KeyState"] in ("PendingDeletion", "PendingReplicaDeletion")
            if key["KeyManager"] == "CUSTOMER" and not dying:
                add(kind, [key["KeyId"]])
    aliases = [it["AliasName"] for it in aws("kms list-aliases")["Aliases"]]
    add("aws:kms:Alias", [name for name in aliases if not name.startswith("alias/aws/")])
    names = [it["Name"] for it in aws("ssm describe-parameters")["Parameters"]]
    add("aws:ssm:Parameter", [name for name in names if not name.startswith("/aws/")])
    each("(secret)", "secretsmanager list-secrets", "SecretList", "Name")
    each("aws:logs:LogGroup", "logs describe-log-groups", "logGroups", "logGroupName")
    each("aws:cloudwatch:Alarm", "cloudwatch describe-alarms", "MetricAlarms", "AlarmName")
    for topic in aws("sns list-topics")["Topics"]:
        arn = topic["TopicArn"]
        add("aws:sns:Topic", [arn])
        subscriptions = aws("sns list-subscriptions-by-topic --topic-arn", arn)["Subscriptions"]
        add("(subscription)", [it["Endpoint"] for it in subscriptions])

    each("aws:rds:Instance", "rds describe-db-instances", "DBInstances", "DBInstanceIdentifier")
    groups = "rds describe-db-subnet-groups"
    each("aws:rds:SubnetGroup", groups, "DBSubnetGroups", "DBSubnetGroupName")
    groups = "rds describe-db-parameter-groups"
    each("aws:rds:ParameterGroup", groups, "DBParameterGroups", "DBParameterGroupName")
    for it in aws("rds describe-db-instance-automated-backups", region=SECOND_REGION)["DBInstanceAutomatedBackups"]:
        if it["Status"].lower() != "retained":
            add("aws:rds:AutomatedBackupReplication", [it["DBInstanceAutomatedBackupsArn"]])
    each("(snapshot)", "rds describe-db-snapshots", "DBSnapshots", "DBSnapshotIdentifier")
    each("aws:ecr:Repository", "ecr describe-repositories", "repositories", "repositoryName")

    for balancer in aws("elbv2 describe-load-balancers")["LoadBalancers"]:
        arn = balancer["LoadBalancerArn"]
        add("aws:elbv2:LoadBalancer", [arn])
        listeners = aws("elbv2 describe-listeners --load-balancer-arn", arn)["Listeners"]
        add("aws:elbv2:Listener", [it["ListenerArn"] for it in listeners])
    targets = "elbv2 describe-target-groups"
    each("aws:elbv2:TargetGroup", targets, "TargetGroups", "TargetGroupArn")
    for group in aws("autoscaling describe-auto-scaling-groups")["AutoScalingGroups"]:
        name = group["AutoScalingGroupName"]
        add("(auto scaling group)", [name])
        attached = [f"{name}|{arn}" for arn in group["TargetGroupARNs"]]
        add("aws:autoscaling:TargetGroupAttachment", attached)

    for cluster in aws("eks list-clusters")["clusters"]:
        add("aws:eks:Cluster", [cluster])
        for kind, command, key in [
            ("aws:eks:NodeGroup", "list-nodegroups", "nodegroups"),
            ("aws:eks:Addon", "list-addons", "addons"),
        ]:
            names = aws(f"eks {command} --cluster-name", cluster)[key]
            add(kind, [f"{cluster}/{name}" for name in names])
        for it in aws("eks list-pod-identity-associations --cluster-name", cluster)["associations"]:
            # An add-on's identity comes and goes with it.
            kind = "(pod identity association)" if "ownerArn" in it else "aws:eks:PodIdentityAssociation"
            add(kind, [f"{cluster}/{it['associationId']}"])
        for arn in aws("eks list-access-entries --cluster-name", cluster)["accessEntries"]:
            entry = aws(f"eks describe-access-entry --cluster-name {cluster} --principal-arn", arn)["accessEntry"]
            # EKS itself makes those of its nodes, and that of whoever made the cluster, which nobody tags.
            own = entry["type"] != "STANDARD" or not entry.get("tags")
            kind = "(access entry)" if own else "aws:eks:AccessEntry"
            add(kind, [f"{cluster}/{arn}"])

    for zone in aws("route53 list-hosted-zones")["HostedZones"]:
        id = zone["Id"].removeprefix("/hostedzone/")
        add("aws:route53:HostedZone", [id])
        records = aws("route53 list-resource-record-sets --hosted-zone-id", id)["ResourceRecordSets"]
        # Every zone comes with one of these two.
        own = [it for it in records if it["Type"] not in ("NS", "SOA")]
        names = [f"{id}|{it['Name'].rstrip('.')}|{it['Type']}|" for it in own]
        add("aws:route53:Record", names)
    certificates = "acm list-certificates"
    each("aws:acm:Certificate", certificates, "CertificateSummaryList", "CertificateArn")
    return found
