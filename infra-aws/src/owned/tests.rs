//! What the searches of all kinds have in common, over the embedded AWS.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use infra_core::{
    Resource,
    graph::Role,
    provider::{
        Calls, Class, Connection, Cx, Driver, ErasedChange, ErasedObserved, Error, Gate, Managed,
        Memo, Result,
    },
    state::StackName,
};
use serde_json::json;

use super::{STACK, Tags, is_named_like, prefix, tagged};
use crate::{
    Aws, drivers, ec2, eks, elbv2,
    embedded::{Cloud, Settings},
    exercise::{make, network, operation, role, want},
    iam, kms, s3, sns, ssm,
};

fn denied<A>() -> Result<Option<A>> {
    Err(Error::new(Class::Denied, "kms ListResourceTags: AccessDenied"))
}

fn tags(stack: &str) -> Result<Option<Tags>> {
    Ok(Some([(STACK.to_owned(), stack.to_owned())].into()))
}

#[test]
fn what_shuts_us_out_is_not_ours_and_what_may_be_is_an_error() {
    let stack = StackName::new("shop", "dev").unwrap();
    let ids = || ["a", "key/b", "c", "d"].map(str::to_owned).to_vec();
    let some = vec![tags("shop/dev"), denied(), Ok(None), tags("shop/dev-2")];
    assert_eq!(tagged(&stack, ids(), some).unwrap(), ["a"]);
    let nobody = vec![denied(), denied(), denied(), denied()];
    let error = tagged(&stack, ids(), nobody).unwrap_err();
    assert!(error.to_string().contains("ListResourceTags"), "{error}");
    let own = vec!["a".to_owned(), "/x/Shop-dev_it-abc".to_owned()];
    let error = tagged(&stack, own, vec![tags("shop/dev"), denied()]).unwrap_err();
    assert_eq!(error.class(), Class::Denied);
    assert!(
        is_named_like(&stack, "alias/shop/dev/it-abc") && !is_named_like(&stack, "shop-dev2-it")
    );
}

async fn cloud() -> (Cloud, Arc<Aws>) {
    let cloud = Cloud::memory(Settings::default());
    let aws = Aws::test_in(&cloud, &Gate::default()).await;
    (cloud, aws)
}

fn managed() -> impl Iterator<Item = Arc<dyn Driver>> {
    drivers().into_iter().filter(|driver| driver.role() == Role::Managed)
}

/// What each kind finds of the exercises' stack, all in one batch.
async fn found(aws: &Arc<Aws>) -> BTreeMap<&'static str, Result<Option<Vec<ErasedObserved>>>> {
    let client = Arc::clone(aws) as Arc<dyn std::any::Any + Send + Sync>;
    let connection = Connection { identity: BTreeMap::new(), client, calls: Calls::default() };
    let (memo, stack) = (Memo::default(), operation::<ec2::Vpc>().stack);
    let mut all = BTreeMap::new();
    for driver in managed() {
        let found = driver.owned(&connection, &memo, &stack).await;
        all.insert(driver.schema().kind, found);
    }
    all
}

#[tokio::test]
async fn a_look_asks_about_what_it_does_not_know() {
    let (cloud, aws) = cloud().await;
    let name = |n: usize| format!("exercise-test-{n}");
    for n in 0..10 {
        let name = name(n);
        let tags = json!({"n": "1"});
        make::<sns::Topic>(&aws, &want(json!({"name": name, "tags": tags}))).await;
        let value = json!({"name": format!("/{name}"), "value": "v", "tags": tags});
        make::<ssm::Parameter>(&aws, &want(value)).await;
    }
    // Ours, whatever it is called; and what is nobody's.
    make::<sns::Topic>(&aws, &want(json!({"name": "odd"}))).await;
    for n in 0..20 {
        aws.sns().create_topic().name(format!("stranger-{n}")).send().await.unwrap();
    }
    let client = Arc::clone(&aws) as Arc<dyn std::any::Any + Send + Sync>;
    let connection = Connection { identity: BTreeMap::new(), client, calls: Calls::default() };
    let stack = operation::<ec2::Vpc>().stack;
    let arn = |name: &str| format!("arn:aws:sns:{}:{}:{name}", aws.region(), aws.account());
    // Its field `kind` has that name, too.
    let parameter = <ssm::Parameter as Resource>::KIND;
    let known = (1..10)
        .flat_map(|n| [(sns::Topic::KIND, arn(&name(n))), (parameter, format!("/{}", name(n)))]);
    let look = Memo::default().knowing(known.collect::<Vec<_>>());
    let search = async |kind: &str, memo: &Memo| {
        cloud.clear_calls();
        let driver = managed().find(|driver| driver.schema().kind == kind).unwrap();
        let found = driver.owned(&connection, memo, &stack).await.unwrap().unwrap();
        found.into_iter().map(|it| it.id).collect::<BTreeSet<_>>()
    };
    let called =
        |operation: &str| cloud.calls().iter().filter(|call| call.operation == operation).count();
    let topics = [arn("odd"), arn(&name(0))].into();
    assert_eq!(search(sns::Topic::KIND, &look).await, topics);
    // Each twice: found by its tags, and read.
    assert_eq!((called("GetResources"), called("ListTagsForResource")), (1, 4));
    assert_eq!(search(parameter, &look).await, [format!("/{}", name(0))].into());
    assert_eq!((called("GetParameters"), called("ListTagsForResource")), (1, 1));

    // Whoever may not ask the index is answered by the service.
    cloud.faults().refuse_next(1, "tagging.GetResources", "AccessDeniedException", 400, "no");
    assert_eq!(search(sns::Topic::KIND, &look.emptied()).await, topics);
    assert_eq!(called("ListTagsForResource"), 22 + 2);

    // Who is no look wants the whole truth, and an index is late.
    assert_eq!(search(sns::Topic::KIND, &Memo::default()).await.len(), 11);
    assert_eq!(called("GetResources"), 1);
    assert_eq!(called("ListTagsForResource"), 31 + 11);
}

#[tokio::test]
async fn these_kinds_cannot_say_what_is_whose() {
    let (_, aws) = cloud().await;
    let found = found(&aws).await;
    let silent: Vec<_> =
        found.iter().filter(|(_, found)| found.as_ref().unwrap().is_none()).collect();
    // A new kind decides: what has tags is found by them, what has a generated name by that. These have neither.
    assert_eq!(
        silent.iter().map(|(kind, _)| **kind).collect::<Vec<_>>(),
        [
            "aws:acm:CertificateValidation",
            "aws:autoscaling:TargetGroupAttachment",
            "aws:ec2:Route",
            "aws:ec2:RouteTableAssociation",
            "aws:elbv2:TargetAttachment",
            "aws:iam:PolicyAttachment",
            "aws:route53:Record",
        ]
    );
    for driver in managed().filter(|driver| driver.schema().fields.iter().any(|field| field.tags)) {
        let kind = driver.schema().kind;
        assert!(matches!(found[kind], Ok(Some(_))), "{kind} has tags, and is not found by them");
    }
}

#[test]
fn who_may_look_for_what_holds_others_may_look_for_what_was_put_into_it() {
    let search = |driver: &Arc<dyn Driver>| -> BTreeSet<String> {
        let nothing = ErasedChange { have: None, recorded: None, want: None, paths: Vec::new() };
        driver.grants(&nothing).unwrap().into_iter().map(|grant| grant.action).collect()
    };
    let all: BTreeMap<_, _> =
        managed().map(|driver| (driver.schema().kind, search(&driver))).collect();
    let mut put = BTreeSet::new();
    // The stack may have no object of the kind that is put, so its policy knows only of what holds it.
    for driver in managed() {
        let (kind, Some(holder)) = (driver.schema().kind, driver.within()) else { continue };
        assert!(!all[kind].is_empty() && all[kind].is_subset(&all[holder]), "{kind}: {all:?}");
        put.insert(kind);
    }
    let expected = [
        "aws:ec2:Route",
        "aws:ec2:SecurityGroupRule",
        "aws:iam:PolicyAttachment",
        "aws:iam:RolePolicy",
    ];
    assert_eq!(put, expected.into());
}

/// One object of every service that somebody made by hand, without our tags.
async fn strangers(aws: &Aws) {
    let (subnets, cluster, node) = strangers_but_clusters(aws).await;
    stranger_cluster(aws, "c", "API_AND_CONFIG_MAP", &subnets, &cluster).await;
    let eks = aws.eks();
    let nodes = eks.create_nodegroup().cluster_name("c").nodegroup_name("n").node_role(&node);
    nodes.set_subnets(Some(subnets.to_vec())).send().await.unwrap();
    eks.create_addon().cluster_name("c").addon_name("vpc-cni").send().await.unwrap();
    let entry = eks.create_access_entry().cluster_name("c").principal_arn(&cluster);
    entry.send().await.unwrap();
    let pods = role(aws, "pods", "pods.eks.amazonaws.com").await;
    let pods = eks.create_pod_identity_association().cluster_name("c").role_arn(pods);
    pods.namespace("n").service_account("s").send().await.unwrap();
}

async fn stranger_cluster(aws: &Aws, name: &str, mode: &str, subnets: &[String; 2], role: &str) {
    let eks = aws.eks();
    let network = aws_sdk_eks::types::VpcConfigRequest::builder();
    let network = network.set_subnet_ids(Some(subnets.to_vec())).build();
    let access = aws_sdk_eks::types::CreateAccessConfigRequest::builder();
    let access = access.authentication_mode(mode.into()).build();
    let create = eks.create_cluster().name(name).role_arn(role).access_config(access);
    create.resources_vpc_config(network).send().await.unwrap();
    let active = async || {
        let cluster = eks.describe_cluster().name(name).send().await.unwrap().cluster.unwrap();
        cluster.status() == Some(&aws_sdk_eks::types::ClusterStatus::Active)
    };
    while !active().await {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// The subnets of their network, and the roles for a cluster and its nodes.
async fn strangers_but_clusters(aws: &Aws) -> ([String; 2], String, String) {
    let net = network(aws).await;
    let ec2 = aws.ec2();
    ec2.create_internet_gateway().send().await.unwrap();
    ec2.allocate_address().send().await.unwrap();
    ec2.create_route_table().vpc_id(&net.vpc).send().await.unwrap();
    let (cluster, node) = (
        role(aws, "cluster", "eks.amazonaws.com").await,
        role(aws, "node", "ec2.amazonaws.com").await,
    );
    let iam = aws.iam();
    let document = r#"{"Version":"2012-10-17","Statement":[]}"#;
    iam.create_policy().policy_name("p").policy_document(document).send().await.unwrap();
    iam.create_instance_profile().instance_profile_name("p").send().await.unwrap();
    iam.create_user().user_name("u").send().await.unwrap();
    let inline = iam.put_role_policy().role_name("node").policy_name("exercise-test");
    inline.policy_document(document).send().await.unwrap();
    let url = "https://token.example.com";
    iam.create_open_id_connect_provider().url(url).client_id_list("c").send().await.unwrap();
    let key = aws.kms().create_key().send().await.unwrap().key_metadata.unwrap().key_id;
    aws.kms().create_alias().alias_name("alias/x").target_key_id(key).send().await.unwrap();
    let kind = aws_sdk_ssm::types::ParameterType::String;
    aws.ssm().put_parameter().name("/p").value("v").r#type(kind).send().await.unwrap();
    aws.secretsmanager().create_secret().name("s").secret_string("s").send().await.unwrap();
    aws.s3().create_bucket().bucket("stranger").send().await.unwrap_err();
    let home = aws_sdk_s3::types::BucketLocationConstraint::from(aws.region());
    let home = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(home);
    let create = aws.s3().create_bucket().bucket("stranger");
    create.create_bucket_configuration(home.build()).send().await.unwrap();
    let attribute = aws_sdk_dynamodb::types::AttributeDefinition::builder().attribute_name("a");
    let hash = aws_sdk_dynamodb::types::KeySchemaElement::builder().attribute_name("a");
    let table = aws.dynamodb().create_table().table_name("t");
    let table = table.billing_mode("PAY_PER_REQUEST".into());
    let table = table.attribute_definitions(attribute.attribute_type("S".into()).build().unwrap());
    let table = table.key_schema(hash.key_type("HASH".into()).build().unwrap());
    table.send().await.unwrap();
    aws.sns().create_topic().name("t").send().await.unwrap();
    aws.logs().create_log_group().log_group_name("/g").send().await.unwrap();
    aws.ecr().create_repository().repository_name("r").send().await.unwrap();
    let alarm = aws.cloudwatch().put_metric_alarm().alarm_name("a").evaluation_periods(1);
    let alarm = alarm.comparison_operator("LessThanThreshold".into()).threshold(1.0);
    alarm.metric_name("m").namespace("n").period(60).send().await.unwrap();
    let certificate = aws.acm().request_certificate().domain_name("example.com");
    certificate.key_algorithm("EC_prime256v1".into()).send().await.unwrap();
    let zone = aws.route53().create_hosted_zone().name("example.com").caller_reference("c");
    zone.send().await.unwrap();
    let balancer = aws.elbv2().create_load_balancer().name("lb").r#type("network".into());
    let balancer = balancer.scheme("internal".into()).subnets(&net.subnets[0]);
    let balancer = balancer.send().await.unwrap().load_balancers.unwrap().remove(0);
    let group = aws.elbv2().create_target_group().name("tg").protocol("TCP".into()).port(80);
    let group = group.vpc_id(&net.vpc).send().await.unwrap().target_groups.unwrap().remove(0);
    let forward = aws_sdk_elasticloadbalancingv2::types::Action::builder()
        .r#type("forward".into())
        .set_target_group_arn(group.target_group_arn);
    let listener = aws.elbv2().create_listener().set_load_balancer_arn(balancer.load_balancer_arn);
    let listener = listener.protocol("TCP".into()).port(80).default_actions(forward.build());
    listener.send().await.unwrap();
    let group = aws.rds().create_db_subnet_group().db_subnet_group_name("g");
    let group = group.db_subnet_group_description("g").set_subnet_ids(Some(net.subnets.to_vec()));
    group.send().await.unwrap();
    let group = aws.rds().create_db_parameter_group().db_parameter_group_name("g");
    group.db_parameter_group_family("postgres17").description("g").send().await.unwrap();
    let db = aws.rds().create_db_instance().db_instance_identifier("d").engine("postgres");
    let db = db.db_instance_class("db.t4g.micro").allocated_storage(20).master_username("m");
    db.master_user_password("correct-horse").db_subnet_group_name("g").send().await.unwrap();
    (net.subnets, cluster, node)
}

/// What a search calls where everything belongs to others: what it lists with, and what it tells whose things are by.
/// The README says that these are needed.
const CALLS: &[&str] = &[
    "acm:ListCertificates",
    "acm:ListTagsForCertificate",
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeLaunchConfigurations",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:ListTagsForResource",
    "dynamodb:ListTables",
    "dynamodb:ListTagsOfResource",
    "ec2:DescribeAddresses",
    "ec2:DescribeFlowLogs",
    "ec2:DescribeInstances",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeLaunchTemplates",
    "ec2:DescribeNatGateways",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroupRules",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcs",
    "ecr:DescribeRepositories",
    "ecr:ListTagsForResource",
    "eks:DescribeAccessEntry",
    "eks:DescribeAddon",
    "eks:DescribeCluster",
    "eks:DescribeNodegroup",
    "eks:DescribePodIdentityAssociation",
    "eks:ListAccessEntries",
    "eks:ListAddons",
    "eks:ListClusters",
    "eks:ListNodegroups",
    "eks:ListPodIdentityAssociations",
    "elbv2:DescribeListeners",
    "elbv2:DescribeLoadBalancers",
    "elbv2:DescribeTags",
    "elbv2:DescribeTargetGroups",
    "iam:GetAccountAuthorizationDetails",
    "iam:GetInstanceProfile",
    "iam:GetOpenIDConnectProvider",
    "iam:GetPolicy",
    "iam:ListInstanceProfiles",
    "iam:ListOpenIDConnectProviders",
    "iam:ListPolicies",
    "kms:ListAliases",
    "kms:ListKeys",
    "kms:ListResourceTags",
    "logs:DescribeLogGroups",
    "logs:ListTagsForResource",
    "rds:DescribeDBInstanceAutomatedBackups",
    "rds:DescribeDBInstances",
    "rds:DescribeDBParameterGroups",
    "rds:DescribeDBSubnetGroups",
    "rds:ListTagsForResource",
    "route53:ListHostedZones",
    "route53:ListTagsForResources",
    "s3:GetBucketTagging",
    "s3:ListBuckets",
    "secretsmanager:ListSecrets",
    "sns:ListTagsForResource",
    "sns:ListTopics",
    "ssm:DescribeParameters",
];

#[tokio::test]
async fn what_others_made_is_not_listed() {
    let (cloud, aws) = cloud().await;
    strangers(&aws).await;
    cloud.clear_calls();
    for (kind, found) in found(&aws).await {
        let found = found.unwrap_or_else(|e| panic!("{kind}: {e}")).unwrap_or_default();
        assert!(found.is_empty(), "{kind}: {:?}", found[0]);
    }
    let calls: BTreeSet<_> =
        cloud.calls().iter().map(|call| format!("{}:{}", call.service, call.operation)).collect();
    assert_eq!(calls.iter().map(String::as_str).collect::<Vec<_>>(), CALLS);
    let readme = include_str!("../../README.md");
    for call in CALLS {
        let (service, operation) = call.split_once(':').unwrap();
        let operation = match operation {
            "ListBuckets" => "ListAllMyBuckets",
            other => other,
        };
        let said = readme.lines().any(|line| {
            let mut words = line.split(|c: char| !c.is_alphanumeric());
            line.starts_with(&format!("| `{service}`")) && words.any(|word| word == operation)
        });
        assert!(said, "the README does not say that a search needs {service}:{operation}");
    }
}

#[tokio::test]
async fn a_denied_list_is_an_error_that_names_the_action() {
    let (cloud, aws) = cloud().await;
    strangers(&aws).await;
    cloud.faults().refuse("*", "AccessDenied", 403, "you may not");
    for (kind, found) in found(&aws).await {
        match found {
            Ok(found) => assert!(found.is_none(), "{kind}"),
            Err(e) => {
                assert_eq!(e.class(), Class::Denied, "{kind}: {e}");
                let said = e.to_string();
                assert!(["Describe", "List", "Get"].iter().any(|it| said.contains(it)), "{said}");
            }
        }
    }
}

#[tokio::test]
async fn a_stranger_that_shuts_us_out_hides_nothing_of_ours() {
    let (cloud, aws) = cloud().await;
    let bucket = make(&aws, &want::<s3::Bucket>(json!({"name": "ours"}))).await;
    let home = aws_sdk_s3::types::BucketLocationConstraint::from(aws.region());
    let home = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(home);
    let create = aws.s3().create_bucket().bucket("a-strangers");
    create.create_bucket_configuration(home.build()).send().await.unwrap();
    let stack = operation::<s3::Bucket>().stack;
    // Buckets are listed, and so asked about, in the order of their names.
    cloud.faults().refuse_next(1, "s3.GetBucketTagging", "AccessDenied", 403, "not you");
    let found = s3::Bucket::owned(&Cx::new(Arc::clone(&aws)), &stack).await.unwrap().unwrap();
    assert_eq!(found.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), [&*bucket.id]);
    cloud.faults().refuse("s3.GetBucketTagging", "AccessDenied", 403, "nobody");
    let error = s3::Bucket::owned(&Cx::new(Arc::clone(&aws)), &stack).await.unwrap_err();
    assert!(error.to_string().contains("GetBucketTagging"), "{error}");
}

#[tokio::test]
async fn a_bucket_of_another_region_is_not_asked_about() {
    let (cloud, aws) = cloud().await;
    let config = aws.s3().config().to_builder();
    let away = config.region(aws_sdk_s3::config::Region::new("us-east-1")).build();
    aws_sdk_s3::Client::from_conf(away).create_bucket().bucket("away").send().await.unwrap();
    cloud.clear_calls();
    assert!(crate::exercise::owned::<s3::Bucket>(&aws).await.unwrap().is_empty());
    assert_eq!(cloud.calls().len(), 1, "{:?}", cloud.calls());
}

#[tokio::test]
async fn things_are_found_by_the_page_and_kinds_share_their_lists() {
    let (cloud, aws) = cloud().await;
    let vpc: ec2::Vpc = want(json!({"cidr": "10.0.0.0/16"}));
    let vpc = make(&aws, &vpc).await;
    for at in 0..12 {
        let subnet: ec2::Subnet = want(json!({
            "vpc_id": vpc.id, "cidr": format!("10.0.{at}.0/24"), "zone": "eu-west-1a"
        }));
        let op = operation::<ec2::Subnet>();
        ec2::Subnet::create(&Cx::new(Arc::clone(&aws)), &subnet, &op).await.unwrap();
    }
    cloud.clear_calls();
    let found = found(&aws).await;
    let found = |kind: &str| found[kind].as_ref().unwrap().as_ref().unwrap().len();
    assert_eq!(found("aws:ec2:Subnet"), 12);
    let calls = cloud.calls();
    let count = |name: &str| calls.iter().filter(|call| call.operation == name).count();
    assert_eq!(count("DescribeSubnets"), 1);
    // Roles, their policies and users; load balancers and listeners; clusters and all that is in them.
    for shared in ["GetAccountAuthorizationDetails", "DescribeLoadBalancers", "ListClusters"] {
        assert_eq!(count(shared), 1, "{shared}");
    }
}

#[tokio::test]
async fn what_has_no_tags_is_found_by_its_generated_name() {
    let (_, aws) = cloud().await;
    let key = make(&aws, &want::<kms::Key>(json!({}))).await;
    // Their rule allows `/`.
    assert_eq!(prefix::<kms::Alias>(&operation::<kms::Alias>().stack).unwrap(), "exercise/test/");
    for name in ["exercise/test/it-abcd2345", "exercise/tests/it-abcd2345", "exercise-test-it"] {
        let alias: kms::Alias = want(json!({"key": key.id, "name": name}));
        let op = operation::<kms::Alias>();
        kms::Alias::create(&Cx::new(Arc::clone(&aws)), &alias, &op).await.unwrap();
    }
    let found = crate::exercise::owned::<kms::Alias>(&aws).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].id.as_str(), &found[0].owner), ("alias/exercise/test/it-abcd2345", &None));
    assert_eq!(found[0].live.key.to_string(), key.id);

    role(&aws, "somebodys", "ec2.amazonaws.com").await;
    let document = r#"{"Version":"2012-10-17","Statement":[]}"#;
    for name in ["exercise-test-it-abcd2345", "Exercise-test-it-abcd2345", "by-hand"] {
        let policy: iam::RolePolicy =
            want(json!({"role": "somebodys", "name": name, "policy": document}));
        let op = operation::<iam::RolePolicy>();
        iam::RolePolicy::create(&Cx::new(Arc::clone(&aws)), &policy, &op).await.unwrap();
    }
    let found = crate::exercise::owned::<iam::RolePolicy>(&aws).await.unwrap();
    let ids: Vec<_> = found.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["somebodys|exercise-test-it-abcd2345"]);
    assert_eq!(found[0].live.policy, document);
}

#[tokio::test]
async fn a_strangers_cluster_may_hold_what_is_ours_and_may_know_no_entries() {
    let (cloud, aws) = cloud().await;
    strangers(&aws).await;
    let addon: eks::Addon = want(json!({"cluster": "c", "name": "kube-proxy"}));
    make(&aws, &addon).await;
    // EKS's default knows its config map only, and refuses to list entries.
    let role = role(&aws, "old", "eks.amazonaws.com").await;
    let subnets = network(&aws).await.subnets;
    stranger_cluster(&aws, "old", "CONFIG_MAP", &subnets, &role).await;
    assert!(aws.eks().list_access_entries().cluster_name("old").send().await.is_err());
    assert!(crate::exercise::owned::<eks::AccessEntry>(&aws).await.unwrap().is_empty());
    cloud.faults().refuse("eks.ListAddons", "AccessDeniedException", 403, "not you");
    let stack = operation::<eks::Addon>().stack;
    let error = eks::Addon::owned(&Cx::new(Arc::clone(&aws)), &stack).await.unwrap_err();
    assert!(error.to_string().contains("ListAddons"), "{error}");
}

#[tokio::test]
async fn more_than_one_batch_of_tags() {
    let (_, aws) = cloud().await;
    let net = network(&aws).await;
    for at in 0..23 {
        let group: elbv2::TargetGroup = want(json!({
            "protocol": "TCP", "port": 80, "vpc": net.vpc, "name": format!("g-{at}")
        }));
        let op = operation::<elbv2::TargetGroup>();
        elbv2::TargetGroup::create(&Cx::new(Arc::clone(&aws)), &group, &op).await.unwrap();
        let zone = aws.route53().create_hosted_zone().name(format!("z{at}.example"));
        zone.caller_reference(at.to_string()).send().await.unwrap();
    }
    assert_eq!(crate::exercise::owned::<elbv2::TargetGroup>(&aws).await.unwrap().len(), 23);
    let zone: crate::route53::HostedZone = want(json!({"name": "ours.example"}));
    make(&aws, &zone).await;
}
