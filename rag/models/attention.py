"""Attention over texts that lie one behind the other without padding, in three ways that give the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_MOST = 8_000_000  # scores of one text: beyond, they are not held in memory at once
_RANGE = (1e-30, 1e34)  # of a row's sum of exponentials: well within the ends of the format, 1e-38 and 3e38, for values up to 30,000
_SCORES = 800_000  # attention scores computed at once: 1.6 MB in bfloat16, which stays in the cache next to a core


def attend(joined: torch.Tensor, lengths: Sequence[int], heads: int) -> torch.Tensor:
    """Return the mixed values, shape `(tokens, width)`, of `joined`: scaled queries, keys and values side by side, shape `(tokens, 3 * width)`.

    Rows behind the last text belong to none, and zero comes of them.

    On a processor each run of texts of one length is computed by itself: nothing is padded and nothing masked. On an accelerator
    all texts are computed at once, padded to the longest, because many small products would leave it idle.
    """
    if joined.device.type != "cpu":
        return padded(joined, lengths, heads)
    if len(lengths) == 1 and lengths[0] == len(joined):
        return _equal(joined, 1, heads)
    found, end = joined.new_zeros(joined.shape[0], joined.shape[1] // 3), 0
    for _, length, count in equal(joined, lengths):
        most = max(1, _SCORES // max(1, heads * length * length))
        for texts in [most] * (count // most) + [count % most] * (count % most > 0):
            start, end = end, end + texts * length
            found[start:end] = _equal(joined[start:end], texts, heads)
    return found


def equal(joined: torch.Tensor, lengths: Sequence[int]) -> Iterator[tuple[torch.Tensor, int, int]]:
    """Yield the rows of each run of texts of one length, that length, and how many texts the run has."""
    start = 0
    for length, run in groupby(lengths):
        count = len(list(run))
        yield joined[start : start + length * count], length, count
        start += length * count


def _equal(joined: torch.Tensor, texts: int, heads: int) -> torch.Tensor:
    """Return the mixed values of texts of one length.

    In bfloat16 plain products, which the processor does in that format, take two fifths of the time of torch's own attention; their memory grows
    with the square of the length, so long texts go the other way.
    """
    import torch

    length = joined.shape[0] // texts
    split = joined.view(texts, length, 3, heads, -1).permute(2, 0, 3, 1, 4)
    if joined.dtype == torch.bfloat16 and heads * length * length <= _MOST:
        mixed = _weighted(*split.contiguous().view(3, texts * heads, length, -1)).view(texts, heads, length, -1)
    else:
        mixed = torch.nn.functional.scaled_dot_product_attention(split[0], split[1], split[2], scale=1.0)
    return mixed.transpose(1, 2).reshape(joined.shape[0], -1)


def _weighted(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Return softmax(query key) value of each matrix of a stack.

    The weights are the bare exponentials, and what they weigh is divided by their sum: the same but for rounding, without the passes over
    all scores that a softmax takes to find the highest, to subtract it and to divide. Only where a sum shows that a row's exponentials
    ran out of the format's range, or nearly so, the softmax is taken: of the bundled model's, where one head has scores up to 85, one in a hundred.
    """
    import torch

    weights = torch.bmm(query, key.transpose(1, 2)).exp_()
    sums = weights.sum(-1, keepdim=True)
    low, high = torch.aminmax(sums)
    if _RANGE[0] < low.item() and high.item() < _RANGE[1]:
        return torch.bmm(weights, value).div_(sums)
    return torch.bmm(torch.bmm(query, key.transpose(1, 2)).softmax(-1), value)


def padded(joined: torch.Tensor, lengths: Sequence[int], heads: int) -> torch.Tensor:
    """Return the mixed values of all texts at once, padded to the longest and masked."""
    import torch

    sizes = torch.tensor(list(lengths), device=joined.device)
    there = torch.arange(int(max(lengths)), device=joined.device) < sizes[:, None]
    wide = joined.new_zeros(*there.shape, joined.shape[1])
    wide[there] = joined
    query, key, value = wide.view(*there.shape, 3, heads, -1).permute(2, 0, 3, 1, 4)
    mixed = torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=there[:, None, None, :], scale=1.0)
    return mixed.transpose(1, 2).reshape(*there.shape, -1)[there]
