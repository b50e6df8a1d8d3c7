"""From report data to one HTML file. Every text is escaped; figures are Vega-Lite, drawn by a bundled runtime."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from tunewise.errors import MissingExtra
from tunewise.report.data import ReportData
from tunewise.report.html import Page, script_json
from tunewise.report.sections import sections, summary


def render_report(data: ReportData, path: Path) -> Path:
    """Write the report and return its absolute path. About 1 s and 1 MB for a study; at most 1,000 dots a figure.

    Raises:
        MissingExtra: Altair or vl-convert is not installed.
    """
    page = Page()
    made = sections(data, page)
    links = "".join(f'<a href="#{anchor}">{escape(title)}</a>' for anchor, title, _ in made)
    body = "\n".join(
        f'<section id="{anchor}"><h2>{escape(title)}</h2>{html}</section>' for anchor, title, html in made
    )
    text = Template(_asset("page.html")).substitute(
        title=escape(data.title),
        subtitle=escape(data.subtitle),
        headline=escape(data.headline),
        summary=summary(data),
        contents=f'<nav aria-label="Contents">{links}</nav>' if len(made) > 1 else "",
        body=body,
        style=_asset("style.css"),
        runtime=_runtime(),
        charts=script_json(page.specs),
    )
    path = Path(path).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@lru_cache(maxsize=1)
def _runtime() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script."""
    try:
        import vl_convert
    except ImportError:
        raise MissingExtra("vl-convert-python", "report", "Writing a report") from None
    bundle: str = vl_convert.javascript_bundle("window.tunewiseEmbed = vegaEmbed;")
    return bundle.replace("</script", "<\\/script")


def _asset(name: str) -> str:
    return files("tunewise.report").joinpath(name).read_text(encoding="utf-8")
