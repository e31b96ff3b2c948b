"""What each golden file computes: from `input/`, `param/` and metadata to every other tensor.

Everything a case needs is in the file (sizes come from shapes, the rest from the metadata), so
the same functions write new files and check existing ones. Computed in float64 unless told
otherwise. Names of tensors are explained in README.md.
"""

import json
from typing import Callable, Dict, List, Tuple

import torch
from torch import Tensor, nn

from method_cases import METHODS, method_case
from sdfn_losses import batch_classification, consistency, path_distillation, total_loss
from sdfn_torch import (
    SDFN,
    CrossAttentionModule,
    FusionLayer,
    FusionNetwork,
    GlobalTransformModule,
    ImageEncoder,
    JointReasoningModule,
    Logits,
    ResNet,
    Router,
    Text,
    TextEncoder,
    TextRouter,
)
from tensors import (
    Metadata,
    Tensors,
    below,
    cotangent_loss,
    every,
    gradients,
    load,
    named,
    state_of,
)

# --- modules -------------------------------------------------------------------------------


def fusion_options(metadata: Metadata) -> Dict[str, object]:
    return {
        "modules": tuple(metadata.get("modules", "jrm,cam,gtm,rcm").split(",")),
        "router": metadata["router"],
        "merge": metadata["merge"],
        "ffn": int(metadata["ffn"]),
    }


def build_module(name: str, metadata: Metadata) -> nn.Module:
    dim, heads, ffn, hidden = (int(metadata[key]) for key in ("D", "heads", "ffn", "R"))
    if name == "text_encoder":
        return TextEncoder(int(metadata["vocabulary"]), int(metadata["wordDim"]), dim)
    if name == "mha":
        return nn.MultiheadAttention(dim, heads, batch_first=True)
    if name == "layernorm":
        return nn.LayerNorm(dim)
    if name in ("jrm", "cam", "gtm"):
        kind = {"jrm": JointReasoningModule, "cam": CrossAttentionModule, "gtm": GlobalTransformModule}
        return kind[name](dim, heads, ffn, 0.0)
    if name == "image_router":
        return Router(dim, hidden, int(metadata["J"]))
    if name == "text_router":
        return TextRouter(dim, hidden, int(metadata["J"]))
    if name == "fusion_layer":
        return FusionLayer(dim, heads, int(metadata["J"]), **fusion_options(metadata))
    network = FusionNetwork(dim, heads, int(metadata["L"]), **fusion_options(metadata))
    return nn.ModuleDict({"fusion": network})


def run_module(name: str, module: nn.Module, inputs: Tensors) -> Tensors:
    """The outputs of one forward pass, by the names they have in the file."""
    text = Text(inputs.get("w"), inputs.get("s"), inputs.get("pad_mask"))
    if name == "text_encoder":
        words, sentence = module(inputs["tokens"], inputs["lengths"])
        return {"words": words, "sentence": sentence}
    if name == "mha":
        q, k, v = (inputs[key] for key in ("query", "key", "value"))
        return {"y": module(q, k, v, key_padding_mask=text.padding, need_weights=False)[0]}
    if name == "layernorm":
        return {"y": module(inputs["x"])}
    if name in ("jrm", "cam", "gtm"):
        return {"y": module(inputs["x"], text)}
    if name == "image_router":
        return {"logits": module(inputs["x"].mean(dim=1))}
    if name == "text_router":
        return {"logits": module(module.pool(text.words, text.padding))}
    if name == "fusion_layer":
        ys, p, logits = module([inputs[f"x.{i}"] for i in range(len(module.names))], text)
        outputs = {f"y.{j}": y for j, y in enumerate(ys)}
        return {**outputs, "aux.p": p, **named("aux.logits.", logits)}
    fused = module["fusion"](inputs["x"], text)
    outputs = {"map": fused.map, "q": fused.q, "u": fused.u}
    for layer, (p, logits) in enumerate(zip(fused.routes, fused.logits)):
        outputs.update({f"aux.p.{layer}": p, **named(f"aux.logits.{layer}.", logits)})
    return outputs


def module_case(name: str) -> Callable[[Tensors, Tensors, Metadata], Tensors]:
    def compute(inputs: Tensors, params: Tensors, metadata: Metadata) -> Tensors:
        module = load(build_module(name, metadata), params, torch.float64)
        given = {n: t for n, t in inputs.items() if not n.startswith("cotangent.")}
        leaves = {n: t for n, t in given.items() if t.dtype.is_floating_point}
        for tensor in leaves.values():
            tensor.requires_grad_()
        outputs = run_module(name, module, inputs)
        loss = cotangent_loss(outputs, inputs)
        grads = gradients(loss, {**leaves, **dict(module.named_parameters())})
        return {**named("output/", {**outputs, "loss": loss}), **named("grad/", grads)}

    return compute


# --- losses --------------------------------------------------------------------------------


def logits_per_layer(who: str, inputs: Tensors) -> List[Logits]:
    """input `who.LAYER.KIND` -> one dictionary by kind for each layer."""
    layers: Dict[int, Logits] = {}
    for name, tensor in below(f"{who}.", inputs).items():
        layer, kind = name.split(".")
        layers.setdefault(int(layer), {})[kind] = tensor
    return [layers[layer] for layer in sorted(layers)]


def loss_case(inputs: Tensors, params: Tensors, metadata: Metadata) -> Tensors:
    """Every loss whose inputs the file gives; `loss` is their weighted sum if all three are there."""
    leaves = {n: t for n, t in inputs.items() if not n.startswith("teacher.")}
    for tensor in leaves.values():
        tensor.requires_grad_()
    lambda1, lambda2, tau = (float(metadata[key]) for key in ("lambda1", "lambda2", "tau"))
    total = "u" in inputs and "student.0.image" in inputs
    outputs: Tensors = {}
    if "q" in inputs and (total or "u" not in inputs):
        outputs["bbc"] = batch_classification(inputs["q"], inputs["t"], inputs["scale"])
    if any(name.startswith("student.") for name in inputs):
        student, teacher = logits_per_layer("student", inputs), logits_per_layer("teacher", inputs)
        spd = path_distillation(student, teacher, tau, metadata["merge"])
        outputs["spd"] = spd.loss
        outputs["aux.spd_if_mean_of_layer_means"] = spd.mean_of_layer_means
    if "u" in inputs:
        c = consistency(inputs["q"], inputs["u"], inputs["t"], inputs["scale"])
        outputs.update({"c": c.loss, "aux.c_kl_q_u": c.kl_q_u, "aux.c_kl_u_q": c.kl_u_q})
    if total:
        loss = total_loss(outputs["bbc"], outputs["spd"], outputs["c"], lambda1, lambda2)
    else:
        (loss,) = (outputs[name] for name in ("bbc", "spd", "c") if name in outputs)
    outputs["loss"] = loss
    return {**named("output/", outputs), **named("grad/", gradients(loss, leaves))}


# --- ResNet --------------------------------------------------------------------------------


def resnet_case(inputs: Tensors, params: Tensors, metadata: Metadata) -> Tensors:
    """Evaluation mode (running statistics) and train mode (batch statistics), from the same state."""
    result: Tensors = {}
    for mode in ("eval", "train"):
        module = load(ResNet("resnet18", float(metadata["width"])), params, torch.float64)
        module.train(mode == "train")
        x = inputs["x"].detach().requires_grad_()
        y = module(x)
        loss = cotangent_loss({"y": y}, inputs)
        result.update({f"output/{mode}/y": y, f"output/{mode}/loss": loss})
        for name, grad in gradients(loss, {"x": x, **dict(module.named_parameters())}).items():
            result[f"grad/{mode}/{name}"] = every(grad, 1024 if name == "x" else 256)
            result[f"grad_norm/{mode}/{name}"] = grad.norm()
        if mode == "train":
            running = {n: t for n, t in state_of(module).items() if "running_" in n}
            result.update(named("output/train/", running))
    return result


# --- five training steps -------------------------------------------------------------------

# `output/separate/final` holds these only.
SEPARATE_FINAL = (
    "fusion.layers.{last}.",
    "image.backbone.bn1.",
    "image.backbone.conv1.",
    "image.backbone.layer4.1.",
    "image.proj.",
    "scale",
    "text.lstm.",
)


def sdfn_of(metadata: Metadata) -> SDFN:
    """The network that the metadata describes, with PyTorch's initial values."""
    dim, heads, layers = (int(metadata[key]) for key in ("D", "heads", "L"))
    backbone = ResNet(metadata["backbone"], float(metadata["width"]))
    return SDFN(
        ImageEncoder(backbone, backbone.out_channels, dim),
        TextEncoder(int(metadata["vocabulary"]), int(metadata["wordDim"]), dim),
        FusionNetwork(dim, heads, layers, **fusion_options(metadata)),
        1.0,
    )


def train(
    inputs: Tensors, params: Tensors, metadata: Metadata, separate: bool, dtype: torch.dtype
) -> Tuple[Tensors, Tensors]:
    """Five steps -> (losses, teacher logits and step 0's gradients; final parameters)."""
    adam = json.loads(metadata["adam"])
    lambda1, lambda2, tau = (float(metadata[key]) for key in ("lambda1", "lambda2", "tau"))
    model = load(sdfn_of(metadata), params, dtype).train()
    teacher = load(sdfn_of(metadata), params, dtype).eval()
    optimizer = torch.optim.Adam(
        model.parameters(),
        lr=adam["lr"],
        betas=(adam["beta1"], adam["beta2"]),
        eps=adam["eps"],
        weight_decay=adam["weight_decay"],
    )
    losses = []
    result: Tensors = {}
    for step, (tokens, lengths) in enumerate(zip(inputs["tokens"], inputs["lengths"])):
        references = inputs["pool"][inputs["ref_index"][step]].to(dtype)
        targets = inputs["pool"][inputs["tgt_index"][step]].to(dtype)
        with torch.no_grad():
            taught = teacher.query(teacher.image(references), tokens, lengths).logits
        fused, t = model(references, targets, tokens, lengths, separate_passes=separate)
        bbc = batch_classification(fused.q, t, model.scale)
        spd = path_distillation(fused.logits, taught, tau, metadata["merge"]).loss
        c = consistency(fused.q, fused.u, t, model.scale).loss
        loss = total_loss(bbc, spd, c, lambda1, lambda2)
        losses.append(torch.stack([loss, bbc, spd, c]).detach())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        for layer, logits in enumerate(taught):
            result.update(named(f"output/teacher_logits.{step}.{layer}.", logits))
        if step == 0:
            grads = {n: every(p.grad, 96) for n, p in model.named_parameters()}
            result.update(named("grad/step0/", {n: g.clone() for n, g in grads.items()}))
    return {"output/losses": torch.stack(losses), **result}, state_of(model)


def adam_case(inputs: Tensors, params: Tensors, metadata: Metadata) -> Tensors:
    result, final = train(inputs, params, metadata, False, torch.float64)
    for name, tensor in final.items():
        result[f"output/final/{name}"] = tensor if tensor.numel() <= 1024 else every(tensor, 256)
    separate, final = train(inputs, params, metadata, True, torch.float64)
    result["output/separate/losses"] = separate["output/losses"]
    kept = tuple(prefix.format(last=int(metadata["L"]) - 1) for prefix in SEPARATE_FINAL)
    for name, tensor in final.items():
        if name.startswith(kept):
            result[f"output/separate/final/{name}"] = every(tensor, 32)
    return result


MODULE_NAMES = (
    "text_encoder mha layernorm jrm cam gtm image_router text_router "
    "fusion_layer fusion fusion_product fusion_shared fusion_none fusion_subset"
).split()
LOSS_NAMES = "loss_bbc loss_c loss_spd loss_spd_product loss_spd_shared loss_total".split()

CASES: Dict[str, Callable[[Tensors, Tensors, Metadata], Tensors]] = {
    **{name: module_case(name) for name in MODULE_NAMES},
    **{name: loss_case for name in LOSS_NAMES},
    **{name: method_case(name) for name in METHODS},
    "resnet18": resnet_case,
    "adam": adam_case,
}
