"""`with` for objects whose close() ends them."""

from typing import Self


class Closing:
    """As a context it is the object itself, and closes it."""

    def close(self) -> None:
        """What leaving the context does. NotImplementedError: a subclass has it."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
