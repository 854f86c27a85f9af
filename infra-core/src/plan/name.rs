//! Names of objects that the program does not name.

use infra_state::{Instance, StackName, Urn};

use crate::provider::NameRule;

/// `{program}-{stack}-{name}-{instance}`, cut to what the rule allows; never the instance, which makes it unique.
pub(super) fn generated(
    rule: &NameRule,
    stack: Option<&StackName>,
    urn: &Urn,
    instance: &Instance,
) -> String {
    let words = stack.map(|stack| [stack.program.as_str(), stack.stack.as_str()]);
    let words: Vec<_> = words.into_iter().flatten().chain([urn.name()]).collect();
    let mut name = fitting(rule, &words.join("/"));
    let suffix = instance.as_str();
    cut(&mut name, room(rule, suffix.len()));
    match joint(rule) {
        Some(joint) if !name.is_empty() => format!("{name}{joint}{suffix}"),
        _ => format!("{name}{suffix}"),
    }
}

/// Characters of an instance.
const SUFFIX: usize = 8;

impl NameRule {
    /// What every name begins with that is generated for `stack` by this rule. Names of a stack whose own name goes
    /// on where this one's ends (`dev` and `dev-2`) begin so too.
    #[must_use]
    pub fn prefix(&self, stack: &StackName) -> String {
        let mut prefix = fitting(self, &format!("{}/{}/", stack.program, stack.stack));
        let room = room(self, SUFFIX);
        if prefix.len() >= room {
            cut(&mut prefix, room);
        }
        prefix
    }
}

/// The words in characters that the rule allows.
fn fitting(rule: &NameRule, words: &str) -> String {
    let mut name = String::new();
    for c in words.chars() {
        let c = if rule.lowercase { c.to_ascii_lowercase() } else { c };
        match (allowed(rule, c), joint(rule)) {
            (true, _) => name.push(c),
            // Some clouds refuse two in a row.
            (false, Some(joint)) if !name.ends_with(joint) => name.push(joint),
            _ => {}
        }
    }
    name
}

/// How much of a name there is room for beside a suffix of this length.
fn room(rule: &NameRule, suffix: usize) -> usize {
    rule.max.saturating_sub(suffix + usize::from(joint(rule).is_some()))
}

/// Cuts a name so that it ends with a letter or digit.
fn cut(name: &mut String, room: usize) {
    // All of it is ASCII: program, stack and urn allow nothing else.
    name.truncate(room);
    name.truncate(name.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).len());
}

/// The object that a generated name is of, if it is one of this resource.
pub(crate) fn instance(
    rule: &NameRule,
    stack: Option<&StackName>,
    urn: &Urn,
    name: &str,
) -> Option<Instance> {
    let (_, word) = name.split_at_checked(name.len().checked_sub(SUFFIX)?)?;
    let plain = word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let instance = plain.then(|| Instance::from(word))?;
    (generated(rule, stack, urn, &instance) == name).then_some(instance)
}

/// What is wrong with a name that the program fixes.
pub(crate) fn wrong(rule: &NameRule, name: &str) -> Option<String> {
    let count = name.chars().count();
    if count == 0 || count > rule.max {
        return Some(format!(
            "expected a name of 1 to {} characters, found {name:?} ({count})",
            rule.max
        ));
    }
    let c = name.chars().find(|&c| !allowed(rule, c))?;
    let case = if rule.lowercase { "lower-case letters" } else { "letters" };
    let extra =
        if rule.extra.is_empty() { String::new() } else { format!(" and `{}`", rule.extra) };
    Some(format!("expected a name of {case}, digits{extra}, found {c:?} in {name:?}"))
}

fn allowed(rule: &NameRule, c: char) -> bool {
    rule.extra.contains(c)
        || c.is_ascii_digit()
        || c.is_ascii_lowercase()
        || (c.is_ascii_uppercase() && !rule.lowercase)
}

/// What words are joined with.
fn joint(rule: &NameRule) -> Option<char> {
    ['-', '_'].into_iter().find(|joint| rule.extra.contains(*joint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(max: usize, extra: &'static str, lowercase: bool) -> String {
        let rule = NameRule { max, extra, lowercase };
        let stack = StackName::new("Shop", "dev").unwrap();
        let urn = Urn::new("k", "net/app.a").unwrap();
        generated(&rule, Some(&stack), &urn, &"abcd2345".into())
    }

    #[test]
    fn names_keep_their_suffix_within_the_rule() {
        assert_eq!(name(63, "-", true), "shop-dev-net-app-a-abcd2345");
        assert_eq!(name(63, "-.", false), "Shop-dev-net-app.a-abcd2345");
        assert_eq!(name(63, "_", false), "Shop_dev_net_app_a_abcd2345");
        assert_eq!(name(63, "", false), "Shopdevnetappaabcd2345");
        assert_eq!(name(18, "-", true), "shop-dev-abcd2345");
        assert_eq!(name(9, "-", true), "abcd2345");
        assert_eq!(name(4, "-", true), "abcd2345");
    }

    #[test]
    fn generated_names_begin_with_their_stacks_prefix() {
        let stack = StackName::new("Shop", "dev_").unwrap();
        for (extra, lowercase, prefix) in
            [("-", true, "shop-dev-"), ("-_", false, "Shop-dev_-"), ("", false, "Shopdev")]
        {
            for max in 8..64 {
                let rule = NameRule { max, extra, lowercase };
                let instance = Instance::from_bytes([1; 8]);
                assert_eq!(instance.as_str().len(), SUFFIX);
                let urn = Urn::new("k", "net/app.a").unwrap();
                let name = generated(&rule, Some(&stack), &urn, &instance);
                assert!(name.starts_with(&rule.prefix(&stack)), "{name}: {}", rule.prefix(&stack));
                assert!(max < 40 || rule.prefix(&stack) == prefix, "{}", rule.prefix(&stack));
            }
        }
    }

    #[test]
    fn a_generated_name_says_whose_it_is() {
        let rule = NameRule { max: 63, extra: "-", lowercase: true };
        let stack = StackName::new("shop", "dev").unwrap();
        let of = |urn: &str, name: &str| {
            let urn = Urn::new("k", urn).unwrap();
            instance(&rule, Some(&stack), &urn, name).map(|instance| instance.to_string())
        };
        assert_eq!(of("net/a", "shop-dev-net-a-abcd2345"), Some("abcd2345".to_owned()));
        for other in ["shop-dev-net-b-abcd2345", "shop-dev-2-net-a-abcd2345", "abcd2345", "é", ""]
        {
            assert_eq!(of("net/a", other), None, "{other}");
        }
    }

    #[test]
    fn fixed_names_are_checked() {
        let rule = NameRule { max: 5, extra: "-", lowercase: true };
        assert_eq!(wrong(&rule, "a-b1"), None);
        assert!(wrong(&rule, "abcdef").unwrap().contains("1 to 5"));
        assert!(wrong(&rule, "aB").unwrap().contains("'B'"));
    }
}
