"""FIT007."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from auditor import Severity, Status, audit_fit
from auditor.measures.inlets import moving_average_left
from auditor.measures.pictures import axis_is_ordered, is_reshaped

keras = pytest.importorskip("keras")
layers = keras.layers

RNG = np.random.default_rng(0)
RAW = RNG.gamma(2.0, 30.0, size=(300, 4)).astype(np.float32)
Y = (RAW[:, 0] > 60).astype(np.int64)


def network(*stack: Any, shape: tuple[int, ...] | None = (4,)) -> Any:
    start = [] if shape is None else [keras.Input(shape)]
    model = keras.Sequential([*start, *stack, layers.Flatten(), layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer="adam", loss="binary_crossentropy")
    return model


def outcome(model: Any, x: Any = RAW, y: Any = None, **arguments: Any) -> Any:
    y = Y[: len(x)] if y is None else y
    if "validation_data" not in arguments:
        arguments.setdefault("validation_split", 0.2)
    return audit_fit(model, x, y, select="FIT007", **arguments)["FIT007"]


def adapted(rows: np.ndarray, **settings: Any) -> Any:
    layer = layers.Normalization(**settings)
    layer.adapt(rows)
    return layer


@pytest.mark.parametrize("factor", [255, 1 / 255, 1000, 0.01])
def test_normalization_of_another_scale(factor: float) -> None:
    (finding,) = outcome(network(adapted(RAW[:240])), RAW * factor).findings
    assert finding.level is Severity.ERROR
    assert finding.evidence["spread of train over that of the layer"] == pytest.approx(factor, rel=0.2)


@pytest.mark.parametrize("factor", [1.0, 2.0, 0.5])
def test_normalization_of_about_these_rows(factor: float) -> None:
    assert outcome(network(adapted(RAW[:240])), RAW * factor).status is Status.PASSED


@pytest.mark.parametrize("axis", [None, -1, (1, 2, 3), (1, 3)])
def test_normalization_of_images(axis: Any) -> None:
    images = RNG.integers(0, 256, size=(60, 6, 6, 3)).astype(np.float32)
    model = network(adapted(images[:48], axis=axis), shape=(6, 6, 3))
    assert outcome(model, images).status is Status.PASSED
    assert outcome(model, images / 255).findings


def test_a_normalization_adapted_on_all_rows() -> None:
    shifted = np.concatenate([RAW[:240], RAW[240:] * 1.5])
    (finding,) = outcome(network(adapted(shifted)), shifted).findings
    assert (finding.level, finding.splits) == (Severity.ERROR, ("train", "val"))
    (mild,) = outcome(network(adapted(RAW)), RAW).findings
    assert mild.level is Severity.WARNING
    assert "validation rows too" in mild.message
    assert outcome(network(adapted(RAW[:240])), RAW).status is Status.PASSED
    assert (
        outcome(network(adapted(RAW[100:])), RAW).status is Status.PASSED
    )  # some rows, not those of the cut


def test_a_feature_that_never_varied() -> None:
    rows = RAW.copy()
    rows[:240, 2] = 5.0
    (finding,) = outcome(network(adapted(rows[:240])), rows).findings
    assert finding.splits == ("val", "train")
    assert finding.evidence["largest value behind the layer"] > 1e6
    rows[:, 2] = 5.0
    assert outcome(network(adapted(rows[:240])), rows).status is Status.PASSED


def test_normalization_never_adapted() -> None:
    (finding,) = outcome(network(layers.Normalization())).findings
    assert finding.level is Severity.ERROR
    standardized = (RAW - RAW.mean(axis=0)) / RAW.std(axis=0)
    (note,) = outcome(network(layers.Normalization()), standardized).findings
    assert note.level is Severity.INFO
    given = layers.Normalization(mean=60.0, variance=1600.0)
    assert outcome(network(given)).status is Status.PASSED


@pytest.mark.parametrize(
    "settings", [{"scale": 1 / 255}, {"scale": 1 / 127.5, "offset": -1}, {"scale": 1 / 128}]
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_bytes_scaled_twice(settings: dict[str, float], dtype: type) -> None:
    images = RNG.integers(0, 256, size=(60, 6, 6, 1))
    model = network(layers.Rescaling(**settings), shape=(6, 6, 1))
    assert outcome(model, images.astype(np.uint8)).status is Status.PASSED
    assert outcome(model, images.astype(dtype)).status is Status.PASSED
    assert outcome(model, (images / 255).astype(dtype)).findings


def test_other_rescalings_and_blank_images_are_fine() -> None:
    unit = RNG.random((60, 4)).astype(np.float32)
    assert outcome(network(layers.Rescaling(2.0, offset=-1.0)), unit).status is Status.PASSED
    assert outcome(network(layers.Rescaling(1 / 255)), np.zeros((60, 4))).status is Status.PASSED


def test_scaling_layers_follow_one_another() -> None:
    images = RNG.integers(0, 256, size=(60, 6, 6, 3)).astype(np.float32)
    chain = [layers.Rescaling(1 / 255), layers.RandomFlip(), adapted(images[:48] / 255)]
    assert outcome(network(*chain, shape=(6, 6, 3)), images).status is Status.PASSED


@pytest.mark.parametrize(
    ("wanted", "given", "code"),
    [((4,), (5,), "np.zeros"), ((2, 3, 1), (1, 2, 3), "transpose"), ((6,), (2, 3), "reshape")],
)
def test_shapes(wanted: tuple[int, ...], given: tuple[int, ...], code: str) -> None:
    rows = RNG.normal(size=(40, *given))
    (finding,) = outcome(network(shape=wanted), rows).findings
    assert finding.level is Severity.ERROR
    assert code in finding.fix.code or code == "np.zeros"


def test_shapes_of_validation_alone() -> None:
    (finding,) = outcome(network(), RAW, Y, validation_data=(RAW[:9, :3], Y[:9])).findings
    assert finding.splits == ("val",)
    assert "end of the first epoch" in finding.message


def test_series_of_other_lengths_fit_a_model_without_input() -> None:
    series = RNG.normal(size=(40, 10, 3))
    model = keras.Sequential([layers.LSTM(4), layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    val = (RNG.normal(size=(9, 12, 3)), np.zeros(9))
    assert outcome(model, series, np.zeros(40), validation_data=val).status is Status.PASSED


def test_inputs_by_name_and_number() -> None:
    a, b = keras.Input((4,), name="a"), keras.Input((2,), name="b")
    model = keras.Model([a, b], layers.Dense(1, activation="sigmoid")(layers.Concatenate()([a, b])))
    model.compile(optimizer="adam", loss="binary_crossentropy")
    assert outcome(model, {"a": RAW, "b": RAW[:, :2]}, Y).status is Status.PASSED
    assert outcome(model, {"b": RAW[:, :2], "a": RAW}, Y).status is Status.PASSED
    assert outcome(model, [RAW, RAW[:, :2]], Y).status is Status.PASSED
    assert "has no 'b'" in outcome(model, {"a": RAW, "c": RAW}, Y).findings[0].message
    assert "x is 1 array" in outcome(model, RAW, Y).findings[0].message
    assert outcome(model, [RAW[:, :2], RAW], Y).findings  # in the wrong order


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        (RNG.integers(0, 9, (50, 3)), 0.0), (RNG.integers(0, 9, (50, 3)).astype(np.float32), 0.0),
        (RNG.integers(-1, 9, (50, 3)), 0.1), (RNG.integers(0, 10, (50, 3)), 0.1), (RNG.random((50, 3)), 1.0),
    ],
)  # fmt: skip
def test_ids_of_an_embedding(rows: np.ndarray, wrong: float) -> None:
    model = network(layers.Embedding(9, 2), shape=None)
    found = outcome(model, rows, np.zeros(50))
    assert bool(found.findings) is (wrong > 0)


@pytest.mark.parametrize(("momentum", "steps"), [(0.99, 40), (0.9, 3), (0.999, 1000)])
def test_what_is_left_of_a_moving_average(momentum: float, steps: int) -> None:
    layer = layers.BatchNormalization(momentum=momentum)
    layer.build((None, 1))
    value = 1.0
    for _ in range(steps):
        value = value * momentum + (1 - momentum) * 0.0
    assert moving_average_left(momentum, steps) == pytest.approx(value)


def normalized(**arguments: Any) -> Any:
    return outcome(network(layers.Dense(4), layers.BatchNormalization()), **arguments)


def test_batch_normalization_with_few_steps() -> None:
    (finding,) = normalized(batch_size=60, epochs=5).findings
    assert (finding.level, finding.evidence["steps"]) == (Severity.ERROR, 20)
    assert finding.evidence["share of the first value left"] == pytest.approx(0.99**20)
    (finding,) = normalized(batch_size=60, epochs=40).findings
    assert finding.level is Severity.WARNING
    assert normalized(batch_size=8, epochs=40).status is Status.PASSED
    assert normalized(batch_size=60).status is Status.PASSED  # the number of epochs is not known
    (finding,) = normalized(steps_per_epoch=3, epochs=5).findings
    assert finding.evidence["steps"] == 15


def test_batch_normalization_of_standardized_rows_is_a_warning() -> None:
    standardized = (RAW - RAW.mean(axis=0)) / RAW.std(axis=0)
    (finding,) = normalized(x=standardized, batch_size=60, epochs=5).findings
    assert finding.level is Severity.WARNING


def test_batches_of_one_row() -> None:
    found = normalized(batch_size=1, epochs=500)
    assert [finding.level for finding in found.findings] == [Severity.ERROR]
    (finding,) = normalized(batch_size=3, epochs=500).findings
    assert finding.level is Severity.WARNING
    images = RNG.normal(size=(40, 6, 6, 1))
    conv = network(layers.Conv2D(2, 3), layers.BatchNormalization(), shape=(6, 6, 1))
    assert outcome(conv, images, batch_size=1, epochs=500).status is Status.PASSED  # pixels are rows enough


def pictures(size: int = 16, channels: int = 3, *, grey: bool = False) -> np.ndarray:
    i, j = np.mgrid[0:size, 0:size] / size
    rng = np.random.default_rng(3)
    waves = np.sin(
        rng.uniform(2, 9, (80, 1, 1)) * i + rng.uniform(2, 9, (80, 1, 1)) * j + rng.uniform(0, 6, (80, 1, 1))
    )
    shades = np.ones(channels) if grey else np.linspace(1, 0.4, channels)
    return (waves[..., None] * shades + 0.05 * rng.normal(size=(80, size, size, channels))).astype(np.float32)


@pytest.mark.parametrize("grey", [False, True])
def test_images_with_channels_first(grey: bool) -> None:
    right = pictures(grey=grey)
    y = np.zeros(80)
    read = network(layers.Conv2D(2, 3), shape=None)
    assert outcome(read, right, y).status is Status.PASSED
    assert outcome(read, np.moveaxis(right, 3, 1), y).findings[0].about == " axes"
    assert outcome(read, np.moveaxis(right, 3, 1).reshape(right.shape), y).findings
    first = network(layers.Conv2D(2, 3, data_format="channels_first"), shape=None)
    assert outcome(first, right, y).findings
    assert outcome(first, np.moveaxis(right, 3, 1), y).status is Status.PASSED


@pytest.mark.parametrize("seed", range(5))
def test_noise_has_no_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for noise in (
        rng.normal(size=(60, 3, 16, 16)),
        rng.integers(0, 2, size=(60, 3, 16, 16)),
        np.zeros((60, 3, 16, 16)),
    ):
        assert not axis_is_ordered(noise, 3, np.random.default_rng(0))
        assert not is_reshaped(np.moveaxis(noise, 1, 3))


@pytest.mark.parametrize("pattern", ["rows", "columns", "flat"])
def test_stripes_are_not_taken_for_reshaped(pattern: str) -> None:
    i, j = np.mgrid[0:16, 0:16]
    stripes = {"rows": i, "columns": j, "flat": i * 0}[pattern] % 5 / 4.0
    grey = np.repeat(np.tile(stripes, (40, 1, 1))[..., None], 3, axis=3)
    noisy = grey * np.random.default_rng(0).uniform(0.5, 1, (40, 1, 1, 1))
    assert not is_reshaped(grey)
    assert not is_reshaped(noisy)


def test_single_rows_where_batches_are_wanted() -> None:
    tf = pytest.importorskip("tensorflow")
    rows = tf.data.Dataset.from_tensor_slices((RAW, Y))
    found = audit_fit(network(), rows, select="FIT007")["FIT007"]
    assert found.findings[0].about == "batches"
    assert audit_fit(network(), rows.batch(8), select="FIT007")["FIT007"].status is Status.PASSED


def test_what_a_subclass_takes_is_not_known() -> None:
    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.norm = layers.BatchNormalization()
            self.dense = layers.Dense(1)

        def call(self, inputs: Any) -> Any:
            return self.dense(self.norm(inputs))

    model = Own()
    model.compile(optimizer="adam", loss="mse")
    found = outcome(model, epochs=2)
    assert found.findings[0].about == "steps"  # layers are known, though not what stands between them
    assert found.coverage[0].examined == 0
