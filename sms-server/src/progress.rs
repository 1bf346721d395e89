//! Signs of life of what takes long, for people who watch: on standard error, at terminals only.

use std::borrow::Cow;
use std::io::{self, Write, stderr};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};
use tracing_subscriber::fmt::MakeWriter;

/// Fast enough to look alive.
const TICK: Duration = Duration::from_millis(120);

/// Where progress is shown, and the log beside it without the two running together.
#[derive(Debug, Clone)]
pub(crate) struct Screen(MultiProgress);

impl Screen {
    /// Standard error, if it is a terminal and somebody is to see it.
    pub(crate) fn new(seen: bool) -> Self {
        let target = match seen {
            // Draws at terminals only.
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        Self(MultiProgress::with_draw_target(target))
    }

    /// Shows that this is under way, until it is dropped.
    pub(crate) fn begin(&self, what: impl Into<Cow<'static, str>>) -> Progress {
        let bar = self.0.add(ProgressBar::new_spinner());
        bar.set_message(what);
        bar.enable_steady_tick(TICK);
        Progress(bar)
    }
}

/// Something that is under way.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Says how far it is.
    pub(crate) fn say(&self, how_far: impl Into<Cow<'static, str>>) {
        self.0.set_message(how_far);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl<'a> MakeWriter<'a> for Screen {
    type Writer = Lines<'a>;

    fn make_writer(&'a self) -> Lines<'a> {
        Lines(&self.0)
    }
}

/// Writes to standard error; what is shown there moves aside.
pub(crate) struct Lines<'a>(&'a MultiProgress);

impl Write for Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        stderr().flush()
    }
}
