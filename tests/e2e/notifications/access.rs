//! Who may do what at a server behind TLS.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::json;

use super::estate::{Estate, run, slo, webhook};
use crate::bed::Receiver;
use crate::bed::certificate::Certificate;

const READ_TOKEN: &str = "a-token-that-reads-0001";
const OPERATE_TOKEN: &str = "a-token-that-operates-0002";
const PASSWORD: &str = "correct horse battery";

/// What `slofuse hash-password` makes of the password.
fn hash() -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_slofuse"));
    command.arg("hash-password");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("cargo builds it");
    let mut input = child.stdin.take().expect("it is piped");
    writeln!(input, "{PASSWORD}").expect("the command reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:#?}");
    let text = String::from_utf8(output.stdout).expect("a hash is text");
    text.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_operate_can_silence() {
    let estate = Estate::open(&["checkout"]).await;
    let room = Receiver::webhook().await;
    let certificate = Certificate::new();
    let authority = certificate.authority().display().to_string();
    let secrets = tempfile::tempdir().expect("a temp dir");
    let secret = |name: &str, text: &str| {
        let path = secrets.path().join(name);
        std::fs::write(&path, format!("{text}\n")).expect("the file is written");
        path.display().to_string()
    };
    let (reader, operator) = (
        secret("reader", READ_TOKEN),
        secret("operator", OPERATE_TOKEN),
    );
    let password = secret("password", PASSWORD);
    let settings = json!({
        "receivers": [webhook("room", &room)],
        "routes": {"default": ["room"]},
        "server": {"auth": {
            "users": [{"name": "ann", "password_hash": hash(), "access": "operate"}],
            "tokens": [
                {"name": "dashboard", "token": {"file": reader}, "access": "read"},
                {"name": "robot", "token": {"file": operator}, "access": "operate"},
            ],
        }},
    });
    let definitions = vec![slo("checkout", "page")];
    let daemon = estate.guard(settings, definitions, Some(certificate)).await;
    let url = daemon.api().base();
    let here = ["--url", url, "--ca-file", &authority];
    let as_robot = [&here[..], &["--token-file", &operator]].concat();
    let as_reader = [&here[..], &["--token-file", &reader]].concat();
    let as_ann = [&here[..], &["--user", "ann", "--password-file", &password]].concat();
    let refused = |arguments: &[&str], who: &[&str]| {
        let output = daemon.command(&[arguments, who].concat());
        assert!(!output.status.success(), "{arguments:?}: {output:#?}");
        String::from_utf8(output.stderr).expect("complaints are text")
    };
    let silence = [
        "silence",
        "add",
        "service=checkout",
        "--duration=1h",
        "--comment=tills",
    ];

    assert_eq!(daemon.api().status("/api/v1/alerts").await, Some(401));
    assert_eq!(daemon.api().status("/api/v2/alerts").await, Some(401));
    assert_eq!(daemon.api().status("/healthz").await, Some(200));
    let unknown = refused(&["alerts"], &here);
    assert!(unknown.contains("--token-file"), "{unknown}");
    let untrusted = refused(&["alerts"], &["--url", url, "--token-file", &reader]);
    assert!(untrusted.contains("--ca-file"), "{untrusted}");
    let nothing = run(&daemon, &[&["alerts"], &as_reader[..]].concat());
    assert_eq!(nothing, "no alerts\n");
    let reading = refused(&silence, &as_reader);
    assert!(reading.contains("operate"), "{reading}");
    assert_eq!(daemon.api().status("/api/v1/silences").await, Some(401));

    let id = run(&daemon, &[&silence[..], &as_robot[..]].concat());
    let expire = ["silence", "expire", id.trim()];
    run(&daemon, &[&expire[..], &as_ann[..]].concat());
    let audit = daemon
        .api()
        .get_json_as(OPERATE_TOKEN, "/api/v1/audit")
        .await;
    let entries = audit["entries"].as_array().expect("a list");
    let did = |actor: &str, action: &str| {
        let mut all = entries.iter();
        all.any(|entry| entry["actor"] == actor && entry["action"] == action)
    };
    assert!(did("robot", "silence.create"), "{audit:#}");
    assert!(did("ann", "silence.expire"), "{audit:#}");
    let log = daemon.log();
    for secret in [PASSWORD, READ_TOKEN, OPERATE_TOKEN] {
        assert!(!log.contains(secret) && !audit.to_string().contains(secret));
    }
}
