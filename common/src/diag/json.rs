//! Diagnostics for programs: editors, CI annotations, `--json`.

use super::{Diagnostic, Diagnostics, Sources};
use serde_json::{Value, json};

impl Diagnostics {
    /// Every diagnostic as an object, with file, line and column of each place.
    pub fn to_json(&self) -> Value {
        self.iter().map(|diagnostic| to_json(diagnostic, &self.sources)).collect()
    }
}

fn to_json(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let labels: Vec<_> = diagnostic
        .labels
        .iter()
        .map(|label| {
            let start = sources.place(&label.file, label.span.start);
            let end = sources.place(&label.file, label.span.end);
            json!({
                "file": &*start.file,
                "line": start.line,
                "column": start.column,
                "end_line": end.line,
                "end_column": end.column,
                "text": label.text,
            })
        })
        .collect();
    json!({
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "labels": labels,
        "help": diagnostic.help,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_lines_and_columns() {
        let mut all = Diagnostics::default();
        all.sources.insert("a.toml".into(), "x = 1\ny = 2\n".into());
        all.push(Diagnostic::error("no").at(&"a.toml".into(), 6..7, "here").help("do"));
        assert_eq!(
            all.to_json(),
            json!([{
                "severity": "error",
                "message": "no",
                "labels": [{
                    "file": "a.toml", "line": 2, "column": 1,
                    "end_line": 2, "end_column": 2, "text": "here",
                }],
                "help": "do",
            }])
        );
    }
}
