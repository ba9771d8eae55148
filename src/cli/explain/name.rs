//! Which SLO is meant: its name, or any part of it that no other has.

use crate::config::nearest::nearest;

/// Most names in an answer.
const NAMED_MAX: usize = 8;

/// The one that is meant.
pub(super) fn find<'a>(
    meant: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Result<String, String> {
    if known.clone().into_iter().any(|one| one == meant) {
        return Ok(meant.to_owned());
    }
    let last = |one: &&str| one.rsplit('/').next() == Some(meant);
    let first = |one: &&str| one.split('/').next() == Some(meant);
    let part = |one: &&str| !meant.is_empty() && one.contains(meant);
    let found = |is_it: &dyn Fn(&&str) -> bool| -> Vec<&'a str> {
        known.clone().into_iter().filter(is_it).collect()
    };
    for is_it in [&last as &dyn Fn(&&str) -> bool, &first, &part] {
        match found(is_it).as_slice() {
            [] => {}
            [one] => return Ok((*one).to_owned()),
            several => {
                return Err(format!("{meant:?} may be one of {}", listed(several)));
            }
        }
    }
    let all: Vec<&str> = known.clone().into_iter().collect();
    if all.is_empty() {
        return Err(format!("there is no SLO {meant:?}, nor any other"));
    }
    // A name without its service is as good as one with it.
    let names = all.iter().filter_map(|one| one.rsplit('/').next());
    let near = nearest(meant, all.iter().copied()).or_else(|| {
        let name = nearest(meant, names)?;
        all.iter()
            .copied()
            .find(|one| one.rsplit('/').next() == Some(name))
    });
    Err(match near {
        Some(near) => format!("there is no SLO {meant:?}; did you mean {near:?}?"),
        None => format!("there is no SLO {meant:?}; there are {}", listed(&all)),
    })
}

fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(NAMED_MAX).copied();
    let shown: Vec<&str> = shown.collect();
    let more = names.len() - shown.len();
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_be_abbreviated_if_it_is_clear() {
        let known = ["shop/api", "shop/checkout", "search/latency", "pay/api-v2"];
        let found = |meant: &str| find(meant, known).unwrap_or_else(|error| error);
        insta::assert_snapshot!(
            ["shop/api", "api", "latency", "search", "check", "shop", "a", "latencie", "shop/chekout", "zzzzz", ""]
                .map(found).join("\n"),
            @r#"
            shop/api
            shop/api
            search/latency
            search/latency
            shop/checkout
            "shop" may be one of shop/api, shop/checkout
            "a" may be one of shop/api, search/latency, pay/api-v2
            there is no SLO "latencie"; did you mean "search/latency"?
            there is no SLO "shop/chekout"; did you mean "shop/checkout"?
            there is no SLO "zzzzz"; there are shop/api, shop/checkout, search/latency, pay/api-v2
            there is no SLO ""; there are shop/api, shop/checkout, search/latency, pay/api-v2
            "#
        );
        assert_eq!(
            find("a", []).unwrap_err(),
            r#"there is no SLO "a", nor any other"#
        );
        let many: Vec<String> = (0..20).map(|n| format!("s/n{n}")).collect();
        let error = find("n", many.iter().map(String::as_str)).unwrap_err();
        assert!(error.ends_with("s/n7 and 12 more"), "{error}");
    }
}
