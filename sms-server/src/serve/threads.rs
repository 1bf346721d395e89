//! How many threads work.

use std::num::NonZero;
use std::thread::available_parallelism;

use crate::config::{Loaded, Problem};

/// More than any machine has processors. A slip beyond that would take all its memory for stacks.
const MOST: usize = 4_096;

/// `runtime.worker_threads`, or what suits this machine.
pub(crate) fn wanted(loaded: &Loaded) -> Result<usize, Problem> {
    match loaded.config.runtime.worker_threads {
        0 => Ok(suiting(available_parallelism().map_or(1, NonZero::get))),
        threads if threads <= MOST => Ok(threads),
        _ => {
            let words = format!("is more than any machine can use; set at most {MOST}");
            Err(loaded.problem("runtime.worker_threads", words))
        }
    }
}

/// One processor is for what works beside these threads: the store's own thread, or Redis and
/// RabbitMQ. With a thread for each processor they would take turns, which costs more than it
/// gains.
fn suiting(processors: usize) -> usize {
    processors.saturating_sub(1).clamp(1, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_processor_is_left_where_there_are_several() {
        assert_eq!([1, 2, 3, 8].map(suiting), [1, 1, 2, 7]);
        assert_eq!(suiting(10_000), MOST);
    }
}
