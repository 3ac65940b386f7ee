"""`with` for objects whose close() ends them."""

from abc import ABC, abstractmethod
from typing import Self


class Closing(ABC):
    """As a context it is the object itself, and closes it."""

    @abstractmethod
    def close(self) -> None:
        """What leaving the context does."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
