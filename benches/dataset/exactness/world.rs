//! Twenty services of known trouble: what is asked of each, and how each is scraped.
//!
//! The scenarios are those of the measurements on which the exact path was decided: outages, slow
//! burns, low traffic, resets, crash loops, deployments, missed scrapes, spikes, series that begin
//! with their first error, an incident while Prometheus itself is down, a pod that cannot be
//! scraped, a burn just above its factor.

/// 2025-11-01T00:00:00Z.
pub(crate) const BEGIN: i64 = 1_761_955_200;
/// Pods of a service at one time.
pub(crate) const PODS: usize = 5;

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// Incidents happen in so much time at the end of a world, after days of ordinary traffic.
const TROUBLED: i64 = 3 * DAY + 12 * HOUR;

/// How long a world lasts, how it is scraped, and what it is drawn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct World {
    /// Every draw follows from it.
    pub(crate) seed: u64,
    /// Length in days, at least 7: three of run-in, and some hours before the first incident.
    pub(crate) days: i64,
    /// Seconds between two scrapes of a pod.
    pub(crate) scrape: f64,
}

impl World {
    /// Length in seconds.
    pub(crate) fn seconds(&self) -> i64 {
        self.days * DAY
    }

    /// The second from which incidents are counted.
    pub(crate) fn trouble(&self) -> i64 {
        self.seconds() - TROUBLED
    }

    /// Prometheus itself is down from the first of these seconds until the second.
    pub(crate) fn gap(&self) -> (i64, i64) {
        let from = self.trouble() + 40 * HOUR + 30 * MINUTE;
        (from, from + 20 * MINUTE)
    }
}

/// A time in which requests fail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incident {
    /// Seconds after the beginning of trouble, may be negative.
    pub(crate) after: i64,
    /// Seconds.
    pub(crate) lasts: i64,
    /// Share (0..1) of requests that fail.
    pub(crate) errors: f64,
}

/// Every pod restarts again and again for a while.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CrashLoop {
    /// Seconds after the beginning of trouble.
    pub(crate) from: i64,
    /// Seconds after the beginning of trouble.
    pub(crate) until: i64,
    /// Seconds between two crashes of a pod, on average.
    pub(crate) every: i64,
}

/// What a service is asked for, and what happens to it.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// Name, its number first.
    pub(crate) name: &'static str,
    /// Requests per second, all pods together.
    pub(crate) rate: f64,
    /// Share (0..1) of requests that fail on an ordinary day.
    pub(crate) errors: f64,
    /// How much the day's course changes the rate: 0.8 is 20 % to 180 %.
    pub(crate) diurnal: f64,
    /// Seconds between deployments, about.
    pub(crate) deployed_every: Option<i64>,
    /// Seconds between restarts of a pod in its place, on average.
    pub(crate) restarted_every: Option<f64>,
    /// Share (0..1) of scrapes that fail (one half) or are left out (the other).
    pub(crate) missed: f64,
    /// The series of errors begins with its first error.
    pub(crate) lazy: bool,
    /// When requests fail.
    pub(crate) incidents: Vec<Incident>,
    /// Now and then no scrape succeeds for minutes.
    pub(crate) bursts: bool,
    /// Pods that crash.
    pub(crate) crash_loop: Option<CrashLoop>,
    /// The first pod cannot be scraped: from so many seconds after the beginning of trouble, for
    /// so many seconds.
    pub(crate) blind_pod: Option<(i64, i64)>,
    /// A deployment is the cause of the incident that follows it.
    pub(crate) bad_deployment: Option<i64>,
}

impl Scenario {
    fn new(name: &'static str, rate: f64) -> Self {
        Self {
            name,
            rate,
            errors: 2e-4,
            diurnal: 0.0,
            deployed_every: None,
            restarted_every: None,
            missed: 0.001,
            lazy: false,
            incidents: Vec::new(),
            bursts: false,
            crash_loop: None,
            blind_pod: None,
            bad_deployment: None,
        }
    }

    fn fails(mut self, after: i64, lasts: i64, errors: f64) -> Self {
        self.incidents.push(Incident {
            after,
            lasts,
            errors,
        });
        self
    }

    fn errors(mut self, errors: f64) -> Self {
        self.errors = errors;
        self
    }

    fn diurnal(mut self, share: f64) -> Self {
        self.diurnal = share;
        self
    }

    fn deployed(mut self, every: i64) -> Self {
        self.deployed_every = Some(every);
        self
    }

    fn restarted(mut self, every: i64) -> Self {
        self.restarted_every = Some(every as f64);
        self
    }

    fn missed(mut self, share: f64) -> Self {
        self.missed = share;
        self
    }

    fn lazy(mut self) -> Self {
        self.lazy = true;
        self
    }
}

/// All of them.
pub(crate) fn scenarios() -> Vec<Scenario> {
    let service = Scenario::new;
    let crash_loop = CrashLoop {
        from: 25 * HOUR,
        until: 27 * HOUR,
        every: 270,
    };
    vec![
        service("00-steady", 50.0),
        service("01-outage", 50.0).fails(12 * HOUR, 600, 1.0),
        service("02-diurnal", 20.0).diurnal(0.8),
        service("03-slowburn", 20.0)
            .diurnal(0.8)
            .fails(20 * HOUR, 6 * HOUR, 0.01),
        service("04-low", 3.0 / 60.0)
            .errors(5e-4)
            .fails(30 * HOUR, 600, 1.0)
            .fails(50 * HOUR, 2 * HOUR, 0.05),
        service("05-verylow", 0.5 / 60.0).errors(2e-3),
        service("06-resets", 50.0)
            .restarted(2 * HOUR)
            .fails(15 * HOUR, HOUR, 0.02),
        Scenario {
            crash_loop: Some(crash_loop),
            ..service("07-crashloop", 20.0).fails(25 * HOUR, 2 * HOUR, 0.05)
        },
        Scenario {
            bad_deployment: Some(36 * HOUR),
            ..service("08-rollout", 50.0)
                .deployed(12 * HOUR)
                .fails(36 * HOUR + MINUTE, 2_700, 0.03)
        },
        service("09-churn", 20.0)
            .deployed(HOUR)
            .fails(45 * HOUR, 6 * HOUR, 0.01),
        Scenario {
            bursts: true,
            ..service("10-missed", 50.0)
                .missed(0.05)
                .fails(22 * HOUR, HOUR, 0.02)
        },
        service("11-spike30s", 50.0)
            .fails(10 * HOUR, 30, 1.0)
            .fails(34 * HOUR + 10, 30, 1.0)
            .fails(58 * HOUR + 20, 30, 1.0),
        service("12-lazy500", 10.0)
            .errors(5e-4)
            .deployed(6 * HOUR)
            .lazy()
            .fails(47 * HOUR, 6 * HOUR, 0.01),
        service("13-lazyoutage", 50.0)
            .errors(0.0)
            .lazy()
            .deployed(12 * HOUR)
            .fails(18 * HOUR, 600, 1.0)
            .fails(60 * HOUR, 30, 1.0),
        service("14-gapincident", 50.0).fails(40 * HOUR + 1_200, 2_400, 0.05),
        service("15-mixed", 30.0)
            .diurnal(0.6)
            .deployed(8 * HOUR)
            .restarted(6 * HOUR)
            .lazy()
            .missed(0.01)
            .fails(8 * HOUR, HOUR, 0.02)
            .fails(31 * HOUR, HOUR, 0.02)
            .fails(55 * HOUR, HOUR, 0.02),
        service("16-boundary", 50.0).fails(-36 * HOUR, 5 * DAY, 0.0011),
        service("17-lowlazy", 2.0 / 60.0)
            .errors(2e-3)
            .lazy()
            .deployed(DAY)
            .fails(28 * HOUR, 600, 1.0),
        Scenario {
            blind_pod: Some((33 * HOUR, 900)),
            ..service("18-podblind", 50.0).fails(33 * HOUR - 600, HOUR, 0.03)
        },
        service("19-highrate", 500.0).fails(65 * HOUR, 1_200, 0.02),
    ]
}
