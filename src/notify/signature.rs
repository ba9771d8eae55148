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

/// The value of `webhook-signature`: one signature for each of the secrets, which white space
/// separates: during a rotation the receiver knows the one or the other. `None` when one of them
/// is not `whsec_` and base64.
pub(super) fn sign(secrets: &str, id: &str, timestamp: &str, body: &[u8]) -> Option<String> {
    let signed = |key: Vec<u8>| {
        let head = format!("{id}.{timestamp}.");
        let code = authenticate(&key, &[head.as_bytes(), body])?;
        Some(format!("v1,{}", STANDARD.encode(code)))
    };
    let signatures: Option<Vec<String>> = keys(secrets)?.into_iter().map(signed).collect();
    Some(signatures?.join(" "))
}

/// The keys inside signing secrets; `None` when there is none, or when one is not base64, or
/// shorter than any real key.
pub(super) fn keys(secrets: &str) -> Option<Vec<Vec<u8>>> {
    const KEY_BYTES_MIN: usize = 16;
    let key = |secret: &str| {
        let encoded = secret.strip_prefix(SECRET_PREFIX).unwrap_or(secret);
        let key = STANDARD.decode(encoded).ok()?;
        (key.len() >= KEY_BYTES_MIN).then_some(key)
    };
    let keys: Vec<Vec<u8>> = secrets.split_whitespace().map(key).collect::<Option<_>>()?;
    (!keys.is_empty()).then_some(keys)
}

/// HMAC-SHA256 of the body alone in lower-case hexadecimal, as GitHub signs: docs.github.com,
/// "Validating webhook deliveries".
pub(super) fn hex(secret: &str, body: &[u8]) -> Option<String> {
    let code = authenticate(secret.as_bytes(), &[body])?;
    Some(code.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn authenticate(key: &[u8], parts: &[&[u8]]) -> Option<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().to_vec())
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
        for secret in ["", " ", "whsec_", "whsec_not base64!", "whsec_c2hvcnQ="] {
            assert_eq!(sign(secret, "id", "0", b""), None, "{secret}");
            let both = format!("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw whsec_c2hvcnQ= {secret}");
            assert_eq!(sign(&both, "id", "0", b""), None, "{both}");
        }
    }

    #[test]
    fn during_a_rotation_both_secrets_sign() {
        let (old, new) = (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        );
        let sign = |secrets: &str| sign(secrets, "id", "0", b"{}").unwrap();
        let both = sign(&format!("{new}\n {old}"));
        assert_eq!(both, format!("{} {}", sign(new), sign(old)));
        assert_ne!(sign(new), sign(old));
    }

    /// The example of GitHub's documentation.
    #[test]
    fn the_signature_of_the_body_is_githubs() {
        assert_eq!(
            hex("It's a Secret to Everybody", b"Hello, World!").unwrap(),
            "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }
}
