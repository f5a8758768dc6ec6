use super::*;
use std::io::{Read as _, Write as _};

struct Fixed;

#[async_trait]
impl Site for Fixed {
    async fn page(&self, path: &str) -> Option<Page> {
        let page = |well, text: &str| Page { well, media_type: "text/plain", text: text.into() };
        match path {
            "/well" => Some(page(true, "it is\n")),
            "/ill" => Some(page(false, "it is not\n")),
            _ => None,
        }
    }
}

/// Serves while `test` talks to it.
async fn with_server<T>(
    bounds: impl FnOnce(&mut Server),
    test: impl AsyncFnOnce(SocketAddr) -> T,
) -> T {
    let mut server = Server::at("127.0.0.1:0".parse().unwrap()).await.unwrap();
    bounds(&mut server);
    let address = server.address().unwrap();
    tokio::select! {
        said = test(address) => said,
        never = server.run(Arc::new(Fixed)) => match never {},
    }
}

/// What comes back until the server hangs up.
async fn say(address: SocketAddr, text: &str) -> String {
    let stream = std::net::TcpStream::connect(address).unwrap();
    say_on(stream, text).await
}

async fn say_on(mut stream: std::net::TcpStream, text: impl Into<String>) -> String {
    let text = text.into();
    let talk = move || {
        // It may have hung up before all of it was written.
        let _ = stream.write_all(text.as_bytes());
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        String::from_utf8(said).unwrap()
    };
    tokio::task::spawn_blocking(talk).await.unwrap()
}

async fn ask(address: SocketAddr, how: &str, path: &str) -> String {
    say(address, &format!("{how} {path} HTTP/1.1\r\nHost: floodway\r\n\r\n")).await
}

#[tokio::test]
async fn pages_are_read_and_nothing_else_is_done() {
    with_server(
        |_| {},
        async |at| {
            let well = ask(at, "GET", "/well?x=1").await;
            assert!(
                well.starts_with("HTTP/1.1 200 ") && well.ends_with("\r\n\r\nit is\n"),
                "{well}"
            );
            let head = ask(at, "HEAD", "/well").await;
            assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
            assert!(head.contains("content-length: 6"), "{head}");
            let ill = ask(at, "GET", "/ill").await;
            assert!(ill.starts_with("HTTP/1.1 503 ") && ill.ends_with("it is not\n"), "{ill}");
            assert!(ask(at, "GET", "/else").await.starts_with("HTTP/1.1 404 "));
            for how in ["POST", "PUT", "DELETE", "OPTIONS"] {
                let refused = ask(at, how, "/well").await;
                assert!(refused.starts_with("HTTP/1.1 405 "), "{refused}");
                assert!(refused.contains("allow: GET, HEAD"), "{refused}");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn a_request_that_is_too_long_or_no_http_is_turned_away() {
    with_server(
        |_| {},
        async |at| {
            let long = "x".repeat(2 * LONGEST_HEAD);
            let said = say(at, &format!("GET /well HTTP/1.1\r\nlong: {long}\r\n\r\n")).await;
            assert!(!said.contains(" 200 "), "{said}");
            assert!(!say(at, "hello\r\n\r\n").await.contains(" 200 "));
            assert!(ask(at, "GET", "/well").await.contains(" 200 "), "others are served");
        },
    )
    .await;
}

#[tokio::test]
async fn those_that_never_finish_keep_others_waiting_only_until_their_time_is_up() {
    let bounds = |server: &mut Server| {
        server.connections = 1;
        server.whole = Duration::from_millis(300);
    };
    with_server(bounds, async |at| {
        // It is accepted first, for it came first.
        let slow = std::net::TcpStream::connect(at).unwrap();
        let slow = tokio::spawn(say_on(slow, "GET /we"));
        let said = ask(at, "GET", "/well").await;
        assert!(said.contains(" 200 "), "{said}");
        assert_eq!(slow.await.unwrap(), "", "it was hung up on");
    })
    .await;
}
