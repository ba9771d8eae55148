//! The 21 SLI plugins that everybody has: their metrics, and what their options select.

/// What a plugin measures.
#[derive(Clone, Copy)]
pub(super) enum Measure {
    /// Events of a counter, bad when a matcher holds.
    Availability(&'static str, &'static str),
    /// Events of a histogram, bad when they are slower than the option `bucket`.
    Latency(&'static str),
    /// One counter over another.
    Failures(&'static str, &'static str),
    /// Failed events of kooper's controllers, retries not counted twice.
    KooperAvailability,
    /// Scrapes that failed.
    Targets,
    /// Nothing: no error at any time.
    Nothing,
    /// A burn of the speed that the options say.
    Fake,
}

/// Which series a plugin is about, besides its option `filter`.
#[derive(Clone, Copy)]
pub(super) enum Scope {
    /// All.
    All,
    /// Always the same.
    Fixed(&'static str),
    /// `label` and operator before the value of an option.
    Option(&'static str, &'static str, &'static str),
    /// Service and namespace.
    Istio,
}

/// A plugin and how to write what it measures.
pub(super) struct Plugin {
    pub(super) id: &'static str,
    pub(super) measure: Measure,
    pub(super) scope: Scope,
    /// Whether the option `filter` must be given.
    pub(super) filtered: bool,
    /// The matcher that `exclude_errors` adds; without one there is no such option.
    pub(super) excludes: Option<&'static str>,
}

const fn plugin(id: &'static str, measure: Measure, scope: Scope) -> Plugin {
    Plugin {
        id,
        measure,
        scope,
        filtered: false,
        excludes: None,
    }
}

const fn excluding(matcher: &'static str, plugin: Plugin) -> Plugin {
    Plugin {
        excludes: Some(matcher),
        ..plugin
    }
}

const fn filtered(plugin: Plugin) -> Plugin {
    Plugin {
        filtered: true,
        ..plugin
    }
}

/// How every id begins.
pub(super) const PREFIX: &str = "sloth-common/";
const CONTROLLER: Scope = Scope::Option("controller", "=", "controller");
const BACKEND: Scope = Scope::Option("backend", "=~", "backend_regex");
const SERVICE: Scope = Scope::Option("service", "=~", "service_name_regex");
const NO_5XX: &str = "code!~\"5..\"";
/// Istio has no label `code`.
pub(super) const ISTIO_NO_5XX: &str = "response_code!~\"5..\"";

/// The ids without their prefix.
pub(super) const PLUGINS: [Plugin; 21] = {
    use Measure::{Availability, Failures, Fake, KooperAvailability, Latency, Nothing, Targets};
    [
        plugin(
            "coredns/availability",
            Availability("coredns_dns_responses_total", "rcode=~\"SERVFAIL\""),
            Scope::All,
        ),
        plugin(
            "coredns/latency",
            Latency("coredns_dns_request_duration_seconds"),
            Scope::All,
        ),
        plugin("fake", Fake, Scope::All),
        plugin(
            "haproxy/frontend/availability",
            Availability("haproxy_frontend_http_responses_total", "code=\"5xx\""),
            Scope::All,
        ),
        plugin(
            "istio/v1/availability",
            Availability("istio_requests_total", "response_code=~\"(5..|429)\""),
            Scope::Istio,
        ),
        excluding(
            ISTIO_NO_5XX,
            plugin(
                "istio/v1/latency",
                Latency("istio_request_duration_milliseconds"),
                Scope::Istio,
            ),
        ),
        plugin(
            "kubernetes/apiserver/availability",
            Availability("apiserver_request_total", "code=~\"(5..|429)\""),
            Scope::All,
        ),
        plugin(
            "kubernetes/apiserver/latency",
            Latency("apiserver_request_duration_seconds"),
            Scope::Fixed("verb!=\"WATCH\""),
        ),
        plugin(
            "kubernetes/kooper/availability",
            KooperAvailability,
            CONTROLLER,
        ),
        plugin(
            "kubernetes/kooper/latency",
            Latency("kooper_controller_processed_event_duration_seconds"),
            CONTROLLER,
        ),
        plugin(
            "kubernetes/kooper/queue-congestion",
            Latency("kooper_controller_event_in_queue_duration_seconds"),
            CONTROLLER,
        ),
        plugin(
            "kubernetes/nginx-ingress/availability",
            Availability("nginx_ingress_controller_requests", "status=~\"(5..|429)\""),
            Scope::All,
        ),
        plugin("noop", Nothing, Scope::All),
        plugin(
            "prometheus/rules/eval-availability",
            Failures(
                "prometheus_rule_evaluation_failures_total",
                "prometheus_rule_evaluations_total",
            ),
            Scope::All,
        ),
        plugin("prometheus/targets/availability", Targets, Scope::All),
        filtered(plugin(
            "slok-go-http-metrics/availability",
            Availability("http_request_duration_seconds_count", "code=~\"(5..|429)\""),
            Scope::All,
        )),
        filtered(excluding(
            NO_5XX,
            plugin(
                "slok-go-http-metrics/latency",
                Latency("http_request_duration_seconds"),
                Scope::All,
            ),
        )),
        plugin(
            "traefik/v1/availability",
            Availability("traefik_backend_requests_total", "code=~\"(5..|429)\""),
            BACKEND,
        ),
        excluding(
            NO_5XX,
            plugin(
                "traefik/v1/latency",
                Latency("traefik_backend_request_duration_seconds"),
                BACKEND,
            ),
        ),
        plugin(
            "traefik/v2/availability",
            Availability("traefik_service_requests_total", "code=~\"(5..)\""),
            SERVICE,
        ),
        excluding(
            NO_5XX,
            plugin(
                "traefik/v2/latency",
                Latency("traefik_service_request_duration_seconds"),
                SERVICE,
            ),
        ),
    ]
};
