//! What goes wrong: a [`Finding`] at one place of one file, and the [`Failure`] of a whole verb.

use std::fmt;

/// What a verb returns.
pub type Result<T = ()> = std::result::Result<T, Failure>;

/// Why a verb failed, for a person to read.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// A failure with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Fails with one line per finding, or succeeds when there is none.
    ///
    /// # Errors
    ///
    /// When there are findings.
    pub fn from_findings(verb: &str, findings: &[Finding]) -> Result {
        if findings.is_empty() {
            return Ok(());
        }
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        Err(Self(format!("{verb}: {} found\n{}", findings.len(), lines.join("\n"))))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// One thing that is wrong at one line, and what to do instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, relative to the workspace.
    pub path: String,
    /// The line, counted from one.
    pub line: usize,
    /// What is wrong; what to do instead.
    pub message: String,
}

impl Finding {
    /// A finding at a line of a file.
    pub fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}
