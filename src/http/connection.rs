//! Bounded connections: so many at once, not all of them one peer's, and none that idles for ever.
//!
//! Peers that connect and say nothing, or never read their answer, would otherwise pile up until
//! the process has no file descriptors left to poll and to page with; and one peer that holds all
//! places would keep out the probes that say whether the process lives.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

/// Connections at once; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 256;
/// Of four places a single peer gets at most three; a proxy is one peer, too.
const PEER_QUARTERS_MAX: usize = 3;
/// A connection on which nothing moves for so long is closed. Longer than a request's deadline and
/// than the usual scrape interval, so that scrapers keep theirs.
const IDLE_MAX: Duration = Duration::from_secs(75);

/// Accepts while there is room.
pub(super) struct BoundedListener {
    listener: TcpListener,
    room: Arc<Semaphore>,
    seats: Arc<Seats>,
}

/// How many connections each peer has.
struct Seats {
    taken: Mutex<BTreeMap<IpAddr, usize>>,
    each_max: usize,
}

/// One of a peer's connections, until it is dropped.
struct Seat {
    seats: Arc<Seats>,
    peer: IpAddr,
}

impl Seat {
    /// `None` when the peer has as many as it may.
    fn take(seats: &Arc<Seats>, peer: IpAddr) -> Option<Self> {
        let peer = peer.to_canonical();
        let mut taken = seats.lock();
        let count = taken.entry(peer).or_default();
        if *count >= seats.each_max {
            return None;
        }
        *count += 1;
        let seats = Arc::clone(seats);
        Some(Self { seats, peer })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        if let Some(count) = taken.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.peer);
            }
        }
    }
}

impl Seats {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection: it holds its place until it is dropped.
pub(super) struct Connection {
    stream: TcpStream,
    idle: Pin<Box<Sleep>>,
    // Given back first, so that whoever gets the place finds the seat free.
    _seat: Seat,
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
            seats: Arc::new(Seats {
                taken: Mutex::default(),
                each_max: (connections_max * PEER_QUARTERS_MAX).div_ceil(4),
            }),
        }
    }
}

impl Listener for BoundedListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let place = Arc::clone(&self.room).acquire_owned().await;
        let place = place.expect("the semaphore is never closed");
        loop {
            let (stream, peer) = Listener::accept(&mut self.listener).await;
            let Some(seat) = Seat::take(&self.seats, peer.ip()) else {
                tracing::debug!(%peer, "Connection refused: its peer has too many");
                continue;
            };
            let connection = Connection {
                stream,
                idle: Box::pin(tokio::time::sleep(IDLE_MAX)),
                _seat: seat,
                _place: place,
            };
            return (connection, peer);
        }
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

    #[test]
    fn one_peer_leaves_places_to_others() {
        let seats = Arc::new(Seats {
            taken: Mutex::default(),
            each_max: 2,
        });
        let [here, mapped, there] =
            ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1"].map(|ip| ip.parse().unwrap());
        let first = Seat::take(&seats, here).unwrap();
        let _second = Seat::take(&seats, mapped).unwrap();
        assert!(Seat::take(&seats, here).is_none());
        let other = Seat::take(&seats, there);
        assert!(other.is_some());
        drop(first);
        assert!(Seat::take(&seats, here).is_some());
        drop(other);
        assert_eq!(seats.lock().keys().collect::<Vec<_>>(), [&here]);
    }

    #[tokio::test]
    async fn one_peer_is_hung_up_on_before_it_has_all_places() {
        let (mut listener, address) = listener(4).await;
        let mut peers = Vec::new();
        let mut taken = Vec::new();
        for _ in 0..3 {
            peers.push(TcpStream::connect(address).await.unwrap());
            taken.push(listener.accept().await);
        }
        let mut refused = TcpStream::connect(address).await.unwrap();
        let accepting = tokio::spawn(async move { listener.accept().await });
        assert!(matches!(refused.read_u8().await, Err(_end)));
        taken.pop();
        let _fourth = TcpStream::connect(address).await.unwrap();
        accepting.await.unwrap();
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
