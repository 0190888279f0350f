//! The same scenarios on a real Erlang and on these crates, and their traces compared event by event.
//!
//! ```
//! use otp_comparison::ours::{Way, run};
//! use otp_comparison::script::parse;
//!
//! let scenario = "
//! == a call returns the reply
//! plain a
//! server b
//! a: call b [say hello; reply yes]
//! ";
//! let trace = run(&parse(scenario)?[0], Way::Inline)?;
//! let expected = ["0 a: init", "1 b: init", "2 a: order", "2 a: call b -> yes", "2 b: call from a", "2 b: said hello"];
//! assert_eq!(trace.lines(), expected);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A scenario is a script. Each line is a step that tells one process to do something, and between two steps everything comes to
//! rest. Two interpreters run it: [`ours`] here, and the modules in `erlang/` on OTP. What each process saw is its [trace], and
//! the traces are [compared](compare). What OTP did is written down in a [record], so that the tests need no Erlang.
//!
//! # Processes
//!
//! A process has a label. `server a [...]` and `plain a [...]` start one that nobody has started; what is in brackets is what it does
//! first. A server may have a name, as in `server a name @here`; `@here` is a name of the node, `%here` a global one. Each can be used
//! wherever a label can. A second process with a label is called `a#2` in traces, and the label then means that one.
//!
//! `a: ...` tells a process to do something, by a message that reaches it like any other. `wait 2` lets two ticks of the clock pass,
//! `seconds 2` two seconds, and `open a` lets a process go on that waits at its door.
//!
//! # What a process can do
//!
//! | verb | what it does |
//! |---|---|
//! | `say WORD` | writes it into the trace |
//! | `call b [...]`, `call b [...] within 2` | calls a server, which does that in its callback; `call!` fails with what the call fails with |
//! | `cast b [...]`, `send b [...]` | a cast, and a plain message |
//! | `request KEY b [...]`, then `receive KEY`, `await KEY`, `check KEY` | asks now, and fetches the answer later, `within` some ticks |
//! | `gather KEY b [...]`, then `collect` or `pick within 2` | asks several, and fetches whichever answer comes first; `collect` gives up all |
//! | `keep KEY`, `answer KEY WORD`, `respond WORD` | keeps the client, answers it later; answers it at once and goes on |
//! | `link b`, `unlink b`, `monitor b`, `demonitor b`, `trap on`, `trap off` | |
//! | `exit b REASON`, `kill b` | sends an exit |
//! | `halt b REASON` | stops a server and waits for its end |
//! | `start server c [...]`, `start plain c [...]` | with `link`, `monitor`, `name @n`, `within 2`, `hibernate_after 2` |
//! | `register @n`, `whereis @n`, `alive b` | |
//! | `timer KEY 2 b [...]`, `cancel KEY`, `read KEY` | a message in so many ticks |
//! | `suspend b`, `resume b`, `statistics b on`, `off` or `get` | |
//! | `set 7`, `state b`, `replace b 7` | its state, which `sys` shows and replaces; with a word, `replace` fails |
//! | `hold`, `sleep 2` | waits in the callback until the script opens the door, or so many ticks |
//! | `on WHAT [...]` | what it will do at a `down`, `exit`, `timeout`, `gone` (a handler has gone) or in its `terminate` |
//! | `only 2 [...]` | what only the second process of its label does |
//!
//! The last verb of a callback says how it returns: `reply WORD`, `reply_idle WORD 2`, `reply_hibernate WORD`, `reply_then WORD [...]`,
//! `stop_reply REASON WORD`, `stop REASON`, `idle 2`, `hibernate`, `then [...]` (a continue), `ignore` (of an init), `fail REASON`
//! (OTP's `exit/1`) and `raise WORD` (a panic). Without one it waits for the next message.
//!
//! # Supervisors and managers
//!
//! | verb | what it does |
//! |---|---|
//! | `sup s one_for_all 3 5 auto any [child c permanent 2 significant [...]; ...]` | starts a supervisor with its strategy, restarts, seconds, and children: id, restart, shutdown (`brutal`, `infinity` or ticks) |
//! | `child_sup t one_for_one 3 5 [...]` | a child that is a supervisor |
//! | `dynamic d 3 5 permanent 2` | starts a dynamic supervisor, whose children have this restart and shutdown |
//! | `start_child s [child ...]`, `terminate_child s c`, `restart_child s c`, `delete_child s c`, `which s`, `count s` | |
//! | `manager m`, `manager m link`, `manager m name @n` | starts an event manager |
//! | `add m h1 [...]`, `add m h1 owned [...]`, `delete m h1 WORD`, `handlers m` | |
//! | `swap m h1 WORD h2 [...]`, `swap m h1 WORD h2 owned [...]` | |
//! | `notify m [for h1 [...]; for h2 [...]]`, `sync m [...]`, `tell m [...]` | an event, or a plain message, and what each handler does |
//! | `ask m h1 [...]` | calls a handler |
//!
//! A handler can `say` something, set what it does `on terminate`, and return with `leave`, `hibernate`, `swap_to h2 [...]`,
//! `reply WORD`, `reply_leave WORD`, `fail REASON` and `raise WORD`.
//!
//! A reason is a word, or `shutdown(word)`. Ticks are counted so that what is due comes in the middle of one: `timer t 1` fires in the
//! first `wait`.

// What a scenario says: those that are written, and those that are drawn.
pub mod drawn;
pub mod scenarios;
pub mod script;
// What a run is judged by.
pub mod trace;
mod words;
// Scripts on these crates, and on OTP.
pub mod erlang;
pub mod ours;
// Both beside each other.
pub mod compare;
pub mod listed;
pub mod record;
// What is shown of a script that differs.
pub mod smaller;
// The command line.
pub mod options;
