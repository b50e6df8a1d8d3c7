"""Type aliases shared by all rooms."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]
Json: TypeAlias = Any

Choice: TypeAlias = bool | int | float | str | None
Params: TypeAlias = dict[str, Choice]
