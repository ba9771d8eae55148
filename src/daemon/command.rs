//! What operators ask of the running daemon.

use super::Daemon;
use crate::http::Command;

impl Daemon {
    /// Does what is asked; the answer is for people.
    pub(super) async fn obey(&mut self, command: Command) -> Result<String, String> {
        match command {
            Command::Reload => self.reload().await,
            Command::Operate(operation) => self.poller.operate(operation).await,
            Command::TestReceiver { receiver } => {
                self.poller.deliveries().test(&receiver, self.clock.now())
            }
            Command::Wake { receiver } => {
                self.poller.deliveries().poke(&[receiver].into());
                Ok(String::new())
            }
        }
    }
}
