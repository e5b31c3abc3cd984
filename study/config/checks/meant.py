"""Which known word an unknown one was meant to be: by the slips of a typist, and by meaning."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

FEW = 3  # words of four letters and less may differ by one slip alone
PER_SLIP = 3  # letters of a longer word for each slip in it


def slips(one: str, other: str) -> int:
    """Letters to be put in, left out, replaced, or exchanged with their neighbour."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            row.append(min(last[j] + 1, row[-1] + 1, last[j - 1] + (a != b)))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                row[-1] = min(row[-1], before[j - 2] + 1)
        before, last = last, row
    return last[-1]


def close(
    word: str,
    known: Iterable[str],
    meanings: Mapping[str, str] | None = None,
    misfits: Collection[str] = (),
) -> list[str]:
    """Known words that may have been meant, the likeliest first; at most three.

    Args:
        word: that is not known.
        known: the words that are.
        meanings: other words for some of them.
        misfits: known words that do not fit what else was said, likely only where nothing else is.
    """
    words, asked = list(dict.fromkeys(known)), _plain(word)[:64]
    same = (meanings or {}).get(asked)
    found = [same] if same in words else []
    allowed = max(1, len(asked) // PER_SLIP)
    ranked: list[tuple[tuple[object, ...], str]] = []
    for one in words:
        plain = _plain(one)[:64]
        off = slips(asked, plain)
        within = len(asked) > FEW and (plain.startswith(asked) or f"-{asked}" in f"-{plain}")
        if off <= allowed or within:
            # the same letters in another order are a slip of the fingers, not another word
            other = sorted(asked) != sorted(plain)
            ranked.append(((one in misfits, min(off, allowed + 1), other, one), one))
    found += [one for _, one in sorted(ranked) if one not in found]
    return found[:3]


def hint(word: str, known: Iterable[str], meanings: Mapping[str, str] | None = None) -> str:
    """A question after the word that was likely meant, to stand before a rule; or nothing."""
    found = close(word, known, meanings)
    return f"did you mean {found[0]!r}? " if found else ""


def _plain(word: str) -> str:
    return word.lower().replace("_", "-").strip("-")
