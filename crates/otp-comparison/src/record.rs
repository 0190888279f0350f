//! What OTP did, written down, so that nobody needs it to compare with it.
//!
//! A record is text: each script, after `--` what OTP does, after each `-- or` what it may do as well, and after `-- here` what these
//! crates do if they are meant to differ.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use crate::compare::{Compared, may_be};
use crate::ours::{self, Way};
use crate::script::{Script, parse};
use crate::trace::Trace;

/// One script with what was recorded of it.
#[derive(Debug)]
pub struct Recorded {
    /// The script.
    pub script: Script,
    /// What OTP may do.
    pub theirs: Vec<Trace>,
    /// What these crates do, if that is meant to differ: one trace, unless the way makes a difference.
    pub here: Vec<Trace>,
}

/// Writes the record of this name.
///
/// # Errors
///
/// When its file cannot be written.
pub fn write(name: &str, recorded: impl Iterator<Item = Recorded>) -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("record");
    let texts: Vec<String> = recorded.map(|it| it.to_string()).collect();
    fs::write(folder.join(format!("{name}.txt")), texts.join("\n"))
}

/// Reads a record.
///
/// # Errors
///
/// Says which script cannot be read.
pub fn read(text: &str) -> Result<Vec<Recorded>, String> {
    let scripts = text.split("\n\n").map(str::trim).filter(|text| !text.is_empty());
    scripts.map(read_one).collect()
}

fn read_one(text: &str) -> Result<Recorded, String> {
    let mut parts = text.split("\n--");
    let script = parts.next().unwrap_or_default();
    let script = parse(script).map_err(|error| format!("{error} of\n{script}"))?.pop();
    let mut recorded =
        Recorded { script: script.ok_or("a record without a script")?, theirs: Vec::new(), here: Vec::new() };
    for part in parts {
        let (what, lines) = part.split_once('\n').unwrap_or((part, ""));
        let trace = Trace::from_lines(lines.lines().map(str::to_owned));
        match what.trim() {
            "" | "or" => recorded.theirs.push(trace),
            "here" => recorded.here.push(trace),
            other => return Err(format!("`-- {other}` in the record of `{}`", recorded.script.name)),
        }
    }
    Ok(recorded)
}

impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.script)?;
        for (at, trace) in self.theirs.iter().enumerate() {
            write!(f, "{}\n{trace}", if at == 0 { "--" } else { "-- or" })?;
        }
        self.here.iter().try_for_each(|here| write!(f, "-- here\n{here}"))
    }
}

impl Recorded {
    /// What is to be recorded of it.
    pub fn of(compared: &Compared<'_>, is_listed: bool) -> Self {
        let here = if is_listed { compared.our_traces() } else { Vec::new() };
        Self { script: compared.script.clone(), theirs: compared.theirs.clone(), here }
    }

    /// What these crates do now that is not what the record says, for each way.
    pub fn differences(&self) -> Vec<String> {
        Way::ALL.iter().filter_map(|way| self.difference(*way)).collect()
    }

    fn difference(&self, way: Way) -> Option<String> {
        let ours = match ours::run(&self.script, way) {
            Ok(ours) => ours,
            Err(complaint) => return Some(format!("{}{complaint}\n", self.script)),
        };
        let (expected, holds) = if self.here.is_empty() {
            (&self.theirs, may_be(&ours, &self.theirs, self.script.is_drawn()))
        } else {
            (&self.here, self.here.contains(&ours))
        };
        (!holds).then(|| format!("{}-- {way:?}\n{}", self.script, expected[0].difference(&ours)))
    }
}
