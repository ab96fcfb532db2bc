//! Writes the generated TypeScript, or finds that it is as it should be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "generated/typescript.rs"]
mod typescript;

use std::path::Path;

#[test]
fn typescript_is_as_the_tables_say() {
    let core = Path::new(env!("CARGO_MANIFEST_DIR"));
    let models = std::fs::read_to_string(core.join("models.json")).expect("core/models.json");
    let wanted = typescript::write(&serde_json::from_str(&models).expect("models.json is JSON"));
    let path = core.join("../bindings-node/lib/generated.ts");
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    if found != wanted {
        std::fs::write(&path, wanted).unwrap();
        panic!(
            "bindings-node/lib/generated.ts was out of date; it has been rewritten, look at the difference"
        );
    }
}
