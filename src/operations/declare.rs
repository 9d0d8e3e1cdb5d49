//! A row of the dispatch table, and the macros that write one.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use crate::contract::{Error, Invalid, NAMESPACE, Recast, Record, Shape, Signature, Value, Wire};
use crate::engine::{Change, Engine, Refusal, Timestamp};
use crate::soap::Fault;
use crate::switchboard::Space;
use crate::xml::{Node, Writer};

/// One operation under one of its signatures, with its types erased.
#[derive(Debug)]
pub struct Operation {
    pub signature: Signature,
    read: Reader,
}

type Reader = fn(Option<Node<'_, '_>>) -> Result<Box<dyn Request>, Invalid>;

/// A request that was read and waits to be answered.
pub trait Request: fmt::Debug + Send {
    /// What the client sent, by wire name.
    fn values(&self) -> Vec<(&'static str, Value<'_>)>;

    /// Answers it. Dropping the future, as when the client hangs up, leaves the engine's state whole.
    fn answer<'a>(self: Box<Self>, context: Context<'a>) -> Pending<'a>;
}

/// The answer to come.
pub type Pending<'a> = Pin<Box<dyn Future<Output = Result<Reply, Fault>> + Send + 'a>>;

/// Where and how a request arrived.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub space: &'a Space,
    /// The operation's name on the wire.
    pub operation: &'static str,
}

impl Context<'_> {
    /// Makes a change, and keeps who made it.
    ///
    /// # Errors
    /// As [`Engine::change`].
    pub(super) fn change<T>(
        self,
        asked: Change<'_>,
        change: impl FnOnce(&mut Engine, Timestamp) -> Result<T, Refusal>,
    ) -> Result<Answer<T>, No> {
        for (field, text) in [("modifyUsername", asked.by), ("reason", asked.detail)] {
            super::bounded(field, text)?;
        }
        let asked = Change { operation: self.operation, ..asked };
        let changed = self.space.update(|engine, now| engine.change(now, asked, |engine| change(engine, now)));
        let (out, warning) = changed?;
        Ok(Answer { out, refusal: None, note: Note { warning, ..Note::default() } })
    }
}

/// The body of an answer, and what it says in short.
#[derive(Debug)]
pub struct Reply {
    /// The children of the response element.
    pub xml: String,
    pub succeeded: bool,
    pub refusal: Option<Refusal>,
    pub note: Note,
}

/// What the log tells of a call beyond its refusal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Note {
    /// The code of `callResult`.
    pub call_result: Option<i32>,
    /// The rule of the scenario that decided.
    pub rule: Option<Arc<str>>,
    /// What a tester should know, such as that a user passed without a challenge.
    pub warning: Option<&'static str>,
}

/// What an operation answers: its result, its out parameters, and the refusal if there is one.
#[derive(Debug)]
pub struct Answer<T> {
    pub out: T,
    pub refusal: Option<Refusal>,
    pub note: Note,
}

/// Why an operation has no answer of its own.
#[derive(Debug)]
pub enum No {
    /// The in-band no: result false, and `error` says why.
    Refused(Refusal),
    /// A SOAP fault.
    Failed(Fault),
}

/// The behaviour of an operation.
pub trait Answers: Record + Recast<Self> + fmt::Debug + Send + 'static {
    type Out: Record + Recast<Self::Out> + Default + Send + 'static;

    fn answer(self, context: Context<'_>) -> impl Future<Output = Result<Answer<Self::Out>, No>> + Send;
}

/// The behaviour of an operation that answers a text and takes nothing.
pub trait Says: Record + fmt::Debug + Send + 'static {
    fn text(self, context: Context<'_>) -> String;
}

impl<T> From<T> for Answer<T> {
    fn from(out: T) -> Self {
        Self { out, refusal: None, note: Note::default() }
    }
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Operation {
    /// Reads the element that carries the parameters; `None` reads as all defaults.
    ///
    /// # Errors
    /// [`Invalid`] where a parameter does not fit its type.
    pub fn read(&self, element: Option<Node<'_, '_>>) -> Result<Box<dyn Request>, Invalid> {
        (self.read)(element)
    }

    pub(super) const fn new<T: Answers>(name: &'static str) -> Self {
        Self::row::<T, T::Out>(name, None, about(T::SHAPE), |element| {
            Ok(Box::new(Form::<T, T, T::Out>::new(T::read(element)?)))
        })
    }

    /// Another signature of `T`: the fields that `In` and `Out` have.
    pub(super) const fn form<T, In, Out>(name: &'static str, overload_of: Option<&'static str>) -> Self
    where
        T: Answers<Out: Recast<Out>>,
        In: Record + Recast<T> + fmt::Debug + Send + 'static,
        Out: Record + Send + 'static,
    {
        Self::row::<In, Out>(name, overload_of, about(T::SHAPE), |element| {
            Ok(Box::new(Form::<T, In, Out>::new(In::read(element)?)))
        })
    }

    pub(super) const fn plain<T: Says>(name: &'static str) -> Self {
        Self {
            signature: Signature {
                name,
                overload_of: None,
                about: about(T::SHAPE),
                request: T::SHAPE,
                result: String::SHAPE,
                out: &Shape::Record { name: "", about: "", fields: &[] },
            },
            read: |element| Ok(Box::new(Plain(T::read(element)?))),
        }
    }

    const fn row<In: Record, Out: Record>(
        name: &'static str,
        overload_of: Option<&'static str>,
        about: &'static str,
        read: Reader,
    ) -> Self {
        let (request, out) = (In::SHAPE, Out::SHAPE);
        Self { signature: Signature { name, overload_of, about, request, result: bool::SHAPE, out }, read }
    }
}

const fn about(shape: &Shape) -> &'static str {
    match shape {
        Shape::Record { about, .. } => about,
        _ => "",
    }
}

/// A request under one signature of its operation.
struct Form<T, In, Out> {
    request: In,
    types: PhantomData<fn() -> (T, Out)>,
}

impl<T, In: fmt::Debug, Out> fmt::Debug for Form<T, In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.request.fmt(f)
    }
}

impl<T, In, Out> Form<T, In, Out> {
    const fn new(request: In) -> Self {
        Self { request, types: PhantomData }
    }
}

impl<T, In, Out> Request for Form<T, In, Out>
where
    T: Answers<Out: Recast<Out>>,
    In: Record + Recast<T> + fmt::Debug + Send + 'static,
    Out: Record + Send + 'static,
{
    fn values(&self) -> Vec<(&'static str, Value<'_>)> {
        self.request.values()
    }

    fn answer<'a>(self: Box<Self>, context: Context<'a>) -> Pending<'a> {
        Box::pin(async move {
            let answer = match context.space.may_run(context.operation) {
                Ok(()) => self.request.recast().answer(context).await,
                Err(refusal) => Err(refusal.into()),
            };
            let answer = answer.or_else(|no| match no {
                No::Refused(refusal) => {
                    Ok(Answer { out: T::Out::default(), refusal: Some(refusal), note: Note::default() })
                }
                No::Failed(fault) => Err(fault),
            })?;
            Ok(dress(context, &answer.out.recast(), answer.refusal, answer.note))
        })
    }
}

/// `<OpResult>`, the out parameters, `<error>`.
fn dress<Out: Record>(context: Context<'_>, out: &Out, refusal: Option<Refusal>, note: Note) -> Reply {
    let succeeded = refusal.is_none();
    let mut xml = Writer::with_capacity(512);
    succeeded.write(&[context.operation, "Result"].concat(), &mut xml);
    out.write_fields(&mut xml);
    let error = match &refusal {
        Some(refusal) => Some(Error { code: refusal.code(), description: Some(refusal.to_string()) }),
        None if context.space.error_on_success() => Some(Error { code: 0, description: None }),
        None => None,
    };
    error.write("error", &mut xml);
    Reply { xml: xml.finish(), succeeded, refusal, note }
}

/// Answers a request. An operation that panics answers a fault, as an exception does in ASP.NET, and neither its
/// connection nor anybody else's ends.
///
/// # Errors
/// The fault of the operation.
pub async fn answered(request: Box<dyn Request>, context: Context<'_>) -> Result<Reply, Fault> {
    let mut answer = request.answer(context);
    poll_fn(|task| {
        let polled = catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(task)));
        polled.unwrap_or(Poll::Ready(Err(Fault::Internal { operation: context.operation })))
    })
    .await
}

/// A request of an operation that answers a text.
#[derive(Debug)]
struct Plain<T>(T);

impl<T: Says> Request for Plain<T> {
    fn values(&self) -> Vec<(&'static str, Value<'_>)> {
        self.0.values()
    }

    fn answer<'a>(self: Box<Self>, context: Context<'a>) -> Pending<'a> {
        let mut xml = Writer::default();
        xml.element(&[context.operation, "Result"].concat(), &self.0.text(context));
        let reply = Reply { xml: xml.finish(), succeeded: true, refusal: None, note: Note::default() };
        Box::pin(std::future::ready(Ok(reply)))
    }
}

/// The response element around a reply.
#[must_use]
pub fn response(operation: &Signature, reply: &Reply) -> String {
    ["<", operation.name, "Response xmlns=\"", NAMESPACE, "\">", &reply.xml, "</", operation.name, "Response>"].concat()
}

/// Declares an operation: its wire name, its parameters and its out parameters. What it does is its `Answers`.
macro_rules! operation {
    ($(#[doc = $doc:literal])* $wire:literal => $request:ident { $($in:tt)* } -> $out:ident { $($outs:tt)* }) => {
        message! { $(#[doc = $doc])* $request = $wire { $($in)* } }
        message! { $out = $wire { $($outs)* } }

        impl $request {
            pub(super) const OPERATION: &[$crate::operations::Operation] =
                &[$crate::operations::Operation::new::<Self>($wire)];
        }
    };
}

/// Declares an operation that takes nothing and answers a text. What it answers is its `Says`.
macro_rules! plain {
    ($(#[doc = $doc:literal])* $wire:literal => $request:ident) => {
        message! { $(#[doc = $doc])* $request = $wire {} }

        impl $request {
            pub(super) const OPERATION: &[$crate::operations::Operation] =
                &[$crate::operations::Operation::plain::<Self>($wire)];
        }
    };
}

/// Declares further signatures of an operation, a row each: its own fields with their own wire types. What a row
/// does not list is absent from the request and from the answer.
macro_rules! forms {
    ($rows:ident of $newest:ident {$(
        $wire:literal $(overloads $of:literal)? { $($key:literal => $field:ident: $ty:ty,)* } -> {
            $($out_key:literal => $out_field:ident: $out_ty:ty,)*
        }
    )*}) => {
        impl $newest {
            pub(super) const $rows: &[$crate::operations::Operation] = &[$({
                form! { In = $wire into $newest { $($key => $field: $ty,)* } }
                type NewestOut = <$newest as $crate::operations::Answers>::Out;
                view! { Out = $wire of NewestOut { $($out_key => $out_field: $out_ty,)* } }
                let overload_of: &[&str] = &[$($of)?];
                $crate::operations::Operation::form::<$newest, In, Out>($wire, overload_of.first().copied())
            },)*];
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Bounds, Setup};

    #[derive(Debug)]
    struct Broken;

    impl Request for Broken {
        fn values(&self) -> Vec<(&'static str, Value<'_>)> {
            Vec::new()
        }

        fn answer<'a>(self: Box<Self>, _: Context<'a>) -> Pending<'a> {
            Box::pin(async { panic!("an operation with a mistake in it") })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_operation_that_panics_answers_a_fault() {
        let space = Space::new("default", Setup::default(), Bounds::default());
        let context = Context { space: &space, operation: "UserExists" };
        let fault = answered(Box::new(Broken), context).await.unwrap_err();
        assert_eq!(fault, Fault::Internal { operation: "UserExists" });
    }
}
