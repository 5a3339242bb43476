"""LBL007."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Severity
from auditor._rule import Skip, rule
from auditor.measures.encodings import disagreements
from auditor.measures.label_faults import usable_codes
from auditor.measures.neighbours import (
    MAX_FEATURES,
    Agreement,
    Sample,
    class_agreement,
    class_votes,
    draw_samples,
    nearest,
    rank_agreement,
    rank_votes,
    squared_distances,
)
from auditor.measures.order import mid_ranks
from auditor.measures.target import Target, target

LEAST_SKILL = 0.3
"""Agreement beyond chance that neighbours must have where labels are in step."""

LEAST_Z = 6.0
"""Its distance from chance in standard errors."""

NO_SKILL = 0.25
"""Share of that agreement up to which another split has none."""

MAX_Z = 4.0
"""Standard errors up to which an agreement is chance."""

LEAST_ROWS = 50
"""Rows with labels that both splits need."""

LEAST_OTHERS = 20
"""Rows that must have another label than the most common one."""

LAGS = (-3, -2, -1, 1, 2, 3)
"""Rows by which labels may have slipped."""


@rule(
    "LBL007",
    "labels-misaligned",
    severity=Severity.ERROR,
    needs=("comparable rows", "labels on two splits"),
    since="0.1",
    stage="given",
)
def labels_misaligned(context: Context) -> Iterator[Finding | Coverage]:
    """Labels of one split are out of step with its rows.

    ## What it does
    Lets the five nearest rows vote for the label of each row: within train, from train to each
    evaluation split, and within that split. Labels of a split are out of step where neighbours predict
    them in the other split (agreement beyond chance of at least 0.3, at least 6 standard errors), and
    neither its own neighbours nor the other split's predict them here (at most a quarter of that, and
    within 4 standard errors of shuffled labels). For class ids it also tries whether the votes agree once
    classes are renamed: then each split was encoded by itself. It says by how many rows labels slipped, if
    that explains it.

    Rows nearer than evaluation rows typically are to train (copies, rows of the same patient) do not vote,
    so that agreement is measured at one distance everywhere, also where a split is of another population.

    ## Why it matters
    Sorting X but not y, shuffling them apart, or an offset of one row leaves everything in the right
    shape. A misaligned val scores at chance whatever the model; a misaligned train teaches nothing.

    ## Example
    `X_val = X_val.sort_values("date")` without y; `LabelEncoder().fit_transform` called on each split.

    ## Fix
    Keep X and y in one frame until after splitting and shuffling.

    ## Options
    None.

    ## Limits
    Where neighbours do not predict labels even in step, nothing is said. A few wrong labels, an offset
    in part of the rows, or an offset in rows whose labels change slowly are not found. Random labels are
    not told from shuffled ones. Distances are taken on up to 3,000 rows of train, 1,000 of each other
    split and 512 features.
    """
    case = context.case
    labels = context.shared(target)
    known = _known_labels(context, labels)
    explained = context.shared(disagreements, labels)
    names = [s.name for s in case.comparable if s.name in known and s.name not in explained]
    names = [name for name in names if _enough(known[name])]
    if "train" not in known or not _enough(known["train"]) or not names:
        raise Skip(f"fewer than {LEAST_ROWS} rows with labels that can be compared, or nearly all alike")
    samples = draw_samples(case, ("train", *names), context.rng("LBL007"))
    if not samples["train"].points.shape[1]:
        raise Skip("no feature varies in train")
    for name in names:
        finding = _judge(name, labels, known, samples)
        if finding is not None:
            yield finding
    if case.train.n_features > MAX_FEATURES:
        yield Coverage(
            MAX_FEATURES, case.train.n_features, "features", note="distances on features drawn at random"
        )


def _known_labels(context: Context, labels: Target) -> dict[str, NDArray[Any]]:
    """Return class ids, or ranks of quantities over all splits, of every split."""
    if labels.is_classes:
        return dict(context.shared(usable_codes, labels))
    if not labels.values:
        raise Skip("labels are neither classes nor single quantities")
    everything = np.concatenate(list(labels.values.values()))
    finite = np.isfinite(everything)
    ranks = np.full(everything.size, np.nan)
    ranks[finite] = mid_ranks(everything[finite])
    ends = np.cumsum([v.size for v in labels.values.values()])[:-1]
    return dict(zip(labels.values, np.split(ranks, ends), strict=True))


def _enough(labels: NDArray[Any]) -> bool:
    """Whether enough rows have labels, and enough of them another than the most common one."""
    known = labels[labels >= 0] if labels.dtype.kind == "i" else labels[np.isfinite(labels)]
    if known.size < LEAST_ROWS:
        return False
    _, counts = np.unique(known, return_counts=True)
    return int(known.size - counts.max()) >= LEAST_OTHERS


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """Agreements of neighbours, and the labels of the rows drawn from the split.

    `thinned` is the agreement within as few rows of train as the split has, `across` that of the split's
    rows with train's, `within` that within the split.
    """

    train: Agreement
    thinned: Agreement
    across: Agreement
    within: Agreement
    labels: NDArray[Any]


def _judge(
    name: str, labels: Target, known: dict[str, NDArray[Any]], samples: dict[str, Sample]
) -> Finding | None:
    n_classes = len(labels.classes) if labels.is_classes else 0
    made = _compare(samples["train"], samples[name], known["train"], known[name], n_classes)
    if made is None:
        return None
    learnt = made.train.skill >= LEAST_SKILL and made.train.z >= LEAST_Z
    learnt_thinned = made.thinned.skill >= LEAST_SKILL and made.thinned.z >= LEAST_Z
    if learnt and learnt_thinned and _none(made.across, made.train) and _none(made.within, made.thinned):
        slip = _slip(samples[name].rows, made, known[name], n_classes)
        return _finding(name, "train", made, made.train, slip)
    learnt_here = made.within.skill >= LEAST_SKILL and made.within.z >= LEAST_Z
    if learnt_here and _none(made.across, made.within) and _none(made.train, made.within):
        return _finding("train", name, made, made.within, 0)
    if learnt and learnt_here and n_classes:
        renamed = _renamed(made, n_classes)
        if renamed is not None:
            return _renamed_finding(name, labels, made, *renamed)
    return None


def _none(agreement: Agreement, reference: Agreement) -> bool:
    """Whether an agreement is chance, although as many rows would have shown the reference's."""
    shown = reference.skill / max(abs(agreement.skill), 1e-9) if agreement.skill else np.inf
    expected = reference.skill * np.sqrt(agreement.n)
    return abs(agreement.z) <= MAX_Z and shown >= 1 / NO_SKILL and expected >= LEAST_Z / 2


def _compare(
    train: Sample, here: Sample, train_labels: NDArray[Any], labels: NDArray[Any], n_classes: int
) -> _Compared | None:
    across = squared_distances(here.points, train.points)
    # a population that train hardly holds is far from it, where train's own neighbours would disagree as much
    beyond = float(np.median(across.min(axis=1)))
    theirs, ours = train_labels[train.rows], labels[here.rows]
    thin = np.unique(np.linspace(0, len(train.rows) - 1, len(here.rows)).astype(np.int64))

    def agreement(found: NDArray[np.int64], voters: NDArray[Any], voted: NDArray[Any]) -> Agreement:
        if n_classes:
            return class_agreement(class_votes(found, voters, n_classes), voted, n_classes)
        return rank_agreement(rank_votes(found, voters), voted)

    inside = squared_distances(train.points, train.points)
    own = squared_distances(here.points, here.points)
    few = inside[np.ix_(thin, thin)]
    return _Compared(
        agreement(nearest(inside, beyond=beyond, themselves=True), theirs, theirs),
        agreement(nearest(few, beyond=beyond, themselves=True), theirs[thin], theirs[thin]),
        agreement(nearest(across), theirs, ours),
        agreement(nearest(own, beyond=beyond, themselves=True), ours, ours),
        ours,
    )


def _slip(rows: NDArray[np.int64], made: _Compared, labels: NDArray[Any], n_classes: int) -> int:
    """Return by how many rows labels must be moved to agree with the votes; 0 where that does not help."""
    best, chosen = 0.5 * made.train.skill, 0
    for lag in LAGS:
        moved = labels[(rows + lag) % labels.size]
        found = (
            class_agreement(made.across.votes, moved, n_classes)
            if n_classes
            else rank_agreement(made.across.votes, moved)
        )
        if found.skill > best and found.z >= LEAST_Z:
            best, chosen = found.skill, lag
    return chosen


def _renamed(made: _Compared, n_classes: int) -> tuple[NDArray[np.int64], Agreement] | None:
    """Return the renaming of the votes that agrees best with the labels, if that is what happened.

    The renamed votes must agree almost as well as votes do within train, and much better than as they
    stand.
    """
    from scipy.optimize import linear_sum_assignment

    votes, ours = made.across.votes, made.labels
    usable = (votes >= 0) & (ours >= 0)
    if n_classes > 200 or usable.sum() < LEAST_ROWS:
        return None
    table = np.bincount(votes[usable] * n_classes + ours[usable], minlength=n_classes**2)
    _, names = linear_sum_assignment(-table.reshape(n_classes, n_classes))
    names = np.asarray(names, dtype=np.int64)
    moved = class_agreement(np.where(votes >= 0, names[np.maximum(votes, 0)], -1), ours, n_classes)
    reference = min(made.train.skill, made.within.skill)
    if reference < 0.5 or moved.skill < 0.8 * reference or moved.z < LEAST_Z:
        return None
    return (names, moved) if moved.skill - made.across.skill > 0.5 * reference else None


def _finding(name: str, other: str, made: _Compared, reference: Agreement, slip: int) -> Finding:
    here = made.within if name != "train" else made.train
    mend = "Keep X and y in one frame until after splitting and shuffling; take the labels from the source again."
    code = f"order = rng.permutation(len(X_{name}))\nX_{name}, y_{name} = X_{name}[order], y_{name}[order]  # one order"
    hint = ""
    if slip:
        hint = f" Moved by {abs(slip)} row{'s' if abs(slip) > 1 else ''}, they agree: labels have slipped."
        mend = "Bring labels back into step with their rows."
        code = (
            f"X_{name}, y_{name} = X_{name}[:-{slip}], y_{name}[{slip}:]"
            if slip > 0
            else f"X_{name}, y_{name} = X_{name}[{-slip}:], y_{name}[:{slip}]"
        )
    return Finding(
        f"y_{name} has nothing to do with X_{name}: near rows agree on their label beyond chance by "
        f"{reference.skill:.0%} in {other}, by {max(0.0, here.skill):.0%} in {name}, and by "
        f"{max(0.0, made.across.skill):.0%} between the two. Labels of {name} are shuffled, of other rows, or out "
        f"of step.{hint}",
        Evidence.of(
            Measure(f"agreement of neighbours within {name}", here.skill, NO_SKILL * reference.skill),
            Measure(f"agreement of neighbours within {other}", reference.skill, LEAST_SKILL),
            Measure("agreement between the splits", made.across.skill, NO_SKILL * reference.skill),
            Measure(f"standard errors from chance within {name}", here.z, MAX_Z),
            Measure(f"standard errors from chance within {other}", reference.z, LEAST_Z),
            Measure("rows compared", here.n),
        ),
        Fix(mend, code),
        splits=(name, other),
    )


def _renamed_finding(
    name: str, labels: Target, made: _Compared, names: NDArray[np.int64], moved: Agreement
) -> Finding:
    changed = [c for c in range(len(names)) if names[c] != c and (made.labels == names[c]).any()]
    shown = ", ".join(f"{labels.classes[names[c]]!r} for {labels.classes[c]!r}" for c in changed[:4])
    return Finding(
        f"y_{name} names classes otherwise than y_train: near rows say {shown}{', ...' if len(changed) > 4 else ''}. "
        f"Agreement beyond chance between train and {name} is {made.across.skill:.0%} as labels stand and "
        f"{moved.skill:.0%} once renamed.",
        Evidence.of(
            Measure("agreement once renamed", moved.skill, 0.8 * min(made.train.skill, made.within.skill)),
            Measure("agreement as labels stand", made.across.skill),
            Measure("agreement within train", made.train.skill),
            Measure("classes renamed", len(changed), 0),
            examples=[
                {"in y_train": labels.classes[c], f"in y_{name}": labels.classes[names[c]]}
                for c in changed[:5]
            ],
        ),
        Fix(
            "Encode labels once, with one encoder fitted on train.",
            "from sklearn.preprocessing import LabelEncoder\n"
            "encoder = LabelEncoder().fit(labels_train)\n"
            f"y_train, y_{name} = encoder.transform(labels_train), encoder.transform(labels_{name})",
        ),
        splits=(name, "train"),
        classes=tuple(labels.classes[c] for c in changed),
    )
