"""The logit lens: how strongly a state speaks for a word of the vocabulary."""

from __future__ import annotations

import torch
from torch import Tensor

from seewhy.core.axes import expect_axes

#: States that are widened to float32 at a time; bounds the copy of a long video's states.
STATES_AT_ONCE = 8192


def logit_lens(states: Tensor, rows: Tensor, biases: Tensor | None = None) -> Tensor:
    r"""Read visual states through the unembedding rows of the explained tokens.

    $$A_i[v] = \mathrm{relu}(H_v \cdot W_{c_i} + b_{c_i})$$

    The products are summed in float32 whatever the model's dtype. Only the explained tokens' rows
    of the unembedding take part, so nothing here is as large as visual tokens x vocabulary.

    Args:
        states: float `[visual, hidden]`, final hidden states after the last norm.
        rows: float `[token, hidden]`, the unembedding row of each explained token's id.
        biases: float `[token]`, the unembedding's bias for the same ids, if it has one.

    Returns:
        float32 `[token, visual]`, non-negative, in logits.

    Raises:
        ShapeError: if the axes do not fit each other.

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
    rows = rows.float()
    logits = torch.cat([rows @ part.float().T for part in states.split(STATES_AT_ONCE)], dim=1)
    if biases is not None:
        expect_axes(biases, "token", name="biases", token=tokens)
        logits = logits + biases.float()[:, None]
    return logits.relu()


def text_activation(states: Tensor, rows: Tensor, biases: Tensor | None = None) -> Tensor:
    r"""Read the state of each context token through the rows of the tokens after it.

    $$s_{ij} = \mathrm{relu}(H_j \cdot W_{c_i} + b_{c_i}) \text{ for } j < i, \text{ else } 0$$

    Row i is an explained token, column j its context: only what stands before a token can have
    led to it.

    Args:
        states: float `[text, hidden]`, the final state by which each text token is scored as
            context, such as the one at its own position.
        rows: float `[text, hidden]`, the unembedding row of each text token's id.
        biases: float `[text]`, the unembedding's bias for the same ids, if it has one.

    Returns:
        float32 `[text, text]`, non-negative, strictly lower triangular.

    Raises:
        ShapeError: if the axes do not fit each other.

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
    return logit_lens(states, rows, biases).tril(-1)
