//! The labels of an alert: what routes, silences and inhibition match on, and what machines get.

use std::collections::BTreeMap;

use super::burn_alert::facts_of;
use super::labels::Labels;
use super::notification::{AlertFacts, AlertKey, Reason};
use super::policy::Severity;
use super::routing::SEVERITY_LABEL;
use super::slo::{InstanceId, Slo};
use super::time::Timestamp;

impl Slo {
    /// The labels that routes see of the alert of an instance, before a tier adds its own.
    pub fn alert_labels(&self, severity: Severity, instance: Labels) -> Labels {
        let key = AlertKey::Burn {
            instance: InstanceId {
                slo: self.id.clone(),
                labels: instance.clone(),
            },
            severity,
        };
        let (reason, now) = (Reason::Burning, Timestamp::default());
        facts_of(self, instance, key, severity, None, reason, now).matching_labels()
    }
}

impl AlertFacts {
    /// The labels exactly as they are. Where names collide ours win over the instance's, which
    /// stay as `exported_...` (Prometheus' custom) so that instances stay distinct, and both win
    /// over the definition's. Two of the definition's win over all: its `severity`, for routes are
    /// written for the words of its author (ours is always there as `slofuse_severity`), and a
    /// label `owner`; without one, `owner` is that of the definition.
    pub fn matching_labels(&self) -> Labels {
        let own = self.own_labels();
        let mut labels: BTreeMap<String, String> = BTreeMap::new();
        if let Some(owner) = &self.document.owner {
            labels.insert("owner".to_owned(), owner.clone());
        }
        labels.extend(self.document.labels.clone());
        for (name, value) in self.labels.iter() {
            let taken = own.iter().any(|(own, _)| *own == name);
            let name = if taken {
                format!("exported_{name}")
            } else {
                name.to_owned()
            };
            labels.insert(name, value.to_owned());
        }
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        labels.extend(own.into_iter().map(owned));
        if let Some(severity) = self.document.labels.get("severity") {
            labels.insert("severity".to_owned(), severity.clone());
        }
        Labels::new(labels)
    }

    /// One of the [`AlertFacts::matching_labels`], empty where it is missing, without making all
    /// of them.
    pub(super) fn matching_label(&self, name: &str) -> &str {
        let documented = |name: &str| self.document.labels.get(name).map(String::as_str);
        let own = self.own_labels();
        let own = |name: &str| {
            own.iter()
                .find(|(own, _)| *own == name)
                .map(|(_, value)| *value)
        };
        if name == "severity"
            && let Some(severity) = documented(name)
        {
            return severity;
        }
        if let Some(value) = own(name) {
            return value;
        }
        // An instance may have both `service` and `exported_service`: the later name wins.
        let renamed = name.strip_prefix("exported_");
        let renamed = renamed.filter(|renamed| own(renamed).is_some());
        let renamed = renamed.and_then(|renamed| Some((renamed, self.labels.get(renamed)?)));
        let as_it_is = self.labels.get(name).map(|value| (name, value));
        let of_instance = renamed.max(as_it_is).map(|(_, value)| value);
        let owner = || self.document.owner.as_deref().filter(|_| name == "owner");
        let found = of_instance.or_else(|| documented(name)).or_else(owner);
        found.unwrap_or_default()
    }

    /// Who and how loud; the `sloth_` names let routes and dashboards written for Sloth work.
    fn own_labels(&self) -> Vec<(&'static str, &str)> {
        let severity = self.severity.as_str();
        let usual = match self.key {
            AlertKey::Burn { .. } => "SLOBurn",
            AlertKey::Blind { .. } => "SLOBlind",
            AlertKey::SourceDown { .. } => "SourceDown",
        };
        let alertname = self.alert_name.as_deref().unwrap_or(usual);
        let mut labels = vec![
            ("alertname", alertname),
            ("service", self.service.as_str()),
            ("slo", self.slo.as_str()),
            ("severity", severity),
            (SEVERITY_LABEL, severity),
        ];
        if self.key.instance().is_some() {
            labels.extend([
                ("sloth_service", self.service.as_str()),
                ("sloth_slo", self.slo.as_str()),
                ("sloth_severity", severity),
            ]);
        }
        labels
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::burn_alert::facts_of;
    use crate::engine::feed::tests::slo;
    use crate::engine::notification::Reason;
    use crate::engine::policy::Severity;
    use crate::engine::slo::InstanceId;
    use crate::engine::time::Timestamp;

    fn pairs() -> impl Strategy<Value = BTreeMap<String, String>> {
        let names = prop::sample::select(vec![
            "service",
            "exported_service",
            "alertname",
            "exported_alertname",
            "severity",
            "exported_severity",
            "exported_exported_severity",
            "slofuse_severity",
            "owner",
            "exported_owner",
            "sloth_slo",
            "zone",
        ]);
        let values = prop::sample::select(vec!["", "a", "b"]);
        prop::collection::btree_map(
            names.prop_map(str::to_owned),
            values.prop_map(str::to_owned),
            0..8,
        )
    }

    proptest! {
        /// One label at a time is the same as all at once.
        #[test]
        fn one_label_is_that_of_all(
            instance in pairs(),
            documented in pairs(),
            owner in prop::option::of("[a-b]"),
            blind: bool,
        ) {
            let mut definition = slo("shop", &[]);
            definition.document.labels = documented;
            definition.document.owner = owner;
            let labels = Labels::new(instance);
            let instance = InstanceId { slo: definition.id.clone(), labels: labels.clone() };
            let severity = Severity::Page;
            let key = match blind {
                true => AlertKey::Blind { instance },
                false => AlertKey::Burn { instance, severity },
            };
            let reason = Reason::Burning;
            let facts = facts_of(&definition, labels, key, severity, None, reason, Timestamp::EPOCH);
            let all = facts.matching_labels();
            let names = all.iter().map(|(name, _)| name);
            for name in names.chain(["owner", "zone", "exported_service", "exported_zone", ""]) {
                prop_assert_eq!(facts.matching_label(name), all.get(name).unwrap_or(""), "{}", name);
            }
        }
    }
}
