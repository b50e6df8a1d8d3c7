"""Tables from files (CSV, TSV, JSON, JSON lines, Parquet) and from objects (data frames, dicts, lists of records)."""

from __future__ import annotations

import ast
import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tunewise.errors import DataError, MissingExtra
from tunewise.integrations.readers.columns import Columns, flattened
from tunewise.integrations.readers.foreign_json import parsed

_MISSING = {"", "none", "null", "na", "n/a", "<na>"}
_BOOLS = {"true": True, "false": False}


def columns_of_file(path: Path) -> Columns:
    """The columns of a file, by its content rather than its suffix.

    Raises:
        DataError: it holds no table, or is no text in UTF-8.
        MissingExtra: it is Parquet and pyarrow is not installed.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(b"PAR1"):
        return _parquet(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is neither text in UTF-8 nor a file of another known kind (byte {error.start})."
        ) from None
    if not text.strip():
        raise DataError(f"{path} is empty.")
    if text.lstrip()[0] in "[{":
        return _of_json(text, str(path))
    return _of_csv(text, path)


def columns_of_object(source: Any) -> Columns:
    """The columns of a pandas or polars data frame, a mapping of columns, or a list of records.

    Raises:
        DataError: it is something else, or its columns differ in length.
    """
    if isinstance(source, Mapping):
        columns = {str(name): [_cell(c) for c in cells] for name, cells in source.items()}
        if len({len(cells) for cells in columns.values()}) > 1:
            raise DataError("The columns differ in length; a table has one cell a trial in each.")
        return _opened(columns)
    if (
        isinstance(source, Sequence)
        and not isinstance(source, str)
        and all(isinstance(r, Mapping) for r in source)
    ):
        return _opened({c: [_cell(x) for x in cells] for c, cells in flattened(source).items()})
    if hasattr(source, "to_dict") and hasattr(source, "columns"):
        data = (
            source.to_dict(as_series=False) if hasattr(source, "collect_schema") else source.to_dict("list")
        )
        return columns_of_object({_joined(name): cells for name, cells in data.items()})
    raise DataError(
        f"A {type(source).__name__} is no table of trials; give a data frame, a dict of columns or a list of dicts."
    )


def typed(cells: Sequence[str | None]) -> list[Any]:
    """Texts as what all of them are: whole numbers, numbers, booleans, else texts. Empty cells become None."""
    known = [None if c is None or c.strip().lower() in _MISSING else c.strip() for c in cells]
    present = [c for c in known if c is not None]
    if present and all(c.lower() in _BOOLS for c in present):
        return [None if c is None else _BOOLS[c.lower()] for c in known]
    for kind in (_whole, float):
        try:
            return [None if c is None else kind(c) for c in known]
        except ValueError:
            continue
    return [None if c is None else _literal(c) for c in known]


def _whole(text: str) -> int:
    if "_" in text:
        raise ValueError
    return int(text)


def _literal(text: str) -> Any:
    """A cell that holds a dict or list, as pandas writes the summary and config of a run; else the text."""
    if text[0] not in "{[":
        return text
    try:
        return parsed(text)
    except ValueError:
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _of_csv(text: str, path: Path) -> Columns:
    first = text.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count) if any(d in first for d in ",;\t|") else ","
    reader = csv.reader(text.splitlines(), delimiter=delimiter)
    try:
        head, *rows = [row for row in reader if any(cell.strip() for cell in row)]
    except (csv.Error, ValueError) as error:
        raise DataError(f"{path} is no CSV file: {error}.") from None
    ragged = next((i for i, row in enumerate(rows, 2) if len(row) != len(head)), None)
    if ragged is not None:
        raise DataError(
            f"Row {ragged} of {path} has {len(rows[ragged - 2])} cells, its head {len(head)}; is it cut off?"
        )
    if len(set(head)) < len(head):
        twice = next(name for name in head if head.count(name) > 1)
        raise DataError(f"The column {twice!r} stands twice in {path}; rename one of them.")
    return _opened({name: typed([row[j] for row in rows]) for j, name in enumerate(head)})


def _of_json(text: str, what: str) -> Columns:
    try:
        data = parsed(text)
    except ValueError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            data = [parsed(line) for line in lines]
        except ValueError:
            raise DataError(f"{what} is no JSON: {error}.") from None
    if isinstance(data, Mapping):
        for key in ("trials", "runs", "data", "results"):
            if isinstance(data.get(key), list):
                data = data[key]
                break
    if isinstance(data, Mapping) and data and all(isinstance(v, Mapping) for v in data.values()):
        data = {name: list(cells.values()) for name, cells in data.items()}  # as DataFrame.to_json writes it
    if isinstance(data, Mapping) and not all(isinstance(v, list) for v in data.values()):
        data = [data]
    if isinstance(data, list) and not all(isinstance(record, Mapping) for record in data):
        raise DataError(f"{what} is a list of something else than records; write one object a trial.")
    return columns_of_object(data)


def _parquet(path: Path) -> Columns:
    try:
        from pyarrow import parquet
    except ImportError:
        raise MissingExtra("pyarrow", "data", "Reading Parquet") from None
    try:
        table = parquet.read_table(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no usable Parquet file: {str(error).partition(chr(10))[0]}.") from None
    return columns_of_object(table.to_pydict())


def _opened(columns: Columns) -> Columns:
    """The columns with mappings in their cells taken apart: "config" with {"lr": 1} becomes "config.lr"."""
    names = [
        name
        for name, cells in columns.items()
        if name.lower() not in ("curves", "history", "intermediate_values")
        and any(isinstance(c, Mapping) for c in cells)
        and all(c is None or isinstance(c, Mapping) for c in cells)
    ]
    for name in names:
        inner = flattened([c or {} for c in columns.pop(name)])
        columns |= {f"{name}.{key}": [_cell(c) for c in cells] for key, cells in inner.items()}
    values = columns.get("values")
    if values is not None and all(c is None or (isinstance(c, list) and len(c) == 1) for c in values):
        columns["value"] = [None if c is None else c[0] for c in columns.pop("values")]
    return columns


def _cell(cell: Any) -> Any:
    """A plain value: NumPy scalars become Python's, a missing value of a data frame None, texts of NaN a NaN."""
    if hasattr(cell, "item") and not hasattr(cell, "__len__"):
        cell = cell.item()
    if cell != cell and not isinstance(cell, float):  # pandas.NaT
        return None
    if hasattr(cell, "to_pydatetime"):
        return cell.to_pydatetime()
    if type(cell).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(cell, str) and cell in ("NaN", "nan", "Infinity", "-Infinity", "inf", "-inf"):
        return float(cell)
    return cell


def _joined(name: Any) -> str:
    """A column's name; the levels of a pandas MultiIndex (study.trials_dataframe(multi_index=True)) are joined."""
    return "_".join(str(part) for part in name if part != "") if isinstance(name, tuple) else str(name)


def without_nan(columns: Columns) -> Columns:
    """Columns in which NaN means "no value", as in data frames."""
    return {
        name: [None if isinstance(c, float) and math.isnan(c) else c for c in cells]
        for name, cells in columns.items()
    }
