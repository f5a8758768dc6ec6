//! vLLM: <https://docs.vllm.ai/en/stable/usage/metrics/>. The V1 engine renamed
//! `gpu_cache_usage_perc` and `time_per_output_token_seconds`.

use super::{Metric, metric, quiet};

pub(super) const VLLM: &[Metric] = &[
    metric("running", "requests", "sum(vllm:num_requests_running{@})"),
    metric("waiting", "requests", "sum(vllm:num_requests_waiting{@})"),
    metric("kv_cache", "share", "avg(vllm:kv_cache_usage_perc{@} or vllm:gpu_cache_usage_perc{@})"),
    quiet(
        "ttft_p99",
        "s",
        "histogram_quantile(0.99, sum by (le) \
         (rate(vllm:time_to_first_token_seconds_bucket{@}[$w]))) >= 0",
    ),
    quiet(
        "inter_token_p99",
        "s",
        "histogram_quantile(0.99, sum by (le) \
         (rate(vllm:inter_token_latency_seconds_bucket{@}[$w]) \
         or rate(vllm:time_per_output_token_seconds_bucket{@}[$w]))) >= 0",
    ),
    metric("tokens_in", "tokens/s", "sum(rate(vllm:prompt_tokens_total{@}[$w]))"),
    metric("tokens_out", "tokens/s", "sum(rate(vllm:generation_tokens_total{@}[$w]))"),
    metric("finished", "req/s", "sum(rate(vllm:request_success_total{@}[$w]))"),
];
