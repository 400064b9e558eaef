"""Stamps of one worker: places for those who come while the store is away, until it gives them numbers.

They are given in blocks, one a worker and outage. When the store is back each block is reserved at once, before
this worker's next join; a store that lost the reservation is told of it again.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """Stamps 0 to ``count`` − 1 of ``name``; ``first`` is the number of stamp 0, 0 while there is none."""

    name: str
    instance: str  # of the line, '' if this worker had not heard of any
    count: int
    first: int = 0


class Stamps:
    """What one worker gave, in one room."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._blocks = 0
        self._given = 0  # of the block that is open
        self._instance = ""
        self._due: list[Block] = []
        self._reserved: list[Block] = []

    @property
    def waiting(self) -> bool:
        """Whether somebody holds a stamp that has no number yet: nobody may join before them."""
        return self._given > 0 or bool(self._due)

    def give(self, instance: str) -> tuple[str, int]:
        """The next stamp: its block and its index there."""
        if self._given and instance != self._instance:
            self._close()
        self._instance = instance
        self._given += 1
        return self._name, self._given - 1

    def due(self) -> list[Block]:
        """The blocks to reserve now, in the order in which they were given."""
        if self._given:
            self._close()
        return list(self._due)

    def reserved(self, block: Block, first: int) -> None:
        """The store gave ``block`` its numbers."""
        self._due.remove(block)
        self._reserved.append(Block(block.name, block.instance, block.count, first))

    def refused(self, block: Block) -> None:
        """The line that the block was for is closed, or another one now: its visitors join anew."""
        self._due.remove(block)

    def say_again(self) -> None:
        """The store lost something: what it reserved before may be part of that."""
        self._due = [*self._reserved, *self._due]
        self._reserved = []

    def forget(self) -> None:
        """A new line began: what was reserved in the old one is worth nothing."""
        self._reserved = []

    @property
    def _name(self) -> str:
        return f"{self._worker}.{self._blocks}"

    def _close(self) -> None:
        self._due.append(Block(self._name, self._instance, self._given))
        self._blocks += 1
        self._given = 0
