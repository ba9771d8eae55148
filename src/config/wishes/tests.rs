//! Files of wishes: what holds for whom, and what is said about mistakes.

use super::*;

fn list(text: &str) -> WishList {
    WishList::read("wishes.yaml", text.as_bytes()).unwrap_or_else(|found| panic!("{found}"))
}

fn mistakes(text: &str) -> String {
    match WishList::read("wishes.yaml", text.as_bytes()) {
        Ok(_) => "none".to_owned(),
        Err(found) => found.to_string(),
    }
}

fn of(list: &WishList, service: &str, name: &str) -> Wishes {
    list.of(&SloId::new(service, name))
}

const TEN: Burst = Burst {
    error_ratio: 0.1,
    within: Span::from_mins(5),
};

#[test]
fn bursts_are_a_share_and_a_time() {
    for text in [
        "10% within 5m",
        "0.1 within 5m",
        " 10 %  within  300s ",
        "10%within5m",
    ] {
        assert_eq!(burst(text), Ok(TEN), "{text}");
    }
    for text in [
        "10%",
        "within 5m",
        "0% within 5m",
        "101% within 5m",
        "NaN within 5m",
        "10% within 2d",
        "10% within 0s",
        "",
    ] {
        assert!(burst(text).is_err(), "{text}");
    }
}

#[test]
fn what_is_said_of_one_slo_holds_instead_of_what_is_said_of_all() {
    let list = list(
        "
pages_per_week: 2
tickets_per_week: 5
detect: [10% within 5m, {errors: 100%, within: 3m}]
objective: {at_least: 99.5, at_most: 99.95}
slos:
  - {slo: shop/*, pages_per_week: 1}
  - {slo: shop/search, detect: [50% within 1h], objective: {at_least: 99}}
  - {slo: shop/pay, pages_per_week: 0.5}
",
    );
    let other = of(&list, "billing", "invoices");
    assert_eq!(other.pages_per_week, Some(2.0));
    assert_eq!(other.bursts.len(), 2);
    assert_eq!(other.bursts[0], TEN);
    let search = of(&list, "shop", "search");
    assert_eq!(search.pages_per_week, Some(1.0));
    assert_eq!(search.tickets_per_week, Some(5.0));
    assert_eq!(search.bursts.len(), 1);
    let percent = |objective: Option<Objective>| objective.map(Objective::percent);
    assert_eq!(percent(search.objective_at_least), Some(99.0));
    assert_eq!(percent(search.objective_at_most), Some(99.95));
    // The last item that has the key holds.
    assert_eq!(of(&list, "shop", "pay").pages_per_week, Some(0.5));
    let known = [SloId::new("shop", "search")];
    assert_eq!(list.unused(&known).collect::<Vec<_>>(), ["shop/pay"]);
}

#[test]
fn all_mistakes_are_told_at_once_with_place_and_fix() {
    insta::assert_snapshot!(mistakes("pages_per_wek: 2
night_pages_per_week: -1
detect:
  - 10% in 5m
  - {errors: 200%, within: 3m}
  - {errors: 10%}
objective: {at_least: 99.9, at_most: 99}
slos:
  - {slo: shop, pages_per_week: two}
  - {pages_per_week: 1}
  - {slo: shop/pay}
"), @r#"
    wishes.yaml:1:1: error: unknown key "pages_per_wek"
      fix: did you mean "pages_per_week"?
    wishes.yaml:2:23: error: -1 is out of bounds
      fix: choose a value from 0 to 10000
    wishes.yaml:4:5: error: this is no burst that can be wished for
      fix: write a share of requests and a time: "10% within 5m"
    wishes.yaml:5:14: error: "200%" is not a fraction between 0 and 1
      fix: write a percentage such as 2% or a fraction such as 0.02
    wishes.yaml:6:5: error: the burst lacks the key "within"
      fix: add within:
    wishes.yaml:7:12: error: the objective cannot be at least 99.9 and at most 99
      fix: exchange the two, or correct them
    wishes.yaml:9:11: error: "shop" names no SLO
      fix: write service/name, or a pattern such as shop/*
    wishes.yaml:9:33: error: this is not a number
      fix: write a number such as 99.9
    wishes.yaml:10:5: error: the item lacks the key "slo"
      fix: add slo:
    wishes.yaml:11:5: error: nothing is wished for here
      fix: write for example pages_per_week: 2, or remove the item
    "#);
}

#[test]
fn every_kind_of_mistake_has_a_fix() {
    let nine = format!("detect: [{}]", ["10% within 5m"; 9].join(", "));
    for text in [
        "",
        "{}",
        "slos: []",
        "- pages_per_week: 2",
        "pages_per_week: .inf",
        "pages_per_week: .nan",
        "pages_per_week: 1e9",
        "pages_per_week: 2\n---\npages_per_week: 3",
        "objective: 99.9",
        "objective: {at_least: 100}",
        "detect: 10% within 5m",
        "detect: [{errors: 0%, within: 5m}]",
        "detect: [{errors: 10%, within: 2d}]",
        "slos: [{slo: 'a/[', pages_per_week: 1}]",
        "\u{0}",
        &nine,
    ] {
        let told = mistakes(text);
        assert!(
            told.contains("error: ") && told.contains("  fix: "),
            "{text}\n{told}"
        );
    }
    let unread = WishList::load(Path::new("/nowhere/wishes.yaml")).unwrap_err();
    assert!(unread.to_string().contains("cannot be read"), "{unread}");
}
