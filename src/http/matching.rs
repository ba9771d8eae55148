//! Which alerts a request is about: matchers in its query, and who is told of an alert.

use crate::engine::{Labels, Matcher, Route, Routing, parse_matchers as parse};

use super::error::ApiError;

/// Most matchers in one request.
const MATCHERS_MAX: usize = 64;

/// Conditions on labels, all of which must hold.
#[derive(Debug, Default)]
pub(super) struct Filter(Vec<Matcher>);

impl Filter {
    /// From the texts of a request, one matcher or several in each.
    pub(super) fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, ApiError> {
        let mut matchers = Vec::new();
        for text in texts {
            matchers.extend(parse_matchers(text)?);
            if matchers.len() > MATCHERS_MAX {
                let text = format!("more than {MATCHERS_MAX} matchers");
                return Err(ApiError::bad_request(text));
            }
        }
        Ok(Self(matchers))
    }

    /// The conditions.
    pub(super) fn matchers(&self) -> &[Matcher] {
        &self.0
    }

    /// Whether everything is wanted.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all conditions hold.
    pub(super) fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|matcher| matcher.matches(labels))
    }
}

/// One matcher or several, in Alertmanager's notation.
pub(super) fn parse_matchers(text: &str) -> Result<Vec<Matcher>, ApiError> {
    parse(text).map_err(|error| ApiError::bad_request(format!("matcher {text:?}: {error}")))
}

/// A route that takes an alert, and whom it tells.
pub(super) struct Routed<'a> {
    /// The route.
    pub(super) route: &'a Route,
    /// Names of receivers, in the order of the route.
    pub(super) receivers: &'a [String],
}

/// The routes that take an alert with these matching labels, in the order of the tree.
pub(super) fn routed<'a>(routing: &'a Routing, labels: &Labels) -> Vec<Routed<'a>> {
    let routed = |route| Routed {
        route,
        receivers: routing.receivers_of(route, labels),
    };
    routing.find(labels).into_iter().map(routed).collect()
}
