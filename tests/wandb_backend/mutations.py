"""What clients change by GraphQL: each mutation calls the state and answers with a view."""

import json
from collections.abc import Callable
from typing import Any

from tests.wandb_backend.state import State
from tests.wandb_backend.views import View, Views, connection


class Mutations:
    """The mutations, by the interface's names.

    Args:
        state: what is changed.
        views: what answers are made of.
    """

    def __init__(self, state: State, views: Views):
        self.state, self.views = state, views

    def by_name(self) -> dict[str, Callable[..., View]]:
        """Functions of one argument, `input`."""
        return {
            "upsertBucket": self._upsert_run,
            "createRunFiles": self._announce_run_files,
            "upsertSweep": self._upsert_sweep,
            "createAgent": self._create_agent,
            "agentHeartbeat": self._heartbeat,
            "createArtifact": self._create_artifact,
            "createArtifactManifest": self._announce_manifest,
            "createArtifactFiles": self._announce_artifact_files,
            "commitArtifact": self._commit_artifact,
        }

    def _upsert_run(self, input: dict[str, Any]) -> View:
        run, is_new = self.state.upsert_run(input)
        return {"bucket": self.views.run(run), "inserted": is_new}

    def _announce_run_files(self, input: dict[str, Any]) -> View:
        run = self.state.runs[input["runName"]]
        files = [self.views.file("runs", run, name) for name in input["files"]]
        return {"runID": run["id"], "uploadHeaders": [], "files": files}

    def _upsert_sweep(self, input: dict[str, Any]) -> View:
        sweep = self.state.upsert_sweep(input)
        return {"sweep": self.views.sweep(sweep), "configValidationWarnings": []}

    def _create_agent(self, input: dict[str, Any]) -> View:
        name = f"agent{len(self.state.agents) + 1}"
        self.state.agents[name] = {"id": name, "sweep": input["sweep"], "running": []}
        return {"agent": {"id": name}}

    def _heartbeat(self, input: dict[str, Any]) -> View:
        alive = [name for name, lives in json.loads(input["runState"]).items() if lives]
        commands = self.state.heartbeat(self.state.agents[input["id"]], alive)
        return {"agent": {"id": input["id"]}, "commands": json.dumps(commands)}

    def _create_artifact(self, input: dict[str, Any]) -> View:
        return {"artifact": self.views.artifact(self.state.new_artifact(input))}

    def _announce_manifest(self, input: dict[str, Any]) -> View:
        artifact = self.state.artifacts[input["artifactID"]]
        return {"artifactManifest": self.views.manifest(artifact)}

    def _announce_artifact_files(self, input: dict[str, Any]) -> View:
        files = []
        for file in input["artifactFiles"]:
            artifact = self.state.artifacts[file["artifactID"]]
            view = self.views.file("artifacts", artifact, file["name"])
            files.append({**view, "artifact": {"id": artifact["id"]}})
        return {"files": connection(files)}

    def _commit_artifact(self, input: dict[str, Any]) -> View:
        artifact = self.state.artifacts[input["artifactID"]]
        self.state.commit(artifact)
        return {"artifact": self.views.artifact(artifact)}
