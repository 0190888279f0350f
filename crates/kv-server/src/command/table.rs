//! The macro that turns the table of commands into an enum, a parser, an encoder and explanations.

/// The shape of a command's answer, by which a client finds its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AnswerShape {
    /// One line, which is not a value.
    Line,
    /// A value, which may be any line, and `OK`.
    Value,
    /// A line `* item` for each item, and `OK`.
    Items,
    /// Lines of text, and `OK`.
    Help,
}

/// How a command is explained to a person.
///
/// # Examples
///
/// ```
/// use kv_server::COMMANDS;
///
/// let put = COMMANDS.iter().find(|usage| usage.word == "PUT").expect("it is in the table");
/// assert_eq!(put.arguments, ["bucket", "key", "value"]);
/// assert_eq!(
///     put.to_string(),
///     "PUT bucket key value: stores the value; NOT FOUND if there is no such bucket"
/// );
///
/// let list = COMMANDS.iter().find(|usage| usage.word == "LIST").expect("it is in the table");
/// assert_eq!(list.optional, ["prefix", "limit", "after"]);
/// assert!(list.to_string().starts_with("LIST bucket [prefix [limit [after]]]: "));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct CommandUsage {
    /// The word it begins with.
    pub word: &'static str,
    /// Its arguments, one word each.
    pub arguments: &'static [&'static str],
    /// The arguments that may follow. The last of them may be left out, and an empty word leaves out one before it.
    pub optional: &'static [&'static str],
    /// What it does and answers.
    pub about: &'static str,
    pub(crate) answer: AnswerShape,
}

/// A line of `HELP`.
impl std::fmt::Display for CommandUsage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word)?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {argument}"))?;
        self.optional.iter().try_for_each(|argument| write!(f, " [{argument}"))?;
        write!(f, "{}: {}", "]".repeat(self.optional.len()), self.about)
    }
}

/// Turns the table of commands into everything that has a part for each command.
///
/// A row is a variant, `=`, the first word of its line, the [shape of its answer](AnswerShape), and its text in `HELP`. A
/// variant with arguments has `as`, the name of its constructor, and the arguments, which are shown under the same names;
/// optional arguments stand behind them in brackets.
macro_rules! commands {
    (
        $(#[$attribute:meta])*
        pub enum $Command:ident {$(
            $(#[$doc:meta])*
            $Verb:ident $(as $constructor:ident {
                $($(#[$argument_doc:meta])* $argument:ident,)*
                $([$($(#[$optional_doc:meta])* $optional:ident,)+])?
            })? = $word:literal, $answer:ident, $about:literal;
        )+}
    ) => {
        $(#[$attribute])*
        pub enum $Command {$(
            $(#[$doc])*
            $Verb $({
                $($(#[$argument_doc])* $argument: Bytes,)*
                $($($(#[$optional_doc])* $optional: Option<Bytes>,)+)?
            })?,
        )+}

        /// The kinds of commands.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Verb {$($Verb),+}

        /// Every command, in the order in which to learn them.
        ///
        /// # Examples
        ///
        /// ```
        /// use kv_server::{COMMANDS, Command};
        ///
        /// for usage in COMMANDS {
        ///     let line = [&[usage.word], usage.arguments].concat().join(" ");
        ///     assert!(line.parse::<Command>().is_ok(), "{usage}");
        /// }
        /// ```
        pub const COMMANDS: &[CommandUsage] = &[$(CommandUsage {
            word: $word,
            arguments: &[$($(stringify!($argument)),*)?],
            optional: &[$($($(stringify!($optional)),+)?)?],
            about: $about,
            answer: AnswerShape::$answer,
        }),+];

        impl Verb {
            /// The command whose line begins with this word.
            pub(crate) fn of(word: &[u8]) -> Option<Self> {
                $(if word == $word.as_bytes() {
                    return Some(Self::$Verb);
                })+
                None
            }

            /// Its row of the table, which has the same order.
            pub(crate) fn usage(self) -> &'static CommandUsage {
                &COMMANDS[self as usize]
            }
        }

        /// One constructor for each command that can have arguments, without the optional ones. The others are their variants.
        impl $Command {
            $($(
                #[doc = concat!("Returns the command `", $word, $(" ", stringify!($argument),)* "`. Any bytes will do.")]
                pub fn $constructor($($argument: impl Into<Bytes>),*) -> Self {
                    Self::$Verb { $($argument: $argument.into(),)* $($($optional: None,)+)? }
                }
            )?)+
        }

        impl $Command {
            pub(crate) fn verb(&self) -> Verb {
                match self {
                    $(Self::$Verb { .. } => Verb::$Verb,)+
                }
            }

            /// The command with these arguments. Surplus arguments are ignored.
            fn of(verb: Verb, arguments: [Option<Bytes>; ARGUMENTS_MAX]) -> Self {
                let mut arguments = arguments.into_iter();
                match verb {
                    $(Verb::$Verb => Self::$Verb $({
                        $($argument: arguments.next().flatten().unwrap_or_default(),)*
                        $($($optional: arguments.next().flatten(),)+)?
                    })?,)+
                }
            }

            /// Its arguments, in order. `None` where one is left out.
            fn arguments(&self) -> [Option<&Bytes>; ARGUMENTS_MAX] {
                let mut arguments = [None; ARGUMENTS_MAX];
                match self {
                    $(Self::$Verb $({ $($argument,)* $($($optional,)+)? })? => {
                        let these: &[Option<&Bytes>] = &[$($(Some($argument),)* $($($optional.as_ref(),)+)?)?];
                        arguments[..these.len()].copy_from_slice(these);
                    })+
                }
                arguments
            }
        }
    };
}

pub(super) use commands;
