//! Compares actor libraries, prints the tables and writes the results for tools.

use std::env;
use std::process::ExitCode;

use benchmarks::agents;
use benchmarks::allocations;
use benchmarks::buckets;
use benchmarks::contenders::{self, BASE, Contender, OURS};
use benchmarks::cycles;
use benchmarks::event_log;
use benchmarks::events;
use benchmarks::fairness;
use benchmarks::measure::{self, Record};
use benchmarks::memory;
use benchmarks::options::{Options, scratch};
use benchmarks::report;
use benchmarks::server;
use benchmarks::subjects::World;
use benchmarks::subjects::erlang::Erlang;
use benchmarks::supervision;
use benchmarks::tail;
use benchmarks::workloads::WORKLOADS;

type Contenders = Vec<Box<dyn Contender>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments.as_slice() {
        [flag, subject, servers] if flag == memory::FLAG => idle_bytes(subject, servers),
        _ => Options::parse(arguments.into_iter()).and_then(|options| compare(&options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            report::line(&message);
            ExitCode::FAILURE
        }
    }
}

/// What the program does as its own child.
fn idle_bytes(subject: &str, servers: &str) -> Result<(), String> {
    let servers = servers.parse().map_err(|error| format!("{servers}: {error}"))?;
    let bytes = if subject == buckets::EMPTY {
        buckets::grow(servers)
    } else {
        let mut contenders = contenders::all(&scratch());
        let contender = contenders.iter_mut().find(|contender| contender.id() == subject);
        contender.and_then(|contender| contender.idle_bytes(servers))
    };
    report::line(&bytes.ok_or("too many, or this system does not tell")?.to_string());
    Ok(())
}

fn compare(options: &Options) -> Result<(), String> {
    report::machine();
    if options.tail {
        let records = tail::compare(options);
        cycles::compare(options);
        return report::write(&options.json, &records);
    }
    if options.server {
        return report::write(&options.json, &server::compare(options));
    }
    let mut contenders = chosen(options)?;
    let subjects = ids(&contenders);
    let mut records = Vec::new();
    for world in World::ALL {
        records.extend(times(world, options, &mut contenders));
        records.extend(agents::compare(world, options));
        records.extend(supervision::compare(world, options));
        records.extend(event_log::compare(world, options));
        records.extend(events::compare(world, options));
        records.extend(buckets::compare(world, options));
    }
    let mut counted = idle_rows(options, &subjects);
    counted.extend(buckets::bytes(options));
    counted.extend(allocation_rows(options, &subjects)?);
    measure::relate(&mut counted);
    records.extend(counted);
    starvation(options, &mut contenders);
    report::targets(&records);
    report::write(&options.json, &records)
}

/// The subjects asked for, and always the one they are compared with.
fn chosen(options: &Options) -> Result<Contenders, String> {
    let mut contenders = contenders::all(&scratch());
    let known = ids(&contenders);
    if let Some(unknown) = options.subjects.iter().find(|subject| !known.contains(&subject.as_str())) {
        return Err(format!("no subject {unknown}; there are {}", known.join(", ")));
    }
    if !known.contains(&Erlang::ID) {
        report::line("erlang is skipped: there is no erl on the path");
    }
    contenders.retain(|contender| contender.id() == BASE || options.compares(contender.id()));
    Ok(contenders)
}

fn ids(contenders: &Contenders) -> Vec<&'static str> {
    contenders.iter().map(|contender| contender.id()).collect()
}

fn times(world: World, options: &Options, contenders: &mut Contenders) -> Vec<Record> {
    let mut records = Vec::new();
    for mut workload in WORKLOADS.into_iter().filter(|workload| options.wants(workload.id)) {
        if records.is_empty() {
            report::times_heading(world, &ids(contenders));
        }
        if options.quick {
            workload.ops = workload.shape.share(workload.ops / 4);
        }
        let row = measure::compare(world, workload, options.rounds(), contenders);
        report::times(&row);
        records.extend(row);
    }
    records
}

fn idle_rows(options: &Options, subjects: &[&str]) -> Vec<Record> {
    let mut records = Vec::new();
    let counts = memory::COUNTS.into_iter().take(if options.quick { 1 } else { 2 });
    for (servers, workload) in counts.filter(|(_, workload)| options.wants(workload)) {
        if records.is_empty() {
            report::heading(memory::TITLE, subjects);
        }
        for subject in subjects {
            let bytes = memory::per_server(subject, servers);
            records.extend(bytes.map(|bytes| Record::counted(workload, subject, bytes, "bytes")));
        }
        report::values(workload, subjects, &records);
    }
    records
}

fn allocation_rows(options: &Options, subjects: &[&str]) -> Result<Vec<Record>, String> {
    let wanted: Vec<&str> = allocations::WORKLOADS.into_iter().filter(|workload| options.wants(workload)).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let counted = allocations::counted(subjects)?;
    report::heading(allocations::TITLE, subjects);
    let mut records = Vec::new();
    for workload in wanted {
        for one in counted.iter().filter(|one| one.workload == workload) {
            records.push(Record::counted(workload, &one.subject, one.allocations, "allocations"));
        }
        report::values(workload, subjects, &records);
    }
    Ok(records)
}

fn starvation(options: &Options, contenders: &mut Contenders) {
    if !options.wants("ticker") {
        return;
    }
    let ticks = if options.quick { 300 } else { 2_000 };
    let mut late = vec![("nobody calls".to_owned(), fairness::alone(ticks))];
    for contender in contenders.iter_mut().filter(|contender| [BASE, OURS].contains(&contender.id())) {
        late.extend(contender.lateness(ticks).map(|late| (format!("{} is called", contender.id()), late)));
    }
    report::lateness(&late);
}
