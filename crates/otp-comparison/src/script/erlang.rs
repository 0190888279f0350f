//! Writing a script down as the Erlang term that `comparison.erl` reads.

use super::{Action, Arg, Script, Step};

/// One term: `{script, "Name", Seed, CountsTicks, [{Who, [{Verb, Arg, ...}]}]}.`, and the end of a line.
pub fn to_erlang(script: &Script, seed: u32) -> String {
    let steps = list(&script.steps, step);
    format!("{{script, {:?}, {seed}, {}, {steps}}}.\n", script.name, script.counts_ticks())
}

fn step(step: &Step) -> String {
    format!("{{'{}', {}}}", step.who.as_deref().unwrap_or("driver"), list(&step.program, action))
}

fn action(action: &Action) -> String {
    let args = action.args.iter().map(|arg| match arg {
        Arg::Word(word) => format!(", {}", term(word)),
        Arg::Number(number) => format!(", {number}"),
        Arg::Block(program) => format!(", {}", list(program, self::action)),
    });
    format!("{{'{}'{}}}", action.verb, args.collect::<String>())
}

fn term(word: &str) -> String {
    if let Some(name) = word.strip_prefix('@') {
        format!("{{name, '{name}'}}")
    } else if let Some(name) = word.strip_prefix('%') {
        format!("{{global, '{name}'}}")
    } else if let Some((outer, inner)) = word.strip_suffix(')').and_then(|word| word.split_once('(')) {
        format!("{{'{outer}', '{inner}'}}")
    } else {
        format!("'{word}'")
    }
}

fn list<T>(items: &[T], write: impl Fn(&T) -> String) -> String {
    format!("[{}]", items.iter().map(write).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    //! One of everything.

    use super::super::parse;
    use super::*;

    #[test]
    fn a_script_becomes_a_term() {
        let scripts = parse("== a fact\na: call @n [stop shutdown(x)] within 3; send %g []\nwait 1\n").expect("one");
        let term = "{script, \"a fact\", 3, true, [{'a', [{'call', {name, 'n'}, [{'stop', {'shutdown', 'x'}}], 'within', 3}, \
                    {'send', {global, 'g'}, []}]}, {'driver', [{'wait', 1}]}]}.\n";
        assert_eq!(to_erlang(&scripts[0], 3), term);
    }
}
