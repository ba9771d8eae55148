//! The picture of a burn: how fast it burned and what is left of the budget, over the last hours.
//!
//! Receivers that take images by URL get one of this daemon; the last part of it is a token that
//! only this daemon can make, so that nobody can walk through the alerts by guessing.

use reqwest::Url;

use crate::engine::Notification;

/// Longest PNG, in bytes.
pub const PNG_BYTES_MAX: usize = 64 * 1024;

/// The picture as a PNG of at most [`PNG_BYTES_MAX`]; `None` when the notification has no curve.
pub fn render(_notification: &Notification) -> Option<Vec<u8>> {
    None
}

/// The part of a picture's URL that names the notification, which only the holder of `key` can
/// make.
pub fn token(_key: &[u8; 32], _notification: &Notification) -> String {
    String::new()
}

/// The idempotency key of the notification that a token names; `None` if it was not made with
/// this key. Takes the same time for every wrong token of the same length.
pub fn open_token(_key: &[u8; 32], _token: &str) -> Option<String> {
    None
}

/// `https://.../api/v1/pictures/<token>.png`; `None` unless `external` is an `https` URL.
pub fn url(_external: &Url, _key: &[u8; 32], _notification: &Notification) -> Option<String> {
    None
}
