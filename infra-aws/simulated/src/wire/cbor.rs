//! CBOR as far as rpc-v2 goes: JSON values, with times as tagged numbers.

use serde_json::{Map, Number, Value};

/// Writes a value; numbers whose key ends in `Timestamp` get the tag of a time.
pub(super) fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, value);
    out
}

fn head(out: &mut Vec<u8>, major: u8, length: u64) {
    let major = major << 5;
    let bytes = length.to_be_bytes();
    match length {
        0..24 => out.push(major | bytes[7]),
        24..0x100 => out.extend([major | 0x18, bytes[7]]),
        0x100..0x1_0000 => {
            out.push(major | 0x19);
            out.extend(&bytes[6..]);
        }
        0x1_0000..0x1_0000_0000 => {
            out.push(major | 0x1a);
            out.extend(&bytes[4..]);
        }
        _ => {
            out.push(major | 0x1b);
            out.extend(bytes);
        }
    }
}

fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(flag) => out.push(if *flag { 0xf5 } else { 0xf4 }),
        Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), ..) => head(out, 0, number),
            (None, Some(number), _) => head(out, 1, (-1 - number).unsigned_abs()),
            (.., number) => {
                out.push(0xfb);
                out.extend(number.unwrap_or_default().to_be_bytes());
            }
        },
        Value::String(text) => {
            head(out, 3, text.len() as u64);
            out.extend(text.as_bytes());
        }
        Value::Array(items) => {
            head(out, 4, items.len() as u64);
            for item in items {
                write(out, item);
            }
        }
        Value::Object(fields) => {
            head(out, 5, fields.len() as u64);
            for (key, field) in fields {
                head(out, 3, key.len() as u64);
                out.extend(key.as_bytes());
                if key.ends_with("Timestamp") && field.is_number() {
                    head(out, 6, 1);
                }
                write(out, field);
            }
        }
    }
}

/// Reads one value; none if the bytes are not CBOR.
pub(super) fn decode(bytes: &[u8]) -> Option<Value> {
    read(&mut &bytes[..])
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

/// The argument of a head; none inside for an indefinite length.
#[expect(clippy::option_option, reason = "not readable, and readable but indefinite")]
fn argument(rest: &mut &[u8], low: u8) -> Option<Option<u64>> {
    let width = match low {
        0..=23 => return Some(Some(u64::from(low))),
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        31 => return Some(None),
        _ => return None,
    };
    let bytes = take(rest, width)?;
    Some(Some(bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))))
}

fn ended(rest: &mut &[u8]) -> bool {
    let end = rest.first() == Some(&0xff);
    if end {
        *rest = &rest[1..];
    }
    end
}

fn read(rest: &mut &[u8]) -> Option<Value> {
    let first = *take(rest, 1)?.first()?;
    let (major, low) = (first >> 5, first & 31);
    if major == 7 {
        return simple(rest, low);
    }
    let argument = argument(rest, low)?;
    match major {
        0 => Some(Value::from(argument?)),
        1 => Some(Value::from(-1 - i64::try_from(argument?).ok()?)),
        2 | 3 => {
            if let Some(length) = argument {
                let bytes = take(rest, usize::try_from(length).ok()?)?;
                return Some(Value::String(String::from_utf8_lossy(bytes).into_owned()));
            }
            let mut text = String::new();
            while !ended(rest) {
                text.push_str(read(rest)?.as_str()?);
            }
            Some(Value::String(text))
        }
        4 => {
            let mut items = Vec::new();
            while argument.map_or_else(|| !ended(rest), |length| (items.len() as u64) < length) {
                items.push(read(rest)?);
            }
            Some(Value::Array(items))
        }
        5 => {
            let mut fields = Map::new();
            let mut count = 0;
            while argument.map_or_else(|| !ended(rest), |length| count < length) {
                let key = read(rest)?.as_str()?.to_owned();
                let value = read(rest)?;
                fields.insert(key, value);
                count += 1;
            }
            Some(Value::Object(fields))
        }
        // A tag: the value alone says enough.
        _ => read(rest),
    }
}

fn simple(rest: &mut &[u8], low: u8) -> Option<Value> {
    let number = |number: f64| Number::from_f64(number).map_or(Value::Null, Value::Number);
    match low {
        20 => Some(Value::Bool(false)),
        21 => Some(Value::Bool(true)),
        22 | 23 => Some(Value::Null),
        26 => {
            let bytes = take(rest, 4)?.try_into().ok()?;
            Some(number(f64::from(f32::from_be_bytes(bytes))))
        }
        27 => {
            let bytes = take(rest, 8)?.try_into().ok()?;
            Some(number(f64::from_be_bytes(bytes)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{decode, encode};

    #[test]
    fn there_and_back() {
        let value = json!({
            "Threshold": 80.5, "Period": 60, "Low": -300, "On": true, "Names": ["a", "b"],
            "Long": "x".repeat(300), "None": null, "AtTimestamp": 1.5,
        });
        assert_eq!(decode(&encode(&value)), Some(value));
        // {_ "a": [_ 1]} with indefinite lengths, as SDKs send.
        assert_eq!(decode(&[0xbf, 0x61, b'a', 0x9f, 0x01, 0xff, 0xff]), Some(json!({"a": [1]})));
        assert_eq!(decode(&[0x61]), None);
    }
}
