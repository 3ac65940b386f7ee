"""What is packed with gzip."""

from __future__ import annotations

import gzip
import zlib

from sensor.inputs.lines import Damaged


class Packed(gzip.GzipFile):
    """Its content; Damaged where it cannot be unpacked any further."""

    def read1(self, size: int = -1) -> bytes:
        """What is there, b"" at the end."""
        try:
            return super().read1(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise Damaged(f"gzip: {error}") from None
