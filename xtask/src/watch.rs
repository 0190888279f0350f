//! `cargo xtask watch`: runs a test program, and ends it when it makes no progress any more.
//!
//! Cargo's own test runner waits for ever for a test that hangs. So where cargo runs tests, it runs each program through this
//! verb: see [`runner`]. nextest has limits of its own, in `.config/nextest.toml`.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use crate::{Failure, Result};

/// A test program says something when each of its tests ends. One that is silent for this long is stuck.
const SILENCE: Duration = Duration::from_mins(10);

/// How often the program is looked at while it says nothing.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long its output may stay open without a word when the program has ended: one that it has started may hold it.
const AFTERMATH: Duration = Duration::from_secs(5);

/// How long a program has to end what it has started itself. After that it is killed, and what it has started is left.
const GRACE: Duration = Duration::from_secs(10);

/// The program that rustdoc makes of many examples runs itself again for each, if it knows where it is. Rustdoc tells it so in
/// this variable, but not when another program runs it; without it the examples would share one process, and its names.
const DOCTESTS_PROGRAM: &str = "RUSTDOC_DOCTEST_BIN_PATH";

/// Runs the program that the arguments name, with the rest of the arguments.
pub(crate) fn run(args: &[String]) -> Result {
    let Some((program, args)) = args.split_first() else {
        return Err(Failure::new("`watch` takes a test program and its arguments"));
    };
    Watched::start(program, args)?.wait(SILENCE)
}

/// The arguments by which cargo runs every test program through this verb.
pub(crate) fn runner() -> io::Result<[String; 2]> {
    let xtask = std::env::current_exe()?;
    let runner = serde_json::json!([xtask.to_string_lossy(), "watch"]);
    Ok(["--config".to_owned(), format!("target.'cfg(all())'.runner={runner}")])
}

/// A test program that runs.
struct Watched {
    name: String,
    child: Child,
    output: Receiver<Vec<u8>>,
}

impl Watched {
    #[expect(clippy::disallowed_methods, reason = "reads what a real process prints")]
    fn start(program: &str, args: &[String]) -> Result<Self> {
        let name = Path::new(program).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let failed = |error: io::Error| Failure::new(format!("`{program}` did not start: {error}"));
        let mut command = Command::new(program);
        command.args(args).env(DOCTESTS_PROGRAM, program).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let stdout = child.stdout.take().expect("its output is piped");
        let (sender, output) = mpsc::channel();
        std::thread::spawn(move || read(stdout, &sender));
        Ok(Self { name, child, output })
    }

    /// Shows what it prints, until it ends or has printed nothing for `silence`.
    #[expect(clippy::disallowed_methods, reason = "waits for a real process by the machine's clock")]
    fn wait(mut self, mut silence: Duration) -> Result {
        let mut running = Running::default();
        let mut last = Instant::now();
        let mut ended = None;
        loop {
            match self.output.recv_timeout(LOOK_EVERY) {
                Ok(printed) => {
                    show(&printed)?;
                    running.learn(&printed);
                    last = Instant::now();
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.child.wait().map_err(|error| self.lost(&error))?;
                    return self.judge(status);
                }
                Err(RecvTimeoutError::Timeout) if last.elapsed() >= silence => {
                    return match ended {
                        Some(status) => self.judge(status),
                        None => Err(self.stuck(silence, &running)),
                    };
                }
                Err(RecvTimeoutError::Timeout) if ended.is_none() => {
                    ended = self.child.try_wait().map_err(|error| self.lost(&error))?;
                    if ended.is_some() {
                        (silence, last) = (AFTERMATH, Instant::now());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn judge(&self, status: ExitStatus) -> Result {
        if status.success() { Ok(()) } else { Err(self.failure(&format!("ended with {status}"))) }
    }

    fn stuck(&mut self, silence: Duration, running: &Running) -> Failure {
        self.end(GRACE);
        let tests: Vec<&str> = running.slow.iter().map(String::as_str).collect();
        let which = if tests.is_empty() { String::new() } else { format!("; still running: {}", tests.join(", ")) };
        self.failure(&format!("printed nothing for {} s and was ended{which}", silence.as_secs()))
    }

    /// Tells it to end, and kills it if it has not ended after a while.
    #[expect(clippy::disallowed_methods, reason = "waits for a real process by the machine's clock")]
    fn end(&mut self, grace: Duration) {
        let until = Instant::now() + grace;
        // Where there is no `kill`, and if it has ended in this very moment, this does nothing.
        let _ = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).stderr(Stdio::null()).status();
        while Instant::now() < until && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(LOOK_EVERY);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn lost(&self, error: &io::Error) -> Failure {
        self.failure(&format!("was lost: {error}"))
    }

    fn failure(&self, what: &str) -> Failure {
        Failure::new(format!("the test program `{}` {what}", self.name))
    }
}

/// Sends on what is printed, until the last writer has closed it.
fn read(mut stdout: ChildStdout, output: &Sender<Vec<u8>>) {
    let mut buffer = [0; 8192];
    while let Ok(length) = stdout.read(&mut buffer) {
        if length == 0 || output.send(buffer[..length].to_vec()).is_err() {
            return;
        }
    }
}

fn show(printed: &[u8]) -> Result {
    let mut out = io::stdout().lock();
    let shown = out.write_all(printed).and_then(|()| out.flush());
    shown.map_err(|error| Failure::new(format!("cannot show what a test prints: {error}")))
}

/// Which tests take long, as libtest says it: once when a minute has passed, and when they end.
#[derive(Default)]
struct Running {
    slow: BTreeSet<String>,
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
}

impl Running {
    fn learn(&mut self, printed: &[u8]) {
        for &byte in printed {
            if byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.learn_line(&String::from_utf8_lossy(&line));
            } else {
                self.line.push(byte);
            }
        }
    }

    fn learn_line(&mut self, line: &str) {
        let Some(test) = line.strip_prefix("test ") else { return };
        if let Some((name, _)) = test.split_once(" has been running for over") {
            self.slow.insert(name.to_owned());
        } else if let Some((name, _)) = test.split_once(" ... ") {
            self.slow.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    //! Programs that end, and one that does not.

    use super::*;

    fn watch(script: &str, silence: Duration) -> Result {
        Watched::start("sh", &["-c".to_owned(), script.to_owned()])?.wait(silence)
    }

    #[test]
    fn a_program_that_ends_is_judged_by_its_status() {
        watch("true", SILENCE).expect("it succeeds");
        let failure = watch("exit 3", SILENCE).expect_err("it fails");
        assert_eq!(failure.to_string(), "the test program `sh` ended with exit status: 3");
    }

    #[test]
    fn a_program_that_makes_no_progress_is_ended() {
        let failure = watch("exec sleep 1000", Duration::from_millis(10)).expect_err("it does not end");
        assert_eq!(failure.to_string(), "the test program `sh` printed nothing for 0 s and was ended");
    }

    #[test]
    fn a_program_that_is_ended_can_end_what_it_has_started() {
        let script = "sleep 1000 & trap 'kill $!; echo ended $!; exit 3' TERM; echo started; wait";
        let mut watched = Watched::start("sh", &["-c".to_owned(), script.to_owned()]).expect("it starts");
        assert_eq!(watched.output.recv().expect("it prints"), b"started\n");
        watched.end(GRACE);
        // The output is closed when all that held it have ended.
        let said: Vec<u8> = watched.output.iter().flatten().collect();
        assert!(said.starts_with(b"ended "), "{said:?}");
    }

    #[test]
    fn a_program_that_does_not_end_when_it_is_told_is_killed() {
        let script = "trap '' TERM; echo started; exec sleep 1000";
        let mut watched = Watched::start("sh", &["-c".to_owned(), script.to_owned()]).expect("it starts");
        assert_eq!(watched.output.recv().expect("it prints"), b"started\n");
        watched.end(Duration::from_millis(10));
        assert_eq!(watched.output.recv().ok(), None);
    }

    #[test]
    fn the_tests_that_hold_a_program_up_are_named() {
        let mut running = Running::default();
        running.learn(b"test a has been running for over 60 seconds\n");
        let mut watched = Watched::start("true", &[]).expect("it starts");
        let failure = watched.stuck(SILENCE, &running).to_string();
        assert!(failure.ends_with("printed nothing for 600 s and was ended; still running: a"), "{failure}");
    }

    #[test]
    fn a_line_may_come_in_parts() {
        let mut running = Running::default();
        running.learn(b"test a has been run");
        running.learn(b"ning for over 60 seconds\ntest b has been running for over 60 seconds\ntest a ...");
        assert_eq!(running.slow.len(), 2);
        running.learn(b" FAILED\n");
        assert_eq!(running.slow.into_iter().collect::<Vec<_>>(), ["b"]);
    }
}
