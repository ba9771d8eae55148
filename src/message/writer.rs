//! The one who puts notifications into words, for all receivers or for one.

use reqwest::Url;

use super::templates::Templates;
use super::words::Message;
use crate::engine::Notification;

/// Puts notifications into words. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    external: Option<Url>,
    templates: Templates,
}

impl Writer {
    /// A writer with the built-in words; `external` is where people reach this daemon, for links.
    pub fn new(external: Option<Url>) -> Self {
        Self {
            external,
            templates: Templates::default(),
        }
    }

    /// The same writer with these templates where it has none of its own.
    pub fn with(&self, templates: &Templates) -> Self {
        Self {
            external: self.external.clone(),
            templates: templates.clone().over(&self.templates),
        }
    }

    /// The notification in words.
    pub fn message(&self, notification: &Notification) -> Message {
        Message::new(notification, self.external.as_ref())
    }

    /// Where people reach this daemon.
    pub fn external(&self) -> Option<&Url> {
        self.external.as_ref()
    }
}
