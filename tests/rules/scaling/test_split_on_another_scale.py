"""SCL001."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Severity, Status, audit


def images(n: int = 240, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shade = rng.normal(120, 40, size=(n, 1, 1)) + rng.normal(0, 30, size=(n, 6, 6))
    return np.clip(shade, 0, 255).astype(np.uint8)


def table(n: int = 400, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    parts = [
        rng.gamma(2, 3, n),
        rng.normal(60, 12, n),
        rng.lognormal(0, 0.5, n),
        np.round(rng.normal(170, 9, n)),
        rng.integers(18, 90, n),
        rng.exponential(2000, n),
    ]
    return np.stack(parts, axis=1)


def standard(X: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return (X - rows.mean(axis=0)) / rows.std(axis=0)


UNITS = {
    "integers": lambda X: X,
    "1/255": lambda X: X / 255,
    "1/255 in 32 bits": lambda X: (X / 255).astype(np.float32),
    "1/127.5 - 1": lambda X: X / 127.5 - 1,
    "1/255²": lambda X: X / 65025,
}


@pytest.mark.parametrize("eval_unit", UNITS)
@pytest.mark.parametrize("train_unit", UNITS)
def test_units_of_images(train_unit: str, eval_unit: str) -> None:
    X = images()
    report = audit(UNITS[train_unit](X[:180]), UNITS[eval_unit](X[180:]), select="SCL001")
    assert len(report.errors) == (train_unit.split(maxsplit=1)[0] != eval_unit.split(maxsplit=1)[0])


@pytest.mark.parametrize(("train_unit", "eval_unit"), [("1/255", "integers"), ("integers", "1/255")])
def test_the_raw_split_is_the_odd_one_of_two(train_unit: str, eval_unit: str) -> None:
    X = images()
    (finding,) = audit(UNITS[train_unit](X[:180]), UNITS[eval_unit](X[180:]), select="SCL001").errors
    assert finding.splits == (("val", "train") if eval_unit == "integers" else ("train", "val"))
    assert finding.evidence["factor between the splits"] == 255
    assert "/ 255" in finding.fix.code


def test_the_majority_decides_among_three() -> None:
    X = images()
    (finding,) = audit(X[:120] / 255, X[120:180] / 255, X[180:], select="SCL001").errors
    assert finding.splits == ("test", "train")
    (finding,) = audit(X[:120], X[120:180] / 255, X[180:] / 255, select="SCL001").errors
    assert finding.splits == ("train", "val", "test")


@pytest.mark.parametrize("factor", [255.0, 1 / 255, 1000.0, 0.01, 100.0, 65025.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_factor_shared_by_all_features(factor: float, dtype: type) -> None:
    X = table().astype(dtype)
    (finding,) = audit(X[:300], X[300:] * dtype(factor), select="SCL001").errors
    assert max(finding.evidence["factor between the splits"], 1e-12) == pytest.approx(factor, rel=1e-4)


@pytest.mark.parametrize("factor", [255.0, 1 / 255])
def test_a_factor_before_the_scaler(factor: float) -> None:
    X = table()
    train, val = standard(X[:300], X[:300]), standard(X[300:] * factor, X[:300])
    (finding,) = audit(train, val, select="SCL001").errors
    assert finding.evidence["factor between the splits"] == pytest.approx(factor, rel=1e-4)
    assert "before it was scaled" in finding.message


def test_another_unit_in_one_column() -> None:
    X = table()
    X[300:, 1] *= 1000
    (finding,) = audit(X[:300], X[300:], select="SCL001").errors
    assert finding.columns == (1,)
    assert "X_val[:, [1]] / 1000" in finding.fix.code


@pytest.mark.parametrize("raw", ["val", "train"])
def test_scaler_not_applied(raw: str) -> None:
    X = table()
    parts = {"train": X[:300], "val": X[300:]}
    made = {f"X_{k}": part if k == raw else standard(part, X[:300]) for k, part in parts.items()}
    (finding,) = audit(**made, select="SCL001").errors
    assert finding.splits[0] == raw
    assert f"The scaler was not applied to X_{raw}" in finding.message


def test_neither_evaluation_split_was_scaled() -> None:
    X = table()
    report = audit(standard(X[:200], X[:200]), X[200:300], X[300:], select="SCL001")
    assert {finding.splits for finding in report.errors} == {("val", "train"), ("test", "train")}


def test_unit_range_not_applied() -> None:
    X = table()
    low, high = X[:300].min(axis=0), X[:300].max(axis=0)
    (finding,) = audit((X[:300] - low) / (high - low), X[300:], select="SCL001").errors
    assert finding.splits == ("val", "train")


def shifted(kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    X = table(600, seed=int(rng.integers(1000)))
    train, val = X[:400], X[400:].copy()
    if kind == "gain":
        val *= rng.uniform(0.8, 1.25, size=6)
    if kind == "offset":
        val += train.std(axis=0) * rng.uniform(-1, 1, size=6)
    if kind == "old":
        order = np.argsort(X[:, 4])
        train, val = X[order[:400]], X[order[400:]]
    if kind == "large":
        train, val = X[X[:, 5] < 1500], X[X[:, 5] >= 1500]
    if kind == "growing":
        X = X * np.linspace(1, 3, 600)[:, None]
        train, val = X[:400], X[400:]
    return train, val


@pytest.mark.parametrize("kind", ["none", "gain", "offset", "old", "large", "growing"])
@pytest.mark.parametrize("scaled", [False, True])
def test_silent_on_honest_shift(kind: str, *, scaled: bool) -> None:
    for seed in range(5):
        train, val = shifted(kind, np.random.default_rng(seed))
        parts = (standard(train, train), standard(val, train)) if scaled else (train, val)
        assert not audit(*parts, select="SCL001").findings, seed


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: rng.standard_cauchy((300, 5)),
        lambda rng: np.where(rng.random((300, 9)) < 0.03, rng.lognormal(0, 2, (300, 9)), 0),
        lambda rng: np.eye(5)[rng.integers(0, 5, 300)],
        lambda rng: np.arange(300.0)[:, None],
        lambda rng: 1.6e9 + np.cumsum(rng.exponential(60, (300, 1)), axis=0),
        lambda rng: np.arange(300.0)[:, None] * rng.normal(size=(1, 4)),
        lambda rng: np.cumsum(rng.normal(size=(300, 5)), axis=0),
        lambda rng: np.zeros((300, 3)),
    ],
    ids=["cauchy", "sparse", "one-hot", "index", "timestamps", "trends", "random walks", "constant"],
)
def test_silent_on_awkward_features_split_in_order(make) -> None:
    for seed in range(3):
        X = make(np.random.default_rng(seed))
        for cut in (150, 240, 290):
            assert not audit(X[:cut], X[cut:], select="SCL001").findings


def test_a_division_by_256_is_a_warning() -> None:
    X = images()
    (finding,) = audit(X[:180] / 255, X[180:] / 256, select="SCL001").findings
    assert finding.level is Severity.WARNING


@pytest.mark.parametrize("n", [0, 1, 2, 9])
def test_too_few_rows_say_nothing(n: int) -> None:
    X = table()
    report = audit(X[:300], X[300 : 300 + n] * 255, select="SCL001")
    assert not report.findings
    assert not report.crashed


def test_wide_rows_report_what_was_compared() -> None:
    X = np.random.default_rng(0).gamma(2, size=(60, 1000))
    report = audit(X[:40], X[40:] * 255, select="SCL001")
    assert report["SCL001"].coverage[0].examined == 256
    assert report.errors


def test_missing_values() -> None:
    X = table()
    X[np.random.default_rng(0).random(X.shape) < 0.2] = np.nan
    assert audit(X[:300], X[300:] * 1000, select="SCL001").errors
    assert audit(X[:300], X[300:], select="SCL001")["SCL001"].status is Status.PASSED


def coarse(n: int = 500, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    parts = [rng.integers(low, high, n) for low, high in ((0, 2), (1, 4), (1, 6), (0, 5), (2, 8))]
    return np.stack(parts, axis=1).astype(np.float64)


@pytest.mark.parametrize("factor", [255.0, 1 / 255, 1000.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("split", [0, 1])
def test_a_factor_of_features_of_few_values(factor: float, dtype: type, split: int) -> None:
    X = coarse()
    parts = [X[:350].astype(dtype), X[350:].astype(dtype)]
    parts[split] = (parts[split] * factor).astype(dtype)
    (finding,) = audit(*parts, select="SCL001").errors
    told = finding.evidence["factor between the splits"]
    assert told == pytest.approx(factor if split == 1 else 1 / factor, rel=1e-4)


def robust(X: np.ndarray, rows: np.ndarray) -> np.ndarray:
    low, middle, high = np.quantile(rows, (0.25, 0.5, 0.75), axis=0)
    return (X - middle) / np.where(high > low, high - low, 1)


def ranged(X: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return (X - rows.min(axis=0)) / np.ptp(rows, axis=0)


@pytest.mark.parametrize("scaler", [standard, ranged])
@pytest.mark.parametrize("raw", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_scaler_forgotten_on_features_of_few_values(scaler, raw: int, dtype: type) -> None:
    X = coarse()
    parts = [X[:350], X[350:]]
    parts[1 - raw] = scaler(parts[1 - raw], X)
    (finding,) = audit(*(part.astype(dtype) for part in parts), select="SCL001").errors
    assert "scaler was not applied" in finding.message


@pytest.mark.parametrize("scaler", [standard, robust, ranged])
def test_a_scaler_forgotten_on_decimals_of_usual_size(scaler) -> None:
    X = np.round(np.random.default_rng(1).gamma(3, [0.4, 0.8, 2.0, 3.0, 0.2], size=(600, 5)), 2)
    (finding,) = audit(scaler(X[:400], X[:400]), X[400:], select="SCL001").errors
    assert finding.splits == ("val", "train")


@pytest.mark.parametrize("seed", range(4))
def test_features_of_few_values_pass_where_populations_differ(seed: int) -> None:
    X, rng = coarse(800, seed), np.random.default_rng(seed)
    apart = rng.random(800) < (X[:, 4] - 1.5) / 7
    gains = 1 + rng.uniform(0.005, 0.02, 5)
    for train, val in ((X[~apart], X[apart]), (X[:500], X[500:] * gains), (X[:500], np.rint(X[500:] + 1))):
        assert not audit(train, val, select="SCL001").findings


def decimal_table(n: int = 300, seed: int = 0) -> np.ndarray:
    """Measurements in one to four decimals, near the scale of a standardised feature."""
    rng = np.random.default_rng(seed)
    parts = [np.round(rng.normal(0.8, 0.5, n), k) for k in (2, 3, 4, 2)]
    return np.stack([*parts, rng.integers(0, 4, n), rng.integers(0, 2, n)], axis=1)


def fitted(kind: str, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return centre and scale of a scaler fitted on rows."""
    low, middle, high = np.quantile(X, (0.25, 0.5, 0.75), axis=0)
    return {
        "standard": (X.mean(axis=0), X.std(axis=0)),
        "ddof 1": (X.mean(axis=0), X.std(axis=0, ddof=1)),
        "min-max": (X.min(axis=0), np.ptp(X, axis=0)),
        "robust": (middle, np.where(high > low, high - low, 1.0)),
        "max-abs": (np.zeros(X.shape[1]), np.abs(X).max(axis=0)),
    }[kind]


@pytest.mark.parametrize("raw", ["train", "val", "test"])
@pytest.mark.parametrize("kind", ["standard", "ddof 1", "min-max", "robust"])
def test_a_scaler_of_train_that_stretches_little(kind: str, raw: str) -> None:
    X = decimal_table()
    centre, scale = fitted(kind, X[:200])
    parts = dict(zip(("train", "val", "test"), (X[:200], X[200:250], X[250:]), strict=True))
    scaled = {f"X_{name}": part if name == raw else (part - centre) / scale for name, part in parts.items()}
    (finding,) = audit(**scaled, select="SCL001").errors
    assert finding.splits[0] == raw
    assert not audit(**{f"X_{k}": (v - centre) / scale for k, v in parts.items()}, select="SCL001").findings
    assert not audit(**{f"X_{k}": v for k, v in parts.items()}, select="SCL001").findings


@pytest.mark.parametrize("raw", ["train", "val"])
def test_codes_scaled_by_quartiles_take_other_values(raw: str) -> None:
    rng = np.random.default_rng(3)
    X = (rng.random((400, 8)) < [0.8, 0.7, 0.75, 0.8, 0.3, 0.2, 0.1, 0.6]).astype(float)
    centre, scale = fitted("robust", X[:300])
    train, val = X[:300], X[300:]
    scaled = (train - centre) / scale, (val - centre) / scale
    given = (train, scaled[1]) if raw == "train" else (scaled[0], val)
    (finding,) = audit(*given, select="SCL001").errors
    assert finding.columns == (0, 1, 2, 3, 7)
    assert not audit(*scaled, select="SCL001").findings


def test_full_digits_agree_with_what_the_scaler_makes() -> None:
    rng = np.random.default_rng(4)
    X = rng.gamma(3, 0.3, size=(500, 6)) + np.arange(6) / 4
    centre, scale = fitted("standard", X[:300])
    (finding,) = audit(X[:300], (X[300:] - centre) / scale, select="SCL001").errors
    assert finding.splits == ("train", "val")


@pytest.mark.parametrize("places", [1, 2, 3, 5])
@pytest.mark.parametrize("kind", ["standard", "min-max", "robust", "max-abs"])
def test_a_shifted_split_rounded_for_storage_is_no_error(kind: str, places: int) -> None:
    X = np.random.default_rng(5).gamma(3, 0.3, size=(500, 6)) + np.arange(6) / 4
    centre, scale = fitted(kind, X[:300])
    train, val = (X[:300] - centre) / scale, (X[300:] + 0.3 - centre) / scale
    for finding in audit(train, np.round(val, places), select="SCL001").findings:
        assert finding.level is Severity.WARNING
        assert "or its rows are others and were rounded later" in finding.message
    assert not audit(train, val, select="SCL001").findings
    assert not audit(train, np.round((X[300:] - centre) / scale, places), select="SCL001").findings


def test_decimals_near_the_range_of_the_scaler_are_a_warning() -> None:
    """Raw values of three decimals, a little aside of what train's scaler made: nobody rounds so, but one might."""
    X = np.round(np.random.default_rng(6).normal(0.8, 0.9, size=(600, 6)), 3)
    train = standard(X[:400], X[:400])
    (finding,) = audit(train, X[400:], select="SCL001").findings
    assert finding.level is Severity.WARNING
    assert finding.splits == ("val", "train")
    assert not audit(train, standard(X[400:], X[:400]), select="SCL001").findings


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_split_stored_in_fewer_bits_is_no_raw_one(dtype: str) -> None:
    X = decimal_table()
    centre, scale = fitted("standard", X[:200])
    scaled = (X - centre) / scale
    assert not audit(scaled[:200], scaled[200:].astype(dtype), select="SCL001").findings
    wide = scaled[200:].astype(dtype).astype(float)
    assert not audit(scaled[:200], wide, select="SCL001").findings


def test_missing_values_do_not_hide_a_forgotten_scaler() -> None:
    X = decimal_table()
    X[np.random.default_rng(6).random(X.shape) < 0.05] = np.nan
    centre, scale = np.nanmean(X[:200], axis=0), np.nanstd(X[:200], axis=0)
    assert audit((X[:200] - centre) / scale, X[200:], select="SCL001").errors
    assert audit(X[:200], (X[200:] - centre) / scale, select="SCL001").errors
