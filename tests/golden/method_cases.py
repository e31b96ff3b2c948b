"""What the golden files of other methods compute: see `method_parts`."""

from typing import Callable, Dict, Type

import torch
from torch import Tensor, nn

from method_parts import Method
from methods_torch import Amc, Artemis, Cosmo, Film, Tirg
from reconstructions_torch import Datir, Eer, FashionVlp, Limn, Mcr
from tensors import Metadata, Tensors, cotangent_loss, load, named, state_of

METHODS: Dict[str, Type[Method]] = {
    "tirg": Tirg,
    "film": Film,
    "artemis": Artemis,
    "cosmo": Cosmo,
    "amc": Amc,
    "mcr": Mcr,
    "eer": Eer,
    "datir": Datir,
    "fashionvlp": FashionVlp,
    "limn_reconstruction": Limn,
}


def method_of(name: str, metadata: Metadata) -> Method:
    return METHODS[name](metadata)


def dependent_gradients(loss: Tensor, leaves: Tensors) -> Tensors:
    """By name, of the leaves that the loss depends on."""
    found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    return {name: g for name, g in zip(leaves, found) if g is not None}


def has_batch_norm(method: Method) -> bool:
    return any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in method.modules())


def method_case(name: str) -> Callable[[Tensors, Tensors, Metadata], Tensors]:
    """Both modes where the method has batch norm; then the whole training loss, where it has one."""

    def compute(inputs: Tensors, params: Tensors, metadata: Metadata) -> Tensors:
        leaves = {
            n: t.requires_grad_()
            for n, t in inputs.items()
            if t.dtype.is_floating_point and not n.startswith("cotangent.")
        }

        def fresh(training: bool) -> Method:
            method = load(method_of(name, metadata), params, torch.float64)
            method.train(training)
            return method

        def gradients_of(loss: Tensor, method: Method) -> Tensors:
            return dependent_gradients(loss, {**leaves, **dict(method.named_parameters())})

        result: Tensors = {}
        modes = ("eval/", "train/") if has_batch_norm(fresh(False)) else ("",)
        for mode in modes:
            method = fresh(mode == "train/")
            outputs = method(inputs)
            loss = cotangent_loss(outputs, inputs)
            result.update(named(f"output/{mode}", {**outputs, "loss": loss}))
            result.update(named(f"grad/{mode}", gradients_of(loss, method)))
            if mode == "train/":
                running = {n: t for n, t in state_of(method).items() if "running_" in n}
                result.update(named("output/train/", running))
        method = fresh(True)
        loss = method.loss(inputs)
        if loss is not None:
            result["output/training/loss"] = loss
            result.update(named("grad/training/", gradients_of(loss, method)))
        return result

    return compute
