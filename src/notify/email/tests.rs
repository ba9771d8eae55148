//! Dialogues with a server that records them, and mails taken apart again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::digest::tests::group;
use super::super::exchange::oversize;
use super::super::{FailureReason, fixture};
use super::server::{DROP, HANG, Script, Server};
use super::*;
use crate::config::secret::Secret;
use crate::engine::{Labels, NotificationKind};

const RETRY: ErrorClass = ErrorClass::Retry { after: None };

fn settings(port: u16, security: SmtpSecurity) -> ReceiverSettings {
    let mut settings = ReceiverSettings::new(
        "mail",
        ReceiverKind::Email(Email {
            host: "localhost".to_owned(),
            port,
            security,
            credentials: None,
            from: "Slofuse <slofuse@shop.example>".to_owned(),
            to: vec!["ops@shop.example".to_owned()],
            hello: Some("slofuse.shop.example".to_owned()),
        }),
    );
    settings.timeout = Span::from_secs(20);
    settings
}

fn email(settings: &mut ReceiverSettings) -> &mut Email {
    match &mut settings.kind {
        ReceiverKind::Email(email) => email,
        other => panic!("{other:?}"),
    }
}

fn receiver(settings: &ReceiverSettings) -> EmailReceiver {
    EmailReceiver::new(settings, fixture::writer())
        .map_err(|p| p.text().to_owned())
        .unwrap()
}

async fn send(
    receiver: &EmailReceiver,
    notification: &Notification,
) -> Result<Receipt, DeliveryError> {
    receiver.deliver(notification, None, fixture::NOW).await
}

/// One attempt without protection; the server, and how it ended.
async fn attempt(script: Script) -> (Server, Result<Receipt, DeliveryError>) {
    let server = Server::start(script).await;
    let receiver = receiver(&settings(server.port, SmtpSecurity::None));
    let result = send(&receiver, &fixture::burning()).await;
    (server, result)
}

/// A mail as a mail program reads it.
struct Read {
    headers: Vec<(String, String)>,
    parts: Vec<(String, String)>,
}

impl Read {
    fn new(raw: &str) -> Self {
        let mail = raw.strip_suffix("\r\n.\r\n").unwrap();
        let unstuffed = mail.replace("\r\n..", "\r\n.");
        let (headers, body) = split(&unstuffed);
        let kind = value(&headers, "content-type").to_owned();
        Self {
            headers,
            parts: parts(&kind, body),
        }
    }

    fn header(&self, name: &str) -> &str {
        value(&self.headers, name)
    }

    fn part(&self, kind: &str) -> &str {
        let part = self.parts.iter().find(|(of, _)| of.starts_with(kind));
        &part.unwrap_or_else(|| panic!("no {kind}")).1
    }
}

fn split(text: &str) -> (Vec<(String, String)>, &str) {
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let head = head.replace("\r\n ", " ");
    let headers = head.lines().map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_lowercase(), value.to_owned())
    });
    (headers.collect(), body)
}

fn value<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    let mut values = headers.iter().filter(|(of, _)| of == name);
    let first = values.next().map_or("", |(_, value)| value.as_str());
    assert_eq!(values.next(), None, "{name} is there once");
    first
}

fn parts(kind: &str, body: &str) -> Vec<(String, String)> {
    let (_, rest) = kind.split_once("boundary=\"").unwrap();
    let boundary = rest.split('"').next().unwrap();
    let mut all = Vec::new();
    let pieces: Vec<&str> = body.split(&format!("--{boundary}")).collect();
    assert!(pieces.last().unwrap().starts_with("--"), "{body}");
    for piece in &pieces[1..pieces.len() - 1] {
        let (headers, body) = split(piece.trim_start());
        let kind = value(&headers, "content-type").to_owned();
        if kind.starts_with("multipart/") {
            all.extend(parts(&kind, body));
        } else {
            let coding = value(&headers, "content-transfer-encoding");
            all.push((kind, decoded(coding, body)));
        }
    }
    all
}

fn decoded(coding: &str, body: &str) -> String {
    match coding {
        "base64" => {
            let bytes = STANDARD.decode(body.replace("\r\n", "")).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        "quoted-printable" => {
            let body = body.replace("=\r\n", "");
            let mut bytes = Vec::new();
            let mut rest = body.as_bytes();
            while let Some((first, tail)) = rest.split_first() {
                if *first == b'=' {
                    let hex = std::str::from_utf8(&tail[..2]).unwrap();
                    bytes.push(u8::from_str_radix(hex, 16).unwrap());
                    rest = &tail[2..];
                } else {
                    bytes.push(*first);
                    rest = tail;
                }
            }
            String::from_utf8(bytes).unwrap()
        }
        _ => body.to_owned(),
    }
}

#[tokio::test]
async fn a_mail_is_handed_over_step_by_step() {
    let (server, result) = attempt(Script::default()).await;
    assert_eq!(result, Ok(Receipt(None)));
    insta::assert_json_snapshot!(server.heard(), @r#"
    [
      "EHLO slofuse.shop.example",
      "MAIL FROM:<slofuse@shop.example>",
      "RCPT TO:<ops@shop.example>",
      "DATA",
      "QUIT"
    ]
    "#);
    let mail = Read::new(&server.mails()[0]);
    let subject = mail.header("subject");
    assert!(subject.starts_with("[PAGE] shop/checkout"), "{subject}");
    assert_eq!(mail.header("from"), "Slofuse <slofuse@shop.example>");
    assert_eq!(mail.header("to"), "ops@shop.example");
    assert_eq!(mail.header("auto-submitted"), "auto-generated");
    assert_eq!(mail.header("x-priority"), "1 (Highest)");
    assert_eq!(mail.header("date"), "Fri, 02 Jan 2026 03:10:30 +0000");
    assert!(
        mail.header("content-type")
            .starts_with("multipart/alternative")
    );
    let kinds: Vec<&str> = mail.parts.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["text/plain; charset=utf-8", "text/html; charset=utf-8"]
    );
    for expected in [
        "Both the last 1h and the last 5m burn faster than 14.4x.",
        "Impact: Customers cannot pay.",
        "Runbook: https://wiki.example/checkout",
    ] {
        let text = mail.part("text/plain");
        assert!(text.contains(expected), "{expected} in {text}");
    }
    let html = mail.part("text/html");
    let link = "<a href=\"https://grafana.example/d/checkout?orgId=1\">Dashboard</a>";
    assert!(html.contains(link), "{html}");
    assert!(!html.contains("<img"), "{html}");
}

#[tokio::test]
async fn the_mails_of_an_alert_are_one_thread() {
    let server = Server::start(Script::default()).await;
    let receiver = receiver(&settings(server.port, SmtpSecurity::None));
    let trigger = fixture::burning();
    for notification in [
        &trigger,
        &trigger,
        &fixture::updated(),
        &fixture::resolved(),
    ] {
        send(&receiver, notification).await.unwrap();
    }
    let mails: Vec<Read> = server.mails().iter().map(|mail| Read::new(mail)).collect();
    let id = mails[0].header("message-id");
    assert!(
        id.starts_with("<msg_") && id.ends_with("@shop.example>"),
        "{id}"
    );
    assert_eq!(
        mails[1].header("message-id"),
        id,
        "a repetition is the same mail"
    );
    assert_eq!(mails[0].header("in-reply-to"), "");
    for later in &mails[2..] {
        assert_eq!(later.header("in-reply-to"), id);
        assert_eq!(later.header("references"), id);
        assert_ne!(later.header("message-id"), id);
    }
    let resolved = &mails[3];
    assert!(resolved.header("subject").starts_with("[RESOLVED]"));
    assert_eq!(resolved.header("x-priority"), "", "an end is not urgent");
}

#[tokio::test]
async fn a_group_names_its_members() {
    let server = Server::start(Script::default()).await;
    let receiver = receiver(&settings(server.port, SmtpSecurity::None));
    send(&receiver, &group()).await.unwrap();
    let mail = Read::new(&server.mails()[0]);
    for kind in ["text/plain", "text/html"] {
        let part = mail.part(kind);
        for expected in ["[RESOLVED] shop/checkout", "and 2 more alerts"] {
            assert!(part.contains(expected), "{expected} in {part}");
        }
    }
}

#[tokio::test]
async fn nothing_from_outside_becomes_a_header_a_command_or_markup() {
    let server = Server::start(Script::default()).await;
    let receiver = receiver(&settings(server.port, SmtpSecurity::None));
    let mut injected = fixture::hostile();
    let evil = "x\r\nBcc: thief@evil.example\r\n\r\n.\r\nRCPT TO:<thief@evil.example>\r\n.";
    injected.facts.slo = evil.to_owned();
    injected.facts.service = evil.to_owned();
    injected.facts.labels = Labels::new([("path", evil)]);
    injected.facts.document.description = format!("{evil}\r\n.\r\n..\n.<script>x</script>");
    injected.facts.alert_name = Some(evil.to_owned());
    if let crate::engine::AlertKey::Burn { instance, .. } = &mut injected.facts.key {
        instance.labels = injected.facts.labels.clone();
    }
    for notification in [&injected, &fixture::hostile()] {
        send(&receiver, notification).await.unwrap();
    }
    let heard = server.heard();
    assert_eq!(heard.len(), 10, "{heard:?}");
    let recipients = heard.iter().filter(|line| line.starts_with("RCPT"));
    assert!(
        recipients
            .clone()
            .all(|line| line == "RCPT TO:<ops@shop.example>")
    );
    assert_eq!(recipients.count(), 2);
    for raw in server.mails() {
        let mail = Read::new(&raw);
        let names: Vec<&str> = mail.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert!(!names.contains(&"bcc"), "{names:?}");
        assert_eq!(mail.parts.len(), 2);
        let html = mail.part("text/html");
        for markup in ["<script", "<!channel", "<https:", "href=\"javascript"] {
            assert!(!html.contains(markup), "{markup} in {html}");
        }
        assert!(raw.is_ascii() && raw.lines().all(|line| line.len() <= 998));
    }
}

#[tokio::test]
async fn a_line_that_begins_with_a_dot_arrives_with_it() {
    let server = Server::start(Script::default()).await;
    let receiver = receiver(&settings(server.port, SmtpSecurity::None));
    // Soft line breaks put a dot of the address to the start of a line somewhere.
    for indent in 0..80 {
        let mut notification = fixture::burning();
        notification.facts.document.description = format!("{}.ü.end", "x".repeat(indent));
        send(&receiver, &notification).await.unwrap();
        let mail = Read::new(&server.mails()[indent]);
        let text = mail.part("text/plain");
        let expected = format!("Impact: {}.ü.end", "x".repeat(indent));
        assert!(text.contains(&expected), "{text}");
    }
    assert!(
        server.mails().iter().any(|raw| raw.contains("\r\n..")),
        "stuffed"
    );
}

#[tokio::test]
async fn a_mail_has_a_largest_size() {
    let server = Server::start(Script::default()).await;
    let receiver = receiver(&settings(server.port, SmtpSecurity::None));
    let mut notification = oversize();
    let members = vec![notification.facts.clone(); crate::engine::GROUP_MEMBERS_MAX];
    notification.group = group().group;
    notification.group.as_mut().unwrap().members = members;
    send(&receiver, &notification).await.unwrap();
    let raw = &server.mails()[0];
    assert!(raw.len() < 512 << 10, "{}", raw.len());
    let subject = Read::new(raw).header("subject").to_owned();
    assert!(subject.len() <= 900, "{subject}");
}

#[tokio::test]
async fn replies_have_their_classes() {
    for (command, reply, class, reason) in [
        ("greeting", "421 busy", RETRY, FailureReason::ServerError),
        (
            "greeting",
            "554 go away",
            ErrorClass::Permanent,
            FailureReason::ClientError,
        ),
        ("MAIL", "421 closing", RETRY, FailureReason::ServerError),
        (
            "MAIL",
            "451 local trouble",
            RETRY,
            FailureReason::ServerError,
        ),
        (
            "MAIL",
            "530 authenticate first",
            RETRY,
            FailureReason::ClientError,
        ),
        (
            "MAIL",
            "550 not from you",
            ErrorClass::Permanent,
            FailureReason::ClientError,
        ),
        ("RCPT", "421 closing", RETRY, FailureReason::ServerError),
        ("RCPT", "450 greylisted", RETRY, FailureReason::ServerError),
        ("RCPT", "452 too many", RETRY, FailureReason::ServerError),
        (
            "RCPT",
            "550 no such user",
            ErrorClass::Permanent,
            FailureReason::ClientError,
        ),
        ("DATA", "451 later", RETRY, FailureReason::ServerError),
        (
            "DATA",
            "554 no",
            ErrorClass::Permanent,
            FailureReason::ClientError,
        ),
        (".", "452 full", RETRY, FailureReason::ServerError),
        (
            ".",
            "552 too large",
            ErrorClass::Permanent,
            FailureReason::ClientError,
        ),
    ] {
        let (_server, result) = attempt(Script::default().on(command, &[reply])).await;
        let error = result.unwrap_err();
        assert_eq!(
            (error.class, error.reason),
            (class, reason),
            "{command} {reply}: {error}"
        );
        assert!(!error.ambiguous, "{error}");
        let (code, words) = reply.split_once(' ').unwrap();
        assert!(
            error.text.contains(&format!("answered {code}: ")),
            "{error}"
        );
        assert!(error.text.contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again() {
    for (command, ambiguous) in [
        ("greeting", false),
        ("MAIL", false),
        ("DATA", false),
        (".", true),
    ] {
        let (_server, result) = attempt(Script::default().on(command, &[DROP])).await;
        let error = result.unwrap_err();
        let expected = (RETRY, FailureReason::Network, ambiguous);
        let actual = (error.class, error.reason, error.ambiguous);
        assert_eq!(actual, expected, "{command}: {error}");
    }
    let (_server, result) = attempt(Script::default().on("QUIT", &[DROP])).await;
    assert_eq!(result, Ok(Receipt(None)), "the mail is with the server");
    let nobody = receiver(&settings(1, SmtpSecurity::None));
    let error = send(&nobody, &fixture::burning()).await.unwrap_err();
    assert_eq!(
        (error.class, error.reason),
        (RETRY, FailureReason::Refused),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_hangs_runs_into_the_deadline() {
    for (command, step, ambiguous) in [
        ("greeting", "connecting", false),
        ("RCPT", "naming recipient 1", false),
        (".", "sending the mail", true),
    ] {
        let server = Server::start(Script::default().on(command, &[HANG])).await;
        let mut settings = settings(server.port, SmtpSecurity::None);
        settings.timeout = Span::from_millis(400);
        let error = send(&receiver(&settings), &fixture::burning())
            .await
            .unwrap_err();
        let actual = (error.class, error.reason, error.ambiguous);
        assert_eq!(
            actual,
            (RETRY, FailureReason::Timeout, ambiguous),
            "{error}"
        );
        assert!(error.text.starts_with(step), "{error}");
    }
}

#[tokio::test]
async fn starttls_protects_before_anything_is_said() {
    let script = Script::default().offering(&["STARTTLS", "AUTH PLAIN LOGIN"]);
    let server = Server::start(script).await;
    let mut settings = settings(server.port, SmtpSecurity::StartTls);
    settings.tls.ca_file = server.ca_file();
    email(&mut settings).credentials = Some(("bot".to_owned(), Secret::inline("pa55word")));
    send(&receiver(&settings), &fixture::burning())
        .await
        .unwrap();
    let plain = STANDARD.encode("\0bot\0pa55word");
    let heard = server.heard();
    let expected = [
        "EHLO slofuse.shop.example".to_owned(),
        "STARTTLS".to_owned(),
        "[TLS]".to_owned(),
        "EHLO slofuse.shop.example".to_owned(),
        format!("AUTH PLAIN {plain}"),
    ];
    assert_eq!(heard[..5], expected);
    assert_eq!(server.mails().len(), 1);

    settings.tls.ca_file = None;
    let error = send(&receiver(&settings), &fixture::burning())
        .await
        .unwrap_err();
    assert_eq!(
        (error.class, error.reason),
        (RETRY, FailureReason::Network),
        "{error}"
    );
    assert!(error.text.starts_with("starting TLS: "), "{error}");
    settings.tls.insecure_skip_verify = true;
    send(&receiver(&settings), &fixture::burning())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_server_without_starttls_hears_nothing_more() {
    let server = Server::start(Script::default().offering(&["AUTH PLAIN"])).await;
    let mut settings = settings(server.port, SmtpSecurity::StartTls);
    email(&mut settings).credentials = Some(("bot".to_owned(), Secret::inline("pa55word")));
    let error = send(&receiver(&settings), &fixture::burning())
        .await
        .unwrap_err();
    assert_eq!(error.class, RETRY);
    assert_eq!(
        error.text,
        "starting TLS: the server does not offer STARTTLS"
    );
    assert_eq!(server.heard(), ["EHLO slofuse.shop.example"]);
}

#[tokio::test]
async fn tls_may_be_there_from_the_first_byte() {
    let script = Script {
        at_once: true,
        ..Script::default()
    };
    let server = Server::start(script).await;
    let mut settings = settings(server.port, SmtpSecurity::Tls);
    settings.tls.ca_file = server.ca_file();
    send(&receiver(&settings), &fixture::burning())
        .await
        .unwrap();
    assert_eq!(server.heard()[0], "[TLS]");
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn authentication_that_fails_is_tried_again_and_keeps_its_secret() {
    let user = "bot";
    let secrets = [
        "pa55word".to_owned(),
        STANDARD.encode("pa55word"),
        STANDARD.encode("\0bot\0pa55word"),
    ];
    let echo = format!("535 5.7.8 wrong: {}", secrets.join(" "));
    for offer in ["AUTH PLAIN", "AUTH LOGIN", "AUTH CRAM-MD5"] {
        let mut script = Script::default().offering(&[offer]);
        script = script.on("AUTH PLAIN", &[&echo]);
        script = script.on("AUTH LOGIN", &["334 VXNlcm5hbWU6"]);
        script = script.on(&STANDARD.encode(user), &["334 UGFzc3dvcmQ6"]);
        script = script.on(&STANDARD.encode("pa55word"), &[&echo]);
        let server = Server::start(script).await;
        let mut settings = settings(server.port, SmtpSecurity::None);
        email(&mut settings).credentials = Some((user.to_owned(), Secret::inline("pa55word")));
        let error = send(&receiver(&settings), &fixture::burning())
            .await
            .unwrap_err();
        assert_eq!(error.class, RETRY, "{offer}: {error}");
        assert!(error.text.starts_with("authenticating: "), "{error}");
        for secret in &secrets {
            assert!(!format!("{error:?}").contains(secret), "{offer}: {error}");
        }
        assert!(server.mails().is_empty());
    }
}

#[tokio::test]
async fn every_recipient_is_told_once() {
    let script = Script::default()
        .on("RCPT TO:<b@", &["450 greylisted", "250 fine"])
        .on("RCPT TO:<c@", &["550 no such user"]);
    let server = Server::start(script).await;
    let mut settings = settings(server.port, SmtpSecurity::None);
    let to = ["a@shop.example", "B <b@shop.example>", "c@shop.example"];
    email(&mut settings).to = to.map(str::to_owned).to_vec();
    let receiver = receiver(&settings);
    let first = send(&receiver, &fixture::burning()).await.unwrap_err();
    assert_eq!(first.class, RETRY);
    assert!(first.text.contains("recipient 2: answered 450"), "{first}");
    assert!(first.ambiguous, "somebody has it");
    assert_eq!(
        send(&receiver, &fixture::burning()).await,
        Ok(Receipt(None))
    );
    let heard = server.heard();
    let asked = |who: &str| {
        let to = format!("RCPT TO:<{who}@");
        heard.iter().filter(|line| line.starts_with(&to)).count()
    };
    assert_eq!((asked("a"), asked("b"), asked("c")), (1, 2, 2));
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    let ids: Vec<String> = mails
        .iter()
        .map(|mail| Read::new(mail).header("message-id").to_owned())
        .collect();
    assert_eq!(ids[0], ids[1]);
    assert!(receiver.served.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nobody_left_is_permanent_without_a_mail() {
    let (server, result) = attempt(Script::default().on("RCPT", &["550 no such user"])).await;
    assert_eq!(result.unwrap_err().class, ErrorClass::Permanent);
    assert!(server.mails().is_empty());
    assert_eq!(server.heard().last().unwrap(), "QUIT");
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let refused = |change: &dyn Fn(&mut Email)| {
        let mut settings = settings(25, SmtpSecurity::None);
        change(email(&mut settings));
        let built = EmailReceiver::new(&settings, fixture::plain());
        built.err().unwrap().text().to_owned()
    };
    assert_eq!(refused(&|email| email.to.clear()), "to names no recipient");
    let injected = "a@b.example>\r\nRCPT TO:<c@d.example";
    let bad = refused(&|email| email.to = vec![injected.to_owned()]);
    assert!(bad.ends_with("is not an e-mail address"), "{bad}");
    let bad = refused(&|email| email.from = "nobody".to_owned());
    assert_eq!(bad, "from: \"nobody\" is not an e-mail address");
    let bad = refused(&|email| email.hello = Some("a\r\nMAIL FROM:<x@y>".to_owned()));
    assert!(
        bad.starts_with("hello: ") && bad.ends_with("is not a host name"),
        "{bad}"
    );
}

#[tokio::test]
async fn without_a_name_we_use_the_hosts() {
    let server = Server::start(Script::default()).await;
    let mut settings = settings(server.port, SmtpSecurity::None);
    email(&mut settings).hello = None;
    let mut ticket = fixture::burning();
    ticket.facts.severity = crate::engine::Severity::Ticket;
    ticket.kind = NotificationKind::Trigger;
    send(&receiver(&settings), &ticket).await.unwrap();
    let hello = server.heard()[0].clone();
    assert!(hello.starts_with("EHLO ") && hello.len() > 5, "{hello}");
    assert_eq!(Read::new(&server.mails()[0]).header("x-priority"), "");
}
