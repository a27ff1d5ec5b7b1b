"""Data classes as the standard library means them, made without writing and compiling code for each.

`dataclasses.dataclass` compiles up to seven functions a class, which takes half a millisecond; a command makes a
hundred classes, and most have a handful of instances. Take `dataclass`, `field` and `replace` from here and use them as
you know them: a type checker sees the standard ones, and `dataclasses.fields`, `replace` and `asdict` work with these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:

    def dataclass(cls: type | None = None, /, **how: bool) -> Any:  # noqa: ANN401 - a class or what decorates one
        """Turn a class with annotations into a data class: `frozen`, `slots`, `eq` and `repr` as usual."""
        return _made(cls, **how) if cls is not None else lambda found: _made(found, **how)

    def field(**given: Any) -> _Field:  # noqa: ANN401 - of the field's own type
        """Give a field a `default` or a `default_factory`, or keep it out of `repr` or `compare`."""
        return _Field(**given)

    def replace(instance: object, /, **changes: object) -> object:
        """Return a copy with some fields changed."""
        kept = {name: getattr(instance, name) for name in names(instance) if name not in changes}
        return type(instance)(**kept, **changes)


__all__ = ["dataclass", "field", "names", "replace"]

_NOTHING: Final = object()


def names(record: object) -> tuple[str, ...]:
    """Return the names of the fields of a data class or of an instance of one."""
    return tuple(_fields(record))


class _Field:
    """What a class says of one field."""

    __slots__ = ("compare", "default", "default_factory", "repr")

    def __init__(
        self,
        default: object = _NOTHING,
        default_factory: Callable[[], object] | None = None,
        repr: bool = True,  # noqa: A002
        compare: bool = True,
    ) -> None:
        self.default = default
        self.default_factory = default_factory
        self.repr = repr
        self.compare = compare

    @property
    def is_required(self) -> bool:
        """Whether an instance can't be made without it."""
        return self.default is _NOTHING and self.default_factory is None

    def value(self) -> object:
        """Return what stands in for a value that is not given."""
        return self.default_factory() if self.default_factory else self.default


class _StandardFields:
    """`__dataclass_fields__`, made when something asks for it."""

    def __get__(self, _: object, owner: type) -> Mapping[str, object]:
        import dataclasses

        declared = []
        for name, each in _fields(owner).items():
            given: dict[str, Any] = {"repr": each.repr, "compare": each.compare}
            if each.default is not _NOTHING:
                given["default"] = each.default
            elif each.default_factory:
                given["default_factory"] = each.default_factory
            declared.append((name, Any, dataclasses.field(**given)))
        return {each.name: each for each in dataclasses.fields(dataclasses.make_dataclass("_", declared))}


def _made(cls: type, *, frozen: bool = False, slots: bool = False, eq: bool = True, repr: bool = True) -> type:  # noqa: A002
    """Return the class with the methods of a data class; those it has itself stay."""
    own = _own_fields(cls)
    fields = {**{name: each for base in reversed(cls.__bases__) for name, each in _fields(base).items()}, **own}
    added: dict[str, object] = {
        "__record__": fields, "__dataclass_fields__": _StandardFields(), "__match_args__": tuple(fields),
        "__init__": _initialiser(cls.__qualname__, fields, hasattr(cls, "__post_init__")),
    }  # fmt: skip
    if repr:
        added["__repr__"] = _repr
    if eq:
        added |= {"__eq__": _eq, "__hash__": _hash if frozen else None}
    if frozen:
        added |= {"__setattr__": _refuse, "__delattr__": _refuse, "__getstate__": _state, "__setstate__": _set_state}
    added = {name: each for name, each in added.items() if cls.__dict__.get(name) is None}
    if slots:
        return _with_slots(cls, tuple(own), added)
    for name, each in own.items():
        if each.default is not _NOTHING:
            added[name] = each.default
        elif name in cls.__dict__:
            delattr(cls, name)
    for name, value in added.items():
        setattr(cls, name, value)
    return cls


def _fields(record: object) -> Mapping[str, _Field]:
    """Return the fields of a data class or of an instance of one; none of anything else."""
    found: Mapping[str, _Field] = getattr(record, "__record__", {})
    return found


def _own_fields(cls: type) -> dict[str, _Field]:
    fields = {}
    for name, kind in cls.__annotations__.items():
        if not str(kind).startswith(("ClassVar", "typing.ClassVar")):
            given = cls.__dict__.get(name, _NOTHING)
            fields[name] = given if isinstance(given, _Field) else _Field(given)
    return fields


def _with_slots(cls: type, own: tuple[str, ...], added: Mapping[str, object]) -> type:
    """Return the class again, made with slots: they can't be added to one that is there."""
    body = {name: each for name, each in cls.__dict__.items() if name not in ("__dict__", "__weakref__", *own)}
    made = type(cls)(cls.__name__, cls.__bases__, {**body, **added, "__slots__": own})
    made.__qualname__ = cls.__qualname__
    return made


def _initialiser(of: str, fields: Mapping[str, _Field], post: bool) -> Callable[..., None]:
    known = tuple(fields)
    put = object.__setattr__

    def initialise(self: object, *given: object, **named: object) -> None:
        if len(given) > len(known):
            raise TypeError(f"{of} takes {len(known)} values, not {len(given)}")
        for name, value in zip(known, given, strict=False):
            put(self, name, value)
        for name in known[len(given) :]:
            if name in named:
                put(self, name, named.pop(name))
            elif fields[name].is_required:
                raise TypeError(f"{of} needs a value for {name}")
            else:
                put(self, name, fields[name].value())
        if named:
            raise TypeError(f"{of} has no place for {', '.join(named)}")
        if post:
            self.__post_init__()  # type: ignore[attr-defined] # looked for when the class was made

    return initialise


def _compared(self: object) -> tuple[object, ...]:
    return tuple([getattr(self, name) for name, each in _fields(self).items() if each.compare])


def _repr(self: object) -> str:
    shown = [f"{name}={getattr(self, name)!r}" for name, each in _fields(self).items() if each.repr]
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _eq(self: object, other: object) -> bool:
    return _compared(self) == _compared(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: object) -> int:
    return hash(_compared(self))


def _refuse(self: object, name: str, *_: object) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot change field {name!r} of {type(self).__qualname__}")


def _state(self: object) -> tuple[object, ...]:
    return tuple([getattr(self, name) for name in names(self)])


def _set_state(self: object, state: tuple[object, ...]) -> None:
    for name, value in zip(names(self), state, strict=True):
        object.__setattr__(self, name, value)
