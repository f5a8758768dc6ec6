//! As much of PromQL as is needed to know which series a query reads and over
//! which window: what it means is the server's to say.
//!
//! Grammar: <https://prometheus.io/docs/prometheus/latest/querying/basics/>.

use crate::units::Span;
use promql_parser::parser::{self, value::ValueType};
use std::fmt;

/// Words that are no metric though no parenthesis follows them.
const WORDS: [&str; 16] = [
    "and",
    "or",
    "unless",
    "atan2",
    "bool",
    "offset",
    "inf",
    "nan",
    "start",
    "end",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];

/// Words that a list of labels follows.
const BEFORE_LABELS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Aggregations: their `by` may stand before their parenthesis.
const AGGREGATIONS: [&str; 14] = [
    "sum",
    "min",
    "max",
    "avg",
    "group",
    "stddev",
    "stdvar",
    "count",
    "count_values",
    "bottomk",
    "topk",
    "quantile",
    "limitk",
    "limit_ratio",
];

/// What a query reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads {
    /// The selectors of series, as they are written, each once: `x{a="b"}`.
    pub selectors: Vec<String>,
    /// The longest window: what it answers is whole only when its series have been
    /// there for so long.
    pub window: Option<Span>,
}

/// The longest query that is parsed: what nests deeper or chains longer than it allows
/// would take the parser's stack, or its time.
const LONGEST: usize = 8192;

/// What a query answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// One number.
    Number,
    /// A number for each series.
    Numbers,
    /// The values of a window, for each series.
    Window,
    /// A text.
    Text,
}

impl Answers {
    /// Whether that is a number at each moment, of one series or of each.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Number | Self::Numbers)
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number => "a number",
            Self::Numbers => "a number for each series",
            Self::Window => "the values of a window",
            Self::Text => "a text",
        })
    }
}

/// What `query` answers, by the grammar and the functions of Prometheus 3.
///
/// # Errors
/// Why it is no query, as the end of a sentence.
pub fn parses(query: &str) -> Result<Answers, String> {
    if query.len() > LONGEST {
        return Err(format!("is longer than {LONGEST} bytes"));
    }
    let expression = parser::parse(query).map_err(|why| match why.as_str() {
        "invalid promql query" => "is no PromQL".to_owned(),
        _ => format!("is no PromQL: {why}"),
    })?;
    Ok(match expression.value_type() {
        ValueType::Scalar => Answers::Number,
        ValueType::Vector => Answers::Numbers,
        ValueType::Matrix => Answers::Window,
        ValueType::String => Answers::Text,
    })
}

/// What `query` reads.
///
/// # Errors
/// Why it cannot be a query, as the end of a sentence.
pub fn reads(query: &str) -> Result<Reads, String> {
    let mut scanner = Scanner { text: query, at: 0, open: Vec::new(), reads: Reads::default() };
    scanner.scan()?;
    Ok(scanner.reads)
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    open: Vec<char>,
    reads: Reads,
}

impl<'t> Scanner<'t> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn take_while(&mut self, test: impl Fn(char) -> bool) -> &'t str {
        let rest = &self.text[self.at..];
        let length = rest.find(|c| !test(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn scan(&mut self) -> Result<(), String> {
        while let Some(next) = self.peek() {
            match next {
                '"' | '\'' | '`' => drop(self.quoted(next)?),
                '#' => return Err("holds a comment".to_owned()),
                '{' => {
                    let from = self.at;
                    self.braces()?;
                    self.selected(from)?;
                }
                '[' => self.brackets()?,
                '(' => {
                    self.open.push('(');
                    self.at += 1;
                }
                ')' => {
                    self.open.pop().ok_or("closes a parenthesis that is not open")?;
                    self.at += 1;
                }
                '}' | ']' => return Err(format!("closes `{next}` that is not open")),
                _ if next.is_ascii_digit() => {
                    self.take_while(|c| c.is_ascii_alphanumeric() || c == '.');
                }
                _ if is_name_start(next) => self.word()?,
                _ => self.at += next.len_utf8(),
            }
        }
        if self.open.is_empty() { Ok(()) } else { Err("leaves a parenthesis open".to_owned()) }
    }

    fn word(&mut self) -> Result<(), String> {
        let from = self.at;
        let word = self.take_while(|c| is_name_start(c) || c.is_ascii_digit());
        let after = self.at;
        self.take_while(char::is_whitespace);
        let lower = word.to_ascii_lowercase();
        let called = self.peek() == Some('(');
        if BEFORE_LABELS.contains(&lower.as_str()) {
            if called {
                self.take_while(|c| c != ')');
                self.peek().ok_or("leaves a list of labels open")?;
                self.at += 1;
            }
            return Ok(());
        }
        if called || WORDS.contains(&lower.as_str()) || AGGREGATIONS.contains(&lower.as_str()) {
            return Ok(());
        }
        match self.peek() {
            Some('{') => self.braces()?,
            _ => self.at = after,
        }
        self.selected(from)
    }

    /// The selector that began at `from` ends here, or with a window.
    fn selected(&mut self, from: usize) -> Result<(), String> {
        let selector = self.text[from..self.at].to_owned();
        if !self.reads.selectors.contains(&selector) {
            self.reads.selectors.push(selector);
        }
        self.take_while(char::is_whitespace);
        if self.peek() == Some('[') { self.brackets() } else { Ok(()) }
    }

    fn braces(&mut self) -> Result<(), String> {
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err("leaves `{` open".to_owned()),
                Some('}') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(quote @ ('"' | '\'' | '`')) => drop(self.quoted(quote)?),
                Some(other) => self.at += other.len_utf8(),
            }
        }
    }

    fn brackets(&mut self) -> Result<(), String> {
        self.at += 1;
        let inside = self.take_while(|c| c != ']');
        self.peek().ok_or("leaves `[` open")?;
        self.at += 1;
        let window = inside.split(':').next().unwrap_or_default().trim();
        let window = duration(window)
            .ok_or_else(|| format!("has a window `[{inside}]` that is no duration"))?;
        self.reads.window = self.reads.window.max(Some(window));
        Ok(())
    }

    fn quoted(&mut self, quote: char) -> Result<(), String> {
        self.at += 1;
        while let Some(next) = self.peek() {
            self.at += next.len_utf8();
            if next == quote {
                return Ok(());
            }
            if next == '\\' && quote != '`' {
                self.at += self.peek().map_or(0, char::len_utf8);
            }
        }
        Err("leaves a text open".to_owned())
    }
}

fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || c == ':'
}

/// `5m`, `1h30m`, `500ms`
fn duration(text: &str) -> Option<Span> {
    let mut rest = text;
    let mut total = 0u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let scale = match &rest[..letters] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            "y" => 365 * 86_400_000,
            _ => return None,
        };
        rest = &rest[letters..];
        total = total.checked_add(number.checked_mul(scale)?)?;
    }
    (total > 0).then(|| Span::from_millis(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_reads(query: &str, selectors: &[&str], window: Option<u64>) {
        let found = reads(query).unwrap();
        assert_eq!(found.selectors, selectors, "{query}");
        assert_eq!(found.window, window.map(Span::from_secs), "{query}");
    }

    #[test]
    fn selectors_and_the_longest_window_are_found() {
        assert_reads("up", &["up"], None);
        assert_reads("sum(rate(a_total[1m]))", &["a_total"], Some(60));
        assert_reads(
            "sum by (le) (rate(x:y{a=\"}[9h](\", b=~'c'} [1h30m])) / on(pod) group_left max(z)",
            &["x:y{a=\"}[9h](\", b=~'c'}", "z"],
            Some(5400),
        );
        assert_reads("{__name__=~\"a|b\"} or a or a", &["{__name__=~\"a|b\"}", "a"], None);
        assert_reads("sum (x) by (pod) > bool 0x1F", &["x"], None);
        assert_reads("max_over_time((a offset 5m)[10m:15s])", &["a"], Some(600));
        assert_reads("vector(1) * Inf", &[], None);
        assert_reads("topk(3, count_values(\"v\", a)) unless nan", &["a"], None);
    }

    #[test]
    fn what_cannot_be_a_query_says_why() {
        for (query, why) in [
            ("sum(a", "leaves a parenthesis open"),
            ("sum a)", "closes a parenthesis that is not open"),
            ("a{b=\"c", "leaves a text open"),
            ("a{b=\"c\"", "leaves `{` open"),
            ("rate(a[1m", "leaves `[` open"),
            ("rate(a[1 minute])", "has a window `[1 minute]` that is no duration"),
            ("a # b", "holds a comment"),
            ("sum by (a", "leaves a list of labels open"),
            ("a}", "closes `}` that is not open"),
        ] {
            assert_eq!(reads(query).unwrap_err(), why, "{query}");
        }
    }

    #[test]
    fn what_a_query_answers_is_told_by_its_grammar() {
        for (query, answers) in [
            ("1 + 1", Answers::Number),
            ("scalar(up)", Answers::Number),
            ("up > bool 1", Answers::Numbers),
            ("sum by (a) (rate(x_total[5m])) / on (a) group_left y", Answers::Numbers),
            ("histogram_quantile(0.99, sum by (le) (increase(x_bucket[1d:2m])))", Answers::Numbers),
            ("max({__name__=~\"a|b\"} and on () (count(c) == 2))", Answers::Numbers),
            ("x[5m]", Answers::Window),
            ("\"x\"", Answers::Text),
        ] {
            assert_eq!(parses(query), Ok(answers), "{query}");
        }
        for query in ["", "a b", "rate(x)", "no_such(x)", "sum(", "x[5 minutes]", "a{b=~\"[\"}"] {
            assert!(parses(query).is_err(), "{query}");
        }
    }

    #[test]
    fn what_nests_deep_or_goes_on_long_takes_neither_stack_nor_time() {
        let half = LONGEST / 2;
        for query in [
            format!("{}a{}", "(".repeat(half - 1), ")".repeat(half - 1)),
            format!("{}a", "-".repeat(LONGEST - 1)),
            vec!["a"; half].join("+"),
            "[".repeat(LONGEST),
        ] {
            assert!(query.len() <= LONGEST);
            let _ = parses(&query);
        }
        assert!(parses(&"(".repeat(LONGEST + 1)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_ends_it(query in "[a-z{}\\[\\]()\"'`#:,= 0-9é]{0,40}") {
            let _ = (reads(&query), parses(&query));
        }
    }
}
