"""The logit lens: the logit that a hidden state gives to a token of the vocabulary."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from seewhy.core.axes import expect_axes

#: States that are converted to float32 at a time; bounds the copy of a long video's states.
STATES_AT_ONCE = 8192


def logit_lens(
    states: Tensor,
    rows: Tensor,
    biases: Tensor | None = None,
    *,
    softcap: float | None = None,
    foils: Tensor | None = None,
    foil_biases: Tensor | None = None,
) -> Tensor:
    r"""Project visual states onto the unembedding rows of the explained tokens.

    $$A_i[v] = \mathrm{relu}(H_v \cdot W_{c_i} + b_{c_i})$$

    With foils it explains why token i and not f_i (contrast); with a soft cap c all logits z are
    first replaced by c tanh(z / c), as in the model:

    $$A_i[v] = \mathrm{relu}(z_{c_i}[v] - z_{f_i}[v])$$

    The products are summed in float32 for any model dtype. Only the explained tokens' rows
    of the unembedding are used, so nothing here is as large as visual tokens x vocabulary.

    Args:
        states: float `[visual, hidden]`, final hidden states after the last norm.
        rows: float `[token, hidden]`, the unembedding row of each explained token's id.
        biases: float `[token]`, the unembedding's bias for the same ids, if it has one.
        softcap: c, positive, where the model caps its logits.
        foils: float `[token, hidden]`, the row of the token that each one is contrasted with;
            zeros where there is none.
        foil_biases: float `[token]`, likewise.

    Returns:
        float32 `[token, visual]`, non-negative, in logits.

    Raises:
        ShapeError: if the axes do not match.

    Source:
        The base attribution of Liang et al. 2025 (arXiv 2509.22415) and of TAM (Li et al., ICCV
        2025), stated by both; the bias is our addition, for families whose `lm_head` has one.

    Example:
        >>> states = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-1.0, -1.0]])
        >>> logit_lens(states, rows=torch.tensor([[1.0, 1.0]]))
        tensor([[1., 2., 0.]])
    """
    hidden = expect_axes(states, "visual hidden", name="states")["hidden"]
    tokens = expect_axes(rows, "token hidden", name="rows", hidden=hidden)["token"]
    for name, values in (("biases", biases), ("foil_biases", foil_biases)):
        if values is not None:
            expect_axes(values, "token", name=name, token=tokens)
    logits = _logits(states, rows, biases, softcap)
    if foils is not None:
        expect_axes(foils, "token hidden", name="foils", token=tokens, hidden=hidden)
        logits = logits - _logits(states, foils, foil_biases, softcap)
    return logits.relu()


def _logits(states: Tensor, rows: Tensor, biases: Tensor | None, softcap: float | None) -> Tensor:
    """float32 `[token, visual]`, as the model computes them."""
    rows = rows.float()
    logits = torch.cat([rows @ part.float().T for part in states.split(STATES_AT_ONCE)], dim=1)
    if biases is not None:
        logits = logits + biases.float()[:, None]
    return logits if softcap is None else softcap * (logits / softcap).tanh()


def text_activation(
    states: Tensor, rows: Tensor, biases: Tensor | None = None, **output: Any
) -> Tensor:
    r"""Project the state of each context token onto the rows of the tokens after it.

    $$s_{ij} = \mathrm{relu}(H_j \cdot W_{c_i} + b_{c_i}) \text{ for } j < i, \text{ else } 0$$

    Row i is an explained token, column j its context: only earlier tokens can influence
    a token.

    Args:
        states: float `[text, hidden]`, the final state by which each text token is scored as
            context, such as the one at its own position.
        rows: float `[text, hidden]`, the unembedding row of each text token's id.
        biases: float `[text]`, the unembedding's bias for the same ids, if it has one.
        **output: `softcap`, `foils` and `foil_biases`, as for `logit_lens`.

    Returns:
        float32 `[text, text]`, non-negative, strictly lower triangular.

    Raises:
        ShapeError: if the axes do not match.

    Source:
        The text activation in TAM's estimated causal inference, stated by the paper.

    Example:
        >>> states = torch.tensor([[1.0], [2.0], [3.0]])
        >>> text_activation(states, rows=torch.tensor([[1.0], [1.0], [10.0]]))
        tensor([[ 0.,  0.,  0.],
                [ 1.,  0.,  0.],
                [10., 20.,  0.]])
    """
    sizes = expect_axes(states, "text hidden", name="states")
    expect_axes(rows, "text hidden", name="rows", **sizes)
    return logit_lens(states, rows, biases, **output).tril(-1)
