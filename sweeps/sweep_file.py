"""W&B's sweep files, read strictly: what is wrong is named with its line, all at once."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from sweeps import distributions, space
from sweeps.distributions import NUMBERS, Fault, is_number, is_whole
from sweeps.early_stopping import Hyperband
from sweeps.space import Space
from utils import yaml_text
from utils.errors import InputError

METHODS = ("grid", "random", "bayes")
GOALS = ("minimize", "maximize")
IMPUTE = ("worst", "best", "latest")
DEFAULT_COMMAND = ("${env}", "${interpreter}", "${program}", "${args}")
# KEYS is what this engine uses; W&B also knows IGNORED_KEYS, which mean nothing here.
KEYS = (
    "program",
    "name",
    "description",
    "project",
    "entity",
    "method",
    "metric",
    "run_cap",
    "early_terminate",
    "command",
    "parameters",
)
IGNORED_KEYS = ("apiVersion", "kind", "controller")
# What W&B does on its own servers, and what does it here.
WANDB_ALONE = {
    "job": "`job` names a job of W&B Launch, which W&B alone can start: name the `program`",
    "image_uri": "`image_uri` is for W&B Launch, which W&B alone can start: name the `program`",
    "metrics": "`metrics` weighs several goals, which W&B's schedulers do: name one as `metric`",
    "scheduler": "`scheduler` runs Optuna or Ax on W&B's side: here `method: bayes` searches, and "
    "`--method tpe` does so by Optuna's TPE",
}
METRIC_KEYS = ("name", "goal", "target", "impute", "impute_while_running")
HYPERBAND_KEYS = ("type", "min_iter", "max_iter", "s", "eta", "strict")
MACROS = (
    "env",
    "interpreter",
    "program",
    "args",
    "args_no_equals",
    "args_no_hyphens",
    "args_no_boolean_flags",
    "args_json",
    "args_json_file",
    "args_append_hydra",
    "args_override_hydra",
)
NUMBER_TEXT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


@dataclass(frozen=True)
class Metric:
    """What the sweep optimises: `name`, W&B's `goal`, and the value at which it may end."""

    name: str
    goal: str = "minimize"
    target: float | None = None
    impute: str = "worst"

    def reached(self, value: float) -> bool:
        """Whether `value` is as good as the target."""
        if self.target is None:
            return False
        return value <= self.target if self.goal == "minimize" else value >= self.target


@dataclass(frozen=True)
class Sweep:
    """A sweep file.

    Attributes:
        path: of the file.
        content: the file as parsed, for records and comparison.
        method: grid, random or bayes.
        space: the parameters.
        command: words and macros, as `wandb agent` would run them.
        metric: None where the file has none (a grid or random sweep may go without).
        early_terminate: None where nothing is stopped early.
        run_cap: the most trials; None for no bound.
        lines: the line of each entry, by its path of keys.
        notes: what is allowed but probably not meant, in sentences.
    """

    path: Path
    content: dict[str, Any]
    method: str
    space: Space
    program: str | None
    command: tuple[str, ...]
    metric: Metric | None
    early_terminate: Hyperband | None
    run_cap: int | None
    lines: Mapping[tuple, int] = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The sweep's name, else that of its file: the default name of its study."""
        return str(self.content.get("name") or self.path.stem)

    def where(self, *keys: str) -> str:
        """`file, line n` of an entry, or of the nearest one around it."""
        return f"{self.path}, line {_line(self.lines, keys)}"

    def where_parameter(self, name: str) -> str:
        """`file, line n` of the parameter that is called so."""
        return self.where(*entry_keys(self._path(name)))

    def replace_parameter(
        self, content: dict[str, Any], name: str, options: Mapping[str, Any]
    ) -> None:
        """Give a parameter other options in the content of a sweep file, or add one.

        Args:
            content: of this sweep, or a copy of it.
            name: as `Parameter.name` has it; an unknown one is added as it is.
            options: e.g. ``{"value": 3}``.
        """
        *outer, last = self._path(name)
        group = content["parameters"]
        for key in outer:
            group = group[key]["parameters"]
        group[last] = dict(options)

    def _path(self, name: str) -> tuple[str, ...]:
        """The path of the parameter that is called so; an unknown name is a path of its own."""
        paths = {one.name: one.path for one in self.space.parameters}
        return paths.get(name, (name,))


def _line(lines: Mapping[tuple, int], keys: tuple) -> int:
    """The line of an entry, or of the nearest one around it."""
    while keys and keys not in lines:
        keys = keys[:-1]
    return lines.get(keys, 1)


def entry_keys(path: Sequence[str]) -> tuple[str, ...]:
    """The keys to a parameter's entry: (model, width) is parameters, model, parameters, width."""
    return tuple(key for part in path for key in ("parameters", part))


def read(path: Path) -> Sweep:
    """The sweep in a YAML file.

    Raises:
        InputError: the file cannot be read, or something in it is wrong; the message has one line
            per fault, each with its line number.
    """
    return _sweep(yaml_text.read(path), path)


def of_content(content: Mapping[str, Any], name: str) -> Sweep:
    """The sweep that a study kept as its `sweep`."""
    return parse(yaml.safe_dump(dict(content), sort_keys=False), Path(f"study {name}"))


def parse(text: str, path: Path) -> Sweep:
    """The sweep in a text; `path` names it in messages. Raises as `read` does."""
    return _sweep(yaml_text.parse(text, str(path)), path)


def _sweep(document: yaml_text.Document, path: Path) -> Sweep:
    if not isinstance(document.root, yaml.MappingNode):
        raise InputError(f"{path}: expected a sweep, lines of `key: value` like `method: bayes`")
    return _Reader(path, document.root, document.content).sweep()


class _Reader:
    """Reads one file, and collects its faults to report them together."""

    def __init__(self, path: Path, root: yaml.MappingNode, content: dict[str, Any]):
        self.path, self.content = path, content
        self.faults: list[tuple[int, str]] = []
        self.notes: list[str] = []
        self.lines: dict[tuple, int] = {(): 1}
        self._visit(root, ())

    def sweep(self) -> Sweep:
        content = self.content
        self._check_wandb_alone(content)
        self._known(content, (*KEYS, *IGNORED_KEYS, *WANDB_ALONE), (), "a sweep file")
        method = self._one_of("method", content.get("method"), METHODS, ("method",))
        parameters = self._space(content.get("parameters"))
        metric = self._metric(content.get("metric"))
        hyperband = self._hyperband(content.get("early_terminate"))
        command = self._command(content)
        self._check_run_cap(content.get("run_cap"))
        self._check_together(method, parameters, hyperband)
        self._raise()
        return Sweep(
            self.path,
            content,
            method,
            Space(tuple(parameters)),
            content.get("program"),
            command,
            metric,
            hyperband,
            content.get("run_cap"),
            self.lines,
            tuple(self.notes),
        )

    def _check_wandb_alone(self, content: Mapping[str, Any]) -> None:
        engine = content.get("scheduler")
        is_plain = isinstance(engine, dict) and engine.get("engine") == "wandb"
        starts = bool(content.get("program") or content.get("command"))
        for key, text in WANDB_ALONE.items():
            if key not in content or (key == "scheduler" and is_plain):
                continue
            if key in ("job", "image_uri") and starts:
                self._note((key,), f"'{key}' is passed over: the program is started here")
            else:
                self._fault((key,), text)

    def _check_run_cap(self, cap: Any) -> None:
        if cap is not None and not (is_whole(cap) and cap > 0):
            self._fault(("run_cap",), f"'run_cap' is a whole number above 0; got {cap!r}")

    def _check_together(
        self, method: str, parameters: list[space.Parameter], hyperband: Hyperband | None
    ) -> None:
        """What one entry needs of another."""
        has_metric = bool(self.content.get("metric"))
        if method == "bayes" and not has_metric:
            self._fault((), "method 'bayes' needs a `metric` with a `name`")
        if hyperband and not has_metric:
            self._fault(("early_terminate",), "`early_terminate` needs a `metric`")
        if method == "grid":
            self._check_grid(parameters)
            if not self.faults:
                parameters[:] = [space.for_grid(one) for one in parameters]

    def _raise(self) -> None:
        if self.faults:
            sentences = [f"{self.path}, line {line}: {text}" for line, text in sorted(self.faults)]
            raise InputError("\n".join(sentences))

    def _fault(self, keys: tuple, text: str) -> None:
        self.faults.append((_line(self.lines, keys), text))

    def _visit(self, node: yaml.Node, keys: tuple) -> None:
        """Note the line of every entry, and numbers that YAML takes for text."""
        if isinstance(node, yaml.MappingNode):
            seen = set()
            for key_node, value in node.value:
                key = str(key_node.value)
                self.lines.setdefault((*keys, key), key_node.start_mark.line + 1)
                if key in seen:
                    self._fault(
                        (*keys, key),
                        f"'{key}' is there twice (again in line {key_node.start_mark.line + 1})",
                    )
                seen.add(key)
                self._visit(value, (*keys, key))
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self.lines[(*keys, index)] = value.start_mark.line + 1
                self._visit(value, (*keys, index))
        elif keys[0] == "parameters" and _is_number_as_text(node) and keys[-1] not in NUMBERS:
            self._note(
                keys,
                f"YAML reads {node.value} as text, and W&B passes it on so: write "
                f"{_with_dot(node.value)} where the number is meant",
            )

    def _note(self, keys: tuple, text: str) -> None:
        self.notes.append(f"{self.path}, line {_line(self.lines, keys)}: {text}")

    def _number(self, value: Any, at: tuple) -> Any:
        """A text that looks like a number as the number; all else as it is."""
        if not (isinstance(value, str) and NUMBER_TEXT.fullmatch(value)):
            return value
        self._note(
            at,
            f"YAML reads {value} as text, and W&B refuses the file for it: write "
            f"{_with_dot(value)}; here it is taken for the number",
        )
        return float(value)

    def _known(self, content: Mapping, keys: tuple[str, ...], at: tuple, what: str) -> None:
        for key in content:
            if key not in keys:
                self._fault((*at, key), f"unknown key '{key}'; {what} has {', '.join(keys)}")

    def _one_of(self, name: str, value: Any, allowed: tuple[str, ...], at: tuple) -> Any:
        if value not in allowed:
            self._fault(at, f"'{name}' is one of {', '.join(allowed)}; got {value!r}")
        return value

    def _metric(self, content: Any) -> Metric | None:
        if content is None:
            return None
        if not isinstance(content, dict) or not isinstance(content.get("name"), str):
            self._fault(("metric",), "`metric` needs a `name`, that of a value that is logged")
            return None
        self._known(content, METRIC_KEYS, ("metric",), "`metric`")
        goal = self._one_of("goal", content.get("goal", "minimize"), GOALS, ("metric", "goal"))
        impute = content.get("impute", "worst")
        self._one_of("impute", impute, IMPUTE, ("metric", "impute"))
        target = self._number(content.get("target"), ("metric", "target"))
        if target is not None and not is_number(target):
            self._fault(("metric", "target"), f"'target' is a number; got {target!r}")
        return Metric(content["name"], goal, target, impute)

    def _hyperband(self, content: Any) -> Hyperband | None:
        if content is None:
            return None
        at = ("early_terminate",)
        if not isinstance(content, dict) or content.get("type") != "hyperband":
            self._fault(at, "`early_terminate` needs `type: hyperband`, the one kind W&B has")
            return None
        self._known(content, HYPERBAND_KEYS, at, "`early_terminate`")
        content = {key: self._number(value, (*at, key)) for key, value in content.items()}
        for key, low in (("min_iter", 1), ("max_iter", 1), ("s", 1), ("eta", 1)):
            value = content.get(key, low)
            if not is_number(value) or value < low or (key == "eta" and content.get(key) == 1):
                bound = "above 1" if key == "eta" else f"at least {low}"
                self._fault((*at, key), f"'{key}' is a number {bound}; got {value!r}")
                return None
        if ("min_iter" in content) == ("max_iter" in content):
            self._fault(at, "`early_terminate` takes either `min_iter`, or `max_iter` with `s`")
            return None
        if "max_iter" in content and "s" not in content:
            self._fault((*at, "max_iter"), "`max_iter` needs `s`, the number of brackets")
            return None
        options = {key: content[key] for key in HYPERBAND_KEYS[1:] if key in content}
        hyperband = Hyperband.of(**options)
        if not hyperband.brackets:
            self._fault(at, "no bracket begins at or after the first log call: raise max_iter")
        return hyperband

    def _command(self, content: Mapping[str, Any]) -> tuple[str, ...]:
        command = content.get("command")
        if command is None or command == []:
            if not isinstance(content.get("program"), str):
                self._fault((), "a sweep needs a `program`, or a `command` that names one")
            return DEFAULT_COMMAND
        if isinstance(command, str):
            command = [command]
        if not isinstance(command, list):
            self._fault(("command",), f"'command' is a list of words; got {command!r}")
            return DEFAULT_COMMAND
        if "${program}" in command and not content.get("program"):
            self._fault(("command",), "the command uses ${program}, and there is no `program`")
        for word in command:
            macro = re.fullmatch(r"\$\{([a-z_]+)\}", str(word))
            if macro and macro[1] not in MACROS:
                self._note(
                    ("command",),
                    f"unknown macro {word}, which W&B leaves out; known: {', '.join(MACROS)}",
                )
        return tuple(str(word) for word in command)

    def _space(self, content: Any) -> list[space.Parameter]:
        if not isinstance(content, dict) or not content:
            self._fault(("parameters",), "`parameters` lists what to search: names and ranges")
            return []
        return _named(list(self._parameters(content, ("parameters",), ())))

    def _parameters(
        self, content: dict, at: tuple, outer: tuple[str, ...]
    ) -> Iterator[space.Parameter]:
        for name, options in content.items():
            here, path = (*at, str(name)), (*outer, str(name))
            if not isinstance(name, str) or not name:
                self._fault(here, f"{name!r} is no parameter name: put it in quotes")
            elif not isinstance(options, dict) or not options:
                self._fault(
                    here, f"'{name}' needs a mapping such as `value: ...`; got {options!r}"
                )
            elif "parameters" in options and isinstance(options["parameters"], dict):
                self._known(options, ("parameters",), here, "a group of parameters")
                yield from self._parameters(options["parameters"], (*here, "parameters"), path)
            elif parameter := self._parameter(".".join(path), options, here):
                yield replace(parameter, keys=path)

    def _parameter(self, name: str, options: dict, at: tuple) -> space.Parameter | None:
        options = {
            key: self._number(value, (*at, key)) if key in NUMBERS else value
            for key, value in options.items()
        }
        try:
            found = distributions.parameter(name, options)
        except Fault as fault:
            self._fault((*at, fault.key), fault.text)
            return None
        if note := distributions.exponents_note(name, options):
            self._note(at, note)
        return found

    def _check_grid(self, parameters: list[space.Parameter]) -> None:
        for one in parameters:
            if one.distribution not in space.GRID_DISTRIBUTIONS:
                self._fault(
                    entry_keys(one.path),
                    f"a grid cannot list the values of '{one.name}' ({one.distribution}): give "
                    "`values`, or use int_uniform or q_uniform, or another method",
                )
            elif (count := space.grid_count(one)) > space.MOST_CELLS:
                self._fault(
                    entry_keys(one.path),
                    f"a grid would list {count:,} values of '{one.name}'; at most "
                    f"{space.MOST_CELLS:,} can be listed",
                )


def _named(parameters: list[space.Parameter]) -> list[space.Parameter]:
    """The parameters with one name each: `a.b`, and `b` inside of `a`, would have the same."""
    own = {one.name for one in parameters if len(one.path) == 1}
    found, taken = [], set(own)
    for one in parameters:
        name = one.name
        if len(one.path) > 1:
            for between in (".", " > ", " >> ", " >>> "):
                name = between.join(one.path)
                if name not in taken:
                    break
            taken.add(name)
        found.append(replace(one, name=name))
    return found


def _is_number_as_text(node: yaml.Node) -> bool:
    """Whether an unquoted word looks like a number and is text to YAML 1.1, as 1e-4 is."""
    is_text = node.tag == "tag:yaml.org,2002:str" and getattr(node, "style", None) is None
    return is_text and bool(NUMBER_TEXT.fullmatch(node.value))


def _with_dot(number: str) -> str:
    """A number as YAML 1.1 reads it: 1e-4 becomes 1.0e-4."""
    mantissa, _, exponent = number.lower().partition("e")
    mantissa = mantissa if "." in mantissa else f"{mantissa}.0"
    return f"{mantissa}e{exponent if exponent[0] in '+-' else '+' + exponent}"
