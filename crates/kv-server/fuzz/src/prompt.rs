//! A line that is being typed: what is said of it points into it, and what is offered reads back as itself.

use kv_server::Command;
use kv_server::prompt::{Completion, hint, is_secret, mistake, visible, with_quoted_command};

pub(crate) fn run(input: &[u8]) {
    let shown = visible(input);
    assert!(
        !shown.chars().any(|it| it.is_control() && it != '\n' && it != '\t'),
        "nothing reaches the terminal: {shown:?}"
    );

    let line = String::from_utf8_lossy(input);
    if let Some(mistake) = mistake(&line) {
        assert!(line.get(mistake.at.clone()).is_some(), "{:?} is a place in the line", mistake.at);
        assert!(line.parse::<Command>().is_err(), "a command has no mistake");
    }
    let _ = hint(&line);
    if let Some(quoted) = with_quoted_command(&line) {
        let _ = quoted.parse::<Command>();
    }
    if let Ok(command) = line.parse::<Command>() {
        assert!(!is_secret(&line) || format!("{command:?}").starts_with("Auth"), "a command without a secret is kept");
    }
    check_offers(&line, &Completion::of(&line));
}

/// Each offer is a word that stands for the name it was made of.
fn check_offers(line: &str, completion: &Completion<'_>) {
    assert!(line.is_char_boundary(completion.start), "the word begins in the line");
    for name in NAMES {
        let expected = Ok(Command::get(name.to_vec(), "k"));
        for offer in completion.offers([name]) {
            let word = offer.strip_suffix(' ').expect("a blank follows the word");
            // Quotes count where the command has them too.
            let read = [format!("GET {word} k"), format!("\"GET\" {word} k")].map(|line| line.parse::<Command>());
            assert!(read.contains(&expected), "{word:?} stands for {name:?}");
        }
    }
}

/// Names that are written without quotes, and names that are not.
const NAMES: [&[u8]; 7] = [b"milk", b"soy milk", b"\"", b"\\", b"", b"\xFF\n", "\u{2003}é".as_bytes()];
