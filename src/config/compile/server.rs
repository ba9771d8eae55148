//! The daemon's own HTTP server: where it listens, TLS, and who may do what.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use argon2::password_hash::PasswordHash;

use crate::config::diagnostic::excerpt;
use crate::config::field::{Field, Section};
use crate::config::lint::Lint;
use crate::config::raw::settings as raw;
use crate::config::secret::Secret;
use crate::config::settings::{
    Access, AuthSettings, ServerSettings, ServerTls, TokenSettings, UserSettings,
};
use crate::config::value::{Size, WebUrl};

use super::muting::bounded;
use super::secret::Outside;

/// Users, and tokens, of one server.
const NAMED_MAX: usize = 1_000;
/// Shorter tokens can be guessed.
const TOKEN_CHARS_MIN: usize = 16;
/// One check of a hash of this cost takes seconds.
const BCRYPT_COST_MAX: u32 = 15;
/// Memory for one check of a password, in KiB.
const ARGON2_MEMORY_MAX: u32 = 256 << 10;
/// Passes of one check of a password.
const ARGON2_PASSES_MAX: u32 = 32;

/// `server:`
pub(super) fn server(
    section: &Section<'_>,
    field: &Field<raw::Server>,
    outside: &Outside<'_>,
) -> Option<ServerSettings> {
    let default = ServerSettings::default();
    if field.is_absent() {
        return Some(default);
    }
    let raw = field.value()?;
    let listen = listen(section, &raw.listen, default.listen);
    let external_url = section.maybe(&raw.external_url);
    let tls = tls(section, &raw.tls, outside);
    let address = listen.unwrap_or(default.listen);
    let auth = auth(
        &section.within(&raw.auth, "auth"),
        &raw.auth,
        address,
        outside,
    );
    let bytes = u64::try_from(default.body_bytes_max).unwrap_or(u64::MAX);
    let [bytes, min, max] = [bytes, 1 << 10, 16 << 20].map(Size);
    let body_bytes_max = section.bounded(&raw.body_bytes_max, bytes, min, max);
    let rate = default.requests_per_second;
    let rate = section.bounded(&raw.requests_per_second, rate, 1, 100_000);
    let slack = outside.secret(section, &raw.slack_signing_secret);
    Some(ServerSettings {
        listen: listen?,
        external_url: external_url?.map(|WebUrl(url)| url),
        tls: tls?,
        auth: auth?,
        body_bytes_max: usize::try_from(body_bytes_max?.0).ok()?,
        requests_per_second: rate?,
        slack_signing_secret: slack?,
    })
}

fn listen(section: &Section<'_>, field: &Field<String>, default: SocketAddr) -> Option<SocketAddr> {
    if field.is_absent() {
        return Some(default);
    }
    let text = field.value()?;
    let listen: Option<SocketAddr> = text.parse().ok();
    if listen.is_none() {
        let message = format!("{:?} is not an address to listen on", excerpt(text));
        let fix = "write an IP address and a port, such as 127.0.0.1:9876 or 0.0.0.0:9876";
        section.refuse(field, message, fix);
    }
    listen
}

/// The outer `None` says that it was refused.
#[expect(clippy::option_option, reason = "refused, none, or some")]
fn tls(
    section: &Section<'_>,
    field: &Field<raw::ServerTls>,
    outside: &Outside<'_>,
) -> Option<Option<ServerTls>> {
    if field.is_absent() {
        return Some(None);
    }
    let (section, raw) = (section.within(field, "tls"), field.value()?);
    let required = |field: &Field<String>, key: &str| {
        section.required(field, key)?;
        outside.file(&section, field)
    };
    let cert_file = required(&raw.cert_file, "cert_file");
    let key_file = required(&raw.key_file, "key_file");
    let client_ca_file = match raw.client_ca_file.is_absent() {
        true => Some(None),
        false => outside.file(&section, &raw.client_ca_file).map(Some),
    };
    Some(Some(ServerTls {
        cert_file: cert_file?,
        key_file: key_file?,
        client_ca_file: client_ca_file?,
    }))
}

fn auth(
    section: &Section<'_>,
    field: &Field<raw::ServerAuth>,
    listen: SocketAddr,
    outside: &Outside<'_>,
) -> Option<AuthSettings> {
    let loopback = listen.ip().is_loopback();
    let usual = |named: bool| match (named, loopback) {
        (true, _) => Access::None,
        (false, true) => Access::Operate,
        (false, false) => Access::Read,
    };
    if field.is_absent() {
        return Some(AuthSettings {
            anonymous: usual(false),
            ..AuthSettings::default()
        });
    }
    let raw = field.value()?;
    let users = users(section, &raw.users, outside);
    let tokens = tokens(section, &raw.tokens, outside);
    let metrics_open = section.or(&raw.metrics_open, AuthSettings::default().metrics_open);
    let anonymous = section.maybe(&raw.anonymous)?.map(access);
    if anonymous == Some(Access::Operate) && !loopback {
        let message = "anybody who can reach this address may silence and acknowledge";
        let fix = "write anonymous: read, and name who operates under users: or tokens:";
        let mark = raw.anonymous.mark_or(section.mark);
        section.report.lint(Lint::OpenServer, mark, message, fix);
    }
    let (users, tokens) = (users?, tokens?);
    let named = !users.is_empty() || !tokens.is_empty();
    Some(AuthSettings {
        anonymous: anonymous.unwrap_or_else(|| usual(named)),
        metrics_open: metrics_open?,
        users,
        tokens,
    })
}

const fn access(raw: raw::Access) -> Access {
    match raw {
        raw::Access::None => Access::None,
        raw::Access::Read => Access::Read,
        raw::Access::Operate => Access::Operate,
    }
}

fn users(
    section: &Section<'_>,
    field: &Field<Vec<Field<raw::ServerUser>>>,
    outside: &Outside<'_>,
) -> Option<Vec<UserSettings>> {
    let mut names = BTreeSet::new();
    let written = bounded(section, field, NAMED_MAX, "users")?;
    let compiled: Vec<Option<UserSettings>> = written
        .iter()
        .map(|item| {
            let raw = item.value()?;
            let section = section.within(item, "the user");
            let name = name(&section, &raw.name, &mut names, "users");
            let access = section.required(&raw.access, "access").copied().map(access);
            let hash = outside.required_secret(&section, &raw.password_hash, "password_hash");
            let hash = hash.filter(|hash| match text(hash, outside) {
                Some(text) => is_hash(&section, &raw.password_hash, &text),
                None => true,
            });
            Some(UserSettings {
                name: name?,
                password_hash: hash?,
                access: access?,
            })
        })
        .collect();
    compiled.into_iter().collect()
}

fn tokens(
    section: &Section<'_>,
    field: &Field<Vec<Field<raw::ServerToken>>>,
    outside: &Outside<'_>,
) -> Option<Vec<TokenSettings>> {
    let mut names = BTreeSet::new();
    let mut texts = BTreeSet::new();
    let written = bounded(section, field, NAMED_MAX, "tokens")?;
    let compiled: Vec<Option<TokenSettings>> = written
        .iter()
        .map(|item| {
            let raw = item.value()?;
            let section = section.within(item, "the token");
            let name = name(&section, &raw.name, &mut names, "tokens");
            let access = section.required(&raw.access, "access").copied().map(access);
            let token = outside.required_secret(&section, &raw.token, "token");
            let token = token.filter(|token| {
                let Some(text) = text(token, outside) else {
                    return true;
                };
                if text.chars().count() < TOKEN_CHARS_MIN {
                    let message = "this token is so short that it can be guessed";
                    let fix =
                        format!("use at least {TOKEN_CHARS_MIN} characters, chosen at random");
                    section.refuse(&raw.token, message, fix);
                    return false;
                }
                let unique = texts.insert(text);
                if !unique {
                    let message = "two programs have the same token, so nobody can tell them apart";
                    section.refuse(&raw.token, message, "give each a token of its own");
                }
                unique
            });
            Some(TokenSettings {
                name: name?,
                token: token?,
                access: access?,
            })
        })
        .collect();
    compiled.into_iter().collect()
}

/// The text of a secret as it is now; a file that cannot be read is found out when it is used.
fn text(secret: &Secret, outside: &Outside<'_>) -> Option<String> {
    match secret.path() {
        Some(path) => (outside.read)(path).ok().map(|text| text.trim().to_owned()),
        None => secret.peek().map(str::to_owned),
    }
}

/// Who is in the log of operators without being named in the settings.
const RESERVED: [&str; 2] = ["anonymous", "signal"];

/// A name that fits HTTP basic authentication (RFC 7617: no colon) and a line of a log.
fn name(
    section: &Section<'_>,
    field: &Field<String>,
    names: &mut BTreeSet<String>,
    what: &str,
) -> Option<String> {
    let name = section.required(field, "name")?;
    let refused = |c: char| c.is_control() || c == ':';
    if name.is_empty() || name.len() > 128 || name.contains(refused) {
        let message = format!("{:?} is not a name", excerpt(name));
        section.refuse(field, message, "use up to 128 characters, and no colon");
        return None;
    }
    if RESERVED.contains(&name.as_str()) {
        let message = format!("{name:?} is somebody else in the log of operators");
        section.refuse(field, message, "choose another name");
        return None;
    }
    super::muting::unique(section, field, Some(name), names, what);
    Some(name.clone())
}

/// Whether a text is a hash of a password that can be checked, within bounds of time and memory.
fn is_hash(section: &Section<'_>, field: &Field<raw::Secret>, text: &str) -> bool {
    let bcrypt: Option<bcrypt::HashParts> = text.parse().ok();
    let (message, fix) = if let Some(parts) = bcrypt {
        if parts.get_cost() <= BCRYPT_COST_MAX {
            return true;
        }
        (
            format!(
                "one check of this password would cost 2^{} rounds",
                parts.get_cost()
            ),
            format!("use a cost of at most {BCRYPT_COST_MAX}"),
        )
    } else if let Some(parts) = argon2id(text) {
        if parts.m_cost() <= ARGON2_MEMORY_MAX && parts.t_cost() <= ARGON2_PASSES_MAX {
            return true;
        }
        (
            "one check of this password would take too much memory or time".to_owned(),
            format!("use at most m={ARGON2_MEMORY_MAX} and t={ARGON2_PASSES_MAX}"),
        )
    } else {
        (
            "this is neither a hash by argon2id nor one by bcrypt".to_owned(),
            "write what slofuse hash-password prints; the password itself does not belong here"
                .to_owned(),
        )
    };
    section.refuse(field, message, fix);
    false
}

/// The parameters of a whole argon2id hash.
fn argon2id(text: &str) -> Option<argon2::Params> {
    let hash = PasswordHash::new(text).ok()?;
    let is_id = argon2::Algorithm::try_from(hash.algorithm) == Ok(argon2::Algorithm::Argon2id);
    let whole = hash.hash.is_some() && hash.salt.is_some();
    argon2::Params::try_from(&hash)
        .ok()
        .filter(|_| is_id && whole)
}
