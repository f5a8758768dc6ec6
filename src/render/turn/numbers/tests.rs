use super::*;
use crate::clock::Timestamp;
use crate::controller::Load;
use crate::decide::scaling::{Cost, Hold, HoldCause, Memory, Mode, PoolScaling, SourceScaling};
use crate::decide::{CapacityType, Reason};
use crate::signal::{Measured, Verdict};
use crate::units::Rate;

mod whole;

fn hold(cause: HoldCause, direction: Direction) -> Hold {
    let why = Reason { key: None, at: None, text: "it is so".to_owned() };
    Hold { cause, direction, until: None, why }
}

/// A group of spot instances.
pub(super) fn spot() -> SourceScaling {
    SourceScaling {
        group: Some("prod-g6e-spot".to_owned()),
        label: "g6e.12xlarge".to_owned(),
        market: Some(CapacityType::Spot),
        desired: 1,
        wanted: 1,
        set: 1,
        shrink: 0,
        stays: false,
        aside: None,
        usd_per_hour: None,
    }
}

pub(super) fn pool(stage: &str, owner: DesiredOwner, holds: Vec<Hold>) -> PoolScaling {
    PoolScaling {
        stage: stage.parse().unwrap(),
        owner,
        visible: true,
        min: 0,
        max: 4,
        now: 1,
        wanted: 1,
        serving: 1,
        capacity_per_unit: Rate::from_millis(18_000),
        worth: None,
        launch: None,
        pods: None,
        sources: Vec::new(),
        reasons: Vec::new(),
        holds,
    }
}

#[test]
fn what_holds_a_stage_is_told_of_each_pool_that_it_keeps_and_once() {
    use Direction::{ScaleIn, ScaleOut};
    use HoldCause::{Data, Freeze, NoCapacity, Pending, Unseen};
    let controller = DesiredOwner::Controller;
    let own = vec![
        hold(NoCapacity, ScaleOut),
        hold(Freeze, ScaleIn),
        hold(NoCapacity, ScaleOut),
        hold(Freeze, ScaleOut),
    ];
    let held_stage = StageScaling {
        holds: vec![
            hold(Data, ScaleIn),
            hold(Freeze, ScaleIn),
            hold(Unseen, ScaleIn),
            hold(Pending, ScaleIn),
        ],
        ..StageScaling::default()
    };
    let scaling = Scaling {
        at: Timestamp::UNIX_EPOCH,
        mode: Mode::Normal,
        stages: [
            ("inference".parse().unwrap(), held_stage),
            ("preprocess".parse().unwrap(), StageScaling::default()),
        ]
        .into(),
        pools: [
            ("g6e".parse().unwrap(), pool("inference", controller, own)),
            ("h100".parse().unwrap(), pool("inference", controller, Vec::new())),
            ("by-hpa".parse().unwrap(), pool("inference", DesiredOwner::Hpa, Vec::new())),
            ("cpu".parse().unwrap(), pool("preprocess", controller, Vec::new())),
        ]
        .into(),
        events: Vec::new(),
        cost_now: Cost::default(),
        cost_after: Cost::default(),
        memory: Memory::default(),
    };
    let told = held(&scaling).into_iter().map(|sample| {
        let labels: Vec<String> = sample.labels.into_iter().map(|(_, is)| is).collect();
        labels.join(" ")
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "g6e data in",
            "g6e freeze in",
            "g6e freeze out",
            "g6e no_capacity out",
            "g6e pending in",
            "g6e unseen in",
            "h100 data in",
            "h100 freeze in",
            "h100 pending in",
            "h100 unseen in",
        ]
    );
}

fn reading(signal: &str, verdict: Verdict) -> Reading {
    let (signal, source) = (signal.to_owned(), "up at http://p".to_owned());
    Reading { signal, unit: "s", source, value: None, at: None, verdict }
}

#[test]
fn a_signal_with_nothing_to_measure_is_good_and_one_that_cannot_be_read_is_not() {
    let measured = |signal: &str, verdict, quiet| Measured {
        quiet,
        ..Measured::plain(reading(signal, verdict))
    };
    let silent = || Verdict::Unreachable("no route".to_owned());
    let readings = vec![
        measured("demand/inference", Verdict::Good, false),
        measured("queue/inference", Verdict::Missing, false),
        // Nobody asks, and no pod is unschedulable.
        measured("engine/inference/ttft_p99", Verdict::Missing, true),
        measured("kube_state_metrics/unschedulable_pods", Verdict::Missing, true),
        measured("engine/inference/inter_token_p99", silent(), true),
    ];
    let turn = Turn {
        load: Load { readings, ..Load::default() },
        places: vec![reading("aws/g6e/in_service", silent())],
        ..Turn::default()
    };
    let [.., good] = of_signals(&turn);
    let bad = good.samples.iter().filter(|sample| sample.value < 1.0);
    assert_eq!(
        bad.map(|sample| sample.labels[0].1.as_str()).collect::<Vec<_>>(),
        ["queue/inference", "engine/inference/inter_token_p99", "aws/g6e/in_service"]
    );
    assert_eq!(good.samples.len(), 6);
}
