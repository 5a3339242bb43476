"""DUP004."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor._case import Split
from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Rows, Severity
from auditor._rule import Skip, rule
from auditor.measures.windows import LEAST_STEPS, Overlaps, step_axes, window_overlaps


@rule(
    "DUP004",
    "overlapping-windows-across-splits",
    severity=Severity.ERROR,
    needs=("comparable rows",),
    since="0.1",
    options={"share": 0.1},
)
def overlapping_windows_across_splits(context: Context) -> Iterator[Finding | Coverage]:
    """Windows of an evaluation split share runs of consecutive steps with windows of train.

    ## What it does
    Looks for evaluation windows whose end is, value for value and over all channels, the beginning of a
    train window, or the other way round: two windows cut from one series at different places agree in all
    of the steps they have in common. Every axis along which windows could have been cut is tried: steps
    of a series, frames of a video, rows and columns of image tiles, lags in a table.

    Where few do, windows are compared once more up to a gain and an offset of each channel, which is what
    standardising every window by itself, bringing it to [0, 1], or dividing it by its first value leaves of
    a shared run. The direction of two successive differences depends on neither, so directions take the
    place of steps; the run is then fitted with one gain and one offset to each channel and must hold them
    to rounding.

    A run counts only where chance cannot explain it. Its surprisal, from the frequencies of train's own
    steps and successions of steps (a first-order Markov chain) and from how often two steps of one window
    are equal, is held against the number of windows
    and shifts compared: 20 bits beyond it for one run alone, or 7 bits beyond it for each of many, which
    chance gives one window in 128. Constant stretches, padding and periods carry no bits; nor, up to a
    gain and an offset, do ramps and exponentials, and series of few levels carry few. Windows that stand
    whole in train are left to DUP001.

    Such runs are also what a series leaves that returns to its own values, phrases of a text, or one
    pulse at many places. These are told by what overlap cannot do: put one run in the same position of
    two different windows, let one run go on in two ways, or end a run before the overlap ends. Windows
    are reported only where they are four times as many as that explains.

    ## Why it matters
    The model has seen most of each evaluation window, with a label that is the same or nearly so. The
    validation score follows the training score and says nothing of the next day, person or session.

    ## Example
    Windows of 64 steps are cut at every step of a recording, shuffled, and split. No window occurs twice,
    and each validation window has 63 of its 64 steps in a training window.

    ## Fix
    Split the series first, by time, session or person, then cut the windows of each part. Where the split
    is in time already and only the windows at the border overlap, leave a gap of one window there.

    ## Options
    `DUP004.share`: share of an evaluation split's windows (0.1) up to which overlap is a warning: it can
    move the score by no more than that. Where only the windows at the border of the splits overlap, it is
    a warning up to half of them.

    ## Limits
    Steps must be equal bit for bit in the narrower of the two splits' types, or, in windows of 8 steps or
    more, up to one gain (not a negative one) and one offset per window and channel, to the rounding of that
    type or of the decimals kept. Where normalized windows were stored coarsely, as whole numbers up to 255
    or smooth ones in float16, rounding hides the directions and they are not found. A few steps of a coarse
    series, such as five counts, carry too few bits to tell overlap from chance. Disjoint windows of a noise-free loop are the same arrays as
    overlapping windows of its one period, and are taken for them. Copies shifted by no more than an eighth of a
    window are left to DUP003.
    """
    case = context.case
    if not step_axes(case.train.X.shape):
        raise Skip(f"rows have no axis of at least {LEAST_STEPS} positions along which windows could be cut")
    for split in case.comparable:
        best = context.shared(window_overlaps, split.name, context.config.seed)[0]
        yield from _coverage(split, best)
        if best.rows.size and not best.only_shifted:
            yield _finding(context, split, best)


def _coverage(split: Split, overlaps: Overlaps) -> Iterator[Coverage]:
    n, runs = split.n_rows, overlaps.runs
    looked = overlaps.query_rows.size
    if overlaps.scaled_looked is not None:
        looked = min(looked, overlaps.scaled_looked)
    if looked < n:
        yield Coverage(
            looked, n, f"{split.name} windows", 0.0,
            "a sample, and the first and last windows; all were to be looked up had one overlapped",
        )  # fmt: skip
    if runs.capped:
        yield Coverage(
            looked,
            n,
            f"{split.name} windows",
            0.0,
            f"{runs.capped:,} places of common runs were not compared",
        )
    judged = int(runs.informative.sum())
    if judged < looked and len(split.feature_shape) > 1:
        yield Coverage(
            judged, n, f"{split.name} windows", 0.0,
            "the other windows hold too few different steps to tell a shared run from chance",
        )  # fmt: skip


def _finding(context: Context, split: Split, overlaps: Overlaps) -> Finding:
    runs, T = overlaps.runs, overlaps.n_steps
    matched = np.flatnonzero(runs.matched)
    looked = overlaps.query_rows.size
    share = matched.size / looked
    head, tail = _border(overlaps, split.n_rows)
    border = head + tail > 0
    allowed = 0.5 if border else context.option("DUP004.share")
    length = int(np.median(runs.length[matched]))
    covered = float(np.median(runs.covered[matched]))
    stride = int(np.gcd.reduce(runs.shift[matched]))
    typical = int(np.median(np.abs(runs.shift[matched])))
    rows = Rows.where(split.name, overlaps.rows, split.n_rows)
    return Finding(
        _message(split, overlaps, share=share, length=length, typical=typical, border=border),
        Evidence.of(
            Measure(f"share of {split.name} windows", share, 0.0, "%"),
            Measure("longest shared run, median", length, None, "steps"),
            Measure("window length", T, None, "steps"),
            Measure("share of their steps found in train, median", covered, None, "%"),
            Measure("shift of the closest window, median", typical, None, "steps"),
            Measure("all shifts are multiples of", stride, None, "steps"),
            Measure(
                "surprisal of the run, median", float(np.median(runs.bits[matched])), runs.needed, "bits"
            ),
            Measure("share expected because the series repeats itself", runs.recurrence, None, "%"),
            Measure("a gap between the splits mends it", border),
            Measure("equal up to a gain and an offset only", overlaps.scaled),
            examples=_examples(split, overlaps, matched),
        ),
        _fix(split, overlaps, head=head, tail=tail, share=share, rows=rows),
        splits=(split.name, "train"),
        rows=(rows,),
        severity=Severity.WARNING if share <= allowed else Severity.ERROR,
    )


def _message(
    split: Split, overlaps: Overlaps, *, share: float, length: int, typical: int, border: bool
) -> str:
    count, looked = int(overlaps.runs.matched.sum()), overlaps.query_rows.size
    steps = _steps(split, overlaps)
    equal = ", up to a gain and an offset of each window," if overlaps.scaled else ", bit for bit,"
    start = (
        f"{count:,} of {looked:,} {split.name} windows ({share:.1%}) overlap windows of train: typically "
        f"{length} of their {overlaps.n_steps} {steps} stand in one train window{equal} moved by {typical}."
    )
    if border:
        return start + " Only windows where the two splits meet overlap: a gap between them mends it."
    scaled = ", and each was scaled by itself" if overlaps.scaled else ""
    return f"{start} The windows were cut from one series before it was split{scaled}."


def _steps(split: Split, overlaps: Overlaps) -> str:
    if split.X.ndim == 2:
        return "columns"
    return f"steps (axis {overlaps.axis})" if split.X.ndim == 3 else f"positions (axis {overlaps.axis})"


def _border(overlaps: Overlaps, n: int) -> tuple[int, int]:
    """Return how many windows at the start and at the end of the split hold all overlap; else (0, 0).

    Only where every window was looked up, and less than half of them overlap.
    """
    rows = overlaps.rows
    if overlaps.query_rows.size < n or rows.size * 2 >= n:
        return 0, 0
    first, last = rows[rows < n // 2], rows[rows >= n // 2]
    head = int(first.max()) + 1 if first.size else 0
    tail = n - int(last.min()) if last.size else 0
    dense = first.size * 2 >= head and last.size * 2 >= tail
    return (head, tail) if dense and (head + tail) * 2 <= n else (0, 0)


def _fix(split: Split, overlaps: Overlaps, *, head: int, tail: int, share: float, rows: Rows) -> Fix:
    name, n = split.name, split.n_rows
    drop = (rows,) if share < 0.5 else ()
    if head + tail:
        kept = f"[{head}:{n - tail if tail else ''}]"
        which = " and ".join(
            part for part in (f"the first {head:,}" * bool(head), f"the last {tail:,}" * bool(tail)) if part
        )
        labels = f"\ny_{name} = y_{name}{kept}" if split.y is not None else ""
        return Fix(
            f"Leave a gap where the splits meet: drop {which} {name} windows.",
            f"X_{name} = X_{name}{kept}  # a gap of one window between the splits{labels}",
            drop=drop,
        )
    return Fix(
        "Split the series first (by time, session or person), then cut the windows of each part.",
        f"cut = int(0.8 * len(series))            # the series itself, before windows are cut\n"
        f"X_train = cut_windows(series[:cut], {overlaps.n_steps})  # your own function, on each part alone\n"
        f"X_{name} = cut_windows(series[cut:], {overlaps.n_steps})\n"
        "# several recordings: sklearn.model_selection.GroupShuffleSplit with groups=recording",
        drop=drop,
    )


def _examples(split: Split, overlaps: Overlaps, matched: NDArray[np.int64]) -> list[dict[str, Any]]:
    runs = overlaps.runs
    picked = matched[np.argsort(-runs.length[matched], kind="stable")[:5]]
    return [
        {
            f"{split.name} row": int(overlaps.query_rows[i]),
            "steps": f"{runs.start[i]}:{runs.start[i] + runs.length[i]}",
            "train row": int(overlaps.train_rows[runs.partner[i]]),
            "train steps": f"{runs.start[i] + runs.shift[i]}:{runs.start[i] + runs.length[i] + runs.shift[i]}",
        }
        for i in picked
    ]
