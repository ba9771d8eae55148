//! Serving on a real socket, and how it ends.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// Serves on a loopback socket until the returned token is cancelled.
async fn start(
    board: Board,
) -> (
    std::net::SocketAddr,
    mpsc::Receiver<CommandRequest>,
    CancellationToken,
    tokio::task::JoinHandle<std::io::Result<()>>,
) {
    let (command, commands) = mpsc::channel(1);
    let app = App {
        board,
        metrics: Arc::new(Metrics::new()),
        commands: Commands::new(command),
        store: Store::in_memory().unwrap(),
        clock: Arc::new(|| NOON),
        slack_secret: None,
        picture_key: None,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve(
        listener,
        app,
        Manners::default(),
        stop.clone().cancelled_owned(),
    ));
    (address, commands, stop, serving)
}

#[tokio::test]
async fn the_server_answers_and_stops_when_told() {
    let (address, _commands, stop, serving) = start(shop()).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut peer = TcpStream::connect(address).await.unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    peer.write_all(request).await.unwrap();
    let mut answer = String::new();
    peer.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
    silent.write_all(b"GET /heal").await.unwrap();
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    stop.cancel();
    serving.await.unwrap().unwrap();
    assert!(started.elapsed() <= DRAIN_DEADLINE * 2);
}

#[tokio::test]
async fn a_request_that_hangs_does_not_hold_up_the_end() {
    let (address, mut commands, stop, serving) = start(board()).await;
    let mut peer = TcpStream::connect(address).await.unwrap();
    let request = b"POST /-/reload HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n";
    peer.write_all(request).await.unwrap();
    let _unanswered = commands.recv().await.unwrap();
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    stop.cancel();
    serving.await.unwrap().unwrap();
    assert!(started.elapsed() <= DRAIN_DEADLINE * 2);
}
