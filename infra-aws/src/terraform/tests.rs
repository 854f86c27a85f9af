//! The tables are held against the kinds that there are.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use infra_core::{
    graph::Role,
    state::{ProviderIdentity, Value},
    transfer::{
        take::Reason,
        terraform::{Import, Instance, Piece, State},
    },
};
use serde_json::json;

use super::{place::place, tables};

/// The one instance of a state with these attributes.
fn instance(kind: &str, attributes: &serde_json::Value) -> Instance {
    let state = json!({
        "version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "x", "outputs": {},
        "resources": [{
            "mode": "managed", "type": kind, "name": "it",
            "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]",
            "instances": [{"schema_version": 0, "attributes": attributes}]
        }]
    });
    State::read(state.to_string().as_bytes()).unwrap().instances.remove(0)
}

/// What an instance is: kinds and ids.
fn taken(kind: &str, attributes: &serde_json::Value) -> Result<Vec<(String, String)>, String> {
    let pieces = pieces(kind, attributes)?;
    Ok(pieces.into_iter().map(|piece| (piece.kind, piece.id)).collect())
}

fn pieces(kind: &str, attributes: &serde_json::Value) -> Result<Vec<Piece>, String> {
    let Import::Objects(of) = tables().imports[kind] else { panic!("{kind} is no object") };
    of(&instance(kind, attributes))
}

#[test]
fn no_type_is_said_twice() {
    let all = super::take::imports();
    assert_eq!(tables().imports.len(), all.len());
    assert_eq!(tables().exports.len(), super::give::exports().len());
}

#[test]
fn every_kind_is_written_for_terraform_or_says_why_not() {
    let drivers = crate::drivers();
    let managed = drivers.iter().filter(|driver| driver.role() == Role::Managed);
    let managed: BTreeSet<&str> = managed.map(|driver| driver.schema().kind).collect();
    let exports = tables().exports;
    let written: BTreeSet<&str> = exports.keys().copied().collect();
    assert_eq!(managed.symmetric_difference(&written).collect::<Vec<_>>(), Vec::<&&str>::new());
    // What an output is there is an output of the kind.
    for driver in drivers.iter().filter(|driver| driver.role() == Role::Managed) {
        let schema = driver.schema();
        for (output, _) in exports[schema.kind].outputs {
            let known = schema.outputs.iter().any(|it| it.name == *output);
            assert!(known, "{} has no output `{output}`", schema.kind);
        }
    }
}

#[test]
fn ids_that_are_put_together_are_as_the_kinds_read_them() {
    let one = |kind: &str, id: &str| Ok(vec![(kind.to_owned(), id.to_owned())]);
    let route = json!({"route_table_id": "rtb-1", "destination_cidr_block": "0.0.0.0/0", "gateway_id": "igw-1"});
    assert_eq!(taken("aws_route", &route), one("aws:ec2:Route", "rtb-1|0.0.0.0/0"));
    let six = json!({"route_table_id": "rtb-1", "destination_cidr_block": "", "destination_ipv6_cidr_block": "::/0"});
    assert_eq!(taken("aws_route", &six), one("aws:ec2:Route", "rtb-1|::/0"));
    let list = json!({"route_table_id": "rtb-1", "destination_prefix_list_id": "pl-1"});
    assert!(taken("aws_route", &list).unwrap_err().contains("prefix list"));
    let database = json!({"id": "db-ABC", "identifier": "main", "password": "geheim"});
    assert_eq!(taken("aws_db_instance", &database), one("aws:rds:Instance", "main"));
    let replica = json!({"identifier": "copy", "replicate_source_db": "main"});
    assert!(taken("aws_db_instance", &replica).unwrap_err().contains("replica"));
    let policy = json!({"id": "app:read", "role": "app", "name": "read"});
    assert_eq!(taken("aws_iam_role_policy", &policy), one("aws:iam:RolePolicy", "app|read"));
    let nodes = json!({"id": "main:a", "cluster_name": "main", "node_group_name": "a"});
    assert_eq!(taken("aws_eks_node_group", &nodes), one("aws:eks:NodeGroup", "main/a"));
    let record =
        json!({"zone_id": "Z1", "name": "WWW", "fqdn": "www.example.org", "type": "A", "ttl": 60});
    assert_eq!(
        taken("aws_route53_record", &record),
        one("aws:route53:Record", "Z1|www.example.org|A|")
    );
    let attachment = json!({"target_group_arn": "arn", "target_id": "i-1", "port": 80});
    assert_eq!(
        taken("aws_lb_target_group_attachment", &attachment),
        one("aws:elbv2:TargetAttachment", "arn|i-1|80")
    );
    let classic = json!({"id": "203.0.113.7"});
    assert!(taken("aws_eip", &classic).unwrap_err().contains("eipalloc"));
}

#[test]
fn what_is_in_a_table_or_a_role_is_taken_with_it() {
    let table = json!({"id": "rtb-1", "route": [
        {"cidr_block": "0.0.0.0/0", "gateway_id": "igw-1"}, {"cidr_block": "10.0.0.0/16", "gateway_id": "local"},
        {"cidr_block": "", "destination_prefix_list_id": "pl-1", "gateway_id": "igw-1"}
    ]});
    let mut all = pieces("aws_route_table", &table).unwrap();
    // What cannot be taken is told, and takes nothing from the others.
    let left = all.pop().unwrap();
    let (reason, why) = left.left.unwrap();
    assert_eq!((left.suffix.as_deref(), reason), (Some("route to pl-1"), Reason::Unmapped));
    assert!(why.contains("prefix list"), "{why}");
    assert!(all.iter().all(|it| it.left.is_none()), "{all:?}");
    let kinds: Vec<_> = all.into_iter().map(|it| (it.kind, it.id)).collect();
    let expected = [("aws:ec2:RouteTable", "rtb-1"), ("aws:ec2:Route", "rtb-1|0.0.0.0/0")];
    assert_eq!(kinds, expected.map(|(kind, id)| (kind.to_owned(), id.to_owned())));
    let role = json!({
        "name": "app", "inline_policy": [{"name": "", "policy": ""}, {"name": "read", "policy": "{}"}],
        "managed_policy_arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
    });
    let ids: Vec<_> = taken("aws_iam_role", &role).unwrap().into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids, ["app", "app|read", "app|arn:aws:iam::aws:policy/ReadOnlyAccess"]);
}

#[test]
fn an_object_is_where_its_arn_says() {
    let default = ProviderIdentity::from(
        [("account", "123456789012"), ("region", "eu-west-1")]
            .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    let at = |json: serde_json::Value| place(&instance("aws_sns_topic", &json), &default);
    let region = |name: &str| Ok(Some(Value::from([("region", name.into())])));
    assert_eq!(at(json!({"arn": "arn:aws:sns:eu-west-1:123456789012:a"})), Ok(None));
    assert_eq!(at(json!({"arn": "arn:aws:sns:us-east-1:123456789012:a"})), region("us-east-1"));
    assert_eq!(at(json!({"availability_zone": "us-west-2b"})), region("us-west-2"));
    assert_eq!(at(json!({"arn": "arn:aws:iam::123456789012:role/app"})), Ok(None));
    assert_eq!(at(json!({"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"})), Ok(None));
    let elsewhere = at(json!({"arn": "arn:aws:sns:eu-west-1:210987654321:a"}));
    assert!(elsewhere.unwrap_err().contains("210987654321"));
}
