//! Secrets: where they come from, and the promise that they are never shown.
//!
//! A [`Secret`] prints as `[redacted]` in every format. Its text is read only by
//! [`Secret::reveal`], which reads files anew each time, so that rotated tokens are picked up.

use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

/// A value that must not be shown.
#[derive(Clone)]
pub struct Secret(Origin);

#[derive(Clone)]
enum Origin {
    Inline(SecretString),
    File(PathBuf),
}

impl Secret {
    /// A secret whose text is known: written in the settings or taken from the environment.
    pub fn inline(text: impl Into<String>) -> Self {
        Self(Origin::Inline(SecretString::from(text.into())))
    }

    /// A secret in a file; surrounding white space is not part of it.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Origin::File(path.into()))
    }

    /// The text.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is larger than 64 KiB or is not UTF-8.
    pub fn reveal(&self) -> Result<SecretString, SecretError> {
        match &self.0 {
            Origin::Inline(text) => Ok(text.clone()),
            Origin::File(path) => read(path),
        }
    }

    /// The text if it is known without reading a file: for checks of its form at load time.
    pub fn peek(&self) -> Option<&str> {
        match &self.0 {
            Origin::Inline(text) => Some(text.expose_secret()),
            Origin::File(_) => None,
        }
    }

    /// The file that holds the secret, if one does.
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Origin::Inline(_) => None,
            Origin::File(path) => Some(path),
        }
    }
}

fn read(path: &Path) -> Result<SecretString, SecretError> {
    const BYTES_MAX: u64 = 64 << 10;
    let failed = |source| SecretError {
        path: path.to_owned(),
        source,
    };
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > BYTES_MAX {
        return Err(failed(std::io::Error::other("larger than 64 KiB")));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    Ok(SecretString::from(text.trim().to_owned()))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A secret that could not be read from its file.
#[derive(Debug, thiserror::Error)]
#[error("reading the secret in {}", path.display())]
pub struct SecretError {
    path: PathBuf,
    source: std::io::Error,
}
