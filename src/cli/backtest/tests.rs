//! What a terminal shows of small worlds, and which variants wishes come to.

use super::gate::{self, Gate};
use super::text::Page;
use super::variant::Wishes;
use super::*;
use crate::config::Change;
use crate::engine::{Objective, Span};
use crate::replay::report::tests::world::{
    QUIET_SETTINGS, SETTINGS, SHOP, after, load, plan, report, shop, variant,
};
use crate::replay::report::{CoarseStretch, Remark, SloReport};

const HOUR: i64 = 3_600;

fn page(report: &Report, all: bool, width: u16) -> String {
    Page::new(report, Paint::plain(), all, width).text()
}

#[test]
fn variants_stand_side_by_side() {
    let loaded = load(QUIET_SETTINGS, SHOP);
    let mut plan = plan(&loaded, 24 * HOUR);
    let lax = Change {
        policy: None,
        objective: Some(Objective::from_percent(95.0).unwrap()),
    };
    plan.variants
        .push(variant("objective 95", &loaded.definitions, &lax));
    plan.variants[1].remarks.push(Remark {
        slo: "shop/checkout".to_owned(),
        rule: "dead-tier".to_owned(),
        refused: false,
        message: "the page tier can never fire".to_owned(),
        fix: "choose another policy".to_owned(),
    });
    plan.history.coarse.push(CoarseStretch {
        from: after(0),
        until: after(HOUR),
        step: Span::from_mins(5),
        of: String::new(),
    });
    plan.history
        .notes
        .push("the clock of \u{1b}[31mthe source is late".to_owned());
    let outages = [
        (3 * HOUR, 3 * HOUR + 300, 1.0),
        (15 * HOUR, 15 * HOUR + 1_500, 0.8),
    ];
    let report = report(&plan, shop(24 * HOUR, &outages, &[(20 * HOUR, 21 * HOUR)]));
    insta::assert_snapshot!(page(&report, false, 120), @r#"
    2023-11-15 00:00 to 2023-11-16 00:00 UTC: 1d in slots of 30s, from a test
    2023-11-15 00:00 to 2023-11-15 01:00: everything at steps of 5m only, short bursts may be missed
    the clock of �[31mthe source is late
    objective 95: shop/checkout: the page tier can never fire: choose another policy
    as defined: 2 pages, 1 of them at night, 2 tickets (14.0 a week), 1 notice, 1 alert about missing data, 1 page told to nobody, 1 budget overspent at the end
    objective 95: 1 page, 1 ticket (7.0 a week), 1 alert about missing data

     SLO             variant        pages   night   tickets      left   lowest   notices   flaps   unalerted   watched
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     shop/checkout   as defined         2       1         2   -73.61%   -81.5%         1       0      2m 30s    95.87%
                     objective 95       1       0         1    65.28%    63.7%         0       0     15m 30s    95.87%
    night: pages that fired at night; left: of the budget at the end; unalerted: time over the objective
    without a page or ticket; watched: slots that could be decided

     fired             lasted       alert                  variant        told               left      why
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     Wed 11-15 20:05   55m          shop/checkout/blind    as defined     pager              -         no data for 10
                                                                                                       slots: the newest
                                                                                                       sample is 5m 30s
                                                                                                       old
     Wed 11-15 20:05   55m          shop/checkout/blind    objective 95   pager              -         no data for 10
                                                                                                       slots: the newest
                                                                                                       sample is 5m 30s
                                                                                                       old
     Wed 11-15 15:18   15m          shop/checkout/ticket   objective 95   board, muted:      65.28%    1h/10m, peak 6.67x
                                                                          page
     Wed 11-15 15:09   17m          shop/checkout/page     objective 95   pager              65.28%    10m/2m, peak 16x
     Wed 11-15 15:04   31m 30s      shop/checkout/ticket   as defined     board, muted:      -73.61%   1h/10m, peak 33.33x
                                                                          page
     Wed 11-15 15:03   8h 57m, up   shop/checkout/info     as defined     board              -73.61%   50% of the budget
                                                                                                       consumed
     Wed 11-15 15:02   26m          shop/checkout/page     as defined     pager              -73.61%   10m/2m, peak 80x
     Wed 11-15 03:03   13m          shop/checkout/ticket   as defined     board, muted:      65.28%    1h/10m, peak 8.33x
                                                                          page
     Wed 11-15 03:01   6m 30s       shop/checkout/page     as defined     muted: interval    65.28%    10m/2m, peak 50x

    shop/checkout, as defined
    budget  ██████████████▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▁×××××××××××××××××××××××××××××××××××××××××
    burn    ▁▁▁▁▁▁▁▁▁▁▁▁▁▁█▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁███▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
    alerts  ··············Pt······················································PPPtiiiiiiiiiiiiiiiiiiiibbbbbiiiiiiiiiiiii
            Wed 11-15 00:00                                                                                  Thu 11-16 00:00
    shop/checkout, objective 95
    budget  ██████████████████████████████████████████████████████████████████████▇▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆
    burn    ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▇▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▆▆▆▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
    alerts  ······································································PPP·····················bbbbb·············
            Wed 11-15 00:00                                                                                  Thu 11-16 00:00
    budget: what was left, × is overspent; burn: 0.1x to 100x over the shortest window
    alerts: P page, t ticket, i notice, b no data, ? not watched

     receiver   variant        messages   opening   news   closing   pages   night   unquieted
    ───────────────────────────────────────────────────────────────────────────────────────────
     board      as defined            6         3      1         2       0       0           6
     pager      as defined            4         2      0         2       2       0           6
     board      objective 95          2         1      0         1       0       0           2
     pager      objective 95          4         2      0         2       2       0           4
    night: pages and their news; unquieted: messages if nothing were grouped or muted

    --format json has every figure, message and gap
    "#);
}

#[test]
fn a_narrow_terminal_is_kept_to() {
    let loaded = load(SETTINGS, SHOP);
    let report = report(
        &plan(&loaded, 12 * HOUR),
        shop(12 * HOUR, &[(3 * HOUR, 3 * HOUR + 300, 1.0)], &[]),
    );
    let text = page(&report, false, 60);
    let is_drawn = |line: &&str| {
        let starts = ["budget  ", "burn    ", "alerts  ", " "];
        line.contains('─') || starts.iter().any(|start| line.starts_with(start))
    };
    let drawn: Vec<&str> = text.lines().filter(is_drawn).collect();
    assert!(drawn.len() > 10, "{text}");
    assert!(
        drawn.iter().all(|line| line.chars().count() <= 60),
        "{text}"
    );
}

#[test]
fn no_width_breaks_tables() {
    for name in ["checkout", "the-longest-name-of-all-that-there-are"] {
        let settings = load(SETTINGS, &SHOP.replace("checkout", name));
        let mut plan = plan(&settings, 12 * HOUR);
        let change = Change::default();
        let other = variant("policy rather-long", &settings.definitions, &change);
        plan.variants.push(other);
        let outages = [(3 * HOUR, 3 * HOUR + 300, 1.0)];
        let report = report(&plan, shop(12 * HOUR, &outages, &[]));
        for width in (60..180).step_by(7) {
            let text = page(&report, true, width);
            let heads = [" SLO", " fired", " receiver"];
            let is_table = |part: &&str| heads.iter().any(|head| part.starts_with(head));
            let tables = text.split("\n\n").filter(is_table).flat_map(str::lines);
            let rows: Vec<&str> = tables.filter(|row| row.starts_with([' ', '─'])).collect();
            let long = |row: &&str| row.trim_end().chars().count();
            assert!(
                rows.iter().map(long).max() <= Some(usize::from(width)),
                "{width}: {text}"
            );
            // Where there is room for the longest word of a heading, no heading is broken.
            let is_whole = |row: &&str| {
                let words = row.split_whitespace();
                let known = "SLO variant pages night tickets left lowest notices flaps unalerted \
                             watched fired lasted alert told cost why receiver messages opening \
                             news closing unquieted";
                words
                    .clone()
                    .all(|word| known.split(' ').any(|one| one == word))
            };
            let parts = text.split("\n\n").filter(is_table);
            let mut headings = parts.filter_map(|part| part.lines().next());
            assert!(headings.all(|row| is_whole(&row)), "{width}: {text}");
            // Letters one below the other are a column that nobody can read.
            let is_letter = |row: &&str| row.trim().chars().count() == 1;
            let mut pairs = rows.windows(2);
            assert!(
                !pairs.any(|pair| pair.iter().all(is_letter)),
                "{width}: {text}"
            );
        }
    }
}

#[test]
fn a_quiet_past_is_told_in_few_words() {
    let loaded = load(SETTINGS, SHOP);
    let report = report(&plan(&loaded, 6 * HOUR), shop(6 * HOUR, &[], &[]));
    insta::assert_snapshot!(page(&report, false, 100), @r#"
    2023-11-15 00:00 to 2023-11-15 06:00 UTC: 6h in slots of 30s, from a test
    as defined: 0 pages, 0 tickets

     SLO             pages   night   tickets   left   lowest   notices   flaps   unalerted   watched
    ─────────────────────────────────────────────────────────────────────────────────────────────────
     shop/checkout       0       0         0   100%     100%         0       0          0s      100%
    night: pages that fired at night; left: of the budget at the end; unalerted: time over the objective
    without a page or ticket; watched: slots that could be decided

    shop/checkout
    budget  ████████████████████████████████████████████████████████████████████████████████████████████
    burn    ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
    alerts  ····························································································
            Wed 11-15 00:00                                                              Wed 11-15 06:00
    budget: what was left, × is overspent; burn: 0.1x to 100x over the shortest window
    alerts: P page, t ticket, i notice, b no data, ? not watched

    compare with --policy or --objective, or let slofuse tune propose some
    "#);
}

#[test]
fn of_many_slos_those_that_page_are_shown() {
    let loaded = load(SETTINGS, SHOP);
    let plan = plan(&loaded, 6 * HOUR);
    let quiet = report(&plan, shop(6 * HOUR, &[], &[])).slos.remove(0);
    let mut report = report(&plan, shop(6 * HOUR, &[(HOUR, HOUR + 300, 1.0)], &[]));
    let others = (0..59).map(|number| SloReport {
        id: format!("a/quiet{number}"),
        ..quiet.clone()
    });
    let loud = report.slos.remove(0);
    report.slos = others.chain([loud]).collect();
    let cut = page(&report, false, 100);
    let table = cut.split("night: pages").next().unwrap();
    assert!(table.contains(" shop/checkout "), "{cut}");
    assert!(cut.contains("20 quieter SLOs: --all shows them"), "{cut}");
    assert!(page(&report, true, 100).contains(" a/quiet58 "));
}

#[test]
fn long_lists_are_cut_unless_all_is_asked_for() {
    let loaded = load(SETTINGS, SHOP);
    let outages: Vec<_> = (1..24).map(|n| (n * HOUR, n * HOUR + 120, 1.0)).collect();
    let report = report(&plan(&loaded, 24 * HOUR), shop(24 * HOUR, &outages, &[]));
    let alerts: usize = report.slos[0].variants[0].as_ref().unwrap().alerts.len();
    let cut = page(&report, false, 100);
    assert!(
        cut.contains(&format!("{} more, use --all", alerts - 15)),
        "{cut}"
    );
    let newest = cut.find("Wed 11-15 23:01").unwrap();
    assert!(newest < cut.find("Wed 11-15 22:01").unwrap());
    assert!(!cut.contains("Wed 11-15 01:01"));
    let all = page(&report, true, 100);
    assert!(all.contains("Wed 11-15 01:01") && !all.contains("use --all"));
}

#[test]
fn conditions_are_judged_by_the_definitions_as_they_are() {
    let loaded = load(SETTINGS, SHOP);
    let outages = [(3 * HOUR, 3 * HOUR + 300, 1.0)];
    let mut report = report(&plan(&loaded, 24 * HOUR), shop(24 * HOUR, &outages, &[]));
    let judged = |text: &str| gate::judge(&[Gate::parse(text).unwrap()], &report).is_ok();
    assert!(judged("pages>1") && !judged("pages>=1") && !judged("pages>6/week"));
    assert!(judged("pages>7/week") && !judged("night-pages>0") && judged("night-pages>1/night"));
    assert!(!judged("budget<66") && judged("budget<65") && judged("budget>66"));
    report.slos.clear();
    let unknown = gate::judge(&[Gate::parse("budget<1").unwrap()], &report);
    assert_eq!(
        unknown,
        Err(Failure::Failed),
        "nothing is known of a budget"
    );
}

fn wishes<'a>(slos: &'a [String], policies: &'a [String], objectives: &'a [f64]) -> Wishes<'a> {
    Wishes {
        slos,
        policies,
        objectives,
    }
}

#[test]
fn wishes_are_combined_and_bounded() {
    let definitions = load(SETTINGS, SHOP).definitions;
    let names = |policies: &[&str], objectives: &[f64]| {
        let policies: Vec<String> = policies.iter().map(|name| (*name).to_owned()).collect();
        let variants = wishes(&[], &policies, objectives).variants(&definitions, &[]);
        variants.map(|all| all.into_iter().map(|one| one.name).collect::<Vec<_>>())
    };
    assert_eq!(names(&[], &[]).unwrap(), ["as defined"]);
    assert_eq!(
        names(&[], &[99.9, 95.0]).unwrap(),
        ["as defined", "objective 99.9", "objective 95"]
    );
    let both = names(&["sre-workbook"], &[99.9]).unwrap();
    assert_eq!(both, ["as defined", "policy sre-workbook, objective 99.9"]);
    assert_eq!(names(&["sre-workbok"], &[]), Err(Failure::Usage));
    assert_eq!(names(&[], &[100.0]), Err(Failure::Usage));
    assert_eq!(names(&[], &[50.0; 9]), Err(Failure::Usage));
    assert_eq!(
        names(&["nowhere/policies.yaml"], &[]),
        Err(Failure::Problems)
    );
}

#[test]
fn patterns_choose_slos_and_must_choose_some() {
    let other = SHOP.replace("checkout", "search");
    let definitions = load(SETTINGS, &format!("{SHOP}---{other}")).definitions;
    let chosen = |pattern: &str| {
        let patterns = [pattern.to_owned()];
        let variants = wishes(&patterns, &[], &[]).variants(&definitions, &[]);
        variants.map(|all| {
            all[0]
                .slos
                .iter()
                .map(|slo| slo.name.clone())
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(chosen("shop/*").unwrap(), ["checkout", "search"]);
    assert_eq!(chosen("shop/s?arch").unwrap(), ["search"]);
    assert_eq!(chosen("shop/serch"), Err(Failure::Usage));
    assert_eq!(chosen("shop/["), Err(Failure::Usage));
}

#[test]
fn a_policy_that_does_not_fit_is_remarked_and_not_played() {
    // The windows of the workbook's policy are longer than a period of one day.
    let definitions = load(SETTINGS, SHOP).definitions;
    let policies = ["sre-workbook".to_owned()];
    let variants = wishes(&[], &policies, &[])
        .variants(&definitions, &[])
        .unwrap();
    assert!(variants[0].remarks.is_empty());
    let [remark] = &variants[1].remarks[..] else {
        panic!("{:?}", variants[1].remarks);
    };
    assert!(remark.refused && variants[1].slos.is_empty());
    insta::assert_snapshot!(
        format!("{}: {}", remark.message, remark.fix),
        @r#"
    the policy "sre-workbook" looks back 3d, longer than the period of 1d: choose a period of at least 3d, or a policy of shorter windows
    "#
    );
}

#[test]
fn the_past_is_asked_for_once_and_far_enough_for_every_variant() {
    let definitions = load(SETTINGS, SHOP.replace("1d", "30d").as_str()).definitions;
    let policies = ["sre-workbook".to_owned()];
    let variants = wishes(&[], &policies, &[99.5])
        .variants(&definitions, &[])
        .unwrap();
    let joined = joined(&variants);
    assert_eq!(joined.len(), 1);
    let windows: Vec<String> = joined[0]
        .reach
        .windows
        .iter()
        .map(Span::to_string)
        .collect();
    assert_eq!(
        windows,
        ["2m", "5m", "10m", "30m", "1h", "2h", "6h", "1d", "3d"]
    );
    assert_eq!(variants[1].slos[0].policy.name, "sre-workbook");
    assert_eq!(
        variants[1].slos[0].reach.longest_window(),
        Span::from_days(3)
    );
}
