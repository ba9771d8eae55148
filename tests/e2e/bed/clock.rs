//! The wall clock of the bed: the one place that reads it.

use slofuse::engine::Timestamp;

/// The time now.
#[expect(
    clippy::disallowed_methods,
    reason = "exporters and real servers share the machine's clock"
)]
pub(crate) fn now() -> Timestamp {
    let since_epoch = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("the clock is after 1970");
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).expect("the year is sane"))
}
