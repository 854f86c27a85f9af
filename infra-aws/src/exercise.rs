//! Puts a resource's verbs through what the engine does with them, over the embedded AWS. For tests only.

use std::{sync::Arc, time::Duration};

use infra_core::{
    Data,
    provider::{
        Change, Class, Cx, Find, Managed, Observed, Operation, Order, Partial, Readiness, Shape,
    },
    state::{Instance, Lineage, Path, StackName, Urn, Value},
};

use crate::Aws;

/// What the program would have declared, from JSON; checked as at preview.
pub(crate) fn want<R: Managed>(json: serde_json::Value) -> R {
    let value = Value::from(json);
    let violations = R::check(&Partial::new(value.clone()));
    assert!(violations.is_empty(), "{violations:?}");
    R::from_value(&value).unwrap()
}

/// An operation that has not been before.
pub(crate) fn operation<R: Managed>() -> Operation {
    Operation {
        id: uuid::Uuid::new_v4(),
        stack: StackName::new("exercise", "test").unwrap(),
        lineage: Lineage(uuid::Uuid::nil()),
        urn: Urn::new(R::KIND, "it").unwrap(),
        instance: Instance::from_bytes([7; 8]),
    }
}

/// The object as it is now, or nothing. Each read is a batch of its own, as it is for the engine.
pub(crate) async fn read<R: Managed<Cloud = Aws>>(
    aws: &Arc<Aws>,
    id: &str,
    recorded: &R,
) -> Option<Observed<R>> {
    let find = [Find::Id { id, recorded: Some(recorded) }];
    let mut answers = R::read(&Cx::new(Arc::clone(aws)), &find).await;
    assert_eq!(answers.len(), 1);
    answers.remove(0).unwrap()
}

/// Makes it, twice with one operation: one object must be there. Then brings it to what is wanted.
pub(crate) async fn make<R: Managed<Cloud = Aws>>(aws: &Arc<Aws>, want: &R) -> Observed<R> {
    let (cx, op) = (Cx::new(Arc::clone(aws)), operation::<R>());
    let id = R::create(&cx, want, &op).await.unwrap();
    match R::create(&cx, want, &op).await {
        Ok(again) => {
            let found = R::read(&Cx::new(Arc::clone(aws)), &[Find::Made { want, op: &op }]).await;
            let found = found.into_iter().next().unwrap().unwrap().expect("the operation's object");
            let once = R::once().by_name || R::once().token.is_some();
            assert!(
                !once || (id == again && found.id == id),
                "{id}, {again} and {} are made",
                found.id
            );
        }
        Err(e) => assert_eq!(e.class(), Class::Exists, "{e}"),
    }
    let made = R::read(&Cx::new(Arc::clone(aws)), &[Find::Made { want, op: &op }]).await;
    let made = made.into_iter().next().unwrap().unwrap().expect("what the operation made");
    if let Some(owner) = &made.owner {
        assert_eq!(owner.get("infra:operation"), Some(&op.id.to_string()));
    }
    let made = bring(aws, &id, want).await;
    is_owned(aws, want, &id).await;
    made
}

/// What its stack owns, as a batch of its own; no other stack's may be among it. `None`: the kind cannot say.
pub(crate) async fn owned<R: Managed<Cloud = Aws>>(aws: &Arc<Aws>) -> Option<Vec<Observed<R>>> {
    let stack = operation::<R>().stack;
    let found = R::owned(&Cx::new(Arc::clone(aws)), &stack).await.unwrap()?;
    for observed in &found {
        let of = observed.owner.as_ref().map(|owner| owner["infra:stack"].clone());
        assert!(of.is_none_or(|of| of == stack.to_string()), "{}", observed.id);
    }
    Some(found)
}

/// The object is found as its stack's, just as a read by its id gives it, and is not another stack's.
async fn is_owned<R: Managed<Cloud = Aws>>(aws: &Arc<Aws>, want: &R, id: &str) {
    let another = Find::Made { want, op: &operation::<R>() };
    let made = R::read(&Cx::new(Arc::clone(aws)), &[another]).await.remove(0).unwrap();
    let Some(found) = owned::<R>(aws).await else {
        // Then its inputs alone are enough, whoever made it.
        return assert_eq!(made.expect("what its inputs say").id, id);
    };
    assert!(R::once().by_name || made.is_none(), "{id} is another operation's");
    let by_id = [Find::Id { id, recorded: None }];
    let read = R::read(&Cx::new(Arc::clone(aws)), &by_id).await.remove(0).unwrap().expect("it");
    let found: Vec<_> = found.iter().filter(|observed| observed.id == id).collect();
    if R::schema().fields.iter().any(|field| field.tags) {
        let owner = read.owner.as_ref().and_then(|owner| owner.get("infra:stack"));
        assert_eq!(owner, Some(&operation::<R>().stack.to_string()), "{id}");
        assert_eq!(found.len(), 1, "{id} is found {} times", found.len());
    }
    for observed in found {
        assert_eq!(observed.live.to_value(), read.live.to_value());
        let outputs = |of: &Observed<R>| of.outputs.as_ref().map(Data::to_value);
        assert_eq!(outputs(observed), outputs(&read));
        assert_eq!((&observed.readiness, &observed.owner), (&read.readiness, &read.owner));
    }
    for other in ["other", "test-2"] {
        let stack = StackName::new("exercise", other).unwrap();
        let found = R::owned(&Cx::new(Arc::clone(aws)), &stack).await.unwrap().unwrap();
        assert!(found.is_empty(), "{id} is of {stack}, too");
    }
}

/// Brings the object to what is wanted as the engine does: update what differs, wait, look again.
pub(crate) async fn bring<R: Managed<Cloud = Aws>>(
    aws: &Arc<Aws>,
    id: &str,
    want: &R,
) -> Observed<R> {
    let cx = Cx::new(Arc::clone(aws));
    let mut updates = 0;
    for _ in 0..200 {
        let have = read(aws, id, want).await.expect("the object");
        let paths = differing(want, &have.live);
        match &have.readiness {
            Readiness::Ready if paths.is_empty() => return have,
            Readiness::Ready | Readiness::Restorable(_) => {
                updates += 1;
                assert!(
                    updates < 12,
                    "{paths:?} do not settle: {:#?} is not {:#?}",
                    have.live.to_value(),
                    want.to_value()
                );
                let change = Change {
                    have: Some(&have),
                    recorded: Some(want),
                    want: Some(want),
                    paths: &paths,
                };
                assert!(!R::grants(&change).is_empty());
                match R::update(&cx, &change, &operation::<R>()).await {
                    Err(e) if !e.class().is_retryable() => panic!("{paths:?}: {e}"),
                    _ => {}
                }
            }
            Readiness::Failed(why) | Readiness::Stuck(why) => panic!("failed: {why}"),
            Readiness::Pending(_) | Readiness::Deleting(_) => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
    panic!("{} does not get ready", R::KIND);
}

/// Deletes it and waits until it is gone (or can only be restored); a second delete is fine too.
pub(crate) async fn delete<R: Managed<Cloud = Aws>>(
    aws: &Arc<Aws>,
    have: &Observed<R>,
    recorded: &R,
) {
    let cx = Cx::new(Arc::clone(aws));
    R::delete(&cx, have, recorded, &operation::<R>()).await.unwrap();
    for _ in 0..200 {
        match read(aws, &have.id, recorded).await {
            None => {
                let owned = owned::<R>(aws).await.unwrap_or_default();
                assert!(owned.iter().all(|it| it.id != have.id), "{} is still owned", have.id);
                return R::delete(&cx, have, recorded, &operation::<R>()).await.unwrap();
            }
            Some(Observed { readiness: Readiness::Restorable(_), .. }) => {
                let owned = owned::<R>(aws).await.unwrap();
                let found = owned.iter().find(|it| it.id == have.id).expect("what is restorable");
                return assert!(matches!(found.readiness, Readiness::Restorable(_)));
            }
            Some(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
    panic!("{} does not go", R::KIND);
}

/// The fields that are not as wanted.
pub(crate) fn differing<R: Managed>(want: &R, live: &R) -> Vec<Path> {
    let (want, live) = (want.to_value(), live.to_value());
    let fields = R::schema().fields.iter().filter(|field| !field.write_only);
    let differs = |field: &&infra_core::provider::FieldSchema| {
        let of = |value: &Value| {
            let value = value.get(field.name).map(Value::plain)?;
            Some(field.normalize.map_or_else(|| value.clone(), |normalize| normalize(&value)))
        };
        match (of(&want), of(&live)) {
            (None, live) => live.is_some() && !field.computed,
            (Some(want), Some(live)) => {
                canonical(&field.shape, &want)
                    != canonical(&field.shape, &asked(&field.shape, &want, &live))
            }
            (want, live) => want != live,
        }
    };
    fields.filter(differs).map(|field| Path::field(field.name)).collect()
}

/// What is live, without what the cloud chose inside it because nobody said it.
fn asked(shape: &Shape, want: &Value, live: &Value) -> Value {
    let (Shape::Struct(fields), Value::Map(want), Value::Map(live)) = (shape, want, live) else {
        return live.clone();
    };
    let field = |field: &infra_core::provider::FieldSchema| {
        let live = live.get(field.name)?;
        match want.get(field.name) {
            Some(want) => Some((field.name.to_owned(), asked(&field.shape, want, live))),
            None => (!field.computed).then(|| (field.name.to_owned(), live.clone())),
        }
    };
    Value::Map(fields.iter().filter_map(field).collect())
}

/// Lists whose order means nothing are sorted, and what is left out stands for its default.
fn canonical(shape: &Shape, value: &Value) -> Value {
    match (shape, value) {
        (Shape::List { of, order }, Value::List(list)) => {
            let mut list: Vec<_> = list.iter().map(|value| canonical(of, value)).collect();
            if !matches!(order, Order::List) {
                list.sort_by_cached_key(|value| value.to_json().to_string());
            }
            Value::List(list)
        }
        (Shape::Map(of), Value::Map(map)) => {
            Value::Map(map.iter().map(|(key, value)| (key.clone(), canonical(of, value))).collect())
        }
        (Shape::Struct(fields), Value::Map(map)) => {
            let field = |field: &infra_core::provider::FieldSchema| {
                let value = map.get(field.name).cloned().or_else(|| field.default.clone())?;
                Some((field.name.to_owned(), canonical(&field.shape, &value)))
            };
            Value::Map(fields.iter().filter_map(field).collect())
        }
        _ => value.clone(),
    }
}

/// A VPC with two subnets and a security group, for what lies in one.
#[cfg(all(
    feature = "ec2",
    any(feature = "rds", feature = "elbv2", feature = "eks", feature = "route53")
))]
pub(crate) struct Network {
    pub(crate) vpc: String,
    pub(crate) subnets: [String; 2],
    pub(crate) group: String,
}

/// Makes the network by the SDK alone.
#[cfg(all(
    feature = "ec2",
    any(feature = "rds", feature = "elbv2", feature = "eks", feature = "route53")
))]
pub(crate) async fn network(aws: &Aws) -> Network {
    let ec2 = aws.ec2();
    let vpc = ec2
        .create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await
        .unwrap()
        .vpc
        .unwrap()
        .vpc_id
        .unwrap();
    let mut subnets = [String::new(), String::new()];
    for (at, zone) in ["a", "b"].into_iter().enumerate() {
        let create = ec2.create_subnet().vpc_id(&vpc).cidr_block(format!("10.0.{at}.0/24"));
        let made =
            create.availability_zone(format!("{}{zone}", aws.region())).send().await.unwrap();
        subnets[at] = made.subnet.unwrap().subnet_id.unwrap();
    }
    let group =
        ec2.create_security_group().group_name("exercise").description("exercise").vpc_id(&vpc);
    let group = group.send().await.unwrap().group_id.unwrap();
    Network { vpc, subnets, group }
}

/// Makes a role that a service may assume.
#[cfg(all(feature = "iam", feature = "eks"))]
pub(crate) async fn role(aws: &Aws, name: &str, service: &str) -> String {
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{{"Service":"{service}"}}}}]}}"#
    );
    let create = aws.iam().create_role().role_name(name).assume_role_policy_document(trust);
    create.send().await.unwrap().role.unwrap().arn
}
