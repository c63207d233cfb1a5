//! Topics and patterns: what they look like, and when one matches the other.

/// As many levels as a topic or a pattern has at most.
pub(crate) const MAX_LEVELS: usize = 64;
/// As many bytes.
pub(crate) const MAX_BYTES: usize = 1_024;

pub(crate) const TOPIC_ALLOWED: &str = "1 to 64 levels separated by dots, none empty and none with `*` or `>` in it, 1,024 bytes at most";
pub(crate) const PATTERN_ALLOWED: &str = "1 to 64 levels separated by dots, none empty, where `*` is any one level and a last `>` is one or more, 1,024 bytes at most";

const ANY: &str = "*";
const REST: &str = ">";

/// Tells whether something can be published to it.
pub(crate) fn is_topic(text: &str) -> bool {
    is_sound(text, |level, _| !has_wildcard(level))
}

/// Tells whether something can subscribe to it.
pub(crate) fn is_pattern(text: &str) -> bool {
    is_sound(text, |level, last| {
        !has_wildcard(level) || level == ANY || level == REST && last
    })
}

/// Tells whether a sound pattern can match more than one topic.
pub(crate) fn is_wild(pattern: &str) -> bool {
    has_wildcard(pattern)
}

/// Tells whether a sound pattern matches a topic.
pub(crate) fn matches(pattern: &str, topic: &str) -> bool {
    let mut levels = topic.split('.');
    for wanted in pattern.split('.') {
        match levels.next() {
            Some(_) if wanted == REST => return true,
            Some(level) if wanted == ANY || wanted == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

fn has_wildcard(text: &str) -> bool {
    text.bytes().any(|byte| byte == b'*' || byte == b'>')
}

fn is_sound(text: &str, is_level: impl Fn(&str, bool) -> bool) -> bool {
    if text.len() > MAX_BYTES {
        return false;
    }
    let mut levels = text.split('.').enumerate().peekable();
    while let Some((number, level)) = levels.next() {
        if number == MAX_LEVELS || level.is_empty() || !is_level(level, levels.peek().is_none()) {
            return false;
        }
    }
    true
}
