use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn get<'a>(path: &'a str, token: Option<&'a str>) -> Asked<'a> {
    Asked { method: "GET", path, token, ..Asked::default() }
}

fn put<'a>(ttl: Option<&'a str>) -> Asked<'a> {
    Asked { method: "PUT", path: TOKEN_PATH, ttl, ..Asked::default() }
}

#[test]
fn a_question_without_a_token_is_refused_and_kept() {
    let imds = Imds::default();
    let now = Instant::now();
    assert_eq!(imds.state().answer(&get(INSTANCE_ID, None), now).status, 401);
    assert_eq!(imds.state().answer(&get(INSTANCE_ID, Some("guess")), now).status, 401);
    let tokens: Vec<_> = imds.requests().iter().map(|request| request.token).collect();
    assert_eq!(tokens, [Token::Missing, Token::Invalid]);
    assert_eq!((imds.given(INSTANCE_ID), imds.without_token().len()), (None, 1));
}

#[test]
fn what_was_asked_is_forgotten_and_what_was_set_is_not() {
    let imds = Imds::default();
    imds.set(INSTANCE_ID, Some("i-1"));
    imds.ask(&[INSTANCE_ID]);
    imds.ask_without_token(INSTANCE_ID);
    imds.forget();
    assert_eq!((imds.count(), imds.given(INSTANCE_ID)), (0, None));
    assert!(imds.requests().is_empty() && imds.without_token().is_empty());
    imds.ask(&[INSTANCE_ID]);
    assert_eq!((imds.count(), imds.given(INSTANCE_ID).as_deref()), (2, Some("i-1")));
}

#[test]
fn a_token_opens_everything_until_its_life_is_over() {
    let imds = Imds::default();
    let now = Instant::now();
    let given = imds.state().answer(&put(Some("60")), now);
    assert_eq!((given.status, given.ttl), (200, Some(60)));
    let with = get(INSTANCE_ID, Some(&given.body));
    assert_eq!(imds.state().answer(&with, now).body, "i-0b007b007b007b007");
    assert_eq!(imds.given(INSTANCE_ID).as_deref(), Some("i-0b007b007b007b007"));
    let later = now + Duration::from_secs(61);
    assert_eq!(imds.state().answer(&with, later).status, 401);
    imds.revoke();
    assert_eq!(imds.state().answer(&with, now).status, 401);
}

#[test]
fn a_token_is_given_for_a_life_that_aws_allows_and_never_by_a_proxy() {
    let imds = Imds::default();
    let now = Instant::now();
    for (ttl, status) in [
        (None, 400),
        (Some("0"), 400),
        (Some("21601"), 400),
        (Some("x"), 400),
        (Some("21600"), 200),
    ] {
        assert_eq!(imds.state().answer(&put(ttl), now).status, status, "{ttl:?}");
    }
    let forwarded = Asked { forwarded: true, ..put(Some("60")) };
    assert_eq!(imds.state().answer(&forwarded, now).status, 403);
    let other = Asked { method: "GET", ..put(Some("60")) };
    assert_eq!(imds.state().answer(&other, now).status, 401);
}

#[test]
fn values_come_and_go_while_it_runs() {
    let imds = Imds::default();
    let now = Instant::now();
    let token = imds.state().answer(&put(Some("60")), now).body;
    let ask = || imds.state().answer(&get(SPOT_NOTICE, Some(&token)), now);
    assert!(ask().body.contains("terminate"));
    imds.set(SPOT_NOTICE, None);
    assert_eq!((ask().status, imds.given(SPOT_NOTICE)), (404, None));
    imds.set(SPOT_NOTICE, Some("{}"));
    assert_eq!(ask().body, "{}");
}

#[test]
fn it_speaks_http() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let imds = Imds::default();
    let exchange = async |at: std::net::SocketAddr, head: String| {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(format!("{head}\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let talk = async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let talk = async {
            let ttl = "PUT /latest/api/token HTTP/1.1\r\nX-aws-ec2-metadata-token-ttl-seconds: 60";
            let answer = exchange(at, ttl.to_owned()).await;
            assert!(answer.contains("x-aws-ec2-metadata-token-ttl-seconds: 60"), "{answer}");
            let token = answer.rsplit("\r\n").next().unwrap();
            let path = "GET /latest/user-data HTTP/1.1";
            let with = exchange(at, format!("{path}\r\nX-aws-ec2-metadata-token: {token}")).await;
            let without = exchange(at, path.to_owned()).await;
            (with, without)
        };
        tokio::select! {
            never = serve(imds.clone(), listener) => match never {},
            talked = talk => talked,
        }
    };
    let (with, without) = runtime.block_on(talk);
    assert!(with.starts_with("HTTP/1.1 200") && with.contains("#cloud-config"), "{with}");
    assert!(without.starts_with("HTTP/1.1 401"), "{without}");
    assert_eq!(imds.count(), 3);
}
