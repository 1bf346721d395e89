//! How many threads work.

use crate::config::{Loaded, Problem};

/// More than any machine has processors. A slip beyond that would take all its memory for stacks.
const MOST: usize = 4_096;

/// `runtime.worker_threads`; none where there is to be one for each processor.
pub(crate) fn wanted(loaded: &Loaded) -> Result<Option<usize>, Problem> {
    match loaded.config.runtime.worker_threads {
        0 => Ok(None),
        threads if threads <= MOST => Ok(Some(threads)),
        _ => {
            let words = format!("is more than any machine can use; set at most {MOST}");
            Err(loaded.problem("runtime.worker_threads", words))
        }
    }
}
