"""How the text of a file is encoded, told from its first bytes."""

import codecs
import re

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Of UTF-16's bytes, so many are zero in text that is mostly ASCII.
ZERO_SHARE = 0.9
# No text holds them; tabulators, ends of lines and form feeds are fine.
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")


def text_encoding(head: bytes) -> str | None:
    """Python's name of the encoding of a text file, None where it is no text file.

    UTF-8, 16 and 32 are known by their byte order marks, UTF-16 without one by its zeros. All
    else is UTF-8 or like it: ASCII can be read, and other characters may not be valid.

    Args:
        head: the first bytes of the file; a few thousand do.
    """
    for mark, name in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return name
    if b"\0" in head:
        return _utf_16(head)
    return None if _CONTROLS.search(head) else "utf-8"


def _utf_16(head: bytes) -> str | None:
    """UTF-16 where every other byte is zero, as in ASCII; else these zeros are no text's."""
    first, second = head[::2], head[1::2]
    for zeros, others, name in ((second, first, "utf-16-le"), (first, second, "utf-16-be")):
        is_zero = zeros.count(0) >= ZERO_SHARE * max(1, len(zeros))
        if is_zero and others and not _CONTROLS.search(others):
            return name
    return None
