//! What is not taken, and why: what a reader of the report would otherwise have to find out.

use infra_core::transfer::terraform::Import;

use super::imports::Line;

pub(super) fn imports() -> Vec<Line> {
    let never = |(kinds, why): (&[&'static str], &'static str)| {
        kinds.iter().map(move |kind| (*kind, Import::Never(why))).collect::<Vec<_>>()
    };
    NEVER.into_iter().flat_map(never).collect()
}

const NEVER: [(&[&str], &str); 16] = [
    (
        &["aws_default_vpc", "aws_default_subnet", "aws_default_vpc_dhcp_options"],
        "it comes with the account; look it up (`ec2::VpcById`, `ec2::Subnets`)",
    ),
    (
        &["aws_default_security_group", "aws_default_network_acl"],
        "it comes and goes with its VPC; what Terraform took out of it stays out",
    ),
    (
        &["aws_main_route_table_association"],
        "there is no kind for it: associate each subnet with its table (aws:ec2:RouteTableAssociation)",
    ),
    (
        &["aws_network_acl", "aws_network_acl_rule", "aws_network_acl_association"],
        "there is no kind for network ACLs; they stay as they are, and drift shows them as unmanaged",
    ),
    (
        &["aws_vpc_dhcp_options", "aws_vpc_dhcp_options_association"],
        "there is no kind for DHCP options; the VPC keeps those that it has",
    ),
    (
        &["aws_vpc_ipv4_cidr_block_association", "aws_vpc_ipv6_cidr_block_association"],
        "aws:ec2:Vpc has one block of addresses; the others stay as they are",
    ),
    (
        &["aws_eip_association", "aws_network_interface", "aws_network_interface_attachment"],
        "there is no kind for network interfaces and what is attached to them; they stay as they are",
    ),
    (
        &["aws_key_pair"],
        "there is no kind for key pairs; instances name them by `key_name`, which is taken",
    ),
    (
        &["aws_ebs_volume", "aws_volume_attachment", "aws_ebs_snapshot"],
        "there is no kind for volumes; those of an instance come with it",
    ),
    (
        &["aws_iam_access_key", "aws_iam_user_login_profile", "aws_iam_user_ssh_key"],
        "credentials of people are not kept in a stack; they stay valid",
    ),
    (
        &[
            "aws_iam_group",
            "aws_iam_group_membership",
            "aws_iam_group_policy",
            "aws_iam_group_policy_attachment",
            "aws_iam_user_group_membership",
            "aws_iam_user_policy",
        ],
        "there is no kind for groups of users and policies inside users; they stay as they are",
    ),
    (
        &[
            "aws_iam_role_policies_exclusive",
            "aws_iam_role_policy_attachments_exclusive",
            "aws_vpc_security_group_rules_exclusive",
        ],
        "it is no object: what nobody manages is what `drift --unmanaged` and the least privilege of roles are for",
    ),
    (
        &["aws_iam_service_linked_role"],
        "AWS makes it with the first use of the service and keeps it",
    ),
    (
        &["aws_lb_listener_rule", "aws_alb_listener_rule", "aws_lb_trust_store"],
        "there is no kind for it; it stays as it is, and its listener's default action is taken",
    ),
    (
        &["aws_elb", "aws_elb_attachment"],
        "there is no kind for classic load balancers: `elbv2::LoadBalancer` is their successor",
    ),
    (
        &["aws_rds_cluster", "aws_rds_cluster_instance", "aws_rds_cluster_parameter_group"],
        "there is no kind for Aurora; aws:rds:Instance is a database that is no member of a cluster",
    ),
];
