//! The reload command and what becomes of it.

use super::*;

#[tokio::test]
async fn a_reload_answers_with_the_verdict_of_the_daemon() {
    let verdicts: [Option<Result<&str, &str>>; 3] = [
        Some(Ok("12 slos, 1 added")),
        Some(Err("slos.yaml:3:5: unknown key \"objectve\"")),
        None,
    ];
    let mut seen = Vec::new();
    for verdict in verdicts {
        let Server {
            router,
            mut commands,
        } = server(board());
        let daemon = async {
            let request = commands.recv().await.unwrap();
            if let Some(verdict) = verdict {
                let verdict = verdict.map(str::to_owned).map_err(str::to_owned);
                request.reply.send(verdict).unwrap();
            }
        };
        let asked = ask(&router, Method::POST, "/-/reload");
        let (answer, ()) = tokio::join!(asked, daemon);
        seen.push(format!("{} {}", answer.status, answer.body));
    }
    let Server { router, commands } = server(board());
    drop(commands);
    let answer = ask(&router, Method::POST, "/-/reload").await;
    seen.push(format!("{} {}", answer.status, answer.json()));
    insta::assert_snapshot!(seen.join("\n"), @r#"
    200 12 slos, 1 added
    400 slos.yaml:3:5: unknown key "objectve"
    503 {"error":"the daemon is stopping and takes no command"}
    503 {"error":"the daemon is stopping and takes no command"}
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_reload_that_hangs_is_given_up() {
    let Server { router, commands } = server(board());
    let started = tokio::time::Instant::now();
    // The first waits for its verdict, the second for room in the queue.
    let first = ask(&router, Method::POST, "/-/reload");
    let second = ask(&router, Method::POST, "/-/reload");
    let (first, second) = tokio::join!(first, second);
    for answer in [first, second] {
        assert_eq!(answer.status, 504);
        assert_eq!(answer.json()["error"], "no answer within 30 s");
    }
    assert_eq!(started.elapsed(), REQUEST_DEADLINE);
    drop(commands);
}

#[tokio::test]
async fn a_reload_is_logged_with_what_came_of_it() {
    use super::operators::Staffed;
    for (verdict, logged) in [
        (Ok("12 slos"), "reload : done"),
        (Err("slos.yaml:3:5: no"), "reload : slos.yaml:3:5: no"),
    ] {
        let staffed = Staffed::with(board(), verdict);
        staffed.send(Method::POST, "/-/reload", "").await;
        assert_eq!(staffed.audit(), [logged]);
    }
}

#[tokio::test]
async fn who_hangs_up_has_acted_all_the_same() {
    let (app, mut commands) = app_at(board(), NOON);
    let store = app.store.clone();
    let router = router(app, &Manners::default());
    let request = {
        let mut asking = Box::pin(ask(&router, Method::POST, "/-/reload"));
        tokio::select! {
            _answered = &mut asking => unreachable!(),
            request = commands.recv() => request.unwrap(),
        }
    };
    request.reply.send(Ok("12 slos".to_owned())).unwrap();
    while store.audit(1).unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
}
