use std::fs;

use serde_json::{Value, json};

mod answers;
mod configuration;
mod reports;
mod requests;

fn config(changes: &[(&str, Value)]) -> Value {
    let mut config = json!({ "from": "Compashka", "login": "login", "password": "password" });
    for (key, value) in changes {
        config[key] = value.clone();
    }
    config
}

fn fixture(name: &str) -> Value {
    let path = format!(
        "{}/tests/fixtures/megafon/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}
