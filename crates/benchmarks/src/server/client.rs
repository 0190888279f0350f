//! A client of one thread for any number of connections, the same for all servers.

use std::cell::RefCell;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};

use crate::workloads::now;

/// The client never sleeps. To wake a thread of a machine that is idle otherwise costs more than a command, and who sends pays for it:
/// a server that is a little slower than the client would be measured as a much slower one.
const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// How a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Over how many connections.
    pub(super) connections: usize,
    /// How many commands it sends before it waits for their answers.
    pub(super) pipeline: usize,
}

/// What is sent.
#[derive(Debug)]
pub(super) struct Speech {
    /// Commands, one after the other and from the beginning again.
    pub(super) commands: Vec<Vec<u8>>,
    /// How many lines the answer to one has.
    pub(super) lines: usize,
}

/// How long each batch took from its sending to its last answer, in nanoseconds.
pub(super) type Waits = Rc<RefCell<Vec<u32>>>;

/// Connections, and the task that waits for all of them.
#[derive(Debug)]
pub(super) struct Client {
    connections: Vec<Connection>,
    epoll: std::os::fd::OwnedFd,
    pipeline: usize,
    waits: Waits,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    /// Which command comes next.
    next: usize,
    /// How many commands it still has to send.
    left: u64,
    /// How many lines it waits for.
    awaited: usize,
    /// When it has sent what it waits for.
    sent: Instant,
}

impl Client {
    pub(super) fn connect(address: SocketAddr, shape: Shape) -> Self {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).expect("there are descriptors");
        let connections = (0..shape.connections).map(|number| {
            let stream = TcpStream::connect(address).expect("the server runs");
            stream.set_nodelay(true).and_then(|()| stream.set_nonblocking(true)).expect("it is a socket");
            let data = epoll::EventData::new_u64(number as u64);
            epoll::add(&epoll, &stream, data, epoll::EventFlags::IN).expect("it is new");
            // Each begins somewhere else.
            Connection { stream, next: number * 17, left: 0, awaited: 0, sent: now() }
        });
        Self { connections: connections.collect(), epoll, pipeline: shape.pipeline, waits: Waits::default() }
    }

    /// How long each of its batches has taken so far.
    pub(super) fn waits(&self) -> Waits {
        Rc::clone(&self.waits)
    }

    /// Sends so many commands, shared by all connections, and waits for the answers. How long that takes.
    pub(super) fn run(&mut self, speech: &Speech, commands: u64) -> Duration {
        let mut scratch = vec![0; 64 * 1024];
        let mut batch = Vec::new();
        let share = commands / self.connections.len() as u64;
        let mut busy = self.connections.len();
        let start = now();
        for connection in &mut self.connections {
            connection.left = share;
            connection.send(speech, self.pipeline, &mut batch);
        }
        let mut events = Vec::with_capacity(busy);
        while busy > 0 {
            events.clear();
            epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&AT_ONCE))
                .expect("no signal comes");
            for event in &events {
                let number = usize::try_from(event.data.u64()).expect("it was a usize");
                let connection = &mut self.connections[number];
                if !connection.receive(&mut scratch) {
                    continue;
                }
                let wait = connection.sent.elapsed().as_nanos();
                self.waits.borrow_mut().push(u32::try_from(wait).unwrap_or(u32::MAX));
                if !connection.send(speech, self.pipeline, &mut batch) {
                    busy -= 1;
                }
            }
        }
        start.elapsed()
    }
}

impl Connection {
    /// Sends the next commands; false if none are left.
    fn send(&mut self, speech: &Speech, pipeline: usize, batch: &mut Vec<u8>) -> bool {
        if self.left == 0 {
            return false;
        }
        let count = self.left.min(pipeline as u64);
        batch.clear();
        for _ in 0..count {
            batch.extend(&speech.commands[self.next % speech.commands.len()]);
            self.next += 1;
            self.awaited += speech.lines;
        }
        self.left -= count;
        self.sent = now();
        self.stream.write_all(batch).expect("a few commands fit into a socket");
        true
    }

    /// Reads what is there; whether all answers have come.
    fn receive(&mut self, scratch: &mut [u8]) -> bool {
        match self.stream.read(scratch) {
            Ok(0) => panic!("the server has closed a connection"),
            Ok(bytes) => {
                let lines: usize = scratch[..bytes].iter().map(|byte| usize::from(*byte == b'\n')).sum();
                self.awaited = self.awaited.checked_sub(lines).expect("as many answers as commands");
                self.awaited == 0
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(error) => panic!("{error}"),
        }
    }
}
