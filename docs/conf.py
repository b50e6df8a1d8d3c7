"""Sphinx settings: Markdown pages, and the Python interface from the docstrings."""

from tunewise import __version__

project = "tunewise"
author = "The tunewise authors"
copyright = "The tunewise authors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
default_role = "code"  # docstrings write `Study` for a name
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["myst.xref_missing", "misc.highlighting_failure"]  # sketches are no valid Python

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_preserve_defaults = True

html_theme = "furo"
html_title = f"tunewise {version}"
html_static_path = ["_static"]
