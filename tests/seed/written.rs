//! The stack `koho`, written from the Terraform state seed.tfstate.

use std::process::ExitCode;

use infra_aws::{autoscaling, cidr, ec2, eks, iam, rds, ssm, types::{AmiId, Arn, Zone}};
use infra_core::{App, prelude::*};

#[tokio::main]
async fn main() -> ExitCode {
    App::new("koho")
        .config_beside(env!("CARGO_MANIFEST_DIR"))
        .cloud("simulated", infra_aws::simulated())
        .backend("s3", infra_aws::state::s3)
        .keys("kms", infra_aws::kms_keys())
        .run(program)
        .await
}

/// What the stack consists of.
pub fn program(stack: &mut Stack) -> Result<()> {
    // aws_iam_policy.ssm_and_kms_access
    let ssm_and_kms_access = stack.add(
        "ssm-and-kms-access",
        iam::Policy::new(
                r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "ssm:*",
      "Resource": "*"
    },
    {
      "Effect": "Allow",
      "Action": "kms:*",
      "Resource": "*"
    }
  ]
}
"#,
            )
            .name("ssm_and_kms_access")
            .description("ssm_and_kms_access"),
    );
    let my_test_db_password = stack.secret("myTestDB-password");

    let vpc = stack.scope("vpc", vpc)?;

    // aws_security_group.all_worker_mgmt
    let all_worker_mgmt = stack.add(
        "all-worker-mgmt",
        ec2::SecurityGroup::new(&vpc.vpc.id, "Managed by Terraform")
            .name("all_worker_management20261122191204727300000007"),
    );

    // aws_security_group.dbsecgroup
    let dbsecgroup = stack.add(
        "dbsecgroup",
        ec2::SecurityGroup::new(&vpc.vpc.id, "Managed by Terraform")
            .name("database security group")
            .allow_all_egress(true),
    );

    // aws_security_group.worker_group_mgmt_one
    let worker_group_mgmt_one = stack.add(
        "worker-group-mgmt-one",
        ec2::SecurityGroup::new(&vpc.vpc.id, "Managed by Terraform")
            .name("worker_group_mgmt_one20261122191204729100000008"),
    );

    // aws_security_group.worker_group_mgmt_two
    let worker_group_mgmt_two = stack.add(
        "worker-group-mgmt-two",
        ec2::SecurityGroup::new(&vpc.vpc.id, "Managed by Terraform")
            .name("worker_group_mgmt_two20261122191204752400000009"),
    );

    // aws_security_group.all_worker_mgmt
    stack.add(
        "all-worker-mgmt-ingress-tcp-22-10.0.0.0-8",
        ec2::SecurityGroupRule::new(
            &all_worker_mgmt.id,
            ec2::Direction::Ingress,
            ec2::Source::cidr(cidr!("10.0.0.0/8")),
            ec2::Ports::tcp(22),
        ),
    );

    // aws_security_group.all_worker_mgmt
    stack.add(
        "all-worker-mgmt-ingress-tcp-22-172.16.0.0-12",
        ec2::SecurityGroupRule::new(
            &all_worker_mgmt.id,
            ec2::Direction::Ingress,
            ec2::Source::cidr(cidr!("172.16.0.0/12")),
            ec2::Ports::tcp(22),
        ),
    );

    // aws_security_group.all_worker_mgmt
    stack.add(
        "all-worker-mgmt-ingress-tcp-22-192.168.0.0-16",
        ec2::SecurityGroupRule::new(
            &all_worker_mgmt.id,
            ec2::Direction::Ingress,
            ec2::Source::cidr(cidr!("192.168.0.0/16")),
            ec2::Ports::tcp(22),
        ),
    );

    // aws_security_group.dbsecgroup
    let dbsecgroup_ingress_tcp_7000_10_0_0_0_8 = stack.add(
        "dbsecgroup-ingress-tcp-7000-10.0.0.0-8",
        ec2::SecurityGroupRule::new(
            &dbsecgroup.id,
            ec2::Direction::Ingress,
            ec2::Source::cidr(cidr!("10.0.0.0/8")),
            ec2::Ports::tcp(7000),
        ),
    );

    // aws_security_group.worker_group_mgmt_one
    let worker_group_mgmt_one_ingress_tcp_22_10_0_0_0_8 = stack.add(
        "worker-group-mgmt-one-ingress-tcp-22-10.0.0.0-8",
        ec2::SecurityGroupRule::new(
            &worker_group_mgmt_one.id,
            ec2::Direction::Ingress,
            ec2::Source::cidr(cidr!("10.0.0.0/8")),
            ec2::Ports::tcp(22),
        ),
    );

    // aws_security_group.worker_group_mgmt_two
    let worker_group_mgmt_two_ingress_tcp_22_192_168_0_0_16 = stack.add(
        "worker-group-mgmt-two-ingress-tcp-22-192.168.0.0-16",
        ec2::SecurityGroupRule::new(
            &worker_group_mgmt_two.id,
            ec2::Direction::Ingress,
            ec2::Source::cidr(cidr!("192.168.0.0/16")),
            ec2::Ports::tcp(22),
        ),
    );

    // aws_db_subnet_group.subnet-mytest-db
    let subnet_mytest_db = stack.add(
        "subnet-mytest-db",
        rds::SubnetGroup::new()
            .name("subnet_mytest_db")
            .description("Managed by Terraform")
            .subnets([&vpc.database[1].id, &vpc.database[0].id, &vpc.database[2].id])
            .tags([("Name", "mytest-db-subnet-group")]),
    );

    // aws_db_instance.myTestDB
    let my_test_db = stack.add(
        "myTestDB",
        rds::Instance::new(rds::Engine::postgres("10.6"), "db.t2.micro", rds::Gib(10))
            .identifier("mytest-db")
            .database("myTestDB")
            .username("myTestDBUser")
            .password(&my_test_db_password)
            .multi_az(true)
            .zone(&vpc.database[0].zone)
            .subnet_group(&subnet_mytest_db.name)
            .security_groups([&dbsecgroup.id])
            .storage_type(rds::StorageType::Gp2)
            .encrypted(false)
            .backup_retention(0)
            .skip_final_snapshot(true)
            .copy_tags_to_snapshot(false)
            .auto_minor_version_upgrade(false)
            .tags([("Name", "mytest-db")])
            .depends_on(&dbsecgroup_ingress_tcp_7000_10_0_0_0_8),
    );

    // aws_ssm_parameter.mytest-db-connection-string
    stack.add(
        "mytest-db-connection-string",
        ssm::Parameter::new(
                "/dev/DATABASE_URL",
                interpolate!(
                    "postgres://myTestDBUser:{}@{}:7000/myTestDB",
                    &my_test_db_password,
                    &my_test_db.address,
                ),
            )
            .kind(ssm::ParameterType::SecureString)
            .description("The database connectionstring")
            .tags([("Name", "mytest-db-connection-string")]),
    );

    let eks = stack
        .scope(
            "eks",
            |stack| eks(
                stack,
                &worker_group_mgmt_one,
                &worker_group_mgmt_two,
                &worker_group_mgmt_one_ingress_tcp_22_10_0_0_0_8,
                &worker_group_mgmt_two_ingress_tcp_22_192_168_0_0_16,
                &ssm_and_kms_access,
                &vpc,
            ),
        )?;

    stack.export("cluster_endpoint", &eks.cluster_2.endpoint);
    stack.export("cluster_id", &eks.cluster_2.name);
    stack.export("cluster_name", &eks.cluster_2.name);
    stack.export("cluster_security_group_id", &eks.cluster.id);
    Ok(())
}

/// What the rest of the stack uses of the scope `vpc`.
struct Vpc {
    vpc: Handle<ec2::Vpc>,
    database: Vec<Handle<ec2::Subnet>>,
    private_subnet: Vec<Handle<ec2::Subnet>>,
}

/// Declares the scope `vpc`.
fn vpc(stack: &mut Stack) -> Result<Vpc> {
    // module.vpc.aws_eip.nat[0]
    let nat = stack.add(
        "nat",
        ec2::ElasticIp::new()
            .network_border_group("eu-west-1")
            .public_ipv4_pool("amazon")
            .tags([
                ("Name", "koho-vpc-eu-west-1a"),
                ("kubernetes.io/cluster/koho-eks-R6P4dNFB", "shared"),
            ]),
    );

    // module.vpc.aws_vpc.this[0]
    let vpc = stack.add(
        "vpc",
        ec2::Vpc::new(cidr!("10.0.0.0/16"))
            .dns_hostnames(true)
            .tags([
                ("Name", "koho-vpc"),
                ("kubernetes.io/cluster/koho-eks-R6P4dNFB", "shared"),
            ]),
    );

    // module.vpc.aws_internet_gateway.this[0]
    let internet_gateway = stack.add(
        "internet-gateway",
        ec2::InternetGateway::new()
            .vpc_id(&vpc.id)
            .tags([
                ("Name", "koho-vpc"),
                ("kubernetes.io/cluster/koho-eks-R6P4dNFB", "shared"),
            ]),
    );

    // module.vpc.aws_route_table.private[0]
    let private = stack.add(
        "private",
        ec2::RouteTable::new(&vpc.id)
            .tags([
                ("Name", "koho-vpc-private"),
                ("kubernetes.io/cluster/koho-eks-R6P4dNFB", "shared"),
            ]),
    );

    // module.vpc.aws_route_table.public[0]
    let public = stack.add(
        "public",
        ec2::RouteTable::new(&vpc.id)
            .tags([
                ("Name", "koho-vpc-public"),
                ("kubernetes.io/cluster/koho-eks-R6P4dNFB", "shared"),
            ]),
    );

    // module.vpc.aws_route.public_internet_gateway[0]
    stack.add(
        "public-internet-gateway",
        ec2::Route::new(
            &public.id,
            cidr!("0.0.0.0/0"),
            ec2::RouteTarget::internet_gateway(&internet_gateway.id),
        ),
    );

    // module.vpc.aws_subnet.database
    let mut database = Vec::new();
    for (index, (cidr, name, zone)) in [
        (
            cidr!("10.0.7.0/24"),
            "koho-vpc-db-eu-west-1a",
            Zone::trusted("eu-west-1a"),
        ),
        (
            cidr!("10.0.8.0/24"),
            "koho-vpc-db-eu-west-1b",
            Zone::trusted("eu-west-1b"),
        ),
        (
            cidr!("10.0.9.0/24"),
            "koho-vpc-db-eu-west-1c",
            Zone::trusted("eu-west-1c"),
        ),
    ]
        .into_iter()
        .enumerate()
    {
        let subnet = ec2::Subnet::new(&vpc.id, cidr, zone)
            .tags([
                ("Name", name),
                ("kubernetes.io/cluster/koho-eks-R6P4dNFB", "shared"),
            ]);
        database.push(stack.add(format!("database-{index}"), subnet));
    }

    // module.vpc.aws_route_table_association.database
    for index in 0..3 {
        let route_table_association = ec2::RouteTableAssociation::new(
            &database[index].id,
            &private.id,
        );
        stack.add(format!("database-{index}"), route_table_association);
    }

    // module.vpc.aws_subnet.private
    let mut private_subnet = Vec::new();
    for (index, (cidr, name, zone)) in [
        (
            cidr!("10.0.1.0/24"),
            "koho-vpc-private-eu-west-1a",
            Zone::trusted("eu-west-1a"),
        ),
        (
            cidr!("10.0.2.0/24"),
            "koho-vpc-private-eu-west-1b",
            Zone::trusted("eu-west-1b"),
        ),
        (
            cidr!("10.0.3.0/24"),
            "koho-vpc-private-eu-west-1c",
            Zone::trusted("eu-west-1c"),
        ),
    ]
        .into_iter()
        .enumerate()
    {
        let subnet = ec2::Subnet::new(&vpc.id, cidr, zone)
            .tags([
                ("Name", name),
                ("kubernetes.io/cluster/koho-eks-R6P4dNFB", "shared"),
                ("kubernetes.io/role/internal-elb", "1"),
            ]);
        private_subnet.push(
            stack.add(format!("private-{index}"), subnet),
        );
    }

    // module.vpc.aws_route_table_association.private
    for index in 0..3 {
        let route_table_association = ec2::RouteTableAssociation::new(
            &private_subnet[index].id,
            &private.id,
        );
        stack.add(format!("private-{index}"), route_table_association);
    }

    // module.vpc.aws_subnet.public
    let mut public_subnet = Vec::new();
    for (index, (cidr, name, zone)) in [
        (
            cidr!("10.0.4.0/24"),
            "koho-vpc-public-eu-west-1a",
            Zone::trusted("eu-west-1a"),
        ),
        (
            cidr!("10.0.5.0/24"),
            "koho-vpc-public-eu-west-1b",
            Zone::trusted("eu-west-1b"),
        ),
        (
            cidr!("10.0.6.0/24"),
            "koho-vpc-public-eu-west-1c",
            Zone::trusted("eu-west-1c"),
        ),
    ]
        .into_iter()
        .enumerate()
    {
        let subnet = ec2::Subnet::new(&vpc.id, cidr, zone)
            .map_public_ip_on_launch(true)
            .tags([
                ("Name", name),
                ("kubernetes.io/cluster/koho-eks-R6P4dNFB", "shared"),
                ("kubernetes.io/role/elb", "1"),
            ]);
        public_subnet.push(
            stack.add(format!("public-{index}"), subnet),
        );
    }

    // module.vpc.aws_nat_gateway.this[0]
    let nat_gateway = stack.add(
        "nat-gateway",
        ec2::NatGateway::new(&public_subnet[0].id)
            .allocation_id(&nat.id)
            .tags([
                ("Name", "koho-vpc-eu-west-1a"),
                ("kubernetes.io/cluster/koho-eks-R6P4dNFB", "shared"),
            ])
            .depends_on(&internet_gateway),
    );

    // module.vpc.aws_route.private_nat_gateway[0]
    stack.add(
        "private-nat-gateway",
        ec2::Route::new(
            &private.id,
            cidr!("0.0.0.0/0"),
            ec2::RouteTarget::nat_gateway(&nat_gateway.id),
        ),
    );

    // module.vpc.aws_route_table_association.public
    for index in 0..3 {
        let route_table_association = ec2::RouteTableAssociation::new(
            &public_subnet[index].id,
            &public.id,
        );
        stack.add(format!("public-{index}"), route_table_association);
    }
    Ok(Vpc {
        vpc,
        database,
        private_subnet,
    })
}

/// What the rest of the stack uses of the scope `eks`.
struct Eks {
    cluster: Handle<ec2::SecurityGroup>,
    cluster_2: Handle<eks::Cluster>,
}

/// Declares the scope `eks`.
fn eks(
    stack: &mut Stack,
    worker_group_mgmt_one: &Handle<ec2::SecurityGroup>,
    worker_group_mgmt_two: &Handle<ec2::SecurityGroup>,
    worker_group_mgmt_one_ingress_tcp_22_10_0_0_0_8: &Handle<ec2::SecurityGroupRule>,
    worker_group_mgmt_two_ingress_tcp_22_192_168_0_0_16: &Handle<ec2::SecurityGroupRule>,
    ssm_and_kms_access: &Handle<iam::Policy>,
    vpc: &Vpc,
) -> Result<Eks> {
    // module.eks.aws_security_group.cluster[0]
    let cluster = stack.add(
        "cluster",
        ec2::SecurityGroup::new(&vpc.vpc.id, "EKS cluster security group.")
            .name("koho-eks-R6P4dNFB2026112219120475490000000a")
            .allow_all_egress(true)
            .tags([
                ("Environment", "training"),
                ("GithubOrg", "terraform-aws-modules"),
                ("GithubRepo", "terraform-aws-eks"),
                ("Name", "koho-eks-R6P4dNFB-eks_cluster_sg"),
            ]),
    );

    // module.eks.aws_security_group.workers[0]
    let workers = stack.add(
        "workers",
        ec2::SecurityGroup::new(
                &vpc.vpc.id,
                "Security group for all nodes in the cluster.",
            )
            .name("koho-eks-R6P4dNFB2026112219120475530000000b")
            .allow_all_egress(true)
            .tags([
                ("Environment", "training"),
                ("GithubOrg", "terraform-aws-modules"),
                ("GithubRepo", "terraform-aws-eks"),
                ("Name", "koho-eks-R6P4dNFB-eks_worker_sg"),
                ("kubernetes.io/cluster/koho-eks-R6P4dNFB", "owned"),
            ]),
    );

    // module.eks.aws_security_group_rule.cluster_https_worker_ingress[0]
    let cluster_https_worker_ingress = stack.add(
        "cluster-https-worker-ingress",
        ec2::SecurityGroupRule::new(
                &cluster.id,
                ec2::Direction::Ingress,
                ec2::Source::group(&workers.id),
                ec2::Ports::tcp(443),
            )
            .description("Allow pods to communicate with the EKS cluster API."),
    );

    // module.eks.aws_security_group_rule.workers_ingress_cluster[0]
    let workers_ingress_cluster = stack.add(
        "workers-ingress-cluster",
        ec2::SecurityGroupRule::new(
                &workers.id,
                ec2::Direction::Ingress,
                ec2::Source::group(&cluster.id),
                ec2::Ports::tcp_range(1025, 65_535),
            )
            .description(
                "Allow workers pods to receive communication from the cluster control plane.",
            ),
    );

    // module.eks.aws_security_group_rule.workers_ingress_cluster_https[0]
    let workers_ingress_cluster_https = stack.add(
        "workers-ingress-cluster-https",
        ec2::SecurityGroupRule::new(
                &workers.id,
                ec2::Direction::Ingress,
                ec2::Source::group(&cluster.id),
                ec2::Ports::tcp(443),
            )
            .description(
                "Allow pods running extension API servers on port 443 to receive communication from cluster control plane.",
            ),
    );

    // module.eks.aws_security_group_rule.workers_ingress_self[0]
    let workers_ingress_self = stack.add(
        "workers-ingress-self",
        ec2::SecurityGroupRule::new(
                &workers.id,
                ec2::Direction::Ingress,
                ec2::Source::group(&workers.id),
                ec2::Ports::All,
            )
            .description("Allow node to communicate with each other."),
    );

    // module.eks.aws_iam_policy.cluster_elb_sl_role_creation[0]
    let cluster_elb_sl_role_creation = stack.add(
        "cluster-elb-sl-role-creation",
        iam::Policy::new(
                r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "",
      "Effect": "Allow",
      "Action": [
        "ec2:DescribeInternetGateways",
        "ec2:DescribeAccountAttributes"
      ],
      "Resource": "*"
    }
  ]
}"#,
            )
            .name("koho-eks-R6P4dNFB-elb-sl-role-creation20261122191204427400000002")
            .description(
                "Permissions for EKS to create AWSServiceRoleForElasticLoadBalancing service-linked role",
            ),
    );

    // module.eks.aws_iam_role.cluster[0]
    let cluster_role = stack.add(
        "cluster",
        iam::Role::new(
                r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "EKSClusterAssumeRole",
      "Effect": "Allow",
      "Action": "sts:AssumeRole",
      "Principal": {
        "Service": "eks.amazonaws.com"
      }
    }
  ]
}"#,
            )
            .name("koho-eks-R6P4dNFB20261122191204418200000001")
            .tags([
                ("Environment", "training"),
                ("GithubOrg", "terraform-aws-modules"),
                ("GithubRepo", "terraform-aws-eks"),
            ]),
    );

    // module.eks.aws_iam_role_policy_attachment.cluster_AmazonEKSClusterPolicy[0]
    let cluster_amazon_ekscluster_policy = stack.add(
        "cluster-AmazonEKSClusterPolicy",
        iam::PolicyAttachment::new(
            &cluster_role.name,
            Arn::trusted("arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"),
        ),
    );

    // module.eks.aws_iam_role_policy_attachment.cluster_AmazonEKSServicePolicy[0]
    let cluster_amazon_eksservice_policy = stack.add(
        "cluster-AmazonEKSServicePolicy",
        iam::PolicyAttachment::new(
            &cluster_role.name,
            Arn::trusted("arn:aws:iam::aws:policy/AmazonEKSServicePolicy"),
        ),
    );

    // module.eks.aws_iam_role_policy_attachment.cluster_AmazonEKSVPCResourceControllerPolicy[0]
    let cluster_amazon_eksvpcresource_controller_policy = stack.add(
        "cluster-AmazonEKSVPCResourceControllerPolicy",
        iam::PolicyAttachment::new(
            &cluster_role.name,
            Arn::trusted("arn:aws:iam::aws:policy/AmazonEKSVPCResourceController"),
        ),
    );

    // module.eks.aws_eks_cluster.this[0]
    let cluster_2 = stack.add(
        "cluster",
        eks::Cluster::new(&cluster_role.arn, "1.17")
            .name("koho-eks-R6P4dNFB")
            .subnets([
                &vpc.private_subnet[2].id,
                &vpc.private_subnet[1].id,
                &vpc.private_subnet[0].id,
            ])
            .security_groups([&cluster.id])
            .private_access(false)
            .public_access(true)
            .authentication(eks::AuthenticationMode::ConfigMap)
            .service_cidr(cidr!("172.20.0.0/16"))
            .ip_family(eks::IpFamily::Ipv4)
            .tags([
                ("Environment", "training"),
                ("GithubOrg", "terraform-aws-modules"),
                ("GithubRepo", "terraform-aws-eks"),
            ])
            .depends_on([
                cluster_https_worker_ingress.urn(),
                cluster_amazon_ekscluster_policy.urn(),
                cluster_amazon_eksservice_policy.urn(),
                cluster_amazon_eksvpcresource_controller_policy.urn(),
            ]),
    );

    // module.eks.aws_iam_role_policy_attachment.cluster_elb_sl_role_creation[0]
    stack.add(
        "cluster-elb-sl-role-creation",
        iam::PolicyAttachment::new(&cluster_role.name, &cluster_elb_sl_role_creation.arn),
    );

    // module.eks.aws_iam_role.workers[0]
    let workers_role = stack.add(
        "workers",
        iam::Role::new(
                r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "EKSWorkerAssumeRole",
      "Effect": "Allow",
      "Action": "sts:AssumeRole",
      "Principal": {
        "Service": "ec2.amazonaws.com"
      }
    }
  ]
}"#,
            )
            .name("koho-eks-R6P4dNFB2026112219120624350000000c")
            .tags([
                ("Environment", "training"),
                ("GithubOrg", "terraform-aws-modules"),
                ("GithubRepo", "terraform-aws-eks"),
            ])
            .depends_on(&cluster_2),
    );

    // module.eks.aws_iam_instance_profile.workers
    let mut workers_instance_profile = Vec::new();
    for (index, name) in [
        "koho-eks-R6P4dNFB2026112219120632770000000d",
        "koho-eks-R6P4dNFB2026112219120632810000000e",
    ]
        .into_iter()
        .enumerate()
    {
        let instance_profile = iam::InstanceProfile::new()
            .role(&workers_role.name)
            .name(name)
            .depends_on([
                worker_group_mgmt_one.urn(),
                worker_group_mgmt_two.urn(),
                worker_group_mgmt_one_ingress_tcp_22_10_0_0_0_8.urn(),
                worker_group_mgmt_two_ingress_tcp_22_192_168_0_0_16.urn(),
            ]);
        workers_instance_profile.push(
            stack.add(format!("workers-{index}"), instance_profile),
        );
    }

    // module.eks.aws_iam_role_policy_attachment.workers_AmazonEC2ContainerRegistryReadOnly[0]
    let workers_amazon_ec2_container_registry_read_only = stack.add(
        "workers-AmazonEC2ContainerRegistryReadOnly",
        iam::PolicyAttachment::new(
            &workers_role.name,
            Arn::trusted("arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"),
        ),
    );

    // module.eks.aws_iam_role_policy_attachment.workers_AmazonEKS_CNI_Policy[0]
    let workers_amazon_eks_cni_policy = stack.add(
        "workers-AmazonEKS-CNI-Policy",
        iam::PolicyAttachment::new(
            &workers_role.name,
            Arn::trusted("arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"),
        ),
    );

    // module.eks.aws_iam_role_policy_attachment.workers_AmazonEKSWorkerNodePolicy[0]
    let workers_amazon_eksworker_node_policy = stack.add(
        "workers-AmazonEKSWorkerNodePolicy",
        iam::PolicyAttachment::new(
            &workers_role.name,
            Arn::trusted("arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"),
        ),
    );

    // module.eks.aws_iam_role_policy_attachment.workers_additional_policies[0]
    let workers_additional_policies = stack.add(
        "workers-additional-policies",
        iam::PolicyAttachment::new(&workers_role.name, &ssm_and_kms_access.arn),
    );

    // module.eks.aws_launch_configuration.workers
    let mut workers_launch_configuration = Vec::new();
    for (index, (instance_type, name, security_groups)) in [
        (
            "t2.small",
            "koho-eks-R6P4dNFB-worker-group-120261122191206605800000014",
            &worker_group_mgmt_one.id,
        ),
        (
            "t2.medium",
            "koho-eks-R6P4dNFB-worker-group-220261122191206580600000013",
            &worker_group_mgmt_two.id,
        ),
    ]
        .into_iter()
        .enumerate()
    {
        let launch_configuration = autoscaling::LaunchConfiguration::new(
                AmiId::trusted("ami-0a0b0c0d0e0f01171"),
                instance_type,
            )
            .name(name)
            .security_groups([&workers.id, security_groups])
            .instance_profile(&workers_instance_profile[index].name)
            .user_data(
                interpolate!(
                    r#"#!/bin/bash -xe

# Allow user supplied pre userdata code


# Bootstrap and join the cluster
/etc/eks/bootstrap.sh --b64-cluster-ca 'Axy8qPxilaU4mGzu7s9NBFID3C417LYDOOUJTcMdFiyBq5NnZn4CaIQVHpzeIqwTxefm3Z4mipOhPhXMvVuVSV8AYvWprtahdW39zeETKqLnulXCnEr3X9YTGMGeFUb3U4uOZeCX7q1jRjur7sB8LbQSVsbP1BNmDr2shvZR00nHj9r2sMz6YRpnjGfQq047SFxopmSOgQ4oDF3tEvMLfWcnatFDRfajv9yh4fLe9Mcq66Tqzcq8wt4rBSGJsiHV6axXzi5fDS8jq69WqzqM1I10cEHErFJwzHdgwOCsyiIUF7aPMiLYFJdOcSAZY41gjgOJYWbU2XVO6oj0TwR17ZKAmyt3qfvUYUIYBmSsPiuzmm1zD28rGO7wdBATgoY5d4iqo2sibwXfNrgoFFoDVWllGCaD44n1Z9zZ2f4XJE737Wtv0JX6THimdgu9Kh3Re8gb052brVuPkAeOgXXjm7lxZjNbK5PtHr2h9UVmjcYMw29Ejax2T2Xl4ZlgZUhFM2I5Nn8g8onNOVWKrCwChWk20CaK7WnPwl9XOdE6pdJS6OqVOF8JhzRdItsglvrrGYy6GHYiq2k0SPWavotOladun0c6ZwZLCNFWeWFZTIGqoinoG0HRPoScG8vn426VHWOzQuvzyov9Hh61VQfyxzcgAWn8dupi3kho2Sb4yl5CEyfFoN7FsKrJOfxg07t6zyofuYtcGVvp8k1UDcvNfQPjYeJ7BWzSFGSFPpMZ2xwePIAr6EI6hwdHOxk5Bg7S6ginxmMcdc0f0W9k0x97uQlP3CES566iIBU4q0lXqluzOE3g8Za8flKMH8B943pkamE9TUlCNkMn4IiwaLEB8EGEVQoqbcUNobzZm21GCdEJOW8EHMaYotbGIeXZnzc8NRLfQOXlwIXcDYZWqlytO4unxtarnQrVqJitvU4bbOqypoQmQ5vramF789bz2tFUFJlcAM0P3EQVTQMqGV2dKNpDt0B9eUcrlY2UVlP4t03nzb1xMe4zyED4hPkU3e3Blx8bKtmwmoPdtbnya9Gd6zt1fS1AKyQZxUdFhp1iT3EDVh7ut60GR5d7Xq18FJ77hwBYqNEiI8LWAncbvztE5qMR2QfojB7rfQUEVjYUyWdCHAcgfTSMLl8ucmq6wCLNjy1IllLDCQp0R3fFJg7YozJhx0kFitqAOswBx0tstTig9z64x0rt8AwfAdnpmQuFN5SiGD5ftMLR9gh33MrcE98iiFtRuHXou2XjNSu7PSLBLvx55oVoBkEmOWFTd4Pfrl0YcrBQSUsvKuzGeAxB8jla0hnZMmoCHmiZ3S7ahPV7r90WxcdFIqjrM0vQkiNuyZ7L42DKwTcmQFzPVzOLMFoo0jIXItpg8cv2BG9nGmLTtg7EeqGAqv6q' --apiserver-endpoint '{}'  --kubelet-extra-args "" 'koho-eks-R6P4dNFB'

# Allow user supplied userdata code
echo foo bar
"#,
                    &cluster_2.endpoint,
                ),
            )
            .public_ip(false)
            .block_devices([
                autoscaling::BlockDevice::new("/dev/xvda")
                    .size(100)
                    .volume_type("gp2")
                    .encrypted(false)
                    .delete_on_termination(true),
            ])
            .metadata(autoscaling::Metadata::new().tokens_required(false))
            .depends_on([
                workers_ingress_cluster.urn(),
                workers_ingress_cluster_https.urn(),
                workers_ingress_self.urn(),
                workers_amazon_ec2_container_registry_read_only.urn(),
                workers_amazon_eks_cni_policy.urn(),
                workers_amazon_eksworker_node_policy.urn(),
                workers_additional_policies.urn(),
            ]);
        workers_launch_configuration.push(
            stack.add(format!("workers-{index}"), launch_configuration),
        );
    }

    // module.eks.aws_autoscaling_group.workers
    for (index, (name, name_value)) in [
        (
            "koho-eks-R6P4dNFB-worker-group-120261122191206853200000015",
            "koho-eks-R6P4dNFB-worker-group-1-eks_asg",
        ),
        (
            "koho-eks-R6P4dNFB-worker-group-220261122191206857400000016",
            "koho-eks-R6P4dNFB-worker-group-2-eks_asg",
        ),
    ]
        .into_iter()
        .enumerate()
    {
        let group = autoscaling::Group::new(1, 3)
            .name(name)
            .launch_configuration(&workers_launch_configuration[index].name)
            .subnets([
                &vpc.private_subnet[2].id,
                &vpc.private_subnet[1].id,
                &vpc.private_subnet[0].id,
            ])
            .suspended_processes(["AZRebalance"])
            .service_linked_role(
                Arn::trusted(
                    "arn:aws:iam::123456789012:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
                ),
            )
            .propagate_at_launch([
                "Environment",
                "GithubOrg",
                "GithubRepo",
                "Name",
                "k8s.io/cluster/koho-eks-R6P4dNFB",
                "kubernetes.io/cluster/koho-eks-R6P4dNFB",
            ])
            .tags([
                ("Environment", "training"),
                ("GithubOrg", "terraform-aws-modules"),
                ("GithubRepo", "terraform-aws-eks"),
                ("Name", name_value),
                ("k8s.io/cluster/koho-eks-R6P4dNFB", "owned"),
                ("kubernetes.io/cluster/koho-eks-R6P4dNFB", "owned"),
            ]);
        stack.add(format!("workers-{index}"), group);
    }
    Ok(Eks { cluster, cluster_2 })
}

// Not in this program:
//
// - module.eks.kubernetes_config_map.aws_auth[0]: no cloud of this program has a kind for `kubernetes_config_map`: it stays as it is
// - the output `config_map_aws_auth`: it is a list: write it with `stack.export`, if it is needed
// - the output `kubectl_config`: its text is no output of exactly one of the objects that were taken: write it with `stack.export`, if it is needed
// - the output `region`: its text is no output of exactly one of the objects that were taken: write it with `stack.export`, if it is needed
