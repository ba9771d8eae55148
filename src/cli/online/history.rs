//! Whether the source keeps samples as long as the SLO looks back.

use crate::config::lint::Lint;
use crate::engine::{Slo, Term};
use crate::prometheus::SourceError;

use super::Case;

impl Case {
    /// By what the source says it keeps; where it says nothing, by the oldest samples there are.
    pub(super) async fn check_history(
        &mut self,
        slo: &Slo,
        total: &[Term],
    ) -> Result<(), SourceError> {
        let wanted = slo.reach.period.max(slo.reach.longest_window());
        if let Some(kept) = self.asking.retention {
            if kept < wanted {
                let message = format!("Prometheus keeps {kept}, but the SLO looks back {wanted}");
                let fix = format!(
                    "raise --storage.tsdb.retention.time to {wanted}, or choose a shorter period"
                );
                self.report(Lint::ShortRetention, message, fix);
            }
            return Ok(());
        }
        let Some(term) = total.first() else {
            return Ok(());
        };
        let then = self.asking.now - wanted;
        if !self.asking.has_series(&term.selector, then).await? {
            let message = format!(
                "no sample of {} is {wanted} old, as far as the SLO looks back",
                term.selector
            );
            let fix = "keep samples as long as the period; if the series are new, nothing";
            self.report(Lint::ShortRetention, message, fix);
        }
        Ok(())
    }
}
