//! The stack `taken`, written from the Terraform state state.tfstate.

use std::process::ExitCode;

use infra_aws::{
    AwsProvider, cidr, ec2, ecr, iam, kms, logs, rds, s3, secretsmanager, sns, ssm,
    types::Zone,
};
use infra_core::{App, prelude::*};

#[tokio::main]
async fn main() -> ExitCode {
    App::new("taken")
        .config_beside(env!("CARGO_MANIFEST_DIR"))
        .cloud("simulated", infra_aws::simulated())
        .backend("s3", infra_aws::state::s3)
        .keys("kms", infra_aws::kms_keys())
        .run(program)
        .await
}

/// What the stack consists of.
pub fn program(stack: &mut Stack) -> Result<()> {
    let us = stack.provider("us", AwsProvider::new().region("us-east-1"));

    // aws_ecr_repository.app
    stack.add("app", ecr::Repository::new().name("app").scan_on_push(true));

    // aws_iam_role.app
    let app = stack.add(
        "app",
        iam::Role::new(
                r#"{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"}}],"Version":"2012-10-17"}"#,
            )
            .name("app")
            .max_session_duration(7200)
            .tags([("team", "payments")]),
    );

    // aws_iam_instance_profile.app
    stack.add("app", iam::InstanceProfile::new().role(&app.name).name("app"));

    // aws_iam_user.robot
    stack.add("robot", iam::User::new().name("robot"));

    // aws_kms_key.main
    let key_main = stack.add(
        "main",
        kms::Key::new().description("everything").rotation(true).pending_window(7),
    );

    // aws_kms_alias.main
    stack.add("main", kms::Alias::new(&key_main.id).name("main"));

    // aws_cloudwatch_log_group.app
    stack.add("app", logs::LogGroup::new().name("/app").retention_days(30));

    // aws_s3_bucket.data
    let data = stack.add(
        "data",
        s3::Bucket::new()
            .name("data-of-terraform")
            .versioning(true)
            .public_access_block(s3::PublicAccessBlock::new())
            .tags([("tier", "data")]),
    );

    // aws_iam_role_policy.app
    stack.add(
        "app",
        iam::RolePolicy::new(
                &app.name,
                interpolate!(
                    r#"{"Version":"2012-10-17","Statement":[{"Action":"s3:GetObject","Effect":"Allow","Resource":"{}/*"}]}"#,
                    &data.arn,
                ),
            )
            .name("read"),
    );

    // aws_secretsmanager_secret.token
    stack.add(
        "token",
        secretsmanager::Secret::new().name("token").recovery_window(7),
    );

    // aws_sns_topic.alarms
    let alarms = stack.add("alarms", sns::Topic::new().name("alarms"));

    // aws_iam_policy.app
    let app_policy = stack.add(
        "app",
        iam::Policy::new(
                interpolate!(
                    r#"{"Statement":[{"Action":"sns:Publish","Effect":"Allow","Resource":"{}"}],"Version":"2012-10-17"}"#,
                    &alarms.arn,
                ),
            )
            .name("write"),
    );

    // aws_iam_role_policy_attachment.app
    stack.add("app", iam::PolicyAttachment::new(&app.name, &app_policy.arn));

    // aws_sns_topic.billing
    stack.add("billing", sns::Topic::new().name("billing").provider(&us));
    let setting_db_url_value = stack.secret("setting-db-url-value");
    let setting_feature_flag_1_value = stack.secret(
        "setting-feature-flag-1-value",
    );
    let setting_gr_e_value = stack.secret("setting-gr-e-value");

    // aws_ssm_parameter.setting
    for (name, name_value, value) in [
        ("setting-db-url", "/app/db/url", &setting_db_url_value),
        ("setting-feature-flag-1", "/app/feature-flag-1", &setting_feature_flag_1_value),
        ("setting-gr-e", "/app/groesse", &setting_gr_e_value),
    ] {
        let parameter = ssm::Parameter::new(name_value, value);
        stack.add(name, parameter);
    }
    let us_value = stack.secret("us-value");

    // aws_ssm_parameter.us
    stack.add("us", ssm::Parameter::new("/us/only", &us_value).provider(&us));

    let net = stack.scope("net", net)?;

    // aws_security_group.db
    let db = stack.add(
        "db",
        ec2::SecurityGroup::new(&net.vpc.id, "the database").name("db"),
    );

    // aws_security_group.web
    let web = stack.add(
        "web",
        ec2::SecurityGroup::new(&net.vpc.id, "from outside")
            .name("web")
            .allow_all_egress(true)
            .tags([("Name", "web")]),
    );

    // aws_vpc_security_group_ingress_rule.ssh
    for (name, cidr) in [
        ("ssh-10.1.0.0-16", cidr!("10.1.0.0/16")),
        ("ssh-10.2.0.0-16", cidr!("10.2.0.0/16")),
    ] {
        let security_group_rule = ec2::SecurityGroupRule::new(
            &db.id,
            ec2::Direction::Ingress,
            ec2::Source::cidr(cidr),
            ec2::Ports::tcp(22),
        );
        stack.add(name, security_group_rule);
    }

    // aws_security_group.web
    let web_ingress_tcp_443_0_0_0_0_0 = stack.add(
        "web-ingress-tcp-443-0.0.0.0-0",
        ec2::SecurityGroupRule::new(
                &web.id,
                ec2::Direction::Ingress,
                ec2::Source::cidr(cidr!("0.0.0.0/0")),
                ec2::Ports::tcp(443),
            )
            .description("HTTPS"),
    );

    // aws_security_group.web
    let web_ingress_tcp_8000_8100_10_0_0_0_8 = stack.add(
        "web-ingress-tcp-8000-8100-10.0.0.0-8",
        ec2::SecurityGroupRule::new(
            &web.id,
            ec2::Direction::Ingress,
            ec2::Source::cidr(cidr!("10.0.0.0/8")),
            ec2::Ports::tcp_range(8000, 8100),
        ),
    );

    // aws_security_group.web
    let web_ingress_tcp_8000_8100_192_168_0_0_16 = stack.add(
        "web-ingress-tcp-8000-8100-192.168.0.0-16",
        ec2::SecurityGroupRule::new(
            &web.id,
            ec2::Direction::Ingress,
            ec2::Source::cidr(cidr!("192.168.0.0/16")),
            ec2::Ports::tcp_range(8000, 8100),
        ),
    );

    // aws_security_group_rule.db
    stack.add(
        "db",
        ec2::SecurityGroupRule::new(
                &db.id,
                ec2::Direction::Ingress,
                ec2::Source::group(&web.id),
                ec2::Ports::tcp(5432),
            )
            .depends_on([
                &web_ingress_tcp_443_0_0_0_0_0,
                &web_ingress_tcp_8000_8100_10_0_0_0_8,
                &web_ingress_tcp_8000_8100_192_168_0_0_16,
            ]),
    );

    // aws_db_subnet_group.main
    stack.add(
        "main",
        rds::SubnetGroup::new()
            .name("main")
            .description("Managed by Terraform")
            .subnets([
                &net.private_subnet[0].id,
                &net.private_subnet[2].id,
                &net.private_subnet[1].id,
            ]),
    );

    stack.export("bucket", &data.name);
    Ok(())
}

/// What the rest of the stack uses of the scope `net`.
struct Net {
    vpc: Handle<ec2::Vpc>,
    private_subnet: Vec<Handle<ec2::Subnet>>,
}

/// Declares the scope `net`.
fn net(stack: &mut Stack) -> Result<Net> {
    // module.net.aws_eip.nat
    let nat = stack.add(
        "nat",
        ec2::ElasticIp::new()
            .network_border_group("eu-west-1")
            .public_ipv4_pool("amazon"),
    );

    // module.net.aws_vpc.this
    let vpc = stack.add(
        "vpc",
        ec2::Vpc::new(cidr!("10.5.0.0/16"))
            .dns_hostnames(true)
            .tags([("Name", "net")]),
    );

    // module.net.aws_internet_gateway.this
    let internet_gateway = stack.add(
        "internet-gateway",
        ec2::InternetGateway::new().vpc_id(&vpc.id),
    );

    // module.net.aws_route_table.private
    let private = stack.add("private", ec2::RouteTable::new(&vpc.id));

    // module.net.aws_route_table.public
    let public = stack.add(
        "public",
        ec2::RouteTable::new(&vpc.id).depends_on(&internet_gateway),
    );

    // module.net.aws_route_table.public
    stack.add(
        "public-0.0.0.0-0",
        ec2::Route::new(
            &public.id,
            cidr!("0.0.0.0/0"),
            ec2::RouteTarget::internet_gateway(&internet_gateway.id),
        ),
    );

    // module.net.aws_subnet.private
    let mut private_subnet = Vec::new();
    for (index, (cidr, zone)) in [
        (cidr!("10.5.0.0/24"), Zone::trusted("eu-west-1a")),
        (cidr!("10.5.1.0/24"), Zone::trusted("eu-west-1b")),
        (cidr!("10.5.2.0/24"), Zone::trusted("eu-west-1c")),
    ]
        .into_iter()
        .enumerate()
    {
        let subnet = ec2::Subnet::new(&vpc.id, cidr, zone)
            .tags([("Name", format!("private-{index}"))]);
        private_subnet.push(
            stack.add(format!("private-{index}"), subnet),
        );
    }

    // module.net.aws_nat_gateway.this
    let nat_gateway = stack.add(
        "nat-gateway",
        ec2::NatGateway::new(&private_subnet[0].id).allocation_id(&nat.id),
    );

    // module.net.aws_route.out
    stack.add(
        "out",
        ec2::Route::new(
            &private.id,
            cidr!("0.0.0.0/0"),
            ec2::RouteTarget::nat_gateway(&nat_gateway.id),
        ),
    );

    // module.net.aws_route_table_association.private
    for index in 0..3 {
        let route_table_association = ec2::RouteTableAssociation::new(
            &private_subnet[index].id,
            &private.id,
        );
        stack.add(format!("private-{index}"), route_table_association);
    }
    Ok(Net { vpc, private_subnet })
}

// Not in this program:
//
// - aws_key_pair.admin: there is no kind for key pairs; instances name them by `key_name`, which is taken
