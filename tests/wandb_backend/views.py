"""What the stand-in answers to GraphQL: its state, in the words of W&B's interface."""

import base64
import hashlib
import json
import math
from typing import Any
from urllib.parse import quote

from tests.wandb_backend.state import State

ENTITY = "tester"
MANIFEST = "wandb_manifest.json"
_WHEN = "2026-01-01T00:00:00Z"

View = dict[str, Any]


def connection(views: list[View]) -> View:
    """A list as the interface wraps them, all on one page."""
    return {
        "edges": [{"node": view, "cursor": str(at)} for at, view in enumerate(views)],
        "pageInfo": {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False},
        "totalCount": len(views),
    }


class Views:
    """The objects that can be asked for, made when they are asked for.

    Args:
        state: what is shown.
        url: the server's address.
    """

    def __init__(self, state: State, url: str):
        self.state, self.url = state, url

    def queries(self) -> View:
        """What can be asked at the top."""
        return {
            "viewer": self.user(),
            "entity": lambda **_: {"id": ENTITY, "name": ENTITY, "organization": None},
            "serverInfo": {"features": []},
            "project": lambda name, **_: self.project(name),
            "artifact": lambda id: self.artifact(self.state.artifacts[id]),
        }

    def user(self) -> View:
        """Who every key belongs to."""
        return {
            "id": ENTITY,
            "entity": ENTITY,
            "username": ENTITY,
            "name": ENTITY,
            "flags": "{}",
            "email": f"{ENTITY}@example.org",
            "teams": connection([]),
        }

    def project(self, project: str) -> View:
        """A project; every name has one."""
        state = self.state

        def runs(filters: str = "{}", order: str = "", **_: Any) -> list[View]:
            asked = _conditions(json.loads(filters))
            chosen = [run for run in state.runs.values() if run["project"] == project]
            chosen = [run for run in chosen if all(run[k] == v for k, v in asked.items())]
            return [self.run(run) for run in _ordered(chosen, order)]

        def member(name: str) -> View | None:
            artifact = state.find_artifact(project, name)
            return self._membership(artifact) if artifact else None

        return {
            "__typename": "Project",
            "id": project,
            "internalId": "1",
            "name": project,
            "readOnly": False,
            "entity": {"id": ENTITY, "name": ENTITY},
            "run": lambda name: self.run(state.runs[name]) if name in state.runs else None,
            "runs": lambda **asked: connection(runs(**asked)),
            "runCount": lambda **asked: len(runs(**asked)),
            "sweep": lambda sweepName: self.sweep(state.sweeps.get(sweepName)),
            "artifact": lambda name: (member(name) or {}).get("artifact"),
            "artifactCollectionMembership": member,
            "artifactCollection": lambda name: {
                "__typename": "ArtifactSequence",
                "artifactMembership": lambda aliasName: member(f"{name}:{aliasName}"),
            },
        }

    def run(self, run: dict[str, Any]) -> View:
        """A run."""
        return {
            **{key: run[key] for key in _SHOWN_AS_THEY_ARE},
            "__typename": "Run",
            "name": run["id"],
            "sweepName": run["sweep"],
            "projectId": 1,
            "readOnly": False,
            "project": lambda: self.project(run["project"]),
            "user": self.user(),
            "config": json.dumps({key: {"value": v} for key, v in run["config"].items()}),
            "summaryMetrics": json.dumps(run["summary"]),
            "systemMetrics": "{}",
            "shouldStop": run["stop"],
            "stopped": run["stop"],
            "failed": run["state"] == "failed",
            "running": run["state"] == "running",
            "createdAt": _WHEN,
            "heartbeatAt": _WHEN,
            "description": None,
            "historyLineCount": len(run["history"]),
            "historyKeys": _history_keys(run["history"]),
            "history": lambda **_: [json.dumps(row) for row in run["history"]],
            "sampledHistory": lambda specs: [
                _sampled(run["history"], spec)
                for spec in (specs if isinstance(specs, list) else [specs])
            ],
            "parquetHistory": lambda **_: {"parquetUrls": [], "liveData": []},
            "fileCount": len(run["files"]),
            "files": lambda names=(), **_: connection(
                [
                    self.file("runs", run, name)
                    for name in sorted(run["files"])
                    if not names or name in names
                ]
            ),
            "outputArtifacts": lambda **_: connection(
                [
                    self.artifact(self.state.artifacts[name])
                    for name in run["artifacts"]
                    if self.state.artifacts[name]["committed"]
                ]
            ),
        }

    def file(self, kind: str, owner: dict[str, Any], name: str) -> View:
        """A file of a run or an artifact, there or still to come; `kind` is the state's name."""
        content = owner["files"].get(name, b"")
        url = f"{self.url}/storage/{kind}/{owner['id']}/{quote(name)}"
        return {
            "__typename": "File",
            "id": url,
            "name": name,
            "displayName": name,
            "url": lambda **_: url,
            "directUrl": url,
            "uploadUrl": url,
            "uploadHeaders": [],
            "storagePath": url,
            "sizeBytes": len(content),
            "mimetype": "",
            "updatedAt": _WHEN,
            "md5": base64.b64encode(hashlib.md5(content).digest()).decode(),
            "uploadMultipartUrls": None,
        }

    def sweep(self, sweep: dict[str, Any] | None) -> View | None:
        """A sweep."""
        if sweep is None:
            return None
        runs = self.state.runs_of(sweep["id"])
        return {
            "__typename": "Sweep",
            "id": sweep["id"],
            "name": sweep["id"],
            "displayName": sweep["config"].get("name"),
            "state": sweep["state"],
            "method": sweep["config"].get("method"),
            "config": sweep["text"],
            "project": self.project(sweep["project"]),
            "description": None,
            "bestLoss": None,
            "createdAt": _WHEN,
            "updatedAt": _WHEN,
            "heartbeatAt": _WHEN,
            "earlyStopJobRunning": False,
            "controller": None,
            "scheduler": None,
            "runCount": len(runs),
            "runCountExpected": sweep["config"].get("run_cap"),
            "runs": lambda **_: connection([self.run(run) for run in runs]),
        }

    def artifact(self, artifact: dict[str, Any]) -> View:
        """A version of an artifact."""
        collection = {
            "__typename": "ArtifactSequence",
            "id": artifact["name"],
            "name": artifact["name"],
            "project": self.project(artifact["project"]),
            "latestArtifact": None,
        }
        return {
            "__typename": "Artifact",
            "id": artifact["id"],
            "artifactSequence": collection,
            "state": "COMMITTED" if artifact["committed"] else "PENDING",
            "versionIndex": artifact["version"],
            "digest": artifact["digest"],
            "artifactType": {"name": artifact["type"]},
            "metadata": artifact["metadata"],
            "description": None,
            "ttlDurationSeconds": -2,
            "ttlIsInherited": True,
            "tags": [],
            "historyStep": None,
            "commitHash": "",
            "createdAt": _WHEN,
            "updatedAt": _WHEN,
            "size": sum(map(len, artifact["files"].values())),
            "fileCount": len(artifact["files"]),
            "aliases": [
                {
                    "__typename": "ArtifactAlias",
                    "id": alias,
                    "alias": alias,
                    "artifactCollection": collection,
                }
                for alias in artifact["aliases"]
            ],
            "currentManifest": self.manifest(artifact),
        }

    def manifest(self, artifact: dict[str, Any]) -> View:
        """The list of an artifact's files, itself a file."""
        return {"id": artifact["id"], "file": self.file("artifacts", artifact, MANIFEST)}

    def _membership(self, artifact: dict[str, Any]) -> View:
        view = self.artifact(artifact)
        names = [name for name in artifact["files"] if name != MANIFEST]
        return {
            "__typename": "ArtifactCollectionMembership",
            "id": artifact["id"],
            "artifact": view,
            "versionIndex": artifact["version"],
            "createdAt": _WHEN,
            "aliases": view["aliases"],
            "artifactCollection": view["artifactSequence"],
            "files": lambda **_: connection(
                [self.file("artifacts", artifact, name) for name in names]
            ),
        }


_SHOWN_AS_THEY_ARE = (
    "id",
    "displayName",
    "state",
    "exitcode",
    "tags",
    "group",
    "jobType",
    "notes",
    "host",
    "commit",
)


def _conditions(filters: dict[str, Any]) -> dict[str, Any]:
    """Of W&B's filters only `field: value` and `$and` of such."""
    conditions = {}
    for key, value in filters.items():
        for part in value if key == "$and" else [{key: value}]:
            conditions.update(part)
    return conditions


def _ordered(runs: list[dict[str, Any]], order: str) -> list[dict[str, Any]]:
    """By one summary metric, best first: `-summary_metrics.NAME` or `+summary_metrics.NAME`."""
    name = order.lstrip("+-").removeprefix("summary_metrics.")
    sign = -1 if order.startswith("-") else 1

    def rank(run: dict[str, Any]) -> float:
        value = run["summary"].get(name)
        return sign * value if isinstance(value, int | float) else math.inf

    return sorted(runs, key=rank) if "summary_metrics." in order else runs


def _history_keys(history: list[dict[str, Any]]) -> View:
    names = {name for row in history for name in row}
    kinds = {name: {"typeCounts": [{"type": "number", "count": len(history)}]} for name in names}
    return {"sets": [], "keys": kinds, "lastStep": len(history) - 1}


def _sampled(history: list[dict[str, Any]], spec: str) -> list[View]:
    """The rows that have all the wanted keys; none is left out as W&B would."""
    keys = json.loads(spec).get("keys") or []
    rows = [row for row in history if all(key in row for key in keys)]
    return [{key: row[key] for key in keys} for row in rows] if keys else rows
