use super::*;

fn notice(n: u32) -> What {
    What::Notice(Notice { topic: "test", text: format!("{n:04}").into() })
}

pub(super) fn call(n: u32) -> CallEntry {
    let username = format!("user{n:04}").into();
    let request = CallRequest { scheme: "anonymous", operation: "UserExists", username, ..CallRequest::default() };
    let end = CallEnd { status: 200, outcome: "true".into(), ..CallEnd::default() };
    CallEntry { request: request.into(), end: Some(end) }
}

fn entry(n: u32) -> What {
    What::Call(call(n))
}

#[test]
fn evicted_calls_still_count() {
    let size = Event { seq: 1, recorded: 1, at: Timestamp::default(), what: entry(0) }.size();
    for bounds in [Bounds { bytes: 10 * size, entries: 1000 }, Bounds { bytes: 1 << 20, entries: 10 }] {
        let mut journal = Journal::new(bounds);
        journal.note(Timestamp::default(), notice(0));
        for n in 0..25 {
            journal.note(Timestamp::default(), entry(n));
        }
        assert_eq!((journal.count(EventKind::Call), journal.evicted(EventKind::Call)), (25, 15));
        let What::Call(oldest) = &journal.of(EventKind::Call).next().unwrap().what else { panic!("a call") };
        assert_eq!(&*oldest.request.username, "user0015");
        // A kind evicts no event of another.
        assert_eq!(journal.of(EventKind::Notice).len(), 1);
        assert!(journal.has_evicted_after(15, &[EventKind::Call]));
        assert!(!journal.has_evicted_after(16, &[EventKind::Call]));
    }
}

#[test]
fn a_call_has_the_number_of_its_start_and_is_recorded_at_its_end() {
    let mut journal = Journal::new(Bounds::default());
    let CallEntry { request, end } = call(0);
    let at = Timestamp::default();
    let (first, second) = (journal.open_call(at, request.clone()), journal.open_call(at, request));
    let sent = journal.note(at, notice(0));
    assert_eq!(journal.after(0, &EventKind::ALL).len(), 1);
    assert_eq!(journal.open_calls_after(first).map(|it| it.seq).collect::<Vec<_>>(), [second]);
    journal.close_call(second, end.clone().unwrap());
    journal.close_call(first, end.unwrap());
    assert!(first < sent && second < sent);
    let calls: Vec<_> = journal.after(sent, &EventKind::ALL).iter().map(|it| it.seq).collect();
    assert_eq!(calls, [second, first]);
    assert_eq!(journal.get(first).unwrap().seq, first);
    let happenings = |place, kinds: &[EventKind], most| {
        let (all, end) = journal.happenings_after(place, kinds, most);
        (all.iter().map(|it| (it.place, it.event.seq, it.event.is_open())).collect::<Vec<_>>(), end)
    };
    let all = [(1, 1, true), (2, 2, true), (3, 3, false), (4, 2, false), (5, 1, false)];
    assert_eq!(happenings(0, &EventKind::ALL, 5), (all.into(), 5));
    assert_eq!(happenings(0, &EventKind::ALL, 2), (all[..2].into(), 2));
    assert_eq!(happenings(2, &EventKind::ALL, 2), (all[2..4].into(), 4));
    assert_eq!(happenings(1, &[EventKind::Call], 9).0.len(), 3);
}

#[test]
fn events_after_a_number_come_in_order() {
    let mut journal = Journal::new(Bounds::default());
    for n in 0..6 {
        journal.note(Timestamp::default(), if n % 2 == 0 { entry(n) } else { notice(n) });
    }
    let after = |seq, kinds: &[EventKind]| journal.after(seq, kinds).iter().map(|it| it.seq).collect::<Vec<_>>();
    assert_eq!(after(2, &EventKind::ALL), [3, 4, 5, 6]);
    assert_eq!(after(2, &[EventKind::Notice]), [4, 6]);
    assert_eq!(after(6, &EventKind::ALL), Vec::<u64>::new());
    assert_eq!(journal.get(4).unwrap().seq, 4);
    assert!(journal.get(7).is_none());
    assert!(journal.get(0).is_none());
}
