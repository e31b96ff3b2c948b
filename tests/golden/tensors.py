"""Tensors by name: what the cases of golden files have in common."""

import math
from typing import Dict

import torch
from torch import Tensor, nn

Tensors = Dict[str, Tensor]
Metadata = Dict[str, str]


def every(tensor: Tensor, most: int) -> Tensor:
    """The flattened tensor, every k-th element, k = ceil(numel / most)."""
    flat = tensor.detach().reshape(-1)
    return flat[:: math.ceil(flat.numel() / most)]


def named(prefix: str, tensors: Tensors) -> Tensors:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def below(prefix: str, tensors: Tensors) -> Tensors:
    return {n[len(prefix) :]: t for n, t in tensors.items() if n.startswith(prefix)}


def load(module: nn.Module, params: Tensors, dtype: torch.dtype) -> nn.Module:
    """Puts the parameters in by name; every one must be there except batch norm's counters."""
    missing, unexpected = module.to(dtype).load_state_dict(params, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise ValueError(f"parameters do not fit: missing {missing}, unexpected {unexpected}")
    return module


def state_of(module: nn.Module) -> Tensors:
    """A copy of parameters and batch-norm statistics."""
    state = module.state_dict()
    return {n: t.clone() for n, t in state.items() if not n.endswith("num_batches_tracked")}


def gradients(loss: Tensor, leaves: Tensors) -> Tensors:
    """By name; zeros where the loss does not depend on the leaf."""
    found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    return {n: torch.zeros_like(t) if g is None else g for (n, t), g in zip(leaves.items(), found)}


def cotangent_loss(outputs: Tensors, inputs: Tensors) -> Tensor:
    cotangents = below("cotangent.", inputs)
    return torch.stack([(outputs[n] * c).sum() for n, c in cotangents.items()]).sum()
