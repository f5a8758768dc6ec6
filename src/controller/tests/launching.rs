//! What is learned of launches is told, and how fast burst answers is measured.

use super::Day;
use crate::controller::Turn;

#[tokio::test]
async fn what_was_learned_of_launches_stands_in_the_decision_that_goes_by_it() {
    let mut day = Day::begin().await;
    let first = day.passes(1, Some(10.0)).await.remove(0);
    let declared = first.scaling.pools["g6e"].launch.unwrap();
    assert!(!declared.is_measured());
    for _ in 0..3 {
        day.passes(40, Some(60.0)).await;
        day.passes(150, Some(10.0)).await;
    }
    let last = day.passes(1, Some(10.0)).await.remove(0);
    let learned = last.scaling.pools["g6e"].launch.unwrap();
    assert!(learned.is_measured(), "{learned:?}");
    assert_eq!(learned, day.controller.launches.delays(&"g6e".parse().unwrap(), declared));
}

#[tokio::test]
async fn burst_answers_from_the_decision_on_whoever_leads_when_it_serves() {
    let mut day = Day::begin().await;
    day.passes(5, Some(10.0)).await;
    let answers = |turns: &[Turn]| -> Vec<u64> {
        let all = turns.iter().flat_map(|turn| &turn.responses);
        all.inspect(|one| assert_eq!(one.pool.as_str(), "g6e"))
            .map(|one| one.after.millis() / 60_000)
            .collect()
    };
    let mut turns = day.passes(3, Some(60.0)).await;
    let decided = turns.iter().position(|turn| Day::wanted(turn, "g6e") > 0).unwrap();
    let wanted = Day::wanted(&turns[2], "g6e") as usize;
    // The next leader knows what was begun.
    day.restart(false);
    turns.extend(day.passes(30, Some(60.0)).await);
    let served = turns.iter().position(|turn| !turn.responses.is_empty()).unwrap();
    let told = answers(&turns);
    assert_eq!(told.first().copied(), Some((served - decided) as u64), "{told:?}");
    assert!(told.len() >= wanted, "{told:?}");
    assert!(answers(&day.passes(60, Some(60.0)).await).is_empty(), "once each");
}
