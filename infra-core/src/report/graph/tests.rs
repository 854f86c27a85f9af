//! What a picture must be: nothing on top of anything else, and the same every time.

use std::collections::BTreeSet;

use infra_state::Urn;

use super::{
    layout::{BOX, layout},
    *,
};
use crate::graph::Role;

fn push(picture: &mut Picture, kind: &str, name: &str, needs: &[usize]) -> usize {
    let to = picture.boxes.len();
    picture.boxes.push(PictureBox {
        urn: Urn::new(kind, name).unwrap(),
        role: if kind.contains("Ami") { Role::Lookup } else { Role::Managed },
        protected: kind.contains("rds:Instance") || kind.contains("kms"),
        holds_data: kind.contains("rds:Instance") || kind.contains("kms"),
    });
    picture.arrows.extend(needs.iter().map(|from| (*from, to)));
    to
}

/// Something like a whole production system in three zones.
#[expect(clippy::too_many_lines, reason = "one line an object")]
fn system() -> Picture {
    let mut p = Picture { title: "qledger-ha/prod".into(), ..Picture::default() };
    let vpc = push(&mut p, "aws:ec2:Vpc", "net/vpc", &[]);
    let gateway = push(&mut p, "aws:ec2:InternetGateway", "net/gateway", &[vpc]);
    let public_table = push(&mut p, "aws:ec2:RouteTable", "net/public", &[vpc]);
    push(&mut p, "aws:ec2:Route", "net/public-default", &[public_table, gateway]);
    let key = push(&mut p, "aws:kms:Key", "key/main", &[]);
    push(&mut p, "aws:kms:Alias", "key/alias", &[key]);
    let (mut app, mut data, mut public) = (vec![], vec![], vec![]);
    for zone in ["a", "b", "c"] {
        let net = |what: &str| format!("net/{what}-{zone}");
        let subnet = push(&mut p, "aws:ec2:Subnet", &net("public"), &[vpc]);
        public.push(subnet);
        push(
            &mut p,
            "aws:ec2:RouteTableAssociation",
            &net("public-routes"),
            &[subnet, public_table],
        );
        let address = push(&mut p, "aws:ec2:ElasticIp", &net("nat-address"), &[gateway]);
        let nat = push(&mut p, "aws:ec2:NatGateway", &net("nat"), &[subnet, address]);
        for (what, list) in [("app", &mut app), ("data", &mut data)] {
            let subnet = push(&mut p, "aws:ec2:Subnet", &net(what), &[vpc]);
            list.push(subnet);
            let table = push(&mut p, "aws:ec2:RouteTable", &net(&format!("{what}-table")), &[vpc]);
            push(
                &mut p,
                "aws:ec2:RouteTableAssociation",
                &net(&format!("{what}-routes")),
                &[subnet, table],
            );
            if what == "app" {
                push(&mut p, "aws:ec2:Route", &net("app-default"), &[table, nat]);
            }
        }
    }
    let mut groups = vec![];
    for group in ["cluster", "nodes", "database", "balancer", "endpoints"] {
        let group = push(&mut p, "aws:ec2:SecurityGroup", &format!("firewall/{group}"), &[vpc]);
        groups.push(group);
        for rule in ["in", "out"] {
            let other = groups[groups.len() / 2];
            let name = format!("firewall/{}-{rule}", groups.len());
            push(&mut p, "aws:ec2:SecurityGroupRule", &name, &[group, other]);
        }
    }
    for service in ["ecr-api", "ecr-dkr", "ssm", "logs", "sts"] {
        let mut needs = app.clone();
        needs.push(groups[4]);
        push(&mut p, "aws:ec2:VpcEndpoint", &format!("net/endpoint-{service}"), &needs);
    }
    let subnets = push(&mut p, "aws:rds:SubnetGroup", "data/subnets", &data);
    let parameters = push(&mut p, "aws:rds:ParameterGroup", "data/parameters", &[]);
    let password = push(&mut p, "core:Secret", "data/password", &[]);
    let db = push(
        &mut p,
        "aws:rds:Instance",
        "data/db",
        &[subnets, parameters, groups[2], key, password],
    );
    let url = push(&mut p, "aws:ssm:Parameter", "data/url", &[db, key, password]);
    let role = push(&mut p, "aws:iam:Role", "cluster/role", &[]);
    push(&mut p, "aws:iam:PolicyAttachment", "cluster/role-policy", &[role]);
    let log = push(&mut p, "aws:logs:LogGroup", "cluster/log", &[key]);
    let mut needs = app.clone();
    needs.extend([role, groups[0], key, log]);
    let cluster = push(&mut p, "aws:eks:Cluster", "cluster/eks", &needs);
    let ami = push(&mut p, "aws:ec2:LatestAmi", "cluster/ami", &[]);
    let template =
        push(&mut p, "aws:ec2:LaunchTemplate", "cluster/template", &[cluster, ami, groups[1]]);
    let node_role = push(&mut p, "aws:iam:Role", "cluster/node-role", &[]);
    let mut pools = vec![];
    for policy in ["worker", "cni", "registry", "ssm"] {
        push(&mut p, "aws:iam:PolicyAttachment", &format!("cluster/node-{policy}"), &[node_role]);
    }
    for (zone, subnet) in ["a", "b", "c"].iter().zip(&app) {
        let name = format!("cluster/pool-{zone}");
        pools.push(push(
            &mut p,
            "aws:eks:NodeGroup",
            &name,
            &[cluster, template, node_role, *subnet],
        ));
    }
    for addon in ["vpc-cni", "kube-proxy", "coredns", "pod-identity", "ebs-csi"] {
        let mut needs = pools.clone();
        needs.push(cluster);
        push(&mut p, "aws:eks:Addon", &format!("cluster/addon-{addon}"), &needs);
    }
    for who in ["admin", "deploy"] {
        push(&mut p, "aws:eks:AccessEntry", &format!("cluster/access-{who}"), &[cluster]);
    }
    let app_role = push(&mut p, "aws:iam:Role", "app/role", &[]);
    push(&mut p, "aws:iam:RolePolicy", "app/read-parameters", &[app_role, url, key]);
    push(&mut p, "aws:eks:PodIdentityAssociation", "app/identity", &[app_role, cluster]);
    push(&mut p, "aws:ecr:Repository", "app/images", &[key]);
    let mut needs = public.clone();
    needs.push(groups[3]);
    let balancer = push(&mut p, "aws:elbv2:LoadBalancer", "edge/balancer", &needs);
    let target = push(&mut p, "aws:elbv2:TargetGroup", "edge/targets", &[vpc]);
    push(&mut p, "aws:elbv2:Listener", "edge/listener", &[balancer, target]);
    for (zone, pool) in ["a", "b", "c"].iter().zip(&pools) {
        push(
            &mut p,
            "aws:autoscaling:Attachment",
            &format!("edge/attachment-{zone}"),
            &[target, *pool],
        );
    }
    let topic = push(&mut p, "aws:sns:Topic", "alarms", &[key]);
    for alarm in ["db-cpu", "db-storage", "db-connections", "nodes", "targets"] {
        let on = if alarm.starts_with("db") { db } else { balancer };
        push(&mut p, "aws:cloudwatch:Alarm", &format!("watch/{alarm}"), &[topic, on]);
    }
    p
}

#[test]
fn nothing_overlaps_and_arrows_go_right() {
    let picture = system();
    assert!(picture.boxes.len() > 90);
    let layout = layout(&picture);
    for (from, to) in &picture.arrows {
        assert!(layout.items[*from].layer < layout.items[*to].layer);
    }
    for (at, a) in layout.items.iter().enumerate().filter(|(_, item)| item.of.is_some()) {
        for b in layout.items[at + 1..].iter().filter(|item| item.of.is_some()) {
            let apart = a.layer != b.layer || (a.y - b.y).abs() >= BOX.1;
            assert!(apart, "{:?} and {:?}", a.of, b.of);
        }
        let lane = &layout.lanes[a.lane];
        assert!(a.y > lane.top && a.y < lane.top + lane.height, "{:?} leaves its lane", a.of);
    }
}

#[test]
fn the_same_picture_is_drawn_the_same() {
    let (one, two) = (svg(&system()), svg(&system()));
    assert_eq!(one, two);
    assert!(one.starts_with("<svg ") && one.ends_with("</svg>\n"));
    if let Ok(path) = std::env::var("INFRA_PICTURE") {
        std::fs::write(path, one).unwrap();
    }
}

#[test]
fn dot_and_mermaid() {
    let mut p = Picture { title: "shop/dev".into(), ..Picture::default() };
    let vpc = push(&mut p, "aws:ec2:Vpc", "net/vpc", &[]);
    let subnet = push(&mut p, "aws:ec2:Subnet", "net/app/a", &[vpc]);
    push(&mut p, "aws:rds:Instance", "db", &[subnet, vpc]);
    assert_eq!(p.essential(), [(0, 1), (1, 2)]);
    insta::assert_snapshot!("dot", dot(&p));
    insta::assert_snapshot!("mermaid", mermaid(&p));
    let empty = Picture::default();
    assert!(svg(&empty).contains("0 resources"));
    assert_eq!(p.arrows, BTreeSet::from([(0, 1), (0, 2), (1, 2)]));
}
