//! Signals, read by the real binary from Prometheus itself, which scrapes an
//! exporter of the test, or holds what engines and exporters expose.

mod live;
mod metrics;
mod reached;
mod ready_made;
