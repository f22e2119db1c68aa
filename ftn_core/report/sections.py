"""The report: its figures, their order, and how to read each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ftn_core.evaluation.records.baselines import Baselines
from ftn_core.evaluation.records.costs import Cost
from ftn_core.evaluation.records.evaluation import Evaluation
from ftn_core.evaluation.records.filters import Filters
from ftn_core.parameters.quantities import Quantity
from ftn_core.report import curves, dial, filters, perception
from ftn_core.report.conclusion import conclusion
from ftn_core.report.contact_sheet import AMPLIFIED, ContactSheet, plot_contact_sheet
from ftn_core.report.figures import svg
from ftn_core.report.page import ReportSection, facts, figure, items, make_page, smoothness_table
from ftn_core.report.page import dial as dial_section
from ftn_core.report.table import Table, make_table
from ftn_core.words.labels import label


@dataclass(frozen=True)
class Findings:
    """All results that the report shows.

    Args:
        evaluations: of the methods. At the base's level they hold the base's scores.
        costs: by row's name.
        filter_pictures: see ``Filters``.
        sheets: by method.
        quantity: what levels measure.
        training: see ``plot_training``.
        origin: what the results come from: code, photographs, parameters.
        test_images: how many the table is over.
    """

    baselines: Baselines
    evaluations: Sequence[Evaluation]
    costs: Mapping[str, Cost]
    filters: Filters
    filter_pictures: Mapping[str, NDArray[np.float32]]
    sheets: Mapping[str, ContactSheet]
    quantity: Quantity
    training: Mapping[str, Sequence[tuple[float, float]]]
    origin: Mapping[str, str]
    test_images: int

    def table(self) -> Table:
        """The table of PSNR by row and level."""
        return make_table(self.baselines, self.evaluations, self.costs, self.quantity)

    def figures(self) -> dict[str, list[bytes]]:
        """Figures as SVG, by their caption."""
        quantity, evaluations = self.quantity, self.evaluations
        labels = self._dial_labels()
        figures = {
            f"PSNR over {quantity.name}": curves.plot_psnr(self.baselines, evaluations, quantity),
            "Loss over the dial": dial.plot_heat(evaluations, quantity),
            "The calibrated dial": [dial.plot_dial(evaluations, quantity)],
            "One image along the dial": [plot_contact_sheet(n, sheet, labels[n]) for n, sheet in self.sheets.items()],
        }
        if self.filters.changes:
            figures |= {
                "Correlation with the base by layer": [filters.plot_correlation(self.filters)],
                f"Filters of {self.filters.convolution}": [filters.plot_filters(self.filters, self.filter_pictures)],
                "Where the filters go": [filters.plot_trajectories(self.filters)],
            }
        figures["Validation score over the steps of training"] = [curves.plot_training(self.training)]
        if perception.measured(evaluations):
            figures["Perception and distortion"] = [perception.plot_curve(self.baselines, evaluations)]
        return {caption: [svg(figure) for figure in drawn] for caption, drawn in figures.items()}

    def _dial_labels(self) -> dict[str, list[str]]:
        """The levels that each sheet's dial is set to."""
        return {
            e.name: [label(self.quantity, dial.level_of(e, place)) for place in self.sheets[e.name].positions]
            for e in self.evaluations
        }

    def _opening(self) -> dict[str, int]:
        """The position of each sheet's dial that is nearest to the image's own level."""
        nearest = {}
        for e in self.evaluations:
            place = dial.place_of(e, e.sheet_level)
            distances = [abs(position - place) for position in self.sheets[e.name].positions]
            nearest[e.name] = distances.index(min(distances))
        return nearest

    def page(self, figures: Mapping[str, list[bytes]]) -> str:
        """The report as one self-contained HTML file; ``figures`` is what the method of this name gives."""
        return make_page("Image restoration with a dial", self._introduction(), self._sections(figures))

    def _introduction(self) -> str:
        return (
            "Each network here restores images of one kind well and of every other kind badly. The methods adapt one "
            "trained network, the base, to other levels, and go through everything between by a dial. Levels are of "
            f"{self.quantity.name}: {self.quantity.meaning}. Trained levels are those that networks were trained for."
        )

    def _sections(self, figures: Mapping[str, list[bytes]]) -> list[ReportSection]:
        quantity, evaluations = self.quantity, self.evaluations
        table, objective = self.table(), None
        if perception.measured(evaluations):  # the methods were not adapted for PSNR
            objective = make_table(self.baselines, evaluations, self.costs, quantity, metric="objective")
        drawn = iter([figure(caption, data) for caption, data in figures.items()])
        sheet_level = f"{quantity.name} {label(quantity, evaluations[0].sheet_level)}"
        sections = [
            ReportSection(
                "What came out",
                f"Computed from the table of the {'objective' if objective else 'PSNR'}, of one run on "
                f"{self.test_images} test images. Small differences may be chance: repeat it with other seeds (make "
                "seeds) before you build on them.",
                items(conclusion(objective or table)),
            ),
            ReportSection(
                "The table",
                f"PSNR in dB (more is better) on {self.test_images} test images that no network has seen, by "
                f"{quantity.name}: {quantity.meaning}. Each method adapts the base alone to the levels without "
                "a star; at the others its dial is set to the place that was best on validation images. A line has a "
                "base of its own and is trained as one at every level up to its last. 'From scratch' trains a network "
                "for each level anew, with as many steps as base and adaptation together: the reference. "
                "Parameters are what one more level adds; multiply-adds and time are those of one network in use, "
                "beside the base.",
                table.html() + f"<p>{table.legend().replace(chr(92), '')}</p>",
            ),
            ReportSection(
                f"PSNR over {quantity.name}",
                "First: each method with its dial, and behind it, broad, the best that any network trained for one "
                "level reaches at that level. Then: the same beside the best row at each level, where small "
                "differences show.",
                next(drawn),
            ),
            ReportSection(
                "Where the dial should stand",
                "For each level (rows) what is lost by setting the dial elsewhere than to its best place; the line is "
                "what the calibration chose on validation images. The dial's axis names the trained levels and the "
                "ends. The last figure shows how far the dial is from linear. Where a picture can have nothing to "
                "restore, the dial begins with the picture as it is. A wide bright band "
                "forgives a dial that is a little off.",
                next(drawn) + next(drawn),
            ),
            ReportSection(
                "Drag the dial",
                f"The middle of the first test image at {sheet_level}, restored at a few places of the dial, which "
                "opens near this level. One end of it does too little here, the other too much.",
                dial_section(self.sheets, self._dial_labels(), self._opening())
                + next(drawn)
                + f"<p>Under each row: absolute error, {AMPLIFIED} times as bright.</p>",
            ),
            ReportSection(
                "Smoothness",
                "The same image while the dial goes from its beginning to its end in 20 even steps. Evenness: the mean "
                "step over the largest, 1 where every step changes as much as every other. Largest jump: root mean "
                "square over pixels, on the scale 0..255. Monotonicity: the share of steps that lead away from the "
                "beginning. Straightness: the distance between the ends over the length of the way.",
                smoothness_table(evaluations),
            ),
            *self._filter_sections(drawn),
            ReportSection(
                "Training",
                "The score on validation images at each training's own level: weaker degradations give higher curves. "
                "A curve that still rises at its end would gain by more steps.",
                next(drawn),
            ),
            ReportSection(
                "SSIM",
                "The same table in structural similarity (1 is equal).",
                make_table(self.baselines, evaluations, self.costs, quantity, metric="ssim").html(),
            ),
        ]
        if objective:
            sections.append(
                ReportSection(
                    "Perception and distortion",
                    "The levels were adapted for another objective than the error of pixels. Each line is a method's "
                    "dial at the last level, from the base's end to its own: what the objective gains, the pixels "
                    "lose. A line to the left and below another is the better dial. The table has the objective in dB "
                    "(more is better), at the place of the dial that belongs to each column.",
                    next(drawn) + objective.html(),
                )
            )
        sections.append(ReportSection("Where this comes from", "", facts(self.origin)))
        return sections

    def _filter_sections(self, drawn: Iterator[str]) -> list[ReportSection]:
        if not self.filters.changes:
            return []
        return [
            ReportSection(
                "What happens to the filters",
                "Methods that interpolate weights rely on the adapted filters staying close to the base's. First: how "
                "much each convolution's filters still correlate with the base's at the last level. Then some of them, "
                "and all of them in the plane in which most of the changes lie. A method that adds layers, as AdaFM "
                "does with filters larger than 1 x 1, leaves the base's filters as they are.",
                next(drawn) + next(drawn) + next(drawn),
            ),
        ]

    def psnr(self) -> dict[str, dict[float, float]]:
        """The metric that experiments are compared by: PSNR in dB, by row and level."""
        baselines = self.baselines
        scores = {"base": baselines.scores["base"]}
        own = {level: baselines.scores[name][level] for level, name in baselines.from_scratch.items()}
        scores |= {"from scratch": own} if len(own) > 1 else {}
        scores |= {name: baselines.scores[name] for name in baselines.noise_conditioned}
        scores |= {e.name: e.scores for e in self.evaluations}
        return {name: {s: round(x.psnr, 4) for s, x in by_level.items()} for name, by_level in scores.items()}
