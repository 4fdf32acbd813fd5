"""A large text file as blocks of whole lines in UTF-8, so that memory stays flat."""

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from utils.errors import InputError
from utils.file_kinds import looks_like, text_encoding

# About 900 beats of Kaggle's files; larger blocks take more memory and are not faster.
BLOCK_BYTES = 4 * 2**20
# A beat of 187 values takes about 5,000 bytes where every number has 18 decimals.
LINE_BYTES = 2**18
# This much of a file is enough to recognise its kind.
HEAD_BYTES = 2**16
# A line of these alone is blank.
BLANKS = b" \t"


@dataclass(frozen=True)
class Block:
    """Some lines of a file.

    Attributes:
        text: the lines in UTF-8, each but the file's last ended by a newline.
        first_row: number of the first line in the file, from 1.
        line_count: number of lines, blank ones included.
        bytes_read: of the file, up to here.
    """

    text: bytes
    first_row: int
    line_count: int
    bytes_read: int

    def lines(self) -> Iterator[tuple[int, str]]:
        """All lines that are not blank, with their numbers."""
        for row, line in enumerate(self.text.split(b"\n"), self.first_row):
            if line and line.strip(BLANKS):  # most blank lines are empty
                yield row, line.decode("utf-8", "replace")

    def without(self, rows: int) -> "Block":
        """The block without its first `rows` lines."""
        text = self.text
        for _ in range(rows):
            text = text.partition(b"\n")[2]
        return Block(text, self.first_row + rows, self.line_count - rows, self.bytes_read)


def blocks(path: Path, where: str, wanted: str) -> Iterator[Block]:
    """The file as blocks that end with their lines, of about BLOCK_BYTES.

    Line ends of Windows and of old Macs become newlines; a byte order mark is left out.

    Args:
        path: the file.
        where: what errors call it.
        wanted: what the file should hold, for errors.

    Raises:
        InputError: it is no text file, is not in the encoding it begins with, or has lines of more
            than LINE_BYTES.
    """
    with path.open("rb") as file:
        chunk = file.read(BLOCK_BYTES)
        decode = _decoder(chunk[:HEAD_BYTES], where, wanted)
        rest, row, bytes_read = b"", 1, 0
        while chunk:
            bytes_read += len(chunk)
            following = file.read(BLOCK_BYTES)
            text = rest + _decoded(decode, chunk, not following, where, row)
            whole = _whole_lines(text) if following else len(text)
            rest = text[whole:]
            block = _block(_with_newlines(text[:whole]), row, bytes_read)
            row += block.line_count
            if len(rest) > LINE_BYTES:
                raise InputError(
                    f"{where}, row {row}: more than {LINE_BYTES:,} bytes without an end of line; "
                    f"{wanted} expected"
                )
            yield block
            chunk = following


def _decoder(head: bytes, where: str, wanted: str) -> Callable[[bytes, bool], bytes]:
    """A function of bytes of the file, and whether they are its last, that gives UTF-8."""
    if (kind := looks_like(head)) is not None:
        raise InputError(f"{where} looks like {kind}; {wanted} expected")
    encoding = text_encoding(head)
    if encoding is None:
        raise InputError(f"{where} is a binary file; a text file of {wanted} expected")
    if encoding == "utf-8":  # already; what is not valid is found where it matters
        return lambda chunk, _last: chunk
    decoder = codecs.getincrementaldecoder(encoding)("replace" if "8" in encoding else "strict")
    return lambda chunk, last: decoder.decode(chunk, last).encode()


def _decoded(
    decode: Callable[[bytes, bool], bytes], chunk: bytes, is_last: bool, where: str, row: int
) -> bytes:
    try:
        return decode(chunk, is_last)
    except UnicodeError as error:
        raise InputError(
            f"{where}: the text after row {row} is not in the encoding that the file begins with "
            "(UTF-16 or UTF-32), or is cut short; save it as UTF-8"
        ) from error


def _block(text: bytes, first_row: int, bytes_read: int) -> Block:
    has_open_end = bool(text) and not text.endswith(b"\n")
    return Block(text, first_row, text.count(b"\n") + has_open_end, bytes_read)


def _whole_lines(text: bytes) -> int:
    """The length of the whole lines in the text; a \\r at its end may be half of a \\r\\n."""
    return max(text.rfind(b"\n"), text.rfind(b"\r", 0, max(0, len(text) - 1))) + 1


def _with_newlines(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text
