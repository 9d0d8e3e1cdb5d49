//! What one call costs without a network: open, answer, seal.
//!
//! `--calls N` makes N calls and ends, for a count of instructions (`benches/instructions`).

use std::pin::pin;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use divan::{Bencher, black_box};
use locmfa::contract::NAMESPACE;
use locmfa::engine::{Answer, Bounds, Conduct, Effect, Reaction, Rule, Script, Setup, User, When};
use locmfa::operations::{self, Operation};
use locmfa::soap::{self, Head};
use locmfa::switchboard::Space;

/// As the program has it.
#[cfg(feature = "cli")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub(crate) fn main() {
    let mut arguments = std::env::args().skip_while(|it| it != "--calls");
    match arguments.nth(1) {
        Some(calls) => calls_alone(calls.parse().expect("a number of calls")),
        None => divan::main(),
    }
}

/// Makes calls outside the harness.
fn calls_alone(calls: usize) {
    let runtime = runtime();
    let _guard = runtime.enter();
    let (space, action, request) = (space(), action(), request());
    for _ in 0..calls {
        black_box(answered(&space, &action, black_box(request.as_bytes())));
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

fn action() -> String {
    format!("\"{NAMESPACE}/PfAuthUser_4\"")
}

/// A space whose users approve at once.
fn space() -> Space {
    let mut setup = Setup::default();
    let settings = locmfa::contract::UserSettings { phone: Some("4255550100".into()), ..setup.company.new_user() };
    setup.users.push(User::new("anna@contoso.com", settings));
    let conduct = Conduct::React(Reaction::Approve);
    let effect = Effect::Proceed(Script { after: Some(Duration::ZERO), conduct, ..Script::default() });
    let answer = Answer { effect, ..Answer::default() };
    setup.rules.push(Rule {
        is_named: true,
        name: "at once".into(),
        when: When::default(),
        answers: answer.into(),
        written: "".into(),
    });
    Space::new("default", setup, Bounds::default())
}

/// The 700 bytes that a .NET client sends.
fn request() -> String {
    let envelope = format!(
        concat!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" ",
            "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"><soap:Body>",
            "<PfAuthUser_4 xmlns=\"{}\"><username>anna@contoso.com</username>",
            "<initiatingAuthenticationType>pfsdk</initiatingAuthenticationType><initiatingIpAddress>192.0.2.10</initiatingIpAddress>",
            "<applicationName>Microsoft Identity Manager Self-Service Password Reset</applicationName>",
            "<requireUserMatch>true</requireUserMatch></PfAuthUser_4></soap:Body></soap:Envelope>"
        ),
        NAMESPACE
    );
    assert!((600..750).contains(&envelope.len()), "{}", envelope.len());
    envelope
}

#[divan::bench]
fn open_answer_seal(bencher: Bencher<'_, '_>) {
    let runtime = runtime();
    let _guard = runtime.enter();
    let space = space();
    let (action, request) = (action(), request());
    bencher.bench_local(|| answered(&space, &action, black_box(request.as_bytes())));
}

#[divan::bench]
fn open_alone(bencher: Bencher<'_, '_>) {
    let (action, request) = (action(), request());
    bencher.bench_local(|| opened(&action, black_box(request.as_bytes())));
}

fn opened(action: &str, body: &[u8]) -> soap::Call<&'static Operation, Box<dyn operations::Request>> {
    let head = Head { soap_action: Some(action), content_type: "text/xml; charset=utf-8" };
    soap::open(&head, &soap::decode(&head, body), operations::find, Operation::read).expect("a call")
}

fn answered(space: &Space, action: &str, body: &[u8]) -> String {
    let call = opened(action, body);
    let context = call.operation.called_in(space);
    let mut answer = pin!(call.request.answer(context));
    let Poll::Ready(reply) = answer.as_mut().poll(&mut TaskContext::from_waker(Waker::noop())) else {
        panic!("the user approves at once")
    };
    soap::seal(call.version, &operations::response(&call.operation.signature, &reply.expect("no fault")))
}
