//! What the boot test asks a booted image.

use std::process::ExitCode;

fn main() -> ExitCode {
    node_image::probe::main()
}
