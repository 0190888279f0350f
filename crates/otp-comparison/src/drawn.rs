//! Scripts drawn from a seed: processes, supervisors and event managers, with whatever can befall them.
//!
//! What two processes do in one step at the same time may race, and then either order is right; so each step begins at one
//! process. Nobody kills itself: in OTP it would stop in the middle of its callback, here at its next await. And nobody does what
//! `docs/conformance.md` lists as a difference that is meant.

use crate::script::{Script, parse};

mod chance;
// What is drawn.
mod managers;
mod processes;
mod trees;

use chance::Chance;

/// The script of a seed: of five one is about supervisors, and one about event managers.
///
/// # Panics
///
/// If it cannot be read, which is a fault of this module.
pub fn script(seed: u64) -> Script {
    let chance = Chance::new(seed);
    let text = match seed % 5 {
        3 => trees::text(chance),
        4 => managers::text(chance),
        _ => processes::text(chance),
    };
    let text = format!("== script {seed}\n{text}");
    parse(&text).unwrap_or_else(|error| panic!("{error} of\n{text}")).remove(0)
}

#[cfg(test)]
mod tests {
    //! Facts about drawn scripts.

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_seed_draws_one_script() {
        assert_eq!(script(7), script(7));
        assert_ne!(script(7).steps, script(8).steps);
    }

    #[test]
    fn what_is_drawn_can_be_read() {
        for seed in 0..500 {
            let script = script(seed);
            assert!(script.steps.len() >= 8, "{script}");
        }
    }

    #[test]
    fn what_befalls_processes_is_drawn() {
        let words: BTreeSet<String> = (0..500).flat_map(words_of).collect();
        let all = "server plain name call call! cast send request receive await within keep answer respond link unlink monitor \
                   demonitor exit kill halt start register whereis trap timer cancel read suspend resume hold open sleep wait on \
                   terminate timeout down idle hibernate then stop reply reply_idle reply_hibernate reply_then stop_reply fail \
                   raise ignore sup child child_sup one_for_one one_for_all rest_for_one permanent transient temporary significant \
                   auto brutal infinity dynamic start_child terminate_child restart_child delete_child which count only manager add \
                   owned delete swap swap_to notify sync tell ask handlers leave reply_leave";
        let missing: Vec<&str> = all.split_whitespace().filter(|word| !words.contains(*word)).collect();
        assert_eq!(missing, [""; 0]);
    }

    fn words_of(seed: u64) -> Vec<String> {
        script(seed).to_string().split([' ', '[', ']', ';', '\n']).map(str::to_owned).collect()
    }
}
