//! What a replica of an engine carries: by its profile, or by what was measured.

use super::input::TokenMix;
use crate::spec::model::{Profile, Slo};
use crate::units::{Rate, Share, Span};

/// 99 of 100 values of a normal distribution lie below its mean and so many
/// standard deviations.
const Z99: f64 = 2.326;

/// Requests per second that a replica answers with `batch` requests at once.
///
/// A request of `p` prompt and `o` output tokens stays for
/// `TTFT + (o − 1) · ITL`, with `ITL = α + β·batch` and `TTFT = γ + δ·p·batch`;
/// by Little's law `batch = rate · stay`, so `rate = batch ÷ stay`.
pub fn throughput(profile: &Profile, mix: TokenMix, batch: f64) -> f64 {
    let stay = stay_ms(profile, mix, batch);
    if stay > 0.0 && batch > 0.0 { batch * 1000.0 / stay } else { 0.0 }
}

fn stay_ms(profile: &Profile, mix: TokenMix, batch: f64) -> f64 {
    let first = profile.gamma_ms.as_f64()
        + profile.delta_ms_per_token_seq.as_f64() * mix.prompt.max(0.0) * batch;
    let next = profile.alpha_ms.as_f64() + profile.beta_ms_per_seq.as_f64() * batch;
    first + (mix.output - 1.0).max(0.0) * next
}

/// Requests per second that a replica carries inside the SLO; none where nothing
/// of the SLO bounds it, or where it cannot be kept at all.
///
/// Each promise bounds the batch, for each time grows with it in a line:
/// `(TPOT − α) ÷ β`, `(TTFT − γ) ÷ (δ·p)`, `(E2E − γ − (o−1)·α) ÷ (δ·p + (o−1)·β)`
/// and the engine's own largest. The least of them, `b`, is what 99 of 100 requests
/// may meet. How many are there at once varies like a Poisson number, with the
/// mean `m` and the standard deviation `√m`; so `m + 2.326·√m = b`, and `m` is the
/// batch whose [`throughput`] is promised.
pub fn inside_slo(profile: &Profile, slo: &Slo, mix: TokenMix) -> Option<Rate> {
    let right = |number: f64| number.is_finite() && number >= 0.0;
    if !right(mix.prompt) || !right(mix.output) || mix.output < 1.0 {
        return None;
    }
    let ms = |span: Option<Span>| span.map(|span| span.millis() as f64);
    let (alpha, beta) = (profile.alpha_ms.as_f64(), profile.beta_ms_per_seq.as_f64());
    let gamma = profile.gamma_ms.as_f64();
    let prompt = profile.delta_ms_per_token_seq.as_f64() * mix.prompt;
    let after = mix.output - 1.0;
    let bound = |limit: f64, fixed: f64, each: f64| match limit - fixed {
        left if left < 0.0 => 0.0,
        left if each > 0.0 => left / each,
        _ => f64::INFINITY,
    };
    let bounds = [
        ms(slo.tpot_p99).map(|limit| bound(limit, alpha, beta)),
        ms(slo.ttft_p99).map(|limit| bound(limit, gamma, prompt)),
        ms(slo.e2e_p99).map(|limit| bound(limit, gamma + after * alpha, prompt + after * beta)),
    ];
    let least = bounds.into_iter().flatten().min_by(f64::total_cmp)?;
    let most = least.min(f64::from(profile.max_batch));
    // One at a time is the least that can be served.
    if most < 1.0 {
        return None;
    }
    let root = (Z99.mul_add(Z99, 4.0 * most).sqrt() - Z99) / 2.0;
    let mean = (root * root).max(f64::MIN_POSITIVE);
    super::input::rate(throughput(profile, mix, mean)).filter(|rate| *rate > Rate::default())
}

/// What a replica carries inside the SLO by what was measured: its `load` now,
/// the `latency` that it has with it, the latency `idle` with no load to speak of,
/// and the latency that is promised.
///
/// A server that shares its time among its requests (M/G/1-PS) answers in
/// `latency = idle ÷ (1 − load ÷ limit)`. So `limit = load ÷ (1 − idle ÷ latency)`,
/// and the load at which the latency is what is promised is
/// `limit · (1 − idle ÷ promised)`. None where the latency shows no load yet (less
/// than a fifth above idle), or where even an idle replica breaks the promise.
pub fn learned(load: Rate, latency: Span, idle: Span, promised: Span) -> Option<Rate> {
    let [latency, idle, promised] = [latency, idle, promised].map(Span::as_secs_f64);
    if idle <= 0.0 || latency < idle * 1.2 || promised <= idle {
        return None;
    }
    let limit = load.as_f64() / (1.0 - idle / latency);
    super::input::rate(limit * (1.0 - idle / promised)).filter(|rate| *rate > Rate::default())
}

/// What is learned as a share of what is declared, within [`super::WORTH`].
pub fn worth(declared: Rate, learned: Rate) -> Share {
    if declared == Rate::default() {
        return Share::ALL;
    }
    let share = u128::from(learned.millis()) * 1_000_000 / u128::from(declared.millis());
    let share = u64::try_from(share).unwrap_or(u64::MAX);
    let (least, most) = super::learn::WORTH;
    Share::from_millionths(share).clamp(least, most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Decimal;

    /// `delta` of the tutorial's row is not given; its prompts are short.
    fn profile(numbers: [u64; 4], max_batch: u32) -> Profile {
        let [alpha, beta, gamma, delta] = numbers.map(Decimal::from_millionths);
        Profile {
            alpha_ms: alpha,
            beta_ms_per_seq: beta,
            gamma_ms: gamma,
            delta_ms_per_token_seq: delta,
            max_batch,
        }
    }

    fn slo(tpot: Option<u64>, ttft: Option<u64>) -> Slo {
        Slo {
            availability: Share::percent(99),
            ttft_p99: ttft.map(Span::from_millis),
            tpot_p99: tpot.map(Span::from_millis),
            e2e_p99: None,
            error_rate: Share::percent(1),
        }
    }

    const MIX: TokenMix = TokenMix { prompt: 128.0, output: 128.0 };

    #[test]
    fn the_throughput_of_a_full_batch_is_what_was_measured_of_it() {
        // llm-d's parameter-estimation tutorial: 56.65 req/s with 64 at once.
        let measured = throughput(&profile([6_973_000, 27_000, 15_000_000, 0], 64), MIX, 64.0);
        assert!((measured - 56.65).abs() < 0.6, "{measured}");
    }

    #[test]
    fn the_tightest_promise_bounds_what_a_replica_carries() {
        // Meta-Llama-3.1-8B on one H100, of llm-d's chart.
        let h100 = profile([7_470_000, 44_000, 15_415_000, 337], 512);
        let rate = |tpot, ttft| inside_slo(&h100, &slo(tpot, ttft), MIX).map(Rate::as_f64);
        let (loose, tight) = (rate(Some(20), None).unwrap(), rate(Some(10), None).unwrap());
        assert!(tight > 30.0 && tight < 40.0, "{tight}");
        assert!(loose > tight, "{loose}");
        assert!(rate(Some(20), Some(17)).unwrap() < loose, "the first token is promised sooner");
        assert_eq!(rate(Some(7), None), None, "it cannot be kept at all");
        assert_eq!(rate(None, None), None, "nothing is promised");
        let longer = TokenMix { prompt: 128.0, output: 512.0 };
        let of_longer = inside_slo(&h100, &slo(Some(10), None), longer).unwrap().as_f64();
        assert!(of_longer < tight / 3.0, "{of_longer}");
    }

    #[test]
    fn what_is_measured_tells_where_the_promise_breaks() {
        let span = Span::from_millis;
        // Half its limit doubles the latency: 10 of 20; at 400 ms it is at 15.
        let rate = learned(Rate::from_millis(10_000), span(200), span(100), span(400));
        assert_eq!(rate, Some(Rate::from_millis(15_000)));
        assert_eq!(learned(Rate::from_millis(10_000), span(110), span(100), span(400)), None);
        assert_eq!(learned(Rate::from_millis(10_000), span(900), span(500), span(400)), None);
        let worth = |learned| worth(Rate::from_millis(18_000), Rate::from_millis(learned));
        assert_eq!(worth(9_000), Share::percent(50));
        assert_eq!(worth(1_000), Share::percent(50));
        assert_eq!(worth(90_000), Share::percent(150));
    }
}
