"""Readers of other people's studies: each copies what its source says, `build` judges it, and out comes a `Trials` table.

Nothing of another tuning package is needed to read what it wrote, and nothing in a source is ever changed.
"""

from tunewise.integrations.readers.found import Reading
from tunewise.integrations.readers.source import Source, hint, open_source, read_study, the_name

__all__ = ["Reading", "Source", "hint", "open_source", "read_study", "the_name"]
