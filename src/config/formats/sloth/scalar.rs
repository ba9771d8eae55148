//! What a scalar is to Sloth: YAML 1.1, then text again.
//!
//! Sloth reads YAML by the rules of version 1.1 and writes every scalar that lands in a text back
//! as its type is written in JSON: `yes` becomes `true`, `0.20` becomes `0.2`. Dashboards and routes
//! match what came out, so it comes out the same here. What stands in quotes stays as it is.

use crate::config::tree::{Node, Value};

/// The text that Sloth has for a scalar; `None` for a list or a section.
pub(super) fn text_of(node: &Node) -> Option<String> {
    match &node.value {
        Value::Null => Some(String::new()),
        Value::Scalar { text, plain, .. } => Some(match plain {
            true => resolve(text),
            false => text.clone(),
        }),
        Value::Sequence(_) | Value::Mapping(_) => None,
    }
}

/// The truth of a scalar, however YAML 1.1 lets it be written.
pub(super) fn truth_of(node: &Node) -> Option<bool> {
    match text_of(node)?.as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// A plain scalar by its type in YAML 1.1.
pub(super) fn resolve(text: &str) -> String {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return "true".to_owned();
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return "false".to_owned();
        }
        _ => {}
    }
    let numeric = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.');
    if !text.bytes().next().is_some_and(numeric) {
        return text.to_owned();
    }
    let digits = text.replace('_', "");
    integer(&digits)
        .or_else(|| float(&digits))
        .unwrap_or_else(|| text.to_owned())
}

/// Decimal, `0x`, `0o`, `0b`, or octal by a leading zero.
fn integer(text: &str) -> Option<String> {
    let (negative, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let prefixes = [("0x", 16), ("0X", 16), ("0o", 8), ("0b", 2), ("0", 8)];
    let prefixed = prefixes
        .into_iter()
        .find_map(|(prefix, radix)| Some((digits.strip_prefix(prefix)?, radix)));
    let (digits, radix) = match prefixed {
        Some((rest, radix)) if !rest.is_empty() => (rest, radix),
        _ => (digits, 10),
    };
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let magnitude = i64::from_str_radix(digits, radix).ok()?;
    Some(if negative { -magnitude } else { magnitude }.to_string())
}

/// The shortest text for the same number, with an exponent below 1e-4 and from 1e6 upwards, as
/// Go's `%g` writes it.
fn float(text: &str) -> Option<String> {
    let digit_or_sign = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
    if !text.chars().all(digit_or_sign) {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    if !number.is_finite() {
        return None;
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    if (-4..6).contains(&exponent) {
        return Some(number.to_string());
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    Some(format!("{digits}e{sign}{:0>2}", exponent.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_become_what_their_type_is_written_as() {
        for (written, seen) in [
            ("yes", "true"),
            ("On", "true"),
            ("n", "false"),
            ("OFF", "false"),
            ("yEs", "yEs"),
            ("0.20", "0.2"),
            ("1.10", "1.1"),
            ("90", "90"),
            ("+5", "5"),
            ("-0x1F", "-31"),
            ("010", "8"),
            ("09", "9"),
            ("0", "0"),
            ("1_000", "1000"),
            ("1e3", "1000"),
            ("1e6", "1e+06"),
            ("1234567.5", "1.2345675e+06"),
            ("0.00001", "1e-05"),
            ("-.5", "-0.5"),
            ("1.2.3", "1.2.3"),
            ("2026-11-21", "2026-11-21"),
            ("99999999999999999999", "1e+20"),
            ("1e999", "1e999"),
            ("-", "-"),
            (".", "."),
            ("0x", "0x"),
            ("team", "team"),
            ("", ""),
        ] {
            assert_eq!(resolve(written), seen, "{written}");
        }
    }
}
