"""Settings of a program: one flat, frozen dataclass <-> command line <-> YAML file <-> sweep.

    @dataclass(frozen=True)
    class Optimisation:
        GROUP: ClassVar[str] = "optimisation"
        epochs: int = option(30, "most passes over the data", low=1)
        schedule: str = option("cosine", "course of the rate", choices=("constant", "cosine"))

    settings = from_command_line(Optimisation, ["--epochs=5"], about=__doc__)

A field's name is the flag, the YAML key and the sweep's parameter. A name that is not known and a
value that is not allowed stop the program. Nothing here needs a library until a file is read.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from utils.command_line import Parser, suggestion
from utils.errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

S = TypeVar("S", bound="DataclassInstance")  # a frozen one whose fields are `option`s
TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def option(
    default: Any,
    meaning: str,
    *,
    choices: tuple | None = None,
    low: float | None = None,
    high: float | None = None,
) -> Any:
    """A dataclass field with a default, a meaning for `--help`, and its allowed values.

    Numbers may not be negative unless `low` says so.
    """
    if low is None and isinstance(default, (int, float)) and not isinstance(default, bool):
        low = 0
    facts = {"meaning": meaning, "choices": choices, "low": low, "high": high}
    return dataclasses.field(default=default, metadata=facts)


def from_command_line(
    kind: type[S],
    argv: Sequence[str] | None = None,
    about: str | None = "",
    base: S | None = None,
) -> S:
    """Settings from flags, over those of `--settings FILE`, over `base` (or the defaults).

    Args:
        kind: the settings class.
        argv: the arguments; those of the process by default.
        about: the program's description in its help.
        base: settings to start from where no file is given.

    Raises:
        InputError: a value or a name in the file is not allowed. Unknown flags end the program
            as argparse does, with status 2.
    """
    flags = vars(_parser(kind, about, base or kind()).parse_args(argv))
    given = {name: value for name, value in flags.items() if value is not None}
    if file := given.pop("settings", None):
        base = from_mapping(kind, read_yaml(Path(file)), file)
    return from_mapping(kind, given, "the command line", base)


def from_mapping(
    kind: type[S], values: Mapping[str, Any], origin: str, base: S | None = None
) -> S:
    """`base` (or the defaults) with `values` in place.

    Args:
        kind: the settings class.
        values: names and values; numbers may come as text, since PyYAML reads `1e-4` as such.
        origin: where the values come from, for messages.
        base: settings to start from.

    Raises:
        InputError: a name is unknown, or a value has the wrong type or lies out of range.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}
    checked = {}
    for name, value in values.items():
        if name not in fields:
            raise InputError(
                f"{origin}: unknown setting '{name}'{suggestion(name, fields)}; known: "
                f"{', '.join(sorted(fields))}"
            )
        checked[name] = _checked(fields[name], value, origin)
    return dataclasses.replace(base or kind(), **checked)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping of names to values in a YAML file.

    Raises:
        InputError: the file is missing, is not YAML, or holds something else than a mapping.
    """
    # Imported late: the help needs no library.
    from utils import yaml_text

    content = yaml_text.read(path).content
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: expected lines of `name: value`, found {type(content).__name__}"
        )
    return content


def groups(kind: type) -> dict[str, list[dataclasses.Field]]:
    """Title -> settings, as the help shows them.

    The title is the `GROUP` of the class that brought the setting in, so a class that only changes
    a default leaves the setting in its group.
    """
    own = {field.name: field for field in dataclasses.fields(kind)}
    found: dict[str, list[dataclasses.Field]] = {}
    for base in reversed(kind.__mro__):
        if dataclasses.is_dataclass(base):
            new = [own.pop(field.name) for field in dataclasses.fields(base) if field.name in own]
            if new:
                found.setdefault(vars(base).get("GROUP", "settings"), []).extend(new)
    return found


def add_flag(group: Any, field: dataclasses.Field, default: Any = dataclasses.MISSING) -> None:
    """Give an argparse group the flag of a setting; its help says meaning, default and values.

    Args:
        group: of an argument parser.
        field: the setting.
        default: what the help calls the default; the field's own by default.
    """
    shown = field.default if default is dataclasses.MISSING else default
    text = f"{field.metadata['meaning']} ({_allowed(field, shown)})"
    metavar = "TEXT" if field.metadata["choices"] is None else "NAME"
    group.add_argument(
        f"--{field.name}",
        metavar=_METAVARS.get(type(field.default), metavar),
        help=text.replace("%", "%%"),
    )


_METAVARS = {bool: "true|false", int: "N", float: "X"}


def _parser(kind: type, about: str | None, base: Any) -> Parser:
    parser = Parser(about, usage="%(prog)s [--settings FILE] [--SETTING=VALUE ...]")
    parser.add_argument("--settings", metavar="FILE", help="YAML file of settings; flags go first")
    for title, fields in groups(kind).items():
        group = parser.add_argument_group(title)
        for field in fields:
            add_flag(group, field, getattr(base, field.name))
    return parser


def _allowed(field: dataclasses.Field, default: Any) -> str:
    """The default and the allowed values, in words."""
    if isinstance(default, bool):
        return f"default {str(default).lower()}"
    words = f"default {default:g}" if isinstance(default, float) else f"default {default}"
    if default == "":
        words = "default empty"
    if choices := field.metadata["choices"]:
        return f"{words}; one of {', '.join(choices)}"
    bounds = _bounds(field)
    return f"{words}; {bounds}" if bounds else words


def _bounds(field: dataclasses.Field) -> str:
    low, high = field.metadata["low"], field.metadata["high"]
    if high is not None:
        return f"{low:g} to {high:g}"
    return f"at least {low:g}" if low else ""


def _checked(field: dataclasses.Field, value: Any, origin: str) -> Any:
    wanted = type(field.default)
    try:
        value = _CONVERTERS[wanted](value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            f"{origin}: setting '{field.name}' takes {_NAMES[wanted]}, got {value!r}"
        ) from None
    choices, low, high = (field.metadata[key] for key in ("choices", "low", "high"))
    if choices and value not in choices:
        raise InputError(
            f"{origin}: setting '{field.name}' is one of {', '.join(choices)}; got {value!r}"
            f"{suggestion(value, choices)}"
        )
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        bounds = f"at least {low}" + (f" and at most {high}" if high is not None else "")
        raise InputError(f"{origin}: setting '{field.name}' is {bounds}; got {value!r}")
    return value


def _to_bool(value: Any) -> bool:
    word = str(value).lower()
    if word not in TRUE + FALSE:
        raise ValueError(value)
    return word in TRUE


def _to_int(value: Any) -> int:
    if isinstance(value, bool):
        raise ValueError(value)
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.lstrip("+-").isdecimal():
        return int(value)  # by way of a float, seeds beyond 2 ** 53 would be rounded
    number = float(value)
    if not number.is_integer():  # nor are NaN and infinity
        raise ValueError(value)
    return int(number)


def _to_float(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError(value)
    return float(value)


def _to_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value


_CONVERTERS = {bool: _to_bool, int: _to_int, float: _to_float, str: _to_text}
_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
