"""The service against requests that its own OpenAPI schema suggests, sound and broken ones."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 150
SOUND, BROKEN = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
WITH_INPUT = (("/api/predict", "POST"), ("/api/records", "POST"), ("/api/typical_beats", "GET"))
WITHOUT = (("/api/models", "GET"), ("/healthz", "GET"), ("/readyz", "GET"), ("/metrics", "GET"))
CASES = [
    *((*one, mode) for one in WITH_INPUT for mode in (SOUND, BROKEN)),
    *((*one, SOUND) for one in WITHOUT),  # there is nothing that could be broken
]


@pytest.fixture(scope="module")
def schema(service):
    return schemathesis.openapi.from_url(f"{service}/openapi.json")


def test_all_operations_are_fuzzed(schema):
    paths = schema.raw_schema["paths"]
    known = {(path, method.upper()) for path, methods in paths.items() for method in methods}
    assert known == set(WITH_INPUT + WITHOUT)


@pytest.mark.parametrize(("path", "method", "mode"), CASES)
def test_every_answer_is_as_the_schema_says(schema, path, method, mode):
    operation = schema[path][method]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case):
        case.call_and_validate(checks=CHECKS, timeout=60)

    ask()
