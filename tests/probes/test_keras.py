"""Keras layers and models as preprocessing."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Report, audit

keras = pytest.importorskip("keras")
layers = keras.layers

X = np.random.default_rng(0).gamma(2.0, [1.0, 20.0, 300.0, 0.5], size=(300, 4)).astype(np.float32)
CUT = {"train": slice(0, 180), "val": slice(180, 240), "test": slice(240, 300)}
IMAGES = np.random.default_rng(1).integers(0, 256, (90, 8, 8, 3)).astype(np.float32)


def run(preprocess, rows=X) -> Report:
    cuts = [slice(0, int(0.6 * len(rows))), slice(int(0.6 * len(rows)), int(0.8 * len(rows)))]
    cuts.append(slice(int(0.8 * len(rows)), len(rows)))
    return audit(*[rows[cut] for cut in cuts], preprocess=preprocess, select="PRE")


def codes(preprocess, rows=X) -> list[str]:
    report = run(preprocess, rows)
    assert not report.crashed
    return [finding.code for finding in report.findings]


def adapted(layer, rows):
    layer.adapt(rows)
    return layer


def numbers():
    return layers.Normalization(), layers.Discretization(num_bins=5)


@pytest.mark.parametrize("which", [0, 1])
def test_adapted_layers(which: int) -> None:
    assert codes(adapted(numbers()[which], X[:180])) == []
    report = run(adapted(numbers()[which], X))
    (finding,) = report.findings
    assert finding.code == "PRE001"
    assert finding.splits == ("val", "test", "train")
    assert "adapt(X_train)" in finding.fix.code


def test_layers_that_were_given_what_they_know() -> None:
    assert codes(layers.Normalization(mean=3.0, variance=2.0)) == []
    assert codes(layers.Discretization(bin_boundaries=[1.0, 2.0])) == []


@pytest.mark.parametrize("functional", [False, True])
def test_layers_inside_a_model(functional: bool) -> None:
    for rows, expected in ((X[:180], []), (X, ["PRE001"])):
        inner = adapted(layers.Normalization(), rows / 10)
        if functional:
            entry = keras.Input((4,))
            model = keras.Model(entry, inner(layers.Rescaling(0.1)(entry)))
        else:
            model = keras.Sequential([keras.Input((4,)), layers.Rescaling(0.1), inner])
        assert codes(model) == expected


def test_a_layer_inside_a_function() -> None:
    for rows, expected in ((X[:180], []), (X, ["PRE001"])):
        layer = adapted(layers.Normalization(), rows / 10)
        assert codes(lambda batch, layer=layer: layer(batch / 10)) == expected


def test_vocabularies() -> None:
    words = np.array([f"the {name} number {i % 5}" for i, name in enumerate(["red", "blue", "odd"] * 100)])
    words[250] = "unseen term"
    for rows, expected in ((words[:180], []), (words, ["PRE001"])):
        layer = adapted(layers.TextVectorization(output_sequence_length=5), list(rows))
        made = {f"X_{name}": np.asarray(layer(words[cut])) for name, cut in CUT.items()}
        raw = {f"raw_{name}": words[cut] for name, cut in CUT.items()}
        report = audit(**made, **raw, preprocess=layer, select="PRE")
        assert [finding.code for finding in report.findings] == expected


@pytest.mark.parametrize(
    "layer",
    [
        layers.Rescaling(1 / 255),
        layers.UnitNormalization(),
        layers.CenterCrop(4, 4),
        layers.Resizing(4, 4),
        layers.GlobalAveragePooling2D(),
        layers.Conv2D(4, 3, activation="relu"),
        layers.Flatten(),
        layers.Identity(),
    ],
)
def test_layers_that_keep_to_the_row(layer) -> None:
    assert codes(layer, IMAGES) == []


def test_category_layers() -> None:
    rows = np.random.default_rng(0).integers(0, 5, (120, 1))
    assert codes(layers.CategoryEncoding(num_tokens=5, output_mode="one_hot"), rows) == []
    assert codes(layers.Hashing(num_bins=3), rows) == []
    assert codes(adapted(layers.IntegerLookup(), rows[:72]), rows) == []


def test_augmentation() -> None:
    flip = layers.RandomFlip(seed=3)
    flip(IMAGES[:2])
    state = flip.variables[0].numpy()
    report = run([layers.Rescaling(1 / 255), flip], IMAGES)
    (finding,) = report.findings
    assert finding.code == "PRE003"
    assert "RandomFlip draws at random" in finding.message
    np.testing.assert_array_equal(flip.variables[0].numpy(), state)
    assert report.to_dict() == run([layers.Rescaling(1 / 255), flip], IMAGES).to_dict()


def test_augmentation_does_not_hide_a_dependence() -> None:
    flip = layers.RandomFlip(seed=3)
    assert set(codes(lambda batch: flip(batch / batch.max()), IMAGES)) == {"PRE002", "PRE003"}


def test_batch_normalization() -> None:
    layer = layers.BatchNormalization()
    layer.build((None, 4))
    before = layer.get_weights()
    assert codes(layer) == []
    assert codes(lambda batch: layer(batch, training=True)) == ["PRE002"]
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_compiled_functions_and_tensors() -> None:
    tf = pytest.importorskip("tensorflow")

    @tf.function
    def log(batch):
        return tf.math.log1p(batch)

    @tf.function
    def standardise(batch):
        return (batch - tf.reduce_mean(batch, 0)) / tf.math.reduce_std(batch, 0)

    assert codes(log) == []
    assert codes(standardise) == ["PRE002"]
    assert codes(log, tf.constant(X)) == []
    assert codes(standardise, tf.constant(X)) == ["PRE002"]


def test_a_large_input_is_called_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    import auditor.probes.callables as module

    monkeypatch.setattr(module, "CHUNK_BYTES", 100)
    monkeypatch.setattr(module, "CHUNK_ROWS", 50)
    made = module.as_step(layers.Rescaling(0.5)).call(X)
    np.testing.assert_array_equal(made, X * 0.5)
