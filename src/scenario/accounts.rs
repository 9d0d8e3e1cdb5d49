//! `accounts`: the Windows accounts that call the service.

use std::sync::Arc;

use crate::sign_in::{Account, AccountName, CertificateName, SubjectName};

use super::fields::{Reader, mapping};
use super::grammar::Values;
use super::mistake::{Code, quoted};
use super::names::Names;
use super::values::{Hidden, Item, List, Name, OneOrMore, ReaderExt, described, text_as, text_or};
use super::written::Written;

/// Who may sign in. `None`: any account.
pub(super) type Accounts = Option<Vec<Arc<Account>>>;

/// The word `any`, or a list.
pub(super) fn accounts<'a>() -> impl Reader<'a, Value = Accounts> {
    // After a misspelt `any`, what else lacks accounts is no further mistake.
    let any = described(
        |_| Values::words(&["any"]),
        |it: Written<'a>| {
            it.word(&[("any", ())]);
            Some(None)
        },
    );
    let mut names = Names::new("account");
    let account = mapping("account", "an account", move |fields| {
        let name = fields.need("name", Name.and_then(|name: String, it| names.add(it, &name)));
        let password = fields.get("password", Hidden);
        let groups = fields.get("groups", OneOrMore(Name.map(Into::into))).unwrap_or_default();
        let certificates = fields.get("certificate", OneOrMore(certificate())).unwrap_or_default();
        Some(Arc::new(Account { name: AccountName::from(name?.as_str()), password, groups, certificates }))
    });
    text_or(any, List(Item("an account", account)).map(Some))
}

/// A subject, `CN=…`, or a thumbprint.
fn certificate<'a>() -> impl Reader<'a, Value = CertificateName> {
    text_as("subject or thumbprint", |written: Written<'a>| {
        let text = written.name()?;
        if text.contains('=') {
            return match text.parse::<SubjectName>() {
                Ok(subject) => {
                    let taken = subject.to_string();
                    if taken != text {
                        written.report(Code::SubjectForm, format!("the subject is read as {taken}"), []);
                    }
                    Some(CertificateName::Subject(subject))
                }
                Err(why) => {
                    let help = "Write it as Windows shows it: CN=mimservice, O=\"Contoso, Ltd.\".".into();
                    written.wrong(Code::BadValue, format!("{} is no subject: it {why}", quoted(text)), [help])
                }
            };
        }
        match text.parse() {
            Ok(thumbprint) => Some(CertificateName::Thumbprint(thumbprint)),
            Err(why) => {
                let help = "Write a subject such as CN=mimservice, or the thumbprint that Windows shows.".into();
                written.wrong(Code::BadValue, format!("{} names no certificate: {why}", quoted(text)), [help])
            }
        }
    })
}
