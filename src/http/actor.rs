//! Who asks: a name and an address for every request, for the log of what operators did.
//!
//! Every request bears an [`Actor`] as an extension. Whatever authenticates sets it; a request
//! without one is of `anonymous`.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::FromRequestParts;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::http::request::Parts;
use axum::serve::IncomingStream;

use super::connection::BoundedListener;

/// Somebody without a name.
const ANONYMOUS: &str = "anonymous";

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The name of a user or token, or `anonymous`.
    pub name: String,
    /// The address of the peer.
    pub origin: String,
}

impl Actor {
    fn anonymous(origin: String) -> Self {
        Self {
            name: ANONYMOUS.to_owned(),
            origin,
        }
    }

    /// Whether nobody knows who it is.
    pub(super) fn is_anonymous(&self) -> bool {
        self.name == ANONYMOUS
    }
}

/// The peer of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

impl Connected<IncomingStream<'_, BoundedListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, BoundedListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

fn origin(peer: Option<&ConnectInfo<Peer>>) -> String {
    peer.map_or_else(
        || "unknown".to_owned(),
        |ConnectInfo(Peer(address))| address.ip().to_string(),
    )
}

impl<S: Sync> FromRequestParts<S> for Actor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let known = parts.extensions.get::<Self>().cloned();
        Ok(known.unwrap_or_else(|| Self::anonymous(origin(parts.extensions.get()))))
    }
}
