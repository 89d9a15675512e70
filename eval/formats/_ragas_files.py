"""Files of a ragas `EvaluationDataset`: JSON Lines and CSV as its `to_jsonl` and `to_csv` write them, checked row by row."""

from __future__ import annotations

import ast
import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.formats.base import text_of
from eval.question_problems import Problems, Row, encodable, read_rows
from eval.records import write_jsonl
from rag.errors import QuestionError
from rag.index.manifest import write_bytes

LISTS = ("retrieved_contexts", "reference_contexts")
KEYS = ("user_input", "retrieved_contexts", "reference_contexts", "response", "reference")  # in the order of ragas
_MOST = 1 << 27  # characters of a cell
_SUFFIXES = "write .jsonl (EvaluationDataset.to_jsonl) or .csv (to_csv)"


def read_ragas(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file, absent and null fields left out; keys of ragas' that are not `KEYS` stay as they are.

    Raises `QuestionError` naming the first row that is no single-turn sample, and how many more there are.
    """
    problems = Problems(path.name)
    if path.suffix == ".jsonl":
        rows = list(read_rows(path, problems))
    elif path.suffix == ".csv":
        rows = _csv_rows(path, problems)
    else:
        raise QuestionError(f"{path}: a ragas dataset is JSON Lines or CSV; {_SUFFIXES}")
    found = [_checked(row, problems) for row in rows]
    problems.check()
    if not found:
        raise QuestionError(f"{path} holds no samples; {_SUFFIXES}")
    return found


def write_ragas(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write rows so that ragas reads them; a field that is absent or None is left out (an empty cell of CSV). Raises `QuestionError` for another suffix."""
    kept = [{key: row[key] for key in (*KEYS, *(k for k in row if k not in KEYS)) if row.get(key) is not None} for row in rows]
    if path.suffix not in (".jsonl", ".csv"):
        raise QuestionError(f"{path}: a ragas dataset is JSON Lines or CSV; {_SUFFIXES}")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".jsonl":
        write_jsonl(path, kept)
        return
    columns = [key for key in KEYS if any(key in row for row in kept)]
    columns += list(dict.fromkeys(key for row in kept for key in row if key not in KEYS))
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns, restval="")
    table.writeheader()
    table.writerows(kept)
    write_bytes(path, text.getvalue().encode("utf-8", "surrogatepass"))


def _csv_rows(path: Path, problems: Problems) -> list[Row]:
    """Return the rows of a table whose lists are written as Python writes them, or as JSON; an empty cell is an absent field."""
    csv.field_size_limit(_MOST)
    try:
        table = csv.reader(io.StringIO(text_of(path), newline=""), strict=True)
        lines = [(table.line_num, cells) for cells in table if cells]
    except csv.Error as error:
        raise QuestionError(f"{path}: not valid CSV ({error}); {_SUFFIXES}") from None
    if not lines or "user_input" not in lines[0][1]:
        raise QuestionError(f"{path}: there is no column user_input; {_SUFFIXES}")
    header = lines[0][1]
    rows = []
    for number, cells in lines[1:]:
        row = Row(number, {})
        if len(cells) != len(header):
            problems.add(row, f"{len(cells)} cells for {len(header)} columns; write the file with ragas, or quote cells that hold commas")
            continue
        data = {key: cell for key, cell in zip(header, cells, strict=True) if cell}
        rows.append(Row(number, {key: _listed(cell) if key in LISTS else cell for key, cell in data.items()}))
    return rows


def _listed(cell: str) -> object:
    """Return the list that a cell spells, the cell itself when it spells none.

    Python joins texts that stand side by side, as numpy writes them: `['a' 'b']` would be one text. So what was read has to be written
    the same again.
    """
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        pass
    try:
        found = ast.literal_eval(cell)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return cell
    return found if repr(found) == cell.strip() else cell


def _checked(row: Row, problems: Problems) -> dict[str, Any]:
    """Return the fields of a sample that are there, noting what is not as ragas has it. A response may be empty: nothing was answered."""
    data = {key: value for key, value in row.data.items() if value is not None}
    if isinstance(data.get("user_input"), list):
        problems.add(row, "user_input is a conversation; only single-turn samples have one answer to score, leave the row out")
        return {}
    problems.text(row, "user_input")
    for key in ("response", "reference"):
        if data.get(key, "") != "":
            problems.text(row, key)
    if "reference_contexts" in data:
        problems.texts(row, "reference_contexts")
    shown = data.get("retrieved_contexts", [])
    if not isinstance(shown, list) or not all(isinstance(text, str) and encodable(text) for text in shown):
        problems.add(row, f"retrieved_contexts is {str(shown)[:60]!r}; write a list of strings")
    return data
