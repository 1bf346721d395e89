//! What the README shows is what is read.

use sms_core::CallbackSupport;
use sms_provider_http::Kinds;

use crate::support::client;

fn sections() -> Vec<toml::Table> {
    let readme = include_str!("../../README.md");
    let blocks = readme.split("```toml\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap())
        .flat_map(|block| {
            let document: toml::Table = block.parse().expect("TOML");
            document["provider"].as_array().unwrap().clone()
        })
        .map(|section| section.as_table().unwrap().clone())
        .collect()
}

#[test]
fn every_section_of_the_readme_makes_a_provider() {
    let sections = sections();
    assert_eq!(sections.len(), 2);
    for section in sections {
        let kind = section["kind"].as_str().unwrap();
        let name = section["name"].as_str().unwrap().parse().unwrap();
        let built = Kinds::new(&client()).build(name, kind, &section).unwrap();
        let callback = built.provider.capabilities().callback;
        assert_eq!(callback, CallbackSupport::PerMessage, "{kind}");
    }
}
