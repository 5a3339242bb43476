"""DUP005."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor._case import Case
from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Rows, Scalar, Severity
from auditor._rule import rule
from auditor.measures.coincidence import MINORITY, boundary, expected_equals
from auditor.measures.copies import Copies, Numbers, copies, label_ids
from auditor.measures.target import target

JUDGED = 200
"""Groups whose surprise is computed."""


@rule("DUP005", "conflicting-labels", severity=Severity.WARNING, needs=("labels",), since="0.1")
def conflicting_labels(context: Context) -> Iterator[Finding | Coverage]:
    """Equal rows carry different labels.

    ## What it does
    Groups equal rows of all splits, value for value, and lists the groups whose rows carry more than one
    label, within a split or across. The best any model can do on such a group is to answer its most
    frequent label, which puts a ceiling on accuracy; for quantities, its mean, which puts one on R2.

    * **warning**: the rows are too surprising to be equal by chance, so they are one sample, labelled
      twice.
    * **info**: values are few and common, so that different samples look alike (the null and the test are
      those of DUP001); rows with one value in every feature, such as empty images; or the labels are
      quantities, which may differ honestly.

    ## Why it matters
    Training is told two things of one sample, and where the other label stands in validation, the score
    charges the model with it. Often the features are too few, or a join lost the column that tells the
    samples apart.

    ## Example
    The same review rated by two annotators; a table deduplicated on features and label together.

    ## Fix
    Look at the groups: settle on a label, keep both as soft labels, or bring back the feature that tells
    the samples apart.

    ## Options
    None.

    ## Limits
    Rows that were changed, were it by one bit, are other rows. Splits whose labels are written in another
    way than train's are left out (see LBL004). The surprise is judged on 200 groups at most.
    """
    found, labels = context.shared(copies), context.shared(label_ids)
    splits = [name for name in found.splits if name in labels]
    if not splits:
        return
    groups = _groups(found, splits, {name: labels[name] for name in splits})
    if not groups.leaders.size:
        return
    telling = ~found.blank[groups.leaders]
    classes = context.shared(target).is_classes
    severity = Severity.INFO
    if classes and telling.any():
        judged = np.flatnonzero(telling)[:JUDGED]
        if judged.size < int(telling.sum()):
            yield Coverage(
                judged.size, int(telling.sum()), "groups", note="how surprising rows are was judged on these"
            )
        if _surprising(context, found, groups.leaders[judged], groups.sizes[judged]):
            severity = Severity.WARNING
    yield _finding(context, groups, splits, severity)


@dataclass(frozen=True, slots=True, eq=False)
class _Groups:
    """Groups of equal rows with more than one label.

    `members` and `labels` hold their rows, by number over all splits, sorted by group and label.
    """

    leaders: Numbers
    sizes: Numbers
    members: Numbers
    labels: Numbers
    lost: int
    labelled: int


def _groups(found: Copies, splits: list[str], labels: dict[str, Numbers]) -> _Groups:
    numbers = np.concatenate([np.arange(found.first.size)[found.rows(name)] for name in splits])
    ids = np.concatenate([labels[name] for name in splits])
    numbers, ids = numbers[ids >= 0], ids[ids >= 0]
    owners = found.first[numbers]
    order = np.lexsort((ids, owners))
    numbers, ids, owners = numbers[order], ids[order], owners[order]
    fresh = np.ones(owners.size, dtype=bool)
    fresh[1:] = (owners[1:] != owners[:-1]) | (ids[1:] != ids[:-1])
    starts = np.flatnonzero(fresh)
    runs = np.diff(np.append(starts, owners.size))
    leaders, first, kinds = np.unique(owners[starts], return_index=True, return_counts=True)
    if not leaders.size:
        return _Groups(leaders, leaders, numbers, ids, 0, 0)
    sizes, most = np.add.reduceat(runs, first), np.maximum.reduceat(runs, first)
    torn = kinds > 1
    inside = np.repeat(torn, sizes)
    return _Groups(
        leaders[torn],
        sizes[torn],
        numbers[inside],
        ids[inside],
        int((sizes - most)[torn].sum()),
        numbers.size,
    )


def _surprising(context: Context, found: Copies, leaders: Numbers, sizes: Numbers) -> bool:
    """Whether chance leaves a fair share of the groups unexplained."""
    case, rng = context.case, context.rng("DUP005")
    strange = 0
    for name in found.splits:
        rows = found.rows(name)
        inside = (leaders >= rows.start) & (leaders < rows.stop)
        if inside.any():
            chance = expected_equals(case, found, (name, "train"), leaders[inside] - rows.start, rng)
            limit = boundary(chance, sizes[inside].astype(np.float64), found.first.size)
            strange += int((chance <= limit).sum())
    return strange > MINORITY * leaders.size


def _finding(context: Context, groups: _Groups, splits: list[str], severity: Severity) -> Finding:
    case, found = context.case, context.shared(copies)
    rows = []
    for name in splits:
        span = found.rows(name)
        own = groups.members[(groups.members >= span.start) & (groups.members < span.stop)] - span.start
        if own.size:
            rows.append(Rows.where(name, own, case[name].n_rows))
    concerned = ", ".join(part.split for part in rows)
    share = groups.members.size / groups.labelled
    ceiling = _ceiling(context, groups)
    blank = int(found.blank[groups.leaders].sum())
    why = "" if severity is Severity.WARNING else f" {_why(context)}"
    return Finding(
        f"{groups.members.size:,} rows of {concerned} ({share:.1%} of the labelled ones) equal another row that carries "
        f"another label, in {groups.leaders.size:,} "
        f"group{'s'[: groups.leaders.size != 1]}. {ceiling.name[0].upper()}{ceiling.name[1:]} is "
        f"{ceiling.value:.2%}.{why}",
        Evidence.of(
            Measure("groups of equal rows with several labels", int(groups.leaders.size), 0),
            Measure("rows in them", int(groups.members.size), 0, "rows"),
            Measure("share of labelled rows", share, 0.0, "%"),
            ceiling,
            Measure("groups of rows with one value in every feature", blank),
            examples=_examples(case, found, groups),
        ),
        Fix(
            "Look at these groups: settle on one label, or bring back the feature that tells the rows apart.",
            "import pandas as pd\n"
            "table = pd.DataFrame(X.reshape(len(X), -1)).assign(label=y)\n"
            'torn = table.groupby(list(table.columns[:-1]), dropna=False)["label"].transform("nunique") > 1\n'
            "print(table[torn].sort_values(list(table.columns[:-1])))",
        ),
        splits=tuple(part.split for part in rows),
        rows=tuple(rows),
        severity=severity,
    )


def _why(context: Context) -> str:
    if not context.shared(target).is_classes:
        return "Quantities may differ honestly."
    return "Values are few and common, so that different samples look alike."


def _ceiling(context: Context, groups: _Groups) -> Measure:
    """Return the best score a function of the features can reach on the labelled rows."""
    if context.shared(target).is_classes or not context.shared(target).values:
        return Measure(
            "the best accuracy any model can reach on these data", 1 - groups.lost / groups.labelled, 1.0, "%"
        )
    values = _values(context)
    inner = np.split(values[groups.members], np.cumsum(groups.sizes)[:-1])
    within = sum(float(((part - part.mean()) ** 2).sum()) for part in inner)
    known = values[np.isfinite(values)]
    total = float(((known - known.mean()) ** 2).sum())
    return Measure(
        "the best R2 any model can reach on these data", 1 - within / total if total > 0 else 0.0, 1.0, "%"
    )


def _values(context: Context) -> NDArray[np.float64]:
    """Return the quantities of all rows, NaN where there are none."""
    found, known = context.shared(copies), context.shared(target).values
    parts = [
        known[name].astype(np.float64)
        if name in known
        else np.full(found.rows(name).stop - found.rows(name).start, np.nan)
        for name in found.splits
    ]
    return np.concatenate(parts)


def _examples(case: Case, found: Copies, groups: _Groups) -> list[dict[str, Scalar]]:
    """Return the first row of each of two labels, for a few groups."""
    examples = []
    starts = np.concatenate([[0], np.cumsum(groups.sizes)[:-1]])
    for start, size in list(zip(starts.tolist(), groups.sizes.tolist(), strict=True))[:5]:
        members, ids = groups.members[start : start + size], groups.labels[start : start + size]
        other = int(np.argmax(ids != ids[0]))
        pair = [_place(found, int(members[k])) for k in (0, other)]
        examples.append(
            {
                "row": f"{pair[0][0]} {pair[0][1]}",
                "label": _label(case, *pair[0]),
                "equal row": f"{pair[1][0]} {pair[1][1]}",
                "its label": _label(case, *pair[1]),
            }
        )
    return examples


def _place(found: Copies, number: int) -> tuple[str, int]:
    name = next(name for name in found.splits if number < found.rows(name).stop)
    return name, number - found.rows(name).start


def _label(case: Case, split: str, row: int) -> Scalar:
    y = case[split].y
    value = y[row] if y is not None else None
    return str(value.tolist()) if isinstance(value, np.ndarray) and value.ndim else value
