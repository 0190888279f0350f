//! Reading scripts: one step a line, `who: verb arg [verb arg; verb]`.

use std::iter::Peekable;
use std::sync::Arc;

use super::{Action, Arg, Program, Script, Step};

/// What cannot be read, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The line, counted from one.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for ParseError {}

/// The scripts of a file. A line that begins with `==` begins one and names it; one that begins with `#` is a comment.
///
/// # Errors
///
/// When a line is not a step, or a step stands before the first name.
pub fn parse(text: &str) -> Result<Vec<Script>, ParseError> {
    let mut scripts: Vec<Script> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let error = |what: String| ParseError { line: number, what };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix("==") {
            scripts.push(Script { name: name.trim().to_owned(), steps: Vec::new() });
            continue;
        }
        let script = scripts.last_mut().ok_or_else(|| error("a step before the first `==`".to_owned()))?;
        script.steps.push(step(line).map_err(error)?);
    }
    Ok(scripts)
}

fn step(line: &str) -> Result<Step, String> {
    let (who, program) = match line.split_once(": ") {
        Some((who, program)) if is_word(who) => (Some(who.to_owned()), program),
        _ => (None, line),
    };
    let mut tokens = tokens(program);
    let read = read_program(&mut tokens)?;
    match tokens.next() {
        None => Ok(Step { who, program: read }),
        Some(token) => Err(format!("`{token}` is one too many")),
    }
}

/// Words, brackets and semicolons.
type Tokens<'a> = Peekable<std::vec::IntoIter<&'a str>>;

fn tokens(text: &str) -> Tokens<'_> {
    let pieces = text.split_inclusive(['[', ']', ';', ' ']);
    let tokens = pieces.flat_map(|piece| {
        let word = piece.trim_end_matches(['[', ']', ';', ' ']);
        [word, piece[word.len()..].trim()]
    });
    tokens.filter(|token| !token.is_empty()).collect::<Vec<_>>().into_iter().peekable()
}

fn read_program(tokens: &mut Tokens<'_>) -> Result<Program, String> {
    let mut program = Vec::new();
    loop {
        let verb = match tokens.peek() {
            None | Some(&"]") => return Ok(Arc::from(program)),
            Some(&"[") => return Err("a bracket where a verb is due".to_owned()),
            Some(&verb) => verb,
        };
        tokens.next();
        if verb != ";" {
            program.push(Action { verb: checked(verb)?, args: read_args(tokens)? });
        }
    }
}

fn read_args(tokens: &mut Tokens<'_>) -> Result<Vec<Arg>, String> {
    let mut args = Vec::new();
    while let Some(token) = tokens.next_if(|token| *token != "]" && *token != ";") {
        args.push(match token.parse() {
            Ok(number) => Arg::Number(number),
            Err(_) if token == "[" => {
                let block = read_program(tokens)?;
                tokens.next().ok_or("a bracket is not closed")?;
                Arg::Block(block)
            }
            Err(_) => Arg::Word(checked(token)?),
        });
    }
    Ok(args)
}

fn checked(word: &str) -> Result<String, String> {
    let bare = word.trim_start_matches(['@', '%']).trim_end_matches('!');
    let inner = bare.split_once('(').map_or(Some((bare, "a")), |(outer, rest)| Some((outer, rest.strip_suffix(')')?)));
    match inner {
        Some((outer, inner)) if is_word(outer) && is_word(inner) => Ok(word.to_owned()),
        _ => Err(format!("`{word}` is not a word")),
    }
}

fn is_word(text: &str) -> bool {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(letters)
}

#[cfg(test)]
mod tests {
    //! What is read is what is written.

    use super::*;

    #[test]
    fn a_script_is_read_as_it_is_shown() {
        let text =
            "== a fact\nserver a [trap on]\na: call b [say x; reply shutdown(y)] within 3; stop @n boom\nwait 2\n";
        let scripts = parse(text).expect("it is one");
        assert_eq!(scripts[0].steps.len(), 3);
        assert_eq!(scripts[0].to_string(), text);
    }

    #[test]
    fn what_is_not_a_script_is_refused_with_its_line() {
        let refused = |text: &str| parse(text).expect_err("it is none").to_string();
        assert_eq!(refused("server a"), "line 1: a step before the first `==`");
        assert_eq!(refused("== x\na: call b ["), "line 2: a bracket is not closed");
        assert_eq!(refused("== x\na: call B"), "line 2: `B` is not a word");
        assert_eq!(refused("== x\na: call b ] c"), "line 2: `]` is one too many");
    }
}
