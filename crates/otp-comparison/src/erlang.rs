//! Scripts on a real Erlang: a few nodes beside each other, each with one scheduler and its part of the scripts.

use std::env;
use std::fmt;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::script::{Script, to_erlang};
use crate::trace::{Event, Kind, Trace};

/// The modules, which are compiled before the first run.
const MODULES: [(&str, &str); 4] = [
    ("comparison.erl", include_str!("../erlang/comparison.erl")),
    ("puppet.erl", include_str!("../erlang/puppet.erl")),
    ("tree.erl", include_str!("../erlang/tree.erl")),
    ("doll.erl", include_str!("../erlang/doll.erl")),
];

/// A node that prints nothing for this long hangs. No script takes nearly as long, however often it is tried.
const SILENCE: Duration = Duration::from_mins(2);

/// A tick of a script's clock to begin with, in milliseconds. A script that is too slow for it is tried with a longer one.
const TICK: u32 = 20;

/// How many nodes there are at most, and for how many runs there is another one. They wait for their clocks most of the time.
const NODES: usize = 8;
const RUNS: usize = 50;

/// An Erlang on this machine, and the compiled modules.
#[derive(Debug)]
pub struct Erlang {
    folder: PathBuf,
}

impl Drop for Erlang {
    fn drop(&mut self) {
        // What is left of it is rubbish, and harms nobody.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Why Erlang did not say what it does.
#[derive(Debug)]
pub enum ErlangError {
    /// It is not there.
    Missing,
    /// It could not be started, or its folder not written.
    Io(io::Error),
    /// It did not accept the modules, or said something else than it should.
    Failed(String),
}

impl Erlang {
    /// Compiles the modules into that folder, which is removed in the end.
    ///
    /// # Errors
    ///
    /// When there is no Erlang on the path, or it does not compile them.
    pub fn find(folder: &Path) -> Result<Self, ErlangError> {
        let path = env::var_os("PATH").unwrap_or_default();
        let is_there = |program: &str| env::split_paths(&path).any(|folder| folder.join(program).is_file());
        if !is_there("erl") || !is_there("erlc") {
            return Err(ErlangError::Missing);
        }
        fs::create_dir_all(folder)?;
        for (name, text) in MODULES {
            fs::write(folder.join(name), text)?;
        }
        let names = MODULES.map(|(name, _)| name);
        let compiled = Command::new("erlc").args(names).current_dir(folder).stdin(Stdio::null()).output()?;
        if !compiled.status.success() {
            return Err(ErlangError::Failed(String::from_utf8_lossy(&compiled.stdout).into_owned()));
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// Its release, such as `25`.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn release(&self) -> Result<String, ErlangError> {
        let program = "io:put_chars(erlang:system_info(otp_release)), halt().";
        let said = Command::new("erl").args(["-noshell", "-eval", program]).stdin(Stdio::null()).output()?;
        Ok(String::from_utf8_lossy(&said.stdout).into_owned())
    }

    /// What happens in each script with its seed: one other than 0 gives the processes other priorities and other turns.
    ///
    /// # Errors
    ///
    /// When a node does not start, hangs, or says something that makes no sense. A script that was too slow for its clock, however
    /// often it was tried, has no trace.
    pub fn run(&self, scripts: &[(&Script, u32)]) -> Result<Vec<Option<Trace>>, ErlangError> {
        let nodes = (scripts.len() / RUNS).clamp(1, NODES);
        let parts: Vec<_> = scripts.chunks(scripts.len().div_ceil(nodes).max(1)).collect();
        thread::scope(|scope| {
            let nodes: Vec<_> = (0..).zip(parts).map(|(at, part)| scope.spawn(move || self.node(at, part))).collect();
            let crashed = |_panic| Err(ErlangError::Failed("the thread that watches a node has crashed".to_owned()));
            let traces = nodes.into_iter().map(|node| node.join().unwrap_or_else(crashed));
            let traces: Result<Vec<Vec<Option<Trace>>>, ErlangError> = traces.collect();
            Ok(traces?.into_iter().flatten().collect())
        })
    }

    /// One node and its part of the scripts.
    fn node(&self, number: usize, scripts: &[(&Script, u32)]) -> Result<Vec<Option<Trace>>, ErlangError> {
        let file = format!("scripts_{number}");
        fs::write(
            self.folder.join(&file),
            scripts.iter().map(|(script, seed)| to_erlang(script, *seed)).collect::<String>(),
        )?;
        let mut node = Command::new("erl")
            .args(["-noshell", "+S", "1:1", "+sbwt", "none", "-s", "comparison", "main", &file])
            .arg(TICK.to_string())
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let lines = lines(&mut node);
        let traces = listen(&lines, scripts);
        // It has ended by itself, or it never will.
        let _ = node.kill();
        let _ = node.wait();
        traces
    }
}

/// What a node says, line by line, from a thread that may be waited for no longer than one wants.
#[expect(clippy::disallowed_methods, reason = "waits for a real process, which has no other clock than the machine's")]
fn lines(node: &mut Child) -> Receiver<String> {
    let output = node.stdout.take().expect("it is piped");
    let (said, lines) = mpsc::channel();
    thread::spawn(move || {
        let heard = BufReader::new(output).lines().map_while(Result::ok);
        // Nobody listens any more when something made no sense.
        heard.map(|line| said.send(line)).take_while(Result::is_ok).for_each(drop);
    });
    lines
}

/// Hears a node out. What it says of a script ends where the next begins.
fn listen(lines: &Receiver<String>, scripts: &[(&Script, u32)]) -> Result<Vec<Option<Trace>>, ErlangError> {
    let mut traces: Vec<Option<Trace>> = Vec::new();
    // What has been said of the script, and whether it was too slow.
    let mut heard: Option<(Vec<Event>, bool)> = None;
    loop {
        let line = lines.recv_timeout(SILENCE).map_err(|error| {
            let what = match error {
                RecvTimeoutError::Timeout => "hangs",
                RecvTimeoutError::Disconnected => "has crashed",
            };
            let at = scripts.get(traces.len()).map_or("its end", |(script, _)| &script.name);
            ErlangError::Failed(format!("the node {what} at or after `{at}`"))
        })?;
        let is_over = line == "done";
        if is_over || line.starts_with("== ") {
            let before = heard.replace((Vec::new(), false));
            traces.extend(before.map(|(events, is_late)| (!is_late).then(|| Trace::of(events))));
            if is_over {
                return Ok(traces);
            }
            continue;
        }
        if line == "late" {
            heard = Some((Vec::new(), true));
            continue;
        }
        let event = event(&line).ok_or_else(|| {
            let at = scripts.get(traces.len()).map_or("its end", |(script, _)| &script.name);
            ErlangError::Failed(format!("at `{at}` the node says `{line}`"))
        })?;
        heard.get_or_insert_default().0.push(event);
    }
}

/// `STEP<tab>WHO<tab>KIND<tab>TEXT`.
fn event(line: &str) -> Option<Event> {
    let mut parts = line.splitn(4, '\t');
    let step = parts.next()?.parse().ok()?;
    let who = parts.next()?.to_owned();
    let kind = match parts.next()? {
        "." => Kind::Own,
        "|" => Kind::Fence,
        sender => Kind::From(sender.strip_prefix('<')?.to_owned()),
    };
    Some(Event { step, who, kind, text: parts.next()?.to_owned() })
}

impl From<io::Error> for ErlangError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for ErlangError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no `erl` and `erlc` on the path; on Debian, install `erlang-base`"),
            Self::Io(error) => write!(f, "Erlang cannot be run: {error}"),
            Self::Failed(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for ErlangError {}
