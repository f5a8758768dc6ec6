use super::place::literal_in_pattern;
use super::*;
use crate::desired::fixture;
use crate::spec::model::{LockBucket, OnPremProvider, Reservation};
use serde_json::{Value, json};

fn mark() -> Mark {
    Mark {
        environment: "prod".into(),
        repository: "github.com/acme/infra".into(),
        file: "environments/prod.toml".into(),
    }
}

/// The fixture on an account, changed by `change`.
fn environment(change: impl FnOnce(&mut crate::spec::model::Aws)) -> Environment {
    let mut environment = fixture::environment();
    let aws = environment.aws.as_mut().unwrap();
    aws.provider = AwsProvider::Aws;
    aws.account = Some("123456789012".into());
    change(aws);
    environment
}

fn of(environment: &Environment, purpose: Purpose, known: &Known) -> Policy {
    policy(environment, &mark(), purpose, known).unwrap()
}

fn statement(policy: &Policy, sid: &str) -> Value {
    let found = policy.statement.iter().find(|statement| statement.sid == sid);
    serde_json::to_value(found).unwrap()
}

#[test]
fn what_is_reserved_is_read_and_started_in_and_nothing_else_is() {
    let group = "arn:aws:resource-groups:us-east-1:123456789012:group/gpus";
    let reserved = |id: Option<&str>, group: Option<&str>| {
        let (id, group) = (id.map(str::to_owned), group.map(str::to_owned));
        environment(|aws| {
            let pool = aws.pools.get_mut("g6e").unwrap();
            let given = Reservation { id, group, block: false, usd_per_hour: None };
            pool.reservation = Some(given);
        })
    };
    let reads = |policy: &Policy| {
        let look = statement(policy, "Look").to_string();
        look.contains("ec2:DescribeCapacityReservations")
    };
    let one = of(&reserved(Some("cr-0a"), None), Purpose::Apply, &Known::default());
    assert!(reads(&one));
    let arn = "arn:aws:ec2:us-east-1:123456789012:capacity-reservation/cr-0a";
    assert_eq!(statement(&one, "LaunchInReservation")["Resource"], json!([arn]));
    let several = of(&reserved(None, Some(group)), Purpose::Apply, &Known::default());
    assert!(!reads(&several), "a group of them is not looked up");
    assert_eq!(statement(&several, "LaunchInReservation")["Resource"], json!([group]));
    let none = of(&environment(|_| {}), Purpose::Apply, &Known::default());
    assert!(!reads(&none));
    assert_eq!(statement(&none, "LaunchInReservation"), Value::Null);
}

#[test]
fn every_write_is_bound_to_the_account_and_to_tags_or_to_one_service() {
    let environment = environment(|aws| {
        aws.launch.volume.kms_key = Some("alias/nodes".into());
        aws.launch.instance_profile = Some("node".into());
    });
    for purpose in [Purpose::Apply, Purpose::Run] {
        for statement in of(&environment, purpose, &Known::default()).statement {
            let is_read =
                |action: &&str| action.contains(":Describe") || action.contains("quotas:Get");
            let reads = statement.action.iter().all(is_read);
            if reads && statement.resource == ["*"] {
                let condition = Value::from(statement.condition.clone());
                let here = condition["StringEquals"]["aws:RequestedRegion"].is_string();
                assert!(here || statement.sid == "SearchRegions", "{}", statement.sid);
                continue;
            }
            for arn in &statement.resource {
                assert!(arn.contains(":123456789012:") || arn.contains("::image/"), "{arn}");
            }
            if statement.action == ["ssm:GetParameter"] {
                continue;
            }
            let said = Value::from(statement.condition.clone()).to_string();
            let bound = [
                "aws:RequestTag/floodway.dev/environment\":\"prod",
                "aws:ResourceTag/floodway.dev/environment\":\"prod",
                "ec2:LaunchTemplate",
                "iam:PassedToService",
                "iam:AWSServiceName",
                "kms:ViaService",
            ];
            assert!(bound.iter().any(|key| said.contains(key)), "{}: {said}", statement.sid);
        }
    }
}

#[test]
fn without_a_cluster_other_regions_are_searched_and_a_bucket_keeps_the_lock() {
    let lock = |environment: &Environment| {
        let policy = of(environment, Purpose::Apply, &Known::default());
        ["SearchRegions", "Lock", "SeeNoLock"]
            .map(|sid| statement(&policy, sid)["Resource"].clone())
    };
    let bucket = Some(LockBucket { bucket: "acme".into(), region: None, leads: false });
    let mut alone = environment(|aws| aws.lock = bucket);
    alone.onprem = None;
    let object = "arn:aws:s3:::acme/floodway/prod.json";
    assert_eq!(lock(&alone), [json!(["*"]), json!([object]), json!(["arn:aws:s3:::acme"])]);
    let mut in_a_cluster = alone.clone();
    in_a_cluster.onprem = fixture::environment().onprem;
    in_a_cluster.onprem.as_mut().unwrap().provider = OnPremProvider::Kubernetes;
    assert_eq!(lock(&in_a_cluster), [Value::Null, Value::Null, Value::Null]);
    let run = |environment: &Environment| {
        let policy = of(environment, Purpose::Run, &Known::default());
        statement(&policy, "Lock")["Resource"].clone()
    };
    let all = ["run", "hands", "notes"];
    let all = all.map(|of| json!(format!("arn:aws:s3:::acme/floodway/prod.{of}.json")));
    assert_eq!(run(&alone), json!(all));
    assert_eq!(run(&in_a_cluster), Value::Null);
    let hands = |environment: &Environment, purpose| {
        let policy = of(environment, purpose, &Known::default());
        let hands = statement(&policy, "Hands");
        (hands["Resource"].clone(), hands["Action"].clone())
    };
    assert_eq!(hands(&alone, Purpose::Apply), (Value::Null, Value::Null));
    let mut in_phases = alone.clone();
    in_phases.rollout.waves = Some(fixture::waves());
    let (get, both) = (json!(["s3:GetObject"]), json!(["s3:GetObject", "s3:PutObject"]));
    assert_eq!(hands(&in_phases, Purpose::Plan), (json!([all[1]]), get));
    assert_eq!(hands(&in_phases, Purpose::Apply), (json!([all[1]]), both));
    assert_eq!(run(&in_phases), json!(all), "it is said once");
    in_a_cluster.aws.as_mut().unwrap().lock.as_mut().unwrap().leads = true;
    assert_eq!(run(&in_a_cluster), json!([all[0]]));
}

#[test]
fn the_names_of_statements_are_iams_and_each_their_own() {
    let environment = environment(|aws| {
        aws.launch.volume.kms_key = Some("0a1b".into());
    });
    let policy = of(&environment, Purpose::Apply, &Known::default());
    let mut sids: Vec<_> = policy.statement.iter().map(|statement| statement.sid).collect();
    assert!(sids.iter().all(|sid| sid.chars().all(|c| c.is_ascii_alphanumeric())), "{sids:?}");
    sids.sort_unstable();
    let all = sids.len();
    sids.dedup();
    assert_eq!(sids.len(), all);
    for statement in &policy.statement {
        let mut actions = statement.action.clone();
        actions.sort_unstable();
        assert_eq!(actions, statement.action, "{}", statement.sid);
    }
}

#[test]
fn a_plan_reads_and_does_nothing_else() {
    let policy = of(&environment(|_| {}), Purpose::Plan, &Known::default());
    let actions: Vec<_> = policy.statement.iter().flat_map(|one| one.action.clone()).collect();
    let reads = |action: &&str| action.contains(":Describe") || action.contains(":Get");
    assert!(actions.iter().all(reads), "{actions:?}");
}

#[test]
fn parameters_are_read_only_where_an_image_stands_in_one() {
    let read = |change: &dyn Fn(&mut crate::spec::model::ImageRef)| {
        let environment = environment(|aws| {
            aws.pools.values_mut().for_each(|pool| change(&mut pool.image));
        });
        let policy = of(&environment, Purpose::Plan, &Known::default());
        statement(&policy, "ReadImageParameters")["Resource"].clone()
    };
    let by_id = read(&|image| {
        image.name = None;
        image.id = Some("ami-0a".into());
    });
    assert_eq!(by_id, Value::Null);
    let with = |name: &str| {
        read(&|image| {
            image.name = None;
            image.ssm = Some(name.into());
        })
    };
    let mine = "arn:aws:ssm:us-east-1:123456789012:parameter/images/gpu";
    assert_eq!(with("/images/gpu"), json!([mine]));
    assert_eq!(with("images/gpu"), json!([mine]));
    let public = "arn:aws:ssm:us-east-1::parameter/aws/service/eks/gpu";
    assert_eq!(with("/aws/service/eks/gpu"), json!([public]));
    let ours = "arn:aws:ssm:us-east-1:123456789012:parameter/floodway/images/*";
    assert_eq!(read(&|_| {}), json!([ours]), "channels, and what is known of builds");
}

#[test]
fn who_publishes_writes_what_bears_the_names_of_the_environments_images_and_nothing_else() {
    let policy = of(&environment(|_| {}), Purpose::Publish, &Known::default());
    for statement in &policy.statement {
        let condition = Value::from(statement.condition.clone()).to_string();
        let named = ["RequestTag", "ResourceTag"]
            .iter()
            .any(|tag| condition.contains(&format!("aws:{tag}/floodway.dev/image\":\"gpu-inf")));
        let looks = statement.sid == "LookAtImages" && condition.contains("RequestedRegion");
        let folder = ":123456789012:parameter/floodway/images/gpu-inference/*";
        let parameters = statement.resource.iter().all(|arn| arn.ends_with(folder));
        assert!(named || looks || parameters, "{}: {condition}", statement.sid);
        let mut actions = statement.action.clone();
        actions.sort_unstable();
        assert_eq!(actions, statement.action, "{}", statement.sid);
    }
    let actions: Vec<_> = policy.statement.iter().flat_map(|one| one.action.clone()).collect();
    for others in ["ec2:RunInstances", "ec2:TerminateInstances", "iam:PassRole"] {
        assert!(!actions.contains(&others), "{others}");
    }
    let mut sids: Vec<_> = policy.statement.iter().map(|statement| statement.sid).collect();
    sids.sort_unstable();
    sids.dedup();
    assert_eq!(sids.len(), policy.statement.len());
    let nothing = environment(|aws| {
        aws.pools.values_mut().for_each(|pool| pool.image.name = None);
    });
    let none = policy_of(&nothing).unwrap_err();
    assert_eq!(none, NoPolicy::NoImages("prod".into()));
}

fn policy_of(environment: &Environment) -> Result<Policy, NoPolicy> {
    policy(environment, &mark(), Purpose::Publish, &Known::default())
}

#[test]
fn a_role_is_passed_only_for_a_declared_profile_and_only_to_ec2() {
    let none = environment(|aws| {
        aws.launch.instance_profile = None;
        aws.pools.values_mut().for_each(|pool| pool.launch.instance_profile = None);
    });
    let none = of(&none, Purpose::Apply, &Known::default());
    assert_eq!(statement(&none, "PassNodeRole"), Value::Null);
    let some = environment(|aws| {
        aws.launch.instance_profile = Some("*".into());
        aws.pools.values_mut().for_each(|pool| pool.launch.instance_profile = None);
    });
    let guessed = of(&some, Purpose::Apply, &Known::default());
    let passed = statement(&guessed, "PassNodeRole");
    // What a file says is a name and no pattern.
    let star = ["role/${*}", "role/*/${*}"].map(|r| format!("arn:aws:iam::123456789012:{r}"));
    assert_eq!(passed["Resource"], json!(star));
    let ec2 = json!({"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}});
    assert_eq!(passed["Condition"], ec2);
    assert!(guessed.notes.iter().any(|note| note.contains("--node-role")), "{:?}", guessed.notes);
    let known = Known { node_roles: vec!["gpu".into()] };
    let told = of(&some, Purpose::Apply, &known);
    let arns = ["role/gpu", "role/*/gpu"].map(|r| format!("arn:aws:iam::123456789012:{r}"));
    assert_eq!(statement(&told, "PassNodeRole")["Resource"], json!(arns));
    assert!(told.notes.iter().all(|note| !note.contains("--node-role")));
}

#[test]
fn a_key_is_meant_however_it_is_written() {
    let keys = |key: &str| {
        let environment = environment(|aws| {
            aws.launch.volume.kms_key = Some(key.into());
            aws.pools.values_mut().for_each(|pool| pool.launch.volume.kms_key = None);
        });
        let policy = of(&environment, Purpose::Apply, &Known::default());
        let mut found: Vec<_> = policy.statement.into_iter().collect();
        found.retain(|one| one.action == ["kms:CreateGrant"]);
        let found = found.pop().unwrap();
        let alias = found.condition.get("ForAnyValue:StringEquals").cloned();
        let alias = alias.map(|tests| tests["kms:ResourceAliases"].clone()).unwrap_or_default();
        (found.resource, alias)
    };
    let own = "arn:aws:kms:us-east-1:123456789012:key/";
    let other = "arn:aws:kms:us-east-1:999999999999:key/";
    assert_eq!(keys("0a1b"), (vec![format!("{own}0a1b")], Value::Null));
    assert_eq!(keys(&format!("{other}0a1b")), (vec![format!("{other}0a1b")], Value::Null));
    assert_eq!(keys("alias/nodes"), (vec![format!("{own}*")], json!("alias/nodes")));
    let alias = "arn:aws:kms:us-east-1:999999999999:alias/nodes";
    assert_eq!(keys(alias), (vec![format!("{other}*")], json!("alias/nodes")));
}

#[test]
fn china_and_government_have_partitions_of_their_own() {
    for (region, partition, ec2) in [
        ("us-east-1", "aws", "ec2.amazonaws.com"),
        ("cn-north-1", "aws-cn", "ec2.amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "ec2.amazonaws.com"),
        ("us-isob-east-1", "aws-iso-b", "ec2.amazonaws.com"),
    ] {
        let place = Place::new("123456789012", [region].into());
        assert_eq!((place.partition(), place.ec2_service()), (partition, ec2));
    }
    assert_eq!(literal_in_pattern("a*b?c${d}"), "a${*}b${?}c${$}{d}");
}

#[test]
fn what_has_nothing_on_aws_needs_no_policy() {
    let ask = |environment: &Environment| {
        policy(environment, &mark(), Purpose::Plan, &Known::default()).unwrap_err()
    };
    assert_eq!(ask(&fixture::environment()), NoPolicy::Simulated("prod".into()));
    let mut without = fixture::environment();
    without.aws = None;
    assert_eq!(ask(&without), NoPolicy::NoAws("prod".into()));
}
