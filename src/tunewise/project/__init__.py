"""`Project` and `Round`: the playbook's verbs over several studies. Their only state is what they note in the log."""

from tunewise.project.project import Project
from tunewise.project.round import Round

__all__ = ["Project", "Round"]
