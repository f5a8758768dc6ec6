//! How servers are reached, and what is said when they are not.

use super::live::measured;
use crate::support::prometheus::{Exporter, Prometheus, eventually, pki};

const UPSTREAM: &str = "upstream = { web = 'sum(vllm:num_requests_running)' }";

#[test]
fn who_does_not_answer_is_named_and_the_places_are_shown_all_the_same() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let repository = measured(&format!("prometheus = \"http://{free}\"\n{UPSTREAM}"));
    repository
        .run(&["signals", "measured"])
        .exits(1)
        .says("unreachable")
        .says(&format!("http://{free} does not answer: Connection refused"))
        .says("kubernetes/h100/pending_pods")
        .says("1 of");
}

#[test]
fn what_is_not_configured_is_not_listed_and_no_server_is_asked() {
    let repository = measured("prometheus = \"http://192.0.2.1:9090\"");
    let said = repository.run(&["signals", "measured"]).exits(0);
    assert!(!said.out.contains("demand/") && !said.out.contains("engine/"), "{}", said.out);
}

#[test]
fn a_simulated_world_with_a_load_measures_it_itself() {
    let repository = measured("prometheus = \"http://192.0.2.1:9090\"\ndemand = 'sum(a)'");
    let load = "[[load]]\nstage = \"postprocess\"\nat = \"0s\"\nrate = \"500 req/s\"\n";
    std::fs::write(repository.path().join("load.toml"), load).unwrap();
    let more = "\n[onprem.pools.post]\nreplicas = { min = 1, max = 4 }\n";
    let text = repository.path().join("environments/measured.toml");
    std::fs::write(&text, std::fs::read_to_string(&text).unwrap() + more).unwrap();
    let said = repository.run(&["signals", "measured", "--scenario", "load.toml"]).exits(0);
    said.says("demand/postprocess").says("500 req/s").says("good");
}

#[test]
fn a_server_that_asks_for_certificates_gets_them_from_files_alone() {
    let exporter = Exporter::start(1.0);
    let folder = tempfile::tempdir().unwrap();
    let pki = pki(folder.path());
    let prometheus = Prometheus::with_tls(exporter.port, &pki);
    let url = format!("https://127.0.0.1:{}", prometheus.port);
    let repository = measured(&format!("prometheus = \"{url}\"\n{UPSTREAM}"));
    let at = |name: &str| pki.join(name).to_str().unwrap().to_owned();
    let (ca, cert, key) = (at("ca.pem"), at("client.pem"), at("client.key"));
    let with = |rest: &[&str]| repository.run(&[&["signals", "measured"], rest].concat());
    let all = ["--prometheus-ca", &ca, "--prometheus-cert", &cert, "--prometheus-key", &key];
    eventually("the engine is scraped", || (with(&all).code == Some(0)).then_some(()));
    with(&["--prometheus-ca", &ca]).exits(1).says("unreachable");
    with(&all[2..]).exits(1).says("unreachable").says("UnknownIssuer");
    with(&all[2..4]).exits(64).says("--prometheus-key");
    let by_variables = repository
        .command(&["signals", "measured"])
        .env("FLOODWAY_PROMETHEUS_CA", &ca)
        .env("FLOODWAY_PROMETHEUS_CERT", &cert)
        .env("FLOODWAY_PROMETHEUS_KEY", &key)
        .output()
        .unwrap();
    assert!(by_variables.status.success());
}

#[test]
fn a_token_is_not_sent_in_the_clear() {
    let repository = measured(&format!("prometheus = \"http://192.0.2.1:9090\"\n{UPSTREAM}"));
    repository
        .run(&["signals", "measured", "--prometheus-token-file", "token"])
        .exits(1)
        .says("would be sent the credentials in the clear");
}
