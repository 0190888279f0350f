//! The prompt without a terminal: lines in, answers out.

use bytes::Bytes;
use futures::io::{AsyncRead, AsyncReadExt};
use futures::{FutureExt, StreamExt, pin_mut, select_biased};
use kv_server::{Command, Limits, LineBuffer};

use crate::Connection;
use crate::exit::{Exit, Failure};
use crate::print::{self, Output};
use crate::watch::{self, Watched};

/// How many bytes are read at once, which bounds a pipeline.
const READ_MAX: usize = 16 * 1024;

/// Answers every line of the input, until it ends or says `QUIT`. Lines that arrive together are sent together.
///
/// If it `fails`, it says which lines had commands that failed, and ends with the exit code of the first.
pub(crate) async fn run(mut connection: Connection, input: impl AsyncRead + Unpin, fails: bool) -> Result<(), Failure> {
    let mut input = Input::new(input);
    let mut answers = Answers { output: Output::new(), line: 0, fails, failure: None };
    loop {
        let lines = input.lines().await?;
        if lines.is_empty() {
            return answers.end();
        }
        for line in lines {
            match Command::parse(line.clone()) {
                Ok(command) => {
                    if let Some(watched) = Watched::by(&command) {
                        answers.print(&mut connection).await?;
                        events(connection, watched, input, &mut answers.output).await?;
                        return answers.end();
                    }
                    connection.queue(&command);
                    if command == Command::Quit {
                        answers.print(&mut connection).await?;
                        return answers.end();
                    }
                }
                // A newer server may know it.
                Err(_) => connection.queue_unknown(&line),
            }
        }
        answers.print(&mut connection).await?;
    }
}

/// The answers to the lines.
struct Answers {
    output: Output,
    /// How many lines are answered.
    line: u64,
    fails: bool,
    /// The first one.
    failure: Option<Failure>,
}

impl Answers {
    /// Prints the answers to all queued commands.
    async fn print(&mut self, connection: &mut Connection) -> Result<(), Failure> {
        while connection.awaited() > 0 {
            let answer = connection.answer().await.map_err(|error| Failure::new(Exit::Server, error))?;
            self.line += 1;
            self.output.write(&print::answer(&answer))?;
            if self.fails
                && let Some(failure) = print::refusal(&answer)
            {
                let failure = failure.at(format_args!("line {}", self.line));
                failure.say();
                self.failure.get_or_insert_with(|| failure.said());
            }
        }
        self.output.flush()?;
        Ok(())
    }

    fn end(self) -> Result<(), Failure> {
        self.failure.map_or(Ok(()), Err)
    }
}

/// Prints events until the input ends or says `QUIT`, or the server closes the connection.
async fn events<I>(
    connection: Connection,
    watched: Watched,
    mut input: Input<I>,
    output: &mut Output,
) -> Result<(), Failure>
where
    I: AsyncRead + Unpin,
{
    let events = watched.subscribe(connection).await.map_err(watch::failed)?;
    let mut events = events.fuse();
    output.write(b"OK\n")?;
    output.flush()?;
    let over = async {
        loop {
            let lines = input.lines().await?;
            if lines.is_empty() || lines.into_iter().any(|line| Command::parse(line) == Ok(Command::Quit)) {
                return Ok(());
            }
        }
    };
    pin_mut!(over);
    let mut over = over.fuse();
    loop {
        select_biased! {
            event = events.next() => {
                let Some(event) = event else { return Ok(()) };
                output.write(&print::event(&event.map_err(|error| Failure::new(Exit::Server, error))?))?;
                output.flush()?;
            }
            over = over => return over,
        }
    }
}

/// Reads lines, as many as have arrived.
struct Input<I> {
    reader: I,
    buffer: Vec<u8>,
    lines: LineBuffer,
}

impl<I: AsyncRead + Unpin> Input<I> {
    fn new(reader: I) -> Self {
        Self { reader, buffer: vec![0; READ_MAX], lines: LineBuffer::new() }
    }

    /// The lines that have arrived, without their ends: at least one, unless the input has ended.
    async fn lines(&mut self) -> Result<Vec<Bytes>, Failure> {
        let most = Limits::default().line;
        loop {
            let whole = self.lines.take();
            if !whole.is_empty() {
                return Ok(LineBuffer::of(&whole).map(|line| whole.slice_ref(line)).collect());
            }
            if self.lines.rest().len() > most {
                let message =
                    format_args!("a line of the input has more than {most} bytes, and a server takes none; divide it");
                return Err(Failure::new(Exit::Usage, message));
            }
            let read = self.reader.read(&mut self.buffer).await;
            match read.map_err(|error| Failure::new(Exit::Usage, format_args!("the input cannot be read: {error}")))? {
                0 if self.lines.rest().is_empty() => return Ok(Vec::new()),
                // The last line may have no end.
                0 => self.lines.push(b"\n"),
                length => self.lines.push(&self.buffer[..length]),
            }
        }
    }
}
