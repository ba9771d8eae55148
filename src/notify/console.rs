//! Notifications as lines for a person at a terminal or in a log.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::engine::{Notification, Severity, Timestamp};

use super::error::DeliveryError;
use super::{Attempt, Receipt, Receiver, chat};
use crate::message::{Message, Tone, Writer, figures};

/// Writes each notification as one block of lines, never mixed with another.
pub struct Console {
    out: Arc<Mutex<Box<dyn Write + Send>>>,
    colours: bool,
    writer: Writer,
}

impl Console {
    /// Writes to `out`, with ANSI colours or without.
    pub fn new(out: Box<dyn Write + Send>, colours: bool, writer: Writer) -> Self {
        Self {
            out: Arc::new(Mutex::new(out)),
            colours,
            writer,
        }
    }

    /// Writes to standard output, in colours when that is a terminal.
    pub fn stdout(writer: Writer) -> Self {
        let stdout = std::io::stdout();
        let colours = stdout.is_terminal();
        Self::new(Box::new(stdout), colours, writer)
    }

    async fn write(&self, block: String) -> Result<Receipt, DeliveryError> {
        // The lock is awaited and taken along: a writer that hangs blocks one thread, not many.
        let mut out = Arc::clone(&self.out).lock_owned().await;
        let writing = tokio::task::spawn_blocking(move || {
            out.write_all(block.as_bytes())?;
            out.flush()
        });
        match writing.await {
            Ok(Ok(())) => Ok(Receipt::default()),
            Ok(Err(error)) => Err(DeliveryError::local(format!("writing lines: {error}"))),
            Err(stopped) => Err(DeliveryError::local(format!("writing lines: {stopped}"))),
        }
    }
}

impl Receiver for Console {
    fn deliver<'a>(
        &'a self,
        notification: &'a Notification,
        _receipt: Option<&'a str>,
        _now: Timestamp,
    ) -> Attempt<'a> {
        let message = self.writer.message(notification);
        let decided_at = notification.facts.decided_at;
        Box::pin(self.write(block(&message, decided_at, self.colours)))
    }
}

fn block(message: &Message, decided_at: Timestamp, colours: bool) -> String {
    let facts = message.facts.iter().map(|f| (f.name, f.value.as_str()));
    let links = message.links.iter().map(|l| (l.name, l.url.as_str()));
    let (on, off) = if colours {
        (colour(message.tone), "\u{1b}[0m")
    } else {
        ("", "")
    };
    let date = figures::date(decided_at);
    let mut block = format!(
        "{on}[{}]{off} {date} {}\n",
        message.tone.badge(),
        message.title
    );
    for (name, value) in [("Why", message.why.as_str())]
        .into_iter()
        .chain(facts)
        .chain(links)
    {
        block += &format!("  {name:<10} {value}\n");
    }
    for member in &message.members {
        let headline = member.headline();
        block += &format!("  {:<10} {headline}, since {}\n", "Alert", member.since);
    }
    if message.omitted > 0 {
        block += &format!("  {:<10} {}\n", "", chat::more_alerts(message.omitted));
    }
    for note in message.notes.iter().flat_map(|notes| notes.lines()) {
        block += &format!("  {:<10} {note}\n", "Note");
    }
    block
}

fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Firing(Severity::Page) => "\u{1b}[1;31m",
        Tone::Firing(Severity::Ticket) => "\u{1b}[1;33m",
        Tone::Firing(Severity::Info) => "\u{1b}[1;34m",
        Tone::Resolved => "\u{1b}[1;32m",
        Tone::Closed => "\u{1b}[1m",
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<std::sync::Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    struct BrokenPipe;

    impl Write for BrokenPipe {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    async fn written(notification: &Notification, colours: bool) -> String {
        let paper = Paper::default();
        let console = Console::new(Box::new(paper.clone()), colours, fixture::writer());
        console
            .deliver(notification, None, fixture::NOW)
            .await
            .unwrap();
        let bytes = paper.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[tokio::test]
    async fn a_page_reads_as_a_block() {
        insta::assert_snapshot!(written(&fixture::burning(), false).await, @r#"
        [PAGE] 2026-01-02 03:10:30 UTC shop/checkout{region="eu"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m
          Why        Both the last 1h and the last 5m burn faster than 14.4x. At 32.15x, 1h costs 4.47% of the 30d budget; the limit is 2%.
          Impact     Customers cannot pay.
          Burn       32.15x over 1h, 35.5x over 5m (limit 14.4x), 1,284 of 40,000 events bad in 1h (3.21%); 7.2x over 6h, 33x over 30m (limit 6x)
          Budget     38.8% of the 30d budget consumed, 4.46% by this alert; 61.2% left, gone in 13h 43m at this speed
          Since      2026-01-02 03:04:00 UTC, 6m 30s before this decision
          Next step  Follow the runbook.
          Objective  99.9% over 30d
          Owner      team-payments
          Runbook    https://wiki.example/checkout
          Dashboard  https://grafana.example/d/checkout?orgId=1
          slofuse    https://slofuse.example/prefix/api/v1/slos/shop/checkout
        "#);
    }

    #[tokio::test]
    async fn a_group_lists_its_alerts() {
        let block = written(&fixture::group(), false).await;
        assert!(
            block.contains("\n  Alert      [PAGE] shop/checkout"),
            "{block}"
        );
        assert!(
            block.contains("\n  Alert      [TICKET] shop/checkout"),
            "{block}"
        );
        let storm = written(&fixture::huge_group(), false).await;
        assert!(
            storm.contains("\n             and 950 more alerts\n"),
            "{storm}"
        );
    }

    #[tokio::test]
    async fn hostile_labels_cannot_drive_the_terminal() {
        let block = written(&fixture::hostile(), true).await;
        let ours = ["\u{1b}[1;31m", "\u{1b}[0m"];
        let rest = ours
            .iter()
            .fold(block.clone(), |text, code| text.replacen(code, "", 1));
        let controls: Vec<char> = rest
            .chars()
            .filter(|c| c.is_control() && *c != '\n')
            .collect();
        assert!(controls.is_empty(), "{block:?}");
        let message = fixture::writer().message(&fixture::hostile());
        let lines = 2 + message.facts.len() + message.links.len();
        assert_eq!(block.lines().count(), lines, "{block}");
    }

    #[tokio::test]
    async fn a_broken_pipe_is_tried_again() {
        let console = Console::new(Box::new(BrokenPipe), false, fixture::plain());
        let error = console
            .deliver(&fixture::burning(), None, fixture::NOW)
            .await
            .unwrap_err();
        assert_eq!(error, DeliveryError::local("writing lines: broken pipe"));
    }
}
