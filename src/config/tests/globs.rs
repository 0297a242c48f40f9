//! Patterns for bucket names against naive twins.

use proptest::prelude::*;

use crate::config::Glob;

fn glob(pattern: &str) -> Glob {
    Glob::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"))
}

#[test]
fn matching() {
    for (pattern, name, expected) in [
        ("*", "", true),
        ("*", "anything", true),
        ("?", "", false),
        ("?", "a", true),
        ("?", "ab", false),
        ("?", "\u{e9}", true),
        ("abc", "abc", true),
        ("abc", "ab", false),
        ("abc", "abcd", false),
        ("abc", "ABC", false),
        ("a*", "a", true),
        ("a*", "ba", false),
        ("*a", "aaab", false),
        ("*a", "aaba", true),
        ("a*b*c", "aXbXbXc", true),
        ("a*b*c", "aXcXb", false),
        ("*ab", "aab", true),
        ("a?*", "a", false),
        ("a?*", "ab", true),
        ("logs-????", "logs-2026", true),
        ("logs-????", "logs-202", false),
        ("tenant:*", "tenant:photos", true),
    ] {
        assert_eq!(glob(pattern).matches(name), expected, "{pattern} {name}");
    }
}

#[test]
fn one_form_for_equal_patterns() {
    for (pattern, canonical) in
        [("**", "*"), ("*?", "?*"), ("a*?*?b", "a??*b"), ("a.b-c_d:e", "a.b-c_d:e"), ("??", "??")]
    {
        assert_eq!(glob(pattern).as_str(), canonical);
        assert_eq!(glob(pattern), glob(canonical));
    }
    assert!(glob("***").is_everything());
    assert!(!glob("?*").is_everything());
}

#[test]
fn covering() {
    for (wide, narrow, expected) in [
        ("*", "a", true),
        ("*", "*", true),
        ("*", "?*", true),
        ("?*", "*", false),
        ("*?", "?*", true),
        ("a*", "ab*", true),
        ("ab*", "a*", false),
        ("a*", "a", true),
        ("a?", "a", false),
        ("a?", "ab", true),
        ("a?", "a?", true),
        ("ab", "a?", false),
        ("a?", "a*", false),
        ("*a*", "*ba*", true),
        ("*a?*", "*a*a*", true),
        ("*-logs", "eu-*-logs", true),
        ("*-logs", "eu-*", false),
        ("?a", "??", false),
    ] {
        assert_eq!(glob(wide).covers(&glob(narrow)), expected, "{wide} covers {narrow}");
    }
}

#[test]
fn strangers() {
    for pattern in ["a b", "a/b", "[ab]", "a\\*", "\u{e9}", "a\n", "a,b", "{a,b}", "!a"] {
        assert!(Glob::parse(pattern).is_err(), "{pattern}");
    }
}

fn naive(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|taken| naive(rest, &name[taken..])),
        ([b'?', pattern @ ..], [_, name @ ..]) => naive(pattern, name),
        ([a, pattern @ ..], [b, name @ ..]) if a == b => naive(pattern, name),
        _ => false,
    }
}

/// Every name of up to five letters a and b, and z for all others.
fn names() -> Vec<String> {
    let mut names = vec![String::new()];
    let mut last = names.clone();
    for _ in 0..5 {
        last = last.iter().flat_map(|n| ["a", "b", "z"].map(|c| format!("{n}{c}"))).collect();
        names.extend(last.iter().cloned());
    }
    names
}

proptest! {
    #[test]
    fn matching_equals_its_naive_twin(pattern in "[ab*?]{1,8}", name in "[ab]{0,10}") {
        let expected = naive(pattern.as_bytes(), name.as_bytes());
        prop_assert_eq!(glob(&pattern).matches(&name), expected);
    }

    #[test]
    fn the_canonical_form_matches_the_same(pattern in "[ab*?]{1,8}", name in "[ab]{0,10}") {
        let canonical = glob(&pattern);
        let expected = naive(pattern.as_bytes(), name.as_bytes());
        prop_assert_eq!(naive(canonical.as_str().as_bytes(), name.as_bytes()), expected);
    }

    /// To call a rule unreachable that is not would be an error out of nothing.
    #[test]
    fn covering_is_never_claimed_wrongly(wide in "[ab*?]{1,5}", narrow in "[ab*?]{1,5}") {
        let (wide, narrow) = (glob(&wide), glob(&narrow));
        if wide.covers(&narrow) {
            for name in names() {
                prop_assert!(!narrow.matches(&name) || wide.matches(&name), "{}", name);
            }
        }
    }
}
