//! Alive, ready, and the front page.

use super::*;

#[tokio::test]
async fn the_process_says_that_it_lives() {
    for target in ["/healthz", "/-/healthy"] {
        let answer = get_from(board(), target).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
    }
}

#[tokio::test]
async fn it_is_ready_while_slots_are_decided() {
    let decided = || {
        let board = board();
        board.replace_feeds(vec![feed("f", &[&slo("shop", "checkout", &[])])]);
        board.publish_slot("f", NOON, Vec::new());
        board
    };
    let said = |readiness| {
        let board = decided();
        board.set_ready(readiness);
        board
    };
    let preparing = Readiness::Starting {
        what: "reading 3d of samples".to_owned(),
    };
    let young = NOON + Span::from_millis(89_999);
    let old = NOON + Span::from_secs(90);
    for (board, now, status, text) in [
        (board(), NOON, 503, "no slot has been decided yet"),
        (decided(), NOON, 200, "ready"),
        (decided(), young, 200, "ready"),
        (
            decided(),
            old,
            503,
            "the last slot is 1m30s old, which is not less than 1m30s",
        ),
        (
            said(preparing),
            NOON,
            503,
            "starting: reading 3d of samples",
        ),
        (said(Readiness::Stopping), NOON, 503, "stopping"),
        (said(Readiness::Evaluating), NOON, 200, "ready"),
    ] {
        let server = server_at(board, now);
        for target in ["/readyz", "/-/ready"] {
            let answer = ask(&server.router, Method::GET, target).await;
            assert_eq!((answer.status, answer.body.as_str()), (status, text));
        }
    }
}

#[tokio::test]
async fn the_front_page_names_the_routes_and_the_last_failure() {
    let board = shop();
    board.reload_succeeded(NOON, 0);
    board.reload_failed(
        NOON,
        "slos.yaml:3:5: objective 100 leaves no budget".to_owned(),
    );
    insta::assert_snapshot!(get_from(board.clone(), "/").await.body, @r#"
    slofuse 1.2.3, evaluates prometheus every 30s
    state: ready

    GET  https://slofuse.example/metrics
    GET  https://slofuse.example/api/v1/slos?service=&slo=&outcome=&limit=&offset=
    GET  https://slofuse.example/api/v1/slos/{service}/{name}?limit=&offset=
    GET  https://slofuse.example/api/v1/alerts?filter=&limit=&offset=
    GET  https://slofuse.example/api/v1/groups, /silences, /receivers, /dead-letters, /routes
    GET  https://slofuse.example/api/v1/history, /load, /audit
    GET  https://slofuse.example/api/v2/alerts, /silences, ..., as Alertmanager's
    GET  https://slofuse.example/healthz
    GET  https://slofuse.example/readyz
    POST https://slofuse.example/-/reload

    the reload at 2026-03-01T12:00:00.000Z failed, the older configuration is in use:
    slos.yaml:3:5: objective 100 leaves no budget
    "#);
    board.reload_succeeded(NOON, 0);
    assert!(!get_from(board, "/").await.body.contains("failed"));
}
