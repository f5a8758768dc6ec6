//! What things cost, from the file to the screens.

use super::scenario;
use crate::support::repository::Repository;
use std::fs;
use std::path::{Path, PathBuf};

/// A small file in the format of AWS's price list, of us-west-2.
fn offers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/backend/offers/index.csv")
}

/// The demonstration with a spot market, and a second pool in another region.
fn with_spot() -> Repository {
    let repository = Repository::new(None);
    let demo = fs::read_to_string(repository.path().join("environments/demo.toml")).unwrap();
    let demo = demo.replace(
        "[burst]",
        "spot = { share = \"50%\" }\n\n[aws.pools.far]\nstage = \"inference\"\nsize = 1\n\
         join = \"standalone\"\nregion = \"us-west-2\"\ninstance_types = [\"g6e.12xlarge\"]\n\
         capacity = { \"g6e.12xlarge\" = \"9 req/s\" }\nimage = { name = \"i\" }\n\n[burst]",
    );
    let demo = demo.replace("[onprem.pools.post]", "[onprem.pools.post]\nusd_per_hour = 0.25");
    let demo = demo.replace("\"60 req/s\"", "\"162 req/s\"");
    repository.write("demo", &demo);
    repository
}

fn screen(repository: &Repository, arguments: &[&str]) -> String {
    let mut command = repository.command(arguments);
    command.env("COLUMNS", "80");
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[test]
fn a_plan_shows_prices_with_their_day_and_source() {
    let repository = with_spot();
    let market = scenario(
        &repository,
        "[[spot]]\ninstance_type = \"g6e.12xlarge\"\nusd_per_hour = \"$4.12/h\"\n\
         zone = \"us-east-1b\"\n",
    );
    let plan = screen(&repository, &["plan", "demo", "--scenario", &market]);
    let costs =
        plan.lines().skip_while(|line| !line.starts_with("COST")).take_while(|l| !l.is_empty());
    let end = plan.lines().skip_while(|line| !line.starts_with("warning"));
    let said: Vec<&str> = costs.chain([""]).chain(end).collect();
    insta::assert_snapshot!("costs", said.join("\n"));
    insta::assert_snapshot!("prices", screen(&repository, &["prices", "demo"]));
    repository.run(&["prices", "demo", "--json"]).exits(0).says("\"usd_per_hour\": 10.49264");
    repository.run(&["schema", "prices"]).exits(0).says("Floodway prices");
}

#[test]
fn a_capacity_block_has_no_list_price_and_is_told_apart() {
    let repository = Repository::new(None);
    let demo = fs::read_to_string(repository.path().join("environments/demo.toml")).unwrap();
    let with = |price: &str| {
        let pool = format!(
            "[aws.pools.block]\nstage = \"inference\"\nsize = 2\njoin = \"standalone\"\n\
             instance_types = [\"g6e.12xlarge\"]\ncapacity = {{ \"g6e.12xlarge\" = \"9 req/s\" }}\n\
             image = {{ name = \"i\" }}\n\
             reservation = {{ id = \"cr-0a1b\", block = true{price} }}\n\n[burst]"
        );
        let demo =
            demo.replace("[burst]", &pool).replace("usd_per_hour = 50 }", "usd_per_hour = 90 }");
        repository.write("demo", &demo);
    };
    let reserved = scenario(
        &repository,
        "[[reservations]]\nid = \"cr-0a1b\"\ninstance_type = \"g6e.12xlarge\"\n\
         zone = \"us-east-1b\"\ninstances = 1\nblock = true\nends = \"2999-12-04T11:30:00Z\"\n",
    );
    with("");
    repository
        .run(&["plan", "demo", "--scenario", &reserved])
        .exits(12)
        .says("cannot be held: no price is known of g6e.12xlarge in us-east-1")
        .says("g6e.12xlarge in us-east-1 in a capacity block: price unknown")
        .says("capacity block cr-0a1b (environments/demo.toml:57) of pool block, 1 × g6e.12xlarge")
        .says("ends at 2999-12-04T11:30:00Z")
        .says("may grow to 2 instances");
    with(", usd_per_hour = \"$20/h\"");
    repository
        .run(&["plan", "demo"])
        .exits(0)
        .says("g6e.12xlarge in us-east-1 in a capacity block: $20.00 (environments/demo.toml:57)");
}

#[test]
fn a_table_of_prices_is_made_from_what_aws_publishes() {
    let repository = with_spot();
    let offers = offers();
    let refresh = ["prices", "refresh", "--region", "us-west-2", "--offers"];
    let refresh = [&refresh[..], &[offers.to_str().unwrap()]].concat();
    let table = repository.path().join("environments/prices.csv");
    fs::write(
        &table,
        "instance_type,region,usd_per_hour,date\ng5.12xlarge,us-west-2,5.5,2026-01-01\n\
         g6e.12xlarge,us-west-2,11,2026-01-01\np5.48xlarge,eu-west-1,60,2026-01-01\n",
    )
    .unwrap();
    repository
        .run(&refresh)
        .exits(0)
        .says("1 price of us-west-2, published 2026-07-19; 0 new, 1 changed")
        .says("g6e.12xlarge: $11/h before, $10.49264/h now")
        .says("Not offered, and left with their old date: g5.12xlarge.");
    let text = fs::read_to_string(&table).unwrap();
    let rows: Vec<&str> = text.lines().skip(3).collect();
    assert_eq!(
        rows,
        [
            "g5.12xlarge,us-west-2,5.5,2026-01-01",
            "g6e.12xlarge,us-west-2,10.49264,2026-07-19",
            "p5.48xlarge,eu-west-1,60,2026-01-01",
        ]
    );
    repository.run(&refresh).exits(0).says("0 new, 0 changed");
    assert_eq!(fs::read_to_string(&table).unwrap(), text, "the same again");
    repository.run(&["prices", "demo"]).exits(0).says("environments/prices.csv").says("all known");
    let elsewhere = ["prices", "refresh", "--region", "eu-west-1", "--offers"];
    let elsewhere = [&elsewhere[..], &[offers.to_str().unwrap()]].concat();
    repository.run(&elsewhere).exits(1).says("no price for eu-west-1").says("eu-west-1/index.csv");
    assert_eq!(fs::read_to_string(&table).unwrap(), text);

    fs::write(&table, "instance_type,region,usd_per_hour,date\nx,us-west-2,1,2026-01-01\n")
        .unwrap();
    repository.run(&refresh).exits(65).says("environments/prices.csv:2:1");
    repository.run(&["plan", "demo"]).exits(65).says("environments/prices.csv:2:1");
}

#[test]
fn a_plan_that_may_break_budget_or_quota_is_refused_and_shown() {
    let repository = Repository::new(None);
    let demo = fs::read_to_string(repository.path().join("environments/demo.toml")).unwrap();
    let low = demo.replace("usd_per_hour = 50", "usd_per_hour = 40");
    let low = low.replace("[aws.pools.g6e]", "[aws.quotas]\non_demand_g = 100\n\n[aws.pools.g6e]");
    repository.write("demo", &low);
    repository
        .run(&["plan", "demo"])
        .exits(12)
        .says("refused (budget): burst would cost $41.97056/h with every pool at its max")
        .says("refused (quota): with every pool at its max, 192 vCPUs");
    repository.write("demo", &demo);
    repository.run(&["apply", "demo", "--yes"]).exits(0);
    repository.write("demo", &low);
    repository.run(&["plan", "demo"]).exits(0).says("this plan raises nothing, and is not refused");
}
