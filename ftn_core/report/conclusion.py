"""What the table says, in words."""

import statistics
from collections.abc import Sequence

from ftn_core.report.table import BASE_ALONE, FROM_SCRATCH, Row, Table
from ftn_core.words.labels import label


def conclusion(table: Table) -> list[str]:
    """Sentences, all of them computed from the table's rows."""
    levels = [level for level in table.levels if level not in table.unranked]
    ranked = [row for row in table.rows if row.ranked]
    if not levels or not ranked:
        return ["No level tells the rows apart."]
    mean = {row.name: statistics.fmean(row.values[level] or 0.0 for level in levels) for row in ranked}
    best, *others = sorted(ranked, key=lambda row: -mean[row.name])
    named = ", ".join(label(table.quantity, level) for level in levels)
    sentences = [f"Best on average over {table.quantity.name} {named}: {best.name}, {mean[best.name]:.2f} dB."]
    if others:
        behind = ", ".join(f"{row.name} by {mean[best.name] - mean[row.name]:.2f} dB" for row in others)
        sentences.append(f"Behind it are {behind}.")
    rows = {row.name: row for row in table.rows}
    if FROM_SCRATCH in rows:
        sentences += _beside(table, best, rows[FROM_SCRATCH], "networks trained for one level alone", levels)
    sentences += _beside(table, best, rows[BASE_ALONE], "the base alone", levels)
    if unseen := [level for level in levels if level not in table.trained and level not in best.own]:
        first = max(ranked, key=lambda row: statistics.fmean(row.values[level] or 0.0 for level in unseen))
        at = ", ".join(label(table.quantity, level) for level in unseen)
        sentences.append(f"At levels that were not trained for ({at}), {first.name} is best.")
    if table.costs and best.cost[0]:
        sentences.append(f"One more level costs {best.name} {best.cost[0]} of the base's parameters.")
    return sentences


def _beside(table: Table, row: Row, other: Row, name: str, levels: Sequence[float]) -> list[str]:
    """By how much a row is better or worse than another at each level that both have."""
    both = [(level, row.values[level], other.values[level]) for level in levels]
    gains = [f"{a - b:+.2f} dB at {label(table.quantity, s)}" for s, a, b in both if a is not None and b is not None]
    return [f"{row.name} beside {name}: {', '.join(gains)}."] if gains else []
