"""TGT001."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from auditor._case import Case
from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Scalar, Severity
from auditor._rule import Skip, rule
from auditor.measures.category_tables import TABLE_COLUMNS, Table, tables_beyond_train
from auditor.measures.label_copies import ClassValues, find_copies, splits_without_exception
from auditor.measures.labelled_rows import LabelledRows, labelled_rows
from auditor.measures.linear_labels import LinearLabel, linear_label
from auditor.measures.phrases import joined
from auditor.measures.ranking import lower_bound
from auditor.measures.target import target
from auditor.measures.telling_columns import (
    CANDIDATES,
    ONE_CLASS_SURE,
    ROOM,
    Telling,
    telling_classes,
    telling_order,
)

LEAST_ROWS = 10
LEAST_BITS = 40.0
FEW_TERMS = 5
NARROW = 0.2
FLAG_SURE = 0.975


@rule(
    "TGT001",
    "feature-reveals-label",
    severity=Severity.WARNING,
    needs=("train labels",),
    since="0.1",
    options={"auc": 0.998},
)
def feature_reveals_label(context: Context) -> Iterator[Finding | Coverage]:
    """Features reveal the label: a copy of it, parts that sum to it, a telltale, or an encoding made with it.

    ## What it does
    Looks for four things, each on some rows of train and then on rows that had no part in finding it.

    - **A copy.** One column has one value a class, in every row: the label itself, renumbered, rescaled, or its
      one-hot columns; or one cluster a class, a fifth as wide as the gaps between clusters, or less. Had the
      values been dealt to the rows at random, this would be luck of less than one in 2^40. It is an error where
      the values are the label's, or a line of it through three classes or more.
    - **An exact linear function.** The label equals a sum of few columns times constants, to the rounding of the
      arithmetic. The columns are found by orthogonal matching pursuit (Pati, Rezaiifar and Krishnaprasad
      1993) or least squares on at most half of train; every other row must then agree. Each different
      pattern of values beyond the number of unknowns counts as one test.
    - **A column that ranks the labels almost perfectly.** Its values are cut into bins on one half of train; on
      the other half and the evaluation splits the bins order the classes with an area under the ROC curve of
      at least `TGT001.auc`, and the interval of Clopper and Pearson (1934) on the rows outside the largest
      class stays above 0.02 less. Nature does that too, so it is a warning. A column that singles out one of many
      classes must do so over at least 600 rows, and for a quantity the column must order pairs of rows four
      times better than the next best: the last value of a slow series does not.
    - **A target, count or frequency encoding whose table saw evaluation rows.** The rows that share a value are
      the category's rows; the mean of the target over them (plain or smoothed), or their number, is the value
      itself for exactly the splits the table was made on. It is reported where splits other than train are
      needed to explain the values.

    ## Why it matters
    The model finds the answer in its input, the score is nearly perfect, and in use the column is not there
    yet, or holds something else. An encoding that saw evaluation labels hands them to the model.

    ## Example
    Hourly bicycle rentals: the count to predict is `casual + registered`, and both are features. Or
    `TargetEncoder().fit(X, y)` before the split.

    ## Fix
    Drop the column, or ask whether it is known at the time of prediction. Fit encoders on train alone.

    ## Options
    `TGT001.auc`: area under the ROC curve, or share of pairs in order, from which one column is reported
    (default 0.998).

    ## Limits
    A column that determines the label by nature cannot be told from a leak; that is why a column that is not
    the label itself is a warning. A 0/1 flag that by nature equals a 0/1 label in every row is taken for it. Multi-hot labels and labels of several columns are not looked at. A
    function of more than six columns is found only where there are at
    most 256 columns; of more than five with unequal coefficients it is a warning. A near-copy in a small
    data set (fewer than 120 rows of the rarer class to verify on) is not reported unless it is exact.
    Encodings are recognised from at least five categories of two rows or more, in rows of one axis, with
    customary smoothing; rounded or cross-fitted ones are not, and counts only while they are not rescaled.
    """
    data = _labelled(context)
    seen: set[int] = set()
    for finding in [*_copies(data), *_functions(data)]:
        seen.update(finding.columns)
        yield finding
    yield from _telling(data, seen, context.option("TGT001.auc"))
    yield from _encodings(data)
    rows = data.rows["train"].size
    if data.screened.size < rows // 2:
        note = f"columns are screened on {data.screened.size:,} rows; those that stand out are judged on more"
        yield Coverage(data.screened.size, rows, "rows", 0.0, note)


def _labelled(context: Context) -> LabelledRows:
    labels = context.shared(target)
    if "train" not in (labels.codes if labels.is_classes else labels.values):
        raise Skip("the labels are neither classes nor one number a row")
    data = labelled_rows(context.case, labels, lambda split: context.rng(f"TGT001.{split}"))
    if "train" not in data.rows or data.rows["train"].size < LEAST_ROWS:
        raise Skip(f"fewer than {LEAST_ROWS} labelled rows in train")
    if not np.ptp(data.y["train"][data.rows["train"]]) > 0:
        raise Skip("train has one label only")
    return data


def _copies(data: LabelledRows) -> Iterator[Finding]:
    """Find columns with one value a class."""
    if not data.labels.is_classes:
        return
    found, near = find_copies(data, LEAST_BITS), find_copies(data, LEAST_BITS, NARROW)
    copies, marks = np.flatnonzero(found.separates), found.marks
    alike: dict[tuple[str, Severity], list[int]] = {}
    for position in copies.tolist():
        alike.setdefault(_identity(data, found, position), []).append(position)
    for (what, severity), positions in alike.items():
        yield _copy(data, found, positions, what, severity)
    narrow = np.flatnonzero(~np.isin(near.columns, found.columns) & near.separates).tolist()
    if narrow:
        what = "one narrow cluster of values for each label"
        yield _copy(data, near, narrow, what, Severity.WARNING, slack=NARROW)
    n_classes = found.classes.size
    if copies.size or n_classes < 3:
        return
    flags = [int(np.flatnonzero(marks == c)[0]) for c in range(n_classes) if (marks == c).any()]
    if len(flags) >= n_classes - 1:
        yield _copy(data, found, flags, "the label, one-hot", Severity.ERROR)
        return
    for position in flags:
        code, rows = marks[position], int(found.counts.sum())
        count = int(found.counts[code])
        if lower_bound(1.0, min(count, rows - count)) >= FLAG_SURE:
            label = data.labels.classes[found.classes[code]]
            yield _copy(data, found, [position], f"a flag of class {label!r}", Severity.WARNING)


def _identity(data: LabelledRows, found: ClassValues, position: int) -> tuple[str, Severity]:
    """Tell the label itself, which is an error, from a code of it, which nature may hold."""
    column, values = int(found.columns[position]), found.values[position]
    classes = [data.labels.classes[code] for code in found.classes]
    text = isinstance(classes[0], str)
    if text and data.case.categorical[column]:
        same = _same_text(data.case, column)
        return ("the label itself", Severity.ERROR) if same else _RENAMED
    labels = np.arange(values.size) if text else np.array(classes, dtype=np.float64)
    if not text and np.array_equal(values, labels):
        return "the label itself", Severity.ERROR
    if values.size >= 3:
        slope, offset = np.polyfit(labels, values, 1)
        if np.abs(slope * labels + offset - values).max() <= 1e-5 * np.ptp(values):
            shift = f" {offset:+.6g}" if abs(offset) > 1e-9 * np.abs(values).max() else ""
            return f"the label, rescaled ({slope:.6g} × label{shift})", Severity.ERROR
        return _RENAMED
    recoded = not text and _customary(found, position)
    return ("the label in another coding", Severity.ERROR) if recoded else _RENAMED


_RENAMED = ("one value for each label", Severity.WARNING)


def _customary(found: ClassValues, position: int) -> bool:
    """Whether two classes are written as 0 and 1, -1 and 1, 0 and 255, or standardised, the larger label larger.

    Any flag that tells two classes is the label in some coding. One that is customary and runs the same way
    is taken for the label; the other way round, which chance would make as frequent, it may be nature's.
    """
    values, share = found.values[position], found.counts / found.counts.sum()
    mean = float(share @ values)
    spread = float(np.sqrt(share @ (values - mean) ** 2))
    standardised = abs(mean) <= 1e-5 and abs(spread - 1) <= 1e-2
    customary = standardised or values.tolist() in ([0.0, 1.0], [-1.0, 1.0], [0.0, 255.0])
    return customary and bool(values[0] < values[1])


def _same_text(case: Case, column: int) -> bool:
    """Whether a text column and text labels are the same, as the user passed them."""
    train = case.train
    texts = np.asarray(train.source[case.feature_names[column]]).astype(str)
    return train.y is not None and np.array_equal(texts, train.y.astype(str).ravel())


def _copy(
    data: LabelledRows,
    found: ClassValues,
    positions: Sequence[int],
    what: str,
    severity: Severity,
    *,
    slack: float = 0.0,
) -> Finding:
    columns = [int(found.columns[position]) for position in positions]
    held = splits_without_exception(data, found, positions, slack)
    rows, name = sum(held.values()), data.case.feature(columns[0])
    return _finding(
        data,
        columns,
        f"{_named(data.case, columns)} {'holds' if len(columns) == 1 else 'hold'} {what}: no exception in {rows:,} rows of {joined(held)}.",
        Evidence.of(
            Measure("rows without exception", rows),
            Measure("surprisal in bits", float(found.bits()[list(positions)].min()), LEAST_BITS),
            examples=[
                {"label": data.labels.classes[code], name: found.values[positions[0], i]}
                for i, code in enumerate(found.classes[:5])
            ],
        ),
        held=list(held),
        severity=severity,
    )


def _functions(data: LabelledRows) -> Iterator[Finding]:
    """Find an exact linear function of few columns."""
    found = linear_label(data)
    if found is None or (data.labels.is_classes and len(found.function.columns) == 1):
        return  # one column that is a class label was judged as a copy
    columns, weights = list(found.function.columns), found.function.coefficients
    sizes = np.abs(weights)
    certain = len(columns) <= FEW_TERMS or sizes.max() <= sizes.min() * (1 + 1e-4)
    rows = sum(found.held.values())
    yield _finding(
        data,
        columns,
        f"The label is an exact function of the features: y = {_formula(data, found)}. Found on "
        f"{found.found_on:,} rows of train, it holds to rounding in all {rows:,} other rows of "
        f"{joined(found.held)}.",
        Evidence.of(
            Measure("other rows in which it holds", rows),
            Measure("different patterns among them", found.patterns, len(columns) + 1),
            examples=[
                {"feature": data.case.feature(c), "coefficient": b}
                for c, b in zip(columns[:5], weights[:5], strict=True)
            ],
        ),
        held=list(found.held),
        severity=Severity.ERROR if certain else Severity.WARNING,
    )


def _formula(data: LabelledRows, found: LinearLabel) -> str:
    function = found.function
    text = ""
    for column, weight in zip(function.columns[:5], function.coefficients[:5], strict=True):
        factor = "" if abs(abs(weight) - 1) < 1e-5 else f"{abs(weight):.6g} × "
        sign = "-" if weight < 0 else "+"
        text += f" {sign} {factor}{data.case.feature(column)}"
    if len(function.columns) > 5:
        return f"{text.removeprefix(' + ')} + ... ({len(function.columns)} columns)"
    size = float(np.abs(data.y["train"][data.rows["train"]]).max())
    if abs(function.intercept) > 1e-6 * size:
        text += f" {'-' if function.intercept < 0 else '+'} {abs(function.intercept):.6g}"
    return text.removeprefix(" + ").strip()


def _telling(data: LabelledRows, seen: set[int], least: float) -> Iterator[Finding | Coverage]:
    """Find single columns that rank the labels almost perfectly."""
    if not data.labels.is_classes:
        found = telling_order(data, seen, least)
        if found is not None:
            yield _orders(data, found, least)
        return
    columns, candidates = telling_classes(data, seen, least)
    if candidates > CANDIDATES:
        note = f"the {CANDIDATES} that stand out most are judged"
        yield Coverage(CANDIDATES, candidates, "features that stand out", 0.0, note)
    for code in sorted({one.code for one in columns}):
        ranked = sorted(
            (one for one in columns if one.code == code), key=lambda one: (-one.share, one.column)
        )
        yield _tells(data, code, ranked, least)


def _tells(data: LabelledRows, code: int, ranked: Sequence[Telling], least: float) -> Finding:
    best, names = ranked[0], data.labels.classes
    whom = "the label" if code < 0 else f"class {names[code]!r}"
    more = f"; {len(ranked) - 1} more columns do so too" if len(ranked) > 1 else ""
    return _finding(
        data,
        sorted(one.column for one in ranked),
        f"{_named(data.case, [best.column])} alone gives {whom} away: area under the ROC curve {best.share:.4f} "
        f"on rows it was not measured on{more}. Is it known before the label is?",
        Evidence.of(
            Measure("area under the ROC curve", best.share, least),
            Measure(
                "lower end of its 95 % interval", best.bound, least - ROOM if code < 0 else ONE_CLASS_SURE
            ),
            examples=[
                {"feature": data.case.feature(one.column), "area under the ROC curve": one.share}
                for one in ranked[:5]
            ],
        ),
        held=best.held,
        severity=Severity.WARNING,
        classes=() if code < 0 else (names[code],),
    )


def _orders(data: LabelledRows, found: Telling, least: float) -> Finding:
    rest = "" if found.next_best is None else f", the next best column {found.next_best:.2%}"
    return _finding(
        data,
        [found.column],
        f"{_named(data.case, [found.column])} alone puts {found.share:.2%} of pairs of rows in the order of the "
        f"target{rest}. Is it known before the target is?",
        Evidence.of(
            Measure("share of pairs in order", found.share, least),
            Measure("lower end of its 95 % interval", found.bound, least - ROOM),
            Measure("share of pairs in order, next best column", found.next_best),
        ),
        held=found.held,
        severity=Severity.WARNING,
    )


def _encodings(data: LabelledRows) -> Iterator[Finding | Coverage]:
    """Find columns that hold a table of the target, or of counts, over evaluation rows."""
    if len(data.case.train.feature_shape) > 1 or not data.case.comparable:
        return
    found, candidates = tables_beyond_train(data)
    if candidates > TABLE_COLUMNS:
        note = f"the first {TABLE_COLUMNS} with few values are compared with encodings"
        yield Coverage(TABLE_COLUMNS, candidates, "features with few values", 0.0, note)
    for split in data.case.comparable:
        for uses_target in (True, False):
            hits = [(c, t) for c, name, t in found if name == split.name and t.uses_target == uses_target]
            if hits:
                yield _encoding(data, split.name, [column for column, _ in hits], hits[0][1])


def _encoding(data: LabelledRows, split: str, columns: Sequence[int], table: Table) -> Finding:
    saw = joined([name for name in table.fitted_on if name != "train"])
    holds = "holds" if len(columns) == 1 else "hold"
    lines = [f"E_{s.name} = encoder.transform(C_{s.name})" for s in data.case.evaluation]
    return Finding(
        f"In {split}, {data.case.feature(columns[0])} {holds} the {table.kind} over the rows of "
        f"{joined(table.fitted_on)}: {'labels' if table.uses_target else 'rows'} of {saw} went into the features. "
        f"Exact for {table.agreeing} of the {table.told_apart} categories where train alone gives another value.",
        Evidence.of(
            Measure("categories that agree", table.agreeing),
            Measure("categories where train alone gives another value", table.told_apart),
            examples=[
                {"value": value, "recomputed": made, "from train alone": by_train}
                for value, made, by_train in table.examples
            ],
        ),
        Fix(
            "Make the table from train alone, and cross-fit it there.",
            "from sklearn.preprocessing import TargetEncoder\n"
            "encoder = TargetEncoder()  # C_*: the columns of categories, not yet encoded\n"
            "E_train = encoder.fit_transform(C_train, y_train)  # cross-fitted\n" + "\n".join(lines),
        ),
        splits=(split, "train"),
        columns=tuple(columns),
        severity=Severity.ERROR if table.uses_target else Severity.WARNING,
    )


def _finding(
    data: LabelledRows,
    columns: Sequence[int],
    message: str,
    evidence: Evidence,
    *,
    held: Sequence[str],
    severity: Severity,
    classes: tuple[Scalar, ...] = (),
) -> Finding:
    absent = [split for split in data.evaluation if split not in held]
    if absent and not classes:
        message += f" Not so in {joined(absent)}."
    fix = Fix("Drop it, unless it is known when the prediction is made.", _drop_code(data.case, columns))
    return Finding(
        message, evidence, fix, splits=tuple(held), columns=tuple(columns), severity=severity, classes=classes
    )


def _drop_code(case: Case, columns: Sequence[int]) -> str:
    lines = []
    for split in case:
        name = f"X_{split.name}"
        if case.feature_names:
            lines.append(f"{name} = {name}.drop(columns={[case.feature_names[c] for c in columns[:20]]})")
        elif len(split.feature_shape) <= 1:
            lines.append(f"{name} = np.delete({name}, {list(columns[:20])}, axis=1)")
        else:
            place = ", ".join(map(str, np.unravel_index(columns[0], split.feature_shape)))
            lines.append(f"{name}[:, {place}] = 0")
    return "\n".join(lines)


def _named(case: Case, columns: Sequence[int]) -> str:
    """Return the names of columns, to begin a sentence with."""
    names = [case.feature(c) for c in columns[:3]]
    text = joined(names) if len(columns) <= 3 else f"{', '.join(names)} and {len(columns) - 3} more"
    if text.startswith("("):
        return f"Feature{'s' if len(columns) > 1 else ''} {text}"
    return text[:1].upper() + text[1:]
