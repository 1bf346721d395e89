use std::sync::atomic::AtomicU64;

use crate::{MessageId, Receipt, SystemEntropy, Task, Timestamp};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A queue that does to pushes what it is told, and counts the messages that it took.
#[derive(Debug, Default)]
struct Moody {
    mood: Mutex<Mood>,
    taken: AtomicUsize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Mood {
    #[default]
    Take,
    Refuse,
    Panic,
}

impl Moody {
    fn feel(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Queue for Moody {
    async fn push(&self, hints: Vec<Hint>) -> Result<(), QueueError> {
        let mood = *self.mood.lock().unwrap();
        assert_ne!(mood, Mood::Panic, "a bug in a queue");
        if mood == Mood::Refuse {
            return Err(QueueError::new("be in the mood"));
        }
        self.taken.fetch_add(named(&hints), Ordering::Relaxed);
        Ok(())
    }

    async fn lease(&self, _: &ProviderName, _: usize) -> Result<Vec<Task>, QueueError> {
        std::future::pending().await
    }

    async fn acknowledge(&self, _: Vec<Receipt>) -> Result<(), QueueError> {
        Ok(())
    }
}

/// Counts the messages whose hints were dropped.
#[derive(Debug, Default)]
struct Dropped(AtomicU64);

impl Observer for Dropped {
    fn observe(&self, observation: &Observation<'_>) {
        if let Observation::HintsDropped { messages } = observation {
            self.0.fetch_add(*messages as u64, Ordering::Relaxed);
        }
    }
}

impl Dropped {
    fn messages(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

fn hinter() -> (Hinter, Arc<Moody>, Arc<Dropped>) {
    let (queue, observer) = (Arc::new(Moody::default()), Arc::new(Dropped::default()));
    let hinter = Hinter::new(Hinting {
        queue: queue.clone(),
        observer: observer.clone(),
        pulse: Arc::default(),
        ids_per_hint: BTreeMap::new(),
    });
    (hinter, queue, observer)
}

fn hint(messages: usize) -> Hint {
    let id = |_| MessageId::generate(Timestamp::from_millis(1), &SystemEntropy);
    Hint {
        route: "main".parse().unwrap(),
        priority: Priority::Normal,
        ids: (0..messages).map(id).collect(),
    }
}

#[tokio::test(start_paused = true)]
async fn hints_beyond_what_may_wait_are_told_to_be_dropped_and_the_others_arrive() {
    let (hinter, queue, dropped) = hinter();
    queue.feel(Mood::Refuse);
    hinter.add_all(vec![hint(MOST_WAITING)]).await;
    assert_eq!(dropped.messages(), 0);
    hinter.add(hint(7));
    assert_eq!(dropped.messages(), 7);
    queue.feel(Mood::Take);
    sleep(2 * SECOND).await;
    assert_eq!(queue.taken(), MOST_WAITING);
    hinter.add_all(vec![hint(1)]).await;
    assert_eq!((queue.taken(), dropped.messages()), (MOST_WAITING + 1, 7));
}

#[tokio::test(start_paused = true)]
async fn hints_that_the_queue_panics_over_take_up_no_place() {
    let (hinter, queue, dropped) = hinter();
    queue.feel(Mood::Panic);
    hinter.add_all(vec![hint(MOST_WAITING)]).await;
    assert_eq!(dropped.messages(), MOST_WAITING as u64);
    queue.feel(Mood::Take);
    hinter.add_all(vec![hint(3)]).await;
    assert_eq!(queue.taken(), 3);
}

#[tokio::test(start_paused = true)]
async fn hints_are_offered_again_even_after_the_queue_panicked_over_an_offer() {
    let (hinter, queue, dropped) = hinter();
    queue.feel(Mood::Refuse);
    hinter.add_all(vec![hint(5)]).await;
    queue.feel(Mood::Panic);
    sleep(2 * SECOND).await;
    assert_eq!(dropped.messages(), 5);
    queue.feel(Mood::Refuse);
    hinter.add_all(vec![hint(3)]).await;
    queue.feel(Mood::Take);
    sleep(2 * SECOND).await;
    assert_eq!(queue.taken(), 3);
}

#[tokio::test(start_paused = true)]
async fn hints_that_are_left_when_the_engine_ends_are_told_to_be_dropped() {
    let (hinter, queue, dropped) = hinter();
    queue.feel(Mood::Refuse);
    hinter.add_all(vec![hint(5)]).await;
    drop(hinter);
    sleep(2 * SECOND).await;
    assert_eq!(dropped.messages(), 5);
}
