//! A server that answers ranges as Prometheus does, with what the test says.

use crate::support::web::request;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

type Answer = dyn Fn(&str, i64) -> Option<f64> + Send + Sync;

/// It ends when it is dropped.
pub(super) struct Answers {
    port: u16,
    ended: Arc<AtomicBool>,
}

impl Answers {
    /// Answers each query at each second with what `answer` says; none: a gap.
    pub(super) fn start(answer: impl Fn(&str, i64) -> Option<f64> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let ended = Arc::new(AtomicBool::new(false));
        let (over, answer) = (Arc::clone(&ended), Arc::new(answer) as Arc<Answer>);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(client) = client else { continue };
                let answer = Arc::clone(&answer);
                std::thread::spawn(move || serve(client, &*answer));
            }
        });
        Self { port, ended }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(mut client: TcpStream, answer: &Answer) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    while let Some((line, body)) = request(&mut reader) {
        let is_range = line.contains("/api/v1/query_range");
        let (status, body) = match is_range {
            true => ("200 OK", range(&String::from_utf8_lossy(&body), answer)),
            false => ("404 Not Found", "{}".to_owned()),
        };
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\n");
        if write!(client, "{head}Content-Length: {length}\r\n\r\n{body}").is_err() {
            break;
        }
    }
}

fn range(form: &str, answer: &Answer) -> String {
    let fields: BTreeMap<&str, String> = form
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(k, v)| (k, plain(v)))
        .collect();
    let number = |key: &str| fields[key].trim_end_matches("ms").parse::<f64>().unwrap();
    let (start, end, step) = (number("start") as i64, number("end") as i64, number("step") as i64);
    let mut values = String::new();
    for at in (start..=end).step_by(usize::try_from(step / 1000).unwrap()) {
        if let Some(value) = answer(&fields["query"], at) {
            let comma = if values.is_empty() { "" } else { "," };
            let _ = write!(values, "{comma}[{at},\"{value}\"]");
        }
    }
    let series = match values.is_empty() {
        true => String::new(),
        false => format!("{{\"metric\":{{}},\"values\":[{values}]}}"),
    };
    format!(
        "{{\"status\":\"success\",\"data\":{{\"resultType\":\"matrix\",\"result\":[{series}]}}}}"
    )
}

/// A value of a form.
fn plain(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    String::from_utf8(bytes).unwrap()
}
