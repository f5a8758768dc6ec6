//! Triton Inference Server:
//! <https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/metrics.html>,
//! and what its TensorRT-LLM backend adds (`nv_trt_llm_…`, `nv_llm_…`); other
//! backends tell only what waits and what was answered. Each model of an ensemble
//! counts: `select` the one that generates by `model`, for what its backend adds
//! bears that name, and not the ensemble's.

use super::{Metric, metric, quiet};

pub(super) const TRITON: &[Metric] = &[
    quiet("running", "requests", "sum(nv_trt_llm_request_metrics{request_type=\"scheduled\",@})"),
    metric(
        "waiting",
        "requests",
        "sum(nv_trt_llm_request_metrics{request_type=\"waiting\",@}) \
         or sum(nv_inference_pending_request_count{@})",
    ),
    quiet(
        "kv_cache",
        "share",
        "avg(nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"fraction\",@})",
    ),
    quiet(
        "ttft_p99",
        "s",
        "histogram_quantile(0.99, sum by (le) \
         (rate(nv_inference_first_response_histogram_ms_bucket{@}[$w]))) / 1000 >= 0",
    ),
    quiet("tokens_in", "tokens/s", "sum(rate(nv_llm_input_token_len_sum{@}[$w]))"),
    quiet("tokens_out", "tokens/s", "sum(rate(nv_llm_output_token_len_sum{@}[$w]))"),
    metric("finished", "req/s", "sum(rate(nv_inference_request_success{@}[$w]))"),
];
