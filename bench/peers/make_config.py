#!/usr/bin/env python3
"""Turns the bench's neutral list of SLOs into a slofuse configuration: settings and one definition each.

The settings are what a newcomer would write: defaults, one webhook, the built-in policy.
Everything is JSON, which is YAML.
"""
import argparse, json, os


def definition(x):
    """The same two queries that the rules of the other stacks evaluate."""
    query = lambda text: text.replace("{{.window}}", "$window")
    return {
        "apiVersion": "slofuse/v1", "kind": "SLO",
        "metadata": {"service": x["service"], "name": x["slo"], "owner": "team"},
        "spec": {"objective": x["objective"], "period": "30d", "policy": "sre-workbook",
                 "sli": {"events": {"bad": query(x["error_query"]), "total": query(x["total_query"])}}}}


def settings(a):
    return {
        "prometheus": {"url": a.prometheus},
        "evaluation": {"interval": "%ds" % a.eval, "scrape_interval": "%ds" % a.scrape},
        "definitions": ["slos"],
        "receivers": [{"name": "hook", "webhook": {"url": a.webhook}}],
        "routes": {"default": ["hook"]},
        "server": {"listen": "127.0.0.1:%d" % a.port},
        "state": {"directory": os.path.join(os.path.abspath(a.out), "state")}}


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--slos", required=True, help="slos.json of the bench")
    ap.add_argument("--prometheus", required=True, help="base URL")
    ap.add_argument("--webhook", required=True, help="URL that is told everything")
    ap.add_argument("--port", type=int, required=True, help="of the daemon's own server")
    ap.add_argument("--scrape", type=int, default=15)
    ap.add_argument("--eval", type=int, default=30)
    ap.add_argument("--out", required=True, help="folder; gets slofuse.yaml and slos/")
    a = ap.parse_args()
    os.makedirs(os.path.join(a.out, "slos"), exist_ok=True)
    for x in json.load(open(a.slos)):
        with open(os.path.join(a.out, "slos", x["id"] + ".yaml"), "w") as f:
            json.dump(definition(x), f, indent=1)
    with open(os.path.join(a.out, "slofuse.yaml"), "w") as f:
        json.dump(settings(a), f, indent=1)


if __name__ == "__main__":
    main()
