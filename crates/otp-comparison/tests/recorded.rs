//! What these crates do beside what OTP did when it was recorded.

use otp_comparison::listed;
use otp_comparison::record::{self, Recorded};
use otp_comparison::scenarios::families;

const RECORDS: [(&str, &str); 5] = [
    ("processes", include_str!("../record/processes.txt")),
    ("servers", include_str!("../record/servers.txt")),
    ("supervisors", include_str!("../record/supervisors.txt")),
    ("managers", include_str!("../record/managers.txt")),
    ("drawn", include_str!("../record/drawn.txt")),
];

fn recorded(name: &str) -> Vec<Recorded> {
    let (_, text) = RECORDS.iter().find(|(it, _)| *it == name).expect("there is a record of each family");
    record::read(text).unwrap_or_else(|error| panic!("record/{name}.txt: {error}"))
}

#[track_caller]
fn check(name: &str) {
    let differences: Vec<String> = recorded(name).iter().flat_map(Recorded::differences).collect();
    let count = differences.len();
    assert!(
        differences.is_empty(),
        "{}{count} differences from what OTP did, which is marked `-`",
        differences.join("\n")
    );
}

#[test]
fn processes_do_what_those_of_otp_do() {
    check("processes");
}

#[test]
fn servers_do_what_those_of_otp_do() {
    check("servers");
}

#[test]
fn supervisors_do_what_those_of_otp_do() {
    check("supervisors");
}

#[test]
fn managers_do_what_those_of_otp_do() {
    check("managers");
}

#[test]
fn processes_in_drawn_scripts_do_what_those_of_otp_do() {
    check("drawn");
}

#[test]
fn every_scenario_is_recorded_as_it_is_written() {
    for family in families() {
        let recorded = recorded(family.name);
        for script in &family.scripts {
            let is_recorded = recorded.iter().any(|it| it.script == *script);
            assert!(is_recorded, "record anew with `cargo xtask erlang --record`: `{}` is not as it was", script.name);
        }
        assert_eq!(
            recorded.len(),
            family.scripts.len(),
            "record {} anew with `cargo xtask erlang --record`",
            family.name
        );
    }
}

#[test]
fn every_difference_that_is_listed_is_recorded_and_no_other() {
    let listed = listed::names();
    for (name, _) in RECORDS {
        for it in recorded(name) {
            assert_eq!(!it.here.is_empty(), listed.contains(&&*it.script.name), "{}", it.script.name);
        }
    }
}
