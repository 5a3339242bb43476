"""SCL005."""

from __future__ import annotations

from collections.abc import Iterator

from auditor._case import Case
from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Severity
from auditor._rule import rule
from auditor.measures.affine import scale_mismatch
from auditor.measures.byte_scalings import LEVELS, DoubledBytes, doubled_bytes
from auditor.measures.columns import column_statistics
from auditor.measures.phrases import joined
from auditor.measures.repeated_scaling import Repeated, repeated_scaling
from auditor.measures.scaled_again import ScaledAgain, scaled_again
from auditor.measures.scaler_fits import traces_in
from auditor.measures.scaler_traces import Scaler
from auditor.probes.application import applied

FACTORS = {255.0: "255", 256.0: "256", 127.5: "127.5", 128.0: "128"}


@rule("SCL005", "scaled-twice", severity=Severity.WARNING, since="0.1")
def scaled_twice(context: Context) -> Iterator[Finding]:
    """Values that were already normalized were normalized again, in every split alike.

    ## What it does
    Looks for what two scalings leave and one cannot. Each is an identity, tested to rounding.

    - *Bytes*: every value is the image of a whole number from 0 to 255 under two scalings in a row:
      `x / 255 / 255`, `x / 127.5 - 1` twice, a published mean and standard deviation (ImageNet, CIFAR-10,
      MNIST, ...) applied twice or on top of a second division. At least 16 different bytes have to be seen.
    - *A scaler's own statistics, used twice*: `((x - m) / s - m) / s` has the standard deviation 1/s. Where
      raw values were whole numbers or decimals of step c, the scaled ones stand on a grid of step c/s²,
      which is c times their variance, and `z s² + m s + m` is a multiple of c for each of them. Minimum
      and range used twice leave the range 1/r on a grid of step c/r². Steps from 1 to 0.001 are tried; the bound on
      the chance of the coincidences over all features has to be below one in a million.
    - *Divided as well*: all features have the standard deviation, or the range, 1/255 (or 1/256, 1/127.5,
      1/128).
    - *A callable on normalized rows*: `X_*` came in with mean 0 and standard deviation 1 to rounding;
      `preprocess` shifts and stretches every feature, and what comes out is centred over no set of splits.

    ## Why it matters
    The network sees next to nothing vary: pixels divided by 255 twice lie between 0 and 0.004, and a
    classifier that reaches an accuracy of 0.95 on pixels divided once stays at 0.41 in the same time. Features
    scaled twice by their own spread have weights of 1/s², so that the one with the smallest spread
    drowns the others.

    ## Example
    A notebook cell with `X_train = scaler.transform(X_train)` was run twice. `X = X / 255` stands before a
    `preprocess` that divides by 255.

    ## Fix
    Keep the raw rows under a name of their own, and scale them once, in one function for every split.

    ## Options
    None.

    ## Limits
    Refitting a scaler on what it made changes nothing, and is not reported. One split scaled twice where the
    others are scaled once is SCL001's; scaling layers at the start of a model that scale again are
    FIT007's. Continuous features have no grid: there, standardising twice shows only where `preprocess` does it.
    Ranges whose count of steps divides a power of ten (0 to 100, 0 to 16) look natural. Scalings by
    powers of two alone are not told from quiet recordings of 15 or 16 bits. Half precision is too coarse.
    Up to 256 evenly spaced features, and 400,000 pixels, are looked at.
    """
    case = context.case
    if case.preprocess is not None and all(split.raw is None for split in case):
        again = scaled_again(case, context.shared(applied), traces_in(context))
        if again is not None:
            yield _again(case, again)
        return
    splits = (case.train, *case.comparable)
    names = tuple(split.name for split in splits)
    statistics = [context.shared(column_statistics, name) for name in names]
    if not case.train.n_rows or _differ(context, names):
        return
    twice = context.shared(doubled_bytes, names)
    if twice is not None:
        yield _bytes(names, twice)
        return
    found = context.shared(repeated_scaling, names, *statistics)
    if found is not None:
        yield _repeated(case, names, found)


def _differ(context: Context, names: tuple[str, ...]) -> bool:
    """Whether a split is on another scale than train, which SCL001 reports."""
    first = context.shared(column_statistics, "train")
    return any(
        context.shared(scale_mismatch, "train", name, first, context.shared(column_statistics, name))
        for name in names[1:]
    )


def _bytes(names: tuple[str, ...], twice: DoubledBytes) -> Finding:
    return Finding(
        f"{joined(names, 'X_')} {_hold(names)} pixels that were scaled twice: every value is the image of a whole number "
        f"from 0 to 255 under {twice.scaling.words}. They lie between {twice.low:.4g} and {twice.high:.4g}.",
        Evidence.of(
            Measure("lowest value", twice.low),
            Measure("highest value", twice.high),
            Measure("different bytes met", twice.levels, LEVELS),
            Measure("largest distance from a whole number", twice.off, 0.1),
        ),
        Fix(
            "Scale the raw pixels once.",
            "\n".join(f"X_{name} = raw_{name}.astype('float32') / 255" for name in names),
        ),
        splits=names,
        about="bytes",
    )


def _repeated(case: Case, names: tuple[str, ...], found: Repeated) -> Finding:
    over = joined(found.fitted, "X_")
    first = case.feature(found.example) if found.example >= 0 else "the whole array"
    many = f"{found.columns.size:,} of {found.compared:,} features" if found.columns.size else "All features"
    messages = {
        "standard": f"{many} were standardised twice with the same mean and standard deviation: the grid of their "
        f"values has the step that two divisions leave, to {found.miss:.0e}. They vary by 1/std, where 1 was meant: "
        f"{first} has a standard deviation of {found.std:.3g}.",
        "min-max": f"{many} were scaled to [0, 1] twice with the same minimum and maximum: the grid of their values "
        f"has the step that two divisions leave, to {found.miss:.0e}. They span 1/range, where 1 was meant: "
        f"{first} spans {1 / found.factor:.3g}.",
        "divided": f"{many} were scaled and divided by {FACTORS.get(found.factor, '')} as well: {first} has a "
        f"standard deviation of {found.std:.3g}, and the quotient is exact to {found.miss:.0e}.",
    }
    return Finding(
        messages[found.kind],
        Evidence.of(
            Measure("factor that was divided by a second time", found.factor, 1.0),
            Measure(f"standard deviation of {first}", found.std, 1.0),
            Measure(f"mean of {first}", found.mean),
            Measure("largest miss of the identity", found.miss),
            Measure("features with it", int(found.columns.size) or found.compared, 0),
            Measure("fitted on", over),
        ),
        _once(names),
        splits=names,
        columns=tuple(found.columns.tolist()) if found.columns.size < found.compared else (),
        about=found.kind,
    )


def _again(case: Case, again: ScaledAgain) -> Finding:
    names = tuple(split.name for split in (case.train, *case.comparable))
    whole = again.trace.scaler is Scaler.ONE_STANDARD
    order = abs(again.mean / again.std).argsort(kind="stable")[::-1][:5].tolist()
    worst = order[0]
    came = "came in standardised as a whole" if whole else "came in with mean 0 and standard deviation 1"
    return Finding(
        f"{again.columns.size:,} of {again.compared:,} features {came} over {joined(again.trace.fitted, 'X_')}, "
        f"and {again.step} scales them again, with statistics of other rows: "
        f"{case.feature(int(again.columns[worst]))} goes out with mean {again.mean[worst]:.3g} and standard deviation "
        f"{again.std[worst]:.3g}.",
        Evidence.of(
            Measure("mean behind the callable", float(again.mean[worst]), 0.0),
            Measure("standard deviation behind the callable", float(again.std[worst]), 1.0),
            Measure("largest miss of mean 0 and std 1 before it", again.trace.miss),
            Measure("features scaled again", int(again.columns.size), 0),
            examples=[
                {
                    "feature": case.feature(int(again.columns[i])),
                    "mean behind": float(again.mean[i]),
                    "std behind": float(again.std[i]),
                }
                for i in order
            ],
        ),
        Fix(
            f"Give {again.step} the raw rows, or leave it out.",
            "\n".join(f"X_{name} = preprocess(raw_{name})" for name in names),
        ),
        splits=names,
        about="callable",
    )


def _once(names: tuple[str, ...]) -> Fix:
    lines = [f"X_{name} = scaler.transform(raw_{name})" for name in names]
    return Fix(
        "Keep the raw rows, and scale them once.",
        "\n".join(["scaler = StandardScaler().fit(raw_train)  # or the scaler that is meant", *lines]),
    )


def _hold(names: tuple[str, ...]) -> str:
    return "holds" if len(names) == 1 else "hold"
