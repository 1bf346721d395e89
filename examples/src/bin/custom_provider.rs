//! A provider of one's own: it writes each message into a file, one JSON object a line.
//!
//! `cargo run -p sms-examples --bin custom_provider` sends a message through it;
//! `cargo test -p sms-examples --bin custom_provider` checks it against the conformance kit.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sms_core::{
    Answer, CallbackSupport, Capabilities, Engine, MemoryQueue, MemoryStore, MessageText,
    NewMessage, Outcome, Provider, ProviderName, State, Submission,
};
use tokio::io::AsyncWriteExt;

/// Writes messages into a file.
#[derive(Debug)]
struct Outbox {
    name: ProviderName,
    path: PathBuf,
}

#[async_trait]
impl Provider for Outbox {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            deduplicates: false,
            callback: CallbackSupport::None,
            timeout: Duration::from_secs(5),
        }
    }

    async fn submit(&self, submission: &Submission) -> Answer {
        let to = submission.to.e164();
        let text = submission.text.as_str();
        let line = serde_json::json!({ "id": submission.id, "to": to.as_str(), "text": text });
        let mut file = match tokio::fs::File::options()
            .append(true)
            .create(true)
            .open(&self.path)
            .await
        {
            Ok(file) => file,
            // Nothing was written: surely not taken.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return Outcome::Unauthorized.into();
            }
            Err(_) => return Outcome::Unavailable { retry_after: None }.into(),
        };
        // One write of a whole line; if it fails, part of the line may be there.
        match file
            .write_all(format!("{line}\n").as_bytes())
            .await
            .and(file.sync_all().await)
        {
            Ok(()) => Outcome::Accepted { provider_id: None }.into(),
            Err(_) => Outcome::Unknown.into(),
        }
    }
}

fn outbox(path: &Path) -> anyhow::Result<Outbox> {
    let (name, path) = ("outbox".parse()?, path.to_owned());
    Ok(Outbox { name, path })
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("outbox.jsonl");
    let engine = Engine::builder(Arc::new(MemoryStore::new()), Arc::new(MemoryQueue::new()))
        .provider(outbox(&path)?)
        .build()?;
    let running = engine.start();

    let message = NewMessage::new("+79991234567".parse()?, MessageText::new("Hi!")?);
    let id = engine.accept(message).await?.message.id();
    let mut watch = engine.watch(id).await?.expect("it was just accepted");
    while let Some(message) = watch.next().await {
        let message = message?;
        println!("{id} {}", message.state());
        if message.state() == State::Sent {
            break;
        }
    }
    running.drain(Duration::from_secs(5)).await;
    print!("{}", std::fs::read_to_string(path)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fresh() -> (Arc<dyn Provider>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let provider = outbox(&folder.path().join("outbox.jsonl")).unwrap();
        (Arc::new(provider), folder)
    }

    sms_core::provider_conformance!(fresh);
}
