//! Writing together what several calls of one connection have to say.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Lets whatever else is ready run before it writes. Answers that come at the same moment, for one
/// commit made them all, then go out in one packet; one by one, each would cost a system call and
/// wake the peer. A lone answer is written as soon as nothing else is ready.
#[derive(Debug)]
pub(crate) struct Together<I> {
    io: I,
    /// Whether others had their turn since the last flush.
    has_waited: bool,
}

impl<I> Together<I> {
    pub(crate) fn new(io: I) -> Self {
        Self {
            io,
            has_waited: false,
        }
    }
}

impl<I: Unpin> Together<I> {
    /// Ready once the others had their turn.
    fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<&mut I> {
        if self.has_waited {
            return Poll::Ready(&mut self.io);
        }
        self.has_waited = true;
        // A task that wakes itself goes behind all that are ready.
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Together<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Together<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(ready!(self.poll_turn(context))).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(ready!(self.poll_turn(context))).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.has_waited = false;
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::task::{ArcWake, waker};

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl ArcWake for Wakes {
        fn wake_by_ref(wakes: &Arc<Self>) {
            wakes.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn others_have_their_turn_before_each_burst_of_writes_and_only_then() {
        let wakes = Arc::new(Wakes::default());
        let waker = waker(Arc::clone(&wakes));
        let mut context = Context::from_waker(&waker);
        let mut together = Together::new(Vec::new());
        let mut io = Pin::new(&mut together);
        for turns in 1..=2 {
            assert!(io.as_mut().poll_write(&mut context, b"1").is_pending());
            // Without it the task would sleep on what it has to write.
            assert_eq!(wakes.0.load(Ordering::Relaxed), turns);
            for _ in 0..2 {
                assert!(io.as_mut().poll_write(&mut context, b"1").is_ready());
                let slices = [IoSlice::new(b"2"), IoSlice::new(b"3")];
                assert!(
                    io.as_mut()
                        .poll_write_vectored(&mut context, &slices)
                        .is_ready()
                );
            }
            assert!(io.as_mut().poll_flush(&mut context).is_ready());
        }
        assert_eq!(together.io, b"123123123123");
    }
}
