"""Contracts that anybody's sampler can be held to, and hypothesis strategies for spaces."""

from tunewise.testing.samplers import check_sampler
from tunewise.testing.strategies import domains, spaces

__all__ = ["check_sampler", "domains", "spaces"]
