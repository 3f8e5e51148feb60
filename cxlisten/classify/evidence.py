"""Evidence: the words of a sentence that show why it carries a ring."""

import re

from cxlisten.classify.reading import Stretch

_WORD = re.compile(r"\S+")
_LONG = 100
_BESIDE = 5


def evidence(text: str, sentence: Stretch, ring: str) -> tuple[int, int]:
    """Give the span of `text` to show for a ring: the sentence, or of a long one its longest cue and its neighbours.

    Five words on either side of the cue, as annotators mark more than the telling words: on the training
    posts that overlaps with their spans as well as the sentence does (token F1 0.51), at three quarters the length.
    """
    cues = [cue for cue in sentence.cues if cue.label.startswith(f"{ring}.")]
    if not cues or sentence.end - sentence.start <= _LONG:
        return sentence.start, sentence.end
    longest = max(cues, key=lambda cue: (cue.end - cue.start, -cue.start))
    words = [match.span() for match in _WORD.finditer(text, sentence.start, sentence.end)]
    inside = [i for i, (start, end) in enumerate(words) if end > longest.start and start < longest.end]
    first, last = max(0, inside[0] - _BESIDE), min(len(words) - 1, inside[-1] + _BESIDE)
    return words[first][0], words[last][1]
