//! EC2 and EC2 Auto Scaling in one account and its regions.

/// All that a call answers, page by page.
macro_rules! all_pages {
    ($call:expr) => {
        $call.into_paginator().items().send().collect::<Result<Vec<_>, _>>()
    };
}

mod account;
mod act;
mod bucket;
mod check;
mod connect;
mod counted;
mod endpoint;
mod error;
mod group;
mod images;
mod instances;
mod lock;
mod lookup;
mod market;
mod named;
mod observe;
mod problems;
mod progress;
mod said;
mod strays;
mod tags;
mod template;

pub use aws_config::SdkConfig;
pub use connect::{Way, caller, configured, connect, connect_by};
