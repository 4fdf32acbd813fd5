"""A page that is open in a browser, and what tests do with it and read from it."""

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

WAIT_MS = 60_000
BROAD, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


@dataclass
class Opened:
    """A page, and what the browser had to complain about since it was opened."""

    page: Any  # playwright.sync_api.Page
    address: str
    problems: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def upload(self, name: str, content: bytes) -> None:
        self.page.set_input_files(
            "#files", {"name": name, "mimeType": "text/csv", "buffer": content}
        )

    def wait_for_results(self) -> None:
        self.page.wait_for_selector("#results:not([hidden])", timeout=WAIT_MS)
        self.page.wait_for_selector("#progress", state="hidden", timeout=WAIT_MS)

    def wait_for_error(self) -> str:
        return self.page.wait_for_selector("#error:not([hidden]) p", timeout=WAIT_MS).inner_text()

    def wait_for_focus_on(self, text: str) -> None:
        """A dialog that closes gives the focus back first, and tells that it closed after that."""
        self.page.wait_for_selector(f":focus:text-is('{text}')", timeout=WAIT_MS)

    def column(self, kind: str) -> list[str]:
        return [cell.inner_text() for cell in self.page.query_selector_all(f"td.{kind}")]

    def shown(self) -> str:
        return self.page.inner_text(".pager.above .shown")

    def downloaded(self, button: str) -> bytes:
        with self.page.expect_download(timeout=WAIT_MS) as waiting:
            self.page.get_by_role("button", name=button).click()
        return Path(waiting.value.path()).read_bytes()

    def scrolls_sideways(self) -> bool:
        return self.page.evaluate("document.documentElement.scrollWidth > innerWidth")


def predictions(address: str, content: bytes) -> list[dict]:
    answer = httpx.post(
        f"{address}/api/predict", files={"file": ("beats.csv", content)}, timeout=120
    )
    return answer.raise_for_status().json()["predictions"]


def assert_same(rows: list[dict[str, str]], predicted: list[dict]) -> None:
    """A downloaded CSV says what the API says."""
    assert [int(row["row"]) for row in rows] == [one["row"] for one in predicted]
    assert [row["predicted"] for row in rows] == [one["class"] for one in predicted]
    for name in predicted[0]["probabilities"]:
        own = [float(row[f"p_{name}"]) for row in rows]
        np.testing.assert_allclose(
            own, [one["probabilities"][name] for one in predicted], atol=1e-5
        )


def table_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))
