#![no_main]

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use libfuzzer_sys::fuzz_target;
use locmfa::tls::hello::{First, Hello, Opening, is_whole, suite_name};
use tokio::io::AsyncReadExt;

// The first byte says after how many the network makes a pause; the rest is what the client sends.
fuzz_target!(|input: &[u8]| {
    let Some((pause, sent)) = input.split_first() else { return };
    if let Some(hello) = Hello::read(sent) {
        assert_eq!(First::of(sent), First::Tls);
        let _ = hello.newest_name();
        hello.suites.into_iter().for_each(|it| drop(suite_name(it)));
    }

    let (before, after) = sent.split_at(sent.len().min(usize::from(*pause)));
    let mut opening = Opening::new(before.chain(after));
    let reading = pin!(async {
        opening.read_until(is_whole).await.expect("a slice does not break");
        let seen = opening.bytes().to_vec();
        let mut given = Vec::new();
        opening.read_to_end(&mut given).await.expect("a slice does not break");
        (seen, given)
    });
    let Poll::Ready((seen, given)) = reading.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("a slice never waits")
    };
    assert!(sent.starts_with(&seen));
    assert_eq!(given, sent);
});
