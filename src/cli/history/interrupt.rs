//! Ctrl-C while a past is fetched, read or played: the process ends at once, and leaves nothing
//! behind but the cache.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::{Failure, complain};
use crate::replay;

/// As shells count the end by a signal: 128 and its number.
const EXIT_INTERRUPTED: i32 = 128 + 2;
const EXIT_TERMINATED: i32 = 128 + 15;

/// Whether the process is about to end: what fails now fails because of that.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Whether somebody has ended the process, so that there is nothing more to say.
pub(in crate::cli) fn is_ending() -> bool {
    ENDING.load(Ordering::Relaxed)
}

/// From now on an interrupt (Ctrl-C, SIGTERM) ends the process whatever it does, and says what is
/// `kept` of its work.
pub(super) fn end_at_interrupts(kept: &'static str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        complain(&format!("listening for Ctrl-C: {error}"));
        Failure::Failed
    };
    let mut building = tokio::runtime::Builder::new_current_thread();
    let runtime = building.enable_all().build().map_err(failed)?;
    let signals = runtime.block_on(async {
        let interrupt = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        Ok((interrupt, terminate))
    });
    let (interrupt, terminate) = signals.map_err(failed)?;
    std::thread::spawn(move || {
        let code = runtime.block_on(first(interrupt, terminate));
        ENDING.store(true, Ordering::Relaxed);
        let mut stream = std::io::stderr();
        // Away with a line that is written over again and again.
        let line = if stream.is_terminal() { "\r\x1b[K" } else { "" };
        // With standard error closed there is nobody to tell.
        let _told = writeln!(stream, "{line}slofuse: stopped{kept}");
        replay::clear_litter();
        std::process::exit(code);
    });
    Ok(())
}

async fn first(mut interrupt: Signal, mut terminate: Signal) -> i32 {
    tokio::select! {
        _ = interrupt.recv() => EXIT_INTERRUPTED,
        _ = terminate.recv() => EXIT_TERMINATED,
    }
}
