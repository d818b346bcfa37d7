"""Dataclasses that hold arrays and tables, as bytes and back. Their types say what is read; nothing is unpickled."""

import io
import json
import zipfile
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
import pandas as pd

from bccseg.errors import BccsegError, StoreError
from bccseg.schema import Schema

Kind = TypeVar("Kind")
JSON = "json"  # entry of the npz file that holds everything but the arrays
DAMAGE = (ValueError, KeyError, TypeError, AttributeError, BccsegError)  # what reading values of another kind raises


def pack(value: Any) -> bytes:
    """A dataclass as an npz file: fields as JSON, arrays beside it."""
    arrays: list[np.ndarray] = []
    text = json.dumps(_encode(value, arrays)).encode()
    buffer = io.BytesIO()
    named = {str(k): values for k, values in enumerate(arrays)}
    np.savez(buffer, **{JSON: np.frombuffer(text, np.uint8)}, **named)
    return buffer.getvalue()


def unpack(kind: type[Kind], data: bytes) -> Kind:
    """The dataclass that `pack` was given. Fields that are missing take their default, unknown ones are ignored.

    Raises StoreError if the file is damaged or of another kind.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return _decode(kind, json.loads(arrays[JSON].tobytes()), arrays)
    except (*DAMAGE, OSError, EOFError, zipfile.BadZipFile) as error:
        raise StoreError(f"A file is damaged or of another version ({type(error).__name__}).") from error


def to_json(value: Any) -> Any:
    """A dataclass without arrays, ready for JSON."""
    return _encode(value, [])


def from_json(kind: type[Kind], value: Any) -> Kind:
    """The dataclass that `to_json` was given. Raises StoreError."""
    try:
        return _decode(kind, value, {})
    except DAMAGE as error:
        raise StoreError(f"Values are damaged or of another version ({type(error).__name__}).") from error


def _encode(value: Any, arrays: list[np.ndarray]) -> Any:  # noqa: PLR0911  (one for each kind)
    if isinstance(value, np.ndarray | bytes):
        arrays.append(np.frombuffer(value, np.uint8) if isinstance(value, bytes) else value)
        return len(arrays) - 1
    if isinstance(value, pd.DataFrame):
        return [[name, _encode(_as_array(value[name]), arrays)] for name in value]
    if isinstance(value, Schema):
        return value.to_dict()
    if is_dataclass(value):
        return {f.name: _encode(getattr(value, f.name), arrays) for f in fields(value)}
    if hasattr(value, "_asdict"):
        return {name: _encode(item, arrays) for name, item in value._asdict().items()}
    if isinstance(value, dict):
        return [[_encode(key, arrays), _encode(item, arrays)] for key, item in value.items()]
    if isinstance(value, tuple | list):
        return [_encode(item, arrays) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _as_array(column: pd.Series) -> np.ndarray:
    return column.to_numpy() if column.dtype.kind in "iufb" else np.asarray(column.to_list(), dtype=str)


def _decode(kind: Any, value: Any, arrays: dict[str, np.ndarray]) -> Any:  # noqa: PLR0911  (one for each kind)
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return None if value is None else _decode(next(k for k in args if k is not NoneType), value, arrays)
    if origin is np.ndarray or kind is np.ndarray:
        return arrays[str(value)]
    if kind is bytes:
        return arrays[str(value)].tobytes()
    if kind is pd.DataFrame:
        return pd.DataFrame({name: _as_column(arrays[str(index)]) for name, index in value})
    if origin is dict:
        return {_decode(args[0], key, arrays): _decode(args[1], item, arrays) for key, item in value}
    if origin in (tuple, list):
        kinds = args if origin is tuple and args[-1] is not Ellipsis else [args[0]] * len(value)
        return origin(_decode(k, item, arrays) for k, item in zip(kinds, value, strict=True))
    if isinstance(kind, type) and issubclass(kind, Schema):
        return kind.from_dict(value)
    if is_dataclass(kind) or hasattr(kind, "_fields"):
        hints = get_type_hints(kind)
        return kind(**{name: _decode(hint, value[name], arrays) for name, hint in hints.items() if name in value})
    allowed = {type(option) for option in args} if origin is Literal else {kind, int} if kind is float else {kind}
    if kind is not Any and type(value) not in allowed:
        raise TypeError(f"{value!r:.80} is not {kind}")
    return value


def _as_column(values: np.ndarray) -> Any:
    if values.dtype.kind in "iufb":
        return values
    return values.tolist() if len(values) else np.zeros(0, object)  # of no rows, pandas would make numbers
