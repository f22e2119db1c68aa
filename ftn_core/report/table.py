"""The table of scores: a row for each method, a column for each level."""

import html
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ftn_core.evaluation.records.baselines import Baselines
from ftn_core.evaluation.records.costs import Cost
from ftn_core.evaluation.records.evaluation import Evaluation
from ftn_core.evaluation.records.score import Score
from ftn_core.parameters.quantities import Quantity
from ftn_core.words.labels import heading, label

FROM_SCRATCH = "from scratch, one network a level"
BASE_ALONE = "base alone"


@dataclass(frozen=True)
class Row:
    """One row.

    Args:
        values: dB (or SSIM) by level; None if nothing was measured.
        ranked: whether the row competes for best and second best.
        own: levels that this row alone was trained for.
        cost: cells on parameters, multiply-adds and time.
    """

    name: str
    values: dict[float, float | None]
    ranked: bool = False
    own: frozenset[float] = frozenset()
    cost: tuple[str, str, str] = ("", "", "")


@dataclass(frozen=True)
class Table:
    """Rows over the same levels.

    Args:
        trained: levels that every method was trained for.
        unranked: levels at which all methods equal the base, so that none is the best.
        digits: decimal places of the values.
        costs: whether the columns on costs are shown.
    """

    rows: list[Row]
    quantity: Quantity
    trained: frozenset[float]
    unranked: frozenset[float]
    digits: int = 2
    costs: bool = True
    _places: dict[float, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for level in self.levels:
            if level in self.unranked:
                continue
            ranked = {self._rounded(row, level) for row in self.rows if row.ranked} - {None}
            self._places[level] = sorted((v for v in ranked if v is not None), reverse=True)[:2]

    @property
    def levels(self) -> list[float]:
        """The columns."""
        return list(self.rows[0].values)

    def head(self) -> list[str]:
        """Labels of the levels, with a star at levels for which not every method was trained."""
        return [label(self.quantity, level) + ("" if level in self.trained else "*") for level in self.levels]

    def _rounded(self, row: Row, level: float) -> float | None:
        value = row.values[level]
        return None if value is None else round(value, self.digits)

    def place(self, row: Row, level: float) -> int:
        """1 for the best and 2 for the second best of the ranked rows, after rounding; 0 for all others."""
        value = self._rounded(row, level)
        places = self._places.get(level, [])
        return places.index(value) + 1 if row.ranked and value in places else 0

    def text(self, row: Row, level: float) -> str:
        """A cell's value, with a dagger if only this row was trained for the level."""
        value = row.values[level]
        if value is None:
            return "–"
        return f"{value:.{self.digits}f}" + ("†" if level in row.own else "")

    def markdown(self) -> str:
        """The table in Markdown: the best in bold, the second best in italics."""
        cost_heads = ["more parameters a level", "multiply-adds", "time"] if self.costs else []
        heads = [f"PSNR in dB at {heading(self.quantity)}", *self.head(), *cost_heads]
        lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
        for row in self.rows:
            marks = {0: "", 1: "**", 2: "*"}
            cells = [marks[self.place(row, s)] + self.text(row, s) + marks[self.place(row, s)] for s in self.levels]
            lines.append("| " + " | ".join([row.name, *cells, *(row.cost if self.costs else ())]) + " |")
        return "\n".join([*lines, "", self.legend(), ""])

    def legend(self) -> str:
        """The meaning of the marks."""
        words = [
            "Bold: the best, italic: the second, among the methods with a dial and the noise-conditioned networks."
        ]
        if set(self.levels) - self.trained:
            words.append("\\* not trained for.")
        if any(row.own for row in self.rows):
            words.append("† trained for by this row alone.")
        return " ".join(words)

    def html(self) -> str:
        """The table in HTML."""
        heads = [*self.head(), *(["more parameters<br>a level", "multiply-adds", "time"] if self.costs else [])]
        lines = [f"<tr><th>{heading(self.quantity)}</th>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr>"]
        kinds = {0: "", 1: ' class="best"', 2: ' class="second"'}
        for row in self.rows:
            cells = "".join(f"<td{kinds[self.place(row, s)]}>{self.text(row, s)}</td>" for s in self.levels)
            cells += "".join(f"<td>{html.escape(text)}</td>" for text in (row.cost if self.costs else ()))
            kind = "" if row.ranked else ' class="reference"'
            lines.append(f"<tr{kind}><th>{html.escape(row.name)}</th>{cells}</tr>")
        return f'<div class="scroll"><table>{"".join(lines)}</table></div>'


def make_table(
    baselines: Baselines,
    evaluations: Sequence[Evaluation],
    costs: Mapping[str, Cost],
    quantity: Quantity,
    *,
    metric: Literal["psnr", "ssim", "objective"] = "psnr",
    degraded: bool = True,
) -> Table:
    """The table of one evaluation, as in the paper (arXiv 2010.02270, table 2): baselines first, then methods.

    Rows without a value are left out.

    Args:
        metric: which score is shown; only the table of PSNR has columns on costs.
        degraded: whether baselines that learn nothing have rows, too.
    """
    adapted = [e for e in evaluations if not e.own_base] or evaluations
    trained = frozenset.intersection(*(frozenset(e.trained) for e in adapted))

    def values(scores: Mapping[float, Score]) -> dict[float, float | None]:
        return {level: getattr(score, metric) for level, score in scores.items()}

    rows = []
    networks = {*baselines.from_scratch.values(), *baselines.noise_conditioned}
    if degraded:
        rows += [Row(name, values(scores)) for name, scores in baselines.scores.items() if name not in networks]
    rows.append(Row(BASE_ALONE, values(baselines.scores["base"]), cost=_base_cost(costs["base"])))
    levels = list(baselines.scores["base"])
    scratch: dict[float, float | None] = dict.fromkeys(levels)
    for level, name in baselines.from_scratch.items():
        scratch[level] = values(baselines.scores[name])[level]
    if len(baselines.from_scratch) > 1:  # else there is the base alone
        rows.append(Row(FROM_SCRATCH, scratch, cost=("+100 %", "1.00×", "1.00×")))
    for name in baselines.noise_conditioned:
        more = f"{100 * (costs[name].parameters / costs['base'].parameters - 1):+.2f} % for all"
        rows.append(Row(name, values(baselines.scores[name]), ranked=True, cost=(more, *_relative_cost(costs, name))))
    for e in evaluations:
        more = f"+{100 * costs[e.name].extra_parameters:.2f} %"
        own = frozenset(e.trained) - trained
        cost = (more, *_relative_cost(costs, e.name))
        rows.append(Row(e.name, values(e.scores), ranked=True, own=own, cost=cost))
    rows = [row for row in rows if set(row.values.values()) != {None}]
    equal = [
        {s for s in levels if quantity.strength(s) <= quantity.strength(e.base) == quantity.strength(e.trained[0])}
        for e in evaluations
    ]
    unranked = frozenset.intersection(*map(frozenset, equal))
    return Table(rows, quantity, trained, unranked, digits=3 if metric == "ssim" else 2, costs=metric == "psnr")


def spread_table(seeds: Sequence[Mapping[str, Mapping[str, float]]], quantity: Quantity) -> str:
    """A table of mean and sample standard deviation over two seeds or more, in Markdown.

    Args:
        seeds: for each seed, PSNR in dB by row and level, as in ``results/metrics.json``.
    """
    levels = sorted({level for by_level in seeds[0].values() for level in by_level}, key=float)
    heads = [
        f"PSNR in dB over {len(seeds)} seeds, at {quantity.name}",
        *(label(quantity, float(level)) for level in levels),
    ]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, by_level in seeds[0].items():
        cells = ["–"] * len(levels)
        for level in by_level:
            cells[levels.index(level)] = spread([seed[name][level] for seed in seeds])
        lines.append("| " + " | ".join([name, *cells]) + " |")
    return "\n".join(lines) + "\n"


def spread(values: Sequence[float]) -> str:
    """Mean and sample standard deviation of two values or more."""
    return f"{statistics.fmean(values):.2f} ± {statistics.stdev(values):.2f}"


def _base_cost(cost: Cost) -> tuple[str, str, str]:
    return f"{cost.parameters:,} in all", f"{cost.multiply_adds / 1e9:.2f} G", "1.00×"


def _relative_cost(costs: Mapping[str, Cost], name: str) -> tuple[str, str]:
    cost, base = costs[name], costs["base"]
    return f"{cost.multiply_adds / base.multiply_adds:.2f}×", f"{cost.time:.2f}× ± {cost.time_spread:.2f}"
