//! The tree: Alertmanager's documented semantics as tables, and a naive matcher beside it.

use proptest::prelude::*;

use super::*;
use crate::engine::labels::Pattern;
use crate::engine::trace::TracedNode;

fn matcher(text: &str) -> Matcher {
    for op in ["!=", "=~", "!~", "="] {
        if let Some((name, value)) = text.split_once(op) {
            let (name, op) = (name.to_owned(), MatchOp::new(op, value).unwrap());
            return Matcher { name, op };
        }
    }
    panic!("what is {text:?}?")
}

/// `name matchers...` with `+` before the name of a node that continues.
fn node(text: &str, routes: Vec<Route>) -> Route {
    let mut words = text.split_whitespace();
    let name = words.next().unwrap();
    Route {
        name: name.trim_start_matches('+').to_owned(),
        continues: name.starts_with('+'),
        matchers: words.map(matcher).collect(),
        receivers: vec![format!("to-{}", name.trim_start_matches('+'))],
        routes,
        ..Route::default()
    }
}

fn routing(root: Route) -> Routing {
    Routing {
        root,
        ..Routing::default()
    }
}

fn labels(text: &str) -> Labels {
    Labels::new(
        text.split_whitespace()
            .map(|pair| pair.split_once('=').unwrap()),
    )
}

fn found(routing: &Routing, text: &str) -> String {
    let found = routing.find(&labels(text));
    let names: Vec<&str> = found.iter().map(|route| route.name.as_str()).collect();
    names.join(" ")
}

#[test]
fn the_deepest_node_of_the_first_child_that_matches_takes_the_alert() {
    let tree = routing(node(
        "root",
        vec![
            node(
                "shop team=shop",
                vec![
                    node("pages severity=page", vec![]),
                    node("eu zone=~eu.*", vec![node("info severity=info", vec![])]),
                ],
            ),
            node("all-pages severity=page", vec![]),
            node("rest", vec![]),
            node("never", vec![]),
        ],
    ));
    for (labels, wanted) in [
        ("team=shop severity=page", "pages"),
        ("team=shop severity=page zone=eu1", "pages"),
        ("team=shop severity=ticket zone=eu1", "eu"),
        ("team=shop severity=info zone=eu", "info"),
        ("team=shop severity=info zone=us", "shop"),
        ("team=shop", "shop"),
        ("team=cart severity=page", "all-pages"),
        ("team=cart severity=info", "rest"),
        ("", "rest"),
    ] {
        assert_eq!(found(&tree, labels), wanted, "{labels}");
    }
}

#[test]
fn continue_asks_the_later_siblings_too() {
    let tree = routing(node(
        "root",
        vec![
            node(
                "+audit severity=~page|ticket",
                vec![
                    node("+a zone=eu", vec![]),
                    node("b zone=eu", vec![]),
                    node("c zone=eu", vec![]),
                ],
            ),
            node("+no team=none", vec![]),
            node("shop team=shop", vec![]),
            node("late severity=page", vec![]),
        ],
    ));
    for (labels, wanted) in [
        ("severity=page zone=eu team=shop", "a b shop"),
        ("severity=page zone=us team=shop", "audit shop"),
        ("severity=page", "audit late"),
        // The last node that matches may continue: the root is not used all the same.
        ("severity=ticket", "audit"),
        ("severity=info", "root"),
        ("team=none", "no"),
    ] {
        assert_eq!(found(&tree, labels), wanted, "{labels}");
    }
}

#[test]
fn a_missing_label_is_empty_and_expressions_are_anchored() {
    for (matchers, labels, matches) in [
        ("a=", "b=1", true),
        ("a=", "a=1", false),
        ("a!=1", "b=1", true),
        ("a!=1", "a=1", false),
        ("a!=", "b=1", false),
        ("a=~.*", "b=1", true),
        ("a=~.+", "b=1", false),
        ("a=~b|", "c=1", true),
        ("a=~b", "a=bb", false),
        ("a=~b|c", "a=xc", false),
        ("a=~b.*", "a=bxx", true),
        ("a!~b.*", "a=bxx", false),
        ("a!~b", "a=bb", true),
        ("a!~.+", "", true),
        ("a!~.+", "a=x", false),
        ("a=1 b=2", "a=1", false),
        ("a=1 b!=2", "a=1", true),
    ] {
        let tree = routing(node("root", vec![node(&format!("x {matchers}"), vec![])]));
        let wanted = if matches { "x" } else { "root" };
        assert_eq!(found(&tree, labels), wanted, "{matchers} on {labels}");
    }
}

#[test]
fn the_root_takes_what_nobody_takes_whatever_it_says() {
    let tree = routing(node("root a=1", vec![node("x b=1", vec![])]));
    assert_eq!(found(&tree, "a=2"), "root");
    assert_eq!(found(&tree, "a=2 b=1"), "x");
}

#[test]
fn an_owner_is_told_by_severity_then_by_default_else_the_route_tells() {
    let mut tree = routing(Route {
        to_owner: true,
        ..node("root", vec![])
    });
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let shop = OwnerReceivers {
        default: names(&["shop-chat"]),
        by_severity: BTreeMap::from([(Severity::Page, names(&["shop-pager", "shop-chat"]))]),
    };
    let quiet = OwnerReceivers::default();
    tree.owners = BTreeMap::from([("shop".to_owned(), shop), ("quiet".to_owned(), quiet)]);
    for (text, wanted) in [
        ("owner=shop slofuse_severity=page", "shop-pager shop-chat"),
        // The author's own word for the severity says nothing about ours.
        (
            "owner=shop slofuse_severity=ticket severity=page",
            "shop-chat",
        ),
        ("owner=shop", "shop-chat"),
        ("owner=quiet", "to-root"),
        ("owner=cart", "to-root"),
        ("", "to-root"),
    ] {
        let labels = labels(text);
        let route = tree.find(&labels)[0];
        assert_eq!(
            tree.receivers_of(route, &labels).join(" "),
            wanted,
            "{text}"
        );
        let traced = &tree.trace(&labels).routes[0];
        assert_eq!(traced.receivers.join(" "), wanted);
        assert_eq!(traced.owner.is_some(), wanted != "to-root", "{text}");
    }
    tree.root.to_owner = false;
    let labels = labels("owner=shop slofuse_severity=page");
    assert_eq!(tree.receivers_of(&tree.root, &labels).join(" "), "to-root");
}

#[test]
fn a_receiver_is_listed_once_in_the_order_of_the_tree() {
    let mut tree = routing(node(
        "root",
        vec![node("+a", vec![]), node("+b", vec![]), node("c", vec![])],
    ));
    for (route, receivers) in tree.root.routes.iter_mut().zip([
        vec!["x".to_owned(), "y".to_owned()],
        vec!["z".to_owned(), "x".to_owned()],
        vec!["y".to_owned()],
    ]) {
        route.receivers = receivers;
    }
    let (ways, rests) = tree.ways(&Labels::empty(), Timestamp::EPOCH);
    let ways: Vec<_> = ways
        .iter()
        .map(|way| (way.receiver, way.route.unwrap().name.as_str()))
        .collect();
    assert_eq!(ways, [("x", "a"), ("y", "a"), ("z", "b")]);
    assert_eq!(rests, []);
}

#[test]
fn a_trace_says_what_was_asked_and_what_was_answered() {
    let tree = routing(node(
        "root",
        vec![
            node("cart team=cart", vec![node("unasked", vec![])]),
            node(
                "+shop team=shop zone!~us.*",
                vec![node("eu zone=eu", vec![])],
            ),
            node("pages severity=page", vec![]),
            node("unasked", vec![]),
        ],
    ));
    let trace = tree.trace(&labels("team=shop zone=eu severity=page"));
    let lines: Vec<String> = trace
        .nodes
        .iter()
        .map(|node| {
            let asked: Vec<String> = node
                .matchers
                .iter()
                .map(|m| format!("{} has {:?}: {}", m.matcher, m.value, m.matched))
                .collect();
            let TracedNode {
                route,
                depth,
                matched,
                took,
                ..
            } = node;
            format!("{depth} {route} [{}] {matched} {took}", asked.join(", "))
        })
        .collect();
    assert_eq!(
        lines,
        [
            "0 root [] true false",
            r#"1 cart [team="cart" has "shop": false] false false"#,
            r#"1 shop [team="shop" has "shop": true, zone!~"us.*" has "eu": true] true false"#,
            r#"2 eu [zone="eu" has "eu": true] true true"#,
            r#"1 pages [severity="page" has "page": true] true true"#,
        ]
    );
    let names: Vec<&str> = trace.routes.iter().map(|r| r.route.as_str()).collect();
    assert_eq!(names, ["eu", "pages"]);
}

/// The rules once more, by paths: a path of the tree is taken when every node on it matches, no
/// elder sibling of any of them matched without `continue`, and it cannot be made longer.
fn naive(root: &Route, labels: &[(&str, &str)]) -> Vec<String> {
    fn holds(route: &Route, labels: &[(&str, &str)]) -> bool {
        route.matchers.iter().all(|matcher| {
            let value = labels
                .iter()
                .find(|(name, _)| *name == matcher.name)
                .map_or("", |(_, value)| value);
            let whole = |pattern: &Pattern| {
                let found = regex::Regex::new(pattern.source()).unwrap();
                let all = format!("^(?:{})$", found.as_str());
                regex::Regex::new(&all).unwrap().is_match(value)
            };
            match &matcher.op {
                MatchOp::Equal(wanted) => value == wanted,
                MatchOp::NotEqual(refused) => value != refused,
                MatchOp::Regex(pattern) => whole(pattern),
                MatchOp::NotRegex(pattern) => !whole(pattern),
            }
        })
    }
    fn asked<'a>(route: &'a Route, labels: &[(&str, &str)]) -> Vec<&'a Route> {
        let matching: Vec<&Route> = route.routes.iter().filter(|r| holds(r, labels)).collect();
        let stop = matching.iter().position(|route| !route.continues);
        let count = stop.map_or(matching.len(), |at| at + 1);
        matching[..count].to_vec()
    }
    let below = asked(root, labels);
    if below.is_empty() {
        return vec![root.name.clone()];
    }
    below.into_iter().flat_map(|r| naive(r, labels)).collect()
}

fn trees() -> impl Strategy<Value = Route> {
    let matchers = prop::sample::select(vec![
        "", "a=1", "a=2", "a!=1", "a=", "a!=", "b=1", "b=~1|2", "b!~1|2", "a=~.*", "b=~.+",
        "a=1 b=1",
    ]);
    let text = (any::<bool>(), matchers)
        .prop_map(|(continues, m)| format!("{}n {m}", if continues { "+" } else { "" }));
    let leaf = text.clone().prop_map(|text| node(&text, vec![]));
    leaf.prop_recursive(4, 40, 5, move |inner| {
        (text.clone(), prop::collection::vec(inner, 0..5))
            .prop_map(|(text, routes)| node(&text, routes))
    })
}

/// Gives every node its place as its name.
fn number(route: &mut Route, name: String) {
    for (at, child) in route.routes.iter_mut().enumerate() {
        number(child, format!("{name}.{at}"));
    }
    route.name = name;
}

proptest! {
    #[test]
    fn the_tree_agrees_with_a_naive_reading_of_the_rules(
        mut root in trees(),
        a in prop::option::of(prop::sample::select(vec!["1", "2", "3"])),
        b in prop::option::of(prop::sample::select(vec!["1", "2", "12"])),
    ) {
        number(&mut root, "r".to_owned());
        root.matchers.clear();
        let mut pairs = Vec::new();
        pairs.extend(a.map(|value| ("a", value)));
        pairs.extend(b.map(|value| ("b", value)));
        let tree = routing(root);
        let labels = Labels::new(pairs.clone());
        let found: Vec<String> = tree.find(&labels).iter().map(|r| r.name.clone()).collect();
        prop_assert_eq!(&found, &naive(&tree.root, &pairs));
        let trace = tree.trace(&labels);
        let took: Vec<String> = trace.nodes.into_iter().filter(|n| n.took).map(|n| n.route).collect();
        prop_assert_eq!(&found, &took);
        for name in &found {
            prop_assert_eq!(&tree.route(name).unwrap().name, name);
        }
    }
}

#[test]
fn an_alert_without_a_receiver_is_known_before_somebody_waits_for_it() {
    let mut silent = node("quiet severity=info", vec![]);
    silent.receivers.clear();
    let mut owners = node("owners severity=ticket", vec![]);
    owners.receivers.clear();
    owners.to_owner = true;
    let mut tree = routing(node("root", vec![silent, owners]));
    let shop = OwnerReceivers {
        default: vec!["shop".to_owned()],
        ..OwnerReceivers::default()
    };
    tree.owners = BTreeMap::from([("shop".to_owned(), shop)]);
    let reaches = |text: &str| tree.reaches_somebody(&labels(text));
    assert!(reaches("severity=page"));
    assert!(!reaches("severity=info"));
    assert!(reaches("severity=ticket owner=shop"));
    assert!(!reaches("severity=ticket owner=cart"));
}
