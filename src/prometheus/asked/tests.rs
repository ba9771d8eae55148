//! Requests as lines for a shell: the same as those of the client, safe, and without secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::config;
use crate::config::secret::Secret;
use crate::config::settings::TlsSettings;
use crate::prometheus::Client;

const NOON: Timestamp = Timestamp::from_secs(1_772_366_400);

fn settings() -> SourceSettings {
    SourceSettings {
        url: "http://127.0.0.1:9090/prom/".to_owned(),
        ..SourceSettings::default()
    }
}

fn up() -> Asked {
    Asked::instant(r#"up{job="a"}[5m]"#.to_owned(), NOON)
}

#[test]
fn a_line_can_be_pasted_and_shows_no_secret() {
    let plain = up().curl(&settings()).unwrap();
    assert_eq!(
        plain,
        "curl -sS --data 'query=up%7Bjob%3D%22a%22%7D%5B5m%5D&time=1772366400.000' \
         'http://127.0.0.1:9090/prom/api/v1/query'"
    );
    let hidden = SourceSettings {
        url: "https://ann:hunter2@prom.example".to_owned(),
        auth: Auth::Bearer(Secret::inline("hunter2")),
        headers: BTreeMap::from([
            ("X-Scope-OrgID".to_owned(), Secret::inline("hunter2")),
            ("it's`id`".to_owned(), Secret::inline("hunter2")),
        ]),
        params: BTreeMap::from([
            ("dedup".to_owned(), "it's true".to_owned()),
            ("api_key".to_owned(), "hunter2".to_owned()),
        ]),
        ..settings()
    };
    let line = up().curl(&hidden).unwrap();
    assert!(!line.contains("hunter2") && !line.contains("ann"), "{line}");
    insta::assert_snapshot!(line, @r#"curl -sS -H "Authorization: Bearer $TOKEN" -H 'X-Scope-OrgID: '"$X_SCOPE_ORGID" -H 'it'\''s`id`: '"$IT_S_ID_" --data 'query=up%7Bjob%3D%22a%22%7D%5B5m%5D&time=1772366400.000' 'https://prom.example/api/v1/query''?api_key='"$API_KEY"'&dedup=it%27s+true'"#);
}

/// What a shell makes of the words of a line, and what it has run besides.
fn words(line: &str) -> Vec<String> {
    let script = format!("curl() {{ printf '%s\\0' \"$@\"; }}\n{line}");
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .env_clear()
        .output()
        .unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn nothing_in_a_query_or_a_path_ends_its_quotation(query in "[ -~äß\n\t\u{1b}]{0,30}") {
        let hostile = SourceSettings {
            tls: TlsSettings {
                ca_file: Some(query.clone().into()),
                ..Default::default()
            },
            ..settings()
        };
        let line = Asked::instant(query.clone(), NOON).curl(&hostile).unwrap();
        prop_assert!(!line.contains(char::is_control), "{:?}", line);
        let words = words(&line);
        prop_assert_eq!(words.len(), 6, "{:?}", words);
        let shown: String = query.chars().filter(|c| !c.is_control()).collect();
        prop_assert_eq!(&words[2], &shown);
        let url = Url::parse(&format!("http://x/?{}", words[4])).unwrap();
        let (_, decoded) = url.query_pairs().next().unwrap();
        prop_assert_eq!(decoded.as_ref(), &query);
    }
}

const SETTINGS: &str = "
definitions: [none]
receivers:
  - {name: somebody, console: {}}
routes: {default: [somebody]}
";

const DEFINITIONS: &str = r#"
apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: api}
spec:
  objective: 99
  period: 30d
  sli:
    events:
      bad: errors_total
      total: requests_total
---
apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: p99}
spec:
  objective: 99
  period: 30d
  sli:
    ratio: {error_ratio: "max(max_over_time(bad_share[$window]))"}
"#;

#[tokio::test]
async fn what_is_told_is_what_is_asked() {
    let server = MockServer::start().await;
    let empty = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_body_string(empty))
        .mount(&server)
        .await;
    let source = SourceSettings {
        url: server.uri(),
        ..SourceSettings::default()
    };
    let client = Arc::new(Client::new(&source).unwrap());
    let loaded = config::embedded(SETTINGS, DEFINITIONS).unwrap();
    let slos: Vec<_> = loaded.definitions.iter().map(|d| d.slo.clone()).collect();
    let (from, windows) = (NOON - Span::from_secs(75), [Span::from_mins(5)]);
    let mut told = Vec::new();
    for feed in PolledFeed::plan(&slos) {
        told.extend(feed.asked(from, NOON, &windows));
        match feed.is_direct() {
            // A matrix is no answer to an instant query, but it was asked.
            true => drop(feed.ask(&client, &windows, NOON).await),
            false => drop(feed.read(&client, from, NOON).await.unwrap()),
        }
    }
    let requests = server.received_requests().await.unwrap();
    let mut asked: Vec<String> = requests
        .iter()
        .map(|request| String::from_utf8(request.body.clone()).unwrap())
        .collect();
    let mut told: Vec<String> = told
        .iter()
        .map(|asked| {
            let form: Vec<(&str, &str)> =
                asked.form.iter().map(|(n, v)| (*n, v.as_str())).collect();
            format!("{}&timeout=10s", encoded(&form))
        })
        .collect();
    asked.sort();
    told.sort();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert_eq!(asked, told);
}
