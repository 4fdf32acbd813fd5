"""What the scores of changed recordings say, in words."""

from collections.abc import Sequence

from evaluation.shift.measure import Point, curves

USEFUL_MACRO_F1 = 0.8
# A loss of macro-F1 that is not worth speaking of.
SMALL_LOSS = 0.02


def findings(points: Sequence[Point]) -> list[str]:
    """What the scores say, a sentence each."""
    sentences = []
    for change, model, (clean, *changed) in curves(points):
        about = f"{change.title[:1].upper()}{change.title[1:]}, {model}"
        if change.is_noise:
            sentences.append(f"{about}: {_useful_down_to(changed)}")
        elif change.neutral is None:
            fall = clean.scores.macro_f1 - changed[0].scores.macro_f1
            sentences.append(
                f"{about}: macro-F1 {changed[0].scores.macro_f1:.3f}, {fall:.3f} below clean."
            )
        else:
            sentences.append(f"{about}: {_harmless_between(clean, changed)}")
    return sentences


def worst_for_each_class(points: Sequence[Point]) -> list[tuple[str, str, Point, float]]:
    """(model, class, the point where its F1 is lowest, its clean F1), for classes with beats."""
    found = []
    for model in dict.fromkeys(point.model for point in points):
        own = [point for point in points if point.model == model]
        for place, of_class in enumerate(own[0].scores.classes):
            if of_class.support:
                worst = min(own, key=lambda point: point.scores.classes[place].f1)
                found.append((model, of_class.name, worst, of_class.f1))
    return found


def _useful_down_to(noisy: list[Point]) -> str:
    """Where macro-F1 falls below what is useful, between which tested levels."""
    below = [p for p in noisy if p.scores.macro_f1 < USEFUL_MACRO_F1]
    if not below:
        last = noisy[-1]
        return f"macro-F1 is still {last.scores.macro_f1:.3f} at {last.label}."
    first = noisy.index(below[0])
    said = f"macro-F1 falls below {USEFUL_MACRO_F1:g}"
    if first == 0:
        return f"{said} at {noisy[0].label} already ({noisy[0].scores.macro_f1:.3f})."
    above, under = noisy[first - 1], noisy[first]
    return (
        f"{said} between {above.label} ({above.scores.macro_f1:.3f}) and {under.label} "
        f"({under.scores.macro_f1:.3f})."
    )


def _harmless_between(clean: Point, changed: list[Point]) -> str:
    """The levels around the neutral one that cost less than SMALL_LOSS, and the worst of all."""
    change, least = clean.change, clean.scores.macro_f1 - SMALL_LOSS
    assert change.neutral is not None
    below = [p for p in changed if p.level is not None and p.level < change.neutral][::-1]
    above = [p for p in changed if p.level is not None and p.level > change.neutral]
    ends = [_last_harmless(side, least) or change.label(change.neutral) for side in (below, above)]
    worst = min(changed, key=lambda point: point.scores.macro_f1)
    return (
        f"macro-F1 stays within {SMALL_LOSS:g} of clean from {ends[0]} to {ends[1]}; lowest at "
        f"{worst.label} ({worst.scores.macro_f1:.3f})."
    )


def _last_harmless(outwards: list[Point], least: float) -> str:
    """The label of the last point before the first that falls below `least`; empty if none."""
    label = ""
    for point in outwards:
        if point.scores.macro_f1 < least:
            break
        label = point.label
    return label
