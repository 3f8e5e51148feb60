"""Alternative: the usual way to tag a post, Hugging Face's pipeline on a model of RoBERTa's size."""

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from cxlisten.bench.clock import Contender

BATCHES = {"pipeline": 1, "pipeline, batch 8": 8}  # the first is what it does unless told otherwise
_MOST_TOKENS = 512


def lack(tokenizer: Path | None) -> str | None:
    """Say why there is no comparison, if so."""
    if not all(find_spec(name) for name in ("torch", "transformers")):
        return "the comparison with a transformers pipeline: it needs torch, pip install 'cxlisten[train]'"
    if tokenizer is None:
        return "the comparison with a transformers pipeline: no recipe here has a tokenizer to give it"
    return None


def pipelines(tokenizer: Path, texts: Sequence[str]) -> list[Contender]:
    """Make text-classification pipelines that tag these texts, in batches as BATCHES has them, on all cores.

    The weights of their roberta-base are random, for nothing is downloaded: right by chance, but as fast as a real
    one. They read the tokens of `tokenizer`, a `tokenizer.json` of BERT's kind.
    """
    import torch
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaForSequenceClassification, pipeline

    torch.set_num_threads(os.cpu_count() or 1)
    words = PreTrainedTokenizerFast(
        tokenizer_file=str(tokenizer), pad_token="[PAD]", unk_token="[UNK]", model_max_length=_MOST_TOKENS
    )
    config = RobertaConfig(
        vocab_size=50_265,
        max_position_embeddings=_MOST_TOKENS + 2,
        type_vocab_size=1,
        num_labels=3,
        pad_token_id=words.pad_token_id,
    )
    model = RobertaForSequenceClassification(config).eval()
    tag = pipeline("text-classification", model=model, tokenizer=words, device="cpu")

    def contender(name: str, size: int) -> Contender:
        return Contender(name, len(texts), lambda _: tag(list(texts), batch_size=size, truncation=True))

    return [contender(name, size) for name, size in BATCHES.items()]
