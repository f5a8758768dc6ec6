//! The only program of the initrd.

fn main() {
    node_image::init::main();
}
