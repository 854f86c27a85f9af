//! Whether there would be less of something.
// Which of it is used depends on the services that are on.
#![cfg_attr(not(feature = "full"), allow(dead_code))]

/// The sizes of instances, the smallest first; `2xlarge` and more are numbers.
const SIZES: [&str; 7] = ["nano", "micro", "small", "medium", "large", "xlarge", "metal"];

/// `5 nodes, then 3`, where that is fewer.
pub(crate) fn less(
    unit: &str,
    is: impl Into<Option<i32>>,
    then: impl Into<Option<i32>>,
) -> Option<String> {
    let (is, then) = (is.into()?, then.into()?);
    (then < is).then(|| format!("{is} {unit}, then {then}"))
}

/// `db.r6g.xlarge, then db.r6g.large`. Only sizes are compared: what is more of two families is not for here to say.
pub(crate) fn smaller_class(is: &str, then: &str) -> Option<String> {
    let smaller = size(then)? < size(is)?;
    smaller.then(|| format!("{is}, then {then}"))
}

/// How large: eighths of an `xlarge`, more or less.
fn size(class: &str) -> Option<u32> {
    let word = class.rsplit('.').next()?;
    if let Some(times) = word.strip_suffix("xlarge").filter(|times| !times.is_empty()) {
        return times.parse::<u32>().ok()?.checked_mul(100);
    }
    let at = SIZES.iter().position(|size| *size == word)?;
    match word {
        "metal" => Some(u32::MAX),
        "xlarge" => Some(100),
        _ => u32::try_from(at).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_of_something() {
        assert_eq!(less("nodes", 5, 3).as_deref(), Some("5 nodes, then 3"));
        assert_eq!(less("nodes", 3, 5), None);
        assert_eq!(less("nodes", 3, 3), None);
        assert_eq!(less("nodes", Some(3), None), None);
    }

    #[test]
    fn smaller_classes() {
        let text = smaller_class("db.r6g.xlarge", "db.r6g.large");
        assert_eq!(text.as_deref(), Some("db.r6g.xlarge, then db.r6g.large"));
        assert!(smaller_class("m7g.16xlarge", "m7g.2xlarge").is_some());
        assert!(smaller_class("m7g.metal", "m7g.16xlarge").is_some());
        assert!(smaller_class("t4g.micro", "t4g.nano").is_some());
        assert_eq!(smaller_class("db.r6g.large", "db.r6g.2xlarge"), None);
        assert_eq!(smaller_class("t4g.large", "m7g.large"), None);
        assert_eq!(smaller_class("m7g.huge", "m7g.large"), None);
    }
}
