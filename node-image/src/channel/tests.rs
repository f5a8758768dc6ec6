use super::*;
use crate::card::Manifest;
use proptest::prelude::*;

fn digest(of: char) -> String {
    of.to_string().repeat(64)
}

fn value() -> ChannelValue {
    ChannelValue {
        manifest: Some(digest('a')),
        images: BTreeMap::from([
            (BootMode::Uefi, "ami-0a".to_owned()),
            (BootMode::LegacyBios, "ami-0b".to_owned()),
        ]),
        by: "arn:aws:iam::123456789012:user/ci".to_owned(),
        reason: Some("passed the soak".to_owned()),
        from: Some("candidate".to_owned()),
        at: "2026-11-27T12:00:00Z".to_owned(),
    }
}

#[test]
fn a_value_is_written_as_one_object_and_read_back() {
    let text = value().write().unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["images"], serde_json::json!({"uefi": "ami-0a", "legacy-bios": "ami-0b"}));
    assert_eq!((&json["from"], &json["by"]), (&"candidate".into(), &value().by.into()));
    assert_eq!(ChannelValue::read(&text), Ok(value()));
}

#[test]
fn an_id_alone_is_an_image_for_both_ways_to_boot_and_is_never_written() {
    let plain = ChannelValue::read(" ami-0123abcd\n").unwrap();
    assert_eq!(plain.manifest, None);
    let ids: Vec<&str> = plain.images.values().map(String::as_str).collect();
    assert_eq!(ids, ["ami-0123abcd"; 2]);
    assert!(plain.write().is_err());
}

#[test]
fn what_is_no_value_is_told_and_not_guessed_at() {
    let good = value().write().unwrap();
    for (wrong, why) in [
        ("".to_owned(), "no channel's value"),
        ("ami-xyz".to_owned(), "no channel's value"),
        (good.replace("\"by\"", "\"who\""), "unknown field"),
        (good.replace("ami-0a", "snap-0a"), "no machine image"),
        (good.replace(&digest('a'), "abc"), "no manifest's digest"),
        (good.replace("legacy-bios", "bios"), "no channel's value"),
    ] {
        let error = ChannelValue::read(&wrong).unwrap_err().to_string();
        assert!(error.contains(why), "{wrong}: {error}");
    }
    let without = good.split("\"images\"").next().unwrap().to_owned() + "\"images\":{},";
    let without = without + &format!("\"by\":{:?},\"at\":\"\"}}", "x");
    assert!(ChannelValue::read(&without).unwrap_err().to_string().contains("names no image"));
}

#[test]
fn what_a_parameter_would_take_for_a_reference_or_has_no_room_for_is_minded() {
    let braces = ChannelValue { reason: Some("{{ssm:x}} and }}".to_owned()), ..value() };
    let text = braces.write().unwrap();
    assert!(!text.contains("{{") && !text.contains("}}"), "{text}");
    assert_eq!(ChannelValue::read(&text), Ok(braces));
    let long = ChannelValue { by: "x".repeat(4000), ..value() };
    assert!(long.write().unwrap_err().to_string().contains("4096"));
}

#[test]
fn names_are_those_that_parameters_and_images_can_have() {
    for right in ["gpu-inference", "small", "a.b_C-1", &"x".repeat(64)] {
        assert!(check_name(right).is_ok(), "{right}");
    }
    for wrong in ["", "-a", ".a", "a/b", "a b", "ä", "a{}", &"x".repeat(65)] {
        assert!(check_name(wrong).is_err(), "{wrong}");
    }
    assert_eq!(parameter("gpu", "stable"), "/floodway/images/gpu/channels/stable");
    let half = "a".repeat(32);
    assert_eq!(
        summary_parameter("gpu", &digest('a'), 2),
        format!("/floodway/images/gpu/manifests/{half}-2")
    );
    assert!(check_reason("  ").is_err() && check_reason("a\nb").is_err());
    assert!(check_reason(&"x".repeat(501)).is_err());
    assert_eq!(check_reason(" it serves ").as_deref(), Ok("it serves"));
}

fn summary(packages: usize) -> Summary {
    // Names and versions that do not pack well.
    let noise = |seed: usize| seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 0xFFFF_FFFF_FFFF;
    let one = |n: usize| (format!("lib{n:05}{:x}", noise(n)), format!("{:x}-1", noise(n + 7)));
    Summary {
        manifest: digest('c'),
        kernel: "6.1.0-56-cloud-amd64".to_owned(),
        driver: Some("closed 535.309.01".to_owned()),
        packages: (0..packages).map(one).collect(),
        regions: ["eu-west-1", "us-gov-west-1"].map(str::to_owned).into(),
        declared: ["us-gov-west-1", "eu-west-1"].map(str::to_owned).into(),
    }
}

#[test]
fn a_summary_of_any_size_comes_back_from_parameters_that_are_not_too_long() {
    for packages in [0, 1, 120, 900, 3000] {
        let summary = summary(packages);
        let texts = summary.write().unwrap();
        assert!(texts.iter().all(|text| text.len() <= 8192), "{packages}");
        assert_eq!(Summary::parts(&texts[0]), Ok(texts.len() - 1), "{packages}");
        assert_eq!(Summary::read(texts.iter().map(String::as_str)), Ok(summary), "{packages}");
    }
    assert_eq!(summary(120).write().unwrap().len(), 1);
    assert!(summary(900).write().unwrap().len() > 1);
    assert!(summary(90_000).write().is_err());
}

#[test]
fn a_summary_that_lacks_a_part_or_unpacks_without_end_is_no_summary() {
    let texts = summary(900).write().unwrap();
    assert!(Summary::read([texts[0].as_str()]).is_err());
    let endless =
        Summary { packages: vec![("a".to_owned(), "0".repeat((1 << 20) + 1))], ..summary(0) };
    let texts = endless.write().unwrap();
    let error = Summary::read(texts.iter().map(String::as_str)).unwrap_err();
    assert!(error.to_string().contains("no end"), "{error}");
}

#[test]
fn a_summary_tells_the_regions_of_its_build_and_of_no_other() {
    let first = summary(1).write().unwrap().remove(0);
    assert_eq!(Summary::regions(&first, &digest('c')), Ok(summary(1).regions));
    assert!(Summary::regions(&first, &digest('d')).is_err());
    for wrong in ["x.example/#", "us east 1", "", "--profile", "us-east-1;ls"] {
        let other = Summary { regions: [wrong.to_owned()].into(), ..summary(1) };
        let error = Summary::regions(&other.write().unwrap()[0], &digest('c')).unwrap_err();
        assert!(error.to_string().contains("no region"), "{wrong}: {error}");
        let other = Summary { declared: vec![wrong.to_owned()], ..summary(1) };
        let error = Summary::declared(&other.write().unwrap()[0], &digest('c')).unwrap_err();
        assert!(error.to_string().contains("no region"), "{wrong}: {error}");
    }
    // As it was written before regions were noted.
    let old = Summary { regions: [].into(), ..summary(1) }.write().unwrap().remove(0);
    assert!(!old.contains("regions"), "{old}");
    assert_eq!(Summary::regions(&old, &digest('c')), Ok([].into()));
}

#[test]
fn the_regions_that_a_recipe_names_are_kept_in_their_order() {
    let declared = |declared: &[&str]| {
        let declared = declared.iter().map(|region| (*region).to_owned()).collect();
        let text = Summary { declared, ..summary(1) }.write().unwrap().remove(0);
        assert!(Summary::declared(&text, &digest('d')).is_err(), "it is another build's");
        Summary::declared(&text, &digest('c')).unwrap()
    };
    assert_eq!(declared(&["us-west-2", "eu-west-1"]), ["us-west-2", "eu-west-1"]);
    assert!(declared(&[]).is_empty());
}

#[test]
fn packages_of_two_architectures_are_told_once() {
    let package = |architecture: &str| crate::card::Package {
        name: "libc6".to_owned(),
        version: "2.36-9".to_owned(),
        architecture: architecture.to_owned(),
        sha256: String::new(),
    };
    let manifest = Manifest {
        schema: crate::card::SCHEMA,
        name: "small".to_owned(),
        recipe: String::new(),
        lock: String::new(),
        disk: crate::card::Blob { sha256: String::new(), bytes: 0 },
        root_hash: String::new(),
        kernel: "6.1".to_owned(),
        driver: None,
        boot_modes: vec![BootMode::Uefi],
        signed: false,
        programs: BTreeMap::new(),
        packages: vec![package("i386"), package("amd64")],
        files: Vec::new(),
        source_date_epoch: 0,
        root_bytes: 0,
        regions: vec!["us-east-1".to_owned(), "x.example/#".to_owned()],
    };
    let summary = Summary::of(&manifest, &digest('d'));
    assert!(summary.regions.is_empty(), "it is published nowhere yet");
    assert_eq!(summary.declared, ["us-east-1"], "what is no region is not noted as one");
    assert_eq!(summary.packages, [("libc6".to_owned(), "2.36-9".to_owned())]);
    assert_eq!((summary.driver, summary.manifest), (None, digest('d')));
}

proptest! {
    #[test]
    fn no_text_of_a_parameter_ends_the_reader(text in "(ami-)?[ -~]{0,80}|\\{\"manifest\":\"a{60,64}\"[ -~]{0,60}") {
        let _ = ChannelValue::read(&text);
        let _ = Summary::read([text.as_str()]);
        let _ = Summary::parts(&text);
    }
}
