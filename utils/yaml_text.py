"""YAML that people write, read with limits: whatever is wrong is a sentence with its line.

Plain data alone: mappings, lists, texts, numbers, true and false, null. Dates stay texts, as which
they reach a command line in any case. The work is bounded by the length of the text: aliases that
would blow it up, and nesting without an end, are refused before anything is built.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from utils.errors import InputError

MOST_CHARACTERS = 1_000_000
MOST_NODES = 200_000  # with every alias counted as what it stands for
DEEPEST = 60
MOST_DIGITS = 300
TAG = "tag:yaml.org,2002:"
PLAIN = ("null", "bool", "int", "float", "str", "seq", "map", "merge")


@dataclass(frozen=True)
class Document:
    """A text as YAML reads it.

    Attributes:
        root: the node of all, with the lines; None for an empty text.
        content: the same as plain data.
    """

    root: yaml.Node | None
    content: Any


class _Loader(yaml.SafeLoader):
    """Without dates: `2021-99-99` is a text, not an error."""


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != f"{TAG}timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(path: Path) -> Document:
    """The document in a file.

    Raises:
        InputError: the file cannot be read, is no text in UTF-8, or is not YAML of plain data.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not a text file in UTF-8: {error}") from error
    return parse(text, str(path))


def parse(text: str, name: str) -> Document:
    """The document in a text; `name` names it in messages. Raises as `read` does."""
    if len(text) > MOST_CHARACTERS:
        raise InputError(
            f"{name}: has {len(text):,} characters; at most {MOST_CHARACTERS:,} are read"
        )
    loader = None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None:
            return Document(None, None)
        _Check(name, loader).all(root)
        # Read once more: building the data mixes what `<<` merges into the nodes.
        return Document(root, yaml.load(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        raise InputError(_sentence(error, name)) from error
    except yaml.YAMLError as error:
        raise InputError(f"{name}: is not YAML: {_one_line(error)}") from error
    except RecursionError as error:
        raise InputError(f"{name}: is nested too deeply") from error
    finally:
        if loader:
            loader.dispose()


def _sentence(error: yaml.MarkedYAMLError, name: str) -> str:
    mark = error.problem_mark or error.context_mark
    place = f"{name}, line {mark.line + 1}" if mark else name
    context = f" {error.context}" if error.context else ""
    return f"{place}: is not YAML{context}: {error.problem or error.note}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


class _Check:
    """Looks at all nodes of a document before it is built."""

    def __init__(self, name: str, loader: yaml.SafeLoader):
        self.name, self.loader = name, loader
        self._sizes: dict[int, int] = {}
        self._around: set[int] = set()

    def all(self, root: yaml.Node) -> None:
        """Raise InputError where a node is no plain data, or the whole is too large."""
        self._size(root, 1)

    def _size(self, node: yaml.Node, depth: int) -> int:
        """How many nodes it is, aliases followed; each node is looked at once."""
        key = id(node)
        if key in self._around:
            self._refuse(node, "an alias stands inside of what it stands for, without an end")
        if key not in self._sizes:
            self._check(node, depth)
            self._around.add(key)
            self._sizes[key] = 1 + sum(self._size(one, depth + 1) for one in _children(node))
            self._around.discard(key)
            if self._sizes[key] > MOST_NODES:
                self._refuse(node, f"with its aliases it has more than {MOST_NODES:,} entries")
        return self._sizes[key]

    def _check(self, node: yaml.Node, depth: int) -> None:
        if depth > DEEPEST:
            self._refuse(node, f"it is nested more than {DEEPEST} levels deep")
        kind = node.tag.removeprefix(TAG)
        if kind not in PLAIN:
            self._refuse(node, f"the tag {_short(node.tag)} is none of plain data")
        if isinstance(node, yaml.MappingNode):
            for key, _value in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    self._refuse(key, "a key is a word, not a list or a mapping")
        elif isinstance(node, yaml.ScalarNode):
            self._check_scalar(node, kind)

    def _check_scalar(self, node: yaml.ScalarNode, kind: str) -> None:
        if kind in ("int", "float") and len(node.value) > MOST_DIGITS:
            self._refuse(node, f"a number has {len(node.value):,} characters")
        if kind == "merge":  # only a key is one, which has no value of its own
            return
        try:
            self.loader.construct_object(node)
        except (ValueError, KeyError, IndexError, OverflowError):
            self._refuse(node, f"'{_short(node.value)}' is no {kind}")

    def _refuse(self, node: yaml.Node, text: str) -> None:
        raise InputError(f"{self.name}, line {node.start_mark.line + 1}: {text}")


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [one for pair in node.value for one in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else f"{text[:37]}..."
