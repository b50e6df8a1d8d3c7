"""The documentation runs: the Python blocks of a page, from top to bottom, in an empty folder."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(
    r"(?P<comment><!-- not run: .+ -->\n)?^```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
CHAPTERS = sorted((ROOT / "docs" / "checks").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")), *CHAPTERS]


def runnable(page):
    """The code of a page's Python blocks that are not marked `<!-- not run: why -->`, at their own line numbers."""
    text = page.read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        if not block["comment"]:
            yield "\n" * (text.count("\n", 0, block.start("code"))) + block["code"]


WITH_CODE = [page for page in PAGES if page not in CHAPTERS and any(runnable(page))]


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.name)
def test_the_code_of_a_page_runs(page):
    names = {"__name__": "__main__"}
    for code in runnable(page):
        exec(compile(code, str(page), "exec"), names)


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: page.stem)
def test_a_chapter_of_the_checks_is_complete(page):
    """Its code runs, and leaves the pictures that the page shows (drawn by tools/draw_checks.py), in the same order."""
    text = page.read_text(encoding="utf-8")
    for part in (
        "**Asks:**",
        "## What it computes",
        "## When it is wrong",
        "## The plot",
        "## Try it",
        "*Source:*",
    ):
        assert part in text
    names = {"__name__": "__main__"}
    for code in runnable(page):
        exec(compile(code, str(page), "exec"), names)
    shown = re.findall(r"^!\[.+\]\((.+)\)$", text, re.MULTILINE)
    pictures = names.get("pictures", [])
    assert shown == [f"{page.stem}-{i}.svg" for i in range(1, len(pictures) + 1)]
    for name, picture in zip(shown, pictures, strict=True):
        drawn = (page.parent / name).read_text(encoding="utf-8")
        assert all(title in drawn for title in titles(picture.chart.to_dict(validate=False)))


def titles(spec):
    """The titles of all axes in a chart."""
    if isinstance(spec, list):
        return set().union(*map(titles, spec)) if spec else set()
    if not isinstance(spec, dict):
        return set()
    found = set().union(*map(titles, spec.values())) if spec else set()
    if isinstance(spec.get("title"), str) and "type" in spec:
        found.add(spec["title"])
    return found


def test_the_pages_that_teach_have_code():
    assert {"README.md", "getting-started.md", "samplers.md", "storage.md", "optuna.md"} <= {
        p.name for p in WITH_CODE
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_links_between_pages_lead_somewhere(page):
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_a_block_with_a_reason_is_left_out(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "```python\na = 1\n```\n<!-- not run: a sketch -->\n```python\nb\n```\n", encoding="utf-8"
    )
    assert [code.strip() for code in runnable(page)] == ["a = 1"]
