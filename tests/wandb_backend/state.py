"""What the stand-in knows: runs, sweeps, agents and artifacts, as plain dictionaries."""

import json
import threading
from typing import Any

import yaml

from tests.wandb_backend import search

OVER = ("finished", "failed", "crashed", "killed")
_RUN_TEXTS = {
    "displayName": "displayName",
    "notes": "notes",
    "groupName": "group",
    "jobType": "jobType",
    "tags": "tags",
    "host": "host",
    "commit": "commit",
    "state": "state",
}


class State:
    """All that clients have sent, by id.

    Attributes:
        runs: id -> `project`, `sweep`, `state`, `exitcode`, `config`, `summary`, `history` (a list
            of what was logged), `files` (name -> bytes), `artifacts` (ids), `stop` (set it and the
            client is asked to stop the run).
        sweeps: id -> `project`, `config` (parsed), `text` (YAML), `state`.
        agents: id -> `sweep`, `running` (ids of the runs that it was given and not yet ended).
        artifacts: id -> `name`, `type`, `run`, `version`, `aliases`, `committed`, `files`.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.runs: dict[str, dict[str, Any]] = {}
        self.sweeps: dict[str, dict[str, Any]] = {}
        self.agents: dict[str, dict[str, Any]] = {}
        self.artifacts: dict[str, dict[str, Any]] = {}

    def runs_of(self, sweep: str) -> list[dict[str, Any]]:
        """A sweep's runs, oldest first."""
        return [run for run in self.runs.values() if run["sweep"] == sweep]

    def new_run(self, name: str, project: str, sweep: str | None = None) -> dict[str, Any]:
        run = {
            "id": name,
            "project": project,
            "sweep": sweep,
            "state": "pending",
            "exitcode": None,
            "config": {},
            "summary": {},
            "history": [],
            "files": {},
            "artifacts": [],
            "stop": False,
            "tags": [],
            "group": None,
            "jobType": None,
            "notes": None,
            "host": None,
            "commit": None,
            "displayName": f"run-{len(self.runs) + 1}",
        }
        self.runs[name] = run
        return run

    def upsert_run(self, given: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """A run starts, or tells more about itself: the run, and whether it is new."""
        name = given.get("id") or given["name"]
        run = self.runs.get(name) or self.new_run(name, given.get("modelName") or "uncategorized")
        is_new = run["state"] == "pending"
        run["state"] = "running"
        if given.get("sweep"):
            run["sweep"] = given["sweep"]
        if given.get("config"):
            run["config"] = {k: v["value"] for k, v in json.loads(given["config"]).items()}
        if given.get("summaryMetrics"):
            run["summary"] = json.loads(given["summaryMetrics"])
        run.update({ours: given[name] for name, ours in _RUN_TEXTS.items() if given.get(name)})
        return run, is_new

    def stream(self, run: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
        """A running program's new lines of history, its summary, or that it has ended."""
        for name, chunk in (sent.get("files") or {}).items():
            lines = [json.loads(line) for line in chunk["content"] if name.startswith("wandb-")]
            if name == "wandb-history.jsonl":
                run["history"][chunk["offset"] :] = lines
            elif name == "wandb-summary.json" and lines:
                run["summary"] = lines[-1]
        if sent.get("complete"):
            run["exitcode"] = sent.get("exitcode") or 0
            run["state"] = "failed" if run["exitcode"] else "finished"
        self._stop_the_worst(run["sweep"])
        return {"stopped": run["stop"], "limits": {}}

    def upsert_sweep(self, given: dict[str, Any]) -> dict[str, Any]:
        """A new sweep, or a new configuration or state of an old one."""
        name = given.get("id") or f"sweep{len(self.sweeps) + 1}"
        project = given.get("projectName") or "uncategorized"
        sweep = self.sweeps.setdefault(
            name, {"id": name, "project": project, "text": "", "config": {}, "state": "RUNNING"}
        )
        if given.get("config"):
            sweep.update(text=given["config"], config=yaml.safe_load(given["config"]))
            search.suggest(sweep["config"], 0)  # what cannot be searched fails here
        if given.get("state"):
            sweep["state"] = given["state"]
        return sweep

    def heartbeat(self, agent: dict[str, Any], alive: list[str]) -> list[dict[str, Any]]:
        """What the agent is to do now; `alive` are the runs whose processes still run."""
        for name in set(agent["running"]) - set(alive):
            if self.runs[name]["state"] not in OVER:  # its process ended without a word
                self.runs[name]["state"] = "killed" if self.runs[name]["stop"] else "crashed"
        agent["running"] = alive
        if self.sweeps[agent["sweep"]]["state"] == "CANCELED":
            return [{"type": "exit"}]
        self._stop_the_worst(agent["sweep"])
        stops = [{"type": "stop", "run_id": name} for name in alive if self.runs[name]["stop"]]
        return stops if alive else [self._next(agent)]

    def _next(self, agent: dict[str, Any]) -> dict[str, Any]:
        sweep = self.sweeps[agent["sweep"]]
        tried = len(self.runs_of(sweep["id"]))
        parameters = None
        if tried < sweep["config"].get("run_cap", tried + 1):
            parameters = search.suggest(sweep["config"], tried)
        if parameters is None or sweep["state"] != "RUNNING":
            sweep["state"] = "FINISHED"
            return {"type": "exit"}
        name = f"{sweep['id']}run{tried + 1}"
        self.new_run(name, sweep["project"], sweep["id"])["config"] = parameters
        agent["running"] = [name]
        return {
            "type": "run",
            "run_id": name,
            "program": sweep["config"].get("program"),
            "args": {key: {"value": value} for key, value in parameters.items()},
        }

    def _stop_the_worst(self, sweep: str | None) -> None:
        if sweep not in self.sweeps:
            return
        config, runs = self.sweeps[sweep]["config"], self.runs_of(sweep)
        metric = config.get("metric", {}).get("name")
        curves = {
            run["id"]: [row[metric] for row in run["history"] if _is_number(row.get(metric))]
            for run in runs
        }
        for name in search.to_stop(config, curves):
            self.runs[name]["stop"] |= self.runs[name]["state"] == "running"

    def new_artifact(self, given: dict[str, Any]) -> dict[str, Any]:
        """An artifact that a run announces; its files follow, then it is committed."""
        collections = given.get("artifactCollectionNames") or [given["artifactCollectionName"]]
        artifact = {
            "id": f"artifact{len(self.artifacts) + 1}",
            "name": collections[0],
            "type": given["artifactTypeName"],
            "run": given["runName"],
            "project": given["projectName"],
            "digest": given["digest"],
            "metadata": given.get("metadata"),
            "version": None,
            "committed": False,
            "aliases": list({"latest": 1, **{a["alias"]: 1 for a in given.get("aliases") or []}}),
            "files": {},
        }
        self.artifacts[artifact["id"]] = artifact
        self.runs[artifact["run"]]["artifacts"].append(artifact["id"])
        return artifact

    def versions(self, project: str, name: str) -> list[dict[str, Any]]:
        """The committed artifacts of one name, oldest first."""
        return [
            artifact
            for artifact in self.artifacts.values()
            if artifact["committed"] and (artifact["project"], artifact["name"]) == (project, name)
        ]

    def commit(self, artifact: dict[str, Any]) -> None:
        """All files have come: the artifact gets its version, and takes over its aliases."""
        older = self.versions(artifact["project"], artifact["name"])
        for one in older:
            one["aliases"] = [a for a in one["aliases"] if a not in artifact["aliases"]]
        artifact.update(committed=True, version=len(older))

    def find_artifact(self, project: str, name_and_alias: str) -> dict[str, Any] | None:
        """An artifact by `name:alias` or `name:v3`."""
        name, _, alias = name_and_alias.partition(":")
        for artifact in self.versions(project, name):
            if (alias or "latest") in (*artifact["aliases"], f"v{artifact['version']}"):
                return artifact
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and value == value
