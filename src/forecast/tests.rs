//! Laws of all forecasters, their calibration and their race.

mod calendar;
mod upstream;

use super::*;
use crate::units::Span;
use proptest::prelude::*;

/// Steps of an hour, so that a week is short.
fn hourly(values: Vec<Option<f64>>) -> Series {
    Series::new(Timestamp::UNIX_EPOCH, Span::from_secs(3600), values)
}

fn context_of(history: &Series, ahead: usize) -> Context {
    context(history, ahead, &CalendarInputs::default(), &[])
}

/// A day's wave with a little of what no model knows.
fn wave(hours: usize) -> Vec<Option<f64>> {
    let of = |hour: usize| {
        let noise = (hour.wrapping_mul(2_654_435_761) >> 7) % 100;
        100.0 + 50.0 * (hour as f64 * std::f64::consts::TAU / 24.0).sin() + noise as f64 / 10.0
    };
    (0..hours).map(|hour| Some(of(hour))).collect()
}

const CONFIG: RaceConfig = RaceConfig { horizon: Span::from_secs(3 * 3600), quantile: 0.95 };

/// A forecaster of what a test wants.
struct Says<F>(&'static str, F);

impl<F> Forecaster for Says<F>
where
    F: Fn(&Series, &Context, usize) -> Result<Vec<f64>, NotFit> + Send + Sync,
{
    fn name(&self) -> &'static str {
        self.0
    }

    fn path(&self, history: &Series, context: &Context, steps: usize) -> Result<Vec<f64>, NotFit> {
        self.1(history, context, steps)
    }
}

/// Ticks through the history, and gives the last forecast.
fn run(race: &mut Race, values: &[Option<f64>]) -> Result<Forecast, NotFit> {
    let mut history = hourly(Vec::new());
    let mut last = Err(NotFit::new("no value"));
    for value in values {
        history.push(*value);
        last = race.tick(&history, &context_of(&history, 3));
    }
    last
}

#[test]
fn a_cold_start_forecasts_from_the_first_value_with_a_band() {
    let mut race = Race::new(CONFIG, standard());
    let forecast = run(&mut race, &[None, Some(100.0)]).unwrap();
    assert_eq!(forecast.by, "persistence");
    assert_eq!(forecast.path, [100.0; 3]);
    let at = |level| forecast.quantiles.iter().find(|q| q.level == level).unwrap().path[0];
    assert!(
        (50.0..80.0).contains(&at(0.05)) && (135.0..160.0).contains(&at(0.95)),
        "{:?}",
        forecast.quantiles
    );
    let refused = run(&mut Race::new(CONFIG, standard()), &[None, None]).unwrap_err();
    assert!(refused.0.contains("no value"), "{refused}");
}

#[test]
fn a_better_forecaster_leads_after_a_while_and_not_at_once() {
    let mut race = Race::new(CONFIG, standard());
    let values = wave(24 * 12);
    run(&mut race, &values[..20]).unwrap();
    assert!(race.standings().iter().any(|s| s.name == "persistence" && s.leads));
    let mut race = Race::new(CONFIG, standard());
    let forecast = run(&mut race, &values).unwrap();
    assert_ne!(forecast.by, "persistence", "{:?}", race.standings());
    let best = &race.standings()[0];
    assert!(best.loss.unwrap() < race.standings().last().unwrap().loss.unwrap_or(1e9));
}

#[test]
fn a_forecaster_that_fails_or_answers_nonsense_drops_out_and_says_why() {
    type Wrong = (&'static str, fn() -> Vec<f64>);
    let wrong: [Wrong; 4] = [
        ("not-a-number", || vec![1.0, f64::NAN, 1.0]),
        ("negative", || vec![-1.0, 1.0, 1.0]),
        ("short", || vec![1.0]),
        ("panics", || panic!("for the test")),
    ];
    let racers = wrong.map(|(name, says)| {
        Box::new(Says(name, move |_: &Series, _: &Context, _| Ok(says()))) as Box<dyn Forecaster>
    });
    let mut race = Race::new(CONFIG, racers.into_iter().collect());
    let forecast = run(&mut race, &wave(50)).unwrap();
    assert_eq!(forecast.by, "persistence");
    let out =
        |name: &str| race.standings().into_iter().find(|s| s.name == name).unwrap().out.unwrap();
    assert!(out("not-a-number").contains("NaN for step 2"));
    assert!(out("negative").contains("-1 for step 1"));
    assert!(out("short").contains("1 steps of 3"));
    assert!(out("panics").contains("panicked"));
}

#[test]
fn a_leader_that_fails_is_replaced_in_the_same_tick() {
    let fails = |history: &Series, _: &Context, steps: usize| {
        if history.len() > 100 {
            return Err(NotFit::new("it is broken"));
        }
        let next = wave(history.len() + steps);
        Ok(next[history.len()..].iter().flatten().copied().collect())
    };
    let racers = || vec![Box::new(Says("oracle", fails)) as Box<dyn Forecaster>];
    let mut race = Race::new(CONFIG, racers());
    assert_eq!(run(&mut race, &wave(100)).unwrap().by, "oracle");
    let mut race = Race::new(CONFIG, racers());
    assert_eq!(run(&mut race, &wave(101)).unwrap().by, "persistence");
}

#[test]
fn two_that_are_nearly_as_good_do_not_take_turns() {
    let turns = |history: &Series, _: &Context, steps: usize| {
        // 1 % better for a day, 1 % worse for the next.
        let (_, last) = history.last().ok_or_else(|| NotFit::new("empty"))?;
        let by = if (history.len() / 24).is_multiple_of(2) { 1.001 } else { 0.999 };
        Ok(vec![last * by; steps])
    };
    let mut race = Race::new(CONFIG, vec![Box::new(Says("nearly", turns))]);
    let mut history = hourly(Vec::new());
    let mut changes = 0;
    let mut before = "persistence";
    for value in wave(24 * 20) {
        history.push(value);
        let by = race.tick(&history, &Context::default()).unwrap().by;
        changes += usize::from(by != before);
        before = by;
    }
    assert!(changes <= 1, "{changes}");
}

#[test]
fn the_same_step_gives_the_same_answer_and_a_restarted_race_goes_on() {
    let values = wave(24 * 9);
    let mut race = Race::new(CONFIG, standard());
    let said = run(&mut race, &values).unwrap();
    let history = hourly(values.clone());
    assert_eq!(race.tick(&history, &context_of(&history, 3)).unwrap(), said);

    let json = serde_json::to_string(race.state()).unwrap();
    let state: RaceState = serde_json::from_str(&json).unwrap();
    let mut again = Race::new(CONFIG, standard()).resume(state);
    let next = again.tick(&history, &context_of(&history, 3)).unwrap();
    let persistence = |race: &Race| {
        let said = race.said().find(|(name, _)| *name == "persistence");
        said.map(|(_, issued)| issued.clone()).unwrap()
    };
    assert_eq!(persistence(&again), persistence(&race), "its calibration is the same");
    assert_eq!(next.origin, said.origin);
    assert_eq!(again.state().issued.len(), race.state().issued.len(), "nothing is measured twice");
    assert!(json.len() < 600_000, "{}", json.len());
}

#[test]
fn a_state_of_another_horizon_or_quantile_is_forgotten() {
    let values = wave(60);
    let mut race = Race::new(CONFIG, vec![]);
    run(&mut race, &values).unwrap();
    let other = RaceConfig { horizon: Span::from_secs(5 * 3600), quantile: 0.9 };
    let mut race = Race::new(other, vec![]).resume(race.state().clone());
    let history = hourly(values);
    let forecast = race.tick(&history, &Context::default()).unwrap();
    assert_eq!((forecast.path.len(), forecast.quantiles.len()), (5, 4));
}

#[test]
fn coverage_comes_to_what_the_quantile_claims() {
    let history = hourly(wave(24 * 20));
    let context = context_of(&history, 3);
    let race = Race::new(CONFIG, standard());
    let scored = score(race, CONFIG, &history, &context, 24 * 10).unwrap();
    for score in scored.scores.iter().filter(|score| score.origins > 0) {
        for lead in &score.leads {
            assert!((0.92..=0.98).contains(&lead.coverage), "{}: {lead:?}", score.by);
        }
    }
}

/// It answers the truth wherever it has been shown it, else the last value.
#[derive(Default)]
struct Remembers(std::sync::Mutex<std::collections::BTreeMap<i64, f64>>);

impl Remembers {
    fn see(&self, history: &Series) {
        let mut seen = self.0.lock().unwrap();
        for (index, value) in history.values().iter().enumerate() {
            seen.extend(value.map(|value| (history.time(index).as_millisecond(), value)));
        }
    }
}

impl Forecaster for Remembers {
    fn name(&self) -> &'static str {
        "remembers"
    }

    fn path(&self, history: &Series, context: &Context, steps: usize) -> Result<Vec<f64>, NotFit> {
        self.see(history);
        let (_, last) = history.last().ok_or_else(|| NotFit::new("empty"))?;
        let seen = self.0.lock().unwrap();
        let ahead = (0..steps).map(|step| {
            let at = history.len() + step;
            // What an upstream service measured would give the truth away too.
            let measured = context.column("upstream/front").and_then(|c| context.at(at, c));
            measured.or(seen.get(&history.time(at).as_millisecond()).copied()).unwrap_or(last)
        });
        Ok(ahead.collect())
    }

    fn refit_every(&self) -> Option<Span> {
        Some(Span::from_secs(3600))
    }

    fn refit(&mut self, history: &Series, _: &Context) -> Result<(), NotFit> {
        self.see(history);
        Ok(())
    }
}

#[test]
fn nothing_is_scored_on_what_it_was_shown() {
    let history = hourly(wave(24 * 8));
    let front = ("front".to_owned(), history.clone());
    let context = context(&history, 3, &CalendarInputs::default(), &[front]);
    let race = Race::new(CONFIG, vec![Box::new(Remembers::default())]);
    let scored = score(race, CONFIG, &history, &context, 48).unwrap();
    let wape = |name: &str| {
        let score = scored.scores.iter().find(|score| score.by == name).unwrap();
        score.leads.iter().map(|lead| lead.wape).collect::<Vec<_>>()
    };
    assert_eq!(wape("remembers"), wape("persistence"));
    // It would have profited.
    let remembers = Remembers::default();
    remembers.see(&history);
    let path = remembers.path(&history.before(50), &Context::default(), 1).unwrap();
    assert_eq!(path[0], history.values()[50].unwrap());
}

#[test]
fn weights_refuse_origins_that_they_were_trained_on_and_other_inputs() {
    let history = hourly(wave(24 * 12));
    let context = context_of(&history, 3);
    let trained = Linear::train(&history.before(24 * 10), &context, 3, "abc").unwrap();
    let bytes = trained.to_bytes().unwrap();
    let of = (history.step(), 3);
    let loaded = Linear::from_bytes(&bytes, &context.inputs, of).unwrap();
    assert_eq!(model_of(&bytes).unwrap().data_sha256, "abc");
    let within = loaded.path(&history.before(24 * 9), &context, 3).unwrap_err();
    assert!(within.0.contains("trained on data up to"), "{within}");
    let (a, b) = (trained.path(&history, &context, 3), loaded.path(&history, &context, 3));
    for (a, b) in a.unwrap().iter().zip(b.unwrap()) {
        assert!((a - b).abs() < 1e-3, "{a} {b}");
    }
    let mut other = context.inputs.clone();
    other.push("upstream/new".to_owned());
    let refused = |inputs: &[String], of| Linear::from_bytes(&bytes, inputs, of).err().unwrap();
    assert!(refused(&other, of).to_string().contains("upstream/new"));
    assert!(refused(&context.inputs, (history.step(), 4)).to_string().contains("3 steps of 1h"));
    assert!(matches!(
        Linear::from_bytes(&bytes[..50], &context.inputs, of),
        Err(WeightsError::Unreadable(_))
    ));
}

#[cfg(feature = "lstm")]
#[test]
fn the_network_learns_a_wave_and_comes_back_from_its_file() {
    let history = hourly(wave(24 * 10));
    let context = context_of(&history, 3);
    let training = Training { epochs: 12, hidden: 8, windows: 120, learning_rate: 0.01, seed: 3 };
    let part = history.before(24 * 9);
    let trained = Lstm::train(&part, &context, 3, "abc", training).unwrap();
    let bytes = trained.to_bytes().unwrap();
    let of = (history.step(), 3);
    let loaded = Lstm::from_bytes(&bytes, &context.inputs, of).unwrap();
    let (mut net, mut naive) = (0.0, 0.0);
    for end in 24 * 9..history.len() - 3 {
        let seen = history.before(end);
        let path = loaded.path(&seen, &context, 3).unwrap();
        assert_eq!(path, trained.path(&seen, &context, 3).unwrap());
        let truth = history.values()[end + 2].unwrap();
        net += (path[2] - truth).abs();
        naive += (seen.last().unwrap().1 - truth).abs();
    }
    assert!(net < 0.7 * naive, "{net} {naive}");
    assert!(loaded.path(&history.before(24 * 8), &context, 3).is_err(), "it was trained on that");
    assert!(Lstm::from_bytes(&bytes, &context.inputs[1..], of).is_err());
    assert!(Linear::from_bytes(&bytes, &context.inputs, of).is_err());
}

/// A load with gaps anywhere: zeros, spikes and runs of nothing.
fn any_load(most: usize) -> impl Strategy<Value = Vec<Option<f64>>> {
    let value = prop_oneof![
        6 => (0.0..1e3_f64).prop_map(Some),
        1 => Just(Some(0.0)),
        1 => (0.0..1e9_f64).prop_map(Some),
        2 => Just(None),
    ];
    let run = (value, 1..30_usize).prop_map(|(value, len)| vec![value; len]);
    let single =
        prop_oneof![4 => (0.0..500.0_f64).prop_map(|v| vec![Some(v)]), 1 => Just(vec![None])];
    proptest::collection::vec(prop_oneof![3 => single, 1 => run], 0..most).prop_map(|v| v.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn every_path_is_finite_and_not_negative_whatever_the_history(
        values in any_load(120),
        step in prop_oneof![Just(3600_u64), Just(7 * 60), Just(6 * 3600), Just(1)],
    ) {
        let history = Series::new(Timestamp::UNIX_EPOCH, Span::from_secs(step), values);
        let context = context_of(&history, 3);
        for mut forecaster in standard() {
            // What does not fit is told, and is no panic.
            let _ = forecaster.refit(&history, &context);
            if let Ok(path) = forecaster.path(&history, &context, 3) {
                prop_assert_eq!(path.len(), 3);
                let sound = path.iter().all(|value| value.is_finite() && *value >= 0.0);
                prop_assert!(sound, "{}: {:?}", forecaster.name(), path);
            }
        }
    }

    #[test]
    fn every_race_answers_from_the_first_value_on_and_no_quantile_is_below_a_lower_one(
        values in any_load(40),
    ) {
        let mut race = Race::new(CONFIG, standard());
        let mut history = hourly(Vec::new());
        for value in values {
            history.push(value);
            let said = race.tick(&history, &context_of(&history, 3));
            prop_assert_eq!(said.is_ok(), history.last().is_some());
            let Ok(forecast) = said else { continue };
            for pair in forecast.quantiles.windows(2) {
                prop_assert!(pair[0].level < pair[1].level);
                for (lower, upper) in pair[0].path.iter().zip(&pair[1].path) {
                    prop_assert!(0.0 <= *lower && lower <= upper && upper.is_finite());
                }
            }
            prop_assert!(race.state().issued.len() <= 3);
        }
    }

    #[test]
    fn persistence_of_a_constant_is_that_constant(value in 0.0..1e6_f64, len in 1..400_usize) {
        let history = hourly(vec![Some(value); len]);
        let context = context_of(&history, 3);
        prop_assert_eq!(Persistence.path(&history, &context, 3).unwrap(), vec![value; 3]);
        // And so is that of every other one that has an answer.
        for mut forecaster in standard() {
            let _ = forecaster.refit(&history, &context);
            for said in forecaster.path(&history, &context, 3).into_iter().flatten() {
                prop_assert!((said - value).abs() <= 1e-3 * value + 1e-6, "{} {said}", forecaster.name());
            }
        }
    }

    #[test]
    fn filled_gaps_stay_between_what_was_there(values in any_load(200)) {
        let known: Vec<f64> = values.iter().flatten().copied().collect();
        let (least, most) = (known.iter().copied().fold(f64::INFINITY, f64::min), known.iter().copied().fold(0.0, f64::max));
        for (at, value) in filled(&hourly(values)).into_iter().enumerate() {
            prop_assert!((least - 1e-6..=most + 1e-6).contains(&value), "{at}: {value}");
        }
    }

    #[test]
    fn a_calibration_keeps_no_more_than_its_window(truths in proptest::collection::vec(0.0..1e4_f64, 0..900)) {
        let levels = [0.05, 0.5, 0.95];
        let mut calibration = Calibration::new(&levels, 1);
        for truth in truths {
            let quantiles = calibration.quantiles(&[100.0], 100.0);
            prop_assert!(quantiles.windows(2).all(|pair| pair[0].path[0] <= pair[1].path[0]));
            calibration.learn(0, truth, 100.0, &quantiles, 100.0);
        }
        let json = serde_json::to_string(&calibration).unwrap();
        prop_assert!(json.matches(',').count() < 2 * WINDOW + 20);
    }
}

#[test]
fn after_a_jump_no_quantile_is_further_above_the_load_than_the_jump_was() {
    let levels = [0.5, 0.95];
    let mut calibration = Calibration::new(&levels, 1);
    let learn = |calibration: &mut Calibration, truth: f64, path: f64| {
        let quantiles = calibration.quantiles(&[path], 6.0);
        calibration.learn(0, truth, path, &quantiles, 6.0);
    };
    for _ in 0..100 {
        learn(&mut calibration, 6.0, 6.0);
    }
    for _ in 0..10 {
        learn(&mut calibration, 40.0, 6.0);
    }
    let quantiles = calibration.quantiles(&[40.0], 6.0);
    assert!(quantiles[1].path[0] <= 74.0 + 1e-6, "{quantiles:?}");
    assert!(quantiles[1].path[0] >= quantiles[0].path[0]);
}

#[test]
fn what_a_race_has_learned_fits_into_less_and_goes_on_from_there() {
    let config = RaceConfig { horizon: Span::from_secs(15 * 3600), quantile: 0.95 };
    let mut race = Race::new(config, vec![Box::new(Persistence), Box::new(Seasonal::day())]);
    let values = wave(700);
    let mut history = hourly(Vec::new());
    let context = |history: &Series| context_of(history, 15);
    for value in &values {
        history.push(*value);
        race.tick(&history, &context(&history)).unwrap();
    }
    let whole = serde_json::to_string(race.state()).unwrap().len();
    for most in [whole, 60_000, 20_000] {
        let small = race.state().within(most).unwrap();
        let text = serde_json::to_string(&small).unwrap();
        assert!(text.len() <= most, "{} of {most}", text.len());
        assert_eq!(small.ticks(), race.state().ticks());
        let read: RaceState = serde_json::from_str(&text).unwrap();
        let racers: Vec<Box<dyn Forecaster>> = vec![Box::new(Seasonal::day())];
        let mut next = Race::new(config, racers).resume(read);
        let said = next.tick(&history, &context(&history)).unwrap();
        assert_eq!(said.by, "seasonal-day", "who led leads");
        let loss = |race: &Race| race.standings()[0].loss.unwrap();
        assert!((loss(&next) - loss(&race)).abs() < 1e-9);
        let of = |forecast: &Forecast| forecast.quantiles.last().unwrap().path[14];
        let before = race.tick(&history, &context(&history)).unwrap();
        assert!((of(&said) / of(&before) - 1.0).abs() < 0.1, "{said:?} {before:?}");
    }
    assert_eq!(race.state().within(500), None);
}
