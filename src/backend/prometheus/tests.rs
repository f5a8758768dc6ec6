//! Against a server that answers what a test says, byte for byte.

use super::*;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PLAIN: Span = Span::from_secs(20);

/// What a request is answered with.
enum Scripted {
    /// A status line's end and a body.
    Says(&'static str, String),
    /// The head, and then nothing more.
    Hangs,
    /// A body that goes on for ever.
    Endless,
    /// Bytes that are no HTTP.
    Noise,
}

struct Server {
    url: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers one connection after another by `script`, from the request.
    fn start(script: impl Fn(&str) -> Scripted + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&heard);
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let request = read(&mut stream);
                hears.lock().unwrap().push(request.clone());
                match script(&request) {
                    Scripted::Says(status, body) => {
                        let head = format!(
                            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                            body.len()
                        );
                        let _ = stream.write_all(&[head.as_bytes(), body.as_bytes()].concat());
                    }
                    Scripted::Hangs => {
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
                        kept.push(stream);
                    }
                    Scripted::Endless => {
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
                        while stream.write_all(&[b' '; 4096]).is_ok() {}
                    }
                    Scripted::Noise => drop(stream.write_all(b"SSH-2.0-OpenSSH\r\n")),
                }
            }
        });
        Self { url, heard }
    }

    fn says(status: &'static str, body: &str) -> Self {
        let body = body.to_owned();
        Self::start(move |_| Scripted::Says(status, body.clone()))
    }

    fn client(&self) -> Prometheus {
        Prometheus::new(&self.url, Credentials::default(), PLAIN).unwrap()
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

fn read(stream: &mut std::net::TcpStream) -> String {
    let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return text,
            Ok(read) => bytes.extend_from_slice(&part[..read]),
        }
    }
}

async fn failure(server: &Server) -> MeasureError {
    server.client().instant("up").await.unwrap_err()
}

#[tokio::test]
async fn an_instant_query_is_posted_and_its_answer_read() {
    let server = Server::says(
        "200 OK",
        r#"{"status":"success","warnings":["a store\n is down"],"infos":["x"],"data":
           {"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1700000000.25,"1.5e3"]},
           {"metric":{},"value":[1700000000,"NaN"]},{"metric":{},"value":[1,"+Inf"]}]}}"#,
    );
    let answer = server.client().instant("sum(a{b=\"c&d\"}) + 1").await.unwrap();
    assert_eq!(answer.warnings, ["a store is down"]);
    assert_eq!(answer.series[0].labels["a"], "b");
    assert_eq!(answer.series[0].samples[0].value, 1500.0);
    assert_eq!(answer.series[0].samples[0].at.as_millisecond(), 1_700_000_000_250);
    assert!(answer.series[1].samples[0].value.is_nan());
    assert!(answer.series[2].samples[0].value.is_infinite());
    let heard = server.heard().remove(0);
    assert!(heard.starts_with("POST /api/v1/query HTTP/1.1\r\n"), "{heard}");
    let form = "query=sum%28a%7Bb%3D%22c%26d%22%7D%29+%2B+1&timeout=20000ms";
    assert!(heard.ends_with(form), "{heard}");
    assert!(!heard.to_lowercase().contains("authorization"));
}

#[tokio::test]
async fn a_range_query_says_its_points() {
    let server = Server::says(
        "200 OK",
        r#"{"status":"success","data":{"resultType":"matrix","result":
           [{"metric":{},"values":[[10,"1"],[20,"2"]]}]}}"#,
    );
    let at = |second| Timestamp::from_second(second).unwrap();
    let range = Range { start: at(10), end: at(20), step: Span::from_secs(10) };
    let answer = server.client().range("a", &range).await.unwrap();
    assert_eq!(answer.series[0].samples.len(), 2);
    let heard = server.heard().remove(0);
    assert!(heard.starts_with("POST /api/v1/query_range"), "{heard}");
    assert!(heard.contains("&start=10.000&end=20.000&step=10000ms&"), "{heard}");
}

#[tokio::test]
async fn a_past_of_days_may_take_longer_than_a_number() {
    let body = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
    let server = Server::start(move |_| {
        std::thread::sleep(Duration::from_millis(200));
        Scripted::Says("200 OK", body.to_owned())
    });
    let short = Span::from_millis(50);
    let client = Prometheus::new(&server.url, Credentials::default(), short).unwrap();
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    let last = |length| Range::last(Span::from_secs(length), Span::from_secs(60), now);
    assert_eq!(client.range("a", &last(2 * 86_400)).await.unwrap(), Answer::default());
    assert!(server.heard()[0].ends_with("&timeout=30000ms"), "{}", server.heard()[0]);
    let error = client.range("a", &last(600)).await.unwrap_err();
    assert!(error.message.ends_with("has not answered within 50ms"), "{}", error.message);
}

#[tokio::test]
async fn a_scalar_is_a_number_too() {
    let body = r#"{"status":"success","data":{"resultType":"scalar","result":[5,"7"]}}"#;
    let answer = Server::says("200 OK", body).client().instant("7").await.unwrap();
    assert_eq!(answer, Answer::of(Timestamp::from_second(5).unwrap(), 7.0));
}

#[tokio::test]
async fn where_post_is_not_allowed_it_is_asked_by_get() {
    let body = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
    let server = Server::start(|request| match request.starts_with("POST") {
        true => Scripted::Says("405 Method Not Allowed", String::new()),
        false => Scripted::Says("200 OK", body.to_owned()),
    });
    assert_eq!(server.client().instant("a+b").await.unwrap(), Answer::default());
    assert!(server.heard()[1].starts_with("GET /api/v1/query?query=a%2Bb&timeout=20000ms HTTP"));
}

#[tokio::test]
async fn what_it_says_of_a_wrong_query_is_passed_on() {
    let body = r#"{"status":"error","errorType":"bad_data","error":"1:5: parse error: x"}"#;
    let error = failure(&Server::says("400 Bad Request", body)).await;
    assert_eq!(error.kind, MeasureFailure::Refused);
    assert!(error.message.ends_with("refuses the query (bad_data): 1:5: parse error: x"));
    let body = r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#;
    let error = failure(&Server::says("503 Service Unavailable", body)).await;
    assert_eq!(error.kind, MeasureFailure::Unreachable);
}

#[tokio::test]
async fn statuses_are_told_apart() {
    for (status, kind) in [
        ("401 Unauthorized", MeasureFailure::Denied),
        ("403 Forbidden", MeasureFailure::Denied),
        ("404 Not Found", MeasureFailure::Garbage),
        ("500 Internal Server Error", MeasureFailure::Unreachable),
        ("502 Bad Gateway", MeasureFailure::Unreachable),
    ] {
        let error = failure(&Server::says(status, "<html>nginx</html>")).await;
        assert_eq!(error.kind, kind, "{status}: {}", error.message);
        assert!(error.message.contains(&status[..3]), "{}", error.message);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::says("200 OK", "{}");
    let to = format!("302 Found\r\nLocation: {}/api/v1/query", elsewhere.url);
    let status: &'static str = to.leak();
    let error = failure(&Server::says(status, "")).await;
    assert_eq!(error.kind, MeasureFailure::Garbage);
    assert!(error.message.contains("redirects (302 Found), which is not followed"));
    assert!(elsewhere.heard().is_empty());
}

#[tokio::test]
async fn garbage_is_no_answer() {
    for body in [
        "",
        "<html>",
        "[]",
        r#"{"status":"success"}"#,
        r#"{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"x"]}]}}"#,
        r#"{"status":"success","data":{"resultType":"vector","result":[{"value":[1e99,"1"]}]}}"#,
        r#"{"status":"success","data":{"resultType":"string","result":[1,"x"]}}"#,
        r#"{"status":"success","data":{"resultType":"vector","result":[{"value":[1]}]}}"#,
    ] {
        let error = failure(&Server::says("200 OK", body)).await;
        assert_eq!(error.kind, MeasureFailure::Garbage, "{body}: {}", error.message);
    }
    let error = failure(&Server::start(|_| Scripted::Noise)).await;
    assert_eq!(error.kind, MeasureFailure::Unreachable, "{}", error.message);
}

#[tokio::test]
async fn what_does_not_end_is_cut_off() {
    let server = Server::start(|_| Scripted::Endless);
    let client = Prometheus::bounded(&server.url, Credentials::default(), PLAIN, 3 << 20).unwrap();
    let error = client.instant("up").await.unwrap_err();
    assert_eq!(error.kind, MeasureFailure::Garbage);
    assert!(error.message.ends_with("answers more than 3 MiB"), "{}", error.message);
}

#[tokio::test]
async fn who_is_silent_is_not_waited_for() {
    let server = Server::start(|_| Scripted::Hangs);
    let short = Span::from_millis(50);
    let client = Prometheus::new(&server.url, Credentials::default(), short).unwrap();
    let error = client.instant("up").await.unwrap_err();
    assert_eq!(error.kind, MeasureFailure::Unreachable);
    assert!(error.message.ends_with("has not answered within 50ms"), "{}", error.message);
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let client = Prometheus::new(&url, Credentials::default(), PLAIN).unwrap();
    let error = client.instant("up").await.unwrap_err();
    assert_eq!(error.kind, MeasureFailure::Unreachable);
    assert!(error.message.contains("onnection refused"), "{}", error.message);
}

#[tokio::test]
async fn the_token_is_read_again_when_it_changes_and_shown_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "first\n").unwrap();
    let server = Server::says("401 Unauthorized", "");
    let credentials = Credentials { token: Some(file.clone()), ..Credentials::default() };
    let client = Prometheus::new(&server.url, credentials, PLAIN).unwrap();
    let error = client.instant("up").await.unwrap_err();
    fs::write(&file, "second").unwrap();
    client.instant("up").await.unwrap_err();
    let heard = server.heard();
    assert!(heard[0].contains("authorization: Bearer first\r\n"), "{}", heard[0]);
    assert!(heard[1].contains("authorization: Bearer second\r\n"), "{}", heard[1]);
    assert!(!format!("{error:?}").contains("first"));
    for wrong in ["", "two words", "two\nlines"] {
        fs::write(&file, wrong).unwrap();
        let error = client.instant("up").await.unwrap_err();
        assert_eq!(error.kind, MeasureFailure::Denied);
        assert!(error.message.contains("holds no token"), "{}", error.message);
    }
    fs::remove_file(&file).unwrap();
    let error = client.instant("up").await.unwrap_err();
    assert!(error.message.contains("the token cannot be read"), "{}", error.message);
    assert_eq!(server.heard().len(), 2, "without a token nothing is sent");
}

#[test]
fn credentials_are_not_sent_in_the_clear() {
    let token = || Credentials { token: Some("t".into()), ..Credentials::default() };
    let new = |url: &str| Prometheus::new(url, token(), PLAIN);
    let error = new("http://prometheus.monitoring:9090").err().unwrap();
    assert!(error.message.ends_with("would be sent the credentials in the clear"));
    for url in ["https://prometheus.monitoring", "http://127.0.0.1:9090", "http://[::1]:9090"] {
        assert!(new(url).is_ok(), "{url}");
    }
}

#[test]
fn files_that_hold_no_credentials_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "nothing").unwrap();
    let said =
        |credentials| Prometheus::new("https://p", credentials, PLAIN).err().unwrap().message;
    let empty = Credentials::default;
    let ca = said(Credentials { ca: Some(file.clone()), ..empty() });
    assert!(ca.ends_with("file holds no certificate in PEM"), "{ca}");
    let gone = said(Credentials { ca: Some(folder.path().join("gone")), ..empty() });
    assert!(gone.starts_with("the certificate cannot be read from"), "{gone}");
    let alone = said(Credentials { key: Some(file), ..empty() });
    assert_eq!(alone, "a certificate and its private key go together");
}

#[tokio::test]
async fn when_it_was_started_is_told_by_those_that_know() {
    let body = r#"{"status":"success","data":{"startTime":"2026-03-02T12:00:00.5Z"}}"#;
    let started = Server::says("200 OK", body).client().started().await.unwrap();
    assert_eq!(started.unwrap().to_string(), "2026-03-02T12:00:00.5Z");
    let unknown = Server::says("404 Not Found", "").client().started().await.unwrap();
    assert_eq!(unknown, None);
    let nonsense = Server::says("200 OK", "{}").client().started().await.unwrap();
    assert_eq!(nonsense, None);
}

#[tokio::test]
async fn a_slow_answer_within_the_limit_is_an_answer() {
    let body = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
    let server = Server::start(move |_| {
        std::thread::sleep(Duration::from_millis(100));
        Scripted::Says("200 OK", body.to_owned())
    });
    assert_eq!(server.client().instant("up").await.unwrap(), Answer::default());
}
