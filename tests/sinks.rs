//! The page about sinks, and what the template says of them.

use std::path::Path;

#[test]
fn the_page_about_sinks_is_made_of_the_register() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/SINKS.md");
    let written = std::fs::read_to_string(file).unwrap_or_default();
    assert_eq!(written, local::sinks_page(), "run: cargo run -p local -- sinks > docs/SINKS.md");
}
