"""Tokens: the base model's WordPiece, taught what posts are full of: links, and emoji in its unused places."""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordPiece

# A post's own text is read up to here at once; a longer one in windows.
MAX_TOKENS = 256
_LINK = r"https?://\S+|www\.\S+"
_SKIN_TONES = r"[\x{1F3FB}-\x{1F3FF}]"
_MOST_EMOJI = 500
_LEAST_SEEN = 3


def make_tokenizer(base: Path, texts: Iterable[str]) -> tuple[Tokenizer, dict[int, str]]:
    """Give the base model's tokenizer for posts, and which ids became emoji of what name.

    `base` is its `tokenizer.json`. The commonest emoji of `texts` take the ids that the base model never used.
    """
    emoji = _common_emoji(texts)
    raw = json.loads(base.read_text(encoding="utf-8"))
    vocab = raw["model"]["vocab"]
    unused = [token for token in vocab if token.startswith("[unused")]
    named: dict[int, str] = {}
    for token, sign in zip(unused, emoji, strict=False):
        vocab[sign] = vocab.pop(token)
        named[vocab[sign]] = unicodedata.name(sign, "symbol").lower()
    tokenizer = Tokenizer.from_str(json.dumps(raw))
    tokenizer.model = WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100)
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(_LINK), "http"),
            normalizers.Replace(Regex(_SKIN_TONES), ""),
            normalizers.BertNormalizer(lowercase=True),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Split(Regex(r"\p{So}"), "isolated")]
    )
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer, named


def _common_emoji(texts: Iterable[str]) -> Sequence[str]:
    seen = Counter(sign for text in texts for sign in set(text) if unicodedata.category(sign) == "So")
    common = [(-n, sign) for sign, n in seen.items() if n >= _LEAST_SEEN]
    return [sign for _, sign in sorted(common)[:_MOST_EMOJI]]
