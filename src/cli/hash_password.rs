//! `slofuse hash-password`: what belongs in the settings in place of a password.

use std::io::{IsTerminal, Read, stdin};

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, SaltString};
use clap::Args;

use super::{Failure, Outcome, complain, say};

/// Longest password that is read, in bytes.
const PASSWORD_BYTES_MAX: u64 = 1024;
/// A shorter one is refused.
const PASSWORD_CHARS_MIN: usize = 8;

/// Arguments of `hash-password`.
#[derive(Debug, Args)]
pub(super) struct HashPasswordArgs {}

/// Reads a password from standard input, one line, and prints its argon2id hash.
pub(super) fn hash_password(_args: &HashPasswordArgs) -> Outcome {
    if stdin().is_terminal() {
        complain("type the password, then Enter and Ctrl-D; it is shown as you type");
    }
    let mut password = String::new();
    if let Err(error) = stdin()
        .take(PASSWORD_BYTES_MAX)
        .read_to_string(&mut password)
    {
        complain(&format!(
            "reading the password from standard input: {error}"
        ));
        return Err(Failure::Failed);
    }
    let password = password.trim_end_matches(['\r', '\n']);
    if password.chars().count() < PASSWORD_CHARS_MIN || password.contains('\n') {
        complain(&format!(
            "a password is one line of at least {PASSWORD_CHARS_MIN} characters on standard input"
        ));
        return Err(Failure::Usage);
    }
    match hash(password) {
        Ok(hash) => {
            say(&hash);
            Ok(())
        }
        Err(error) => {
            complain(&format!("hashing the password: {error}"));
            Err(Failure::Failed)
        }
    }
}

fn hash(password: &str) -> Result<String, argon2::password_hash::Error> {
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>())?;
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt)?;
    Ok(hash.to_string())
}
