"""Which split ran over, or was cut, beside the others: train where it is the odd one out."""

from __future__ import annotations

from auditor._context import Context
from auditor.measures.columns import column_statistics
from auditor.measures.cut_fractions import Cut, cut_fractions
from auditor.measures.modular import Modular, modular_map
from auditor.measures.pointwise import transformed
from auditor.measures.whole_pixels import whole_rows
from auditor.measures.wrapping import wrapped

Names = tuple[str, ...]


def damaged_splits(context: Context) -> list[tuple[str, Names, Modular | Cut]]:
    """Return splits that are another one wrapped or cut, each with those it differs from."""
    case = context.case
    names = [split.name for split in case.comparable]
    found = {}
    for name in names:
        for odd, rest in ((name, "train"), ("train", name)):
            one = _map_or_cut(context, odd, rest)
            if one is not None:
                found[name] = (odd, one)
                break
    if not found:
        return []
    train_is_odd = len(found) == len(names) == 2 or any(odd == "train" for odd, _ in found.values())
    if not train_is_odd and all(isinstance(one, Modular) for _, one in found.values()):
        train_is_odd = _runs_over(context, "train") and not any(_runs_over(context, name) for name in found)
    if not train_is_odd:
        return [(name, ("train",), one) for name, (_, one) in found.items()]
    first = next(iter(found))
    return [("train", tuple(found), _map_or_cut(context, "train", first) or found[first][1])]


def _runs_over(context: Context, name: str) -> bool:
    return context.shared(wrapped, name, context.shared(whole_rows, name)) is not None


def _map_or_cut(context: Context, odd: str, rest: str) -> Modular | Cut | None:
    """Return how one split was made of another's values; None where another rule says so."""
    cut = context.shared(cut_fractions, odd, rest)
    if cut is None:
        return modular_map(context.shared(whole_rows, rest), context.shared(whole_rows, odd))
    other = odd if rest == "train" else rest
    stats = [context.shared(column_statistics, name) for name in ("train", other)]
    known = context.shared(transformed, "train", other, *stats)
    return None if known is not None and known.function[:3] != "np." else cut
