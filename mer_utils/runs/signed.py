"""Parquet files that carry a SHA-256 of their own bytes, in what they say of themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq

_MARK = b"mer-sha256:"
_OPEN = b"0" * 64  # stands where the digest will, while it is computed


def sign(table: pa.Table, about: Mapping[str, str]) -> bytes:
    """Return a table as the bytes of a Parquet file, with what is said of it and a checksum."""
    said = {**about, "checksum": (_MARK + _OPEN).decode()}
    sink = pa.BufferOutputStream()
    bare = table.replace_schema_metadata(None)
    # Probabilities hardly repeat: a dictionary of them is longer than they are, but their first
    # bytes are alike, and shorter side by side.
    floats = [field.name for field in bare.schema if field.type == pa.float32()]
    coded = [name for name in bare.column_names if name not in floats]
    with pq.ParquetWriter(
        sink, bare.schema, use_dictionary=coded, use_byte_stream_split=floats
    ) as writer:
        writer.write_table(bare)
        # Not of the schema, of which the file keeps a second copy.
        writer.add_key_value_metadata(said)
    data: bytes = sink.getvalue().to_pybytes()
    before, mark, after = data.rpartition(_MARK + _OPEN)
    return before + mark[: len(_MARK)] + hashlib.sha256(data).hexdigest().encode() + after


def checksum(data: bytes) -> str:
    """Return the SHA-256 (hex) of a signed file's bytes.

    Raises
    ------
    ValueError
        If it is not the one that the file carries: a byte was changed, or is lacking.
    """
    at = data.rfind(_MARK) + len(_MARK)
    digest = hashlib.sha256(memoryview(data)[:at])
    digest.update(_OPEN)
    digest.update(memoryview(data)[at + len(_OPEN) :])
    if at < len(_MARK) or data[at : at + len(_OPEN)] != digest.hexdigest().encode():
        raise ValueError("its bytes do not match its checksum")
    return digest.hexdigest()


def about(data: bytes) -> dict[str, str]:
    """Return what a signed file says of itself."""
    said = pq.read_metadata(pa.BufferReader(data)).metadata or {}
    return {name.decode(): value.decode() for name, value in said.items()}


def rows(data: bytes) -> pa.Table:
    """Return the table in the bytes of a signed file."""
    return pq.ParquetFile(pa.BufferReader(data)).read(use_threads=False)
