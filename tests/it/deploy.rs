//! The ways to run slofuse that ship: what a manifest says and what the program does agree.
//!
//! Needs `promtool`; without it the tests fail.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use serde_yaml::Value;
use slofuse::config::{self, Loaded};
use tempfile::TempDir;

use super::cli::slofuse;
use super::repository::{self, read};
use super::running::{Demo, metrics_in};

const IMAGE: &str = concat!("slofuse:", env!("CARGO_PKG_VERSION"));
const MANIFESTS: [&str; 2] = [
    "deploy/kubernetes/deployment.yaml",
    "deploy/kubernetes/sidecar.yaml",
];

fn documents(text: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(text)
        .map(|document| Value::deserialize(document).unwrap())
        .collect()
}

fn items(value: &Value) -> &[Value] {
    value.as_sequence().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value:?}"))
}

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let found = items(list).iter().find(|item| item["name"] == *name);
    found.unwrap_or_else(|| panic!("nothing is called {name}"))
}

#[test]
fn every_yaml_file_parses() {
    let files = repository::files();
    let files = files.iter().filter(|path| {
        path.starts_with("deploy/") && (path.ends_with(".yaml") || path.ends_with(".yml"))
    });
    let count = files
        .map(|path| documents(&read(path)))
        .filter(|d| !d.is_empty());
    assert_eq!(count.count(), 9);
}

/// The files of a container: what is mounted where, below a directory of its own.
struct Container {
    root: TempDir,
}

impl Container {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Loads the settings that a command line names, with only these variables set.
    fn load(&self, arguments: &[String], variables: &BTreeSet<String>) -> Loaded {
        accepts(arguments);
        let at = arguments
            .iter()
            .position(|word| word == "--config")
            .unwrap();
        let path = self.path(&arguments[at + 1]);
        let env = |name: &str| match variables.contains(name) {
            true if name.ends_with("_URL") => Some("https://hooks.example.com/x".to_owned()),
            true => Some("secret".to_owned()),
            false => None,
        };
        let loaded = config::load(&path, &env).unwrap_or_else(|found| panic!("{found}"));
        assert_eq!(loaded.warnings.to_string(), "");
        assert!(!loaded.definitions.is_empty());
        loaded
    }
}

/// The program knows these arguments. With the help asked for, they are parsed and nothing runs.
fn accepts(arguments: &[String]) {
    let arguments: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .chain(["--help"])
        .collect();
    slofuse(&arguments).assert().success();
}

fn words(list: &Value) -> Vec<String> {
    items(list)
        .iter()
        .map(|word| text(word).to_owned())
        .collect()
}

/// Puts what the container mounts from config maps into place.
fn mount(manifest: &[Value], pod: &Value, container: &Value) -> Container {
    let files = Container::new();
    for mount in items(&container["volumeMounts"]) {
        let volumes = items(&pod["volumes"]).iter();
        let volume = volumes
            .clone()
            .find(|volume| volume["name"] == mount["name"]);
        let Some(map) = volume.and_then(|volume| volume["configMap"]["name"].as_str()) else {
            continue;
        };
        let mut maps = manifest
            .iter()
            .filter(|document| document["kind"] == "ConfigMap");
        let map = maps
            .find(|document| document["metadata"]["name"] == map)
            .unwrap();
        for (name, content) in map["data"].as_mapping().unwrap() {
            let path = format!("{}/{}", text(&mount["mountPath"]), text(name));
            files.write(&path, text(content));
        }
    }
    files
}

fn workload(manifest: &[Value]) -> &Value {
    let kinds = ["Deployment", "StatefulSet"];
    let mut workloads = manifest.iter().filter(|document| {
        document["kind"]
            .as_str()
            .is_some_and(|kind| kinds.contains(&kind))
    });
    let only = workloads.next().unwrap();
    assert!(workloads.next().is_none());
    only
}

#[test]
fn manifests_run_what_the_program_understands() {
    for path in MANIFESTS {
        let manifest = documents(&read(path));
        let workload = workload(&manifest);
        let pod = &workload["spec"]["template"]["spec"];
        let container = named(&pod["containers"], "slofuse");
        assert_eq!(container["image"], IMAGE);
        let variables = items(&container["env"]).iter();
        let variables = variables
            .inspect(|variable| {
                let secret = &variable["valueFrom"]["secretKeyRef"];
                assert!(secret["key"].is_string(), "{path}: a secret in the open");
            })
            .map(|variable| text(&variable["name"]).to_owned())
            .collect();
        let loaded = mount(&manifest, pod, container).load(&words(&container["args"]), &variables);

        let listen = loaded.settings.server.listen;
        let [port] = items(&container["ports"]) else {
            panic!("{path}: one port");
        };
        assert!(
            listen.ip().is_unspecified(),
            "{path}: reachable from outside the pod"
        );
        assert_eq!(port["containerPort"], u64::from(listen.port()));
        let probes = [("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")];
        for (probe, route) in probes {
            let request = &container[probe]["httpGet"];
            assert_eq!(
                (&request["path"], &request["port"]),
                (&route.into(), &port["name"])
            );
        }

        let state = loaded.settings.state.directory;
        let mounts = items(&container["volumeMounts"]).iter();
        let mut mounts = mounts.filter(|mount| state.starts_with(text(&mount["mountPath"])));
        let volume = &mounts.next().unwrap()["name"];
        let claims = items(&workload["spec"]["volumeClaimTemplates"]).iter();
        let mut claims = claims.map(|claim| &claim["metadata"]["name"]);
        let volumes = items(&pod["volumes"]).iter();
        let mut claimed = volumes.filter(|volume| !volume["persistentVolumeClaim"].is_null());
        let is_durable =
            claims.any(|name| name == volume) || claimed.any(|claimed| claimed["name"] == *volume);
        assert!(is_durable, "{path}: state is lost with the pod");
    }
}

#[test]
fn manifests_run_one_pod_without_privileges() {
    for path in MANIFESTS {
        let manifest = documents(&read(path));
        let workload = workload(&manifest);
        let pod = &workload["spec"]["template"]["spec"];
        assert_eq!(workload["spec"]["replicas"], 1);
        if workload["kind"] == "Deployment" {
            assert_eq!(workload["spec"]["strategy"]["type"], "Recreate");
        }
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(pod["securityContext"]["runAsUser"], 65534);
        assert_eq!(
            pod["securityContext"]["seccompProfile"]["type"],
            "RuntimeDefault"
        );
        for container in items(&pod["containers"]) {
            let security = &container["securityContext"];
            assert_eq!(security["allowPrivilegeEscalation"], false);
            assert_eq!(security["readOnlyRootFilesystem"], true);
            assert_eq!(words(&security["capabilities"]["drop"]), ["ALL"]);
            assert!(!container["resources"]["requests"]["memory"].is_null());
            assert!(!container["resources"]["limits"]["memory"].is_null());
        }
        let service = manifest
            .iter()
            .find(|document| document["kind"] == "Service")
            .unwrap();
        let labels = &workload["spec"]["template"]["metadata"]["labels"];
        assert_eq!(service["spec"]["selector"], *labels);
        assert_eq!(workload["spec"]["selector"]["matchLabels"], *labels);
        for port in items(&service["spec"]["ports"]) {
            let containers = items(&pod["containers"]).iter();
            let mut open = containers.flat_map(|container| items(&container["ports"]));
            let open = open
                .find(|open| open["name"] == port["targetPort"])
                .unwrap();
            assert_eq!(open["containerPort"], port["port"]);
        }
    }
}

#[test]
fn compose_runs_what_the_program_understands() {
    let compose = &documents(&read("deploy/compose/compose.yaml"))[0];
    let service = &compose["services"]["slofuse"];
    assert_eq!(service["image"], IMAGE);
    let context = repository::root()
        .join("deploy/compose")
        .join(text(&service["build"]));
    assert!(context.join("Dockerfile").is_file());
    let container = Container::new();
    for volume in items(&service["volumes"]) {
        let mut parts = text(volume).split(':');
        let (source, target) = (parts.next().unwrap(), parts.next().unwrap());
        if !source.starts_with('.') {
            assert!(compose["volumes"].get(source).is_some(), "{source}");
            continue;
        }
        let source = repository::root().join("deploy/compose").join(source);
        let files = match source.is_dir() {
            true => repository::walk(&source),
            false => vec![source.clone()],
        };
        for file in files {
            let below = file.strip_prefix(&source).unwrap();
            let path = Path::new(target).join(below);
            let path = path.to_str().unwrap().trim_end_matches('/');
            container.write(path, &fs::read_to_string(&file).unwrap());
        }
    }
    let loaded = container.load(&words(&service["command"]), &BTreeSet::new());
    let listen = loaded.settings.server.listen;
    assert!(listen.ip().is_unspecified());
    let published = format!("127.0.0.1:{0}:{0}", listen.port());
    assert_eq!(words(&service["ports"]), [published]);
    let url = loaded.settings.source.url;
    let host = url.trim_start_matches("http://").split(':').next().unwrap();
    assert!(!compose["services"][host].is_null(), "{url}");
}

/// Key and value of every line of a unit file.
fn unit(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut unit: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with(['#', '['])) {
        if let Some((key, value)) = line.split_once('=') {
            unit.entry(key).or_default().push(value);
        }
    }
    unit
}

#[test]
fn the_unit_runs_what_the_program_understands() {
    let text = read("deploy/systemd/slofuse.service");
    let unit = unit(&text);
    let start: Vec<String> = unit["ExecStart"][0].split(' ').map(str::to_owned).collect();
    assert_eq!(start[0], "/usr/local/bin/slofuse");
    accepts(&start[1..]);
    // What the comment at the top copies is where the line looks for it.
    assert!(text.contains(&format!("config/minimal.yaml {}", start[3])));
    assert_eq!(unit["ExecReload"], ["/bin/kill -HUP $MAINPID"]);
    assert_eq!(unit["DynamicUser"], ["yes"]);
    assert_eq!(
        unit["WorkingDirectory"],
        [format!("%S/{}", unit["StateDirectory"][0])]
    );
    let state = config::settings::StateSettings::default();
    assert!(
        state.directory.is_relative(),
        "else WorkingDirectory has no say"
    );
    assert_eq!(unit["RestartPreventExitStatus"], ["2 64"]);
}

#[test]
fn the_image_holds_one_binary_and_nobody_s_rights() {
    let text = read("Dockerfile").replace("\\\n", " ");
    let instructions: Vec<(&str, &str)> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .map(|(instruction, rest)| (instruction, rest.trim()))
        .collect();
    let of = |wanted: &str| -> Vec<&str> {
        let found = instructions.iter().filter(|(name, _)| *name == wanted);
        found.map(|(_, rest)| *rest).collect()
    };
    let [build, last] = of("FROM")[..] else {
        panic!("two stages");
    };
    let toolchain = read("rust-toolchain.toml");
    let channel = toolchain
        .lines()
        .find_map(|line| line.strip_prefix("channel = "));
    let channel = channel.unwrap().trim_matches('"');
    assert_eq!(build, format!("rust:{channel}-bookworm AS build"));
    assert_eq!(last, "scratch");
    assert_eq!(of("USER"), ["65534:65534"]);

    let ignore = read(".dockerignore");
    let sent: BTreeSet<&str> = ignore
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    for copy in of("COPY") {
        if copy.starts_with("--from=build") {
            continue;
        }
        let mut paths: Vec<&str> = copy.split_whitespace().collect();
        paths.pop();
        for path in paths {
            assert!(repository::root().join(path).exists(), "{path}");
            assert!(sent.contains(path), "{path} is not sent to the builder");
        }
    }
    let list = |json: &str| -> Vec<String> { serde_json::from_str(json).unwrap() };
    assert_eq!(list(of("ENTRYPOINT")[0]), ["/slofuse"]);
    accepts(&list(of("CMD")[0]));
    assert_eq!(of("EXPOSE"), ["9876"]);
    assert_eq!(of("WORKDIR")[1], of("VOLUME")[0]);
    assert!(text.contains(&format!("docker build -t {IMAGE} .")));
}

/// Runs promtool on a file of the repository, or of another folder.
fn promtool(arguments: &[&str], folder: &Path) {
    let output = Command::new("promtool")
        .args(arguments)
        .current_dir(folder)
        .output();
    let output = output.unwrap_or_else(|error| {
        panic!("running promtool: {error}; install it: apt-get install prometheus")
    });
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "promtool {arguments:?}\n{said}");
}

#[test]
fn prometheus_accepts_its_files() {
    let folder = repository::root().join("deploy/prometheus");
    promtool(&["check", "config", "scrape.yaml"], &folder);
    promtool(&["check", "rules", "alerts.yaml"], &folder);
    promtool(&["test", "rules", "alerts_test.yaml"], &folder);
    let folder = repository::root().join("deploy/compose");
    promtool(&["check", "config", "prometheus.yml"], &folder);

    let manifest = documents(&read("deploy/kubernetes/sidecar.yaml"));
    let pod = &workload(&manifest)["spec"]["template"]["spec"];
    let files = mount(&manifest, pod, named(&pod["containers"], "prometheus"));
    let folder = files.path("/etc/prometheus");
    promtool(&["check", "config", "prometheus.yml"], &folder);
}

#[test]
fn every_rule_is_tested_and_asks_for_metrics_that_exist() {
    let rules = read("deploy/prometheus/alerts.yaml");
    let tests = read("deploy/prometheus/alerts_test.yaml");
    let groups = &documents(&rules)[0]["groups"];
    let alerts = items(groups)
        .iter()
        .flat_map(|group| items(&group["rules"]));
    let names: Vec<&str> = alerts.map(|rule| text(&rule["alert"])).collect();
    assert!(names.len() >= 8);
    for name in names {
        assert!(tests.contains(name), "{name} has no test");
    }
    let known = Demo::start().metric_names();
    for metric in metrics_in(&rules).into_iter().chain(metrics_in(&tests)) {
        assert!(known.contains(&metric), "{metric} does not exist");
    }
}
