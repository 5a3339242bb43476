"""SHP001."""

from __future__ import annotations

import math
from collections.abc import Iterator

from auditor._case import Split
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Severity
from auditor._rule import rule
from auditor.measures.axes import is_permuted


@rule(
    "SHP001",
    "shapes-differ",
    severity=Severity.ERROR,
    needs=("evaluation split",),
    since="0.1",
    stage="final",
)
def shapes_differ(context: Context) -> Iterator[Finding]:
    """Rows of an evaluation split have another shape, or other columns, than those of train.

    ## What it does
    Compares the shape of one row, and, for data frames, the names and order of the columns, with
    train's. It says whether a reshape or a missing channel axis mends it. Where a preprocessing callable
    is given, what it returns is judged.

    ## Why it matters
    Training or prediction stops; or, where columns have other names or another order but arrays are
    passed on, the model reads one feature as another without a word.

    ## Example
    `X_train[..., np.newaxis]` for train only; `pd.get_dummies` called on each split apart, so that val
    lacks the column of a rare category.

    ## Fix
    Send every split through one function; for frames, `X_val = X_val.reindex(columns=X_train.columns)`.

    ## Options
    None.

    ## Limits
    The same axes in another order are SHP006's. Column names that differ only by case or spaces are
    taken as the same.
    """
    train = context.case.train
    for split in context.case.evaluation:
        if split.feature_shape != train.feature_shape:
            if not is_permuted(split.feature_shape, train.feature_shape):
                yield _shape_finding(train, split)
        elif split.columns and train.columns and _plain(split.columns) != _plain(train.columns):
            yield from _column_finding(train, split)


def _shape_finding(train: Split, split: Split) -> Finding:
    name = split.name
    what, fix, code = _mend(train, split)
    missing = _missing_columns(train, split)
    return Finding(
        f"Rows of {name} have shape {split.feature_shape}, rows of train {train.feature_shape}: "
        f"{split.n_features:,} features against {train.n_features:,}.{what}{missing}",
        Evidence.of(
            Measure(f"features of {name}", split.n_features, train.n_features),
            Measure(f"shape of X_{name}", str(split.X.shape)),
            Measure("shape of X_train", str(train.X.shape)),
        ),
        Fix(fix, code),
        splits=(name, "train"),
    )


def _mend(train: Split, split: Split) -> tuple[str, str, str]:
    """Return what probably happened, the mend in a sentence, and its code."""
    name, here, there = split.name, split.feature_shape, train.feature_shape
    if split.X.ndim == 2 and split.n_rows == train.n_features and split.n_features != train.n_features:
        return (
            f" X_{name} has as many rows as train has features: it may be transposed.",
            "Put rows first.",
            f"X_{name} = X_{name}.T",
        )
    without = tuple(length for length in here if length != 1)
    if without == tuple(length for length in there if length != 1):
        return (
            " They differ by an axis of length 1.",
            "Give every split the same axes.",
            f"X_{name} = X_{name}.reshape(-1, {', '.join(map(str, there))})".replace("(-1, )", "(-1)"),
        )
    if math.prod(here) == math.prod(there):
        return (
            " The numbers of features agree: one of them is flattened or reshaped.",
            "Give every split the same shape; check that the order of the values is the same.",
            f"X_{name} = X_{name}.reshape(-1, {', '.join(map(str, there))})".replace("(-1, )", "(-1)"),
        )
    if split.columns and train.columns:
        return "", "Give every split train's columns, in train's order.", _reindex(name)
    return (
        "",
        "Send every split through one preprocessing, fitted on train.",
        f"X_train, X_{name} = (preprocess(raw) for raw in (raw_train, raw_{name}))",
    )


def _reindex(name: str) -> str:
    return f"X_{name} = X_{name}.reindex(columns=X_train.columns, fill_value=0)  # 0 suits dummy columns only"


def _plain(names: tuple[str, ...]) -> list[str]:
    return [" ".join(name.split()).casefold() for name in names]


def _missing_columns(train: Split, split: Split) -> str:
    if not (split.columns and train.columns):
        return ""
    here, there = _plain(split.columns), _plain(train.columns)
    lacking = [original for original, name in zip(train.columns, there, strict=True) if name not in set(here)]
    extra = [original for original, name in zip(split.columns, here, strict=True) if name not in set(there)]
    parts = []
    if lacking:
        parts.append(f"lacks {_listed(lacking)}")
    if extra:
        parts.append(f"has {_listed(extra)}, which train has not")
    return f" X_{split.name} {' and '.join(parts)}." if parts else ""


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(map(repr, names[:5])) + more


def _column_finding(train: Split, split: Split) -> Iterator[Finding]:
    """Yield a finding for equal widths under other names; none where one side was never named."""
    name, here, there = split.name, _plain(split.columns), _plain(train.columns)
    if all(column.isdigit() for column in here) or all(column.isdigit() for column in there):
        return
    moved = tuple(i for i, (a, b) in enumerate(zip(here, there, strict=True)) if a != b)
    first = moved[0]
    if sorted(here) == sorted(there):
        message = f"The columns of X_{name} are train's in another order"
        fix = Fix("Put the columns into train's order.", f"X_{name} = X_{name}[X_train.columns]")
    else:
        message = f"The columns of X_{name} are not train's:{_missing_columns(train, split).rstrip('.')}"
        fix = Fix("Give every split train's columns, in train's order.", _reindex(name))
    yield Finding(
        f"{message}; {len(moved):,} of {len(there):,} positions differ, the first being column {first}: "
        f"{train.columns[first]!r} in train and {split.columns[first]!r} in {name}.",
        Evidence.of(
            Measure("columns out of place", len(moved), 0),
            examples=[{"position": i, "train": train.columns[i], name: split.columns[i]} for i in moved[:5]],
        ),
        fix,
        splits=(name, "train"),
        columns=moved,
    )
