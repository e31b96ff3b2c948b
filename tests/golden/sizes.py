"""The sizes and settings of every golden file, and the metadata that states them.

Sizes are small and, within a file, mostly different from one another, so that a swapped axis
cannot go unseen.
"""

import json
from typing import Dict

FOUR = "jrm,cam,gtm,rcm"
COTANGENT_LOSS = (
    "sum over outputs (those with input/cotangent.NAME) of sum(output * cotangent); grad/ is its gradient"
)
STACK = (
    "; q = mean over regions of the fused map (not normalised), "
    "u = sum over the last layer's module inputs of their mean over regions (not normalised)"
)

# What every file is about and where it differs from the common sizes.
COMMON: Dict[str, object] = {"B": 3, "N": 5, "T": 7, "D": 12, "heads": 2, "L": 3, "modules": FOUR}
FILES: Dict[str, Dict[str, object]] = {
    "text_encoder": {"what": "tokens -> embedding -> LSTM (i,f,g,o) -> words (zero at padding), "
                     "sentence = max over valid words", "vocabulary": 17, "wordDim": 10},
    "mha": {"what": "multi-head attention, scores / sqrt(D/heads), key padding mask", "heads": 4},
    "layernorm": {"what": "LayerNorm over D, eps 1e-5"},
    "jrm": {"what": "JRM, eq. 1"},
    "cam": {"what": "CAM, eq. 2", "heads": 4},
    "gtm": {"what": "GTM"},
    "image_router": {"what": "mean over regions -> fc1 -> ReLU -> fc2", "J": 4},
    "text_router": {"what": "softmax over valid words of att_v . tanh(att_u w + bias) -> pooled -> "
                    "fc1 -> ReLU -> fc2; att_u is D -> R with bias, att_v R -> 1 without", "J": 4},
    "fusion_layer": {"what": "one layer; module i works on x.i; y.j = sum_i p[i,j] module_i(x.i); aux.* "
                     "carry no cotangent; p and logits are [B, source, destination]", "J": 4,
                     "router": "modality-specific", "merge": "mean"},
    "fusion": {"what": "the whole fusion stack" + STACK, "router": "modality-specific",
               "merge": "mean", "D": 16, "N": 9},
    "fusion_product": {"what": "stack, routers merged by product" + STACK, "D": 8,
                       "router": "modality-specific", "merge": "product"},
    "fusion_shared": {"what": "stack, one shared router per module on [mean X ; s]" + STACK, "D": 8,
                      "router": "shared", "merge": "mean"},
    "fusion_none": {"what": "stack, uniform 1/M" + STACK, "D": 8, "router": "none", "merge": "mean"},
    "fusion_subset": {"what": "stack without GTM" + STACK, "D": 8, "modules": "jrm,cam,rcm",
                      "router": "modality-specific", "merge": "mean"},
    "loss_bbc": {"what": "L_bbc"},
    "loss_c": {"what": "L_c"},
    "loss_spd": {"what": "L_spd, modality-specific routers, mean merge"},
    "loss_spd_product": {"what": "L_spd, product merge", "merge": "product"},
    "loss_spd_shared": {"what": "L_spd, shared router", "router": "shared"},
    "loss_total": {"what": "L = L_bbc + lambda1 L_spd + lambda2 L_c"},
    "resnet18": {"what": "torchvision resnet18 without avgpool/fc, x [B,3,S,S] -> y [B,C,h,w]",
                 "B": 3, "width": 0.125, "size": 48},
    "adam": {"what": "5 training steps: step k uses ref = pool[ref_index[k]], target = pool[tgt_index[k]]; "
             "teacher = the initial model (param/) in eval mode on the same reference images and tokens",
             "B": 5, "N": 4, "D": 12, "vocabulary": 17, "wordDim": 6, "size": 48, "width": 0.0625,
             "backbone": "resnet18", "router": "modality-specific", "merge": "mean",
             "lambda1": 0.75, "lambda2": 1.5, "tau": 3.0},
}  # fmt: skip
METHODS: Dict[str, Dict[str, object]] = {
    "tirg": {"what": "TIRG: x, s [B,D] -> q [B,D]", "D": 10},
    "film": {"what": "FiLM: x [B,N,D] (a square map, row by row), s [B,D] -> q [B,D]; gamma = 1 + film(s), "
             "the rows of `film` are each block's gamma, then its beta", "N": 16, "D": 6, "blocks": 3},
    "artemis": {"what": "ARTEMIS: r, m, t [B,D], gallery [G,D], raw -> scores [B,B] (row = query), "
                "gallery_scores [B,G]; the scale is exp(log_scale)", "G": 7, "D": 10},
    "cosmo": {"what": "CoSMo (reconstruction): x [B,N,D], s [B,D] -> map [B,N,D], q [B,D]", "heads": 3},
    "amc": {"what": "AMC: x [B,N,D], s [B,D] -> y.0, y.1 [B,N,D], q.0, q.1 [B,D]; aux.gates.K", "D": 8,
            "heads": 4, "router": 5, "ffn": 6},
    "mcr": {"what": "MCR (reconstruction): x, target [B,N,D], w [B,T,D], s [B,D] -> q, relative [B,D]", "D": 8,
            "layers": 2, "ffn": 12, "consistencyWeight": 0.75},
    "eer": {"what": "EER (reconstruction): x, target [B,N,D], w [B,T,D], s [B,D] -> q, erased, added [B,D]", "D": 8,
            "semantics": 3, "alignmentWeight": 0.75},
    "datir": {"what": "DATIR (reconstruction): x, target [B,N,D], s [B,D] -> q, difference [B,D], attention_loss, "
              "hierarchy_loss []", "D": 6, "ffn": 10, "attentionWeight": 0.25, "hierarchyWeight": 0.5},
    "fashionvlp": {"what": "FashionVLP (reconstruction): x, target [B,N,D], w [B,T,D] -> q, t [B,D]", "D": 8,
                   "layers": 2, "parts": 4, "ffn": 10},
    "limn_reconstruction": {"what": "LIMN (reconstruction): x, target [B,N,D], words [B,T,D], s [B,D] -> "
                            "factors [B,K,D], match [B,D] of query and target", "D": 8, "K": 3, "ffn": 10},
}  # fmt: skip
METHOD_SIZES = {"B": 4, "N": 6, "T": 5, "D": 12, "heads": 2}
ADAM = {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0001}
LOSS_SIZES = {"B": 5, "D": 7, "lambda1": 0.75, "lambda2": 1.5, "tau": 3.0}


def method_sizes(name: str) -> Dict[str, object]:
    sizes = {**METHOD_SIZES, **METHODS[name]}
    return {
        "ffn": 2 * int(sizes["D"]),
        **sizes,
        "loss": COTANGENT_LOSS,
        "modes": "with batch norm: output/MODE/NAME, grad/MODE/NAME, MODE = eval, train, and "
        "output/train/*running_* after one training pass",
        "training": "output/training/loss: the whole training loss, batch norm in training; "
        "grad/training/NAME its gradient; an input or parameter that a loss does not depend on has none",
    }


def as_text(sizes: Dict[str, object], seed: int) -> Dict[str, str]:
    fixed = {
        "set": "repository",
        "spec": "docs/model.md",
        "dropout": "0",
        "computed_in": "float64 from float32-exact inputs, stored F32",
        "seed": str(seed),
    }
    return {**fixed, **{key: str(value) for key, value in sizes.items()}}


def metadata_of(name: str, seed: int) -> Dict[str, str]:
    """Every value a string, as the format wants it."""
    if name in METHODS:
        return as_text(method_sizes(name), seed)
    sizes = {**COMMON, **(LOSS_SIZES if name.startswith("loss_") else {}), **FILES[name]}
    dim = int(sizes["D"])
    sizes.update({"ffn": 2 * dim, "R": dim // 4, "M": len(str(sizes["modules"]).split(","))})
    if not name.startswith("fusion"):
        del sizes["modules"]
    if name.startswith("loss_"):
        sizes.setdefault("merge", "mean")
        sizes["J"] = "[4, 4, 1]"
        sizes["normalise"] = (
            "q, u, t are given raw and L2-normalised inside (eps 1e-12); gradients are w.r.t. the raw vectors"
        )
        sizes["spd"] = (
            "flat mean over batch and all (layer, destination) pairs; teacher detached. "
            "aux.spd_if_mean_of_layer_means is the other reading"
        )
        sizes["c"] = "symmetric; gradient flows through q, u, t and scale on both sides"
    elif name == "resnet18":
        sizes["bn"] = (
            "eps 1e-5, momentum 0.1 (running_var takes the unbiased variance); "
            "output/train/*running_* are the statistics after one train-mode pass"
        )
        sizes["loss"] = "sum(y * cotangent.y)"
        sizes["grad"] = (
            "grad/MODE/NAME is the flattened gradient, every k-th element with k = ceil(numel / 256); "
            "grad_norm/ is its L2 norm; grad/MODE/x likewise with k = ceil(numel / 1024)"
        )
    elif name == "adam":
        note = (
            "torch.optim.Adam: L2 weight decay added to the gradient, "
            "applied to every parameter, scale and BN included"
        )
        sizes["adam"] = json.dumps({**ADAM, "note": note})
        sizes["losses"] = "[5, 4]: total, bbc, spd, c, each before the step"
        sizes["bn"] = (
            "output/: reference and target go through the backbone as one batch of 2B, reference first; "
            "output/separate/: two passes, reference first (losses whole, some final parameters, "
            "flattened, every ceil(numel/32)-th element)"
        )
        sizes["final"] = (
            "output/final/NAME: whole where numel <= 1024, else flattened, every ceil(numel/256)-th element"
        )
        sizes["grad"] = "grad/step0/NAME: flattened, every ceil(numel/96)-th element"
    else:
        sizes["loss"] = COTANGENT_LOSS
    return as_text(sizes, seed)
