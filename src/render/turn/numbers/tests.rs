use super::*;
use crate::clock::Timestamp;
use crate::decide::scaling::{Cost, Hold, HoldCause, Memory, Mode, PoolScaling, SourceScaling};
use crate::decide::{CapacityType, Reason};
use crate::units::Rate;

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
