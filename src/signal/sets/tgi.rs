//! Text Generation Inference:
//! <https://huggingface.co/docs/text-generation-inference/reference/metrics>. It
//! tells no use of its KV cache, and no time to first token: that is estimated as
//! the wait in the queue and the prefill of a batch, each at its 99th percentile,
//! which is more than it was.

use super::{Metric, metric, quiet};

pub(super) const TGI: &[Metric] = &[
    metric("running", "requests", "sum(tgi_batch_current_size{@})"),
    metric("waiting", "requests", "sum(tgi_queue_size{@})"),
    quiet(
        "ttft_p99",
        "s",
        "(histogram_quantile(0.99, sum by (le) \
         (rate(tgi_request_queue_duration_bucket{@}[$w]))) \
         + histogram_quantile(0.99, sum by (le) \
         (rate(tgi_batch_inference_duration_bucket{method=\"prefill\",@}[$w])))) >= 0",
    ),
    quiet(
        "inter_token_p99",
        "s",
        "histogram_quantile(0.99, sum by (le) \
         (rate(tgi_request_mean_time_per_token_duration_bucket{@}[$w]))) >= 0",
    ),
    metric("tokens_in", "tokens/s", "sum(rate(tgi_request_input_length_sum{@}[$w]))"),
    metric("tokens_out", "tokens/s", "sum(rate(tgi_request_generated_tokens_sum{@}[$w]))"),
    metric("finished", "req/s", "sum(rate(tgi_request_success{@}[$w]))"),
];
