//! Completions, hints, mistakes and safe text for a prompt. It does not depend on a terminal, so any line editor can use it.

// A line being typed, as words that know where they stand.
mod typed;
// What the word at its end could become.
mod completion;
// What is still to be typed.
mod hint;
// What is wrong with a line, and where.
mod mistake;
// Text that is safe on a terminal.
mod visible;

pub use completion::{Completion, Wanted, with_quoted_command};
pub use hint::hint;
pub use mistake::{Mistake, mistake};
pub use visible::visible;

use crate::command::auth::AUTH;
use crate::{COMMANDS, Command, CommandUsage};

/// What a line may begin with.
fn usages() -> impl Iterator<Item = &'static CommandUsage> {
    COMMANDS.iter().chain([&AUTH])
}

/// The command with this name, in upper or lower case.
fn find(word: &[u8]) -> Option<&'static CommandUsage> {
    usages().find(|usage| usage.word.as_bytes().eq_ignore_ascii_case(word))
}

/// The arguments that may still follow when so many words are given: `[limit [after]]`.
fn optional(usage: &CommandUsage, given: usize) -> String {
    let left = usage.optional.get(given.saturating_sub(usage.arguments.len())..).unwrap_or_default();
    if left.is_empty() { String::new() } else { format!("[{}{}", left.join(" ["), "]".repeat(left.len())) }
}

/// What may have happened to a command whose answer is no longer awaited. `None` is a line that this client does not know.
///
/// # Examples
///
/// ```
/// use kv_server::Command;
/// use kv_server::prompt::given_up;
///
/// let put = Command::put("shopping", "milk", "1");
/// assert!(given_up(Some(&put)).contains("the command may be carried out all the same"));
/// assert!(given_up(Some(&Command::Ping)).contains("the command changes nothing"));
/// ```
pub fn given_up(command: Option<&Command>) -> &'static str {
    match command {
        Some(
            Command::Get { .. }
            | Command::Fetch { .. }
            | Command::TimeToLive { .. }
            | Command::List { .. }
            | Command::Count { .. }
            | Command::Buckets { .. }
            | Command::Subscribe
            | Command::Watch { .. }
            | Command::Ping
            | Command::Help,
        ) => "no longer waiting for the answer; the command changes nothing",
        _ => {
            "no longer waiting for the answer; the command may be carried out all the same: look before you send it again"
        }
    }
}

/// Whether a line has a password in it, so that no history may keep it: it begins with `AUTH`, in upper or lower case, or with something
/// that is one slip from it.
///
/// # Examples
///
/// ```
/// use kv_server::prompt::is_secret;
///
/// assert!(is_secret("AUTH open sesame"));
/// assert!(is_secret(" \"auth\" \"open sesame\""));
/// assert!(is_secret("AUHT open sesame"));
/// assert!(!is_secret("PUT a AUTH 1"));
/// ```
pub fn is_secret(line: &str) -> bool {
    let is_between = |character| typed::is_blank(character) || character == '"';
    let line = line.trim_start_matches(is_between);
    let word = line.split(is_between).next().unwrap_or_default();
    let begins = word.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case(AUTH.word));
    begins || mistake::is_slip(word.as_bytes(), AUTH.word.as_bytes())
}
