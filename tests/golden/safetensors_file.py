"""Reads and writes safetensors files with nothing but the standard library and torch.

Layout: 8 bytes little-endian length of the header, a JSON header (name -> dtype, shape, byte
range; `__metadata__` -> strings), then the tensors' raw little-endian bytes, without gaps.
Source: https://github.com/huggingface/safetensors#format
"""

import json
import struct
from pathlib import Path
from typing import Dict, NamedTuple

import numpy
import torch
from torch import Tensor

NUMPY_TYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "BOOL": "?"}


class TensorFile(NamedTuple):
    tensors: Dict[str, Tensor]
    metadata: Dict[str, str]


def dtype_name(tensor: Tensor) -> str:
    """The format's name of what a tensor is stored as: floating point is always rounded to F32."""
    if tensor.dtype == torch.bool:
        return "BOOL"
    if tensor.dtype == torch.int64:
        return "I64"
    if tensor.dtype.is_floating_point:
        return "F32"
    raise TypeError(f"write_tensors: no safetensors name for this element type; got {tensor.dtype}")


def write_tensors(path: Path, tensors: Dict[str, Tensor], metadata: Dict[str, str]) -> int:
    """Writes the tensors sorted by name and returns the file's size in bytes."""
    header: Dict[str, object] = {"__metadata__": metadata}
    chunks = []
    offset = 0
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu()
        dtype = dtype_name(tensor)
        array = numpy.asarray(tensor.numpy(), dtype=NUMPY_TYPES[dtype])
        raw = array.tobytes()
        if dtype == "F32" and not numpy.isfinite(array).all():
            raise ValueError(f"{path.name}: {name} holds values that are not finite in float32")
        header[name] = {
            "dtype": dtype,
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(raw)],
        }
        chunks.append(raw)
        offset += len(raw)
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)  # tensors start at a multiple of 8 bytes
    data = struct.pack("<Q", len(head)) + head + b"".join(chunks)
    path.write_bytes(data)
    return len(data)


def read_tensors(path: Path) -> TensorFile:
    """Reads a whole file; floating point keeps the element type of the file."""
    data = path.read_bytes()
    (head_size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + head_size])
    metadata = header.pop("__metadata__", {})
    body = data[8 + head_size :]
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        array = numpy.frombuffer(body[begin:end], dtype=NUMPY_TYPES[entry["dtype"]])
        tensors[name] = torch.from_numpy(array.copy()).reshape(entry["shape"])
    return TensorFile(tensors, metadata)
