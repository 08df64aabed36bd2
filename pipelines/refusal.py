"""What a person can put right. A leaf: rooms derive their errors from it, the command line prints them."""

from collections.abc import Iterable
from difflib import get_close_matches

FEW = 8
"""So many names a sentence can hold."""


class Refusal(Exception):
    """Wrong input, a wrong declaration or a wrong moment; the message says what is wrong, where, and what to do.

    Commands print it without a traceback and exit with 2. Everything else that is raised is a defect.
    """


def did_you_mean(word: str, valid: Iterable[str]) -> str:
    """The end of a sentence on a wrong name: `; did you mean F08?`, all names where there are few, or a full stop."""
    # Codes differ in case more often than in letters.
    by_folded = {name.casefold(): name for name in valid}
    folded = word.strip().casefold()
    near = [folded] if folded in by_folded else get_close_matches(folded, by_folded, n=3, cutoff=0.6)
    if near:
        return f"; did you mean {' or '.join(by_folded[n] for n in near)}?"
    return f"; there are: {', '.join(by_folded.values())}." if 0 < len(by_folded) <= FEW else "."
