"""What an exec was really made to run, as it goes with a frame: struct sn_proxy_block."""

from __future__ import annotations

from dataclasses import dataclass

from sensor.native import ffi


@dataclass(frozen=True)
class Proxy:
    """The chain of proxies, outermost first, and its payload; empty texts are not known. Texts that are no UTF-8 have
    surrogates. `kind`: one of fields.def's PayloadKind, or unknown, by `doubt`: an option that may take for its value
    what looks like the payload. `chain` empty: it cannot be told."""

    chain: tuple[str, ...]
    function: str
    kind: str
    argv: tuple[str, ...]
    text: str
    path: str
    url: str
    truncated: bool
    doubt: str

    @property
    def command_line(self) -> str:
        """Of an inline script or a pipe the text, else the arguments joined by single spaces."""
        if self.kind in {"inline script", "pipe"} or not self.argv:
            return self.text
        return " ".join(self.argv)


def proxy_of(block: bytes) -> Proxy | None:
    """None where there is no block."""
    if not block:
        return None
    head = ffi.cast("struct sn_proxy_block *", ffi.from_buffer(block))

    def text(name: str) -> str:
        span = getattr(head, name)
        return block[span.off : span.off + span.len].decode("utf-8", "surrogateescape")

    def texts(name: str) -> tuple[str, ...]:
        whole = text(name)
        return tuple(whole.removesuffix("\0").split("\0")) if whole else ()

    one = {name: text(name) for name in ("function", "text", "path", "url", "doubt")}
    return Proxy(
        chain=texts("chain"), argv=texts("argv"), kind=text("kind_name"), truncated=bool(head.truncated), **one
    )
