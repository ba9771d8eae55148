//! Secrets and the files they and TLS come from.

use std::path::{Path, PathBuf};

use crate::config::field::{Field, Section, ValueOr};
use crate::config::lint::Lint;
use crate::config::raw::settings as raw;
use crate::config::secret::Secret;
use crate::config::settings::{Auth, TlsSettings};

/// What a settings file refers to beyond itself; asked through functions, so that compiling stays
/// pure and tests need neither an environment nor files.
pub(crate) struct Outside<'a> {
    /// The value of an environment variable.
    pub(crate) env: &'a dyn Fn(&str) -> Option<String>,
    /// Why a file cannot be used, if it cannot.
    pub(crate) unusable: &'a dyn Fn(&Path) -> Option<String>,
    /// The text of a file, or why it cannot be had.
    pub(crate) read: &'a dyn Fn(&Path) -> Result<String, String>,
    /// The directory of the settings file: relative paths in it begin here.
    pub(crate) directory: &'a Path,
}

impl Outside<'_> {
    /// The file that a field names.
    pub(super) fn file(&self, section: &Section<'_>, field: &Field<String>) -> Option<PathBuf> {
        let path = self.directory.join(field.value()?);
        if let Some(why) = (self.unusable)(&path) {
            let message = format!("the file {} cannot be used: {why}", path.display());
            let fix =
                "correct the path, which is relative to the settings file, or create the file";
            section.refuse(field, message, fix);
            return None;
        }
        Some(path)
    }

    /// A secret that must be there.
    pub(super) fn required_secret(
        &self,
        section: &Section<'_>,
        field: &Field<raw::Secret>,
        key: &'static str,
    ) -> Option<Secret> {
        section.required(field, key)?;
        self.secret(section, field)?
    }

    /// A secret that may be left out: the outer `None` says that it was refused.
    pub(super) fn secret(
        &self,
        section: &Section<'_>,
        field: &Field<raw::Secret>,
    ) -> Option<Option<Secret>> {
        if field.is_absent() {
            return Some(None);
        }
        let source = match field.value()? {
            ValueOr::Value(text) if text.is_empty() => {
                section.refuse(
                    field,
                    "this secret is empty",
                    "write it, or name its env or file",
                );
                return None;
            }
            ValueOr::Value(text) => return Some(Some(Secret::inline(text.as_str()))),
            ValueOr::Section(source) => source,
        };
        let section = section.within(field, "the secret");
        let kinds = [
            ("env", source.env.is_absent()),
            ("file", source.file.is_absent()),
        ];
        let secret = match section.one_of(kinds)? {
            "env" => self.variable(&section, &source.env),
            _ => self.file(&section, &source.file).map(Secret::file),
        };
        secret.map(Some)
    }

    fn variable(&self, section: &Section<'_>, field: &Field<String>) -> Option<Secret> {
        let name = field.value()?;
        match (self.env)(name) {
            Some(text) if !text.is_empty() => Some(Secret::inline(text)),
            _ => {
                let message = format!("the environment variable {name} is not set");
                let fix = format!("set {name} for this process, or correct the name");
                section.refuse(field, message, fix);
                None
            }
        }
    }

    /// Basic or bearer authentication, or none.
    pub(super) fn auth(
        &self,
        section: &Section<'_>,
        basic: &Field<raw::BasicAuth>,
        bearer: &Field<raw::Secret>,
    ) -> Option<Auth> {
        if !basic.is_absent() && !bearer.is_absent() {
            let message = "basic_auth and bearer_token exclude each other";
            section.refuse(bearer, message, "keep one of the two");
            return None;
        }
        if !basic.is_absent() {
            let (section, basic) = (section.within(basic, "basic_auth"), basic.value()?);
            let username = section.required(&basic.username, "username").cloned();
            let password = self.required_secret(&section, &basic.password, "password");
            return Some(Auth::Basic {
                username: username?,
                password: password?,
            });
        }
        Some(match self.secret(section, bearer)? {
            Some(token) => Auth::Bearer(token),
            None => Auth::None,
        })
    }

    /// TLS options.
    pub(super) fn tls(
        &self,
        section: &Section<'_>,
        field: &Field<raw::Tls>,
    ) -> Option<TlsSettings> {
        if field.is_absent() {
            return Some(TlsSettings::default());
        }
        let (section, raw) = (section.within(field, "tls"), field.value()?);
        let file = |field: &Field<String>| match field.is_absent() {
            true => Some(None),
            false => self.file(&section, field).map(Some),
        };
        let files = [&raw.ca_file, &raw.cert_file, &raw.key_file].map(file);
        let skip = section.or(&raw.insecure_skip_verify, false);
        if raw.cert_file.is_absent() != raw.key_file.is_absent() {
            let message = "cert_file and key_file need each other";
            section
                .report
                .error(section.mark, message, "add the other one");
            return None;
        }
        if skip == Some(true) {
            let message = "every certificate is accepted, so anybody can answer";
            let fix = "trust the right authority with ca_file";
            let mark = raw.insecure_skip_verify.mark_or(section.mark);
            section.report.lint(Lint::InsecureTls, mark, message, fix);
        }
        let [ca_file, cert_file, key_file] = files;
        Some(TlsSettings {
            ca_file: ca_file?,
            cert_file: cert_file?,
            key_file: key_file?,
            insecure_skip_verify: skip?,
        })
    }
}
