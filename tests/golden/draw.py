"""Draws the inputs and parameters of every golden file from one seeded generator, in float32."""

import json
import math
from typing import Dict, Tuple

import torch
from torch import Tensor, nn

from cases import build_module, sdfn_of
from method_cases import METHODS, method_of
from sdfn_torch import ResNet, padding_mask
from tensors import Metadata, Tensors, state_of

SCALE = 10.0  # the learned scale where a run starts, and of the losses


class Draw:
    """Random tensors in float32 from one seeded generator."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int, std: float = 1.0, mean: float = 0.0) -> Tensor:
        return torch.randn(shape, generator=self.generator) * std + mean

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """From low up to and without high."""
        return torch.randint(low, high, shape, generator=self.generator)

    def distinct(self, count: int, below_this: int) -> Tensor:
        return torch.randperm(below_this, generator=self.generator)[:count]

    def parameter(self, name: str, tensor: Tensor) -> Tensor:
        """Weights at a scale that keeps activations near 1, norms near the identity."""
        shape = tensor.shape
        if name == "scale":
            return torch.tensor(SCALE)
        if name == "log_scale":
            return torch.tensor(math.log(SCALE))
        if name.endswith("running_var"):
            return torch.rand(shape, generator=self.generator) + 0.5
        if name.endswith("embedding.weight"):
            return self.normal(*shape, std=0.5)
        if len(shape) > 1:
            return self.normal(*shape, std=math.sqrt(2 / (tensor.numel() / shape[0])))
        near_one = name.endswith(("gamma.bias", "weight", "Weight"))
        return self.normal(*shape, std=0.1, mean=1.0 if near_one else 0.0)

    def parameters(self, module: nn.Module) -> Tensors:
        return {name: self.parameter(name, tensor) for name, tensor in state_of(module).items()}

    def lengths(self, count: int, most: int) -> Tensor:
        """One sentence fills the row, one has a single word, the others anything between."""
        lengths = self.integers(2, most, count)
        full, single = self.distinct(2, count)
        lengths[full], lengths[single] = most, 1
        return lengths

    def tokens(self, lengths: Tensor, words: int, vocabulary: int) -> Tensor:
        tokens = self.integers(1, vocabulary, len(lengths), words)
        return tokens.masked_fill(padding_mask(lengths, words), 0)


def output_shapes(name: str, metadata: Metadata) -> Dict[str, Tuple[int, ...]]:
    """The outputs of a module file that carry a cotangent."""
    b, n, t, d = (int(metadata[key]) for key in ("B", "N", "T", "D"))
    if name == "text_encoder":
        return {"words": (b, t, d), "sentence": (b, d)}
    if name in ("image_router", "text_router"):
        return {"logits": (b, int(metadata["J"]))}
    if name == "fusion_layer":
        return {f"y.{j}": (b, n, d) for j in range(int(metadata["J"]))}
    if name.startswith("fusion"):
        return {"map": (b, n, d), "q": (b, d), "u": (b, d)}
    return {"y": (b, n, d)}


def draw_module(name: str, draw: Draw, metadata: Metadata) -> Tuple[Tensors, Tensors]:
    """Inputs, with a cotangent for every output that is not `aux.`, and parameters."""
    b, n, t, d = (int(metadata[key]) for key in ("B", "N", "T", "D"))
    inputs: Tensors = {}
    if name in ("text_encoder", "mha", "cam", "text_router") or name.startswith("fusion"):
        inputs["lengths"] = draw.lengths(b, t)
        inputs["pad_mask"] = padding_mask(inputs["lengths"], t)
    if name == "text_encoder":
        inputs["tokens"] = draw.tokens(inputs["lengths"], t, int(metadata["vocabulary"]))
    elif name == "mha":
        inputs.update(query=draw.normal(b, n, d), key=draw.normal(b, t, d), value=draw.normal(b, t, d))
    elif name == "fusion_layer":
        modules = metadata["modules"].split(",")
        inputs.update({f"x.{i}": draw.normal(b, n, d) for i in range(len(modules))})
    elif name == "layernorm":
        inputs["x"] = draw.normal(b, n, d, std=2.0, mean=0.5)
    elif name != "text_router":
        inputs["x"] = draw.normal(b, n, d)
    if name in ("cam", "text_router") or name.startswith("fusion"):
        inputs["w"] = draw.normal(b, t, d)
    if name in ("jrm", "gtm") or name.startswith("fusion"):
        inputs["s"] = draw.normal(b, d)
    params = draw.parameters(build_module(name, metadata))
    for output, shape in output_shapes(name, metadata).items():
        inputs[f"cotangent.{output}"] = draw.normal(*shape)
    return inputs, params


def draw_method(name: str, draw: Draw, metadata: Metadata) -> Tuple[Tensors, Tensors]:
    """Inputs and cotangents of the shapes that the method states, padding where it has words."""
    method = method_of(name, metadata)

    def shape_of(letters: str) -> Tuple[int, ...]:
        return tuple(int(metadata[letter]) for letter in letters)

    inputs = {n: draw.normal(*shape_of(letters)) for n, letters in method.INPUTS.items() if letters}
    if "scale" in method.INPUTS:
        inputs["scale"] = torch.tensor(SCALE)
    if "w" in method.INPUTS or "words" in method.INPUTS:
        inputs["lengths"] = draw.lengths(*shape_of("BT"))
        inputs["pad_mask"] = padding_mask(inputs["lengths"], int(metadata["T"]))
    for output, letters in method.OUTPUTS.items():
        inputs[f"cotangent.{output}"] = draw.normal(*shape_of(letters))
    return inputs, draw.parameters(method)


def draw_loss(name: str, draw: Draw, metadata: Metadata) -> Tuple[Tensors, Tensors]:
    b, d = int(metadata["B"]), int(metadata["D"])
    inputs: Tensors = {}
    if "spd" not in name:
        inputs.update(q=draw.normal(b, d), t=draw.normal(b, d), scale=torch.tensor(SCALE))
    if name in ("loss_c", "loss_total"):
        inputs["u"] = draw.normal(b, d)
    if name.startswith("loss_spd") or name == "loss_total":
        kinds = ["shared"] if metadata.get("router") == "shared" else ["image", "text"]
        modules = int(metadata["M"])
        for layer, destinations in enumerate(json.loads(metadata["J"])):
            for kind in kinds:
                for who in ("student", "teacher"):
                    logits = draw.normal(b, modules, destinations, std=2.0)
                    inputs[f"{who}.{layer}.{kind}"] = logits
    return inputs, {}


def draw_resnet(draw: Draw, metadata: Metadata) -> Tuple[Tensors, Tensors]:
    b, size, width = int(metadata["B"]), int(metadata["size"]), float(metadata["width"])
    module = ResNet("resnet18", width)
    x = draw.normal(b, 3, size, size)
    cells = math.ceil(size / 32)
    cotangent = draw.normal(b, module.out_channels, cells, cells)
    return {"x": x, "cotangent.y": cotangent}, draw.parameters(module)


def draw_adam(draw: Draw, metadata: Metadata) -> Tuple[Tensors, Tensors]:
    b, t = int(metadata["B"]), int(metadata["T"])
    size, vocabulary, steps = int(metadata["size"]), int(metadata["vocabulary"]), 5
    pool = b + 1
    lengths = torch.stack([draw.lengths(b, t) for _ in range(steps)])
    inputs = {
        "pool": draw.normal(pool, 3, size, size),
        "ref_index": torch.stack([draw.distinct(b, pool) for _ in range(steps)]),
        "tgt_index": torch.stack([draw.distinct(b, pool) for _ in range(steps)]),
        "lengths": lengths,
        "tokens": torch.stack([draw.tokens(row, t, vocabulary) for row in lengths]),
    }
    return inputs, draw.parameters(sdfn_of(metadata))


def draw_file(name: str, seed: int, metadata: Metadata) -> Tuple[Tensors, Tensors]:
    """Inputs and parameters of the file of that name."""
    draw = Draw(seed)
    if name.startswith("loss_"):
        return draw_loss(name, draw, metadata)
    if name in METHODS:
        return draw_method(name, draw, metadata)
    if name == "resnet18":
        return draw_resnet(draw, metadata)
    if name == "adam":
        return draw_adam(draw, metadata)
    return draw_module(name, draw, metadata)
