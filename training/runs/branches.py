"""Both answers of a pair in one row, behind the prompt that they share.

    prompt without its last token | last token, chosen answer | last token, rejected answer

A token sees the prompt and what stands before it in its own branch, never the other answer, and
keeps the position that it has in a row of its own. So every log-probability is that of two separate
rows (arXiv 2410.20305), while the prompt and its pictures run once. The last token of the prompt
stands at the head of both branches because it predicts the first token of both; an answer's last
token predicts nothing and is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

PROMPT, CHOSEN, REJECTED, PADDING = range(4)


@dataclass(frozen=True)
class Layout:
    """Where the tokens of packed rows come from in a batch with two rows per pair.

    Attributes:
        rows, columns: pairs x length; the row and column of the two-row batch that a packed token
            is copied from. A column is also the token's position. Padding copies token 0.
        branches: pairs x length; PROMPT, CHOSEN, REJECTED or PADDING.
        scored: pairs x length; whether a packed token predicts a token of an answer.
        heads: pairs; the column of the prompt's last token.
        places: 2 x pairs, by width - 1; the packed column that predicts the token after this one,
            and -1 where that token belongs to no answer.
    """

    rows: torch.Tensor
    columns: torch.Tensor
    branches: torch.Tensor
    scored: torch.Tensor
    heads: torch.Tensor
    places: torch.Tensor

    def pack(self, values: torch.Tensor) -> torch.Tensor:
        """Values of a two-row batch (2 x pairs, by width) in packed order (pairs x length)."""
        return values[self.rows, self.columns]

    def unpack(self, values: torch.Tensor) -> torch.Tensor:
        """Packed values (pairs x length) where TRL looks for them; 0 where nothing is predicted."""
        pairs = values.shape[0]
        rows = torch.arange(2 * pairs, device=values.device).unsqueeze(1) % pairs
        found = values[rows, self.places.clamp(min=0)]
        return found.masked_fill(self.places < 0, 0)

    def targets(self, input_ids: torch.Tensor) -> torch.Tensor:
        """The token that each packed token predicts; -100 where none of an answer."""
        following = input_ids[self.rows, (self.columns + 1).clamp(max=input_ids.shape[1] - 1)]
        return following.masked_fill(~self.scored, -100)

    def visible(
        self, window: int | None = None, groups: torch.Tensor | None = None
    ) -> torch.Tensor:
        """What sees what: pairs x 1 x length x length, True where attention may look.

        Args:
            window: number of positions that a sliding attention looks back.
            groups: pairs x length; tokens with the same number of 0 or more, those of one picture,
                see each other in both directions.
        """
        asks, seen = self.branches.unsqueeze(2), self.branches.unsqueeze(1)
        length = self.branches.shape[1]
        order = torch.ones(length, length, dtype=torch.bool, device=asks.device)
        allowed = order.tril() & ((seen == PROMPT) | (seen == asks)) & (seen != PADDING)
        if groups is not None:
            allowed |= (groups.unsqueeze(2) == groups.unsqueeze(1)) & (groups.unsqueeze(2) >= 0)
        if window is not None:
            allowed &= self.columns.unsqueeze(2) - self.columns.unsqueeze(1) < window
        # a padding token sees itself: a row that sees nothing has no softmax
        itself = torch.eye(length, dtype=torch.bool, device=asks.device)
        return (allowed | itself).unsqueeze(1)

    def prompt_groups(self) -> torch.Tensor:
        """0 for the tokens of the prompt and -1 for others, as `visible` takes them.

        Of the prompt's last token, the head of both branches, the one before the chosen answer
        counts: both are the same to whoever looks.
        """
        head = self.columns == self.heads.unsqueeze(1)
        inside = (self.branches == PROMPT) | ((self.branches == CHOSEN) & head)
        return torch.where(inside, 0, -1)

    def positions(self, rotary: torch.Tensor | None = None) -> torch.Tensor:
        """Position ids: pairs x length, or 3 x pairs x length.

        `rotary` (3 x pairs x width) holds the positions of the chosen rows in three dimensions.
        Behind the prompt's last token, which is text, all three count on by one.
        """
        if rotary is None:
            return self.columns
        pairs = torch.arange(self.columns.shape[0], device=rotary.device).unsqueeze(1)
        head = self.heads.unsqueeze(1)
        beyond = (self.columns - head).clamp(min=0)
        return rotary[:, pairs, torch.minimum(self.columns, head)] + beyond


def layout(
    answer_mask: torch.Tensor, learned: torch.Tensor | None = None, multiple: int = 1
) -> Layout:
    """The packed rows of a batch whose first half is chosen and second half rejected.

    `answer_mask` (2 x pairs, by width) is 1 at the tokens of answers, padded on the right;
    `learned`, of the same shape, at those among them that are scored (by default all). The length
    of the rows is a multiple of `multiple`.
    """
    pairs, width = answer_mask.shape[0] // 2, answer_mask.shape[1]
    starts = answer_mask.argmax(dim=1).tolist()
    counts = answer_mask.sum(dim=1).tolist()
    lengths = [starts[at] - 1 + counts[at] + counts[pairs + at] for at in range(pairs)]
    shape = (pairs, -(-max(lengths) // multiple) * multiple)
    rows, columns = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    branches = torch.full(shape, PADDING)
    places = torch.full((2 * pairs, width - 1), -1)
    for pair, length in enumerate(lengths):
        head, chosen, rejected = starts[pair] - 1, counts[pair], counts[pairs + pair]
        second = head + chosen
        rows[pair, :second], rows[pair, second:length] = pair, pairs + pair
        columns[pair, :second] = torch.arange(second)
        columns[pair, second:length] = torch.arange(head, head + rejected)
        branches[pair, :head] = PROMPT
        branches[pair, head:second] = CHOSEN
        branches[pair, second:length] = REJECTED
        places[pair, head:second] = torch.arange(head, second)
        places[pairs + pair, head : head + rejected] = torch.arange(second, length)
    scored = (branches == CHOSEN) | (branches == REJECTED)
    if learned is not None:
        wanted = learned.bool().cpu()
        scored &= wanted[rows, (columns + 1).clamp(max=width - 1)]
        places = places.masked_fill(~wanted[:, 1:], -1)
    heads = torch.tensor(starts[:pairs]) - 1
    device = answer_mask.device
    made = (one.to(device) for one in (rows, columns, branches, scored, heads, places))
    return Layout(*made)
