"""What a round varies and what it keeps, from what its caller said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tunewise.errors import SettingError
from tunewise.space import Space
from tunewise.types import Choice, Params


def arms_of(
    scientific: Mapping[str, Sequence[Choice]] | Sequence[str] | None, space: Space | None
) -> dict[str, Sequence[Choice]]:
    """The values of each scientific parameter; of a name alone, the choices that the space has for it.

    Raises:
        SettingError: the values of a name are not known, or more than 20.
    """
    if scientific is None:
        return {}
    if isinstance(scientific, Mapping):
        return dict(scientific)
    arms: dict[str, Sequence[Choice]] = {}
    for name in scientific:
        domain = space.get(name) if space is not None else None
        if domain is None or domain.n_values is None or domain.n_values > 20:
            raise SettingError(
                f"{name!r} is scientific but its values are not known; list them: scientific={{{name!r}: [...]}}."
            )
        arms[name] = [domain.decode(raw) for raw in domain.values()]
    return arms


def kept_values(fixed: Mapping[str, Choice] | Sequence[str] | None, incumbent: Params) -> Params:
    """The values of fixed parameters; of a name alone, the incumbent's. Raises SettingError where it has none."""
    if fixed is None or isinstance(fixed, Mapping):
        return dict(fixed or {})
    missing = [name for name in fixed if name not in incumbent]
    if missing:
        raise SettingError(
            f"{missing} are to be fixed at the incumbent, which has no value for them; give values."
        )
    return {name: incumbent[name] for name in fixed}
