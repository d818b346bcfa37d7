"""Settings and records: checked when they are made, written as JSON, read back with errors that say what is wrong."""

from typing import Annotated, Any, ClassVar, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bccseg.errors import BccsegError, SettingsError


def ranged(low: float, high: float) -> Any:
    """Metadata of a number from `low` to `high`, for Annotated."""
    return Field(ge=low, le=high)


KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "string": "a text"}  # pydantic
Share = Annotated[float, ranged(0, 1)]


class Schema(BaseModel):
    """Values that never change. A value that does not fit raises `error`, in words; so does an unknown name, unless a
    subclass sets extra="ignore" to read what later versions add.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    error: ClassVar[type[BccsegError]] = SettingsError
    title: ClassVar[str] = "settings"  # what the values are, for messages

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise self.error(self._explain(error)) from error

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """The values that `to_dict` wrote. Raises the class's `error`."""
        if not isinstance(values, dict):
            raise cls.error(f"These are no {cls.title}: a JSON object with names and values is needed.")
        return cls(**{str(name): value for name, value in values.items()})

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """The values that `to_json` wrote. Raises the class's `error`."""
        from pydantic_core import from_json

        try:
            return cls.from_dict(from_json(data))
        except ValueError as error:
            raise cls.error(f"These {cls.title} cannot be read: they are no JSON ({error}).") from error

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values, by the names that files use."""
        return self.model_dump(mode="json", by_alias=True)

    def to_json(self, indent: int | None = None) -> bytes:
        """UTF-8 JSON."""
        return self.model_dump_json(by_alias=True, indent=indent).encode()

    def replace(self, **changes: Any) -> Self:
        """A checked copy with other values."""
        return type(self)(**{**{name: getattr(self, name) for name in type(self).model_fields}, **changes})

    @classmethod
    def range_of(cls, name: str) -> tuple[Any, Any]:
        """Lowest and highest value of a field; (None, None) where it has no range."""
        field = cls.model_fields[name]
        found = list(field.metadata)
        for option in get_args(field.annotation):  # of `Annotated[...] | None`
            found += [limit for info in getattr(option, "__metadata__", ()) for limit in info.metadata]
        limits = {type(limit).__name__: limit for limit in found}
        return tuple(getattr(limits.get(kind), kind.lower(), None) for kind in ("Ge", "Le"))

    @classmethod
    def _explain(cls, error: ValidationError) -> str:
        problems = error.errors(include_url=False)
        unknown = sorted(str(problem["loc"][-1]) for problem in problems if problem["type"] == "extra_forbidden")
        lines = [cls._sentence(problem) for problem in problems if problem["type"] != "extra_forbidden"]
        return " ".join([*lines, f"Unknown {cls.title}: {', '.join(unknown)}."] if unknown else lines)

    @classmethod
    def _sentence(cls, problem: Any) -> str:
        kind, name, given = problem["type"], ".".join(map(str, problem["loc"])), f"not {problem['input']!r:.80}."
        known = name in cls.model_fields
        low, high = cls.range_of(name) if known else (None, None)
        if kind == "missing":
            return f"{name} is missing in the {cls.title}."
        if kind == "literal_error" and known:
            return f"{name} is one of {', '.join(map(repr, get_args(cls.model_fields[name].annotation)))}, {given}"
        if kind in ("greater_than_equal", "less_than_equal") and low is not None:
            return f"{name} must be between {low:g} and {high:g}, {given}"
        wanted = next((words for start, words in KINDS.items() if kind.startswith(start)), None)
        where = f" in the {cls.title}"
        return f"{name}{where} must be {wanted}, {given}" if wanted else f"{name}: {problem['msg']}, {given}"
