"""Pictures of one recording."""

from matplotlib.figure import Figure

from ecg.recording import Recording
from recordings.analysis import Analysis
from recordings.pictures.beat_shapes import class_beats_figure, cluster_beats_figure
from recordings.pictures.rhythm_plots import rhythm_figure
from recordings.pictures.signs import usable
from recordings.pictures.strip import strip_figures
from recordings.pictures.zoom import zoom_figure


def draw_all(analysis: Analysis, recording: Recording) -> dict[str, Figure]:
    """Every picture of a recording by its name: `strip` (`strip_1` ... where it is long), `zoom`,
    and where there are usable beats `rhythm`, `beats` and `clusters`.
    """
    pages = strip_figures(analysis, recording)
    names = ["strip"] if len(pages) == 1 else [f"strip_{n + 1}" for n in range(len(pages))]
    figures = dict(zip(names, pages, strict=True))
    figures["zoom"] = zoom_figure(analysis, recording)
    if not usable(analysis.beats).empty:
        figures["rhythm"] = rhythm_figure(analysis)
        figures["beats"] = class_beats_figure(analysis, recording)
        figures["clusters"] = cluster_beats_figure(analysis, recording)
    return figures
