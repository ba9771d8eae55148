//! Bodies of answers: complete ones are read, all others refused for their reason.

use proptest::prelude::*;

use super::*;
use crate::engine::{Sample, Timestamp};

fn read_text(body: &str) -> Result<Answer, SourceError> {
    read(body.as_bytes(), 3, &mut Interner::default())
}

fn success(data: &str) -> String {
    format!(r#"{{"status":"success","data":{data}}}"#)
}

fn matrix(result: &str) -> String {
    success(&format!(r#"{{"resultType":"matrix","result":{result}}}"#))
}

fn refusal(body: &str) -> String {
    let error = read_text(body).unwrap_err();
    format!("{}: {error}", error.kind())
}

fn sample(millis: i64, value: f64) -> Sample {
    let at = Timestamp::from_millis(millis);
    Sample { at, value }
}

#[test]
fn a_matrix_keeps_every_sample_in_order_of_time() {
    let body = matrix(
        r#"[
          {"metric":{"__name__":"x","b":"1","a":"\u00e9\"\\"},
           "values":[[1435781430.781,"1"],[1435781460,"2.5e3"],[1435781445.5,"3"],[1435781445.5,"4"]]},
          {"metric":{},"values":[]}
        ]"#,
    );
    let answer = read_text(&body).unwrap();
    assert_eq!(answer.shape, Shape::Matrix);
    assert_eq!(answer.queryable_samples, None);
    let labels = Labels::new([("__name__", "x"), ("a", "é\"\\"), ("b", "1")]);
    let samples = vec![
        sample(1_435_781_430_781, 1.0),
        sample(1_435_781_445_500, 3.0),
        sample(1_435_781_445_500, 4.0),
        sample(1_435_781_460_000, 2500.0),
    ];
    let empty = RawSeries {
        labels: Labels::empty(),
        samples: Vec::new(),
    };
    assert_eq!(answer.series, vec![RawSeries { labels, samples }, empty]);
}

#[test]
fn a_vector_and_a_scalar_are_single_samples() {
    let vector = success(
        r#"{"result":[{"value":[1.0,"+Inf"],"metric":{"a":"1"}},{"metric":{"a":"2"},"value":[1,"NaN"]}],
            "resultType":"vector","stats":{"timings":{},"samples":{"totalQueryableSamples":42,"peakSamples":1}}}"#,
    );
    let answer = read_text(&vector).unwrap();
    assert_eq!(
        (answer.shape, answer.queryable_samples),
        (Shape::Vector, Some(42))
    );
    assert_eq!(answer.series[0].samples, [sample(1000, f64::INFINITY)]);
    assert!(answer.series[1].samples[0].value.is_nan());

    let scalar = success(r#"{"resultType":"scalar","result":[1435781451.781,"-Inf"]}"#);
    let answer = read_text(&scalar).unwrap();
    assert_eq!(answer.shape, Shape::Scalar);
    assert_eq!(answer.series[0].labels, Labels::empty());
    assert_eq!(
        answer.series[0].samples,
        [sample(1_435_781_451_781, f64::NEG_INFINITY)]
    );
}

#[test]
fn annotations_are_no_sign_of_missing_data() {
    let with = |fields: &str| {
        let body = matrix("[]");
        body.replacen('{', &format!("{{{fields},"), 1)
    };
    for harmless in [
        r#""warnings":["PromQL warning: encountered a mix of histograms and floats"]"#,
        r#""warnings":["PromQL info: metric might not be a counter"],"infos":["anything"]"#,
        r#""warnings":["PromQL warning: x","3 more warning annotations omitted"]"#,
        r#""warnings":null"#,
        r#""warnings":[],"isPartial":false,"stats":{"seriesFetched":"1"},"future":{"a":[1]}"#,
    ] {
        assert!(read_text(&with(harmless)).is_ok(), "{harmless}");
    }
    let partial = [
        r#""warnings":["PromQL info: x","results truncated due to limit"]"#,
        r#""warnings":["No StoreAPIs matched for this query"]"#,
        r#""isPartial":true"#,
    ];
    let shown = partial.map(|fields| refusal(&with(fields))).join("\n");
    insta::assert_snapshot!(shown, @"
    partial: prometheus gave a partial answer: results truncated due to limit
    partial: prometheus gave a partial answer: No StoreAPIs matched for this query
    partial: prometheus gave a partial answer: a storage node did not answer
    ");
    let late =
        r#"{"status":"success","data":{"resultType":"matrix","result":[]},"isPartial":true}"#;
    assert_eq!(read_text(late).unwrap_err().kind(), "partial");
}

#[test]
fn what_is_no_answer_is_refused() {
    let cases = [
        "",
        "<html>login</html>",
        "true",
        "{}",
        r#"{"status":"success"}"#,
        r#"{"status":"success","data":null}"#,
        r#"{"status":"success","data":{"resultType":"string","result":[1,"5"]}}"#,
        r#"{"status":"success","data":{"resultType":"matrix","result":{}}}"#,
        r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":1}}]}}"#,
        r#"{"status":"success","data":{"resultType":"matrix","result":[{"values":[[1,2]]}]}}"#,
        r#"{"status":"success","data":{"resultType":"matrix","result":[{"values":[[1,"x"]]}]}}"#,
        r#"{"status":"success","data":{"resultType":"matrix","result":[{"values":[[1e300,"1"]]}]}}"#,
        r#"{"status":"success","data":{"resultType":"matrix","result":[{"values":[[1,"1",1]]}]}}"#,
        r#"{"status":"success","data":{"resultType":"scalar","result":["1",1]}}"#,
        r#"{"status":"success","data":{"resultType":"matrix","result":[]}"#,
        r#"{"status":"success","data":{"resultType":"matrix","result":[]}} trailing"#,
        r#"{"status":"error","errorType":"execution","error":"too many samples"}"#,
    ];
    insta::assert_snapshot!(cases.map(refusal).join("\n"), @r#"
    malformed: prometheus did not give a query result: an empty body
    malformed: prometheus did not give a query result: a page of HTML
    malformed: prometheus did not give a query result: invalid type: boolean `true`, expected the envelope of a query result at line 1 column 4
    malformed: prometheus did not give a query result: an envelope without success
    malformed: prometheus did not give a query result: no result type
    malformed: prometheus did not give a query result: no result type
    malformed: prometheus did not give a query result: a result of type string
    malformed: prometheus did not give a query result: invalid type: map, expected a list of series, or a time and a value at line 1 column 59
    malformed: prometheus did not give a query result: invalid type: integer `1`, expected a string at line 1 column 6
    malformed: prometheus did not give a query result: invalid type: integer `2`, expected a number in quotes at line 1 column 75
    malformed: prometheus did not give a query result: invalid value: string "x", expected a number in quotes at line 1 column 77
    malformed: prometheus did not give a query result: a time that is out of range at line 1 column 83
    malformed: prometheus did not give a query result: trailing characters at line 1 column 79
    malformed: prometheus did not give a query result: a value without a time at line 1 column 64
    malformed: prometheus did not give a query result: EOF while parsing an object at line 1 column 62
    malformed: prometheus did not give a query result: trailing characters at line 1 column 65
    bad_query: prometheus refused the query with status 200: too many samples
    "#);
}

#[test]
fn long_texts_of_a_server_are_clipped() {
    let text = format!(r#"{{"status":"error","error":"a\n{}"}}"#, "é".repeat(1000));
    let shown = refusal(&text);
    assert!(
        shown.ends_with(&format!("a {}...", "é".repeat(298))),
        "{shown}"
    );
}

#[test]
fn bounds_and_native_histograms_have_their_own_errors() {
    let one = r#"{"metric":{"a":"1"},"values":[]}"#;
    assert!(read_text(&matrix(&format!("[{one},{one},{one}]"))).is_ok());
    let cases = [
        format!("[{one},{one},{one},{one}]"),
        r#"[{"metric":{"__name__":"h"},"histograms":[[1,{"count":"1","sum":"2"}]]}]"#.to_owned(),
        r#"[{"histogram":[1,{"count":"1"}],"metric":{"__name__":"h"}}]"#.to_owned(),
    ];
    let shown = cases.map(|result| refusal(&matrix(&result))).join("\n");
    insta::assert_snapshot!(shown, @r#"
    too_many_series: the answer has more than 3 series: make the selectors narrower
    native_histogram: {__name__="h"} is a native histogram: use its classic series or histogram_fraction
    native_histogram: {__name__="h"} is a native histogram: use its classic series or histogram_fraction
    "#);
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    let deep = "[".repeat(1 << 20);
    for body in [
        deep.clone(),
        matrix(&deep),
        success(&format!(r#"{{"other":{deep}"#)),
    ] {
        assert_eq!(read_text(&body).unwrap_err().kind(), "malformed");
    }
}

#[test]
fn pages_of_errors_speak_only_when_they_are_meant_for_machines() {
    let cases: [&[u8]; 6] = [
        br#"{"status":"error","errorType":"bad_data","error":"parse error:\n\t1"}"#,
        b"<html><body>502</body></html>",
        b"Service Unavailable\n",
        br#"{"message":"no"}"#,
        b"",
        b"\xff\x00",
    ];
    let shown: Vec<String> = cases
        .iter()
        .map(|b| format!("{:?}", error_message(b)))
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    "parse error:  1"
    ""
    "Service Unavailable"
    ""
    ""
    "� "
    "#);
}

/// A random matrix body and what it says.
fn bodies() -> impl Strategy<Value = (String, Vec<RawSeries>)> {
    let samples = prop::collection::vec((0..4_000_000_000_000_i64, any::<f64>()), 0..6);
    let labels = prop::collection::btree_map("[a-c]{1,2}", "\\PC{1,6}", 0..4);
    prop::collection::vec((labels, samples), 0..4).prop_map(|series| {
        let mut expected = Vec::new();
        let mut elements = Vec::new();
        for (labels, mut samples) in series {
            let value = |v: f64| {
                if v.is_nan() {
                    "NaN".to_owned()
                } else {
                    v.to_string()
                }
            };
            let values: Vec<serde_json::Value> = samples
                .iter()
                .map(|(at, v)| serde_json::json!([*at as f64 / 1000.0, value(*v)]))
                .collect();
            elements.push(serde_json::json!({"metric": labels, "values": values}));
            samples.sort_by_key(|(at, _)| *at);
            expected.push(RawSeries {
                labels: Labels::new(labels),
                samples: samples.into_iter().map(|(at, v)| sample(at, v)).collect(),
            });
        }
        let data = serde_json::json!({"resultType": "matrix", "result": elements});
        (
            serde_json::json!({"status": "success", "data": data}).to_string(),
            expected,
        )
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read((body, expected) in bodies()) {
        let mut interner = Interner::default();
        for _ in 0..3 {
            let answer = read(body.as_bytes(), 10, &mut interner).unwrap();
            prop_assert_eq!(format!("{:?}", answer.series), format!("{expected:?}"));
            interner.rotate();
        }
    }

    #[test]
    fn a_cut_or_broken_body_is_never_an_answer(
        (body, _) in bodies(), cut in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut broken = body.into_bytes();
        let at = cut.index(broken.len());
        let whole = read(&broken, 10, &mut Interner::default());
        prop_assert!(whole.is_ok());
        prop_assert!(read(&broken[..at], 10, &mut Interner::default()).is_err());
        // Any outcome will do, but there must be one.
        broken[at] = byte;
        drop(read(&broken, 10, &mut Interner::default()));
    }
}
