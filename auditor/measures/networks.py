"""What a Keras model is: plain frozen data, made by `auditor.measures.models`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.measures.layers import Head
from auditor.measures.losses import Loss, Metric

Shape = tuple[int | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Scaler:
    """A layer that subtracts `mean` and divides by `scale`, arrays that broadcast over a row."""

    layer: str
    kind: str
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    adapted: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Inlet:
    """One input of a model.

    Attributes
    ----------
    name : str
        Key under which x may give it.
    shape : tuple or None
        Shape of one row, None for lengths left open; None where the model does not say.
    scalers : tuple of Scaler
        Layers that scale it before anything else is done with it.
    first : str
        Class of the first other layer; empty where there are several or none.
    layer : str
        Name of that layer.
    channels_first : bool or None
        For a convolution or pooling: where it takes the channels to be.
    vocabulary : int or None
        For an embedding: the number of its rows.
    ndim, min_ndim : int or None
        Number of dimensions, with the batch, that the first layer insists on.
    """

    name: str
    shape: Shape | None = None
    scalers: tuple[Scaler, ...] = ()
    first: str = ""
    layer: str = ""
    channels_first: bool | None = None
    vocabulary: int | None = None
    ndim: int | None = None
    min_ndim: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Outlet:
    """One output of a model, with its loss and metrics; `shape` is that of one row, None where unknown.

    `stack` holds the absolute kernels and biases of the dense layers between the input and the output,
    the first one first; it is empty where anything else changes values on the way, or before the model
    is built.
    """

    name: str
    shape: Shape | None
    head: Head
    loss: Loss | None = None
    metrics: tuple[Metric, ...] = ()
    stack: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...] = ()


@dataclass(frozen=True, slots=True)
class Penalty:
    """A regularizer: the weight that it is on, how it is written, and its value now, if there are weights."""

    weight: str
    label: str
    value: float | None


@dataclass(frozen=True, slots=True)
class BatchNorm:
    """A batch normalization: `fresh` while its moving statistics are as they were made."""

    layer: str
    momentum: float
    ndim: int | None
    fresh: bool


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A model.

    Attributes
    ----------
    kind : str
        ``"Sequential"``, ``"Functional"``, or ``""`` for a subclass whose ``call`` is its own.
    backend : str
        Backend of Keras.
    compiled : bool
        Whether ``compile`` was called.
    own_step : bool
        Whether it has a training step or a loss computation of its own.
    inlets, outlets : tuple
        Inputs and outputs, in the order in which Keras flattens them.
    refusal : str
        Why the layers cannot take the rows given, in Keras' words; empty where they can.
    penalties : tuple of Penalty
        Regularizers of trainable weights.
    activity : tuple of str
        Layers with an activity regularizer.
    trainable : int or None
        Number of trainable weights; None before the model is built.
    flat_kernels : int
        Trainable kernels, if there are at least two and each holds one value alone; else 0.
    batch_norms : tuple of BatchNorm
        Those that are trained.
    optimizer : str
        Class of the optimizer.
    learning_rate : float or None
        None for a schedule.
    """

    kind: str
    backend: str
    compiled: bool
    own_step: bool
    inlets: tuple[Inlet, ...]
    outlets: tuple[Outlet, ...]
    refusal: str = ""
    penalties: tuple[Penalty, ...] = ()
    activity: tuple[str, ...] = ()
    trainable: int | None = None
    flat_kernels: int = 0
    batch_norms: tuple[BatchNorm, ...] = ()
    optimizer: str = ""
    learning_rate: float | None = None
