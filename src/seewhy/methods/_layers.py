"""What each decoder layer added to the answer's words, and what could be read there."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from seewhy.core.layers import Layers
from seewhy.core.trace import Trace
from seewhy.functional.logit_lens import logit_lens
from seewhy.methods._evidence import Evidence
from seewhy.methods._scores import output_of, text_positions
from seewhy.methods._shares import densities, share_reader
from seewhy.models.decoder import at_least_float32, final_norm_of, layer_states, layers_of
from seewhy.models.isolation import eval_mode
from seewhy.models.logit_shares import LayerShares, ShareReader
from seewhy.models.predictions import CHUNK
from seewhy.models.session import Session
from seewhy.models.unembedding import cached_unembedding


def layers_of_answer(session: Session, trace: Trace) -> Layers:
    """Read the answer's tokens layer by layer, in one further forward pass.

    Args:
        session: the model and the answer.
        trace: the base reading.

    Raises:
        UnsupportedModelError: if the model's attention cannot be read exactly.
    """
    evidence = Evidence.from_session(session, trace=trace)
    reader = share_reader(evidence, "layers")
    visual = trace.inputs.visual_positions.cpu()
    predicting = text_positions(trace)[len(trace.prompt_tokens) :] - 1
    positions = torch.cat([predicting, visual])
    states = states_of_layers(session, trace, positions)
    at_tokens, at_places = states.split([len(predicting), len(visual)], 1)
    probabilities, ranks = _readings(session, at_tokens[1:], trace.ids)
    lens = _lens(session, trace, at_places[1:])
    taken, picture, text = zip(*(_sums(layer, visual) for layer in reader.layers), strict=True)
    return Layers(
        probabilities=probabilities,
        ranks=ranks,
        lens_maps=tuple(view.cpu() for view in trace.to_grid(lens)),
        share_maps=densities(trace.views, torch.stack(taken, 1)),
        picture=torch.stack(picture, 1),
        text=torch.stack(text, 1),
        feed_forward=_feed_forward(reader, at_tokens),
    )


def states_of_layers(session: Session, trace: Trace, positions: Tensor) -> Tensor:
    """`[layer + 1, row, hidden]`: the embeddings, then the states that leave each layer."""
    layers = range(-1, len(layers_of(session.loaded.model)))
    states = layer_states(session.loaded, session.inputs_of(trace), session.ids, layers, positions)
    return torch.stack([of_layer.to(states[0].device) for of_layer in states])


def _sums(layer: LayerShares, visual: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of one layer: `[token, visual]`, and `[token, head]` from the picture and from the text."""
    shares = layer.shares(slice(None)).relu().float().cpu()
    is_visual = torch.isin(torch.arange(shares.shape[2]), visual)
    picture, text = shares[..., is_visual].sum(2).T, shares[..., ~is_visual].sum(2).T
    return shares.sum(0)[:, visual], picture, text


def _readings(session: Session, states: Tensor, ids: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """p(token) and its rank after each layer: float32 and int64 `[token, layer]`.

    Args:
        session: the model.
        states: `[layer, token, hidden]`, where each token is predicted.
        ids: of the tokens.
    """
    unembedding = cached_unembedding(session.loaded.model)
    norm = final_norm_of(session.loaded.model)
    chosen = torch.tensor(ids).repeat(len(states))
    probabilities, ranks = [], []
    with eval_mode(session.loaded.model):
        for rows, tokens in zip(
            states.flatten(0, 1).split(CHUNK), chosen.split(CHUNK), strict=True
        ):
            logits = unembedding(norm(rows)).float()
            own = logits.gather(1, tokens[:, None].to(logits.device))
            probabilities.append((own - logits.logsumexp(1, keepdim=True)).exp()[:, 0].cpu())
            ranks.append((logits > own).sum(1).cpu())
    shape = len(states), len(ids)
    return torch.cat(probabilities).view(shape).T, torch.cat(ranks).view(shape).T


def _lens(session: Session, trace: Trace, states: Tensor) -> Tensor:
    """The logit lens after each layer: float32 `[token, layer, visual]`."""
    answer, norm = len(trace.tokens), final_norm_of(session.loaded.model)
    options: dict[str, Any] = {
        name: value[-answer:] if isinstance(value, Tensor) else value
        for name, value in output_of(trace).items()
    }
    rows = trace.unembedding_rows[-answer:]
    with eval_mode(session.loaded.model):
        maps = [logit_lens(norm(layer).to(rows.device), rows, **options) for layer in states]
    return torch.stack(maps, 1)


def _feed_forward(reader: ShareReader, states: Tensor) -> Tensor:
    """The layers' other parts in the tokens' logits: float32 `[token, layer]`, signed.

    Args:
        reader: of the tokens.
        states: `[layer + 1, token, hidden]`, where each token is predicted.
    """
    along = (at_least_float32(states).to(reader.directions) * reader.directions).sum(-1)
    parts = []
    for number, (layer, branch) in enumerate(
        zip(reader.layers, reader.stream.branches, strict=True)
    ):
        later = reader.stream.kept_after[number]
        attention = (layer.totals + layer.constants).to(along)
        change = later * (along[number + 1] - branch.keeps * along[number])
        parts.append(change - attention)
    return torch.stack(parts, 1).float().cpu()
