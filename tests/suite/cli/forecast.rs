//! Forecasts of a real load, from its file to the screens.

use crate::support::repository::Repository;
use std::fs;
use std::path::{Path, PathBuf};

/// Two weeks of real load in steps of ten minutes; see tests/data/README.md.
fn load() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/servegen/m-small-10min.csv")
}

/// Its first days, so that a test does not take long.
fn first_days(repository: &Repository, days: usize) -> String {
    let text = fs::read_to_string(load()).unwrap();
    let path = repository.path().join("load.csv");
    let lines: Vec<&str> = text.lines().take(1 + 144 * days).collect();
    fs::write(&path, lines.join("\n")).unwrap();
    path.display().to_string()
}

#[test]
fn scores_of_a_real_load_are_a_table_and_json_that_holds_to_its_schema() {
    let repository = Repository::new(None);
    let file = first_days(&repository, 2);
    let text = repository.run(&["forecast", "score", &file, "--env", "prod", "--last", "12h"]);
    text.exits(0)
        .says("20m ahead in steps of 10m")
        .says("persistence 71")
        .says("of the calibrated 95 %");
    let said = repository.run(&["forecast", "score", &file, "--last", "12h", "--json"]).exits(0);
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let schema = repository.run(&["schema", "forecast"]).exits(0).out;
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    assert!(validator.is_valid(&json), "{json:#}");
    let named = |name: &str| {
        let all = json["forecasters"].as_array().unwrap();
        all.iter().find(|forecaster| forecaster["name"] == name).unwrap().clone()
    };
    let wape = named("persistence")["ahead"][1]["wape"].as_f64().unwrap();
    assert!((0.01..0.4).contains(&wape), "{wape}");
    assert!(named("seasonal-week")["out"].as_str().unwrap().contains("less than 1w"));
    assert_eq!(named("seasonal-week")["origins"], 0);
}

#[test]
fn trained_weights_are_scored_after_their_data_only_and_refused_for_other_steps() {
    let repository = Repository::new(None);
    let file = first_days(&repository, 3);
    let weights = repository.path().join("linear.safetensors").display().to_string();
    let until = ["--model", "linear", "--until", "1970-01-02T12:00:00Z", "--out", &weights];
    let train = [&["forecast", "train", file.as_str()][..], &until].concat();
    repository.run(&train).exits(0).says("to 1970-01-02T11:50:00Z, for 2 steps of 10m");
    let score = ["forecast", "score", &file, "--weights", &weights, "--last", "2d", "--json"];
    let json: serde_json::Value =
        serde_json::from_str(&repository.run(&score).exits(0).out).unwrap();
    let all = json["forecasters"].as_array().unwrap();
    let linear = all.iter().find(|forecaster| forecaster["name"] == "linear").unwrap();
    // Half of the first of the two days was trained on.
    assert_eq!(linear["origins"], 288 - 71 - 1);
    let other = [&score[..5], &["--horizon", "40m"]].concat();
    repository
        .run(&other[..])
        .exits(1)
        .says("the weights are for 2 steps of 10m")
        .says("train them again");
}

#[test]
fn a_plot_is_an_svg_with_the_band() {
    let repository = Repository::new(None);
    let file = first_days(&repository, 1);
    let out = repository.path().join("plot.svg");
    let out_text = out.display().to_string();
    repository
        .run(&["forecast", "plot", &file, "--out", &out_text])
        .exits(0)
        .says("from 1970-01-01T");
    let svg = fs::read_to_string(&out).unwrap();
    for class in ["history", "truth", "path", "band"] {
        assert!(svg.contains(&format!("class=\"{class}\"")), "{class}");
    }
    repository
        .run(&["forecast", "plot", &file, "--out", "environments/prod.toml"])
        .exits(64)
        .says("would overwrite a TOML file");
}

#[test]
fn what_cannot_be_forecast_says_what_to_do() {
    let repository = Repository::new(None);
    let why = match cfg!(feature = "prometheus") {
        true => "there is no history of demand/inference: http://prometheus.monitoring:9090",
        false => "built without its Prometheus backend",
    };
    repository.run(&["forecast", "score", "prod"]).exits(1).says(why);
    let unmeasured = repository.run(&["forecast", "score", "demo"]);
    unmeasured.exits(1).says("declares no demand").says("name a CSV");
    let missing = repository.run(&["forecast", "score", "none.csv"]);
    missing.exits(1).says("none.csv cannot be read");
    let file = repository.path().join("x.csv");
    fs::write(&file, "a,b\n1,2\n").unwrap();
    let said = repository.run(&["forecast", "score", file.to_str().unwrap()]);
    said.exits(1).says("names no columns").says("`time,value`");
    let file = first_days(&repository, 1);
    let long = repository.run(&["forecast", "score", &file, "--horizon", "1d"]);
    long.exits(64).says("at most 96");
}

/// Weights that were trained on the first days of that load.
#[cfg(feature = "lstm")]
fn weights() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/weights/lstm-m-small.safetensors")
}

#[cfg(feature = "lstm")]
#[test]
fn an_environment_names_weights_that_fit_it_or_hears_why_they_do_not() {
    let repository = Repository::new(None);
    let environments = repository.path().join("environments");
    fs::create_dir(environments.join("weights")).unwrap();
    let named = environments.join("weights/prod.safetensors");
    let demo = fs::read_to_string(environments.join("demo.toml")).unwrap();
    assert!(!demo.contains("forecast"));
    let with = |horizon: &str| {
        let forecast = format!(
            "[burst]\nforecast = {{ horizon = \"{horizon}\", weights = \"weights/prod.safetensors\" }}"
        );
        repository.write("trained", &demo.replacen("[burst]", &forecast, 1));
        repository.run(&["validate", "trained"])
    };
    with("20m").exits(65).says("trained.toml:").says("there is no such file");
    fs::write(&named, b"no weights").unwrap();
    with("20m").exits(65).says("cannot be used: it holds no weights of a forecaster");
    fs::copy(weights(), &named).unwrap();
    with("20m").exits(0);
    with("1h").exits(65).says("the weights are for 2 steps of 10m").says("a horizon of 1h");
    // And they are in the race of what is scored for it.
    with("20m").exits(0);
    let load = load().display().to_string();
    let score = ["forecast", "score", &load, "--env", "trained", "--last", "3h", "--json"];
    let said = repository.run(&score).exits(0);
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let all = json["forecasters"].as_array().unwrap();
    let lstm = all.iter().find(|forecaster| forecaster["name"] == "lstm").unwrap();
    assert_eq!(lstm["origins"], 17);
}
