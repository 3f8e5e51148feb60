"""Engine `hub`: any text classifier that `transformers` can load, from a folder or by its name at a hub."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from cxlisten.classify import Recipe
from cxlisten.classify.labels import Labels, read_labels
from cxlisten.errors import ClassifierError
from cxlisten.models import Tagged

_BATCH = 16
_READ_CHARS = 10_000
_MOST_TOKENS = 512
_LEAST_SCORE = 0.5
_PARTS = "with its config.json, weights and tokenizer"


def load(recipe: Recipe) -> "HubEngine":
    """Load the model that `model` names: a folder (seen from the recipe's own), or else a name at a hub.

    Raises ClassifierError when it cannot be loaded or its labels cannot be understood.
    """
    settings, place = recipe.settings, recipe.folder / "classifier.toml"
    if "model" not in settings:
        raise ClassifierError(f"{place}: model is missing; an engine hub needs it")
    name, folder = settings["model"], recipe.folder / Path(settings["model"]).expanduser()
    if folder.is_dir():
        source, options = folder, {"local_files_only": True}
    elif name.startswith((".", "/", "~")):
        raise ClassifierError(f"{place}: {folder} is no folder: put the model there, {_PARTS}")
    else:
        source, options = name, {"revision": settings.get("revision", "main")}
    try:
        model = AutoModelForSequenceClassification.from_pretrained(source, dtype=torch.float32, **options)
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
    except (OSError, ValueError) as error:
        raise ClassifierError(
            f'{place}: the model "{name}" cannot be loaded: {str(error).strip().splitlines()[0]} Where there is no'
            f" network, put its folder on this machine, {_PARTS}, and give the path as model"
        ) from None
    theirs = [model.config.id2label[i] for i in range(model.config.num_labels)]
    try:
        labels = read_labels(theirs, settings.get("labels", {}))
    except ClassifierError as error:
        raise ClassifierError(f"{place}: {error}") from None
    return HubEngine(model, tokenizer, labels, settings)


class HubEngine:
    """Tags posts with what the model's labels mean; the beginning of a long one is read."""

    def __init__(self, model: Any, tokenizer: Any, labels: Labels, settings: dict[str, Any]) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.labels = labels
        self.least_score = settings.get("least_score", _LEAST_SCORE)
        # Some models number their positions from 2.
        positions = getattr(model.config, "max_position_embeddings", _MOST_TOKENS + 2) - 2
        self.n_tokens = min(positions, tokenizer.model_max_length, _MOST_TOKENS)

    def tag(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[Tagged]:
        """Tag each text."""
        tagged: dict[int, Tagged] = {}
        # Texts of a length go together, so that few are padded.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for at in range(0, len(order), _BATCH):
            batch = order[at : at + _BATCH]
            for i, scores in zip(batch, self._scores([texts[i] for i in batch]), strict=True):
                tagged[i] = self.labels.tagged(texts[i], langs[i], scores, self.least_score)
        return [tagged[i] for i in range(len(texts))]

    def _scores(self, texts: list[str]) -> list[list[float]]:
        """The score of each label, 0..1; rounded, as the texts beside it change the last places."""
        # A lone surrogate is no text to a tokenizer.
        read = [text[:_READ_CHARS].encode("utf-8", "replace").decode() for text in texts]
        inputs = self.tokenizer(read, padding=True, truncation=True, max_length=self.n_tokens, return_tensors="pt")
        with torch.inference_mode():
            logits = self.model(**inputs).logits
        scores = logits.softmax(dim=-1) if self.labels.are_exclusive else logits.sigmoid()
        return [[round(score, 4) for score in row] for row in scores.tolist()]
