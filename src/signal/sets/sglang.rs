//! SGLang, started with `--enable-metrics`:
//! <https://docs.sglang.io/references/production_metrics.html>. Some scrapers
//! write its `sglang:` as `sglang_`; older versions have no inter-token latency,
//! but a time per output token.
//!
//! With its scheduling by priority, what runs and what waits stand there once whole,
//! without a priority, and in some versions once more for each priority.

use super::{Metric, metric, quiet};

pub(super) const SGLANG: &[Metric] = &[
    metric(
        "running",
        "requests",
        "sum(sglang:num_running_reqs{priority=\"\",@} \
         or sglang_num_running_reqs{priority=\"\",@})",
    ),
    metric(
        "waiting",
        "requests",
        "sum(sglang:num_queue_reqs{priority=\"\",@} or sglang_num_queue_reqs{priority=\"\",@})",
    ),
    metric("kv_cache", "share", "avg(sglang:token_usage{@} or sglang_token_usage{@})"),
    quiet(
        "ttft_p99",
        "s",
        "histogram_quantile(0.99, sum by (le) \
         (rate(sglang:time_to_first_token_seconds_bucket{@}[$w]) \
         or rate(sglang_time_to_first_token_seconds_bucket{@}[$w]))) >= 0",
    ),
    quiet(
        "inter_token_p99",
        "s",
        "histogram_quantile(0.99, sum by (le) \
         (rate(sglang:inter_token_latency_seconds_bucket{@}[$w]) \
         or rate(sglang_inter_token_latency_seconds_bucket{@}[$w]) \
         or rate(sglang:time_per_output_token_seconds_bucket{@}[$w]) \
         or rate(sglang_time_per_output_token_seconds_bucket{@}[$w]))) >= 0",
    ),
    metric(
        "tokens_in",
        "tokens/s",
        "sum(rate(sglang:prompt_tokens_total{@}[$w]) \
         or rate(sglang_prompt_tokens_total{@}[$w]))",
    ),
    metric(
        "tokens_out",
        "tokens/s",
        "sum(rate(sglang:generation_tokens_total{@}[$w]) \
         or rate(sglang_generation_tokens_total{@}[$w]))",
    ),
    metric(
        "finished",
        "req/s",
        "sum(rate(sglang:num_requests_total{@}[$w]) \
         or rate(sglang_num_requests_total{@}[$w]))",
    ),
];
