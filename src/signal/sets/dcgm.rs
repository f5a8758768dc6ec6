//! NVIDIA's DCGM exporter, whose series name the pod that has the GPU; where the
//! scraper keeps its own labels, under `exported_namespace`.
//! <https://github.com/NVIDIA/dcgm-exporter/blob/main/etc/default-counters.csv>

use super::{Metric, metric, quiet};

pub(in crate::signal) const DCGM: &[Metric] = &[
    metric(
        "gpu_use",
        "share",
        "avg(DCGM_FI_DEV_GPU_UTIL{@} or DCGM_FI_DEV_GPU_UTIL{exported_@}) / 100",
    ),
    metric(
        "memory_use",
        "share",
        "sum(DCGM_FI_DEV_FB_USED{@} or DCGM_FI_DEV_FB_USED{exported_@}) \
         / (sum(DCGM_FI_DEV_FB_USED{@} or DCGM_FI_DEV_FB_USED{exported_@}) \
         + sum(DCGM_FI_DEV_FB_FREE{@} or DCGM_FI_DEV_FB_FREE{exported_@}))",
    ),
    quiet(
        "with_xid_errors",
        "GPUs",
        "count((DCGM_FI_DEV_XID_ERRORS{@} or DCGM_FI_DEV_XID_ERRORS{exported_@}) > 0) \
         or 0 * count(DCGM_FI_DEV_XID_ERRORS{@} or DCGM_FI_DEV_XID_ERRORS{exported_@})",
    ),
];
