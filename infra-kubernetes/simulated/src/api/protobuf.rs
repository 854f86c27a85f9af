//! The small objects that `kubectl create` sends in protobuf and in nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::failure::{Failure, Outcome};

/// What every body begins with.
const MAGIC: &[u8] = b"k8s\0";

/// How a field is read.
#[derive(Clone, Copy)]
enum Field {
    Text,
    Flag,
    Metadata,
    /// Text by text.
    Texts,
    /// Bytes by text: base64 in JSON.
    Bytes,
}

type Fields = &'static [(u64, &'static str, Field)];

const METADATA: Fields = &[
    (1, "name", Field::Text),
    (2, "generateName", Field::Text),
    (3, "namespace", Field::Text),
    (11, "labels", Field::Texts),
    (12, "annotations", Field::Texts),
];

fn fields(kind: &str) -> Option<Fields> {
    Some(match kind {
        "Namespace" | "ServiceAccount" => &[(1, "metadata", Field::Metadata)],
        "ConfigMap" => &[
            (1, "metadata", Field::Metadata),
            (2, "data", Field::Texts),
            (3, "binaryData", Field::Bytes),
            (4, "immutable", Field::Flag),
        ],
        "Secret" => &[
            (1, "metadata", Field::Metadata),
            (2, "data", Field::Bytes),
            (3, "type", Field::Text),
            (4, "stringData", Field::Texts),
            (5, "immutable", Field::Flag),
        ],
        _ => return None,
    })
}

/// Reads an object; of other kinds, how to send it otherwise.
pub(super) fn read(body: &[u8]) -> Outcome<Value> {
    let wrong = || Failure::bad_request("the body is no protobuf of Kubernetes");
    let body = body.strip_prefix(MAGIC).ok_or_else(wrong)?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), Vec::new());
    for (number, value) in parts(body).ok_or_else(wrong)? {
        match number {
            1 => {
                for (number, value) in parts(value).ok_or_else(wrong)? {
                    match number {
                        1 => api_version = text(value),
                        2 => kind = text(value),
                        _ => {}
                    }
                }
            }
            2 => value.clone_into(&mut raw),
            _ => {}
        }
    }
    let Some(fields) = fields(&kind) else {
        return Err(Failure::new(
            415,
            "UnsupportedMediaType",
            format!(
                "the embedded Kubernetes does not read {kind} in protobuf: send it in JSON (kubectl create … --dry-run=client -o yaml | kubectl apply -f -)"
            ),
        ));
    };
    let mut object = message(&raw, fields).ok_or_else(wrong)?;
    object.insert("apiVersion".to_owned(), json!(api_version));
    object.insert("kind".to_owned(), json!(kind));
    Ok(Value::Object(object))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn message(bytes: &[u8], fields: Fields) -> Option<Map<String, Value>> {
    let mut object = Map::new();
    for (number, value) in parts(bytes)? {
        let Some((_, name, field)) = fields.iter().find(|(it, ..)| *it == number) else { continue };
        match field {
            Field::Text if value.is_empty() => {}
            Field::Text => {
                object.insert((*name).to_owned(), json!(text(value)));
            }
            Field::Flag => {
                object.insert((*name).to_owned(), json!(value != [0]));
            }
            Field::Metadata => {
                object.insert((*name).to_owned(), Value::Object(message(value, METADATA)?));
            }
            Field::Texts | Field::Bytes => {
                let (mut key, mut entry) = (String::new(), json!(""));
                for (number, value) in parts(value)? {
                    match (number, field) {
                        (1, _) => key = text(value),
                        (_, Field::Bytes) => entry = json!(STANDARD.encode(value)),
                        _ => entry = json!(text(value)),
                    }
                }
                let place = object.entry(*name).or_insert_with(|| json!({}));
                place[key.as_str()] = entry;
            }
        }
    }
    Some(object)
}

/// The fields of a message: number and content. Of a number, its last byte is the content.
fn parts(mut bytes: &[u8]) -> Option<Vec<(u64, &[u8])>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = number(&mut bytes)?;
        let length = match key & 7 {
            0 => {
                let before = bytes;
                number(&mut bytes)?;
                let length = before.len() - bytes.len();
                found.push((key >> 3, &before[..length]));
                continue;
            }
            1 => 8,
            2 => usize::try_from(number(&mut bytes)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let (value, rest) = bytes.split_at_checked(length)?;
        found.push((key >> 3, value));
        bytes = rest;
    }
    Some(found)
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{MAGIC, read};

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
        bytes.extend(content);
        bytes
    }

    fn body(kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [field(1, b"v1"), field(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), field(1, &meta), field(2, raw)].concat()
    }

    #[test]
    fn secrets_are_read_and_pods_are_not() {
        let entry = field(2, &[field(1, b"a"), field(2, b"b")].concat());
        let raw = [field(1, &field(1, b"s")), entry, field(3, b"Opaque"), vec![5 << 3, 1]].concat();
        let object = read(&body("Secret", &raw)).unwrap();
        let expected = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "type": "Opaque",
            "data": {"a": "Yg=="}, "immutable": true,
        });
        assert_eq!(object, expected);
        assert_eq!(read(&body("Pod", &[])).unwrap_err().code, 415);
        assert_eq!(read(b"{}").unwrap_err().code, 400);
    }
}
