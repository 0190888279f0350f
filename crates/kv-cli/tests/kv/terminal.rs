//! Programs at a pseudo-terminal, and what their screens show.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::{Child, Output};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Instant;

use pty_process::Size;
use pty_process::blocking::{Command, Pty};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{self, LocalModes};
use tempfile::TempDir;

use crate::program::{self, LIMIT};

const ROWS: NonZeroU16 = NonZeroU16::new(40).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(100).unwrap();

/// `kv` at a terminal: a person's keys go in, and the screen is what they would see.
pub(crate) struct Terminal {
    child: Option<Child>,
    keyboard: Arc<Pty>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
}

impl Terminal {
    /// Starts `kv` with a folder for its state and its data.
    pub(crate) fn start(arguments: &[&str], state: &TempDir) -> Self {
        Self::start_with(arguments, state, &[])
    }

    /// The same, with something more in its environment.
    pub(crate) fn start_with(arguments: &[&str], state: &TempDir, environment: &[(&str, &str)]) -> Self {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(Size::new(ROWS.get(), COLUMNS.get())).unwrap();
        let command = Command::new(env!("CARGO_BIN_EXE_kv")).args(arguments).env_clear();
        let command = command.env("TERM", "xterm").env("XDG_STATE_HOME", state.path());
        let command = command.env("XDG_DATA_HOME", state.path().join("data"));
        let command = command.envs(environment.iter().copied());
        let child = command.spawn(pts).unwrap();
        let keyboard = Arc::new(pty);
        let output = output(Arc::clone(&keyboard));
        Self { child: Some(child), keyboard, output, screen: vt100::Parser::new(ROWS, COLUMNS, 0) }
    }

    /// Presses keys.
    pub(crate) fn types(&mut self, keys: &str) {
        self.types_bytes(keys.as_bytes());
    }

    /// The same for keys that are not UTF-8.
    pub(crate) fn types_bytes(&mut self, keys: &[u8]) {
        (&*self.keyboard).write_all(keys).unwrap();
    }

    /// Waits until the screen is as the function says, and returns what it shows: its lines,
    /// without blanks at their ends.
    #[track_caller]
    pub(crate) fn until(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        self.until_terminal(|_, shown| wanted(shown))
    }

    /// Waits until this line is entered, so that Ctrl-C is for its command.
    #[track_caller]
    pub(crate) fn until_entered(&mut self, line: &str) -> String {
        self.until_terminal(|screen, shown| screen.cursor_position().1 == 0 && shown.ends_with(line))
    }

    #[track_caller]
    fn until_terminal(&mut self, wanted: impl Fn(&vt100::Screen, &str) -> bool) -> String {
        let deadline = now() + LIMIT;
        loop {
            let shown = self.shown();
            if wanted(self.screen.screen(), &shown) {
                return shown;
            }
            match self.output.recv_timeout(deadline.saturating_duration_since(now())) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(RecvTimeoutError::Timeout) => panic!("after {LIMIT:?} the screen shows\n{shown}"),
                Err(RecvTimeoutError::Disconnected) => panic!("kv left; the screen shows\n{shown}"),
            }
        }
    }

    /// Waits until this stands on the screen.
    #[track_caller]
    pub(crate) fn until_it_shows(&mut self, text: &str) -> String {
        self.until(|screen| screen.contains(text))
    }

    /// Waits until a command may be typed.
    #[track_caller]
    pub(crate) fn until_it_waits(&mut self) -> String {
        self.until(is_ready)
    }

    /// Types a line, and waits until the next may be typed.
    #[track_caller]
    pub(crate) fn enters(&mut self, line: &str) -> String {
        self.until(is_ready);
        self.types(line);
        self.until(|screen| screen.lines().last().is_some_and(|last| last.starts_with(line)));
        self.types("\r");
        self.until(is_ready)
    }

    fn shown(&self) -> String {
        let contents = self.screen.screen().contents();
        contents.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }

    /// Makes the terminal as large as this, as a person does with a window.
    pub(crate) fn resizes(&mut self, rows: u16, columns: u16) {
        self.screen.screen_mut().set_size(rows.try_into().unwrap(), columns.try_into().unwrap());
        self.keyboard.resize(Size::new(rows, columns)).unwrap();
    }

    /// Whether it shows a screen that is gone when its program leaves.
    pub(crate) fn is_alternate(&self) -> bool {
        self.screen.screen().alternate_screen()
    }

    /// Sends a signal to the program.
    pub(crate) fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("it is there until `end`");
        kill_process(Pid::from_child(child), signal).unwrap();
    }

    /// How it ended, with the screen as it has left it.
    pub(crate) fn left(&mut self) -> Output {
        let output = self.end();
        while let Ok(bytes) = self.output.recv_timeout(LIMIT) {
            self.screen.process(&bytes);
        }
        output
    }

    /// Whether anything on the screen has a colour of its own.
    pub(crate) fn is_coloured(&self) -> bool {
        let screen = self.screen.screen();
        let cells =
            (0..ROWS.get()).flat_map(|row| (0..COLUMNS.get()).filter_map(move |column| screen.cell(row, column)));
        cells.into_iter().any(|cell| cell.fgcolor() != vt100::Color::Default)
    }

    /// Whether it shows what is typed, and gathers it into lines: what a shell finds when a program has left.
    pub(crate) fn is_as_found(&self) -> bool {
        let modes = termios::tcgetattr(&*self.keyboard).unwrap().local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG) && !modes.contains(LocalModes::NOFLSH)
    }

    /// How it ended, after everything that is typed.
    pub(crate) fn end(&mut self) -> Output {
        program::end(self.child.take().expect("it is there until `end`"))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself.
            drop((child.kill(), child.wait()));
        }
    }
}

/// What the empty line says while it waits for a command.
pub(crate) const READY: &str = "(a command; HELP lists them)";

/// Whether the prompt waits for a command, with nothing typed yet.
fn is_ready(screen: &str) -> bool {
    screen.lines().last() == Some(READY)
}

#[expect(clippy::disallowed_methods, reason = "waits for real programs, which no runtime knows of")]
fn output(pty: Arc<Pty>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        // The end of the program is an error at its terminal.
        while let Ok(length @ 1..) = (&*pty).read(&mut buffer) {
            if sender.send(buffer[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

#[expect(clippy::disallowed_methods, reason = "waits for real programs, which no runtime knows of")]
fn now() -> Instant {
    Instant::now()
}
