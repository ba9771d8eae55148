//! Every form of incidents, and every mistake at its place.

use super::*;
use crate::engine::MatchOp;

fn sound(name: &str, text: &str) -> Vec<Incident> {
    let read = read(name, text.as_bytes(), None).map_err(|found| found.to_string());
    read.unwrap().incidents
}

fn mistakes(name: &str, text: &str, zone: Option<&str>) -> String {
    let zone = zone.map(|name| Zone::named(name).unwrap());
    let found = read(name, text.as_bytes(), zone.as_ref()).err();
    found.unwrap().to_string()
}

fn at(text: &str) -> Timestamp {
    let at: jiff::Timestamp = text.parse().unwrap();
    Timestamp::from_millis(at.as_millisecond())
}

#[test]
fn a_native_list_says_everything() {
    let text = r#"
zone: Europe/Berlin
incidents:
  - start: 2026-03-01T09:00:00Z
    end: 2026-03-01T09:40:00+00:00
    slo: shop/checkout
    labels: {zone: eu, tier: "1"}
    severity: page
    title: The gateway's certificate had run out
  - {start: "2026-03-02 10:00", end: 2026-03-02T11:30:00+0200, service: cart, significant: false}
  - {start: 2026-03-03T00:00:00Z, end: open}
"#;
    let [gateway, cart, open] = sound("incidents.yaml", text).try_into().unwrap();
    assert_eq!(gateway.start, at("2026-03-01T09:00:00Z"));
    assert_eq!(gateway.end, Some(at("2026-03-01T09:40:00Z")));
    assert_eq!(gateway.slo.as_deref(), Some("shop/checkout"));
    assert_eq!(gateway.severity, Some(Severity::Page));
    assert_eq!(gateway.title, "The gateway's certificate had run out");
    assert!(gateway.significant && !cart.significant);
    let zone = Matcher {
        name: "zone".to_owned(),
        op: MatchOp::Equal("eu".to_owned()),
    };
    assert!(gateway.labels.contains(&zone) && gateway.labels.len() == 2);
    assert_eq!(cart.start, at("2026-03-02T09:00:00Z"), "of the file's zone");
    assert_eq!(cart.end, Some(at("2026-03-02T09:30:00Z")));
    assert_eq!((cart.service.as_deref(), open.end), (Some("cart"), None));
    assert_eq!((open.place.line, open.place.column), (11, 5));
}

#[test]
fn a_list_without_a_head_and_no_incidents_are_lists() {
    let text = "- {start: 2026-03-01T09:00:00Z, end: 2026-03-01T09:00:00Z}\n";
    assert_eq!(sound("a", text).len(), 1);
    assert_eq!(sound("a.yaml", "incidents: []").len(), 0);
    assert_eq!(sound("a.csv", "start,end\n").len(), 0);
}

#[test]
fn a_table_is_read_alike() {
    let text = "\u{feff}Start,End,Service,Labels,Severity,Significant,Title\r\n\
        2026-03-01T09:00:00Z,2026-03-01T09:40:00Z,shop,\"zone=\"\"eu\"\"\",page,,\"one, \"\"two\"\"\nthree\"\r\n\
        \r\n\
        2026-03-02T09:00:00Z,open,,,,false,\n";
    let [first, second] = sound("incidents.csv", text).try_into().unwrap();
    assert_eq!(first.title, "one, \"two\"\nthree");
    assert_eq!(first.labels.len(), 1);
    assert_eq!(first.severity, Some(Severity::Page));
    assert!(first.significant && !second.significant);
    assert_eq!((second.end, second.place.line), (None, 5));
}

/// The two headers of "Download Reports to CSV" in PagerDuty's support pages.
#[test]
fn pagerdutys_reports_are_read() {
    let advanced = "id,incident_number,description,service_id,service_name,escalation_policy_id,\
        escalation_policy_name,created_on,resolved_on,seconds_to_first_ack,seconds_to_resolve,\
        auto_resolved,urgency\n\
        PT4KHLK,1234,The server is on fire.,PIJ90N7,My Mail Service,PUS0KTE,Default,\
        2026-02-26T00:10:04+00:00,2026-02-26T00:34:06+00:00,,1442,0,high\n\
        PT4KHLL,1235,Still,PIJ90N7,My Mail Service,PUS0KTE,Default,2026-02-26 01:10:04 -0800,,,,0,low\n";
    let [fire, still] = sound("export", advanced).try_into().unwrap();
    assert_eq!(fire.title, "The server is on fire.");
    assert_eq!(fire.service.as_deref(), Some("My Mail Service"));
    assert_eq!(fire.end, Some(at("2026-02-26T00:34:06Z")));
    assert_eq!(fire.severity, Some(Severity::Page));
    assert_eq!(still.start, at("2026-02-26T09:10:04Z"));
    assert_eq!((still.end, still.severity), (None, Some(Severity::Ticket)));
    let basic = "#,Service,Opened On,Resolved On,Resolve By,Duration,#Escalations\n\
        7,Mail,2026-02-26T00:10:04Z,2026-02-26T00:34:06Z,Ann,24m,0\n";
    let [basic] = sound("basic.csv", basic).try_into().unwrap();
    assert_eq!(basic.service.as_deref(), Some("Mail"));
    assert_eq!(basic.start, at("2026-02-26T00:10:04Z"));
}

/// The fields of an Incident in PagerDuty's REST API v2, `GET /incidents`.
#[test]
fn pagerdutys_answers_are_read() {
    let text = r#"{"incidents": [
        {"id": "PT4KHLK", "type": "incident", "summary": "[#1234] The server is on fire.",
         "incident_number": 1234, "title": "The server is on fire.", "urgency": "high",
         "created_at": "2015-10-06T21:30:42Z", "updated_at": "2015-10-06T21:40:23Z",
         "status": "resolved", "service": {"id": "PIJ90N7", "summary": "My Mail Service"},
         "resolved_at": "2015-10-06T21:38:23Z", "last_status_change_at": "2015-10-06T21:39:00Z"},
        {"created_at": "2015-10-07T21:30:42Z", "status": "resolved", "summary": "old",
         "last_status_change_at": "2015-10-07T21:38:23Z"},
        {"created_at": "2015-10-08T21:30:42Z", "status": "acknowledged", "summary": "now",
         "resolved_at": null, "last_status_change_at": "2015-10-08T21:38:23Z"}
      ], "limit": 3, "offset": 0, "total": null, "more": true}"#;
    let answer = read("answer.json", text.as_bytes(), None).unwrap();
    let [fire, old, now] = answer.incidents.try_into().unwrap();
    assert_eq!(fire.end, Some(at("2015-10-06T21:38:23Z")));
    assert_eq!(fire.service.as_deref(), Some("My Mail Service"));
    assert_eq!(fire.title, "The server is on fire.");
    assert_eq!((fire.severity, old.severity), (Some(Severity::Page), None));
    assert_eq!(old.end, Some(at("2015-10-07T21:38:23Z")));
    assert_eq!((now.end, now.title.as_str()), (None, "now"));
    insta::assert_snapshot!(answer.warnings, @r"
    answer.json:11:58: warning: this is one page of PagerDuty's answer: there are more incidents
      fix: ask with offset until more is false, and put the lists together
    ");
}

#[test]
fn every_mistake_of_a_list_is_told() {
    let text = "
zone: Europe/Berlim
owner: me
incidents:
  - {start: yesterday, end: 2026-03-01T09:40:00}
  - {start: 2026-03-01T10:00:00Z, end: 2026-03-01T09:40:00Z}
  - {begin: 2026-03-01T10:00:00Z, severity: loud, slo: checkout, labels: [a], significant: so-so}
  - start: [1]
  - 7
";
    insta::assert_snapshot!(mistakes("a.yaml", text, None), @r#"
    a.yaml:2:7: error: this is no time zone
      fix: write an IANA name such as Europe/Berlin or UTC
    a.yaml:3:1: error: unknown key "owner"
      fix: use one of: zone, incidents
    a.yaml:5:13: error: "yesterday" is no time
      fix: write it as RFC 3339, such as 2026-11-21T22:00:00Z
    a.yaml:5:29: error: "2026-03-01T09:40:00" does not say its offset from UTC
      fix: append Z or an offset such as +01:00, or name the zone of all such times
    a.yaml:6:40: error: the incident ends before it begins
      fix: exchange start and end, or correct them
    a.yaml:7:5: error: the incident lacks "end"
      fix: add end, or write it as `open`
    a.yaml:7:5: error: the incident lacks "start"
      fix: add start, when it began
    a.yaml:7:6: error: unknown key "begin"
      fix: use one of: start, end, slo, service, labels, severity, significant, title
    a.yaml:7:45: error: "loud" is no severity
      fix: write page, ticket or info, or leave it out
    a.yaml:7:56: error: "checkout" names no SLO
      fix: write it as service/name
    a.yaml:7:74: error: labels are a section of names and texts
      fix: write them as {zone: eu}
    a.yaml:7:92: error: "so-so" is neither true nor false
      fix: write true or false
    a.yaml:8:12: error: expected one value here
      fix: write a text
    a.yaml:9:5: error: this is no incident
      fix: write start: and end: for each incident
    "#);
}

#[test]
fn every_mistake_of_a_table_is_told() {
    let text = "start,ende,labels\n\
        2026-03-29T02:30:00,2026-03-29T03:30:00,\n\
        2026-10-25T02:30:00,2026-10-25T01:00:00,\"zone\"\n\
        2026-03-01,2026-03-01T09:00:00Z\n\
        \"a\"b,,\n";
    insta::assert_snapshot!(mistakes("a.csv", text, Some("Europe/Berlin")), @r#"
    a.csv:1:1: error: the header lacks end
      fix: add end, and write `open` where it has not ended
    a.csv:1:7: error: unknown key "ende"
      fix: did you mean "end"?
    a.csv:2:1: error: clocks in Europe/Berlin show "2026-03-29T02:30:00" twice or never, for they are changed then
      fix: append the offset, such as +01:00
    a.csv:3:1: error: clocks in Europe/Berlin show "2026-10-25T02:30:00" twice or never, for they are changed then
      fix: append the offset, such as +01:00
    a.csv:3:41: error: "zone" are no labels: one of = != =~ !~ is expected after the name of a label
      fix: write them as zone="eu"
    a.csv:4:1: error: the row has 2 columns, the header has 3
      fix: quote what holds a comma or a quote
    a.csv:5:1: error: text follows the closing quote
      fix: double the quotes inside of a quoted text
    "#);
    insta::assert_snapshot!(mistakes("b.csv", "when,what\n1,2\n", None), @r"
    b.csv:1:1: error: the header has neither start nor created_on
      fix: begin with a header such as start,end,service,title
    ");
    insta::assert_snapshot!(mistakes("c.csv", "start,end\n\"1,2\n", None), @r"
    c.csv:2:1: error: this quote is not closed
      fix: close it
    ");
    insta::assert_snapshot!(mistakes("d.csv", "", None), @r"
    d.csv:1:1: error: there are no incidents in this file
      fix: begin with a header such as start,end,service,title
    ");
    insta::assert_snapshot!(mistakes("e.yaml", "7", None), @r"
    e.yaml:1:1: error: there is no list of incidents here
      fix: write incidents: and a list of them, each with start and end
    ");
}

#[test]
fn a_file_that_is_not_there_is_a_mistake() {
    let found = load(Path::new("no/such/incidents.yaml"), None).unwrap_err();
    let text = found.to_string();
    assert!(
        text.contains("cannot be read") && text.contains("fix:"),
        "{text}"
    );
}

#[test]
fn more_incidents_than_fit_are_refused_once() {
    let mut text = String::from("start,end\n");
    for _ in 0..=INCIDENTS_MAX + 5 {
        text.push_str("2026-03-01T09:00:00Z,2026-03-01T09:00:00Z\n");
    }
    let found = read("a.csv", text.as_bytes(), None).unwrap_err();
    assert_eq!(found.errors(), 1);
}

proptest::proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes: Vec<u8>, text in "[\"a,:{}\\[\\]\n\r 0-9TZ+-]{0,80}") {
        for name in ["a.csv", "a.yaml", "a.json", "a"] {
            let _read = read(name, &bytes, None);
            let _read = read(name, text.as_bytes(), None);
            let headed = format!("start,end,title\n{text}");
            let _read = read(name, headed.as_bytes(), None);
        }
    }
}
