"""What the service allows: sizes, counts and times, each with its reason."""

from dataclasses import dataclass

from serving.limits import MEBIBYTE, Limits


@dataclass(frozen=True)
class ServiceSettings:
    """Limits of the service.

    Attributes:
        uploads: what an upload may be at most.
        max_json_bytes: largest JSON body. While one is parsed nothing else is done, which takes
            0.3 s at worst; it holds some 2,000 beats with all their digits.
        idle_s: a client that sends or takes nothing for so long is let go.
        head_s: a request's first line and headers must have come after so long.
        upload_s: a whole upload must have come after so long.
        predict_s: predicting one upload may take so long.
        record_s: analysing one recording may take so long; a day of one lead takes 100 s.
        records_waiting: recordings that may wait behind the one in work; more are sent away.
        refresh_s: the checkpoint folders are looked at so often.
        models_in_memory: so many networks are kept loaded.
        allowed_hosts: names that a request may call this server by; empty allows all.
    """

    uploads: Limits = Limits()
    max_json_bytes: int = 8 * MEBIBYTE
    idle_s: float = 30.0
    head_s: float = 20.0
    upload_s: float = 900.0
    predict_s: float = 300.0
    record_s: float = 240.0
    records_waiting: int = 4
    refresh_s: float = 1.0
    models_in_memory: int = 6
    # Else a page elsewhere could talk to a server on this machine by a name of its own choice.
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "::1", "[::1]")
