//! The oracle: slow and obvious.

use std::sync::Arc;

use slofuse::engine::{Counts, Effect, InstanceId, Memories, Routing, Slo, Timestamp};

use crate::world::World;

pub(crate) struct Oracle {}

impl Oracle {
    pub(crate) fn new() -> Self { Self {} }
    pub(crate) fn begin_life(&mut self, _memories: &Memories) {}
    pub(crate) fn configure(&mut self, _slos: &[Arc<Slo>], _routing: &Routing) {}
    pub(crate) fn committed(&mut self, _effects: &[Effect]) {}
    pub(crate) fn hours(&self, _slo: &Slo, _from: Timestamp, _until: Timestamp, _now: i64) -> Vec<(InstanceId, Timestamp, Counts)> { Vec::new() }
}
impl World {
    pub(crate) fn judge(&mut self, _clock: Timestamp, _sight: Option<(String, Timestamp, Option<i64>)>, _effects: &[Effect]) {}
}
