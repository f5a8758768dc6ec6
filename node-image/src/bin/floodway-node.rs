//! The agent of a burst node.

use std::process::ExitCode;

fn main() -> ExitCode {
    node_image::agent::main()
}
