//! What was seen of messages while everything was going on.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sms_grpc::proto::v1::{
    GetMessageRequest, Message, message_service_client::MessageServiceClient,
};
use tokio::time::{sleep, timeout};

use super::{dice::Dice, load::Sending};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);
/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// What was told about messages, in the order of asking.
pub(super) type Glimpses = Arc<Mutex<Vec<Message>>>;

/// Looks at accepted messages, now at this process, now at the other, until it is aborted.
pub(super) async fn look(dice: Dice, sending: Arc<Sending>, seen: Glimpses) {
    for nth in 0.. {
        sleep(PAUSE).await;
        let (accepted, _) = sending.counts();
        // Young messages change; every other look is at one of the latest.
        let span = if nth % 2 == 0 { 100 } else { accepted };
        let back = dice.throw("glimpse", nth as u64, span.max(1) as u64);
        let back = usize::try_from(back).unwrap_or_default();
        let Some(id) = accepted.checked_sub(back + 1).and_then(|at| sending.id(at)) else {
            continue;
        };
        let mut client = MessageServiceClient::new(sending.channel(nth / 2));
        let asked = client.get_message(GetMessageRequest { id });
        if let Ok(Ok(answer)) = timeout(PATIENCE, asked).await {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push(answer.into_inner());
        }
    }
}
