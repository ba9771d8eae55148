//! What machines get to read of an alert: the message as annotations.

use std::collections::BTreeMap;

use super::words::Message;
use crate::engine::AlertFacts;

/// The message; `budget` and the rest by their lower-case names. Where the definition's author
/// wrote an annotation of the same name, receivers' templates ask for that one: ours is then beside
/// it as `slofuse_...`.
pub fn of(facts: &AlertFacts, message: &Message) -> BTreeMap<String, String> {
    let mut own: BTreeMap<String, String> = BTreeMap::new();
    let mut set = |name: &str, value: &str| own.insert(name.to_owned(), value.to_owned());
    for fact in &message.facts {
        set(&fact.name.to_lowercase().replace(' ', "_"), &fact.value);
    }
    set("title", &message.title);
    set("summary", &message.headline());
    set("description", &message.why);
    for link in &message.links {
        set(&format!("{}_url", link.name.to_lowercase()), &link.url);
    }
    for (name, written) in &facts.document.annotations {
        if let Some(ours) = own.insert(name.clone(), written.clone())
            && ours != *written
        {
            own.insert(format!("slofuse_{name}"), ours);
        }
    }
    own
}
