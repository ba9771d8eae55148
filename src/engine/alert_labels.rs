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
