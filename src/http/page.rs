//! A page of a list: no answer holds more than a bounded number of items.

use super::error::ApiError;

const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 1000;

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    pub(super) limit: usize,
    pub(super) offset: usize,
}

impl Page {
    /// From the query parameters `limit` and `offset`.
    pub(super) fn new(limit: Option<usize>, offset: Option<usize>) -> Result<Self, ApiError> {
        let limit = limit.unwrap_or(LIMIT_DEFAULT);
        if limit > LIMIT_MAX {
            let text = format!("limit {limit} is larger than {LIMIT_MAX}");
            return Err(ApiError::bad_request(text));
        }
        Ok(Self {
            limit,
            offset: offset.unwrap_or(0),
        })
    }

    /// The items of this page.
    pub(super) fn of<'a, T>(&self, all: &'a [T]) -> &'a [T] {
        let rest = all.get(self.offset..).unwrap_or_default();
        rest.get(..self.limit).unwrap_or(rest)
    }
}
