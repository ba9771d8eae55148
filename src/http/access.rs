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
    remembered: Mutex<BTreeMap<[u8; 32], Verdict>>,
    key: [u8; 32],
    hashing: Semaphore,
}

struct Compiled {
    policy: AccessPolicy,
    /// SHA-256 of each token.
    digests: Vec<[u8; 32]>,
}

/// Who sent a request and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// `None` for nobody in particular.
    pub(super) name: Option<String>,
    pub(super) access: Access,
}

impl AccessControl {
    /// A judge with a policy.
    pub fn new(policy: AccessPolicy) -> Self {
        Self(Arc::new(Shared {
            policy: Mutex::new(Arc::new(Compiled::new(policy))),
            remembered: Mutex::default(),
            key: rand::random(),
            hashing: Semaphore::new(HASHING_MAX),
        }))
    }

    /// Replaces the policy; what was remembered of the old one is forgotten.
    pub fn replace(&self, policy: AccessPolicy) {
        let compiled = Arc::new(Compiled::new(policy));
        *lock(&self.0.policy) = compiled;
        lock(&self.0.remembered).clear();
    }

    /// Whether `/metrics` and the health checks need no credentials.
    pub(super) fn metrics_open(&self) -> bool {
        lock(&self.0.policy).policy.metrics_open
    }

    /// Judges the `Authorization` header of a request; `None` when what it says is wrong.
    pub(super) async fn judge(&self, header: Option<&[u8]>) -> Option<Verdict> {
        let compiled = lock(&self.0.policy).clone();
        let Some(header) = header else {
            return Some(Verdict {
                name: None,
                access: compiled.policy.anonymous,
            });
        };
        if header.len() > HEADER_BYTES_MAX {
            return None;
        }
        let (scheme, credentials) = std::str::from_utf8(header).ok()?.split_once(' ')?;
        let credentials = credentials.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return compiled.token(credentials);
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let remembered = self.keyed_hash(credentials.as_bytes());
        if let Some(verdict) = lock(&self.0.remembered).get(&remembered) {
            return Some(verdict.clone());
        }
        let decoded = STANDARD.decode(credentials).ok()?;
        let decoded = String::from_utf8(decoded).ok()?;
        let (name, password) = decoded.split_once(':')?;
        let verdict = self.password(&compiled, name, password).await?;
        // A policy that was replaced meanwhile must not be outlived by what it allowed.
        let still = Arc::ptr_eq(&compiled, &lock(&self.0.policy));
        if still {
            let mut memory = lock(&self.0.remembered);
            if memory.len() >= REMEMBERED_MAX {
                memory.clear();
            }
            memory.insert(remembered, verdict.clone());
        }
        Some(verdict)
    }

    async fn password(&self, compiled: &Compiled, name: &str, password: &str) -> Option<Verdict> {
        let user = compiled.policy.users.iter().find(|user| user.name == name);
        let hash = match (user, compiled.policy.users.first()) {
            (Some(user), _) => user.secret.clone(),
            // Whoever guesses names must not learn from the time it takes.
            (None, Some(any)) => any.secret.clone(),
            (None, None) => return None,
        };
        let password = password.to_owned();
        let _place = self.0.hashing.acquire().await.ok()?;
        let right = tokio::task::spawn_blocking(move || is_right(&hash, password.as_bytes()));
        let right = right.await.unwrap_or(false);
        let user = user.filter(|_| right)?;
        Some(Verdict {
            name: Some(user.name.clone()),
            access: user.access,
        })
    }

    fn keyed_hash(&self, text: &[u8]) -> [u8; 32] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0.key).expect("a key may have any length");
        mac.update(text);
        mac.finalize().into_bytes().into()
    }
}

impl Compiled {
    fn new(policy: AccessPolicy) -> Self {
        let digest = |token: &Principal| Sha256::digest(token.secret.as_bytes()).into();
        let digests = policy.tokens.iter().map(digest).collect();
        Self { policy, digests }
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
    use super::*;

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

    async fn level(control: &AccessControl, header: &[u8]) -> Option<(String, Access)> {
        let verdict = control.judge(Some(header)).await?;
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
        let nobody = control.judge(None).await.unwrap();
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
            assert_eq!(control.judge(Some(&header)).await, None, "{text}");
        }
    }

    #[tokio::test]
    async fn a_new_policy_forgets_what_the_old_one_allowed() {
        let control = control();
        let header = basic("ann", "correct horse");
        assert!(control.judge(Some(&header)).await.is_some());
        control.replace(AccessPolicy {
            users: vec![principal("ann", "x".to_owned(), Access::Operate)],
            ..AccessPolicy::default()
        });
        assert_eq!(control.judge(Some(&header)).await, None);
    }

    #[tokio::test]
    async fn a_hash_that_asks_for_all_memory_is_nobodys() {
        let greedy = argon2().replace("m=8", "m=4000000000");
        assert!(!is_right(&greedy, b"correct horse"));
        assert!(is_right(&argon2(), b"correct horse"));
    }
}
