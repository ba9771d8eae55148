//! The query strings of Alertmanager's API: parameters that repeat, and those that are not known.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;

use crate::engine::MatchOp;
use crate::http::error::ApiError;
use crate::http::matching::Filter;

/// The pairs of a query string, in their order.
pub(super) type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// Which alerts are asked for.
#[derive(Debug)]
pub(super) struct AlertQuery {
    pub(super) filter: Filter,
    /// Whether alerts that somebody is told of are wanted.
    pub(super) active: bool,
    /// Whether silenced ones are.
    pub(super) silenced: bool,
    /// Whether those that another alert keeps quiet are.
    pub(super) inhibited: bool,
    /// Whether those that a maintenance or a time interval keeps quiet are.
    pub(super) muted: bool,
    /// Whether those that do not fire yet are.
    pub(super) unprocessed: bool,
    /// Only those for receivers with such names.
    pub(super) receiver: Option<MatchOp>,
}

impl AlertQuery {
    pub(super) fn parse(pairs: Pairs) -> Result<Self, ApiError> {
        let pairs = self::pairs(pairs)?;
        let mut query = Self {
            filter: filter(&pairs)?,
            active: true,
            silenced: true,
            inhibited: true,
            muted: true,
            unprocessed: true,
            receiver: None,
        };
        for (name, value) in &pairs {
            match name.as_str() {
                "active" => query.active = switch(name, value)?,
                "silenced" => query.silenced = switch(name, value)?,
                "inhibited" => query.inhibited = switch(name, value)?,
                "muted" => query.muted = switch(name, value)?,
                "unprocessed" => query.unprocessed = switch(name, value)?,
                "receiver" => {
                    let pattern = MatchOp::new("=~", value);
                    let refused =
                        |error: String| ApiError::bad_request(format!("receiver: {error}"));
                    query.receiver = Some(pattern.map_err(refused)?);
                }
                _ => {}
            }
        }
        Ok(query)
    }

    /// Whether an alert for these receivers is wanted.
    pub(super) fn wants_receiver(&self, name: &str) -> bool {
        self.receiver
            .as_ref()
            .is_none_or(|pattern| pattern.matches(name))
    }
}

/// The pairs, or why there are none.
pub(super) fn pairs(pairs: Pairs) -> Result<Vec<(String, String)>, ApiError> {
    let Query(pairs) = pairs.map_err(|rejection| ApiError::bad_query(&rejection))?;
    Ok(pairs)
}

/// The matchers of every `filter`.
pub(super) fn filter(pairs: &[(String, String)]) -> Result<Filter, ApiError> {
    let filters = pairs.iter().filter(|(name, _)| name == "filter");
    Filter::parse(filters.map(|(_, value)| value.as_str()))
}

fn switch(name: &str, value: &str) -> Result<bool, ApiError> {
    match value {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(ApiError::bad_request(format!(
            "{name} is {value:?}, neither true nor false"
        ))),
    }
}
