//! A server for tests: it answers in every way in which a server can, and in some in which none should.

use std::fmt;

use genserver::{Caller, Cx, GenServer, Init, Next, Outcome, Reason};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::wire::messages::{Clustered, Messages, Remote};

/// Keeps a sum, and the callers who wait.
#[derive(Default)]
pub(crate) struct Desk {
    sum: i64,
    waiting: Vec<Caller<i64>>,
}

pub(crate) enum Call {
    Sum(Caller<i64>),
    Wait(Caller<i64>),
    Forget(Caller<i64>),
    End(How, Caller<i64>),
    Text(usize, Caller<String>),
    Stubborn(Caller<Stubborn>),
}

/// Asks for the sum.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Sum;

/// Is answered with the next addition.
#[derive(Serialize, Deserialize)]
pub(crate) struct Wait;

/// Is never answered.
#[derive(Serialize, Deserialize)]
pub(crate) struct Forget;

/// Ends the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum How {
    Normal,
    Shutdown,
    ShutdownWith,
    Term,
    Error,
    Panic,
    NoConnection,
}

/// Asks for a text of this length.
#[derive(Serialize, Deserialize)]
pub(crate) struct Text {
    pub(crate) length: usize,
}

/// Asks for what cannot be written.
#[derive(Serialize, Deserialize)]
pub(crate) struct AskStubborn;

/// Can be neither written nor read.
pub(crate) struct Stubborn;

/// Panics when it is read.
#[derive(Serialize)]
pub(crate) struct PanicsInRead;

/// Panics when it is made a message of this machine.
#[derive(Serialize, Deserialize)]
pub(crate) struct PanicsInLocal;

/// Is in no list.
#[derive(Serialize, Deserialize)]
pub(crate) struct Unlisted;

/// Adds to the sum.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Add {
    pub(crate) amount: i64,
    /// A field that an older build does not know.
    #[serde(default)]
    pub(crate) note: Option<String>,
}

impl Add {
    pub(crate) fn new(amount: i64) -> Self {
        Self { amount, note: None }
    }
}

impl Clustered for Desk {
    fn messages() -> Messages<Self> {
        Messages::new("test.desk", 3)
            .call::<Sum>("sum")
            .call::<Wait>("wait")
            .call::<Forget>("forget")
            .call::<How>("end")
            .call::<Text>("text")
            .call::<AskStubborn>("stubborn")
            .call::<PanicsInRead>("panics_in_read")
            .call::<PanicsInLocal>("panics_in_local")
            .cast::<Add>("add")
    }
}

/// Calls that are asked as they are.
macro_rules! remote {
    ($($message:ident -> $reply:ty: $local:expr;)*) => {$(
        impl Remote<$message> for Desk {
            type Reply = $reply;

            fn local(message: $message, caller: Caller<$reply>) -> Call {
                $local(message, caller)
            }
        }
    )*};
}

remote! {
    Sum -> i64: |_, caller| Call::Sum(caller);
    Wait -> i64: |_, caller| Call::Wait(caller);
    Forget -> i64: |_, caller| Call::Forget(caller);
    How -> i64: Call::End;
    Text -> String: |text: Text, caller| Call::Text(text.length, caller);
    AskStubborn -> Stubborn: |_, caller| Call::Stubborn(caller);
    PanicsInRead -> i64: |_, caller| Call::Sum(caller);
    PanicsInLocal -> i64: |_, _| panic!("made badly");
    Unlisted -> i64: |_, caller| Call::Sum(caller);
}

impl GenServer for Desk {
    type Args = ();
    type Call = Call;
    type Cast = Add;
    type Info = ();

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self::default())
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Sum(caller) => Next::reply(caller, self.sum),
            Call::Wait(caller) => {
                self.waiting.push(caller);
                Next::wait()
            }
            Call::Forget(caller) => {
                drop(caller);
                Next::wait()
            }
            Call::End(how, caller) => {
                self.waiting.push(caller);
                Next::stop(how.reason())
            }
            Call::Text(length, caller) => Next::reply(caller, "x".repeat(length)),
            Call::Stubborn(caller) => Next::reply(caller, Stubborn),
        }
    }

    async fn handle_cast(&mut self, add: Add, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.sum = self.sum.wrapping_add(add.amount);
        for caller in self.waiting.drain(..) {
            caller.reply(self.sum);
        }
        Next::wait()
    }
}

impl How {
    pub(crate) const ALL: [Self; 7] =
        [Self::Normal, Self::Shutdown, Self::ShutdownWith, Self::Term, Self::Error, Self::Panic, Self::NoConnection];

    /// The reason with which the server ends.
    pub(crate) fn reason(self) -> Reason {
        match self {
            Self::Normal => Reason::Normal,
            Self::Shutdown => Reason::Shutdown,
            Self::ShutdownWith => Reason::shutdown_with("idle"),
            Self::Term => Reason::term(OutOfPaper { tray: 2 }),
            Self::Error => "x".parse::<i32>().expect_err("it is not a number").into(),
            Self::Panic => Reason::caught(Box::new("the desk broke")),
            Self::NoConnection => Reason::NoConnection,
        }
    }
}

/// A reason of the program's own.
#[derive(PartialEq, Debug)]
struct OutOfPaper {
    tray: u8,
}

impl Serialize for Stubborn {
    fn serialize<S: Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it does not want to"))
    }
}

impl<'de> Deserialize<'de> for Stubborn {
    fn deserialize<D: Deserializer<'de>>(_deserializer: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("it does not want to"))
    }
}

impl<'de> Deserialize<'de> for PanicsInRead {
    fn deserialize<D: Deserializer<'de>>(_deserializer: D) -> Result<Self, D::Error> {
        panic!("read badly")
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("sum", &self.sum).finish_non_exhaustive()
    }
}
