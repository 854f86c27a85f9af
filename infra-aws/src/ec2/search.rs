//! Finding many objects at once, by id or by the tag of the operation that made them.

use std::{collections::HashMap, future::Future};

use aws_sdk_ec2::types::{
    Address, Filter, FlowLog, InternetGateway, NatGateway, RouteTable, SecurityGroup,
    SecurityGroupRule, Subnet, Tag, Vpc, VpcEndpoint,
};
use futures_util::future::try_join_all;
use infra_core::{
    Resource,
    provider::{Find, Observed, Result},
    state::StackName,
};

use super::tagging::OPERATION;
use crate::owned::STACK;

/// A filter takes this many values. (*Quotas for filters* of the EC2 API reference.)
const VALUES: usize = 200;

/// What EC2 describes.
pub(super) trait Object: Clone {
    /// Its id.
    fn id(&self) -> Option<&str>;
    /// Its tags.
    fn tags(&self) -> &[Tag];
}

macro_rules! objects {
    ($($object:ident $id:ident)*) => { $(
        impl Object for $object {
            fn id(&self) -> Option<&str> {
                self.$id()
            }

            fn tags(&self) -> &[Tag] {
                self.tags()
            }
        }
    )* };
}
objects! {
    Address allocation_id
    FlowLog flow_log_id
    InternetGateway internet_gateway_id
    NatGateway nat_gateway_id
    RouteTable route_table_id
    SecurityGroup group_id
    SecurityGroupRule security_group_rule_id
    Subnet subnet_id
    Vpc vpc_id
    VpcEndpoint vpc_endpoint_id
}

/// A filter for any of these values.
pub(super) fn filter(name: &str, values: impl IntoIterator<Item = String>) -> Filter {
    let values: Vec<_> = values.into_iter().collect();
    Filter::builder().name(name).set_values(Some(values)).build()
}

/// Filters that together match these values.
pub(super) fn filters(name: &str, values: &[String]) -> Vec<Filter> {
    values.chunks(VALUES).map(|values| filter(name, values.to_vec())).collect()
}

/// A filter for everything that the stack owns.
pub(super) fn of_stack(stack: &StackName) -> Filter {
    filter(&format!("tag:{STACK}"), [stack.to_string()])
}

/// The ids of what was described.
pub(super) fn ids<T: Object>(found: &[T]) -> Vec<String> {
    found.iter().filter_map(|object| object.id().map(str::to_owned)).collect()
}

/// Describes what is looked for, in as few calls as there can be: one filter for ids, one for operations.
pub(super) async fn search<R, T, F>(
    find: &[Find<'_, R>],
    by_id: &str,
    describe: impl Fn(Filter) -> F,
) -> Vec<Result<Option<T>>>
where
    T: Object,
    F: Future<Output = Result<Vec<T>>>,
{
    let (mut ids, mut operations) = (Vec::new(), Vec::new());
    for find in find {
        match find {
            Find::Id { id, .. } => ids.push((*id).to_owned()),
            Find::Made { op, .. } => operations.push(op.id.to_string()),
        }
    }
    let mut all = filters(by_id, &ids);
    all.extend(filters(&format!("tag:{OPERATION}"), &operations));
    let found = match try_join_all(all.into_iter().map(describe)).await {
        Ok(found) => found.into_iter().flatten().collect::<Vec<_>>(),
        Err(e) => return find.iter().map(|_| Err(e.again())).collect(),
    };
    let by_id: HashMap<_, _> = found.iter().map(|object| (object.id(), object)).collect();
    let made = |object: &&T, operation: &str| {
        object.tags().iter().any(|t| t.key() == Some(OPERATION) && t.value() == Some(operation))
    };
    let answer = |find: &Find<'_, R>| match find {
        Find::Id { id, .. } => by_id.get(&Some(*id)).copied().cloned(),
        Find::Made { op, .. } => {
            let operation = op.id.to_string();
            found.iter().find(|object| made(object, &operation)).cloned()
        }
    };
    find.iter().map(|find| Ok(answer(find))).collect()
}

/// The found objects as the engine sees them.
pub(super) fn observed<R: Resource, T>(
    found: Vec<Result<Option<T>>>,
    observe: impl Fn(&T) -> Observed<R>,
) -> Vec<Result<Option<Observed<R>>>> {
    found.into_iter().map(|found| Ok(found?.as_ref().map(&observe))).collect()
}
