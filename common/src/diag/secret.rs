//! What looks like a secret. A file of a repository is no place for one; where
//! one stands there all the same, it must not be quoted.

use std::ops::Range;

/// Last words of a name that promise a secret. `MAX_TOKENS` is none.
const WORDS: [&str; 11] = [
    "token",
    "secret",
    "secrets",
    "password",
    "passwords",
    "passwd",
    "key",
    "keys",
    "credential",
    "credentials",
    "passphrase",
];

/// How tokens of well-known services begin.
const TOKENS: [&str; 12] = [
    "hf_",
    "sk-",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "AKIA",
    "ASIA",
    "eyJ",
];

/// The fewest characters after its beginning that make a token of it.
const TOKEN_LENGTH: usize = 12;

/// Whether a setting of this name is likely to hold a secret: one of its words
/// is, or ends in, `TOKEN`, `SECRET`, `PASSWORD`, `KEY` and their like.
pub fn is_secret_name(name: &str) -> bool {
    words(name).any(is_secret_word)
}

fn words(name: &str) -> impl DoubleEndedIterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
}

fn is_secret_word(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    WORDS.iter().any(|secret| word.ends_with(secret))
}

/// Whether a setting with this name and this value gives a secret away. A path
/// to a secret, a switch, or the length of a key does not.
pub fn is_secret_setting(name: &str, value: &str) -> bool {
    if looks_secret(value) {
        return true;
    }
    let harmless = value.is_empty()
        || value.starts_with(['/', '.', '$'])
        || ["true", "false"].contains(&value);
    // `KEY_LENGTH`: the secret word only says of what.
    let about_one = !words(name).next_back().is_some_and(is_secret_word);
    let number = value.parse::<f64>().is_ok();
    is_secret_name(name) && !harmless && !(about_one && number)
}

/// The arguments of a command that give a secret away: `--api-key=…`,
/// `API_KEY=…`, or the word after `--api-key`.
pub fn secret_arguments<T: AsRef<str>>(arguments: &[T]) -> Vec<usize> {
    let mut secret = Vec::new();
    let mut flag: Option<&str> = None;
    for (at, argument) in arguments.iter().enumerate() {
        let argument = argument.as_ref();
        let before = flag.take();
        let found = match argument.split_once('=') {
            Some((name, value)) if !name.contains(' ') => is_secret_setting(name, value),
            _ if argument.starts_with('-') => {
                flag = Some(argument).filter(|flag| is_secret_name(flag));
                false
            }
            _ => before.map_or(looks_secret(argument), |flag| is_secret_setting(flag, argument)),
        };
        secret.extend(found.then_some(at));
    }
    secret
}

/// Whether `text` is a secret by its own looks: a token of a well-known
/// service, a private key, a URL with a user or a password.
pub fn looks_secret(text: &str) -> bool {
    let token = |word: &str| {
        let inside = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        TOKENS
            .iter()
            .filter_map(|start| word.strip_prefix(start))
            .any(|rest| rest.len() >= TOKEN_LENGTH && rest.bytes().all(inside))
    };
    text.contains("-----BEGIN")
        || credentials(text).next().is_some()
        || text.split(|c: char| c.is_whitespace() || "\"'=,:".contains(c)).any(token)
}

/// Where URLs in `text` have their user and password.
fn credentials(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices("://").filter_map(|(at, scheme)| {
        let start = at + scheme.len();
        let rest = &text[start..];
        let ends = |c: char| c.is_whitespace() || "/?#\"'`".contains(c);
        let authority = &rest[..rest.find(ends).unwrap_or(rest.len())];
        authority.rfind('@').map(|end| start..start + end)
    })
}

/// `text` with the users and passwords of its URLs hidden.
pub(super) fn without_credentials(text: String) -> String {
    let found: Vec<_> = credentials(&text).collect();
    let mut hidden = text;
    for range in found.into_iter().rev() {
        hidden.replace_range(range, HIDDEN);
    }
    hidden
}

/// What stands for what is hidden.
const HIDDEN: &str = "(hidden)";

/// Bytes of the longest line that is ever shown, and so looked at.
pub(super) const LONGEST_LINE: usize = 2000;

/// What begins and ends a string over lines.
const OVER_LINES: [&str; 2] = ["\"\"\"", "'''"];

/// The lines of a TOML text, from 0, that must not be shown: each has a setting
/// or an argument that gives a secret away, or is too long to be read. Found by the text alone, since a
/// file that cannot be parsed is quoted too; rather a line too many.
pub(super) fn hidden_lines(text: &str) -> Vec<usize> {
    let mut hidden = Vec::new();
    // What ends the string over lines that a secret line began.
    let mut until: Option<&str> = None;
    // The line before ended with a flag whose value is a secret.
    let mut flagged = false;
    for (at, line) in text.lines().enumerate() {
        let begins = flagged || line.len() > LONGEST_LINE || gives_away(line);
        if begins || until.is_some() {
            hidden.push(at);
        }
        until = match until {
            Some(end) => Some(end).filter(|end| !line.contains(end)),
            None if begins => OVER_LINES.into_iter().find(|q| line.matches(q).count() == 1),
            None => None,
        };
        let last = strings(line).last();
        flagged = match last {
            Some(last) if !line.trim_end().ends_with(']') => {
                last.starts_with('-') && !last.contains('=') && is_secret_name(last)
            }
            // A comment or a blank line between the two changes nothing.
            None => flagged && (line.trim().is_empty() || line.trim().starts_with('#')),
            Some(_) => false,
        };
    }
    hidden
}

/// Whether one line of TOML gives a secret away.
fn gives_away(line: &str) -> bool {
    if looks_secret(line) {
        return true;
    }
    let strings: Vec<_> = strings(line).collect();
    if !secret_arguments(&strings).is_empty() {
        return true;
    }
    // Each `name = value`, in a table of its own or on one line with others.
    line.match_indices('=').any(|(at, _)| {
        let key = line[..at].trim_end().trim_end_matches(['"', '\'']);
        let ends = |c: char| c.is_whitespace() || "{,.\"'[".contains(c);
        let name = key.rsplit(ends).next().unwrap_or_default();
        let value = line[at + 1..].trim_start();
        let ends = |c: char| c == ',' || c == '}' || c == '#';
        let value = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split(quote).next().unwrap_or_default(),
            _ => value[..value.find(ends).unwrap_or(value.len())].trim_end(),
        };
        // `key = "nvidia.com/gpu"` is a taint; `{` and `[` begin what is looked
        // at by itself.
        let plain = name == "key" || value.starts_with(['{', '[', '=']);
        // A string over lines begins with an empty one.
        let begins = line[at + 1..].trim_start();
        let over_lines = OVER_LINES.iter().any(|quotes| begins.starts_with(quotes));
        !plain && (is_secret_setting(name, value) || (over_lines && is_secret_name(name)))
    })
}

/// What stands in quotes on a line, as far as that can be told.
fn strings(line: &str) -> impl Iterator<Item = &str> {
    line.split(['"', '\'']).skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_promise_secrets_are_told_from_ordinary_ones() {
        for secret in ["HF_TOKEN", "api-key", "DB_PASSWORD", "clientSecret", "APIKEY"] {
            assert!(is_secret_name(secret), "{secret}");
        }
        for plain in ["MAX_TOKENS", "model", "KEYSPACE", "TOKENIZER"] {
            assert!(!is_secret_name(plain), "{plain}");
        }
    }

    #[test]
    fn a_setting_is_judged_by_its_name_and_its_value() {
        for (name, value) in [
            ("HF_TOKEN", "x"),
            ("DB_PASSWORD", "123456"),
            ("MODEL", "hf_abcdefghijklmnop"),
            ("URL", "https://me:pw@host"),
        ] {
            assert!(is_secret_setting(name, value), "{name}={value}");
        }
        for (name, value) in [
            ("HF_TOKEN", ""),
            ("HF_TOKEN_PATH", "/run/secrets/hf"),
            ("API_KEY", "$(API_KEY)"),
            ("KEY_LENGTH", "2048"),
            ("USE_TOKEN", "true"),
            ("MODEL", "deepseek-ai/DeepSeek-R1"),
            ("URL", "https://host/@me"),
        ] {
            assert!(!is_secret_setting(name, value), "{name}={value}");
        }
    }

    #[test]
    fn arguments_are_judged_with_the_flag_before_them() {
        let arguments = [
            "--api-key=sk-1",
            "--port",
            "80",
            "--auth-token",
            "t0p",
            "--key-file",
            "/k",
            "A_KEY=b",
        ];
        assert_eq!(secret_arguments(&arguments), [0, 4, 7]);
    }

    #[test]
    fn credentials_in_a_url_are_hidden_wherever_they_are_quoted() {
        let hidden = |text: &str| without_credentials(text.to_owned());
        assert_eq!(hidden("`ftp://me:pw@prom` is wrong"), "`ftp://(hidden)@prom` is wrong");
        assert_eq!(hidden("http://a@b http://c@d/@"), "http://(hidden)@b http://(hidden)@d/@");
        assert_eq!(hidden("http://prom:9090/x@y"), "http://prom:9090/x@y");
    }

    #[test]
    fn lines_with_secrets_are_found_by_their_text() {
        let text = "env = { HF_TOKEN = \"hf\", A = \"b\" }\n\
                    model = \"x\"\n\
                    signals = { prometheus = \"https://me:pw@prom\", demnd = \"x\" }\n\
                    args = [\"--api-key=sk-1\"]\n\
                    args = [\n\
                    \x20 \"--token\",\n\
                    \x20 # ours\n\
                    \x20 \"t0p\",\n\
                    \x20 \"--port\",\n\
                    ]\n\
                    env.\"DB_PASSWORD\" = unquoted\n\
                    env.A_KEY = \"\"\"\n\
                    one\n\
                    two\"\"\"\n\
                    tolerations = [{ key = \"nvidia.com/gpu\", effect = \"NoSchedule\" }]\n\
                    env = { KEY_FILE = \"/run/key\" }\n";
        assert_eq!(hidden_lines(text), [0, 2, 3, 6, 7, 10, 11, 12, 13]);
    }
}
