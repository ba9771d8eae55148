//! Who may do what: credentials in, a name and a level of access out.
//!
//! Passwords are kept as hashes (argon2id, or bcrypt as Prometheus' web configuration has it),
//! tokens as SHA-256. Comparisons take the same time whatever differs, and an unknown user costs as
//! much as a wrong password. A password that was right is remembered under a keyed hash, so that a
//! dashboard that polls does not cost a slow hash per request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::{PasswordHash, PasswordVerifier};
use argon2::{Argon2, Params};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use super::rate::{Guesses, Slot};
use crate::engine::Span;

/// Passwords that were right and are remembered; beyond that they are forgotten all at once.
const REMEMBERED_MAX: usize = 1000;
/// Slow hashes at once: they take a core and tens of MiB each.
const HASHING_MAX: usize = 2;
/// Longest `Authorization` header that is looked at, in bytes.
const HEADER_BYTES_MAX: usize = 4096;
/// The most memory an argon2 hash may ask for, in KiB: hashes are configuration, yet a slip of the
/// pen must not take the host down.
const ARGON2_KIB_MAX: u32 = 256 << 10;

/// What somebody may do; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Nothing.
    None,
    /// Look.
    Read,
    /// Silence, acknowledge, retry, reload.
    Operate,
}

/// Somebody who can prove who they are.
#[derive(Clone)]
pub struct Principal {
    /// The name, for the log of operators.
    pub name: String,
    /// A hash of the password (PHC string or bcrypt), or the token itself.
    pub secret: String,
    /// What they may do.
    pub access: Access,
}

/// Everybody, and what nobody in particular may do.
#[derive(Clone)]
pub struct AccessPolicy {
    /// What a request without credentials may do.
    pub anonymous: Access,
    /// Whether `/metrics` and the health checks need none.
    pub metrics_open: bool,
    /// People with passwords.
    pub users: Vec<Principal>,
    /// Programs with tokens.
    pub tokens: Vec<Principal>,
}

impl Default for AccessPolicy {
    /// Everybody may do everything.
    fn default() -> Self {
        Self {
            anonymous: Access::Operate,
            metrics_open: true,
            users: Vec::new(),
            tokens: Vec::new(),
        }
    }
}

/// Judges credentials by the policy in force; clones share it.
#[derive(Clone)]
pub struct AccessControl(Arc<Shared>);

struct Shared {
    policy: Mutex<Arc<Compiled>>,
    key: [u8; 32],
    hashing: Arc<Semaphore>,
}

struct Compiled {
    policy: AccessPolicy,
    /// SHA-256 of each token.
    digests: Vec<[u8; 32]>,
    /// Who proved to be who: ends with the policy, so that nothing outlives what allowed it.
    remembered: Mutex<BTreeMap<[u8; 32], Verdict>>,
}

/// Who sent a request and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// `None` for nobody in particular.
    pub(super) name: Option<String>,
    pub(super) access: Access,
}

/// Why credentials are not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// They are wrong.
    Wrong,
    /// There were too many wrong ones; they have not been looked at. How long to wait.
    TooMany(Span),
}

impl From<Span> for Denied {
    fn from(wait: Span) -> Self {
        Self::TooMany(wait)
    }
}

impl AccessControl {
    /// A judge with a policy.
    pub fn new(policy: AccessPolicy) -> Self {
        Self(Arc::new(Shared {
            policy: Mutex::new(Arc::new(Compiled::new(policy))),
            key: rand::random(),
            hashing: Arc::new(Semaphore::new(HASHING_MAX)),
        }))
    }

    /// Replaces the policy; what was remembered of the old one is forgotten.
    pub fn replace(&self, policy: AccessPolicy) {
        let compiled = Arc::new(Compiled::new(policy));
        *lock(&self.0.policy) = compiled;
    }

    /// Whether `/metrics` and the health checks need no credentials.
    pub(super) fn metrics_open(&self) -> bool {
        lock(&self.0.policy).policy.metrics_open
    }

    /// Judges the `Authorization` header of a request. Wrong credentials count as a guess of the
    /// peer; without any, and with a token that is right, nothing is ever counted or refused.
    pub(super) async fn judge(
        &self,
        header: Option<&[u8]>,
        guesses: Guesses<'_>,
    ) -> Result<Verdict, Denied> {
        let compiled = lock(&self.0.policy).clone();
        let Some(header) = header else {
            return Ok(Verdict {
                name: None,
                access: compiled.policy.anonymous,
            });
        };
        let token = match Credentials::parse(header) {
            Some(Credentials::Password(given)) => {
                return self.password(&compiled, given, guesses).await;
            }
            Some(Credentials::Token(token)) => Some(token),
            None => None,
        };
        if let Some(verdict) = token.and_then(|token| compiled.token(token)) {
            return Ok(verdict);
        }
        guesses.take(Slot::Tokens)?;
        Err(Denied::Wrong)
    }

    async fn password(
        &self,
        compiled: &Compiled,
        given: Given<'_>,
        guesses: Guesses<'_>,
    ) -> Result<Verdict, Denied> {
        let [of_name, at, ..] = self.keyed_hash(given.name.as_bytes());
        let slot = Slot::of(of_name);
        guesses.check(slot)?;
        let memory = self.keyed_hash(given.text.as_bytes());
        if let Some(verdict) = compiled.remembered(&memory) {
            return Ok(verdict);
        }
        let place = Arc::clone(&self.0.hashing).acquire_owned().await;
        let place = place.map_err(|_closed| Denied::Wrong)?;
        // While this one waited, others of the peer may have proved the same, or guessed.
        if let Some(verdict) = compiled.remembered(&memory) {
            return Ok(verdict);
        }
        guesses.take(slot)?;
        let users = &compiled.policy.users;
        let user = users.iter().find(|user| user.name == given.name);
        // Whoever guesses names must not learn from the time it takes, so a name that nobody has
        // costs what the password of somebody costs, always the same one.
        let somebody = usize::from(at).checked_rem(users.len());
        let somebody = somebody.and_then(|at| users.get(at));
        let hash = user.or(somebody).ok_or(Denied::Wrong)?.secret.clone();
        let password = given.password;
        // The place is free when the hash is done, also if the peer hangs up before.
        let right = tokio::task::spawn_blocking(move || {
            let right = is_right(&hash, password.as_bytes());
            drop(place);
            right
        });
        let right = right.await.unwrap_or(false);
        let user = user.filter(|_| right).ok_or(Denied::Wrong)?;
        guesses.give_back(slot);
        let verdict = Verdict {
            name: Some(user.name.clone()),
            access: user.access,
        };
        compiled.remember(memory, &verdict);
        Ok(verdict)
    }

    fn keyed_hash(&self, text: &[u8]) -> [u8; 32] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0.key).expect("a key may have any length");
        mac.update(text);
        mac.finalize().into_bytes().into()
    }
}

/// What an `Authorization` header holds.
enum Credentials<'a> {
    Token(&'a str),
    Password(Given<'a>),
}

/// Name and password, and the text that they were sent as.
struct Given<'a> {
    text: &'a str,
    name: String,
    password: String,
}

impl<'a> Credentials<'a> {
    /// `None` for what is neither (RFC 6750, RFC 7617).
    fn parse(header: &'a [u8]) -> Option<Self> {
        if header.len() > HEADER_BYTES_MAX {
            return None;
        }
        let (scheme, text) = std::str::from_utf8(header).ok()?.split_once(' ')?;
        let text = text.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Self::Token(text));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
        let (name, password) = decoded.split_once(':')?;
        Some(Self::Password(Given {
            text,
            name: name.to_owned(),
            password: password.to_owned(),
        }))
    }
}

impl Compiled {
    fn new(policy: AccessPolicy) -> Self {
        let digest = |token: &Principal| Sha256::digest(token.secret.as_bytes()).into();
        let digests = policy.tokens.iter().map(digest).collect();
        Self {
            policy,
            digests,
            remembered: Mutex::default(),
        }
    }

    fn remembered(&self, memory: &[u8; 32]) -> Option<Verdict> {
        lock(&self.remembered).get(memory).cloned()
    }

    fn remember(&self, memory: [u8; 32], verdict: &Verdict) {
        let mut remembered = lock(&self.remembered);
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(memory, verdict.clone());
    }

    /// Looks at every token, also after the right one.
    fn token(&self, token: &str) -> Option<Verdict> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let mut found = None;
        for (known, principal) in self.digests.iter().zip(&self.policy.tokens) {
            if bool::from(known.ct_eq(&digest)) {
                found = Some(principal);
            }
        }
        found.map(|principal| Verdict {
            name: Some(principal.name.clone()),
            access: principal.access,
        })
    }
}

/// Whether the password is the one of the hash; a hash that cannot be read is nobody's.
fn is_right(hash: &str, password: &[u8]) -> bool {
    if hash.starts_with("$2") {
        return bcrypt::verify(password, hash).unwrap_or(false);
    }
    let Ok(parsed) = PasswordHash::new(hash) else {
        return false;
    };
    let memory = Params::try_from(&parsed).map(|params| params.m_cost());
    if memory.is_ok_and(|kib| kib > ARGON2_KIB_MAX) {
        return false;
    }
    Argon2::default().verify_password(password, &parsed).is_ok()
}

/// Every change under these locks is complete before anything can panic.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use super::*;
    use crate::engine::Timestamp;
    use crate::http::Clock;
    use crate::http::rate::Rates;

    /// Hashes of `correct horse`, made with the cheapest parameters.
    fn argon2() -> String {
        use argon2::password_hash::{PasswordHasher, SaltString};
        let params = Params::new(8, 1, 1, None).unwrap();
        let hasher = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
        let salt = SaltString::from_b64("c2FsdHNhbHQ").unwrap();
        let hash = hasher.hash_password(b"correct horse", &salt).unwrap();
        hash.to_string()
    }

    fn bcrypt() -> String {
        bcrypt::hash("correct horse", 4).unwrap()
    }

    fn principal(name: &str, secret: String, access: Access) -> Principal {
        Principal {
            name: name.to_owned(),
            secret,
            access,
        }
    }

    fn control() -> AccessControl {
        AccessControl::new(AccessPolicy {
            anonymous: Access::None,
            metrics_open: true,
            users: vec![
                principal("ann", argon2(), Access::Operate),
                principal("bob", bcrypt(), Access::Read),
                principal("eve", "not a hash".to_owned(), Access::Operate),
            ],
            tokens: vec![principal(
                "grafana",
                "token-of-sixteen-or-more".to_owned(),
                Access::Read,
            )],
        })
    }

    fn basic(name: &str, password: &str) -> Vec<u8> {
        format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))).into_bytes()
    }

    fn clock() -> Clock {
        Arc::new(|| Timestamp::from_secs(1_800_000_000))
    }

    /// Judges what a peer sends that has guessed nothing so far.
    async fn judge(control: &AccessControl, header: Option<&[u8]>) -> Result<Verdict, Denied> {
        let (rates, clock) = (Rates::new(1), clock());
        control.judge(header, rates.guesses(None, &clock)).await
    }

    async fn level(control: &AccessControl, header: &[u8]) -> Option<(String, Access)> {
        let verdict = judge(control, Some(header)).await.ok()?;
        Some((verdict.name.unwrap(), verdict.access))
    }

    #[tokio::test]
    async fn passwords_and_tokens_open_what_they_are_for() {
        let control = control();
        let ann = Some(("ann".to_owned(), Access::Operate));
        for _again in 0..2 {
            assert_eq!(level(&control, &basic("ann", "correct horse")).await, ann);
        }
        let bob = level(&control, &basic("bob", "correct horse")).await;
        assert_eq!(bob, Some(("bob".to_owned(), Access::Read)));
        let grafana = level(&control, b"bearer token-of-sixteen-or-more").await;
        assert_eq!(grafana, Some(("grafana".to_owned(), Access::Read)));
        let nobody = judge(&control, None).await.unwrap();
        assert_eq!((nobody.name, nobody.access), (None, Access::None));
    }

    #[tokio::test]
    async fn everything_else_is_refused() {
        let control = control();
        let mut wrong: Vec<Vec<u8>> = vec![
            basic("ann", "wrong"),
            basic("ann", ""),
            basic("carol", "correct horse"),
            basic("eve", "not a hash"),
            b"Basic !!!".to_vec(),
            b"Basic ".to_vec(),
            b"Basic".to_vec(),
            b"Bearer token-of-sixteen-or-mor".to_vec(),
            b"Bearer ".to_vec(),
            b"Digest x".to_vec(),
            b"\xff\xfe x".to_vec(),
            b"".to_vec(),
        ];
        let mut long = b"Bearer ".to_vec();
        long.resize(HEADER_BYTES_MAX + 1, b'a');
        wrong.push(long);
        wrong.push(format!("Basic {}", STANDARD.encode("no colon")).into_bytes());
        for header in wrong {
            let text = String::from_utf8_lossy(&header).into_owned();
            let judged = judge(&control, Some(&header)).await;
            assert_eq!(judged, Err(Denied::Wrong), "{text}");
        }
    }

    #[tokio::test]
    async fn a_new_policy_forgets_what_the_old_one_allowed() {
        let control = control();
        let header = basic("ann", "correct horse");
        assert!(judge(&control, Some(&header)).await.is_ok());
        control.replace(AccessPolicy {
            users: vec![principal("ann", "x".to_owned(), Access::Operate)],
            ..AccessPolicy::default()
        });
        assert_eq!(judge(&control, Some(&header)).await, Err(Denied::Wrong));
    }

    /// Behind a proxy everybody has one address.
    #[tokio::test]
    async fn who_guesses_locks_a_name_out_and_nobody_around() {
        let control = control();
        let (rates, clock) = (Rates::new(1), clock());
        let guesses = rates.guesses(None, &clock);
        let (right, wrong) = (basic("ann", "correct horse"), basic("ann", "wrong"));
        assert!(control.judge(Some(&right), guesses).await.is_ok());
        for _ in 0..10 {
            let judged = control.judge(Some(&wrong), guesses).await;
            assert_eq!(judged, Err(Denied::Wrong));
        }
        // Not even the right password, remembered or not: else the answer would tell which it is.
        for header in [&wrong, &right] {
            let judged = control.judge(Some(header), guesses).await;
            assert!(matches!(judged, Err(Denied::TooMany(_))), "{judged:?}");
        }
        assert!(control.judge(None, guesses).await.is_ok());
        let token: &[u8] = b"Bearer token-of-sixteen-or-more";
        for _ in 0..20 {
            let _denied = control.judge(Some(b"Bearer wrong"), guesses).await;
            assert!(control.judge(Some(token), guesses).await.is_ok());
        }
    }

    #[tokio::test]
    async fn who_hangs_up_has_guessed_and_keeps_the_place_until_the_hash_is_done() {
        let control = control();
        let (rates, clock) = (Rates::new(1), clock());
        let guesses = rates.guesses(None, &clock);
        let places = control.0.hashing.clone();
        for guess in 0..10 {
            let header = basic("ann", &format!("guess {guess}"));
            drop(places.acquire().await.unwrap());
            let mut judged = Box::pin(control.judge(Some(&header), guesses));
            // Whether the hash was quicker than the look makes no difference.
            let _hung_up = std::future::poll_fn(|cx| Poll::Ready(judged.as_mut().poll(cx))).await;
            drop(judged);
        }
        let header = basic("ann", "correct horse");
        let judged = control.judge(Some(&header), guesses).await;
        assert!(matches!(judged, Err(Denied::TooMany(_))), "{judged:?}");
        // All places come back.
        let all = u32::try_from(HASHING_MAX).unwrap();
        drop(places.acquire_many(all).await.unwrap());
    }

    #[tokio::test]
    async fn a_hash_that_asks_for_all_memory_is_nobodys() {
        let greedy = argon2().replace("m=8", "m=4000000000");
        assert!(!is_right(&greedy, b"correct horse"));
        assert!(is_right(&argon2(), b"correct horse"));
    }
}
