//! A row of the dispatch table: an operation under one of its signatures.

use std::fmt;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};

use futures_util::FutureExt;

use crate::contract::{FieldValue, Recast, Record, Shape, Signature, Unread, Wire, read_parameters};
use crate::engine::{Canned, Refusal, Transfer, Verdict};
use crate::soap::Fault;
use crate::switchboard::{Lane, Space};
use crate::xml::{Reader, Writer};

use super::answer::{Answer, Note, Rejection, Unanswered};
use super::context::Context;
use super::reply::{Reply, close, dress, opened};
use super::verdict::{canned_reply, carried_out};

/// One operation under one of its signatures, with its types erased.
#[derive(Debug)]
pub struct Operation {
    pub signature: Signature,
    /// Whether it asks a person for a second factor.
    pub asks: bool,
    /// Whether it runs on the master server.
    pub on_master: bool,
    /// Where it is declared.
    module: &'static str,
    read: Opening,
}

type Opening = fn(&mut Reader<'_>, &'static str) -> Result<Box<dyn Request>, Unread>;

/// A request that was read and waits to be answered.
pub trait Request: fmt::Debug + Send {
    /// The parameters as the client sent them.
    fn values(&self) -> Vec<FieldValue<'_>>;

    /// Answers it. Dropping the future, as when the client hangs up, leaves the engine's state whole.
    fn answer<'a>(self: Box<Self>, context: Context<'a>) -> Pending<'a>;
}

/// The answer to come.
pub type Pending<'a> = Pin<Box<dyn Future<Output = Result<Reply, Unanswered>> + Send + 'a>>;

/// The behaviour of an operation.
pub trait Answers: Record + Recast<Self> + fmt::Debug + Send + 'static {
    type Out: Record + Recast<Self::Out> + Default + Send + 'static;

    /// Whether it asks a person for a second factor.
    const ASKS: bool = false;

    fn answer(self, context: Context<'_>) -> impl Future<Output = Result<Answer<Self::Out>, Rejection>> + Send;

    /// How long the out parameters are in XML where that grows with the number of users, in bytes, about.
    fn size(out: &Self::Out) -> usize {
        let _ = out;
        0
    }
}

/// The behaviour of an operation that answers a text and takes nothing.
pub trait AnswersText: Record + fmt::Debug + Send + 'static {
    fn text(self, context: Context<'_>) -> String;
}

impl Operation {
    /// Reads the parameters from the content of a body, up to its end tag. Without an element for them all are defaults.
    ///
    /// # Errors
    /// [`Unread`] where the text is not XML, or a parameter does not fit its type.
    pub fn read(&self, reader: &mut Reader<'_>) -> Result<Box<dyn Request>, Unread> {
        (self.read)(reader, self.signature.name)
    }

    /// A request in which every parameter is left out.
    #[must_use]
    pub fn without_parameters(&self) -> Box<dyn Request> {
        self.read(&mut Reader::new("<Body/>")).expect("what is left out has a default")
    }

    /// A call of it in a space, before the rules have seen it.
    #[must_use]
    pub const fn called_in<'a>(&self, space: &'a Space) -> Context<'a> {
        Context { space, operation: self.signature.name, on_master: self.on_master, verdict: None, trace: None }
    }

    /// Its subject: the file or folder of `operations` that declares it, such as `authentication`.
    #[must_use]
    pub fn subject(&self) -> &'static str {
        self.module.split("::").nth(2).unwrap_or_default()
    }

    pub(super) const fn new<T: Answers>(name: &'static str, module: &'static str) -> Self {
        Self::row::<T, T, T::Out>(name, module, |reader, name| {
            Ok(Box::new(Form::<T, T, T::Out>::new(read_parameters(reader, name)?)))
        })
    }

    /// Another signature of `T`: the fields that `In` and `Out` have.
    pub(super) const fn form<T, In, Out>(name: &'static str, module: &'static str) -> Self
    where
        T: Answers<Out: Recast<Out>>,
        In: Record + Recast<T> + fmt::Debug + Send + 'static,
        Out: Record + Send + 'static,
    {
        Self::row::<T, In, Out>(name, module, |reader, name| {
            Ok(Box::new(Form::<T, In, Out>::new(read_parameters(reader, name)?)))
        })
    }

    pub(super) const fn plain<T: AnswersText>(name: &'static str, module: &'static str) -> Self {
        Self {
            signature: Signature {
                name,
                overload_of: None,
                about: about(T::SHAPE),
                request: T::SHAPE,
                result: String::SHAPE,
                out: &Shape::Record { name: "", about: "", fields: &[] },
            },
            asks: false,
            on_master: false,
            module,
            read: |reader, name| Ok(Box::new(Plain(read_parameters::<T>(reader, name)?))),
        }
    }

    const fn row<T: Answers, In: Record, Out: Record>(name: &'static str, module: &'static str, read: Opening) -> Self {
        let (about, request, out) = (about(T::SHAPE), In::SHAPE, Out::SHAPE);
        let signature = Signature { name, overload_of: None, about, request, result: bool::SHAPE, out };
        Self { signature, asks: T::ASKS, on_master: false, module, read }
    }

    /// A further form of the method `name`, under the name of that method.
    pub(super) const fn overload_of(mut self, name: &'static str) -> Self {
        self.signature.overload_of = Some(name);
        self
    }

    pub(super) const fn on_master(mut self) -> Self {
        self.on_master = true;
        self
    }
}

const fn about(shape: &Shape) -> &'static str {
    match shape {
        Shape::Record { about, .. } => about,
        _ => "",
    }
}

/// Answers a request. An operation that panics answers a fault, as an exception does in ASP.NET; its connection and
/// all others stay open.
///
/// # Errors
/// What the client gets in place of a reply: a fault, or what the scenario says.
pub async fn answered(request: Box<dyn Request>, context: Context<'_>) -> Result<Reply, Unanswered> {
    let answer = AssertUnwindSafe(request.answer(context)).catch_unwind().await;
    answer.unwrap_or_else(|_| Err(Fault::Internal { operation: context.operation }.into()))
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
    fn values(&self) -> Vec<FieldValue<'_>> {
        self.request.values()
    }

    fn answer<'a>(self: Box<Self>, context: Context<'a>) -> Pending<'a> {
        Box::pin(async move {
            let verdict = context.receive(T::ASKS, &self.request.values());
            let context = Context { verdict: verdict.as_deref(), ..context };
            let refused = |refusal| dress(context, &T::Out::default().recast(), Some(refusal), Note::default());
            // Pinned where it is made: moved after that, it would take its room twice.
            let usual = pin!(async {
                let answer = match context.may_run() {
                    Ok(()) => self.request.recast().answer(context).await,
                    Err(refusal) => Err(refusal.into()),
                };
                match answer {
                    Ok(Answer { out, refusal, note }) => {
                        let (operation, size, succeeded) = (context.operation, T::size(&out), refusal.is_none());
                        let write = move || opened(operation, succeeded, &out.recast());
                        let xml = context.space.work().run_sized(Lane::Answer, size, write).await;
                        Ok(close(context, xml, succeeded, refusal, note))
                    }
                    Err(Rejection::Refused(refusal)) => Ok(refused(refusal)),
                    Err(Rejection::Failed(fault)) => Err(fault),
                }
            });
            let canned = |verdict: &Verdict, canned: &Canned| canned_reply(context, verdict, canned, Out::SHAPE);
            carried_out(context, usual, refused, canned).await
        })
    }
}

/// A request of an operation that answers a text.
#[derive(Debug)]
struct Plain<T>(T);

impl<T: AnswersText> Request for Plain<T> {
    fn values(&self) -> Vec<FieldValue<'_>> {
        self.0.values()
    }

    fn answer<'a>(self: Box<Self>, context: Context<'a>) -> Pending<'a> {
        Box::pin(async move {
            let verdict = context.receive(false, &self.0.values());
            let context = Context { verdict: verdict.as_deref(), ..context };
            let reply = |text: &str| {
                let mut xml = Writer::default();
                xml.element(&[context.operation, "Result"].concat(), text);
                Reply {
                    xml: xml.finish(),
                    succeeded: true,
                    refusal: None,
                    note: Note::default(),
                    transfer: Transfer::default(),
                }
            };
            let usual = pin!(async { Ok(reply(&self.0.text(context))) });
            let refused = |refusal: Refusal| reply(&refusal.to_string());
            let canned = |verdict: &Verdict, it: &Canned| reply(&verdict.fill(&it.result));
            carried_out(context, usual, refused, canned).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Bounds, Setup};

    #[derive(Debug)]
    struct Failing;

    impl Request for Failing {
        fn values(&self) -> Vec<FieldValue<'_>> {
            Vec::new()
        }

        fn answer<'a>(self: Box<Self>, _: Context<'a>) -> Pending<'a> {
            Box::pin(async { panic!("an operation with a mistake in it") })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_operation_that_panics_answers_a_fault() {
        let space = Space::new("default", Setup::default(), Bounds::default());
        let context = crate::operations::find("UserExists").unwrap().called_in(&space);
        let failed = answered(Box::new(Failing), context).await.unwrap_err();
        assert_eq!(failed, Fault::Internal { operation: "UserExists" }.into());
    }
}
