"""What a file that is no plain table looks like, told from its first bytes."""

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


# Formats of packed files, and what they begin with.
PACKED = (
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\0", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
)
# The same for others.
SIGNATURES = (
    (b"\x93NUMPY", "a NumPy array (.npy)"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"MATLAB 5.0 MAT-file", "a MATLAB file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Word file"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF-", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"0       ", "an EDF recording"),
    (b"\xffBIOSEMI", "a BDF recording"),
)
# The protocols 2 to 5 say so in their first two bytes.
PICKLES = tuple(b"\x80" + bytes([protocol]) for protocol in (2, 3, 4, 5))
# A zip archive is one of these where its beginning holds such names.
ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
IN_ZIPS = (
    (b"[Content_Types].xml", "an Excel or Word file"),
    (b"application/vnd.oasis.opendocument", "a LibreOffice file"),
    (b".npy", "a NumPy archive (.npz)"),
)
ZIP_ARCHIVE = "a zip archive"
# Where a name in the beginning of a zip archive lies.
ZIP_HEAD_BYTES = 200


def looks_like(head: bytes) -> str | None:
    """What a file is, as ``a gzip file``; None for plain text and for what is not known.

    Args:
        head: the first bytes of the file; a thousand do.
    """
    if head.startswith(ZIP_SIGNATURES):
        start = head[:ZIP_HEAD_BYTES]
        return next((kind for name, kind in IN_ZIPS if name in start), ZIP_ARCHIVE)
    if head.startswith(PICKLES):
        return "a Python pickle"
    for signature, kind in (*PACKED, *SIGNATURES):
        if head.startswith(signature):
            return kind
    return _text_format(head)


def is_packed(head: bytes) -> bool:
    """Whether a file that begins so holds other files, or one, in fewer bytes."""
    return looks_like(head) in (ZIP_ARCHIVE, *(kind for _signature, kind in PACKED))


def _text_format(head: bytes) -> str | None:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:20].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    if start.startswith(b"<?xml"):
        return "an XML file"
    return "a JSON file" if start.startswith((b"{", b"[")) else None
