//! Standard Webhooks: the receiver can tell who sent a body, when, and whether it saw it before.
//!
//! <https://www.standardwebhooks.com>: `webhook-id` names the message across retries,
//! `webhook-timestamp` is the attempt's, `webhook-signature` is `v1,` and the base64 of
//! HMAC-SHA256 over `id.timestamp.body`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::engine::{Notification, Timestamp};

/// The prefix that marks a signing secret.
const SECRET_PREFIX: &str = "whsec_";

/// The value of `webhook-id`: the idempotency key as a hash, for the key may hold characters that
/// a header cannot, and the specification asks for no full stop.
pub(super) fn message_id(notification: &Notification) -> String {
    let hash = Sha256::digest(notification.idempotency_key());
    let hex: String = hash
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("msg_{hex}")
}

/// The value of `webhook-timestamp`: Unix seconds.
pub(super) fn timestamp(now: Timestamp) -> String {
    (now.as_millis() / 1000).to_string()
}

/// The value of `webhook-signature`; `None` when `secret` is not `whsec_` and base64.
pub(super) fn sign(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key(secret)?).ok()?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    Some(format!(
        "v1,{}",
        STANDARD.encode(mac.finalize().into_bytes())
    ))
}

/// The key inside a signing secret; `None` when it is not base64 or shorter than any real key.
pub(super) fn key(secret: &str) -> Option<Vec<u8>> {
    const KEY_BYTES_MIN: usize = 16;
    let encoded = secret.strip_prefix(SECRET_PREFIX).unwrap_or(secret);
    let key = STANDARD.decode(encoded).ok()?;
    (key.len() >= KEY_BYTES_MIN).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    /// The example of the Standard Webhooks reference libraries.
    #[test]
    fn the_signature_is_the_one_of_the_specification() {
        let signature = sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(
            signature.unwrap(),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn ids_name_the_message_and_fit_a_header() {
        let one = fixture::hostile();
        let mut two = one.clone();
        two.sequence += 1;
        assert_eq!(message_id(&one), message_id(&one.clone()));
        assert_ne!(message_id(&one), message_id(&two));
        assert!(
            message_id(&one)
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_')
        );
    }

    #[test]
    fn secrets_that_are_no_keys_are_refused() {
        for secret in ["", "whsec_", "whsec_not base64!", "whsec_c2hvcnQ="] {
            assert_eq!(sign(secret, "id", "0", b""), None, "{secret}");
        }
    }
}
