//! What users read when an environment is wrong: 80 columns, plain.

mod burst;
mod calendar;
mod layers;
mod rollout;
mod weights;

use super::fixture::{Memory, WHOLE};
use floodway::diag::Look;
use floodway::spec::resolve;

/// What is said about `files`, of which the first is the environment.
fn said<const N: usize>(files: [(&'static str, &[u8]); N]) -> String {
    let entry = files[0].0;
    let (_, diagnostics) = resolve(entry, &Memory::new(files));
    let text = diagnostics.render(Look::PLAIN);
    for line in text.lines() {
        // What is quoted of the file may be as long as the file has it.
        assert!(line.chars().count() <= 80 || line.contains(" | "), "{line}");
    }
    text
}

/// The whole fixture, each text replaced by another.
fn changed(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(WHOLE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the fixture has no {from}");
        text.replace(from, to)
    })
}

/// Holds `text` to the golden file of the test that is running.
fn snapshot(text: String) {
    let thread = std::thread::current();
    let name = thread.name().unwrap().rsplit("::").next().unwrap().to_owned();
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

/// What is said about the fixture after each of some edits.
fn after(edits: &[(&str, &[(&str, &str)])]) -> String {
    let part = |(title, edits): &(&str, &[(&str, &str)])| {
        format!("## {title}\n{}", said([("prod.toml", changed(edits).as_bytes())]))
    };
    edits.iter().map(part).collect::<Vec<_>>().join("\n")
}

#[test]
fn keys_types_and_units() {
    snapshot(after(&[
        (
            "unknown keys",
            &[
                ("replicas = 12", "replica = 12\nreplicas = 12\ncolour = \"red\""),
                ("[slo]", "[slos]\n[slo]"),
            ],
        ),
        (
            "wrong types",
            &[
                ("replicas = 12", "replicas = \"twelve\""),
                ("gpus = 1", "gpus = -1"),
                ("warm_pool = 2", "warm_pool = 2.5"),
                ("image = { name = \"gpu-inference\" }", "image = \"gpu-inference\""),
                (
                    "instance_types = [\"g6e.12xlarge\", \"g5.12xlarge\"]",
                    "instance_types = \"g6e\"",
                ),
            ],
        ),
        (
            "wrong units",
            &[
                ("\"99.95%\"", "0.9995"),
                ("\"500ms\"", "\"500 millis\""),
                ("\"18 req/s\"", "18"),
                ("memory = \"64Gi\"", "memory = \"64GB\""),
                ("usd_per_hour = 120", "usd_per_hour = \"$120\""),
            ],
        ),
        (
            "beyond what can be",
            &[
                ("replicas = 12", "replicas = 4294967295"),
                ("\"18 req/s\"", "\"18.0005 req/s\""),
                ("usd_per_month = 30000.5", "usd_per_month = 1e12"),
                ("name = \"deepseek\"", "name = \"3m\""),
            ],
        ),
        (
            "wrong words and names",
            &[
                ("join = \"kubernetes\"", "join = \"kubernets\""),
                ("name = \"prod\"", "name = \"Prod_1\""),
            ],
        ),
        (
            "missing",
            &[
                ("availability = \"99.95%\"\n", ""),
                ("replicas = { min = 3, max = 20 }", "replicas = { max = 20 }"),
                ("stage = \"inference\"\nsize = { min = 0, max = 10 }\n", ""),
            ],
        ),
    ]));
}

#[test]
fn what_cannot_be_read_hides_nothing_and_blames_nothing_else() {
    snapshot(after(&[
        (
            "two kinds of mistakes at once",
            &[
                ("phase = \"medium\"", "phase = \"meduim\""),
                ("\"99.95%\"", "\"high\""),
                ("min = 3, max = 20", "min = 30, max = 20"),
                ("capacity = \"18 req/s\"", "capacity = 18"),
            ],
        ),
        (
            "what hangs on it is not judged",
            &[
                ("gpus = 1", "gpus = \"one\"\ndemand = \"900 req/s\""),
                ("size = { min = 0, max = 10 }", "size = \"ten\""),
            ],
        ),
        (
            "nor what may have had a name",
            &[
                ("[service.stages.preprocess]", "[service.stages.Preprocess]"),
                ("to = \"g6e\"", "to = 6"),
            ],
        ),
    ]));
}

#[test]
fn one_mistake_hides_no_other() {
    let many: &[(&str, &str)] = &[
        ("phase = \"medium\"", "phase = \"meduim\""),
        ("min = 3, max = 20", "min = 30, max = 20"),
        ("stage = \"inference\"\nreplicas", "stage = \"inferenc\"\nreplicas"),
    ];
    let with = |edit| [many, &[edit]].concat();
    snapshot(after(&[
        (
            "all in one pool",
            &[
                ("[aws.pools.g6e]", "[aws.pools.h100]"),
                ("to = \"g6e\"", "to = \"h100\""),
                (
                    "stage = \"inference\"\nreplicas = 12",
                    "stage = \"inferenc\"\nreplicas = { min = 9, max = 3 }",
                ),
                ("\"18 req/s\"", "\"18 rps\"\nnode_selector = { gpu = \"H 100\" }"),
            ],
        ),
        ("a table twice", &with(("[slo]", "[onprem.pools.cpu]\nstage = \"preprocess\"\n\n[slo]"))),
        ("a key twice", &with(("gpus = 1\n", "gpus = 1\ngpus = 2\n"))),
        ("a key twice on one line", &with(("{ cpu = \"4\",", "{ cpu = \"4\", cpu = \"5\","))),
        ("a value without quotes", &with(("context = \"dc1\"", "context = dc1"))),
        (
            "a file that is not there",
            &with(("\n[environment]", "extends = \"gone.toml\"\n[environment]")),
        ),
    ]));
}

#[test]
fn what_is_there_under_a_wrong_name_is_not_missing() {
    let top = "extends = \"base.toml\"\n[environment]\nname = \"prod\"\n";
    let parts = [
        ("extend", top.replace("extends", "extend")),
        ("extends in a table", "[environment]\nname = \"prod\"\nextends = \"base.toml\"\n".into()),
        ("extend in a table", "[slo]\navailability = \"99%\"\nextend = \"base.toml\"\n".into()),
        ("a table", changed(&[("[service", "[servce")])),
        ("a key", changed(&[("replicas = 12", "replica = 12")])),
        ("an unknown key at the top", changed(&[("\n[environment]", "colour = 1\n[environment]")])),
    ];
    let base = ("base.toml", WHOLE.as_bytes());
    let part = |(title, text): &(&str, String)| {
        format!("## {title}\n{}", said([("prod.toml", text.as_bytes()), base]))
    };
    snapshot(parts.iter().map(part).collect::<Vec<_>>().join("\n"));
}

#[test]
fn secrets_are_refused_and_never_quoted() {
    let text = after(&[
        (
            "in a setting",
            &[("gpus = 1", "gpus = 1\nenv = { HF_TOKEN = \"hunter2\", KEY_FILE = \"/run/key\" }")],
        ),
        (
            "in arguments",
            &[("gpus = 1", "gpus = 1\nargs = [\"--api-key=hunter2\", \"--token\", \"hunter2\"]")],
        ),
        (
            "in a text over lines, beside other mistakes",
            &[("gpus = 1", "gpu = 1\nenv.DB_PASSWORD = \"\"\"\nhunter2\"\"\"\nenv.\"A-B\" = \"\"")],
        ),
        (
            "written in another way",
            &[("gpus = 1", "gpus = 1\nenv = { \"HF_TOKE\\u004E\" = \"hunter2\", \"A-B\" = \"\" }")],
        ),
        ("in a URL", &[("http://prometheus", "ftp://me:hunter2@prometheus")]),
        (
            "in a URL, beside another mistake",
            &[(
                "prometheus = \"http://prometheus.monitoring:9090\"",
                "prometheus = \"https://me:hunter2@prom\"\ndemnd = \"https://me:hunter2@prom\"",
            )],
        ),
        ("in a URL of a file that is no TOML", &[("\"http://prometheus", "https://me:hunter2@p")]),
        ("in a name", &[("name = \"prod\"", "name = \"http://me:hunter2@p\"")]),
    ]);
    assert!(!text.contains("hunter2"), "{text}");
    snapshot(text);
}

#[test]
fn what_is_quoted_stays_on_its_line_and_in_its_order() {
    let text = after(&[
        ("a line of a log", &[("name = \"prod\"", "name = \"x\\n::error file=a::pwned\"")]),
        ("a key", &[("gpus = 1", "gpus = 1\n\"\\n::error\\u202e\" = 1")]),
        ("raw", &[("name = \"prod\"", "name = \"\u{202e}x\u{9b}\"")]),
    ]);
    assert!(text.lines().all(floodway::diag::is_plain), "{text:?}");
    assert!(!text.lines().any(|line| line.starts_with("::")), "{text}");
    snapshot(text);
}

#[test]
fn the_only_error_is_said_whatever_number_of_warnings_there_are() {
    let stage = |n| {
        format!(
            "[service.stages.s{n}]\nimage = \"a:1\"\nresources = {{ cpu = \"1\", memory = \"1Gi\" }}\n"
        )
    };
    let stages: String = (0..120).map(stage).collect();
    let text = changed(&[
        ("phase = \"medium\"", "phase = \"medium\"\nprotected = true"),
        ("min = 3, max = 20", "min = 30, max = 20"),
    ]) + &stages;
    let (_, diagnostics) = resolve("a.toml", &Memory::new([("a.toml", text)]));
    assert_eq!(diagnostics.counts().0, 1);
    assert!(diagnostics.render(Look::PLAIN).starts_with("error: the pool `cpu` has min 30"));
    let unknown: String = (0..150).map(|n| format!("k{n} = 1\n")).collect();
    let (_, diagnostics) = resolve("a.toml", &Memory::new([("a.toml", unknown + WHOLE)]));
    assert_eq!((diagnostics.counts(), diagnostics.left_out()), ((150, 0), 50));
}

#[test]
fn columns_count_no_byte_order_mark() {
    let text = format!("\u{feff}extend = 1\n{WHOLE}");
    assert!(said([("a.toml", text.as_bytes())]).contains("--> a.toml:1:1\n"));
}

#[test]
fn syntax() {
    let latin = b"[environment]\nname = \"gr\xfcn\"\n";
    let mut parts = vec![
        said([("latin1.toml", latin)]),
        said([(
            "two.toml",
            b"[environment\nname = \"x\"\n\n[slo]\navailability = 99.95%\nx = 'y\n",
        )]),
        said([("deep.toml", format!("x = {}", "[".repeat(10_000)).as_bytes())]),
        said([("dots.toml", format!("{} = 1", ["a"; 10_000].join(".")).as_bytes())]),
        said([("large.toml", "# large\n".repeat(1 << 17).as_bytes()), ("b.toml", b"")]),
        said([("larger.toml", "#".repeat((1 << 20) + 1).as_bytes())]),
    ];
    parts.push(said([(
        "twice.toml",
        changed(&[("[onprem.pools.h100]", "[onprem.pools.cpu]")]).as_bytes(),
    )]));
    snapshot(parts.join("\n"));
}

#[test]
fn stages_and_pools() {
    snapshot(after(&[
        (
            "unknown stages",
            &[
                ("next = \"inference\"", "next = \"inferense\""),
                ("stage = \"inference\"\nreplicas", "stage = \"inferenc\"\nreplicas"),
                ("stage = \"inference\"\nsize", "stage = \"render\"\nsize"),
            ],
        ),
        ("a circle", &[("gpus = 1", "gpus = 1\nnext = \"preprocess\"")]),
        (
            "bounds",
            &[
                ("min = 3, max = 20", "min = 30, max = 20"),
                ("min = 0, max = 10", "min = 11, max = 10"),
            ],
        ),
        (
            "one name on both sides",
            &[("[aws.pools.g6e]", "[aws.pools.h100]"), ("to = \"g6e\"", "to = \"h100\"")],
        ),
        ("nothing runs a stage", &[("stage = \"preprocess\"", "stage = \"inference\"")]),
        (
            "stages that cannot be",
            &[
                ("image = \"registry.example/inference:1\"", "image = \"\"\nport = 0"),
                ("cpu = \"8\"", "cpu = \"0\""),
                (
                    "gpus = 1",
                    "gpus = 1\nmax_message = \"4Gi\"\nstartup = \"0s\"\nenv = { \"a b\" = \"\" }",
                ),
                ("NoSchedule", "noschedule"),
                (
                    "capacity = \"18 req/s\"",
                    "capacity = \"18 req/s\"\n\
              node_selector = { gpu = \"H 100\", \"a/b/c\" = \"1\" }",
                ),
            ],
        ),
        (
            "pods that cannot be",
            &[
                (
                    "name = \"deepseek\"",
                    "name = \"deepseek\"\nimage_pull_secrets = [\"regcred\", \"Reg_cred\", \"regcred\"]",
                ),
                (
                    "gpus = 1",
                    "gpus = 1\nrun_as_user = 0\nscratch = \"0\"\nmax_connection_age = \"5s\"\n\
              env_from = [\"hf-token\", \"\"]",
                ),
                (
                    "next = \"inference\"",
                    "next = \"inference\"\nrun_as_user = 4000000000\negress = [\n\
              { cidr = \"10.0.0.0\" },\n{ cidr = \"10.1.2.3/8\", port = 0 },\n\
              { cidr = \"169.254.169.254/32\", port = 80 },\n{ cidr = \"0.0.0.0/0\" },\n]",
                ),
            ],
        ),
        (
            "what is not filled in",
            &[("inference:1", "inference:${TAG}"), ("context = \"dc1\"", "context = \" \"")],
        ),
        (
            "names that clash",
            &[
                (
                    "[service.stages.preprocess]",
                    "[service.stages.inference-a]\nimage = \"x\"\n\
              resources = { cpu = \"1\", memory = \"1Gi\" }\n[service.stages.preprocess]",
                ),
                (
                    "[onprem.pools.cpu]",
                    "[onprem.pools.b]\nstage = \"inference-a\"\nreplicas = 1\n\
              capacity = \"1 req/s\"\n[onprem.pools.a-b]\nstage = \"inference\"\nreplicas = 1\n\
              capacity = \"1 req/s\"\n[onprem.pools.cpu]",
                ),
            ],
        ),
    ]));
}

#[test]
fn owners_and_autoscalers() {
    snapshot(after(&[
        ("an HPA on a number", &[("replicas = { min = 3, max = 20 }", "replicas = 4")]),
        (
            "an HPA on a demand",
            &[("next = \"inference\"", "next = \"inference\"\ndemand = \"2000 req/s\"")],
        ),
        (
            "HPA targets",
            &[
                ("requests_per_second = 1000", "requests_per_second = 2000"),
                ("cpu = \"70%\"", "cpu = \"700%\""),
                ("min = 3", "min = 0"),
            ],
        ),
        ("an HPA between two percents", &[("cpu = \"70%\"", "cpu = \"70.9%\"")]),
        ("an HPA without a target", &[("{ cpu = \"70%\", requests_per_second = 1000 }", "{}")]),
        ("a demand that cannot be carried", &[("gpus = 1", "gpus = 1\ndemand = \"1000 req/s\"")]),
        (
            "a demand that nothing carries",
            &[
                ("gpus = 1", "gpus = 1\ndemand = \"1 req/s\""),
                ("stage = \"inference\"", "stage = \"preprocess\""),
            ],
        ),
    ]));
}

#[test]
fn the_environment_itself() {
    snapshot(after(&[
        ("phases", &[("phase = \"medium\"", "phase = \"meduim\""), ("order = 2", "order = 1")]),
        (
            "promises",
            &[
                ("\"99.95%\"", "\"100%\"\ne2e_p99 = \"0.1s\"\ntpot_p99 = \"0s\""),
                ("[burst]", "[burst]\ntarget_utilization = \"120%\"\nforecast = { quantile = 1 }"),
            ],
        ),
        ("moved", &[("from = \"l40s\"\nto = \"g6e\"", "from = \"h100\"\nto = \"g6\"")]),
        (
            "protected",
            &[
                ("phase = \"medium\"", "phase = \"medium\"\nprotected = true"),
                ("cluster_uid = \"8a6f0f0e-6a55-4b6a-9f7e-0d7f8b1f6a11\"", ""),
                ("account = \"123456789012\"\n", ""),
            ],
        ),
        ("a URL", &[("http://prometheus.monitoring:9090", "prometheus:9090")]),
    ]));
}

#[test]
fn an_environment_that_is_nowhere() {
    let environment = WHOLE.split("[onprem]").next().unwrap();
    snapshot(said([("prod.toml", environment.as_bytes())]));
}

#[test]
fn signals_that_could_not_be_read() {
    const SERVER: &str = "prometheus = \"http://prometheus.monitoring:9090\"";
    let with = |lines: &str| format!("{SERVER}\n{lines}");
    let cases: Vec<(&str, String)> = vec![
        (
            "servers",
            "prometheus = [\"http://a:9090\", \"prometheus\", \"http://a:9090\"]".to_owned(),
        ),
        ("no server", "prometheus = []".to_owned()),
        ("times", with("timeout = \"5m\"\ninterval = \"0s\"\nmax_age = \"90s\"")),
        ("a query is not closed", with("demand = 'sum(rate(requests_total[1m])'")),
        ("a window that is none", with("demand = 'sum(rate(requests_total[1 min]))'")),
        ("no series", with("demand = '4'")),
        (
            "stages that there are not",
            with(
                "demand = { inferenc = 'a' }\nqueue = { front = 'a' }\n\
                 engine = { inference = \"vlm\" }",
            ),
        ),
        ("a number is no query", with("demand = 12")),
        (
            "kafka",
            with(
                "kafka = { inference = { topic = \"t\" }, \
                 preprocess = { group = \"g\", query = 'a' } }",
            ),
        ),
        (
            "what is selected",
            with("select = { inference = '{job=\"x\"}', preprocess = 'job=\"x\"' }"),
        ),
    ];
    let part = |(title, lines): &(&str, String)| {
        let text = changed(&[(SERVER, lines)]);
        format!("## {title}\n{}", said([("prod.toml", text.as_bytes())]))
    };
    snapshot(cases.iter().map(part).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_demand_without_a_stage_is_of_the_only_one_that_the_controller_sizes() {
    const SERVER: &str = "prometheus = \"http://prometheus.monitoring:9090\"";
    let demand = format!("{SERVER}\ndemand = 'sum(rate(requests_total[1m]))'");
    let ours = "hpa = { cpu = \"70%\", requests_per_second = 1000 }\n";
    let git = ("size = { min = 0, max = 10 }", "size = 2");
    let none = [(SERVER, demand.as_str()), git];
    snapshot(after(&[
        ("one", &[(SERVER, demand.as_str())]),
        ("two", &[(SERVER, demand.as_str()), (ours, "")]),
        ("none", &none),
    ]));
}
