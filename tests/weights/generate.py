"""Writes the files that the readers of weights are tested on.

    python3 tests/weights/generate.py

Needs torch (1.13 was used). Nothing here is trained: the values are counted or drawn from a seed. `evil_*` hold
pickles that would run something if they were executed; a reader must refuse them by the name of what they call.
"""

import builtins
import collections
import io
import os
import pickle
import struct
import sys
import zipfile
from pathlib import Path

import torch

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent / "golden"))
from safetensors_file import write_tensors  # noqa: E402


def tensors():
    """One tensor of every kind that a reader must handle."""
    torch.manual_seed(1)
    table = torch.randn(5, 7)
    grid = torch.arange(30, dtype=torch.float32).reshape(2, 3, 5) / 4
    return collections.OrderedDict(
        [
            ("conv.weight", torch.randn(3, 2, 1, 2)),
            ("transposed", table.t()),
            ("strided", grid[:, ::2, 1:4:2]),
            ("tied.a", table),
            ("tied.b", table),
            ("row", table[3]),
            ("half", torch.tensor([1.0, -2.5, 65504.0, 2.0**-24]).half()),
            ("brain", torch.tensor([1.0, -3.0, 1e38]).bfloat16()),
            ("double", torch.tensor([0.1, 1 / 3], dtype=torch.float64)),
            ("bn.num_batches_tracked", torch.tensor(12345678901)),
            ("flags", torch.tensor([True, False, True])),
            ("empty", torch.zeros(0, 3)),
            ("scalar", torch.tensor(2.5)),
            ("parameter", torch.nn.Parameter(torch.tensor([[1.5, 2.5]]))),
        ]
    )


class Evil:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


class OldPickler(pickle.Pickler):
    """As Python 2 and torch 0.1 wrote tensors, parameters and ordered dictionaries."""

    def __init__(self, file):
        super().__init__(file, protocol=2)
        self.storages = {}

    def reducer_override(self, value):
        if isinstance(value, torch.nn.Parameter):
            return torch.nn.parameter.Parameter, (value.data,), (True, False, collections.OrderedDict())
        if isinstance(value, torch.Tensor):
            parts = (value.storage(), value.storage_offset(), tuple(value.size()), value.stride())
            return torch._utils._rebuild_tensor, parts
        if isinstance(value, collections.OrderedDict):
            return collections.OrderedDict, ([list(pair) for pair in value.items()],)
        return NotImplemented

    def persistent_id(self, value):
        if not isinstance(value, torch.storage.TypedStorage):
            return None
        key = str(len(self.storages) + 1)
        self.storages[key] = value
        # What is stored has one element more in front; the tensor's storage is a view of the rest.
        return ("storage", torch.FloatStorage, key, "cpu", len(value) + 1, ("v" + key, 1, len(value)))


def write_old(path):
    """weight [2, 2] and bias [2], each a view of a part of its storage."""
    file = io.BytesIO()
    for value in (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True}):
        pickle.dump(value, file, protocol=2)
    pickler = OldPickler(file)
    state = collections.OrderedDict()
    state["weight"] = torch.nn.Parameter(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    state["bias"] = torch.tensor([5.0, 6.0])
    pickler.dump(state)
    pickle.dump(list(pickler.storages), file, protocol=2)
    for storage in pickler.storages.values():
        file.write(struct.pack(f"<q{len(storage) + 1}f", len(storage) + 1, -1.0, *storage))
    path.write_bytes(file.getvalue())


def write_compressed(source, path):
    """The same entries, deflated, as no torch writes them."""
    with zipfile.ZipFile(source) as given, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written:
        for name in given.namelist():
            written.writestr(zipfile.ZipInfo(name), given.read(name), zipfile.ZIP_DEFLATED)


def main():
    state = tensors()
    torch.save(state, FOLDER / "zip.pth")
    torch.save(state, FOLDER / "legacy.pth", _use_new_zipfile_serialization=False)
    in_float32 = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
    write_tensors(FOLDER / "expected.safetensors", in_float32, {})
    module = {"epoch": 3, "state_dict": {"module.weight": torch.arange(4.0)}, "arch": "resnet18"}
    torch.save(module, FOLDER / "checkpoint.pth")
    write_old(FOLDER / "old.pth")
    write_compressed(FOLDER / "zip.pth", FOLDER / "refused_compressed.pth")
    torch.save({"weight": torch.ones(2)}, FOLDER / "refused_protocol4.pth", pickle_protocol=4)
    torch.save(torch.nn.Linear(1, 1), FOLDER / "refused_module.pth")
    torch.save({"weight": torch.ones(2), "epoch": 3}, FOLDER / "refused_number.pth")
    torch.save({"weight": torch.ones(2, dtype=torch.complex64)}, FOLDER / "refused_complex.pth")
    torch.save({"weight": torch.ones(1).expand(1000000)}, FOLDER / "refused_expanded.pth")
    evil = {
        "evil_system": Evil(os.system, "touch sdfn-was-here"),
        "evil_eval": Evil(builtins.eval, "open('sdfn-was-here', 'w')"),
        "evil_getattr": Evil(getattr, "", "join"),
    }
    for name, value in evil.items():
        torch.save({"weight": torch.ones(2), "x": value}, FOLDER / f"{name}.pth")
        torch.save({"x": value}, FOLDER / f"{name}_legacy.pth", _use_new_zipfile_serialization=False)


main()
