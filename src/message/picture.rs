//! The picture of a burn: how fast it burned and what is left of the budget, over the last hours.
//!
//! Receivers that take images by URL get one of this daemon; the last part of it is a token that
//! only this daemon can make, so that nobody can walk through the alerts by guessing.

mod drawing;
mod font;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};
use sha2::Sha256;

use crate::engine::Notification;

/// Longest PNG, in bytes.
pub const PNG_BYTES_MAX: usize = 64 * 1024;
/// Width of the picture in pixels.
pub const WIDTH: u32 = 600;
/// Height of the picture in pixels.
pub const HEIGHT: u32 = 200;
/// Longest URL that is given to receivers, in bytes.
const URL_BYTES_MAX: usize = 2000;
/// Bytes of the code in a token: 128 bits are beyond guessing.
const CODE_BYTES: usize = 16;

/// The picture as a PNG of at most [`PNG_BYTES_MAX`]; `None` when the notification has no curve.
pub fn render(notification: &Notification) -> Option<Vec<u8>> {
    let facts = &notification.facts;
    let limit = facts.tiers.first().map(|tier| tier.factor);
    let svg = drawing::svg(facts.curve.as_ref()?, limit)?;
    let tree = Tree::from_str(&svg, &Options::default()).ok()?;
    let mut pixels = Pixmap::new(WIDTH, HEIGHT)?;
    resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
    let png = pixels.encode_png().ok()?;
    (png.len() <= PNG_BYTES_MAX).then_some(png)
}

/// What the picture shows, for those who cannot see it; `None` when there is no picture.
pub fn description(notification: &Notification) -> Option<String> {
    let facts = &notification.facts;
    let limit = facts.tiers.first().map(|tier| tier.factor);
    drawing::words(facts.curve.as_ref()?, limit)
}

/// The part of a picture's URL that names the notification, which only the holder of `key` can
/// make.
pub fn token(key: &[u8; 32], notification: &Notification) -> String {
    let name = notification.idempotency_key();
    let mut code = Vec::new();
    if let Some(mac) = authenticate(key, &name) {
        code.extend(mac.finalize().into_bytes().into_iter().take(CODE_BYTES));
    }
    let (name, code) = (URL_SAFE_NO_PAD.encode(name), URL_SAFE_NO_PAD.encode(code));
    format!("{name}.{code}")
}

/// The idempotency key of the notification that a token names; `None` if it was not made with
/// this key. Takes the same time for every wrong token of the same length.
pub fn open_token(key: &[u8; 32], token: &str) -> Option<String> {
    if token.len() > URL_BYTES_MAX {
        return None;
    }
    let (name, code) = token.split_once('.')?;
    let name = String::from_utf8(URL_SAFE_NO_PAD.decode(name).ok()?).ok()?;
    let code = URL_SAFE_NO_PAD.decode(code).ok()?;
    if code.len() != CODE_BYTES {
        return None;
    }
    let verified = authenticate(key, &name)?.verify_truncated_left(&code);
    verified.is_ok().then_some(name)
}

/// `https://.../api/v1/pictures/<token>.png`; `None` unless there is a picture and `external` is
/// an `https` URL.
pub fn url(external: &Url, key: &[u8; 32], notification: &Notification) -> Option<String> {
    description(notification)?;
    if external.scheme() != "https" {
        return None;
    }
    let mut url = external.clone();
    let name = format!("{}.png", token(key, notification));
    let path = ["api", "v1", "pictures", &name];
    url.path_segments_mut().ok()?.pop_if_empty().extend(path);
    (url.as_str().len() <= URL_BYTES_MAX).then(|| url.into())
}

fn authenticate(key: &[u8; 32], name: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    // Another purpose of the same key would begin otherwise.
    mac.update(b"picture ");
    mac.update(name.as_bytes());
    Some(mac)
}

#[cfg(test)]
mod tests;
