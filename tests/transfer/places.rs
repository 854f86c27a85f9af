//! Where objects are: by which provider they are reached, and that two places are two.

use std::{sync::Arc, time::Duration};

use infra_core::{
    command::take::{TakeOptions, Taking, from_live, from_terraform, record},
    provider::{self, Class, Connection, Connector, Context, Driver},
    state::Value,
};
use serde_json::json;

use crate::{
    harness::Lab,
    outside::{engine, state},
};

fn note(lab: &Lab, id: &str) {
    lab.world.plant(id, "fake:Note", [("text", Value::from("some text"))].into());
}

/// What was taken, and by which provider it is reached.
fn reached(taking: &Taking) -> Vec<(&str, Option<&str>)> {
    let objects = taking.declarations.iter().filter(|it| it.id.is_some());
    let mut all: Vec<_> = objects
        .map(|it| {
            (it.origin.as_deref().unwrap(), it.provider.as_ref().map(infra_core::state::Urn::name))
        })
        .collect();
    all.sort_unstable();
    all
}

#[tokio::test]
async fn the_same_id_in_two_places_is_two_objects() {
    let lab = Lab::new();
    note(&lab, "note-1");
    let resource = |name: &'static str, alias: &'static str, region: &str| {
        let attributes = json!({"id": "note-1", "region": region});
        ("", "fake_note", name, alias, json!([{"attributes": attributes}]))
    };
    let empty = engine(&lab, |_| Ok(()));
    let both = state(&[resource("a", "", "here"), resource("b", "us", "there")]);
    let taking = from_terraform(&empty, &both, &TakeOptions::default()).await.unwrap();
    assert_eq!(reached(&taking), [("fake_note.a", None), ("fake_note.b", Some("us"))]);
    assert!(taking.left.is_empty(), "{:?}", taking.left);

    // One after the other is the same.
    for name in ["fake_note.a", "fake_note.b"] {
        let only = TakeOptions { only: vec![name.to_owned()] };
        let taking = from_terraform(&empty, &both, &only).await.unwrap();
        record(&empty, &taking, Duration::ZERO).await.unwrap();
    }
    let again = from_terraform(&empty, &both, &TakeOptions::default()).await.unwrap_err();
    assert!(again.to_string().contains("is recorded already"), "{again}");
}

#[tokio::test]
async fn another_region_is_reached_with_the_credentials_of_the_stack() {
    let mut lab = Lab::new();
    lab.settings = [("token", Value::from("the stack's own"))].into();
    note(&lab, "note-1");
    let attributes = json!({"id": "note-1", "region": "there"});
    let state = state(&[("", "fake_note", "n", "us", json!([{"attributes": attributes}]))]);
    let empty = engine(&lab, |_| Ok(()));
    let taking = from_terraform(&empty, &state, &TakeOptions::default()).await.unwrap();
    let us = taking.declarations.iter().find(|it| it.urn.as_str() == "fake:Provider::us").unwrap();
    let said = |field: &str| us.inputs[field].literal().unwrap().as_str().unwrap().to_owned();
    assert_eq!((said("region"), said("token")), ("there".into(), "the stack's own".into()));
}

#[tokio::test]
async fn who_is_in_no_alias_may_be_elsewhere_too() {
    let lab = Lab::new();
    note(&lab, "note-1");
    note(&lab, "note-2");
    let state = state(&[
        ("", "fake_note", "says", "", json!([{"attributes": {"id": "note-1", "region": "there"}}])),
        ("", "fake_note", "silent", "", json!([{"attributes": {"id": "note-2"}}])),
    ]);
    let empty = engine(&lab, |_| Ok(()));
    let taking = from_terraform(&empty, &state, &TakeOptions::default()).await.unwrap();
    let there = Some("there");
    assert_eq!(reached(&taking), [("fake_note.says", there), ("fake_note.silent", there)]);
}

/// A cloud that nobody has credentials for.
struct Closed;

#[async_trait::async_trait]
impl Connector for Closed {
    fn provider_kind(&self) -> &'static str {
        "closed:Provider"
    }

    fn drivers(&self) -> Vec<Arc<dyn Driver>> {
        Vec::new()
    }

    fn default_provider(&self, _: &Context) -> provider::Result<Value> {
        Ok(Value::map())
    }

    async fn connect(&self, _: &Value, _: &Context) -> provider::Result<Connection> {
        Err(provider::Error::new(Class::Denied, "there are no credentials"))
    }
}

#[tokio::test]
async fn only_who_has_the_network_has_to_be_reached() {
    let lab = Lab::new();
    lab.world.plant("net-1", "fake:Net", [("block", Value::from("10.0.0.0/16"))].into());
    let mut engine = engine(&lab, |_| Ok(()));
    engine.connectors.insert("closed:Provider".to_owned(), Arc::new(Closed));
    let taking = from_live(&engine, "net-1", &TakeOptions::default()).await.unwrap();
    assert_eq!(taking.taken.len(), 1);
    let nobody = from_live(&engine, "subnet-1", &TakeOptions::default()).await.unwrap_err();
    assert!(nobody.to_string().contains("there are no credentials"), "{nobody}");
}
