//! Quantities: `500m`, `1Gi`, `2e3`.

use serde_json::Value;

const BINARY: [(&str, i128); 6] = [
    ("Ei", 1 << 60),
    ("Pi", 1 << 50),
    ("Ti", 1 << 40),
    ("Gi", 1 << 30),
    ("Mi", 1 << 20),
    ("Ki", 1 << 10),
];
const DECIMAL: [(&str, i128); 9] = [
    ("E", NANO * 1_000_000_000_000_000_000),
    ("P", NANO * 1_000_000_000_000_000),
    ("T", NANO * 1_000_000_000_000),
    ("G", NANO * 1_000_000_000),
    ("M", NANO * 1_000_000),
    ("k", NANO * 1000),
    ("", NANO),
    ("m", NANO / 1000),
    ("u", NANO / 1_000_000),
];
const NANO: i128 = 1_000_000_000;

/// A quantity in billionths, and whether it is written in powers of two.
fn parse(text: &str) -> Option<(i128, bool)> {
    let end = text.rfind(|c: char| c.is_ascii_digit() || c == '.')? + 1;
    let (number, suffix) = match text.find(['e', 'E']).filter(|at| at + 1 < text.len()) {
        Some(at) if text[at + 1..].parse::<i32>().is_ok() => (&text[..at], &text[at..]),
        _ => text.split_at(end),
    };
    let (negative, digits) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
    if (whole.is_empty() && part.is_empty()) || !is_number(whole) || !is_number(part) {
        return None;
    }
    let (unit, binary) = if suffix == "n" {
        (1, false)
    } else if let Some((_, factor)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        (factor * NANO, true)
    } else if let Some((_, factor)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        (*factor, false)
    } else {
        let exponent: u32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
        (NANO.checked_mul(10_i128.checked_pow(exponent)?)?, false)
    };
    let mut value =
        if whole.is_empty() { 0 } else { whole.parse::<i128>().ok()?.checked_mul(unit)? };
    let mut scale = unit;
    for digit in part.bytes() {
        scale /= 10;
        value = value.checked_add(i128::from(digit - b'0') * scale)?;
    }
    Some((if negative { -value } else { value }, binary))
}

/// The one way a quantity is written; nothing for what is none.
pub(crate) fn canonical(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let (nano, binary) = parse(&text)?;
    if nano == 0 {
        return Some("0".to_owned());
    }
    if binary {
        let whole = nano / NANO;
        if nano % NANO == 0 {
            let unit = BINARY.iter().find(|(_, factor)| whole % factor == 0);
            return Some(unit.map_or_else(
                || whole.to_string(),
                |(name, factor)| format!("{}{name}", whole / factor),
            ));
        }
    }
    // The largest unit that leaves a whole number.
    let unit = DECIMAL.iter().find(|(_, factor)| nano % factor == 0);
    Some(
        unit.map_or_else(
            || format!("{nano}n"),
            |(name, factor)| format!("{}{name}", nano / factor),
        ),
    )
}

/// A quantity in thousandths, rounded up.
pub(crate) fn milli(value: &Value) -> Option<i64> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let (nano, _) = parse(&text)?;
    i64::try_from((nano + NANO / 1000 - 1).div_euclid(NANO / 1000)).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::canonical;

    #[test]
    fn quantities_have_one_form() {
        let cases = [
            (json!("1000m"), "1"),
            (json!("0.5"), "500m"),
            (json!("1024Mi"), "1Gi"),
            (json!("1.5Gi"), "1536Mi"),
            (json!(2), "2"),
            (json!("1500m"), "1500m"),
            (json!("1e3"), "1k"),
            (json!("100Mi"), "100Mi"),
            (json!("0"), "0"),
            (json!("0.1"), "100m"),
        ];
        for (from, to) in cases {
            assert_eq!(canonical(&from).as_deref(), Some(to), "{from}");
        }
        for wrong in [json!("ten"), json!("1Zi"), json!(""), json!("1 Gi"), json!("1.2.3")] {
            assert_eq!(canonical(&wrong), None, "{wrong}");
        }
    }
}
