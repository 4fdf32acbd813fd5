"""A recording: leads in millivolts, whatever file they came from.

Short, because all readers make it and all of `recordings` takes it.
"""

from dataclasses import dataclass

import numpy as np

from utils.errors import InputError


@dataclass(frozen=True)
class Recording:
    """One recording of one person.

    Attributes:
        name: the record's or the file's name, without folder and suffix.
        signal_mv: (samples, leads) float32, NaN where nothing was recorded.
        sampling_hz: samples per second.
        leads: names, each of them once.
        notes: sentences that tell what was unusual in the file.
        subject: age and sex of the person as the file gives them; may be empty.
    """

    name: str
    signal_mv: np.ndarray
    sampling_hz: float
    leads: tuple[str, ...]
    notes: tuple[str, ...] = ()
    subject: str = ""

    @property
    def duration_s(self) -> float:
        return len(self.signal_mv) / self.sampling_hz

    def lead_named(self, lead: str) -> str:
        """The lead of this name, which may be in upper or lower case.

        Raises:
            InputError: there is no such lead.
        """
        for name in self.leads:
            if name.lower() == lead.lower():
                return name
        raise InputError(
            f"recording {self.name} has no lead {lead}; its leads: {', '.join(self.leads)}"
        )

    def lead_mv(self, lead: str) -> np.ndarray:
        """(samples,) float32 of the lead of this name; raises InputError where there is none."""
        return self.signal_mv[:, self.leads.index(self.lead_named(lead))]
