//! A row of the dispatch table, and the macros that write one.

use std::fmt;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;

use crate::contract::{Error, FieldValue, Invalid, NAMESPACE, Recast, Record, Shape, Signature, Wire};
use crate::engine::{Broken, Call, Canned, CannedValue, Change, Effect, Engine, Refusal, Timestamp, Verdict};
use crate::soap::Fault;
use crate::switchboard::Space;
use crate::xml::{Node, Writer};

/// One operation under one of its signatures, with its types erased.
#[derive(Debug)]
pub struct Operation {
    pub signature: Signature,
    /// Whether it asks somebody for a second factor.
    pub asks: bool,
    /// Where it is declared.
    module: &'static str,
    read: Reader,
}

type Reader = fn(Option<Node<'_, '_>>) -> Result<Box<dyn Request>, Invalid>;

/// A request that was read and waits to be answered.
pub trait Request: fmt::Debug + Send {
    /// The parameters as the client sent them.
    fn values(&self) -> Vec<FieldValue<'_>>;

    /// Answers it. Dropping the future, as when the client hangs up, leaves the engine's state whole.
    fn answer<'a>(self: Box<Self>, context: Context<'a>) -> Pending<'a>;
}

/// The answer to come.
pub type Pending<'a> = Pin<Box<dyn Future<Output = Result<Reply, Unanswered>> + Send + 'a>>;

/// What leaves in place of a reply.
#[derive(Debug, PartialEq)]
pub struct Unanswered {
    pub leaves: Leaves,
    /// The rule of the scenario that decided.
    pub rule: Option<Arc<str>>,
}

#[derive(Debug, PartialEq)]
pub enum Leaves {
    Fault(Fault),
    /// An HTTP status without a body.
    Status(u16),
    /// Nothing: the connection is cut.
    Nothing,
}

impl From<Fault> for Unanswered {
    fn from(fault: Fault) -> Self {
        Self { leaves: Leaves::Fault(fault), rule: None }
    }
}

/// Where and how a request arrived.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub space: &'a Space,
    /// The operation's name on the wire.
    pub operation: &'static str,
    /// What the rules made of the call; none before it was received, and where no rule matches.
    pub verdict: Option<&'a Verdict>,
}

impl Context<'_> {
    /// Lets the rules decide a call, once for each.
    fn receive(self, asks: bool, values: &[FieldValue<'_>]) -> Option<Verdict> {
        let call = Call { operation: self.operation, asks, space: self.space.name(), values };
        self.space.update(|engine, now| engine.receive(now, &call))
    }

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
    /// How the answer is spoilt on its way.
    pub broken: Option<Broken>,
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

    /// Whether it asks somebody for a second factor.
    const ASKS: bool = false;

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

    /// What it is about: the name of the file that declares it, such as `authentication`.
    #[must_use]
    pub fn subject(&self) -> &'static str {
        self.module.rsplit("::").next().unwrap_or_default()
    }

    pub(super) const fn new<T: Answers>(name: &'static str, module: &'static str) -> Self {
        Self::row::<T, T, T::Out>(name, None, module, |element| {
            Ok(Box::new(Form::<T, T, T::Out>::new(T::read(element)?)))
        })
    }

    /// Another signature of `T`: the fields that `In` and `Out` have.
    pub(super) const fn form<T, In, Out>(
        name: &'static str,
        overload_of: Option<&'static str>,
        module: &'static str,
    ) -> Self
    where
        T: Answers<Out: Recast<Out>>,
        In: Record + Recast<T> + fmt::Debug + Send + 'static,
        Out: Record + Send + 'static,
    {
        Self::row::<T, In, Out>(name, overload_of, module, |element| {
            Ok(Box::new(Form::<T, In, Out>::new(In::read(element)?)))
        })
    }

    pub(super) const fn plain<T: Says>(name: &'static str, module: &'static str) -> Self {
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
            module,
            read: |element| Ok(Box::new(Plain(T::read(element)?))),
        }
    }

    const fn row<T: Answers, In: Record, Out: Record>(
        name: &'static str,
        overload_of: Option<&'static str>,
        module: &'static str,
        read: Reader,
    ) -> Self {
        let (about, request, out) = (about(T::SHAPE), In::SHAPE, Out::SHAPE);
        let signature = Signature { name, overload_of, about, request, result: bool::SHAPE, out };
        Self { signature, asks: T::ASKS, module, read }
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
    fn values(&self) -> Vec<FieldValue<'_>> {
        self.request.values()
    }

    fn answer<'a>(self: Box<Self>, context: Context<'a>) -> Pending<'a> {
        Box::pin(async move {
            let verdict = context.receive(T::ASKS, &self.request.values());
            let context = Context { verdict: verdict.as_ref(), ..context };
            let refused = |refusal| dress(context, &T::Out::default().recast(), Some(refusal), Note::default());
            let usual = async {
                let answer = match context.space.may_run(context.operation) {
                    Ok(()) => self.request.recast().answer(context).await,
                    Err(refusal) => Err(refusal.into()),
                };
                match answer {
                    Ok(answer) => Ok(dress(context, &answer.out.recast(), answer.refusal, answer.note)),
                    Err(No::Refused(refusal)) => Ok(refused(refusal)),
                    Err(No::Failed(fault)) => Err(fault),
                }
            };
            let canned = |verdict: &Verdict, canned: &Canned| canned_reply(context, verdict, canned, Out::SHAPE);
            carried_out(context, usual, refused, canned).await
        })
    }
}

/// Carries out what the rules made of a call; without a verdict it is answered as usual.
async fn carried_out(
    context: Context<'_>,
    usual: impl Future<Output = Result<Reply, Fault>>,
    refused: impl FnOnce(Refusal) -> Reply,
    canned: impl FnOnce(&Verdict, &Canned) -> Reply,
) -> Result<Reply, Unanswered> {
    let Some(verdict) = context.verdict else { return Ok(usual.await?) };
    let _changes = Following { space: context.space, verdict };
    let leaves = match &verdict.answer.effect {
        Effect::Proceed(_) => usual.await.map_err(Leaves::Fault),
        Effect::Refuse { code, text } => Ok(refused(Refusal::Own { code: *code, text: verdict.fill(text) })),
        Effect::Fault { text, by_client } => {
            let text = verdict.fill(text);
            Err(Leaves::Fault(if *by_client { Fault::OwnOfClient { text } } else { Fault::Own { text } }))
        }
        Effect::Canned(it) => Ok(canned(verdict, it)),
        Effect::Status(status) => Err(Leaves::Status(*status)),
        Effect::Drop => Err(Leaves::Nothing),
    };
    if let Some(delay) = verdict.answer.delay {
        context.space.sleep(delay).await;
    }
    match leaves {
        Ok(mut reply) => {
            reply.broken = verdict.answer.broken;
            // Where somebody was to be asked, and nobody was, the rule decided nothing.
            if !verdict.answer.asks() {
                reply.note.rule.get_or_insert_with(|| verdict.rule.clone());
            }
            Ok(reply)
        }
        Err(leaves) => Err(Unanswered { leaves, rule: Some(verdict.rule.clone()) }),
    }
}

/// Makes the change that a verdict brings about when the call was answered, or when the client hung up.
struct Following<'a> {
    space: &'a Space,
    verdict: &'a Verdict,
}

impl Drop for Following<'_> {
    fn drop(&mut self) {
        if self.verdict.answer.change.is_some() {
            self.space.update(|engine, now| engine.follow(now, self.verdict));
        }
    }
}

/// `<OpResult>`, the out parameters, `<error>`.
fn dress<Out: Record>(context: Context<'_>, out: &Out, refusal: Option<Refusal>, note: Note) -> Reply {
    let succeeded = refusal.is_none();
    let mut xml = Writer::with_capacity(512);
    succeeded.write(&[context.operation, "Result"].concat(), &mut xml);
    out.write_fields(&mut xml);
    close(context, xml, succeeded, refusal, note)
}

/// Ends an answer by `<error>`.
fn close(context: Context<'_>, mut xml: Writer, succeeded: bool, refusal: Option<Refusal>, note: Note) -> Reply {
    let error = match &refusal {
        Some(refusal) => Some(Error { code: refusal.code(), description: Some(refusal.to_string()) }),
        None if context.space.error_on_success() => Some(Error { code: 0, description: None }),
        None => None,
    };
    error.write("error", &mut xml);
    Reply { xml: xml.finish(), succeeded, refusal, note, broken: None }
}

/// The answer that a scenario gives in its fields.
fn canned_reply(context: Context<'_>, verdict: &Verdict, canned: &Canned, out: &'static Shape) -> Reply {
    let mut xml = Writer::with_capacity(512);
    xml.element(&[context.operation, "Result"].concat(), &verdict.fill(&canned.result));
    write_fields(&mut xml, out, &canned.out, verdict);
    let refusal = canned.error.as_ref().map(|(code, text)| Refusal::Own { code: *code, text: verdict.fill(text) });
    close(context, xml, canned.result == "true", refusal, Note::default())
}

/// The fields of a record in the order of the contract: those that a scenario gives, and what .NET writes for those
/// that cannot be left out.
fn write_fields(xml: &mut Writer, record: &'static Shape, given: &[(&'static str, CannedValue)], verdict: &Verdict) {
    for field in record.fields() {
        let value = given.iter().find(|it| it.0 == field.name).map(|it| &it.1);
        write_value(xml, field.name, field.shape, value, verdict);
    }
}

fn write_value(xml: &mut Writer, name: &str, shape: &'static Shape, value: Option<&CannedValue>, verdict: &Verdict) {
    match (shape, value) {
        (Shape::Optional(_), None) => (),
        (Shape::Optional(shape), value) => write_value(xml, name, shape, value, verdict),
        (_, Some(CannedValue::Text(text))) => xml.element(name, &verdict.fill(text)),
        (Shape::Array(item), Some(CannedValue::List(items))) if !items.is_empty() => {
            xml.open(name);
            for it in items {
                write_value(xml, &item.name(), item, Some(it), verdict);
            }
            xml.close(name);
        }
        (Shape::Record { .. }, Some(CannedValue::Record(fields))) => {
            xml.open(name);
            write_fields(xml, shape, fields, verdict);
            xml.close(name);
        }
        (Shape::Choice { values, .. }, _) => xml.element(name, values[0]),
        (Shape::Simple(primitive), _) => xml.element(name, primitive.unset()),
        (Shape::Array(_) | Shape::Record { .. }, _) => xml.empty(name),
    }
}

/// Answers a request. An operation that panics answers a fault, as an exception does in ASP.NET, and neither its
/// connection nor anybody else's ends.
///
/// # Errors
/// What leaves in place of a reply: a fault, or what the scenario wants.
pub async fn answered(request: Box<dyn Request>, context: Context<'_>) -> Result<Reply, Unanswered> {
    let answer = AssertUnwindSafe(request.answer(context)).catch_unwind().await;
    answer.unwrap_or_else(|_| Err(Fault::Internal { operation: context.operation }.into()))
}

/// A request of an operation that answers a text.
#[derive(Debug)]
struct Plain<T>(T);

impl<T: Says> Request for Plain<T> {
    fn values(&self) -> Vec<FieldValue<'_>> {
        self.0.values()
    }

    fn answer<'a>(self: Box<Self>, context: Context<'a>) -> Pending<'a> {
        Box::pin(async move {
            let verdict = context.receive(false, &self.0.values());
            let context = Context { verdict: verdict.as_ref(), ..context };
            let said = |text: &str| {
                let mut xml = Writer::default();
                xml.element(&[context.operation, "Result"].concat(), text);
                Reply { xml: xml.finish(), succeeded: true, refusal: None, note: Note::default(), broken: None }
            };
            let usual = async { Ok(said(&self.0.text(context))) };
            let refused = |refusal: Refusal| said(&refusal.to_string());
            let canned = |verdict: &Verdict, it: &Canned| said(&verdict.fill(&it.result));
            carried_out(context, usual, refused, canned).await
        })
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
                &[$crate::operations::Operation::new::<Self>($wire, module_path!())];
        }
    };
}

/// Declares an operation that takes nothing and answers a text. What it answers is its `Says`.
macro_rules! plain {
    ($(#[doc = $doc:literal])* $wire:literal => $request:ident) => {
        message! { $(#[doc = $doc])* $request = $wire {} }

        impl $request {
            pub(super) const OPERATION: &[$crate::operations::Operation] =
                &[$crate::operations::Operation::plain::<Self>($wire, module_path!())];
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
                $crate::operations::Operation::form::<$newest, In, Out>(
                    $wire,
                    overload_of.first().copied(),
                    module_path!(),
                )
            },)*];
        }
    };
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
        let context = Context { space: &space, operation: "UserExists", verdict: None };
        let failed = answered(Box::new(Failing), context).await.unwrap_err();
        assert_eq!(failed, Fault::Internal { operation: "UserExists" }.into());
    }
}
