"""How well the rankings of context tokens agree on the shipped models: the input of ARC.

    python benchmarks/agreement.py [--scenes 30] [--out benchmarks/results]

Rank-biased overlap (k = 50, p = 0.9) of each token of the correct captions of training scenes with
every earlier token that has another text: the weight 1 - rho by which ARC differs from TAM.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from seewhy.functional import text_activation
from seewhy.methods._scores import context_states, output_of, same_text
from seewhy.methods._stages import RankingCorrelation
from seewhy.models import Loaded, load, prepare, read
from seewhy.testbed.captions import captions
from seewhy.testbed.pretrained import pretrained_folder
from seewhy.testbed.scenes import draw, scene

FAMILIES = ("tiny-qwen2-vl", "tiny-llava", "tiny-internvl")


def agreements(loaded: Loaded, index: int) -> tuple[Tensor, Tensor]:
    """rho and the text activation of the token pairs of one scene, float32 `[pair]` each."""
    drawn = scene(index, "train")
    picture = draw(drawn)
    caption = captions(drawn, picture)[0]
    inputs = prepare(loaded.family, Image.fromarray(picture.image), caption.prompt)
    trace = read(loaded, inputs, caption.text, ranking_depth=50)
    rho = RankingCorrelation()(trace)
    activation = text_activation(context_states(trace), trace.unembedding_rows, **output_of(trace))
    counted = torch.ones_like(rho, dtype=torch.bool).tril(-1) & ~same_text(trace)
    counted[: len(trace.prompt_tokens)] = False
    return rho[counted], activation[counted]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description="How well rankings agree.")
    parser.add_argument("--scenes", type=int, default=30)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    lines = [
        f"Rank-biased overlap of token pairs, {arguments.scenes} training scenes "
        "(k = 50, p = 0.9).",
        "",
        "| model | mean | weighted by activation | 90th percentile | above 0.5 |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name in FAMILIES:
        loaded = load(str(pretrained_folder(name)))
        pairs = [agreements(loaded, index) for index in range(arguments.scenes)]
        rho, weight = (torch.cat(part) for part in zip(*pairs, strict=True))
        weighted = float((rho * weight).sum() / weight.sum())
        above = float((rho > 0.5).float().mean())
        lines.append(
            f"| {name} | {float(rho.mean()):.2f} | {weighted:.2f} | {float(rho.quantile(0.9)):.2f} "
            f"| {above:.1%} |"
        )
    text = "\n".join(lines) + "\n"
    print(text)
    (arguments.out / "agreement.md").write_text(text)


if __name__ == "__main__":
    main()
