"""The real service and a real browser for the tests of the page, which need Chromium."""

from collections.abc import Iterator

import httpx
import pytest

from tests.serving.page.opened_page import BROAD, WAIT_MS, Opened
from tests.serving.page.service import running_service


@pytest.fixture(scope="package")
def address(tmp_path_factory) -> Iterator[str]:
    with running_service(tmp_path_factory.mktemp("runs")) as found:
        yield found


@pytest.fixture
def look(request) -> dict:
    """How the browser is set up; tests give others by parametrizing this."""
    return {"viewport": BROAD, **getattr(request, "param", {})}


@pytest.fixture
def opened(browser, address, look) -> Iterator[Opened]:
    context = browser.new_context(reduced_motion="reduce", accept_downloads=True, **look)
    page = context.new_page()
    one = Opened(page, address)
    page.on("console", lambda said: said.type == "error" and one.problems.append(said.text))
    page.on("pageerror", lambda error: one.problems.append(str(error)))
    page.on("request", lambda asked: one.hosts.add(asked.url.split("/")[2]))
    page.goto(address)
    page.wait_for_selector("#model option", state="attached", timeout=WAIT_MS)
    yield one
    context.close()
    # A refusal by status is logged by the browser itself; the page shows it to the reader.
    assert [text for text in one.problems if not text.startswith("Failed to load resource")] == []
    assert one.hosts == {address.removeprefix("http://")}


@pytest.fixture(scope="package")
def example(address) -> bytes:
    return httpx.get(f"{address}/examples/beats.csv", timeout=60).raise_for_status().content
