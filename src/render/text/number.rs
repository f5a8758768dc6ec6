//! Numbers as people read them.

use crate::units::Span;

/// `1 node`, `3 nodes`.
pub(in crate::render) fn count(number: usize, noun: &str) -> String {
    format!("{number} {}", plural(number, noun))
}

/// `node` or `nodes`, as `number` asks.
pub(in crate::render) fn plural(number: usize, noun: &str) -> String {
    if number == 1 {
        return noun.to_owned();
    }
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if noun.ends_with('s') || noun.ends_with("ch") => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

/// Requests per second, with what precision they have: `54`, `0.5`.
pub(in crate::render) fn rate(requests_per_second: f64) -> String {
    let text = format!("{requests_per_second:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Dollars and cents: `31.48`.
pub(in crate::render) fn money(dollars: f64) -> String {
    format!("{dollars:.2}")
}

/// `+3`, `-3`; none for no difference.
pub(in crate::render) fn signed(before: u32, after: u32) -> Option<String> {
    let difference = i64::from(after) - i64::from(before);
    (difference != 0).then(|| format!("{difference:+}"))
}

/// As [`signed`], of requests per second.
pub(in crate::render) fn signed_rate(before: f64, after: f64) -> Option<String> {
    let text = rate((after - before).abs());
    (text != "0").then(|| format!("{}{text}", sign(before, after)))
}

/// As [`signed`], of dollars: `+$31.48`.
pub(in crate::render) fn signed_money(before: f64, after: f64) -> Option<String> {
    let text = money((after - before).abs());
    (text != "0.00").then(|| format!("{}${text}", sign(before, after)))
}

fn sign(before: f64, after: f64) -> char {
    if after < before { '-' } else { '+' }
}

/// A length of time in the units that people wait in: `42s`, `3m 5s`, `2h 10m`.
pub(in crate::render) fn span(span: Span) -> String {
    let seconds = span.secs_ceil();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes, rest) {
        (0, 0, s) => format!("{s}s"),
        (0, m, 0) => format!("{m}m"),
        (0, m, s) => format!("{m}m {s}s"),
        (h, 0, _) => format!("{h}h"),
        (h, m, _) => format!("{h}h {m}m"),
    }
}

/// `0 → 54`, or the one number where nothing changes, of requests per second.
pub(in crate::render) fn flow_rate(before: f64, after: f64) -> String {
    flow(rate(before), rate(after))
}

/// As [`flow_rate`], of things.
pub(in crate::render) fn flow_count(before: u32, after: u32) -> String {
    flow(before.to_string(), after.to_string())
}

/// The time of day of `at`, on another day than `now` with its date; both as
/// RFC 3339 in UTC.
pub(in crate::render) fn clock_time(at: &str, now: &str) -> String {
    let parts = |text: &str| {
        let (day, time) = text.split_once('T')?;
        Some((day.to_owned(), time.get(..5)?.to_owned()))
    };
    match (parts(at), parts(now)) {
        (Some((day, time)), Some((today, _))) if day == today => format!("{time} UTC"),
        (Some((day, time)), _) => format!("{day} {time} UTC"),
        (None, _) => at.to_owned(),
    }
}

fn flow(before: String, after: String) -> String {
    if before == after { after } else { format!("{before} → {after}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!([rate(54.0), rate(0.5), rate(0.0)], ["54", "0.5", "0"]);
        assert_eq!(money(31.476), "31.48");
        assert_eq!(
            [signed(2, 5), signed(5, 2), signed(2, 2)],
            [Some("+3".into()), Some("-3".into()), None]
        );
        assert_eq!(signed_money(31.48, 0.0), Some("-$31.48".into()));
        assert_eq!(signed_money(0.0, 0.001), None);
        assert_eq!(signed_rate(0.0, 54.0), Some("+54".into()));
    }

    #[test]
    fn a_time_of_another_day_has_its_date() {
        let now = "2026-03-02T13:00:00Z";
        assert_eq!(clock_time("2026-03-02T12:03:59Z", now), "12:03 UTC");
        assert_eq!(clock_time("2026-03-01T12:03:59Z", now), "2026-03-01 12:03 UTC");
        assert_eq!(clock_time("anything", now), "anything");
    }

    #[test]
    fn kinds_have_plurals() {
        assert_eq!(count(1, "node"), "1 node");
        let kinds = ["NetworkPolicy", "PriorityClass", "Deployment"].map(|kind| plural(2, kind));
        assert_eq!(kinds, ["NetworkPolicies", "PriorityClasses", "Deployments"]);
    }

    #[test]
    fn waits_have_at_most_two_units() {
        let text = |seconds| span(Span::from_secs(seconds));
        assert_eq!([text(0), text(42), text(185), text(7800)], ["0s", "42s", "3m 5s", "2h 10m"]);
    }
}
