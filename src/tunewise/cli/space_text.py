"""A search space as it is typed in a shell: ``{"lr": "log 1e-5..1e-1", "layers": "1..5", "act": ["relu", "gelu"]}``."""

from __future__ import annotations

import json
import re
from typing import Any

from tunewise.errors import SpaceError
from tunewise.space import Categorical, Domain, Float, Int, Space

_NUMBER = r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"(log\s+)?({_NUMBER})\s*\.\.\s*({_NUMBER})")
_FORMS = 'write "1..5", "0.0..0.5", "log 1e-5..1e-1", or a list of choices'


def parse_space(text: str) -> Space:
    """Read a JSON object of names and domains.

    A range ``a..b`` is a float where either end has a point or an exponent, else an int; ``log`` before it makes the
    scale logarithmic. A list is a choice.

    Raises:
        SpaceError: the text is no JSON object, or a domain is in none of these forms.
    """
    try:
        domains = json.loads(text)
    except ValueError as error:
        raise SpaceError(
            f"The space is not valid JSON: {error}. Put names and ranges in double quotes."
        ) from None
    if not isinstance(domains, dict) or not domains:
        raise SpaceError(f"The space is {text}; it must be a JSON object with at least one parameter.")
    return Space({name: _domain(name, domain) for name, domain in domains.items()})


def _domain(name: str, domain: Any) -> Domain:
    try:
        if isinstance(domain, list):
            return Categorical(tuple(domain))
        return _range(domain)
    except SpaceError as error:
        raise SpaceError(f"Parameter {name!r}: {error}") from None


def _range(text: Any) -> Domain:
    match = _RANGE.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise SpaceError(f"{text!r} is no range; {_FORMS}.")
    log, low, high = match.groups()
    if re.search(r"[.eE]", low + high):
        return Float(float(low), float(high), log=bool(log))
    return Int(int(low), int(high), log=bool(log))
