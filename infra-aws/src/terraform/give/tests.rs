//! What is said without a word is not written, and what Terraform cannot say is refused.

#![expect(clippy::unwrap_used, reason = "tests")]

use infra_core::{
    state::{Instance, Options, Record, Status, Urn, Value},
    transfer::terraform::{Hcl, Object},
};
use serde_json::json;

use super::exports;

/// The object's one block, in one line.
fn written(kind: &str, inputs: serde_json::Value) -> Result<String, String> {
    let record = Record {
        urn: Urn::new(kind, "it").unwrap(),
        instance: Instance::from("aaaaaaaa"),
        version: 1,
        status: Status::Ready,
        id: Some("id-1".to_owned()),
        inputs: Value::from(inputs),
        outputs: Value::map(),
        provider: None,
        dependencies: [].into(),
        options: Options::default(),
        holds_data: false,
        created: jiff::Timestamp::UNIX_EPOCH,
        updated: jiff::Timestamp::UNIX_EPOCH,
    };
    let all = exports();
    let (_, export) = all.iter().find(|(known, _)| *known == kind).unwrap();
    let field = |name: &str| record.inputs.get(name).cloned().map(Hcl::Literal);
    let blocks = (export.give)(&Object::new(&record, export.terraform, "it", &field))?;
    let [block] = &blocks[..] else { panic!("{blocks:?} is not one") };
    let text = block.body.text(block.terraform);
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn template(metadata: &serde_json::Value) -> String {
    written("aws:ec2:LaunchTemplate", json!({"name": "t", "metadata": metadata})).unwrap()
}

fn configuration(more: &serde_json::Value) -> Result<String, String> {
    let mut inputs = json!({"image_id": "ami-1", "instance_type": "t3.micro"});
    inputs.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    written("aws:autoscaling:LaunchConfiguration", inputs)
}

#[test]
fn a_template_says_of_metadata_only_what_is_not_so_anyway() {
    let silent = template(&json!({"http_tokens": "optional"}));
    assert!(!silent.contains("metadata_options"), "{silent}");
    assert!(silent.contains("ignore_changes = [monitoring]"), "{silent}");
    let tokens = template(&json!({"http_tokens": "required"}));
    let block = "metadata_options { http_endpoint = \"enabled\" http_tokens = \"required\" }";
    assert!(tokens.contains(block), "{tokens}");
    assert!(tokens.contains("[monitoring, metadata_options[0].http_endpoint]"), "{tokens}");
    let hops = template(&json!({"http_tokens": "optional", "hop_limit": 2}));
    let block = "{ http_endpoint = \"enabled\" http_put_response_hop_limit = 2 }";
    assert!(hops.contains(block), "{hops}");
    let off = template(&json!({"http_tokens": "optional", "enabled": false}));
    assert!(off.contains("{ http_endpoint = \"disabled\" }"), "{off}");
    assert!(off.contains("ignore_changes = [monitoring]"), "{off}");
}

#[test]
fn a_configuration_says_of_metadata_only_what_is_not_so_anyway() {
    let silent = configuration(&json!({"metadata": {"tokens_required": false}})).unwrap();
    assert!(!silent.contains("metadata_options"), "{silent}");
    let tokens = configuration(&json!({"metadata": {"hop_limit": 1}})).unwrap();
    let block = "metadata_options { http_endpoint = \"enabled\" http_tokens = \"required\" }";
    assert!(tokens.contains(block), "{tokens}");
}

#[test]
fn a_configurations_volumes_are_written_as_what_they_are() {
    let text = configuration(&json!({"block_devices": [
        {"device_name": "/dev/xvda", "size": 20},
        {"device_name": "/dev/sdb", "snapshot": "snap-1", "left_out": false},
        {"device_name": "/dev/sdc", "virtual_name": "ephemeral0"},
        {"device_name": "/dev/sdd", "left_out": true}
    ]}));
    let text = text.unwrap();
    for block in [
        "root_block_device { volume_size = 20 }",
        "ebs_block_device { device_name = \"/dev/sdb\" snapshot_id = \"snap-1\" }",
        "ephemeral_block_device { device_name = \"/dev/sdc\" virtual_name = \"ephemeral0\" }",
        "ebs_block_device { device_name = \"/dev/sdd\" no_device = true }",
    ] {
        assert!(text.contains(block), "no `{block}` in {text}");
    }
    let root = json!({"device_name": "/dev/xvda", "snapshot": "snap-1"});
    let refused = configuration(&json!({"block_devices": [root]})).unwrap_err();
    assert!(refused.contains("snapshot"), "{refused}");
}
