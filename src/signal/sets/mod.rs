//! Ready-made queries: what each engine and exporter calls the things that
//! matter here. One file for each, so that a new name is one line.
//!
//! In a query, `@` stands for the label matchers that select a stage, and `$w` for
//! the window of rates. `a{@} or b{@}` takes each replica by the name that it has,
//! which also counts a fleet in the middle of an upgrade once and whole.

mod dcgm;
mod kube_state_metrics;
mod sglang;
mod tgi;
mod triton;
mod vllm;

use crate::spec::model::Engine;

pub(super) use dcgm::DCGM;
pub(super) use kube_state_metrics::KUBE_STATE_METRICS;

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metric {
    /// What it is: `waiting`.
    pub(super) name: &'static str,
    /// Its unit, as people write it.
    pub(super) unit: &'static str,
    /// Nothing to tell is no fault: a latency, while nobody asks.
    pub(super) quiet: bool,
    /// The query.
    pub(super) query: &'static str,
}

const fn metric(name: &'static str, unit: &'static str, query: &'static str) -> Metric {
    Metric { name, unit, quiet: false, query }
}

const fn quiet(name: &'static str, unit: &'static str, query: &'static str) -> Metric {
    Metric { name, unit, quiet: true, query }
}

/// What `engine` is asked.
pub(super) fn of_engine(engine: Engine) -> &'static [Metric] {
    match engine {
        Engine::Vllm => vllm::VLLM,
        Engine::Sglang => sglang::SGLANG,
        Engine::Tgi => tgi::TGI,
        Engine::Triton => triton::TRITON,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::promql::reads;

    #[test]
    fn every_query_can_be_read_and_selects_each_series_by_the_stage() {
        let engines = [Engine::Vllm, Engine::Sglang, Engine::Tgi, Engine::Triton];
        let all = engines.into_iter().map(of_engine).chain([DCGM, KUBE_STATE_METRICS]);
        for metric in all.flatten() {
            let reads = reads(&metric.query.replace("$w", "1m")).unwrap();
            assert!(!reads.selectors.is_empty(), "{}", metric.query);
            let by_node = metric.name == "nodes_not_ready";
            let selected = |selector: &String| selector.contains('@') || by_node;
            assert!(reads.selectors.iter().all(selected), "{}", metric.query);
        }
    }

    #[test]
    fn every_engine_tells_what_runs_what_waits_and_what_was_answered() {
        for engine in [Engine::Vllm, Engine::Sglang, Engine::Tgi, Engine::Triton] {
            let names: Vec<&str> = of_engine(engine).iter().map(|metric| metric.name).collect();
            for name in ["running", "waiting", "finished", "tokens_in", "tokens_out"] {
                assert!(names.contains(&name), "{} has no {name}", engine.as_str());
            }
        }
    }
}
