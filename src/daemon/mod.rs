//! Composition and lifecycle: settings become running parts, in one readable order.
//!
//! [`Daemon::start`] opens everything that can fail and returns; [`Daemon::run`] polls until it is
//! told to stop, then drains: slots first, deliveries under way, the sample cache, the server.

mod backfill;
mod catch_up;
mod clock;
mod command;
mod configure;
mod delivery;
mod event;
mod gate;
mod heartbeat;
mod poller;
mod publish;
mod reload;
mod report;
mod save;
mod telemetry;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::info;

pub use self::clock::Clock;
use self::delivery::{Deliveries, Prepared};
use self::event::Event;
use self::gate::{Gate, GateError};
use self::poller::{EVENTS_MAX, Poller, Surroundings};
use self::reload::{Reloader, Started};
pub use self::telemetry::{LogFormat, init_logging};
use crate::config::secret::Secret;
use crate::config::settings::{ReceiverSettings, SOURCE_NAME, Settings, engine_options};
use crate::config::{Definition, Loaded};
use crate::engine::causes::chain;
use crate::engine::{Engine, Slo, Span};
use crate::http::{
    About, App, Board, CommandRequest, Commands, FeedInfo, Manners, Metrics, Readiness,
    ReceiverInfo, SecretProvider,
};
use crate::notify::BuildError;
use crate::prometheus::{Client, PolledFeed, SourceError};
use crate::store::{SampleCache, Store, StoreError};

/// Commands that wait; whoever sends more waits, too.
const COMMANDS_MAX: usize = 16;
/// How often the engine is told that time passes, for what waits for a time.
const TICK: Span = Span::from_secs(1);

/// What a daemon is started with.
pub struct Setup {
    /// Settings and definitions.
    pub loaded: Loaded,
    /// Where they were read from; without it there is nothing to reload.
    pub settings_file: Option<PathBuf>,
    /// The time.
    pub clock: Clock,
    /// Whether state lives in the settings' directory or only in memory.
    pub durable: bool,
}

/// Why a daemon did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The client of the source cannot be built.
    #[error("setting up the source")]
    Source(#[from] SourceError),
    /// A receiver cannot be built.
    #[error("setting up a receiver")]
    Receiver(#[from] BuildError),
    /// Nobody could be let in.
    #[error("setting up the server")]
    Gate(#[from] GateError),
    /// Durable state cannot be opened.
    #[error("opening the state")]
    State(#[from] StoreError),
    /// The server's address is not to be had.
    #[error("listening on {address}")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// A daemon whose parts all stand.
pub struct Daemon {
    poller: Poller,
    reloader: Reloader,
    events: mpsc::Receiver<Event>,
    commands: mpsc::Receiver<CommandRequest>,
    first: Loaded,
    server: JoinHandle<std::io::Result<()>>,
    address: SocketAddr,
    shutdown: CancellationToken,
    clock: Clock,
    store: Store,
    board: Board,
    gate: Gate,
    metrics: Arc<Metrics>,
}

impl Daemon {
    /// Opens state, server and receivers. Nothing is polled yet.
    ///
    /// # Errors
    ///
    /// The first part that cannot be had; then nothing runs.
    pub async fn start(setup: Setup, shutdown: CancellationToken) -> Result<Self, StartError> {
        let Setup {
            loaded,
            settings_file,
            clock,
            durable,
        } = setup;
        let settings = &loaded.settings;
        let client = Arc::new(client(settings)?);
        let gate = Gate::new(&settings.server)?;
        let directory = &settings.state.directory;
        let store = if durable {
            Store::open(directory)?
        } else {
            Store::in_memory()?
        };
        let picture_key = Some(store.key("pictures", rand::random())?);
        let prepared = Prepared::new(settings, picture_key)?;
        let address = settings.server.listen;
        let listen = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;

        let engine = Engine::new(
            engine_options(&settings.source, &settings.evaluation),
            store.load()?,
        );
        let mut around = surroundings(settings, &clock, &store, picture_key);
        around.cache = durable.then(|| Arc::new(SampleCache::new(directory)));
        let (board, metrics) = (around.board.clone(), around.metrics.clone());
        board.publish_alerts(engine.alerts().cloned().collect());
        let (command, commands) = mpsc::channel(COMMANDS_MAX);
        let slack_secret = settings.server.slack_signing_secret.clone().map(provider);
        let app = app(&around, command, slack_secret);
        let server = serve(listener, app, gate.manners(&settings.server), &shutdown);
        let (send, events) = mpsc::channel(EVENTS_MAX);
        let mut deliveries = Deliveries::default();
        deliveries.start(prepared, &around);
        let poller = Poller::new(around, engine, client, deliveries, send, shutdown.clone());
        let reloader = Reloader::new(settings_file, Started::of(settings));
        info!(version = env!("CARGO_PKG_VERSION"), %address, "Started");
        Ok(Self {
            poller,
            reloader,
            events,
            commands,
            first: loaded,
            server,
            address,
            shutdown,
            clock,
            store,
            board,
            gate,
            metrics,
        })
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Polls, decides and delivers until the shutdown token is cancelled.
    pub async fn run(mut self) {
        let warnings = self.first.warnings.warnings();
        self.board.reload_succeeded(self.clock.now(), warnings);
        let first = (self.first.settings.clone(), self.first.definitions.clone());
        let (settings, definitions) = first;
        if let Ok(client) = client(&settings) {
            self.configure(&settings, &definitions, Arc::new(client))
                .await;
        }
        let mut next_slot = self.poller.first_slot();
        let mut next_tick = self.clock.now() + TICK;
        let mut next_save = self.clock.now() + self.poller.cache_interval();
        let mut hangups = reload::hangups();
        loop {
            tokio::select! {
                () = self.shutdown.cancelled() => break,
                () = self.clock.wait_until(next_slot) => next_slot = self.poller.slot(next_slot),
                Some(event) = self.events.recv() => self.poller.take(event).await,
                () = self.clock.wait_until(next_tick) => next_tick = self.poller.tick().await + TICK,
                Some(request) = self.commands.recv() => self.obey(request).await,
                () = hangups.next() => self.reload_by_signal().await,
                () = self.clock.wait_until(next_save) => {
                    self.housekeeping().await;
                    next_save = self.clock.now() + self.poller.cache_interval();
                }
            }
        }
        self.drain().await;
    }

    /// Saves the cache, counts the backlog, forgets old history.
    async fn housekeeping(&mut self) {
        self.poller.save_all();
        tokio::task::block_in_place(|| self.gate.refresh_keys());
        let now = self.clock.now();
        let retention = self.reloader.history_retention();
        let store = self.store.clone();
        let kept = tokio::task::block_in_place(|| {
            store.prune(now, retention)?;
            store.backlog()
        });
        match kept {
            Ok(backlog) => {
                for row in backlog {
                    let oldest = row
                        .oldest
                        .map_or(0.0, |oldest| now.since(oldest).as_secs_f64());
                    self.metrics
                        .backlog(&row.receiver, row.pending, row.dead, oldest);
                }
            }
            Err(error) => {
                self.metrics.store_errors(1);
                tracing::warn!(error = chain(&error), "Housekeeping of the state failed");
            }
        }
    }

    async fn configure(
        &mut self,
        settings: &Settings,
        definitions: &[Definition],
        client: Arc<Client>,
    ) {
        let slos: Vec<Arc<Slo>> = definitions.iter().map(|d| d.slo.clone()).collect();
        let feeds = PolledFeed::plan(&slos);
        let info = |feed: &Arc<PolledFeed>| FeedInfo {
            key: feed.key.clone(),
            slos: feed.slos.clone(),
            path_reasons: definitions
                .iter()
                .filter(|d| feed.slos.iter().any(|slo| slo.id == d.slo.id))
                .map(|d| (d.slo.id.clone(), d.path_reason.clone()))
                .collect(),
            questions: Some(publish::questions(feed.clone(), settings.source.clone())),
        };
        self.board.replace_feeds(feeds.iter().map(info).collect());
        info!(
            slos = slos.len(),
            feeds = feeds.len(),
            "Definitions in force"
        );
        let info = |receiver: &ReceiverSettings| ReceiverInfo {
            name: receiver.name.clone(),
            kind: receiver.kind.as_str(),
            fallback: receiver.fallback.clone(),
        };
        let receivers = settings.receivers.iter().map(info).collect();
        self.board
            .set_receivers(receivers, settings.night.0.clone());
        let routing = settings.routing.clone();
        self.poller.set_night(settings.night.clone());
        self.poller.configure(feeds, routing, client).await;
    }

    async fn drain(mut self) {
        info!("Stopping");
        self.board.set_ready(Readiness::Stopping);
        self.poller.deliveries().drain().await;
        self.poller.save_all();
        if let Ok(Err(error)) = self.server.await {
            tracing::warn!(%error, "The server ended with an error");
        }
        info!("Stopped");
    }
}

fn surroundings(
    settings: &Settings,
    clock: &Clock,
    store: &Store,
    picture_key: Option<[u8; 32]>,
) -> Surroundings {
    Surroundings {
        clock: clock.clone(),
        interval: settings.evaluation.interval,
        scrape_interval: settings.evaluation.scrape_interval,
        store: store.clone(),
        cache: None,
        cache_interval: settings.state.cache_interval,
        picture_key,
        board: Board::new(About {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            source: SOURCE_NAME.to_owned(),
            interval: settings.evaluation.interval,
            external_url: settings.server.external_url.clone(),
            started_at: clock.now(),
        }),
        metrics: Arc::new(Metrics::new()),
    }
}

fn serve(
    listener: TcpListener,
    app: App,
    manners: Manners,
    shutdown: &CancellationToken,
) -> JoinHandle<std::io::Result<()>> {
    let stop = shutdown.clone().cancelled_owned();
    tokio::spawn(crate::http::serve(listener, app, manners, stop))
}

fn app(
    around: &Surroundings,
    command: mpsc::Sender<CommandRequest>,
    slack_secret: Option<SecretProvider>,
) -> App {
    let clock = around.clock.clone();
    App {
        board: around.board.clone(),
        metrics: around.metrics.clone(),
        commands: Commands::new(command),
        store: around.store.clone(),
        clock: Arc::new(move || clock.now()),
        slack_secret,
        picture_key: around.picture_key,
    }
}

/// Reveals a secret each time it is needed: its file may be written anew.
fn provider(secret: Secret) -> SecretProvider {
    Arc::new(move || secret.reveal().map_err(|error| chain(&error)))
}

fn client(settings: &Settings) -> Result<Client, SourceError> {
    Ok(Client::new(&settings.source)?.with_series_max(settings.evaluation.series_max))
}
