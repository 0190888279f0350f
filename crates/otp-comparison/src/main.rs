//! `cargo xtask erlang`: compares these crates with OTP, prints the differences, and records what OTP does.

#![expect(clippy::print_stdout, reason = "a program at a terminal talks to its user")]

use std::process::ExitCode;

use otp_comparison::compare::{Compared, compare, explore, smallest};
use otp_comparison::erlang::Erlang;
use otp_comparison::options::{Options, scratch};
use otp_comparison::record::{self, Recorded};
use otp_comparison::scenarios::{Family, families};
use otp_comparison::script::Script;
use otp_comparison::{drawn, listed};

/// How many drawn scripts are recorded, and how many traces one may have.
const DRAWN: usize = 220;
const TRACES: usize = 4;

/// Of so many scripts that differ, what matters is worked out.
const SHORTENED: usize = 5;

/// With which seeds OTP shows what else it may do in what is recorded.
const RECORDED_SEEDS: std::ops::RangeInclusive<u32> = 1001..=1020;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            println!("{message}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all that differs is listed, and all that is listed differs.
fn run(options: &Options) -> Result<bool, Box<dyn std::error::Error>> {
    let erlang = Erlang::find(&scratch())?;
    println!("beside OTP {}", erlang.release()?);
    if options.scripts > 0 {
        println!("and {} scripts, drawn from the seeds from {} on", options.scripts, options.first);
    }
    let mut families = families();
    if let Some(words) = &options.words {
        for family in &mut families {
            family.scripts.retain(|script| script.name.contains(words.as_str()));
        }
    }
    let drawn: Vec<Script> = (options.first..options.first + options.scripts).map(drawn::script).collect();
    let written: Vec<&Script> = families.iter().flat_map(|family| &family.scripts).collect();
    let scenarios = written.len();
    let scripts: Vec<&Script> = written.into_iter().chain(&drawn).collect();
    let listed = listed::names();
    let mut compared = compare(&erlang, &scripts, &listed)?;
    let (mut as_listed, mut wrong) = (0, 0);
    for compared in &compared {
        let is_listed = listed.contains(&&*compared.script.name);
        match compared.complaint(is_listed) {
            Some(complaint) => {
                wrong += 1;
                println!("{complaint}");
                if !is_listed && wrong <= SHORTENED {
                    println!("{}", shortened(&erlang, compared.script)?);
                }
            }
            None => as_listed += usize::from(is_listed),
        }
        if options.shows {
            println!("{}--\n{}", compared.script, compared.theirs[0]);
        }
    }
    let others = if wrong == 0 { String::new() } else { format!(", and {wrong} that are not") };
    println!("{scenarios} scenarios, {} scripts: all the same but {as_listed} listed differences{others}", drawn.len());
    if options.records {
        record(&erlang, &families, &mut compared, &listed)?;
    }
    Ok(wrong == 0)
}

/// What is left of a script that differs when all is taken away that does not matter.
fn shortened(erlang: &Erlang, script: &Script) -> Result<String, Box<dyn std::error::Error>> {
    let smallest = smallest(erlang, script)?;
    let compared = compare(erlang, &[&smallest], &[])?.remove(0);
    // It may have got fewer chances than the script itself.
    let shown = compared.complaint(false);
    Ok(shown
        .map_or_else(|| "it cannot be made smaller".to_owned(), |shown| format!("the same with less in it:\n{shown}")))
}

/// Writes down what OTP does in each scenario, and in some of the drawn scripts.
fn record(
    erlang: &Erlang,
    families: &[Family],
    compared: &mut [Compared<'_>],
    listed: &[&str],
) -> Result<(), Box<dyn std::error::Error>> {
    let scenarios = families.iter().map(|family| family.scripts.len()).sum();
    let (written, drawn) = compared.split_at_mut(scenarios);
    let some_of_them = drawn.len().min(DRAWN);
    let drawn = &mut drawn[..some_of_them];
    // Everything that OTP may do, not just what it has done so far.
    explore(erlang, &mut written.iter_mut().chain(drawn.iter_mut()).collect::<Vec<_>>(), RECORDED_SEEDS)?;
    let recorded = |compared: &Compared<'_>| Recorded::of(compared, listed.contains(&&*compared.script.name));
    let mut written = written.iter();
    for family in families {
        record::write(family.name, written.by_ref().take(family.scripts.len()).map(recorded))?;
    }
    // One with many traces tests little, and takes much space.
    let clear = drawn.iter().filter(|compared| compared.theirs.len() <= TRACES);
    record::write("drawn", clear.map(recorded))?;
    Ok(())
}
