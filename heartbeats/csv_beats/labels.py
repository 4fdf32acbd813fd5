"""The labels that a CSV file of beats may have: numbers, or names of classes."""

from collections.abc import Sequence
from dataclasses import dataclass

from heartbeats.csv_beats.layout import Layout, number_of

# Kaggle's files of PTB begin with this, and their labels mean these.
PTB_FILES, PTB_CLASSES = "ptbdb_", ("normal", "abnormal")


@dataclass(frozen=True)
class Labels:
    """Attributes: `count`, labels are 0 to `count` - 1; `names` of the classes, or none."""

    count: int
    names: tuple[str, ...] = ()

    @classmethod
    def known(cls, classes: int | Sequence[str]) -> "Labels":
        """From the number of the classes, or from their names."""
        return cls(classes) if isinstance(classes, int) else cls(len(classes), tuple(classes))

    def label_of(self, cell: str, layout: Layout) -> int | None:
        """The label in a cell, by name in upper or lower case; None where there is none."""
        if layout.has_named_labels:
            names = [name.casefold() for name in self.names]
            return names.index(cell.casefold()) if cell.casefold() in names else None
        number = number_of(cell, layout.decimal)
        return None if number is None or number not in range(self.count) else int(number)

    def expected(self) -> str:
        """What to say of them to somebody who gave others."""
        names = f" or {', '.join(self.names)}" if self.names else ""
        return f"a label, 0 to {self.count - 1}{names}"


def label_notes(name: str, class_names: Sequence[str]) -> tuple[str, ...]:
    """Sentences on what the labels of a file mean, where a model's classes are others.

    Args:
        name: of the file.
        class_names: of the model that its beats are given to.
    """
    if not name.lower().startswith(PTB_FILES) or tuple(class_names) == PTB_CLASSES:
        return ()
    return (
        f"The labels in Kaggle's {PTB_FILES}*.csv mean patients, normal (0) and abnormal (1), not "
        f"beats of {class_names[0]} and {class_names[1]}: scores against them say little.",
    )
