"""Records: `dataclasses.dataclass` for the ones who start lright.

Importing `dataclasses` costs about as much CPU as starting Python, and every class it decorates another millisecond. A
command that is to answer in a blink cannot pay that for its nouns, so this module does the part of it that lright uses:
`record` for `dataclass`, `field(default_factory=...)` and `replace`. To type checkers it is the original.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import dataclass as record
    from dataclasses import field, replace
else:
    _MISSING = object()

    class _Field:
        __slots__ = ("factory",)

        def __init__(self, factory):
            self.factory = factory

    def field(*, default_factory):
        """A default that is made anew for every record."""
        return _Field(default_factory)

    def record(cls=None, *, frozen=False, eq=True, order=False, slots=False):
        """A class with a constructor, equality and representation made from its annotations.

        ``slots`` is accepted and ignored: it would mean making every class twice.
        """
        if cls is None:
            return lambda decorated: record(decorated, frozen=frozen, eq=eq, order=order, slots=slots)
        fields = {}
        for base in reversed(cls.__mro__[1:]):
            fields.update(base.__dict__.get("_fields_", {}))
        for name in getattr(cls, "__annotations__", {}):
            fields[name] = cls.__dict__.get(name, fields.get(name, _MISSING))
            if isinstance(fields[name], _Field):
                delattr(cls, name)
        cls._fields_ = fields
        cls.__init__ = _on_demand(cls, fields, frozen)
        if "__repr__" not in cls.__dict__:
            cls.__repr__ = _represent
        if eq:
            cls.__eq__ = _equal
            cls.__hash__ = _hash if frozen else None
        if order:
            cls.__lt__ = lambda self, other: _values(self) < _values(other)
        if frozen:
            cls.__setattr__ = _refuse
        return cls

    def _on_demand(cls, fields, frozen):
        """A constructor that is made at its first call: a run needs few of the classes it imports."""

        def __init__(self, *values, **named):
            cls.__init__ = _constructor(cls, fields, frozen)
            cls.__init__(self, *values, **named)

        return __init__

    def _constructor(cls, fields, frozen):
        parameters, body, names = [], [], {"_MISSING": _MISSING}
        for name, default in fields.items():
            value = name
            if default is _MISSING:
                parameters.append(name)
            elif isinstance(default, _Field):
                names[f"_make_{name}"] = default.factory
                parameters.append(f"{name}=_MISSING")
                value = f"_make_{name}() if {name} is _MISSING else {name}"
            else:
                names[f"_default_{name}"] = default
                parameters.append(f"{name}=_default_{name}")
            body.append(f"    _d[{name!r}] = {value}" if frozen else f"    self.{name} = {value}")
        if frozen:
            body.insert(0, "    _d = self.__dict__")
        source = f"def __init__(self, {', '.join(parameters)}):\n" + ("\n".join(body) or "    pass")
        exec(source, names)  # our own text, made from the annotations of our own classes
        return names["__init__"]

    def _values(self):
        return tuple(getattr(self, name) for name in self._fields_)

    def _represent(self):
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields_)
        return f"{type(self).__name__}({shown})"

    def _equal(self, other):
        if type(self) is not type(other):
            return NotImplemented
        return _values(self) == _values(other)

    def _hash(self):
        return hash(_values(self))

    def _refuse(self, name, value):
        raise AttributeError(f"{type(self).__name__} is immutable: use replace()")

    def replace(record, /, **changes):
        """A copy with some fields changed."""
        values = {name: getattr(record, name) for name in record._fields_}
        values.update(changes)
        return type(record)(**values)


__all__ = ["field", "record", "replace"]
