import dataclasses

import pytest
import yaml

from training.settings import CnnSettings, RnnSettings
from utils.errors import InputError
from utils.settings import from_command_line, from_mapping, read_yaml


def test_flags_win_over_the_file_and_the_file_over_defaults(tmp_path):
    file = tmp_path / "s.yaml"
    file.write_text("epochs: 7\nwidth: 12\n")
    settings = from_command_line(CnnSettings, [f"--settings={file}", "--width=20"])
    assert (settings.epochs, settings.width) == (7, 20)
    assert settings.stages == CnnSettings().stages


def test_every_setting_goes_through_the_command_line_and_yaml(tmp_path):
    for kind in (CnnSettings, RnnSettings):
        default = dataclasses.asdict(kind())
        flags = [f"--{name}={value}" for name, value in default.items()]
        assert from_command_line(kind, flags) == kind()
        assert from_mapping(kind, yaml.safe_load(yaml.safe_dump(default)), "x") == kind()


@pytest.mark.parametrize(
    ("name", "given", "taken"),
    [
        ("learning_rate", "1e-4", 1e-4),  # PyYAML reads 1e-4 as text
        ("epochs", 5.0, 5),  # W&B turns whole floats to ints, JSON the other way round
        ("epochs", "5", 5),
        ("dropout", 0, 0.0),
        ("dropout", 0.30000000000000004, 0.30000000000000004),
        ("squeeze_excite", "False", False),  # what W&B's ${args} writes
        ("squeeze_excite", True, True),
        ("squeeze_excite", "true", True),
    ],
)
def test_values_as_people_and_sweeps_write_them(name, given, taken):
    value = getattr(from_mapping(CnnSettings, {name: given}, "x"), name)
    assert value == taken and type(value) is type(taken)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"widht": 3}, "f.yaml: unknown setting 'widht' (did you mean width?)"),
        ({"width": "wide"}, "'width' takes a whole number, got 'wide'"),
        ({"width": 3.5}, "'width' takes a whole number, got 3.5"),
        ({"width": True}, "'width' takes a whole number"),
        ({"width": 2}, "'width' is at least 4 and at most 512; got 2"),
        ({"learning_rate": float("nan")}, "'learning_rate' is at least"),
        ({"block": "resnet"}, "'block' is one of plain, residual; got 'resnet'"),
        ({"squeeze_excite": "maybe"}, "true or false"),
        ({"data": 3}, "'data' takes text"),
        ({"model": {"width": 4}}, "unknown setting 'model'"),
    ],
)
def test_wrong_values_are_told(values, message):
    with pytest.raises(InputError) as caught:
        from_mapping(CnnSettings, values, "f.yaml")
    assert message in str(caught.value)


def test_unknown_and_abbreviated_flags_end_the_program():
    for flag in ("--layers=2", "--epoch=2"):  # `layers` is a setting of the RNN
        with pytest.raises(SystemExit) as caught:
            from_command_line(CnnSettings, [flag])
        assert caught.value.code == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [("- a\n", "found list"), ("a: [", "is not YAML"), ("", "found NoneType")],
)
def test_files_that_are_no_settings_are_told(tmp_path, content, message):
    file = tmp_path / "s.yaml"
    file.write_text(content)
    with pytest.raises(InputError, match=message):
        read_yaml(file)
    with pytest.raises(InputError, match="cannot be read"):
        read_yaml(tmp_path / "none.yaml")
