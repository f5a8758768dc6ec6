//! A rollout from its first phase on, over a Prometheus that holds a week.

mod made;
mod tutorial;
