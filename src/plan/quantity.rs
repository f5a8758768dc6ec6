//! Kubernetes quantities, compared by what they mean.
//!
//! The API server writes `1000m` back as `1` and `1000` as `1k`; a difference
//! in spelling is no difference. Grammar and suffixes:
//! <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>

use serde_json::Value;

/// Whether the field at these keys (list elements left out) holds a quantity.
pub(super) fn is_quantity(keys: &[&str]) -> bool {
    matches!(
        keys,
        [.., "resources", "limits" | "requests", _]
            | [.., "target", "averageValue" | "value"]
            | [.., "emptyDir", "sizeLimit"]
            | ["spec", "hard", _]
    )
}

/// Whether both are quantities and mean the same amount.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (nanos(a), nanos(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

/// The amount in billionths, the finest that Kubernetes keeps; finer parts are
/// rounded up as the API server does. None: it is no quantity.
pub fn nanos(value: &Value) -> Option<i128> {
    match value {
        Value::String(text) => parse(text),
        Value::Number(number) => parse(&number.to_string()),
        _ => None,
    }
}

fn parse(text: &str) -> Option<i128> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let number_ends = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(number_ends);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let (base, exponent) = scale(suffix)?;
    // digits × base^exponent × 10^(9 − fraction digits)
    let decimals = 9 - i32::try_from(fraction.len()).ok()?;
    let (up, down) = if base == 10 {
        powers(10, exponent + decimals)?
    } else {
        let (up, down) = powers(10, decimals)?;
        (up.checked_mul(powers(2, exponent)?.0)?, down)
    };
    let scaled = digits.checked_mul(up)?;
    let amount = scaled / down + i128::from(scaled % down != 0);
    Some(if negative { -amount } else { amount })
}

/// Base and exponent that a suffix means.
fn scale(suffix: &str) -> Option<(i128, i32)> {
    const SUFFIXES: [(&str, i128, i32); 16] = [
        ("", 10, 0),
        ("n", 10, -9),
        ("u", 10, -6),
        ("m", 10, -3),
        ("k", 10, 3),
        ("M", 10, 6),
        ("G", 10, 9),
        ("T", 10, 12),
        ("P", 10, 15),
        ("E", 10, 18),
        ("Ki", 2, 10),
        ("Mi", 2, 20),
        ("Gi", 2, 30),
        ("Ti", 2, 40),
        ("Pi", 2, 50),
        ("Ei", 2, 60),
    ];
    if let Some((_, base, exponent)) = SUFFIXES.iter().find(|(name, ..)| *name == suffix) {
        return Some((*base, *exponent));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    Some((10, exponent.parse().ok().filter(|e| (-30..=30).contains(e))?))
}

/// `base^exponent` as a factor and a divisor.
fn powers(base: i128, exponent: i32) -> Option<(i128, i128)> {
    let power = base.checked_pow(exponent.unsigned_abs())?;
    Some(if exponent >= 0 { (power, 1) } else { (1, power) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn spelling_is_no_difference_and_amount_is() {
        for (a, b) in [
            (json!("1000m"), json!("1")),
            (json!("0.5"), json!("500m")),
            (json!(1), json!("1")),
            (json!("1000"), json!("1k")),
            (json!("1024Mi"), json!("1Gi")),
            (json!("1.5Gi"), json!("1536Mi")),
            (json!("1e3"), json!("1k")),
            (json!("12E2"), json!("1200")),
            (json!("0.0000000001"), json!("1n")),
            (json!("-1"), json!("-1000m")),
            (json!(".5"), json!("500m")),
        ] {
            assert!(same(&a, &b), "{a} {b}");
        }
        for (a, b) in [("1", "2"), ("1Gi", "1G"), ("1m", "1M"), ("1", "-1")] {
            assert!(!same(&json!(a), &json!(b)), "{a} {b}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_never_the_same() {
        for text in ["", ".", "1.2.3", "x", "1x", "1e", "1e99", "999999999999999999999999999E", "m"]
        {
            assert!(!same(&json!(text), &json!(text)), "{text}");
        }
        assert!(!same(&json!(true), &json!(true)));
    }

    #[test]
    fn quantities_are_known_by_their_place() {
        assert!(is_quantity(&["spec", "containers", "resources", "limits", "nvidia.com/gpu"]));
        assert!(is_quantity(&["spec", "metrics", "external", "target", "averageValue"]));
        assert!(!is_quantity(&["spec", "containers", "env", "value"]));
        assert!(!is_quantity(&["data", "limits"]));
    }
}
