import dataclasses
import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from experiments.anomaly_detection.settings import AutoencoderSettings
from training.settings import CnnLstmSettings, CnnSettings, RnnSettings
from utils.errors import InputError
from utils.settings import from_command_line, from_mapping, read_yaml


def test_flags_win_over_the_file_and_the_file_over_defaults(tmp_path):
    file = tmp_path / "s.yaml"
    file.write_text("epochs: 7\nwidth: 12\n")
    settings = from_command_line(CnnSettings, [f"--settings={file}", "--width=20"])
    assert (settings.epochs, settings.width) == (7, 20)
    assert settings.stages == CnnSettings().stages


def values_of(field: dataclasses.Field):
    """Any value that a setting allows."""
    choices, low, high = (field.metadata[key] for key in ("choices", "low", "high"))
    if choices:
        return st.sampled_from(choices)
    match field.default:
        case bool():
            return st.booleans()
        case int():
            return st.integers(low, high)
        case float():
            return st.floats(low, high, allow_nan=False, allow_infinity=False)
        case _:
            return st.sampled_from(["auto", "mitbih", "", "a b", "1e-4", "null", "x=y", "#", "é"])


def any_settings(kind: type):
    """Any settings that a program may be given."""
    return st.builds(kind, **{one.name: values_of(one) for one in dataclasses.fields(kind)})


@pytest.mark.parametrize("kind", [CnnSettings, RnnSettings, CnnLstmSettings, AutoencoderSettings])
@given(data=st.data())
def test_settings_go_through_flags_yaml_and_json(tmp_path, kind, data):
    settings = data.draw(any_settings(kind))
    values = dataclasses.asdict(settings)
    flags = [f"--{name}={value}" for name, value in values.items()]
    assert from_command_line(kind, flags) == settings
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    assert from_mapping(kind, read_yaml(file), "x") == settings
    assert from_mapping(kind, json.loads(json.dumps(values)), "x") == settings


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
        ({"width": "inf"}, "'width' takes a whole number, got 'inf'"),
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
