//! Reading a file of tests, and the definitions and settings that it names.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use crate::config::compile::{self as compiling, Outside};
use crate::config::decode::decode;
use crate::config::diagnostic::{Diagnostics, Report};
use crate::config::settings::Settings;
use crate::config::{compile_definitions, files, tree};

use super::{Located, Surroundings, TestFile, compile};

/// Bytes of a file of tests.
const BYTES_MAX: u64 = 4 << 20;

impl TestFile {
    /// Reads the tests of a file.
    ///
    /// # Errors
    ///
    /// Every mistake in it.
    pub fn read(path: &Path) -> Result<Self, Diagnostics> {
        let found = RefCell::default();
        let file = match files::read(path, BYTES_MAX) {
            Ok(bytes) => parse(path, &bytes, &found),
            Err(error) => {
                let (report, mark) = files::about(path, None, &found);
                let message = format!("the file cannot be read: {error}");
                report.error(mark, message, "correct the path or its permissions");
                None
            }
        };
        let found = found.into_inner();
        file.filter(|_| found.errors() == 0).ok_or(found)
    }

    /// Reads tests from text, as if it stood in a file.
    ///
    /// # Errors
    ///
    /// Every mistake in it.
    pub fn embedded(path: &Path, text: &str) -> Result<Self, Diagnostics> {
        let found = RefCell::default();
        let file = parse(path, text.as_bytes(), &found);
        let found = found.into_inner();
        file.filter(|_| found.errors() == 0).ok_or(found)
    }

    /// Loads the definitions, and the settings if there are some. Secrets are not needed: an
    /// environment variable that is not set stands for itself, and files that hold secrets are not
    /// looked for.
    ///
    /// # Errors
    ///
    /// Every mistake in any of the files.
    pub fn surroundings(
        &self,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Surroundings, Diagnostics> {
        let found = RefCell::default();
        let settings = self
            .config
            .as_ref()
            .and_then(|config| load(config, env, &found));
        let policies = settings.iter().flat_map(|settings| &settings.policies);
        let paths = self.definitions.iter().chain(policies);
        let roots: Vec<_> = paths.map(|path| (path.clone(), None)).collect();
        let definitions = compile_definitions(&roots, &found);
        let found = found.into_inner();
        if found.errors() > 0 {
            return Err(found);
        }
        Ok(Surroundings {
            settings,
            definitions,
        })
    }

    /// Files whose change may change what the tests come to, directories among them.
    pub fn sources(&self) -> Vec<PathBuf> {
        let config = self.config.iter().map(|config| config.value.clone());
        let own = [self.path.clone()].into_iter().chain(config);
        own.chain(self.definitions.iter().cloned()).collect()
    }
}

fn load(
    config: &Located<PathBuf>,
    env: &dyn Fn(&str) -> Option<String>,
    found: &RefCell<Diagnostics>,
) -> Option<Settings> {
    let path = &config.value;
    let bytes = match files::read(path, files::SETTINGS_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) => {
            let (report, mark) = files::about(path, Some(&config.place), found);
            let message = format!("{} cannot be read: {error}", path.display());
            report.error(mark, message, "correct the path or its permissions");
            return None;
        }
    };
    let outside = Outside {
        env: &|name| env(name).or_else(|| Some(name.to_owned())),
        unusable: &|_| None,
        read: &files::text,
        directory: path.parent().unwrap_or_else(|| Path::new("")),
    };
    let report = Report::new(files::name(path), found);
    compiling::settings(&bytes, &report, &outside).settings
}

fn parse(path: &Path, bytes: &[u8], found: &RefCell<Diagnostics>) -> Option<TestFile> {
    let report = Report::new(files::name(path), found);
    let tree = tree::parse(bytes, &report);
    let mut documents = tree.documents.iter();
    let Some(node) = documents.next() else {
        if tree.complete {
            let fix = "add tests: and a list of them";
            report.error(report.start(), "there are no tests here", fix);
        }
        return None;
    };
    if let Some(second) = documents.next() {
        let fix = "write the tests below one key tests:, or in another file";
        report.error(second.mark, "a file of tests has one document", fix);
    }
    let raw = decode(node, &report);
    compile::file(path, &raw, &report, node.mark)
}
