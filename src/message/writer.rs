//! The one who puts notifications into words, for all receivers or for one.

use reqwest::Url;

use super::context::Context;
use super::picture;
use super::templates::{Slot, TemplateError, Templates};
use super::words::Message;
use crate::engine::Notification;

/// Puts notifications into words. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    external: Option<Url>,
    templates: Templates,
    picture_key: Option<PictureKey>,
}

/// Signs the URLs of pictures; never shown.
#[derive(Clone)]
struct PictureKey([u8; 32]);

impl std::fmt::Debug for PictureKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PictureKey")
    }
}

impl Writer {
    /// A writer with the built-in words; `external` is where people reach this daemon, for links.
    pub fn new(external: Option<Url>) -> Self {
        Self {
            external,
            templates: Templates::default(),
            picture_key: None,
        }
    }

    /// The same writer with these templates where it has none of its own.
    pub fn with(&self, templates: &Templates) -> Self {
        Self {
            templates: templates.clone().over(&self.templates),
            ..self.clone()
        }
    }

    /// The same writer, which signs the URLs of pictures with this key.
    pub fn with_picture_key(&self, key: [u8; 32]) -> Self {
        Self {
            picture_key: Some(PictureKey(key)),
            ..self.clone()
        }
    }

    /// The notification in words. A text whose template fails keeps its built-in words, and a
    /// note says so.
    pub fn message(&self, notification: &Notification) -> Message {
        self.words(notification).0
    }

    /// The subject of an e-mail: one line. The headline, unless a template says otherwise.
    pub fn subject(&self, notification: &Notification) -> String {
        let (message, context) = self.words(notification);
        let subject = context.and_then(|context| self.templates.render(Slot::Subject, &context));
        subject
            .and_then(Result::ok)
            .unwrap_or_else(|| message.headline())
    }

    /// The whole body of a generic webhook's request, which is JSON; `None` without a template.
    ///
    /// # Errors
    ///
    /// When the template fails for this notification or gives no JSON: then the usual body is to
    /// be sent, and the failure to be logged.
    pub fn body(&self, notification: &Notification) -> Option<Result<String, TemplateError>> {
        let (_, context) = self.words(notification);
        self.templates.render(Slot::Body, &context?)
    }

    /// The message, and with templates the context in which the rest of them is to be rendered.
    fn words(&self, notification: &Notification) -> (Message, Option<Context>) {
        let mut message = Message::new(notification, self.external.as_ref());
        if self.templates.is_empty() {
            return (message, None);
        }
        let mut context = Context::new(notification, &message, self.external.as_ref());
        let mut failures = Vec::new();
        let mut render =
            |slot: Slot, context: &Context| match self.templates.render(slot, context)? {
                Ok(text) => Some(text),
                Err(error) => {
                    failures.push(format!("template {} failed: {error}", slot.as_str()));
                    None
                }
            };
        let (title, why) = (render(Slot::Title, &context), render(Slot::Why, &context));
        message.title = title.unwrap_or(message.title);
        message.why = why.unwrap_or(message.why);
        context.title.clone_from(&message.title);
        context.why.clone_from(&message.why);
        let notes = render(Slot::Notes, &context).filter(|notes| !notes.is_empty());
        let notes: Vec<String> = notes.into_iter().chain(failures).collect();
        message.notes = (!notes.is_empty()).then(|| notes.join("\n"));
        (message, Some(context))
    }

    /// Where receivers can fetch the picture; `None` without a picture, and unless people reach
    /// this daemon by `https`.
    pub fn picture_url(&self, notification: &Notification) -> Option<String> {
        let (external, key) = (self.external.as_ref()?, self.picture_key.as_ref()?);
        picture::url(external, &key.0, notification)
    }

    /// The picture as a PNG of at most [`picture::PNG_BYTES_MAX`]; `None` where there is nothing
    /// to draw.
    pub fn picture(&self, notification: &Notification) -> Option<Vec<u8>> {
        picture::render(notification)
    }

    /// Where people reach this daemon.
    pub fn external(&self) -> Option<&Url> {
        self.external.as_ref()
    }
}
