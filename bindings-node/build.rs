//! Tells the linker where the symbols of Node-API come from.

fn main() {
    napi_build::setup();
}
