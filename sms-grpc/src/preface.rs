//! The first bytes of HTTP/2, read before HTTP is spoken.
//!
//! hyper waits for them without a limit, so a peer that stops in the middle would hold its place
//! for ever. Here they can be waited for like every other first step, and then be read again.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

/// What every client says first (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection whose first bytes have come, and are still to be read.
#[derive(Debug)]
pub(crate) struct Begun<I> {
    unread: &'static [u8],
    io: I,
}

/// Waits for the first bytes of HTTP/2. Another protocol is refused at its first other byte, and
/// not only when there are as many as would have been needed.
pub(crate) async fn read<I: AsyncRead + Unpin>(mut io: I) -> io::Result<Begun<I>> {
    let mut given = [0; PREFACE.len()];
    let mut length = 0;
    while length < PREFACE.len() {
        let more = io.read(&mut given[length..]).await?;
        if more == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        length += more;
        if given[..length] != PREFACE[..length] {
            let words = "the peer does not speak HTTP/2";
            return Err(io::Error::new(io::ErrorKind::InvalidData, words));
        }
    }
    Ok(Begun {
        unread: PREFACE,
        io,
    })
}

impl<I: AsyncRead + Unpin> AsyncRead for Begun<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.unread.is_empty() {
            return Pin::new(&mut this.io).poll_read(context, buffer);
        }
        let (now, later) = this
            .unread
            .split_at(this.unread.len().min(buffer.remaining()));
        buffer.put_slice(now);
        this.unread = later;
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Begun<I> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn what_came_in_pieces_is_read_again_in_one() {
        let (mut client, server) = duplex(64);
        let writing = tokio::spawn(async move {
            for byte in PREFACE {
                client.write_all(&[*byte]).await.unwrap();
            }
            client.write_all(b"rest").await.unwrap();
        });
        let mut begun = read(server).await.unwrap();
        let mut all = Vec::new();
        begun.read_to_end(&mut all).await.unwrap();
        writing.await.unwrap();
        assert_eq!(all, [PREFACE.as_slice(), b"rest"].concat());
    }

    #[tokio::test]
    async fn a_small_buffer_loses_nothing() {
        let (mut client, server) = duplex(64);
        client.write_all(PREFACE).await.unwrap();
        let mut begun = read(server).await.unwrap();
        let mut all = Vec::new();
        while all.len() < PREFACE.len() {
            let mut few = [0; 7];
            let read = begun.read(&mut few).await.unwrap();
            all.extend_from_slice(&few[..read]);
        }
        assert_eq!(all, PREFACE);
    }

    #[tokio::test]
    async fn another_protocol_is_refused_at_its_first_other_byte() {
        let (mut client, server) = duplex(64);
        client.write_all(b"GET").await.unwrap();
        let refused = read(server).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
    }

    #[tokio::test]
    async fn a_peer_that_leaves_early_is_no_connection() {
        let (mut client, server) = duplex(64);
        client.write_all(b"PRI").await.unwrap();
        drop(client);
        let refused = read(server).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::UnexpectedEof);
    }
}
