"""As much GraphQL as the wandb client speaks: selections, answered from plain dictionaries.

There is no schema. An object is a dictionary; where a value is a function, it is called with the
field's arguments. A field that an object does not have is answered with null and noted.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

_TOKEN = re.compile(r'\.\.\.|"(?:[^"\\]|\\.)*"|[\w.+-]+|[{}()\[\]:$@!=]')
_WORDS = {"true": True, "false": False, "null": None}


class Variable(str):
    """The name of a variable, where a value should be."""


class Field(NamedTuple):
    """One wanted field.

    A fragment is a field named `...`, with its content (or its name, a string) as `inner`.
    `@include` and `@skip` are among the arguments.
    """

    key: str
    name: str
    arguments: dict[str, Any]
    inner: "list[Field] | str | None"


class Document:
    """A parsed request: its operation's fields, default variables, and named fragments."""

    def __init__(self, text: str):
        self._tokens = _TOKEN.findall(re.sub(r"#[^\n]*", "", text))[::-1]
        self.fields: list[Field] = []
        self.defaults: dict[str, Any] = {}
        self.fragments: dict[str, list[Field]] = {}
        while self._tokens:
            self._definition()

    def _take(self) -> str:
        return self._tokens.pop()

    def _next_is(self, *tokens: str) -> bool:
        return self._tokens[-1] in tokens

    def _took(self, token: str) -> bool:
        return self._next_is(token) and bool(self._take())

    def _definition(self) -> None:
        header = []
        while not self._next_is("{"):
            header.append(self._take())
            if header[-1] == "(":
                self._variables()
        if header[:1] == ["fragment"]:
            self.fragments[header[1]] = self._selection()
        else:
            self.fields = self._selection()

    def _variables(self) -> None:
        name = ""
        while not self._took(")"):
            token = self._take()
            if token == "$":
                name = self._take()
            elif token == "=":
                self.defaults[name] = self._value()

    def _selection(self) -> list[Field]:
        self._take()
        fields = []
        while not self._took("}"):
            fields.append(self._field())
        return fields

    def _field(self) -> Field:
        key = name = self._take()
        if name == "...":
            if not self._next_is("on", "{", "@"):
                return Field(key, name, {}, self._take())
            if self._took("on"):
                self._take()  # the type: without a schema, all types match
        if self._took(":"):
            name = self._take()
        arguments = self._pairs(")") if self._took("(") else {}
        while self._took("@"):
            directive = "@" + self._take()
            self._take()
            arguments[directive] = self._pairs(")")["if"]
        return Field(key, name, arguments, self._selection() if self._next_is("{") else None)

    def _pairs(self, end: str) -> dict[str, Any]:
        pairs = {}
        while not self._took(end):
            name = self._take()
            self._take()
            pairs[name] = self._value()
        return pairs

    def _value(self) -> Any:
        token = self._take()
        if token == "$":
            return Variable(self._take())
        if token == "{":
            return self._pairs("}")
        if token == "[":
            values = []
            while not self._took("]"):
                values.append(self._value())
            return values
        return _WORDS[token] if token in _WORDS else json.loads(token)


class Answer:
    """Answers one request from `root`, a dictionary of what can be asked at the top.

    Fields that nobody knows are added to `unknown`.
    """

    def __init__(self, request: dict[str, Any], root: dict[str, Any], unknown: set[str]):
        self._document = Document(request["query"])
        self._variables = {**self._document.defaults, **(request.get("variables") or {})}
        self._unknown = unknown
        self.data = self._object(root, self._document.fields)

    def _object(self, source: dict[str, Any], fields: list[Field]) -> dict[str, Any]:
        wanted: dict[str, Field] = {}
        for field in self._flat(fields):
            if field.key in wanted and field.inner:  # asked for in two fragments: unite them
                field = field._replace(inner=[*wanted[field.key].inner, *field.inner])
            wanted[field.key] = field
        return {key: self._picked(source, field) for key, field in wanted.items()}

    def _flat(self, fields: list[Field]) -> Iterator[Field]:
        """The fields that are wanted, with all fragments unfolded and all variables filled in."""
        for field in fields:
            given = self._filled(field.arguments)
            if not given.pop("@include", True) or given.pop("@skip", False):
                continue
            if field.name != "...":
                yield field._replace(arguments=given)
            else:
                named = isinstance(field.inner, str)
                yield from self._flat(
                    self._document.fragments[field.inner] if named else field.inner
                )

    def _picked(self, source: dict[str, Any], field: Field) -> Any:
        if field.name not in source:
            self._unknown.add(f"{source.get('__typename', '?')}.{field.name}")
            return None
        value = source[field.name]
        if callable(value):
            value = value(**field.arguments)
        if not field.inner or not isinstance(value, list | dict):
            return value
        if isinstance(value, list):
            return [self._object(one, field.inner) for one in value]
        return self._object(value, field.inner)

    def _filled(self, value: Any) -> Any:
        """`value` with its variables filled in. What was not given is left out, as if unsaid."""
        if isinstance(value, Variable):
            return self._variables.get(value)
        if isinstance(value, list):
            return [self._filled(one) for one in value]
        if isinstance(value, dict):
            filled = {name: self._filled(one) for name, one in value.items()}
            return {name: one for name, one in filled.items() if one is not None}
        return value
