//! Burst capacity that cannot be.

use super::{after, said, snapshot};
use crate::spec::fixture::WHOLE;

#[test]
fn requirements() {
    let types = "instance_types = [\"g6e.12xlarge\", \"g5.12xlarge\"]";
    let by = |required: &str| format!("requirements = {{ {required} }}");
    let capacity = "\"g6e.12xlarge\" = \"9 req/s\", \"g5.12xlarge\" = \"6 req/s\"";
    let any = "any = \"9 req/s\"";
    let (few, both) = (by("gpus = 0, vcpus = { min = 8 }"), by("gpus = 4"));
    let both = format!("{types}\n{both}");
    let wrong = by("gpus = 4, gpu_names = [\"l40s\", \"t5\", \"tpu\"], \
                    allowed = [\"g6e.*\"], excluded = [\"g6e/*\"], \
                    vcpus = { min = 9, max = 8 }, memory = { min = \"2Gi\", max = \"1Gi\" }");
    snapshot(after(&[
        ("types too, and no capacity for any", &[(types, &both)]),
        (
            "too few GPUs, and a replica that carries nothing",
            &[(types, &few), (capacity, "any = \"0 req/s\"")],
        ),
        ("names and bounds", &[(types, &wrong), (capacity, "any = \"9 req/s\"")]),
        (
            "adapters that nobody knows of",
            &[(types, &format!("{}\nlaunch = {{ efa = true }}", by("gpus = 4"))), (capacity, any)],
        ),
    ]));
}

#[test]
fn prices_and_quotas() {
    let priced = "[aws.pools.g6e]";
    snapshot(after(&[
        (
            "no price, no region, no number",
            &[(
                priced,
                "[aws.prices]\n\"g6e.12xlarge\" = 9.44\n\
                 \"g5.12xlarge\" = { us-east1 = \"$5/h\", us-east-1 = \"$5\" }\n\
                 [aws.quotas]\non_demand_g = { us-west-2 = 512, us-east-1a = 1 }\n\
                 spot_g = \"all\"\non_demand_gpu = 5\n[aws.pools.g6e]",
            )],
        ),
        ("on-prem", &[("replicas = 12", "replicas = 12\nusd_per_hour = \"$2/h\"")]),
        (
            "a type without a price where it is",
            &[
                (
                    "instance_types = [\"g6e.12xlarge\", \"g5.12xlarge\"]",
                    "region = \"eu-west-1\"\nreplicas_per_node = 1\n\
                     instance_types = [\"g6e.12xlarge\", \"g9.12xlarge\"]",
                ),
                ("\"g5.12xlarge\" = \"6 req/s\"", "\"g9.12xlarge\" = \"6 req/s\""),
            ],
        ),
    ]));
    let table = "instance_type,region,usd_per_hour,date\ng6e.12xlarge,eu-west-1,11.5,2026\n";
    let text = said([("prod.toml", WHOLE.as_bytes()), ("prices.csv", table.as_bytes())]);
    assert!(text.contains("--> prices.csv:2:29"), "{text}");
}

#[test]
fn burst_pools() {
    snapshot(after(&[
        (
            "instance types",
            &[(
                "[\"g6e.12xlarge\", \"g5.12xlarge\"]",
                "[\"g6e.12xlarg\", \"g5.12xlarge\", \"g5.12xlarge\"]",
            )],
        ),
        ("capacities", &[("\"g5.12xlarge\" = \"6 req/s\"", "\"g5.24xlarge\" = \"6 req/s\"")]),
        ("GPUs", &[("gpus = 1", "gpus = 8")]),
        ("no GPUs", &[("gpus = 1\n", "")]),
        ("more replicas than GPUs", &[("warm_pool = 2", "replicas_per_node = 5")]),
        (
            "spot and warm",
            &[("base_on_demand = 1", "base_on_demand = 11"), ("warm_pool = 2", "warm_pool = 12")],
        ),
        ("spot alone and warm", &[("share = \"70%\", base_on_demand = 1", "share = \"100%\"")]),
        (
            "places",
            &[
                ("\"us-east-1\"", "\"us-east-1a\""),
                ("\"123456789012\"", "\"12345\""),
                ("subnets = { tags = { tier = \"gpu\" } }\n", ""),
            ],
        ),
        ("no cluster to join", &[("[onprem", "[x-onprem")]),
        ("drain", &[("[burst]", "[burst]\nscale_in = { drain = \"1m\" }")]),
        ("budget", &[("min = 0, max = 10", "min = 10, max = 10"), ("= 120,", "= 100,")]),
    ]));
}

#[test]
fn elastic_fabric_adapters() {
    let types = "instance_types = [\"g6e.12xlarge\", \"g5.12xlarge\"]";
    let capacity = "capacity = { \"g6e.12xlarge\" = \"9 req/s\", \"g5.12xlarge\" = \"6 req/s\" }";
    let of = |a: &str, b: &str| {
        let types = format!("instance_types = [\"{a}\", \"{b}\"]\nreplicas_per_node = 1");
        let capacity = format!("capacity = {{ \"{a}\" = \"9 req/s\", \"{b}\" = \"6 req/s\" }}");
        (types, capacity)
    };
    let part = |title: &str, (types_are, capacity_is): &(String, String), efa: &str| {
        after(&[(
            title,
            &[
                (types, types_are.as_str()),
                (capacity, capacity_is.as_str()),
                ("[burst]", efa),
                (
                    "region = \"us-east-1\"",
                    "region = \"us-east-1\"\nprices = { \"x9.huge\" = \"$1/h\" }",
                ),
            ],
        )])
    };
    let in_pool = "[aws.pools.g6e.launch]\nefa = true\n[burst]";
    let in_all = "[aws.launch]\nefa = true\n[burst]";
    snapshot(
        [
            part("a type without", &of("g6e.12xlarge", "g6e.xlarge"), in_pool),
            part("a type that is not known", &of("x9.huge", "g6e.12xlarge"), in_all),
            part("no card in common", &of("p6-b300.48xlarge", "g6e.12xlarge"), in_pool),
        ]
        .join("\n"),
    );
}

#[test]
fn reservations() {
    let pool = |lines: &str| format!("warm_pool = 2\n{lines}");
    let group = "arn:aws:resource-groups:us-east-1:123456789012:group/gpus";
    let parts = [
        ("neither", pool("reservation = { block = true }")),
        (
            "both, and neither is right",
            pool("reservation = { id = \"r-1\", group = \"gpus\", usd_per_hour = \"$1/h\" }"),
        ),
        (
            "a block by its group",
            pool(&format!("reservation = {{ group = \"{group}\", block = true }}")),
        ),
        (
            "a block beside what AWS refuses there",
            pool("reservation = { id = \"cr-0a1b\", block = true }"),
        ),
    ];
    let part =
        |(title, text): &(&str, String)| after(&[(title, &[("warm_pool = 2", text.as_str())])]);
    snapshot(parts.iter().map(part).collect::<Vec<_>>().join("\n"));
}

#[test]
fn instance_refreshes() {
    let refresh = |refresh: &str| format!("warm_pool = 2\nrefresh = {refresh}");
    let texts = [
        ("alarms without a refresh", refresh("{ alarms = [\"errors\"] }")),
        (
            "shares that AWS does not take",
            refresh(
                "{ rule = \"rolling\", min_healthy = \"99.5%\", \
                 checkpoints = [\"50%\", \"20%\", \"150%\"], checkpoint_delay = \"72h\" }",
            ),
        ),
        ("another rule", refresh("{ rule = \"roling\" }")),
    ];
    let part =
        |(title, text): &(&str, String)| after(&[(title, &[("warm_pool = 2", text.as_str())])]);
    snapshot(texts.iter().map(part).collect::<Vec<_>>().join("\n"));
}

#[test]
fn schedules() {
    let schedule = |lines: &str| {
        format!("[[schedule]]\nname = \"mornings\"\npool = \"g6e\"\n{lines}\n[[moved]]")
    };
    let right = "cron = \"0 8 * * MON-FRI\"\ndesired = 3\n";
    let two = schedule(right).replace("[[moved]]", "") + &schedule(right);
    let texts = [
        ("times that are none", (schedule("cron = \"0 8 * * ? *\"\ndesired = 3"))),
        ("a number that is none", (schedule("cron = \"0 24 * * *\"\ndesired = 3"))),
        (
            "zones and moments that are none",
            (schedule(&format!(
                "{right}time_zone = \"Europe/Berlim\"\nstart = \"tomorrow\"\n\
                 end = \"2026-12-01T08:00:00.5Z\""
            ))),
        ),
        (
            "an end before the start",
            (schedule(&format!(
                "{right}start = \"2026-12-02T08:00:00Z\"\nend = \"2026-12-01T08:00:00Z\""
            ))),
        ),
        ("beyond the bounds", (schedule("cron = \"0 8 * * *\"\ndesired = 30"))),
        ("no such pool", schedule(right).replace("g6e", "g6")),
        ("an on-prem pool", schedule(right).replace("g6e", "cpu")),
        ("twice", two),
    ];
    let parts: Vec<_> = texts
        .iter()
        .map(|(title, text)| after(&[(title, &[("[[moved]]", text.as_str())])]))
        .chain([after(&[(
            "a number that git owns",
            &[
                ("[[moved]]", schedule(right).as_str()),
                ("size = { min = 0, max = 10 }", "size = 4"),
            ],
        )])])
        .collect();
    snapshot(parts.join("\n"));
}

#[test]
fn root_volumes_and_roles() {
    let volume = |volume: &str| format!("[aws.launch]\nvolume = {volume}\n[burst]");
    let (fast, wide) =
        (volume("{ size = \"10Gi\", iops = 9000 }"), volume("{ throughput = 1000 }"));
    let (none, key) = (volume("{ iops = 1, throughput = 1 }"), volume("{ kms_key = \"gpus\" }"));
    let both = "[aws.pools.g6e.launch]\nvolume = { throughput = 2000 }\n[aws.launch]\nvolume = \
                { size = \"1Ti\", iops = 4000 }\n[burst]";
    let role = "account = \"123456789012\"\nrole = \"arn:aws:iam::999999999999:role/floodway\"";
    snapshot(after(&[
        ("more operations than its size carries", &[("[burst]", fast.as_str())]),
        ("more throughput than its operations carry", &[("[burst]", wide.as_str())]),
        ("a pool's and those of all", &[("[burst]", both)]),
        ("what gp3 does not have", &[("[burst]", none.as_str())]),
        ("no key", &[("[burst]", key.as_str())]),
        ("a role of another account", &[("account = \"123456789012\"", role)]),
    ]));
}

#[test]
fn freezes() {
    let freeze = |lines: &str| format!("[[freeze]]\nname = \"sale\"\n{lines}\n[[moved]]");
    let right = "start = \"2026-12-01T08:00:00Z\"\n";
    let two = freeze(right).replace("[[moved]]", "") + &freeze(right);
    let texts = [
        ("no time", freeze("scale_out = true")),
        ("no duration", freeze("cron = \"0 8 * * *\"")),
        ("nothing to begin with", freeze(&format!("{right}duration = \"2h\""))),
        ("too long", freeze("cron = \"0 8 1 * *\"\nduration = \"30d\"")),
        (
            "times and zones that are none",
            freeze("cron = \"0 25 * * *\"\nduration = \"2h\"\ntime_zone = \"Berlin\""),
        ),
        ("an end before the start", freeze(&format!("{right}end = \"2026-11-01T08:00:00Z\""))),
        ("nothing that it leaves alone", freeze(&format!("{right}scale_in = false"))),
        ("twice", two),
    ];
    let part = |(title, text): &(&str, String)| after(&[(title, &[("[[moved]]", text.as_str())])]);
    snapshot(texts.iter().map(part).collect::<Vec<_>>().join("\n"));
}

#[test]
fn steps_and_profiles() {
    let steps = "[burst]\nscale_in = { step = 0, pause = \"0s\" }";
    let profile = |of: &str| {
        format!(
            "warm_pool = 2\nprofile = {{ \"{of}\" = {{ alpha_ms = 0, beta_ms_per_seq = 0.044, \
             gamma_ms = \"15ms\", delta_ms_per_token_seq = -1, max_batch = 0 }} }}"
        )
    };
    let right = "capacity = \"18 req/s\"\nprofile = { alpha_ms = 7.47, beta_ms_per_seq = 0.044, \
                 gamma_ms = 15.415, delta_ms_per_token_seq = 0.000337 }";
    let (known, other) = (profile("g6e.12xlarge"), profile("g6.12xlarge").replace("= -1", "= 1"));
    let other = other.replace("\"15ms\"", "15");
    snapshot(after(&[
        ("steps of nothing", &[("[burst]", steps)]),
        ("numbers that are none", &[("warm_pool = 2", known.as_str())]),
        ("another type, and no engine", &[("warm_pool = 2", other.as_str())]),
        (
            "nothing is promised",
            &[("ttft_p99 = \"500ms\"", ""), ("capacity = \"18 req/s\"", right)],
        ),
    ]));
}
