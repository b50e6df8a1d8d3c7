"""Planted truth against what tunewise says: every statistic at its stated error rate.

``python -m validation`` runs everything at full size (about an hour) and prints the table of docs/validation.md;
``python -m validation V3 V4 --reduced`` runs some of it at the size that the tests use.
"""
