//! A provider that follows a script.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::{
    Answer, CallbackSupport, Capabilities, NameError, Outcome, Provider, ProviderName, Submission,
};

/// Answers submissions by a script and remembers them. When the script has ended it takes every
/// message and calls it `provider-N`, N counting from 1.
#[derive(Debug)]
pub struct ScriptedProvider {
    name: ProviderName,
    capabilities: Capabilities,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    script: VecDeque<Step>,
    submissions: Vec<Submission>,
}

/// What a scripted provider does with one submission.
#[derive(Debug, Clone)]
pub enum Step {
    /// Says this.
    Say(Answer),
    /// Says this after a while.
    SayAfter(Duration, Answer),
    /// Says what the test decides, when it does.
    Held(HeldStep),
    /// Never says anything.
    Hang,
}

/// The provider's side of an answer that a test holds back.
#[derive(Debug, Clone)]
pub struct HeldStep(watch::Receiver<Option<Answer>>);

/// The test's side of an answer that it holds back. Dropped unsaid, the provider never answers.
#[derive(Debug)]
pub struct HeldAnswer(watch::Sender<Option<Answer>>);

impl HeldAnswer {
    /// Lets the provider say this now.
    pub fn say(self, answer: impl Into<Answer>) {
        self.0.send_replace(Some(answer.into()));
    }
}

impl Step {
    /// A step whose answer the test holds back.
    #[must_use]
    pub fn held() -> (Self, HeldAnswer) {
        let (sender, receiver) = watch::channel(None);
        (Self::Held(HeldStep(receiver)), HeldAnswer(sender))
    }
}

impl HeldStep {
    async fn answer(mut self) -> Answer {
        let said = self.0.wait_for(Option::is_some).await;
        let answer = said.ok().and_then(|said| said.clone());
        match answer {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

impl From<Outcome> for Step {
    fn from(outcome: Outcome) -> Self {
        Self::Say(outcome.into())
    }
}

impl ScriptedProvider {
    /// A provider that takes everything, does not de-duplicate, and takes 5 s at most.
    ///
    /// # Errors
    /// [`NameError`] for a name that a provider cannot have.
    pub fn new(name: &str) -> Result<Self, NameError> {
        Ok(Self {
            name: name.parse()?,
            capabilities: Capabilities {
                deduplicates: false,
                callback: CallbackSupport::PerMessage,
                timeout: Duration::from_secs(5),
            },
            state: Mutex::default(),
        })
    }

    /// The same with other capabilities.
    #[must_use]
    pub fn capable_of(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Adds steps to the script.
    #[must_use]
    pub fn then(self, steps: impl IntoIterator<Item = impl Into<Step>>) -> Self {
        self.push(steps);
        self
    }

    /// Adds steps to the script of a provider that is in use.
    pub fn push(&self, steps: impl IntoIterator<Item = impl Into<Step>>) {
        self.state()
            .script
            .extend(steps.into_iter().map(Into::into));
    }

    /// What was submitted so far, in order.
    #[must_use]
    pub fn submissions(&self) -> Vec<Submission> {
        self.state().submissions.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, submission: &Submission) -> Step {
        let mut state = self.state();
        state.submissions.push(submission.clone());
        let number = state.submissions.len();
        state.script.pop_front().unwrap_or_else(|| {
            let provider_id = format!("provider-{number}").parse().ok();
            Outcome::Accepted { provider_id }.into()
        })
    }
}

#[async_trait]
impl Provider for ScriptedProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn submit(&self, submission: &Submission) -> Answer {
        match self.next(submission) {
            Step::Say(answer) => answer,
            Step::SayAfter(delay, answer) => {
                tokio::time::sleep(delay).await;
                answer
            }
            Step::Held(held) => held.answer().await,
            Step::Hang => std::future::pending().await,
        }
    }
}
