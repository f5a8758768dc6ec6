//! The `floodway` command.

fn main() {}
