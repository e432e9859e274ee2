//! The syntax of labels and annotations.
//!
//! The API server judges it on every object, but only names the ReplicaSet that it refused, so it is judged before.

/// Why a text is no name.
pub(super) const NAME: &str = "is not a name for a label or annotation: an optional DNS name and `/`, then up to 63 \
                               letters, digits, `-`, `_` and `.`";

/// Why a text is no value.
pub(super) const VALUE: &str = "is not the value of a label: up to 63 letters, digits, `-`, `_` and `.`";

/// Whether a label or an annotation may be called `text`.
pub(super) fn is_name(text: &str) -> bool {
    match text.split_once('/') {
        Some((domain, name)) => is_domain(domain) && is_short_name(name),
        None => is_short_name(text),
    }
}

/// Whether a label may have the value `text`; it may be empty.
pub(super) fn is_value(text: &str) -> bool {
    text.is_empty() || is_short_name(text)
}

fn is_short_name(text: &str) -> bool {
    text.len() <= 63 && is_word(text, |byte| byte.is_ascii_alphanumeric(), |byte| b"-_.".contains(&byte))
}

fn is_domain(text: &str) -> bool {
    let is_lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= 253 && text.split('.').all(|part| is_word(part, is_lower, |byte| byte == b'-'))
}

/// Begins and ends with an `outer` byte, and holds `inner` ones between them too.
fn is_word(text: &str, outer: impl Fn(u8) -> bool, inner: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    ends.iter().all(|end| end.is_some_and(|byte| outer(*byte)))
        && bytes.iter().all(|byte| outer(*byte) || inner(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_at_most_one_domain_and_end_in_letters_or_digits() {
        let long = "a".repeat(63);
        for name in ["role", "Role_1.x-y", "example.com/role", "a/b", &long, &format!("example.com/{long}")] {
            assert!(is_name(name), "{name}");
        }
        let too_long = "a".repeat(64);
        for name in [
            "",
            "my role",
            "-role",
            "role-",
            "/role",
            "a//b",
            "a/b/c",
            "Example.com/role",
            "a..b/role",
            &too_long,
        ] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn values_may_be_empty() {
        for value in ["", "1", "a-b", "A.b_C"] {
            assert!(is_value(value), "{value}");
        }
        for value in ["a b", "a/b", "-", "é", &"a".repeat(64)] {
            assert!(!is_value(value), "{value}");
        }
    }
}
