"""The ablations as a table, the paper's figures beside ours."""

from __future__ import annotations

from collections.abc import Mapping

from narrator_ray.evaluation.paper import paper_row
from narrator_ray.evaluation.storefront import ATTRIBUTES
from narrator_ray.training.ablations.variants import VARIANTS, Variant

Figures = Mapping[str, float]

_SHARES = {
    "labels_right": "labels",
    "label_order_plausible": "label order",
    "in_window_unheld": "length asked for",
    "in_window": "length held",
}
_TRUTHS = {name: name for name in ATTRIBUTES} | {"looking_back": "looking back"}
_PAPERS = {"word_length": "paper: length", "repetition": "paper: repetition", "cider_d": "paper: CIDEr"}
_NONE = "–"


def markdown(done: Mapping[str, Figures]) -> str:
    """A row for every variant that is done; in brackets the share of clips that name the attribute."""
    titles = ["variant", "loss", *_SHARES.values(), *_TRUTHS.values()]
    titles += ["untrue facts", "repetition", *_PAPERS.values()]
    rows = [titles, ["---"] * len(titles)]
    rows += [_row(variant, done[name]) for name, variant in VARIANTS.items() if name in done]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(variant: Variant, figures: Figures) -> list[str]:
    papers = paper_row(variant.paper_row)
    return [
        variant.title,
        f"{figures['loss']:.3f}",
        *(_percent(figures[name]) if name in figures else _NONE for name in _SHARES),
        *(_truth(figures, name) for name in _TRUTHS),
        f"{100 * figures['untrue_facts']:.1f} %",
        f"{figures['repetition']:.2f}",
        *(f"{papers[name]:.1f}" for name in _PAPERS),
    ]


def _truth(figures: Figures, name: str) -> str:
    named = figures[f"{name}_named"]
    return f"{_percent(figures[f'{name}_right'])} ({_percent(named)})" if named else f"{_NONE} (0 %)"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
