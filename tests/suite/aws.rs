//! The AWS stand-in: what the other tests believe of it.

use crate::support::aws::AwsBed;
use crate::support::programs::program;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Its own tests, with boto3 as the client, each against AWS's documentation.
#[test]
fn the_stand_in_behaves_as_aws() {
    let out = Command::new(program("testbed-python"))
        .args(["-m", "unittest", "discover", "--start-directory", "tests"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testbed/aws"))
        .env("AWS_STANDIN", program("aws-standin"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    // `Ran 0 tests` ends well too, and so would skipped ones.
    let ran =
        said.lines().find_map(|line| line.strip_prefix("Ran ")?.split(' ').next()?.parse().ok());
    assert!(out.status.success() && ran > Some(40) && !said.contains("skipped="), "{said}");
}

/// Sends a request as an SDK of Auto Scaling does.
fn send(bed: &AwsBed, form: &str) -> String {
    let host = bed.endpoint().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let authorization =
        "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/autoscaling/aws4_request, x";
    let length = form.len();
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: {authorization}\r\n\
         Content-Length: {length}\r\n\r\n{form}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_misspelt_parameter_is_reported() {
    let bed = AwsBed::start();
    let answer = send(&bed, "Action=DescribeAutoScalingGroups&Version=2011-01-01&MaxRecord=5");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let violations = bed.violations();
    assert_eq!(violations.len(), 1, "{violations:?}");
    assert_eq!(violations[0]["kind"], "unknown parameter");
    assert_eq!(violations[0]["path"], "MaxRecord");
    assert_eq!(bed.calls()[0]["action"], "DescribeAutoScalingGroups");
}

#[test]
fn a_test_steers_its_stand_in() {
    let bed = AwsBed::start_with(&["--launch-seconds", "5"]);
    let made = bed.seed(&json!({"network": 1}));
    assert_eq!(made["subnets"][0]["AvailabilityZone"], "us-east-1a");

    let ids = bed.rule(&json!({"kind": "withhold", "action": "DescribeAutoScalingGroups"}));
    assert_eq!(ids.len(), 1);
    std::thread::scope(|scope| {
        let call =
            scope.spawn(|| send(&bed, "Action=DescribeAutoScalingGroups&Version=2011-01-01"));
        while bed.withheld().is_empty() {
            assert!(!call.is_finished(), "it was to be withheld");
            std::thread::sleep(Duration::from_millis(10));
        }
        bed.release();
        assert!(call.join().unwrap().contains("DescribeAutoScalingGroupsResult"));
    });
    assert_eq!(bed.rules()[0]["done"], 1);
    bed.clear_rules();
    assert!(bed.rules().is_empty());

    let missing = json!({"AutoScalingGroupName": "none", "DesiredCapacity": 1});
    let refused = bed.someone_else("autoscaling", "SetDesiredCapacity", &missing).unwrap_err();
    assert!(refused.starts_with("ValidationError: AutoScalingGroup name not found"), "{refused}");
    let template =
        json!({"LaunchTemplateName": "node", "LaunchTemplateData": {"InstanceType": "g5.xlarge"}});
    let made = bed.someone_else("ec2", "CreateLaunchTemplate", &template).unwrap();
    assert_eq!(made["LaunchTemplate"]["DefaultVersionNumber"], 1);
    assert_eq!(bed.calls().len(), 1, "what others do is not recorded");

    bed.hold_clock(true);
    bed.advance(60.0);
    bed.settings(&json!({"launch_seconds": 1}));
    assert!(bed.world()["accounts"]["123456789012"]["us-east-1"]["groups"].is_array());
    assert!(bed.end_state()["accounts"].is_object());
    bed.forget_calls();
    assert!(bed.calls().is_empty());
    bed.reset();
    assert_eq!(bed.world(), json!({"accounts": {}}));
}
