//! The streams of events, under paused time.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use locmfa::engine::{Notice, What};
use locmfa::scenario::Server as Listener;
use locmfa::server::admin::{self, Admin, Gate};
use locmfa::server::reload::{Reloader, Source};
use locmfa::switchboard::{Limits, Switchboard};
use tower::ServiceExt;

/// A space, what makes something happen in it, and the API.
fn observed() -> (impl Fn(), Router) {
    let setup = locmfa::scenario::load("test", "users: [anna]").unwrap().setup;
    let spaces = Switchboard::new(setup, Limits::default());
    let space = spaces.default_space().clone();
    let reloader = Arc::new(Reloader::new(spaces.clone(), Source::BuiltIn, Listener::default(), Vec::new()));
    let app = admin::router(Arc::new(Admin::new(spaces, reloader, Arc::default(), Gate::default())));
    let happen = move || {
        let notice = Notice { topic: "test", text: "x".into() };
        space.update(|engine, at| engine.journal.note(at, What::Notice(notice)));
    };
    (happen, app)
}

async fn stream(app: &Router, path: &str) -> Body {
    let request = Request::get(path).header("host", "localhost").body(Body::empty()).unwrap();
    app.clone().oneshot(request).await.unwrap().into_body()
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_is_too_slow_is_told_so_and_goes_on() {
    let (happen, app) = observed();
    let mut body = stream(&app, "/events?kinds=notice,call").await;
    happen();
    let mut next = async || String::from_utf8(body.frame().await?.unwrap().into_data().unwrap().into()).ok();
    assert_eq!(next().await.unwrap(), ":\n\n");
    assert!(next().await.unwrap().contains("-1\nevent: notice\n"));
    // It reads nothing while more happens than is kept.
    (0..10_001).for_each(|_| happen());
    let lost = next().await.unwrap();
    assert!(lost.contains("-2\nevent: lost\n") && lost.contains("stale-cursor"), "{lost}");
    assert!(next().await.unwrap().contains("-3\nevent: notice\n"));
}

#[tokio::test(start_paused = true)]
async fn streams_that_ask_for_the_same_tell_each_event_once_wherever_they_begin() {
    /// The places that a stream tells, up to one of them.
    async fn told(body: &mut Body, up_to: u64) -> Vec<u64> {
        let mut places = Vec::new();
        while places.last() != Some(&up_to) {
            let piece = String::from_utf8(body.frame().await.unwrap().unwrap().into_data().unwrap().into()).unwrap();
            assert!(!piece.contains("event: lost"), "{piece}");
            let ids = piece.lines().filter_map(|it| it.strip_prefix("id: ")?.split_once('-'));
            places.extend(ids.map(|it| u64::from_str_radix(it.1, 16).unwrap()));
        }
        places
    }
    let (happen, app) = observed();
    (0..3).for_each(|_| happen());
    let mut live = stream(&app, "/events?kinds=notice").await;
    let mut other = stream(&app, "/events?kinds=notice&topic=test").await;
    let mut whole = stream(&app, "/events?kinds=notice&after=0").await;
    happen();
    assert_eq!(told(&mut live, 4).await, [4]);
    assert_eq!(told(&mut whole, 4).await, [1, 2, 3, 4]);
    // What follows at once goes out together, once it has gathered.
    let start = tokio::time::Instant::now();
    (0..5_000).for_each(|_| happen());
    let mut later = stream(&app, "/events?kinds=notice").await;
    for body in [&mut live, &mut whole] {
        assert!(told(body, 5_004).await.into_iter().eq(5..=5_004));
    }
    assert!(start.elapsed() <= Duration::from_millis(70), "{:?}", start.elapsed());
    happen();
    assert_eq!(told(&mut later, 5_005).await, [5_005]);
    assert!(told(&mut other, 5_005).await.into_iter().eq(4..=5_005));
    drop((live, whole, later));
    // The last reader is gone, and a new one begins afresh.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut again = stream(&app, "/events?kinds=notice").await;
    happen();
    assert_eq!(told(&mut again, 5_006).await, [5_006]);
}
