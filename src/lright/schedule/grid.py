"""Evenly spaced times, for whole curves: a cosine over them costs a product in place of a cosine each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Line:
    """The ``count`` numbers (first + step * i) / over. Scaled it stays a line, else it becomes an array.

    The division is kept to the end, so that the numbers are those that dividing an array gives: a milestone
    at exactly 49 / 49 must not come out as 0.999.
    """

    __slots__ = ("first", "step", "count", "over")

    def __init__(self, first: float, step: float, count: int, over: float = 1) -> None:
        self.first = first
        self.step = step
        self.count = count
        self.over = over

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[np.float64]:
        import numpy as np

        numbers = np.arange(self.count, dtype=np.float64)
        if self.step != 1:
            numbers *= self.step
        numbers += self.first
        if self.over != 1:
            numbers /= self.over
        return numbers

    def part(self, begin: float, end: float) -> Line:
        """The numbers t of a line of step 1 with begin <= t < end."""
        first = max(math.ceil(begin - self.first), 0)
        last = min(math.ceil(end - self.first), self.count) if end < math.inf else self.count
        return Line(self.first + first, self.step, max(last - first, 0))

    def cos(self) -> NDArray[np.float64]:
        """The cosine of every number, by cos(a + b) = cos a cos b - sin a sin b; within 4e-16."""
        import numpy as np

        width = math.isqrt(self.count) + 1
        fine = np.arange(width) * (self.step / self.over)
        coarse = self.first / self.over + np.arange(-(-self.count // width)) * (width * self.step / self.over)
        rows, columns = (np.cos(coarse), np.sin(coarse)), (np.cos(fine), -np.sin(fine))
        table: NDArray[np.float64] = np.stack(rows, axis=1) @ np.stack(columns)
        return table.ravel()[: self.count]

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, (int, float)):
            return Line(self.first * other, self.step * other, self.count, self.over)
        return self.__array__() * other

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, (int, float)) and self.over == 1:
            return Line(self.first, self.step, self.count, other)
        return self.__array__() / other

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, (int, float)) and self.over == 1:
            return Line(self.first - other, self.step, self.count)
        return self.__array__() - other

    def __rsub__(self, other: Any) -> Any:
        return other - self.__array__()

    def __add__(self, other: Any) -> Any:
        return other + self.__array__()

    __radd__ = __add__

    def __pow__(self, other: Any) -> Any:
        return self if other == 1 else self.__array__() ** other

    def __rpow__(self, other: Any) -> Any:
        return other ** self.__array__()

    def __neg__(self) -> Any:
        return self * -1
