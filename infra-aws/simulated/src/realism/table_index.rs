//! Global secondary indexes made and removed on a table that is there. The emulator ignores them.

use serde_json::{Value, json};

/// The indexes and attribute definitions of a table after a call of `UpdateTable` that changes
/// indexes, given the table's description before it. None: the call changes no index.
pub(super) fn updated(before: &Value, input: &Value) -> Option<(Value, Value)> {
    let updates = input["GlobalSecondaryIndexUpdates"].as_array()?;
    let mut indexes = before["GlobalSecondaryIndexes"].as_array().cloned().unwrap_or_default();
    let arn = before["TableArn"].as_str().unwrap_or_default();
    for update in updates {
        let named = |asked: &Value| {
            let name = asked["IndexName"].clone();
            move |index: &Value| index["IndexName"] == name
        };
        let create = &update["Create"];
        if create.is_object() {
            indexes.retain(|index| !named(create)(index));
            indexes.push(described(create, arn));
        }
        let delete = &update["Delete"];
        if delete.is_object() {
            indexes.retain(|index| !named(delete)(index));
        }
        let resize = &update["Update"];
        if let Some(index) = indexes.iter_mut().find(|index| named(resize)(index)) {
            index["ProvisionedThroughput"] = resize["ProvisionedThroughput"].clone();
        }
    }
    let definitions = used(before, input, &indexes);
    let indexes = if indexes.is_empty() { Value::Null } else { indexes.into() };
    Some((indexes, definitions))
}

fn described(create: &Value, arn: &str) -> Value {
    let none =
        json!({"ReadCapacityUnits": 0, "WriteCapacityUnits": 0, "NumberOfDecreasesToday": 0});
    let throughput = &create["ProvisionedThroughput"];
    let name = create["IndexName"].as_str().unwrap_or_default();
    json!({
        "IndexName": name,
        "KeySchema": create["KeySchema"],
        "Projection": create["Projection"],
        "ProvisionedThroughput": if throughput.is_object() { throughput.clone() } else { none },
        "IndexStatus": "ACTIVE",
        "IndexSizeBytes": 0,
        "ItemCount": 0,
        "IndexArn": format!("{arn}/index/{name}"),
    })
}

/// DynamoDB keeps the definitions of those attributes only that are in some key.
fn used(before: &Value, input: &Value, indexes: &[Value]) -> Value {
    let keys = std::iter::once(before).chain(indexes);
    let elements = keys.flat_map(|it| it["KeySchema"].as_array().into_iter().flatten());
    let names: Vec<_> = elements.map(|element| &element["AttributeName"]).collect();
    let given = [&input["AttributeDefinitions"], &before["AttributeDefinitions"]];
    let mut all: Vec<Value> = Vec::new();
    for definition in given.iter().filter_map(|it| it.as_array()).flatten() {
        let name = &definition["AttributeName"];
        if names.contains(&name) && all.iter().all(|it| it["AttributeName"] != *name) {
            all.push(definition.clone());
        }
    }
    all.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_made_and_removed() {
        let key = |name: &str| json!([{"AttributeName": name, "KeyType": "HASH"}]);
        let before = json!({
            "TableArn": "t", "KeySchema": key("a"),
            "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}],
        });
        assert_eq!(updated(&before, &json!({})), None);
        let make = json!({
            "AttributeDefinitions": [{"AttributeName": "b", "AttributeType": "N"}],
            "GlobalSecondaryIndexUpdates": [{"Create": {"IndexName": "i", "KeySchema": key("b")}}],
        });
        let (indexes, definitions) = updated(&before, &make).unwrap();
        assert_eq!(indexes[0]["IndexArn"], "t/index/i");
        assert_eq!(definitions.as_array().unwrap().len(), 2);
        let mut with = before;
        with["GlobalSecondaryIndexes"] = indexes;
        with["AttributeDefinitions"] = definitions;
        let remove = json!({"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "i"}}]});
        let (indexes, definitions) = updated(&with, &remove).unwrap();
        assert_eq!(indexes, Value::Null);
        assert_eq!(definitions.as_array().unwrap().len(), 1);
    }
}
