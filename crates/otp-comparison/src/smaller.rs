//! Smaller versions of a script, to find the part that makes it differ.

use crate::script::{Action, Arg, Program, Script, Step};

/// The script without some of its steps, or without one of the things that somebody does in a step; what lacks most comes first.
///
/// ```
/// use otp_comparison::script::parse;
/// use otp_comparison::smaller::smaller;
///
/// let script = parse("== a\nplain b\nb: say x; cast b [say y]\n")?.remove(0);
/// let programs = smaller(&script).into_iter().map(|it| it.steps.last().map_or(String::new(), ToString::to_string));
/// let programs: Vec<String> = programs.collect();
/// assert_eq!(programs, ["b: say x; cast b [say y]", "plain b", "b: cast b [say y]", "b: say x", "b: say x; cast b []"]);
/// # Ok::<(), otp_comparison::script::ParseError>(())
/// ```
pub fn smaller(script: &Script) -> Vec<Script> {
    let with = |steps: Vec<Step>| Script { name: script.name.clone(), steps };
    let steps = &script.steps;
    let mut found = Vec::new();
    let mut length = steps.len() / 2;
    while length > 0 {
        for from in (0..steps.len()).step_by(length) {
            let kept = steps.iter().enumerate().filter(|(at, _)| !(from..from + length).contains(at));
            found.push(with(kept.map(|(_, step)| step.clone()).collect()));
        }
        length /= 2;
    }
    for (at, step) in steps.iter().enumerate() {
        for program in without_one(&step.program).into_iter().filter(|program| !program.is_empty()) {
            let mut steps = steps.clone();
            steps[at] = Step { who: step.who.clone(), program };
            found.push(with(steps));
        }
    }
    found
}

/// The program without each of its actions, and without each of those in their blocks.
fn without_one(program: &Program) -> Vec<Program> {
    let whole = (0..program.len()).map(|at| {
        let kept = program.iter().enumerate().filter(|(it, _)| *it != at);
        kept.map(|(_, action)| action.clone()).collect()
    });
    let inner = program.iter().enumerate().flat_map(|(at, action)| {
        let smaller = of_action(action).into_iter();
        smaller.map(move |action| {
            let with = |(it, old): (usize, &Action)| if it == at { action.clone() } else { old.clone() };
            program.iter().enumerate().map(with).collect()
        })
    });
    whole.chain(inner).collect()
}

fn of_action(action: &Action) -> Vec<Action> {
    let blocks = action.args.iter().enumerate().flat_map(|(at, arg)| {
        let smaller = if let Arg::Block(block) = arg { without_one(block) } else { Vec::new() };
        smaller.into_iter().map(move |block| (at, block))
    });
    let with = |(at, block)| {
        let mut action = action.clone();
        action.args[at] = Arg::Block(block);
        action
    };
    blocks.map(with).collect()
}
