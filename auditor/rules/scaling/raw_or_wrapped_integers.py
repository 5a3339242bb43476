"""SCL006."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from auditor._case import Case
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Severity
from auditor._rule import Skip, rule
from auditor.measures.columns import column_statistics
from auditor.measures.cut_fractions import CHANCE, Cut
from auditor.measures.damaged_splits import damaged_splits
from auditor.measures.high_codes import HighCodes, high_codes
from auditor.measures.models import network
from auditor.measures.modular import APART, NOISE, Modular
from auditor.measures.phrases import joined
from auditor.measures.scaler_fits import traces_in
from auditor.measures.unscaled import LeftOut, left_out, raw_pixels
from auditor.measures.whole_pixels import whole_rows
from auditor.measures.wrapping import (
    CROSSINGS,
    SMOOTHER,
    Swapped,
    Wrapped,
    is_in_order,
    runs_on_a_line,
    swapped_bytes,
    wrapped,
)
from auditor.probes.application import applied
from auditor.probes.float_twins import Twin, float_twins

Names = tuple[str, ...]

PLAIN = (
    "Dense",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "DepthwiseConv2D",
    "SeparableConv2D",
    "LSTM",
    "GRU",
    "SimpleRNN",
)
"""Layers that multiply what they get with weights made for numbers around 1."""


@rule(
    "SCL006",
    "raw-or-wrapped-integers",
    severity=Severity.WARNING,
    since="0.1",
    options={"spread": 100.0},
)
def raw_or_wrapped_integers(context: Context) -> Iterator[Finding]:
    """Integers ran over their range, lost their fractions, or reach the model as they were read.

    ## What it does
    *A callable* is tried on some rows as integers and on the same rows as float64. Results that differ by
    whole multiples of one number (the integer's range) have wrapped; results that are the float's cut off
    have lost their fractions. Both are identities, and errors. So is an output of zeros, with ones
    only where the input has its very largest value.

    *Between splits*: the counts of all 256 levels of one split are those of another under `a x + b` modulo
    256, or with the upper half below zero (bytes read as int8), to within what two samples of one
    population keep, and under no such map with values clipped; or a split holds whole numbers only, as
    often as the other's values cut off, where by chance it would hold fractions (below one in a
    million). Errors.

    *Within a split* the null is that a range is a line. In rows with an order (pictures, series) few
    neighbours then lie a short way apart across the ends of the range. Where they pass them as they pass
    any level nearby, values run in a circle. Sixteen-bit values that are far smoother with their two
    bytes exchanged were read in the wrong byte order. Values just below 2^16, 2^32 or 2^64 beside small
    ones, with half the range empty between, are negative numbers in an unsigned type. Warnings where
    all splits show it, errors where one does and another does not.

    *Raw*: features that spread `SCL006.spread` times wider than the others, which all show the trace of a
    scaler (warning); pictures in 0..255 (information, and a warning where a `model` multiplies them with
    weights first).

    ## Why it matters
    Unsigned arithmetic raises nothing: `images - 128` turns black into mid grey and mid grey into black,
    `(images / 255).astype("uint8")` leaves zeros and a few ones. The model trains on it, worse. Raw pixels
    make the first steps hundreds of times too large.

    ## Example
    `X = images - images.mean().astype("uint8")`, where images are uint8.

    ## Fix
    `astype("float32")` before any arithmetic; `dtype=">u2"` for big-endian files.

    ## Options
    `SCL006.spread` (100): how many times wider than the scaled features an unscaled one spreads that is
    reported.

    ## Limits
    Angles, hues and phases run in a circle by nature. Pictures with steep edges throughout (digits) that
    wrapped in every split alike look natural, as do masks and pictures cut to zeros and ones. Bytes with
    codes such as 254 and 255 are not taken for negative numbers. Callables that raise on floats, or draw at random, are
    not tried. Up to 1,024 evenly spaced rows, and 64 for callables, are looked at.
    """
    case = context.case
    if case.preprocess is not None:
        twins = context.shared(float_twins, context.shared(applied))
        yield from map(_twin, twins)
        if twins or all(split.raw is None for split in case):
            return  # what the callable makes of the rows is judged for itself
    found = [_of_pair(*pair) for pair in damaged_splits(context)] or list(_within(context))
    yield from found
    yield from _features_left_out(context)
    if not found:
        yield from _raw_pixels(context)


def _of_pair(odd: str, rest: Names, one: Modular | Cut) -> Finding:
    """Return the finding for a split that is another one wrapped or cut."""
    others = " and ".join(f"X_{name}" for name in rest)
    if isinstance(one, Cut):
        return _cut(odd, rest, others, one)
    if one.offset == 0 and one.factor == 1:
        how, code = "the same bytes with the upper half below zero: uint8 was read as int8", ".view('uint8')"
    else:
        how = f"{others} times {one.factor} " if one.factor != 1 else f"{others} "
        how += (
            f"{'plus' if one.offset >= 0 else 'minus'} {abs(one.offset)}, modulo 256"
            if one.offset
            else "modulo 256"
        )
        code = ""
    first = (
        f"X_{odd} = X_{odd}.astype('int8'){code}"
        if code
        else f"X_{odd} = prepare(raw_{odd}.astype('float32'))"
    )
    return Finding(
        f"Integers in X_{odd} ran over their range. It holds {how}: the counts of the 256 levels are "
        f"{one.after:.2g} apart then, and {one.before:.2g} as they are; {one.share:.1%} of the values wrapped.",
        Evidence.of(
            Measure("share of values that wrapped", one.share, 0.01, "%"),
            Measure("distance of the level counts", one.before, one.after + APART),
            Measure("the same, under the map", one.after, NOISE),
            Measure("the same, with values clipped", one.clipped),
        ),
        Fix("Convert to float before any arithmetic.", first),
        splits=(odd, *rest),
        severity=Severity.ERROR,
        about="wrapped",
    )


def _cut(odd: str, rest: Names, others: str, one: Cut) -> Finding:
    return Finding(
        f"X_{odd} was cut to whole numbers: it holds {one.kept} different value{'s' * (one.kept != 1)}, and {others} fractions in "
        f"{one.fractions:.1%} of the rows, with a standard deviation of {one.std:.3g}. The whole numbers are as "
        "frequent as those fractions cut off.",
        Evidence.of(
            Measure(f"different values in {odd}", one.kept),
            Measure("different values in 256 rows of the other", one.levels),
            Measure("log10 of the chance of it", one.log_chance / np.log(10), float(np.log10(CHANCE))),
            Measure("standard deviation that a step of 1 blurs", one.std),
        ),
        Fix("Keep floats where values are scaled.", f"X_{odd} = raw_{odd}.astype('float32') / 255"),
        splits=(odd, *rest),
        severity=Severity.ERROR,
        about="cut",
    )


def _within(context: Context) -> Iterator[Finding]:
    """Yield what the splits show by themselves: an error where one does and another does not."""
    case = context.case
    names = [split.name for split in (case.train, *case.comparable) if split.n_rows]
    for measure, clear, tell in _TELLING:
        found: dict[str, Any] = {}
        for name in names:
            whole = (context.shared(whole_rows, name),) if measure is not high_codes else ()
            one = context.shared(measure, name, *whole)
            if one is not None:
                found[name] = one
        if not found:
            continue
        worst = next(iter(found))
        apart = tuple(name for name in names if name not in found)
        certain = clear is None or all(clear(case, name, context.shared(whole_rows, name)) for name in apart)
        apart = apart if certain and _could_show(case, worst, apart) else ()
        finding = tell(case, tuple(found), apart, found[worst])
        yield finding if apart else replace(finding, splits=tuple(names))
        return


def _could_show(case: Case, shown: str, apart: Names) -> bool:
    """Whether the splits that do not show it have rows enough to."""
    return all(case[name].n_rows >= min(100, case[shown].n_rows) for name in apart)


def _wrapped(_: Case, names: Names, apart: Names, one: Wrapped) -> Finding:
    low, high = (-(2**one.bits) // 2, 2**one.bits // 2 - 1) if one.signed else (0, 2**one.bits - 1)
    pass_by = (
        f"neighbours pass from {high} to {low} as if these were next to each other, {one.across:,.0f} times in "
        f"{one.rows:,} rows, and past levels nearby {one.beside:,.0f} times."
    )
    if one.changes_sign:
        what = (
            f"hold signed numbers in uint{one.bits}: the middle of the range is empty, and neighbours change over "
            f"{one.across:,.0f} times from small values to values just below {high + 1:,}."
        )
    elif one.signed:
        what = f"are uint{one.bits} read as int{one.bits}: {pass_by}"
    else:
        what = f"run in a circle: {pass_by} Arithmetic in uint{one.bits} wrapped (or they are angles)."
    view = f"int{one.bits}" if one.changes_sign else f"uint{one.bits}"
    codes = {
        name: f"X_{name} = X_{name}.astype('uint{one.bits}').view('{view}').astype('float32')"
        if one.changes_sign or one.signed
        else f"X_{name} = (raw_{name}.astype('float32') - 128) / 128  # float first, then arithmetic"
        for name in names
    }
    return Finding(
        f"Values of {joined(names, 'X_')} {what}{_unlike(apart)}",
        Evidence.of(
            Measure("near neighbours across the end of the range", one.across, CROSSINGS),
            Measure(
                "neighbours of one sign" if one.changes_sign else "near neighbours beside it", one.beside
            ),
            Measure("rows that show it", one.showing, None, "rows"),
        ),
        Fix(
            "Read the bytes as what they are, and convert to float before any arithmetic.",
            "\n".join(codes.values()),
        ),
        splits=(*names, *apart),
        severity=Severity.ERROR if apart else Severity.WARNING,
        about="circle",
    )


def _swapped(_: Case, names: Names, apart: Names, one: Swapped) -> Finding:
    return Finding(
        f"Sixteen-bit values of {joined(names, 'X_')} have their bytes in the wrong order: neighbours differ by "
        f"{one.given:.2g} of what far positions do, and by {one.swapped:.2g} with the two bytes exchanged, in "
        f"{one.share:.0%} of {one.rows:,} rows.{_unlike(apart)}",
        Evidence.of(
            Measure("roughness as given", one.given),
            Measure("roughness with bytes exchanged", one.swapped, SMOOTHER * one.given),
            Measure("share of rows that are smoother so", one.share, 0.9, "%"),
        ),
        Fix(
            "Read the file in its own byte order.",
            "\n".join(f"X_{name} = X_{name}.astype('uint16').byteswap()" for name in names),
        ),
        splits=(*names, *apart),
        severity=Severity.ERROR if apart else Severity.WARNING,
        about="byte order",
    )


def _high(case: Case, names: Names, apart: Names, one: HighCodes) -> Finding:
    column, value, means = one.examples[0]
    return Finding(
        f"{one.columns.size:,} features of {joined(names, 'X_')} hold negative numbers in an unsigned type: beside small "
        f"values stand such as {value} in {case.feature(column)}, which is 2^{one.bits} - {-means}; {one.share:.1%} of "
        f"their values ran over, and none lie between.{_unlike(apart)}",
        Evidence.of(
            Measure("share of values that ran over", one.share, 0.0, "%"),
            Measure("least number they stand for", float(one.lowest)),
            Measure("features concerned", int(one.columns.size), 0),
            examples=[
                {"feature": case.feature(j), "value": str(held), "stands for": meant}
                for j, held, meant in one.examples
            ],
        ),
        Fix(
            "Subtract in a signed or float type.",
            "\n".join(
                f"X_{name} = X_{name}.astype('uint{one.bits}').astype('int{one.bits}')" for name in names
            ),
        ),
        splits=(*names, *apart),
        columns=tuple(one.columns.tolist()),
        severity=Severity.ERROR if apart else Severity.WARNING,
        about="unsigned",
    )


_TELLING: tuple[
    tuple[Callable[..., Any], Callable[..., bool] | None, Callable[[Case, Names, Names, Any], Finding]], ...
] = (
    (swapped_bytes, is_in_order, _swapped),
    (wrapped, runs_on_a_line, _wrapped),
    (high_codes, None, _high),
)
"""What rows may show by themselves, whether they clearly do not, and the finding that says so."""


def _unlike(apart: Names) -> str:
    return f" {joined(apart, 'X_')} {'does' if len(apart) == 1 else 'do'} not." if apart else ""


def _features_left_out(context: Context) -> Iterator[Finding]:
    case = context.case
    if not case.train.n_rows or case.train.X.dtype.kind != "f" or not case.comparable:
        return
    train = context.shared(column_statistics, "train")
    if np.isfinite(train.variance).all():
        out = left_out(case, traces_in(context), train, context.option("SCL006.spread"))
        if out is not None:
            yield _left_out(case, out, context.option("SCL006.spread"))


def _raw_pixels(context: Context) -> Iterator[Finding]:
    case = context.case
    if not case.train.n_rows:
        return
    names = tuple(split.name for split in (case.train, *case.comparable))
    ranges = [raw_pixels(case, name, context.shared(whole_rows, name)) for name in names]
    known = [one for one in ranges if one is not None]
    layer = _first_layer(context)
    if len(known) == len(ranges) and layer is not None:
        yield _pixels(names, (min(low for low, _ in known), max(high for _, high in known)), layer)


def _first_layer(context: Context) -> str | None:
    """Return the layer that multiplies the input with weights; empty without a model; None where it is scaled."""
    if context.case.model is None:
        return ""
    try:
        net = context.shared(network)
    except Skip:
        return ""
    inlet = net.inlets[0] if len(net.inlets) == 1 else None
    if inlet is None or inlet.scalers or not inlet.first:
        return None
    return f"{inlet.first} {inlet.layer!r}" if inlet.first in PLAIN else None


def _pixels(names: Names, ends: tuple[int, int], layer: str) -> Finding:
    takes = f"the layer {layer} multiplies them" if layer else "a network wants numbers around 1"
    return Finding(
        f"{joined(names, 'X_')} {'holds' if len(names) == 1 else 'hold'} pixels as they were read, from {ends[0]} to "
        f"{ends[1]}; {takes}{' with weights made for numbers around 1' if layer else ''}.",
        Evidence.of(Measure("largest value", ends[1], 1), Measure("least value", ends[0])),
        Fix(
            "Divide by 255, or put keras.layers.Rescaling(1 / 255) first in the model.",
            "\n".join(f"X_{name} = X_{name}.astype('float32') / 255" for name in names),
        ),
        splits=names,
        severity=Severity.WARNING if layer else Severity.INFO,
        about="pixels",
    )


def _left_out(case: Case, out: LeftOut, bar: float) -> Finding:
    names = ", ".join(case.feature(int(j)) for j in out.columns[:3])
    ratio = float(out.spread[0]) / out.typical
    columns = out.columns.tolist()
    return Finding(
        f"{len(columns):,} feature{'s' * (len(columns) > 1)} ({names}) {'were' if len(columns) > 1 else 'was'} not scaled, and "
        f"{out.scaled:,} others have {out.scaler.identity} over train: {case.feature(int(out.columns[0]))} spreads "
        f"{ratio:,.0f} times as wide and outweighs them.",
        Evidence.of(
            Measure("spread over that of a scaled feature", ratio, bar),
            Measure("features left out", len(columns), 0),
            Measure("features scaled", out.scaled),
            examples=[
                {"feature": case.feature(int(j)), "standard deviation": float(s)}
                for j, s in zip(out.columns[:5], out.spread[:5], strict=True)
            ],
        ),
        Fix(
            "Scale these features too, or drop them where they are ids.",
            f"columns = {columns[:20]}\nscaler = StandardScaler().fit(X_train[:, columns])\n"
            + "\n".join(
                f"X_{name}[:, columns] = scaler.transform(X_{name}[:, columns])"
                for name in (case.train.name, *(split.name for split in case.comparable))
            ),
        ),
        splits=tuple(split.name for split in (case.train, *case.comparable)),
        columns=tuple(columns),
        about="left out",
    )


def _twin(twin: Twin) -> Finding:
    came, out, meant = twin.examples[0] if twin.examples else (np.nan, np.nan, np.nan)
    example = "" if np.isnan(came) else f" {came:g} becomes {out:.4g} instead of {meant:.4g}."
    messages = {
        "wrapped": f"{twin.name} runs over the range of {twin.dtype}: {twin.share:.1%} of its results differ from those for "
        f"the same numbers as floats by whole multiples of that range.{example}",
        "cut": f"{twin.name} cuts its results to whole numbers: given {twin.dtype}, {twin.share:.1%} of them are those for "
        f"the same numbers as floats without their fractions.{example}",
        "levels": f"{twin.name} leaves zeros, and ones where the input has its largest value: of {twin.levels:,} different "
        f"values two are left, and {twin.share:.1%} of the values became 0.",
    }
    return Finding(
        messages[twin.kind],
        Evidence.of(
            Measure("share of values that are wrong", twin.share, 0.0, "%"),
            Measure("different values that came in", twin.levels),
            examples=[
                {"value": value, "result": result, "result as float": other}
                for value, result, other in twin.examples
            ],
        ),
        Fix(
            "Convert to float before any arithmetic, and let the result stay one.",
            "def preprocess(rows):\n    rows = rows.astype('float32')\n    return rows / 255  # what was done before",
        ),
        splits=twin.serves,
        severity=Severity.ERROR,
        about=f"callable {twin.kind}",
    )
