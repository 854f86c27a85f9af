//! `*` and `?`, as IAM matches them.

/// Whether `text` is like `pattern`: `*` is any number of characters, over colons and slashes too, `?` is one.
pub(super) fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                back = Some((p + 1, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match back {
                Some((after, from)) => {
                    (p, t) = (after, from + 1);
                    back = Some((after, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// The same for ARNs: the first five parts are matched one by one, the rest as a whole. What is no ARN is matched as
/// text.
pub(super) fn is_like_arn(pattern: &str, arn: &str) -> bool {
    let parts = |text: &str| text.splitn(6, ':').map(str::to_owned).collect::<Vec<_>>();
    let (patterns, texts) = (parts(pattern), parts(arn));
    if patterns.len() < 6 || texts.len() < 6 {
        return is_like(pattern, arn);
    }
    patterns.iter().zip(&texts).all(|(pattern, text)| is_like(pattern, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_cross_slashes_and_question_marks_are_one() {
        for (pattern, text) in [
            ("*", ""),
            ("a*c", "abbc"),
            ("a*b*c", "axbxbxc"),
            ("role/x-*", "role/x-y/z"),
            ("secret:a-??????", "secret:a-AbCdEf"),
        ] {
            assert!(is_like(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "A"), ("a?", "a"), ("a*b", "abc"), ("", "a")] {
            assert!(!is_like(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn an_arn_is_matched_part_by_part() {
        let arn = "arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1";
        assert!(is_like_arn("arn:aws:ec2:*:123456789012:vpc/*", arn));
        assert!(is_like_arn("*", arn) && is_like_arn("arn:*:ec2:*:*:vpc/*", arn));
        assert!(!is_like_arn("arn:aws:*:vpc/*:x:y", arn));
        assert!(!is_like_arn("arn:aws:ec2:eu-west-2:*:*", arn));
    }
}
