//! Gives the bytes of a fuzzer to a session of the line protocol. Without a fuzzer, those of the files that are its arguments.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (fuzz::find("lines").run)(bytes));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    fuzz::run_files("lines")
}
