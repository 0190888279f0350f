//! What an open page costs: the processor time of a program in which a page looks, beside the same program without one.
//!
//! `cargo run --release -p genserver-observer --example cost -- 10000` takes twenty seconds. The page is what a browser does: an
//! open stream, and a page of the table for every second. The reader of it is in the program and counted with it.
// xtask: compile only

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use genserver::dynamic_supervisor::DynamicSupervisor;
use genserver::supervisor::ChildSpec;
use genserver::{Caller, Cx, GenServer, Init, Never, Next, Node, Outcome};
use genserver_observer::Observer;

/// For how long each is measured.
const SECONDS: u64 = 10;

struct Quiet;

impl GenServer for Quiet {
    type Args = ();
    type Call = Caller<()>;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self)
    }

    async fn handle_call(&mut self, caller: Caller<()>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, ())
    }
}

/// The processor time that this program has used: the fields `utime` and `stime` of Linux, in hundredths of a second.
fn processor_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let (user, system) = (fields.next()?.parse::<u64>().ok()?, fields.next()?.parse::<u64>().ok()?);
    Some(Duration::from_millis((user + system) * 10))
}

/// How much of one core is used while this is done again and again, in percent.
fn measure(mut look: impl FnMut()) -> f64 {
    #[expect(clippy::disallowed_methods, reason = "it is the processor that is measured")]
    let now = Instant::now;
    let (began, before) = (now(), processor_time().unwrap_or_default());
    while now() - began < Duration::from_secs(SECONDS) {
        look();
    }
    let used = processor_time().unwrap_or_default().saturating_sub(before);
    100.0 * used.as_secs_f64() / (now() - began).as_secs_f64()
}

/// One page of the table, as the page asks for it.
const TABLE: &str = "/api/processes?search=&sort=mailbox&descending=true&offset=0&limit=50";

fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut socket = TcpStream::connect(address)?;
    write!(socket, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    Ok(answer.split_once("\r\n\r\n").map(|(_head, body)| body.to_owned()).unwrap_or_default())
}

/// How long the last sample took, in milliseconds.
fn sampling(address: SocketAddr) -> Result<f64, Box<dyn std::error::Error>> {
    let summary: genserver_observer::data::Summary = serde_json::from_str(&get(address, "/api/summary")?)?;
    Ok(summary.tiles.sampling_ms)
}

#[expect(clippy::print_stdout, reason = "a measurement is printed")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let processes = std::env::args().nth(1).map_or(Ok(10_000), |argument| argument.parse::<u32>())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let node = Node::new();
    let page = runtime.block_on(async {
        let supervisor = DynamicSupervisor::new().start().on(&node).await?;
        for _ in 0..processes {
            supervisor.start_child(ChildSpec::server("quiet", || genserver::start_link::<Quiet>(()))).await?;
        }
        Ok::<_, Box<dyn std::error::Error>>(Observer::new(&node).serve("127.0.0.1:0")?)
    })?;
    let idle = measure(|| {
        #[expect(clippy::disallowed_methods, reason = "nothing is to happen meanwhile")]
        std::thread::sleep(Duration::from_secs(1));
    });

    let mut stream = TcpStream::connect(page.address())?;
    write!(stream, "GET /sse HTTP/1.1\r\nHost: {}\r\n\r\n", page.address())?;
    let mut lines = BufReader::new(stream).lines();
    let mut open = |with_table: bool| {
        measure(|| {
            // The numbers come once a second.
            while lines.next().and_then(Result::ok).is_some_and(|line| line != "event: tiles") {}
            if with_table {
                let _ = get(page.address(), TABLE);
            }
        })
    };
    let (streamed, looked) = (open(false), open(true));
    let sample = sampling(page.address())?;
    println!("{processes} processes, percent of one core:");
    println!("  nobody looks                      {idle:>6.2}");
    println!("  an open stream                    {streamed:>6.2}");
    println!("  an open page: stream and table    {looked:>6.2}");
    println!("a sample takes {sample:.2} ms: {:.0} ns for each process", sample * 1e6 / f64::from(processes));
    page.stop();
    Ok(())
}
