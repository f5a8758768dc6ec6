//! Signals, read by the real binary from Prometheus itself, which scrapes an
//! exporter of the test.

mod live;
mod reached;
