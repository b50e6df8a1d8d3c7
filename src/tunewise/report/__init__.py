"""The report: one self-contained HTML file that needs no network."""

from tunewise.report.data import ReportData, RoundData
from tunewise.report.render import render_report
from tunewise.report.study import study_report

__all__ = ["ReportData", "RoundData", "render_report", "study_report"]
