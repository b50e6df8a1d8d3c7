"""Contracts that anybody's sampler or log can be held to, and hypothesis strategies for spaces."""

from tunewise.testing.laws import SAMPLER_LAWS
from tunewise.testing.logs import LOG_CHECKS, check_log
from tunewise.testing.samplers import check_sampler
from tunewise.testing.strategies import domains, facts, spaces

__all__ = ["LOG_CHECKS", "SAMPLER_LAWS", "check_log", "check_sampler", "domains", "facts", "spaces"]
