//! The `floodway` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    floodway::cli::main()
}
