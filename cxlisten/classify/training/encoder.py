"""Train `encoder`: all heads are learned together on one network, which becomes an ONNX graph."""

import random
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from cxlisten.classify import Recipe, load_recipe
from cxlisten.classify.encoder.artefact import GRAPH, TOKENIZER, fingerprint
from cxlisten.classify.encoder.augmentation import augmented, neighbours_of
from cxlisten.classify.encoder.calibration import input_ranges
from cxlisten.classify.encoder.examples import Example, make_examples
from cxlisten.classify.encoder.graph import write_graph
from cxlisten.classify.encoder.heads import BY_NAME
from cxlisten.classify.encoder.learning import learn
from cxlisten.classify.encoder.network import RingNetwork
from cxlisten.classify.encoder.pruning import narrow
from cxlisten.classify.encoder.readings import readings_of
from cxlisten.classify.encoder.teaching import taught
from cxlisten.classify.encoder.tokens import make_tokenizer
from cxlisten.classify.encoder.weights import find_base
from cxlisten.errors import InputError

_CALIBRATED_ON = 1000
_PRECISIONS = ("int8", "float32")


def train(recipe: Recipe, posts: list[dict[str, Any]]) -> str:
    """Learn from base weights, write `model/` in the recipe's folder, and give its SHA-256.

    Broken off, it goes on where its last checkpoint is, in `checkpoint.pt` beside the model. Raises ClassifierError
    when the base weights are not installed, InputError for an option that makes no sense.
    """
    base = find_base(recipe.settings["base"])
    options = recipe.settings["train"]
    precision = _precision(recipe.name, options)
    _check_teacher(recipe.name, options.get("teacher", {}))
    _check_shares(recipe.name, options)
    tokenizer, named = make_tokenizer(base.tokenizer, (post["text"] for post in posts))
    torch.manual_seed(options["seed"])
    network = RingNetwork(base.encoder())
    some = random.Random(options["seed"]).sample(posts, min(_CALIBRATED_ON, len(posts)))
    seen = make_examples(some, tokenizer)
    files, examples = _lessons(recipe, posts, network, tokenizer)
    _name_emoji(network, named, tokenizer)
    if "feed_forward" in options:
        narrow(network, seen, options["feed_forward"])
    ranges = learn(network, examples, files, options, recipe.folder / "checkpoint.pt", seen)

    folder = recipe.folder / "model"
    folder.mkdir(exist_ok=True)
    ranges = (ranges or input_ranges(network, seen)) if precision == "int8" else None
    write_graph(network, ranges, folder / GRAPH)
    tokenizer.save(str(folder / TOKENIZER), pretty=False)
    return fingerprint(folder)


def _lessons(
    recipe: Recipe, posts: list[dict[str, Any]], network: RingNetwork, tokenizer: Tokenizer
) -> tuple[list[str], list[Example]]:
    """Give the file of each post that is learned from, and what is learned: its labels and what its teacher sees.

    The teacher may be given new texts too. What neither it nor a label says anything of is left out.
    """
    options = recipe.settings["train"]
    teacher = options.get("teacher", {})
    if "augmented" in teacher:
        neighbours = neighbours_of(network.encoder.embeddings.word_embeddings.weight, tokenizer)
        posts = [*posts, *augmented(posts, neighbours, teacher["augmented"], options["seed"])]
    examples = make_examples(posts, tokenizer)
    if teacher:
        texts = [post["text"] for post in posts]
        read = readings_of(load_recipe(teacher["recipe"]), texts, recipe.folder / teacher["readings"])
        examples = list(taught(examples, read, teacher["share"], teacher.get("head_share", {})))
    known = [number for number, example in enumerate(examples) if not np.isnan(example.truth).all()]
    if not known:
        raise InputError(
            f'recipe "{recipe.name}": nothing is known of its posts: they have no labels, and it no teacher'
        )
    return [posts[number]["file"] for number in known], [examples[number] for number in known]


def _precision(recipe: str, options: dict[str, Any]) -> str:
    """Give the precision that is asked for; raises InputError where [train] asks for what there is not."""
    precision, rounded = str(options.get("precision", "int8")), options.get("rounded", 0)
    if precision not in _PRECISIONS:
        raise InputError(f'recipe "{recipe}": precision = "{precision}" in [train] must be one of {_PRECISIONS}')
    if not 0 <= rounded <= (1 if precision == "int8" else 0):
        raise InputError(
            f'recipe "{recipe}": rounded = {rounded} in [train] must be from 0 to 1, the share of the training that'
            " rounds as int8 will, and 0 or left out where precision is not int8"
        )
    return precision


def _check_teacher(recipe: str, teacher: dict[str, Any]) -> None:
    """Raise InputError where [train.teacher] asks for what there is not."""
    if unknown := sorted(teacher.get("head_share", {}).keys() - BY_NAME.keys() - {"evidence"}):
        raise InputError(
            f'recipe "{recipe}": {unknown[0]} in [train.teacher.head_share] is neither "evidence" nor one of'
            f" {', '.join(BY_NAME)}"
        )
    copies = teacher.get("augmented", {"default": 0})
    if "default" not in copies or not all(isinstance(n, int | float) and n >= 0 for n in copies.values()):
        raise InputError(
            f'recipe "{recipe}": [train.teacher.augmented] must say how many texts are made of a post, from 0 on:'
            " a default, and more by the name of a file"
        )


def _check_shares(recipe: str, options: dict[str, Any]) -> None:
    """Raise InputError where [train.share] asks for what there is not."""
    epochs = options["epochs"]
    for file, share in options.get("share", {}).items():
        given = share if isinstance(share, list) else [share] * epochs
        if len(given) != epochs or not all(isinstance(part, int | float) and 0 <= part <= 1 for part in given):
            raise InputError(
                f'recipe "{recipe}": {file} = {share} in [train.share] must be from 0 to 1, or a list of such numbers,'
                f" one for each of the {epochs} epochs"
            )


def _name_emoji(network: RingNetwork, named: dict[int, str], tokenizer: Tokenizer) -> None:
    """Let an emoji begin as the mean of the words of its name."""
    words = network.encoder.embeddings.word_embeddings.weight
    with torch.no_grad():
        for place, name in named.items():
            words[place] = words[tokenizer.encode(name, add_special_tokens=False).ids].mean(0)
