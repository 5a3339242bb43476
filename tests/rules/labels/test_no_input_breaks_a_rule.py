"""Rules on labels, shapes, groups and time never crash, whatever the arrays hold."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from auditor import audit

MINE = "LBL,SHP,DEP,TGT002,TGT003"
DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]

values = st.one_of(
    st.sampled_from([0, 1, -1, 2, 255, 999, -(2**31)]),
    st.sampled_from([np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, 0.5, -0.0]),
)


def _array(draw: st.DrawFn, shape: tuple[int, ...]) -> np.ndarray:
    dtype = draw(st.sampled_from(DTYPES))
    pool = np.array(draw(st.lists(values, min_size=1, max_size=4)), dtype=np.float64)
    picked = draw(arrays.arrays(np.int8, shape, elements=st.integers(0, len(pool) - 1)))
    if np.dtype(dtype).kind == "f":
        with np.errstate(over="ignore"):
            return pool[picked].astype(dtype)
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(pool[picked], posinf=1, neginf=0).astype(dtype)


def _labels(draw: st.DrawFn, n: int) -> object:
    kind = draw(st.sampled_from(["array", "one-hot", "text", "many", "none", "short", "matrix"]))
    if kind == "none":
        return None
    if kind == "one-hot":
        return np.eye(3)[draw(arrays.arrays(np.int64, n, elements=st.integers(0, 2)))]
    if kind == "text":
        return draw(
            st.lists(st.sampled_from(["a", "A", " a", "", "nan", "b", "1", "1.0"]), min_size=n, max_size=n)
        )
    if kind == "many":
        return np.arange(n)
    if kind == "short":
        return np.arange(n + 1)
    return _array(draw, (n, 2) if kind == "matrix" else (n,))


@st.composite
def cases(draw: st.DrawFn) -> dict[str, object]:
    given_parts: dict[str, object] = {}
    tail = draw(st.sampled_from([(), (1,), (3,), (4, 4), (2, 3, 3), (1, 2, 2, 2)]))
    for name in ("train", "val", "test"):
        if name != "train" and not draw(st.booleans()):
            continue
        n = draw(st.sampled_from([0, 1, 2, 3, 12, 60, 120]))
        other = tail if draw(st.integers(0, 5)) else draw(st.permutations(tail))
        given_parts[f"X_{name}"] = _array(draw, (n, *other))
        given_parts[f"y_{name}"] = _labels(draw, n) if n else None
        if draw(st.booleans()):
            given_parts[f"groups_{name}"] = _array(draw, (n,))
        if draw(st.booleans()):
            given_parts[f"time_{name}"] = _array(draw, (n,))
    return given_parts


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(cases())
def test_no_rule_crashes(parts: dict[str, object]) -> None:
    report = audit(**parts, select=MINE)
    assert report.crashed == (), report.crashed[0].traceback
    assert report.to_json() == audit(**parts, select=MINE).to_json()
