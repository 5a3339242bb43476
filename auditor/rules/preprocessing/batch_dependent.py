"""PRE002."""

from __future__ import annotations

from collections.abc import Iterator

from auditor._case import Case
from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Severity
from auditor._rule import Skip, rule
from auditor.probes.application import applied
from auditor.probes.order import comes_reordered
from auditor.probes.reach import fits_anew
from auditor.probes.runner import Probed, Ran, probed, rounding
from auditor.probes.wording import given_name, ordered_splits

MATTERS = 0.1
"""Movement, in standard deviations of an output column, from which the dependence is an error."""


@rule(
    "PRE002",
    "batch-dependent",
    severity=Severity.ERROR,
    needs=("preprocess",),
    since="0.1",
    options={"rows": 256, "seconds": 30},
    stage="given",
)
def batch_dependent(context: Context) -> Iterator[Finding | Coverage]:
    """Rows are transformed differently beside other rows.

    ## What it does
    Calls the preprocessing on a batch of rows, then again after changing the *other* rows of the batch:
    replaced by copies of one row, exchanged, scaled, halved. The rows that stayed must come out equal, bit
    for bit: the batch keeps its shape, so the arithmetic is the same. Two more calls exchange the halves
    of the batch and leave half of it away; there the order of sums may change, so movements below half
    the digits of float32 (3.5e-4 of a column's largest value), or of fewer than a tenth of the rows, are
    put down to rounding. Random draws are repeated from the same seed in every call, so randomness is not
    taken for dependence (see PRE003). This is non-interference (Goguen and Meseguer, 1982) as a
    metamorphic test (Chen, Cheung and Yiu, 1998).

    ## Why it matters
    A callable that fits on whatever it is given scales each split, or each batch, by its own statistics.
    Validation rows are then seen with knowledge of the validation set, a shift between splits is wiped
    out before the model meets it, and a single row in production cannot be transformed as it was in the
    test.

    ## Example
    ```python
    def preprocess(X):
        return StandardScaler().fit_transform(X)  # anew for train, for val and for test
    ```
    `x / x.max()`, ranks, `pd.get_dummies`, filling gaps with the mean of the batch, batch normalization
    called with `training=True`.

    ## Fix
    Fit once, on train, and only apply to the other splits:
    ```python
    scaler = StandardScaler().fit(X_train)
    preprocess = scaler.transform
    ```

    ## Options
    `PRE002.rows`: rows in a batch, at most (fewer where rows are wide). `PRE002.seconds`: time after which
    a callable's remaining relations are left out; the outcome then says so.

    ## Limits
    A sample is probed, with rows that hold missing values among it; what happens only to rarer rows, or
    only in larger batches, is not seen. A callable that is given for train alone may learn from the rows
    it is given and is not judged. A callable that draws from a generator out of reach cannot be judged.
    Movements below a tenth of a standard deviation, such as those of a solver that stops when the whole
    batch has converged, are noted only; movements that rounding explains are not reported.
    """
    made = context.shared(applied)
    rows, seconds = int(context.option("PRE002.rows")), context.option("PRE002.seconds")
    probes = context.shared(probed, made, context.config.seed, rows, seconds)
    judged = 0
    reasons: list[str] = []
    for probe in probes:
        if _is_for_train_only(context.case, probe):
            reasons.append("the callable is for train alone, and may learn from it")
            continue
        places = context.shared(comes_reordered, made, probe)
        if places:
            reasons.append("the rows come back in another order (see PRE007)")
            continue
        carried = [ran for ran in probe.ran if ran.status != "void"]
        reasons += [ran.reason for ran in probe.ran if ran.status == "void" and not carried]
        if probe.skipped and not carried:
            reasons.append(_out_of_time(probe, seconds))
        judged += bool(carried)
        if probe.skipped or (carried and probe.rows.size < probe.of):
            yield _coverage(probe, seconds)
        broken = [ran for ran in probe.broken if ran.moved > _bar(probe)]
        if broken:
            yield _finding(context.case, probe, broken)
    if not judged:
        raise Skip(reasons[0] if reasons else "the callable failed on every split (see PRE008)")


def _bar(probe: Probed) -> float:
    return 0.0 if probe.base is None else rounding(probe.base)


def _is_for_train_only(case: Case, probe: Probed) -> bool:
    return probe.serves == ("train",) and bool(case.evaluation)


def _coverage(probe: Probed, seconds: float) -> Coverage:
    note = f"{probe.step.name} was probed on a sample of {probe.split}; PRE002.rows widens it"
    if probe.skipped:
        note = _out_of_time(probe, seconds)
    return Coverage(int(probe.rows.size), probe.of, note=note)


def _out_of_time(probe: Probed, seconds: float) -> str:
    return (
        f"after {seconds:g} s, {probe.step.name} was not put through: {', '.join(probe.skipped)}; "
        "PRE002.seconds gives it more time"
    )


def _finding(case: Case, probe: Probed, broken: list[Ran]) -> Finding:
    worst = max(broken, key=lambda ran: (ran.relation.exact, min(ran.in_std, 1e300), ran.share))
    how_far = f", by up to {worst.in_std:.3g} standard deviations" if worst.in_std < 1e12 else ""
    result = (
        f"{worst.reason}" if worst.reason else f"{worst.share:.0%} of the rows that stayed changed{how_far}"
    )
    on = "its place in the batch" if worst.relation.name == "rolled" else "the rows beside it"
    message = f"What {probe.step.name} makes of a row depends on {on}: when {worst.relation.words}, {result}."
    largest = max(min(ran.in_std, 1e300) for ran in broken)
    return Finding(
        message,
        Evidence.of(
            Measure("share of unchanged rows whose output changed", worst.share, 0.0, "%"),
            Measure("largest change", worst.in_std, MATTERS, "std"),
            Measure("rows probed", int(probe.rows.size)),
            examples=[_example(probe, ran) for ran in broken[:5]],
        ),
        _fix(case, probe, broken),
        splits=ordered_splits(probe.serves),
        severity=Severity.ERROR if largest >= MATTERS else Severity.INFO,
        about=probe.step.name,
    )


def _example(probe: Probed, ran: Ran) -> dict[str, object]:
    row = {"change": ran.relation.name, "share of rows": ran.share, "largest change in std": ran.in_std}
    if ran.example is not None:
        row |= {
            f"{probe.split} row": ran.example["row"],
            "output column": ran.example["output column"],
            "before": ran.example["before"],
            "after": ran.example["after"],
        }
    return row


def _fix(case: Case, probe: Probed, broken: list[Ran]) -> Fix:
    rows = given_name(case, "train")
    only_place = {ran.relation.name for ran in broken} <= {"rolled", "subset"}
    if only_place:
        return Fix(
            "Make each row's output from that row alone: its place in the batch, and how many rows there "
            "are, must not enter.",
            "def preprocess(rows):\n    return rows / 255.0  # no np.arange(len(rows)), no cumulative sums",
        )
    cause = fits_anew(probe.step.parts)
    why = f" It calls {cause} on the rows it is given." if cause else ""
    return Fix(
        f"Learn statistics once, from train, and only apply them to every split.{why}",
        "from sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import StandardScaler\n"
        f"fitted = make_pipeline(StandardScaler()).fit({rows})  # the steps you need; on train only\n"
        "preprocess = fitted.transform  # the same for every split; a Keras layer: layer(rows, training=False)",
    )
