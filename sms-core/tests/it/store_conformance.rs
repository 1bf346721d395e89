//! The store in memory keeps the rules of every store.

use std::sync::Arc;

use sms_core::{MemoryStore, Store};

async fn fresh() -> (Arc<dyn Store>, ()) {
    (Arc::new(MemoryStore::new()), ())
}

sms_core::store_conformance!(fresh);

/// A rule that is written and not named in its macro would never be checked.
#[test]
fn every_rule_is_named_in_its_macro() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/conformance");
    for (list, files) in [
        (
            "store.rs",
            &[
                "store/insert.rs",
                "store/commit.rs",
                "store/provider_ids.rs",
            ][..],
        ),
        (
            "store.rs",
            &["store/deadlines.rs", "store/parking.rs", "store/list.rs"],
        ),
        (
            "store.rs",
            &["store/removal.rs", "store/random.rs", "store/durable.rs"],
        ),
        (
            "engine.rs",
            &["engine/life.rs", "engine/unknown.rs", "engine/reports.rs"],
        ),
        (
            "engine.rs",
            &["engine/timing.rs", "engine/cancel.rs", "engine/sharing.rs"],
        ),
        (
            "engine.rs",
            &[
                "engine/accepting.rs",
                "engine/books.rs",
                "engine/watching.rs",
            ],
        ),
        (
            "engine.rs",
            &["engine/crash.rs", "engine/lease.rs", "engine/instant.rs"],
        ),
        ("queue.rs", &["queue.rs"]),
        ("provider.rs", &["provider.rs"]),
    ] {
        let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
        let named = read(list);
        for file in files {
            let text = read(file);
            let rules: Vec<&str> = text
                .split("\npub async fn ")
                .skip(1)
                .filter_map(|rule| rule.split(['(', '<']).next())
                .collect();
            assert!(!rules.is_empty(), "{file}");
            for rule in rules {
                assert!(named.contains(&format!("            {rule}\n")), "{rule}");
            }
        }
    }
}
