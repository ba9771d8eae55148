//! What operators ask of the running daemon.

use super::Daemon;
use super::poller::Poller;
use crate::engine::{Input, Operation};
use crate::http::{Command, CommandRequest};

impl Daemon {
    /// Does what is asked and answers. What takes the network's time is done aside: slots go on.
    pub(super) async fn obey(&mut self, request: CommandRequest) {
        let CommandRequest { command, reply } = request;
        let report = match command {
            Command::Reload => self.reload().await,
            Command::Operate(operation) => self.poller.operate(operation).await,
            Command::TestReceiver { receiver } => {
                let test = self.poller.deliveries().test(&receiver, self.clock.now());
                tokio::spawn(async move {
                    // Whoever asked may have gone away.
                    let _gone = reply.send(test.await);
                });
                return;
            }
            Command::Wake { receiver } => {
                self.poller.deliveries().poke(&[receiver].into());
                Ok(String::new())
            }
        };
        let _gone = reply.send(report);
    }
}

impl Poller {
    /// Takes an operation; committed when it returns.
    async fn operate(&mut self, operation: Operation) -> Result<String, String> {
        let now = self.around.clock.now();
        match self.step(now, Input::Operated(operation)).await {
            true => Ok(String::new()),
            false => Err("the daemon stops before this could be stored".to_owned()),
        }
    }
}
