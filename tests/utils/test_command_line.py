import subprocess
import sys
from pathlib import Path

import pytest

from heartbeats import catalog, names
from utils.command_line import Parser, existing_file, one_of, positive

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def parser():
    parser = Parser("What it does.\n\n    its command", prog="program")
    parser.add_argument("record", help="needed")
    parser.add_argument("--learning_rate", type=float)
    parser.add_argument("--window-beats", type=positive)
    parser.add_argument("--data", type=one_of("auto", "mitbih"))
    parser.add_argument("--checkpoint", type=existing_file)
    return parser


def refusal(parser, capsys, *words):
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(words)
    assert ended.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--learning-rate=1", "--learning_rate"),
        ("--window_beats=3", "--window-beats"),
        ("--dat", "--data"),
    ],
)
def test_a_misspelt_flag_is_told_first_with_the_closest_one(parser, capsys, typed, meant):
    assert f"(did you mean {meant}?)" in refusal(parser, capsys, typed)


def test_a_flag_like_no_other_has_no_suggestion(parser, capsys):
    error = refusal(parser, capsys, "--zzz")
    assert "unknown argument --zzz; --help lists all" in error


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data=mitbhi"], "unknown 'mitbhi' (did you mean mitbih?); known: auto, mitbih"),
        (["--window-beats=0"], "expected a whole number of at least 1, got '0'"),
        (["--window-beats=x"], "expected a whole number of at least 1, got 'x'"),
        (["--checkpoint=none.json"], "cannot read 'none.json': there is no such file"),
        (["--checkpoint=/"], "cannot read '/': it is a folder"),
    ],
)
def test_values_are_checked(parser, capsys, words, said):
    assert said in refusal(parser, capsys, "203", *words)


def test_what_is_right_is_parsed(parser, tmp_path):
    (tmp_path / "a.json").write_text("{}")
    asked = parser.parse_args(
        ["203", "--window-beats", "3", f"--checkpoint={tmp_path / 'a.json'}", "--data=auto"]
    )
    assert (asked.record, asked.window_beats, asked.data) == ("203", 3, "auto")
    assert asked.checkpoint == tmp_path / "a.json"
    assert parser.parse_args(["--", "--odd-name"]).record == "--odd-name"


def test_help_wins_over_a_typo(parser, capsys):
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["--dat", "--help"])
    assert ended.value.code == 0
    assert "What it does.\n\n    its command" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "usage"),
    [(["-m", "program"], "python -m program"), (["program.py"], "python program.py")],
)
def test_the_usage_line_is_what_one_types(tmp_path, words, usage):
    (tmp_path / "program.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from utils.command_line import Parser\nParser('x').parse_args()\n"
    )
    done = subprocess.run(
        [sys.executable, *words, "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.startswith(f"usage: {usage} [-h]")


def test_the_names_are_those_of_the_catalog():
    assert names.DATA_SETS == tuple(catalog.DATA_SETS)
