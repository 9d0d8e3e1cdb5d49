//! What the verdict of the rules does to an answer.

use crate::contract::Shape;
use crate::engine::{Canned, CannedValue, DrawnDelay, Effect, Refusal, Transfer, Verdict};
use crate::soap::Fault;
use crate::switchboard::Space;
use crate::xml::Writer;

use super::answer::{Note, Substitute, Unanswered};
use super::context::Context;
use super::reply::{Reply, close};

/// Carries out the verdict of the rules on a call. Without a verdict the operation answers.
pub(super) async fn carried_out(
    context: Context<'_>,
    usual: impl Future<Output = Result<Reply, Fault>>,
    refused: impl FnOnce(Refusal) -> Reply,
    canned: impl FnOnce(&Verdict, &Canned) -> Reply,
) -> Result<Reply, Unanswered> {
    let Some(verdict) = context.verdict else { return Ok(usual.await?) };
    let _changes = Following { space: context.space, verdict };
    let answered = match &verdict.answer.effect {
        Effect::Proceed(_) => usual.await.map_err(Substitute::Fault),
        Effect::Refuse { code, text } => Ok(refused(Refusal::Own { code: *code, text: verdict.fill(text) })),
        Effect::Fault { text, by_client } => {
            let text = verdict.fill(text);
            Err(Substitute::Fault(if *by_client { Fault::OwnOfClient { text } } else { Fault::Own { text } }))
        }
        Effect::Canned(it) => Ok(canned(verdict, it)),
        Effect::Status { code, retry_after } => Err(Substitute::Status { code: *code, retry_after: *retry_after }),
        Effect::Page(page) => Err(Substitute::Page(*page)),
        Effect::RefuseSignIn => Err(Substitute::SignInRefused),
        Effect::Drop(hangup) => Err(Substitute::Nothing(*hangup)),
    };
    if let Some(DrawnDelay { in_space, in_world }) = verdict.delay {
        let slept = async {
            if !in_space.is_zero() {
                context.space.sleep(in_space).await?;
            }
            match in_world.is_zero() {
                true => Ok(()),
                false => context.space.sleep_in_world(in_world).await,
            }
        };
        slept.await.map_err(|ended| context.fault(ended))?;
    }
    let transfer = verdict.answer.transfer.clone();
    match answered {
        Ok(mut reply) => {
            // A rule about a challenge decides nothing where no challenge was opened, unless it damages the answer.
            if !verdict.answer.directs_person() || transfer != Transfer::default() {
                reply.note.rule.get_or_insert_with(|| verdict.rule.clone());
            }
            let applies = !verdict.answer.directs_person() || reply.note.rule.as_ref() == Some(&verdict.rule);
            reply.note.incident = verdict.incident.clone().filter(|_| applies);
            reply.transfer = transfer;
            Ok(reply)
        }
        Err(substitute) => {
            let (rule, incident) = (Some(verdict.rule.clone()), verdict.incident.clone());
            Err(Unanswered { substitute, rule, incident, transfer })
        }
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

/// The answer that a scenario gives in its fields.
pub(super) fn canned_reply(context: Context<'_>, verdict: &Verdict, canned: &Canned, out: &'static Shape) -> Reply {
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
