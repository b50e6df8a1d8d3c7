"""A study: the only object with state (`study.py`), how it comes to be (`opening.py`), its trials in other processes
(`elsewhere.py`).
"""

from __future__ import annotations

from tunewise.study.opening import Storage, copy_study, create_study, delete_study, load_study, study_names
from tunewise.study.study import Objective, Study

__all__ = [
    "Objective",
    "Storage",
    "Study",
    "copy_study",
    "create_study",
    "delete_study",
    "load_study",
    "study_names",
]
