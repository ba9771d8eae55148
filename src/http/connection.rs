//! Bounded connections: so many at once, and none that idles for ever.
//!
//! Peers that connect and say nothing, or never read their answer, would otherwise pile up until
//! the process has no file descriptors left to poll and to page with.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

/// Connections at once; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 256;
/// A connection on which nothing moves for so long is closed. Longer than a request's deadline and
/// than the usual scrape interval, so that scrapers keep theirs.
const IDLE_MAX: Duration = Duration::from_secs(75);

/// Accepts while there is room.
pub(super) struct BoundedListener {
    listener: TcpListener,
    room: Arc<Semaphore>,
}

/// One connection: it holds its place until it is dropped.
pub(super) struct Connection {
    stream: TcpStream,
    idle: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl BoundedListener {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self::with_room(listener, CONNECTIONS_MAX)
    }

    fn with_room(listener: TcpListener, connections_max: usize) -> Self {
        Self {
            listener,
            room: Arc::new(Semaphore::new(connections_max)),
        }
    }
}

impl Listener for BoundedListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let place = Arc::clone(&self.room).acquire_owned().await;
        let place = place.expect("the semaphore is never closed");
        let (stream, peer) = Listener::accept(&mut self.listener).await;
        let connection = Connection {
            stream,
            idle: Box::pin(tokio::time::sleep(IDLE_MAX)),
            _place: place,
        };
        (connection, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connection {
    /// Passes progress on and restarts the idle clock; without progress, looks at the clock.
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        progress: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.idle.as_mut().reset(Instant::now() + IDLE_MAX);
            return progress;
        }
        ready!(self.idle.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.watch(cx, progress)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, progress)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watch(cx, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn listener(connections_max: usize) -> (BoundedListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (
            BoundedListener::with_room(listener, connections_max),
            address,
        )
    }

    #[tokio::test]
    async fn a_silent_connection_is_closed() {
        let (mut listener, address) = listener(1).await;
        let _peer = TcpStream::connect(address).await.unwrap();
        let (mut connection, _) = listener.accept().await;
        tokio::time::pause();
        let read = tokio::time::timeout(IDLE_MAX * 2, connection.read_u8()).await;
        let error = read.expect("the connection ends by itself").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_connection_waits_until_there_is_room() {
        let (mut listener, address) = listener(1).await;
        let _peers = [
            TcpStream::connect(address).await.unwrap(),
            TcpStream::connect(address).await.unwrap(),
        ];
        let first = listener.accept().await;
        {
            let mut second = std::pin::pin!(listener.accept());
            let polled = std::future::poll_fn(|cx| Poll::Ready(second.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
            drop(first);
            second.await;
        }
    }
}
