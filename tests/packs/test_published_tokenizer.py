"""The tokenizer agrees, token for token, with transformers' CLIPTokenizer and with OpenAI's own.

The vocabulary is the real one, all 49,408 tokens, as open_clip carries it.
"""

import gzip
import html
import importlib.util
import random
import unicodedata
from pathlib import Path
from types import ModuleType

import pytest
from transformers import CLIPTokenizer

from albumen.packs.manifest import TokenizerRecord
from albumen.packs.tokenizer import Tokenizer

CONTEXT = 77
START, END = "<|startoftext|>", "<|endoftext|>"
AWKWARD = [
    "a photo of a cat", "CAT", "Straße", "it's", "we'LL", "don't've", "rock'n'roll", "2024", "3.14",
    "1,000,000", "½", "①", "٣", "...", "?!?!", "—", "\"''\"", "#@$%^&*()", "http://a.b/c?d=e&f",
    "<|", "C++", "_under_score_", "é", "e\u0301", "ñ", "Å", "A\u030a", "q\u0323\u0307", "ŝ\u0336",
    "ﬁ", "Ǆ", "猫", "写真を撮る", "한국어", "\u1112\u1161\u11ab", "ภาษาไทย", "हिन्दी", "العربية",
    "עִבְרִית", "Ελλάδα", "Россия",
    "🐈", "👩‍👩‍👧‍👦", "👍🏽", "🏳️‍🌈", "🇫🇷", "❤️", "☕", "𝔘𝔫𝔦", "𐍈", "\u200b", "\u200d", "\ufeff",
    "\u202e", "\u00ad",
    "\0", "\x07", "\x1b[31m", "\x7f", "\x85", "\t", "\r\n", "\n\n", "\u00a0", "\u2003", "\u3000",
    "\u2028",
    "&amp;", "&lt;b&gt;", "&eacute;", "&#128512;", "&", "\ue000", "\U0010ffff", "\ufffd", "x" * 40,
    "Donaudampfschifffahrtsgesellschaft", "İstanbul", "DŽ", "ſ", "K",
]  # fmt: skip


def awkward_strings(count: int, seed: int = 13) -> list[str]:
    """Mixtures of what is awkward, with and without spaces, and random characters of all planes."""
    chance = random.Random(seed)
    made = ["", " ", " \t\n ", "a" * 5000, "🐈" * 200, "word " * 500, END, f"a {END} b", START]
    while len(made) < count:
        pieces = [chance.choice(AWKWARD) for _ in range(chance.randint(1, 9))]
        if chance.random() < 0.5:
            pieces.append("".join(chr(_character(chance)) for _ in range(chance.randint(1, 8))))
        chance.shuffle(pieces)
        made.append(chance.choice(["", " ", "  ", "-"]).join(pieces))
    return made


def _character(chance: random.Random) -> int:
    """Any code point but half a surrogate pair, the Latin ones more often."""
    last = chance.choice([0x7F, 0x24F, 0xFFFF, 0x10FFFF])
    code = chance.randint(0, last)
    return code if not 0xD800 <= code <= 0xDFFF else 0x20


@pytest.fixture(scope="module")
def openai() -> ModuleType:
    """OpenAI's tokenizer, in Python, as open_clip carries it; without the rest of open_clip."""
    package = importlib.util.find_spec("open_clip")
    assert package is not None
    assert package.origin is not None
    file = Path(package.origin).with_name("tokenizer.py")
    spec = importlib.util.spec_from_file_location("openai_tokenizer", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def published(openai: ModuleType) -> CLIPTokenizer:
    """transformers' tokenizer of OpenAI's checkpoints, its two files made from their one."""
    lines = gzip.decompress(Path(openai.default_bpe()).read_bytes()).decode().split("\n")
    merges = lines[1 : 49152 - 256 - 2 + 1]
    letters = list(openai.bytes_to_unicode().values())
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    tokens += ["".join(merge.split()) for merge in merges] + [START, END]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    pairs = [tuple(merge.split()) for merge in merges]
    return CLIPTokenizer(vocab=vocabulary, merges=pairs, model_max_length=CONTEXT)


@pytest.fixture(scope="module")
def ours(published: CLIPTokenizer, tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    """A pack's tokenizer, from the file that transformers writes and the hub holds."""
    folder = tmp_path_factory.mktemp("clip")
    published.save_pretrained(folder)
    file = folder / "tokenizer.json"
    end = published.eos_token_id
    return Tokenizer(file.read_bytes(), TokenizerRecord(file.name, CONTEXT, end, end), file)


def test_the_vocabulary_is_the_published_one(published: CLIPTokenizer, ours: Tokenizer) -> None:
    assert len(published) == 49_408
    # The figures of OpenAI's own notebook and of transformers' documentation.
    assert ours.tokens("a photo of a cat").ids == (49406, 320, 1125, 539, 320, 2368, 49407)


def test_tokens_are_those_of_transformers_for_thousands_of_awkward_strings(
    published: CLIPTokenizer, ours: Tokenizer
) -> None:
    strings = awkward_strings(4000)
    expected = published(strings, truncation=True, max_length=CONTEXT)["input_ids"]
    differing = [
        text
        for text, ids in zip(strings, expected, strict=True)
        if list(ours.tokens(text).ids) != ids
    ]
    assert differing == []


def test_a_batch_is_padded_and_masked_as_transformers_does_it(
    published: CLIPTokenizer, ours: Tokenizer
) -> None:
    strings = awkward_strings(300, seed=14)
    expected = published(
        strings, truncation=True, max_length=CONTEXT, padding="longest", return_tensors="np"
    )
    ids, mask = ours.batch(strings)
    assert (ids == expected["input_ids"]).all()
    assert (mask == expected["attention_mask"]).all()


def test_tokens_are_openais_own_once_a_text_is_cleaned_as_theirs_is(
    openai: ModuleType, ours: Tokenizer
) -> None:
    """OpenAI's code mends broken encodings and unescapes HTML first; we take what was typed.

    Of what is left, two things may differ: a capital sigma at a word's end, which Python makes ς
    and `tokenizers` σ, and characters that only one of the libraries' Unicode tables knows yet.
    """
    theirs = openai.SimpleTokenizer()
    strings = [openai.basic_clean(text) for text in awkward_strings(4000)]
    strings = [text for text in strings if "<" not in text and "Σ" not in text and _assigned(text)]
    assert len(strings) > 2000
    differing = [
        text
        for text in strings
        if ours.tokens(text).ids
        != _cut_off([theirs.sot_token_id, *theirs.encode(text), theirs.eot_token_id])
    ]
    assert differing == []


def test_entities_are_read_as_they_are_typed(openai: ModuleType, ours: Tokenizer) -> None:
    theirs = openai.SimpleTokenizer().encode("cats &amp; dogs")
    assert list(ours.tokens("cats & dogs").ids[1:-1]) == theirs
    assert list(ours.tokens(html.unescape("cats &amp; dogs")).ids[1:-1]) == theirs
    assert list(ours.tokens("cats &amp; dogs").ids[1:-1]) != theirs


def _assigned(text: str) -> bool:
    return all(unicodedata.category(character) not in ("Cn", "Co") for character in text)


def _cut_off(ids: list[int]) -> tuple[int, ...]:
    return tuple(ids) if len(ids) <= CONTEXT else (*ids[: CONTEXT - 1], ids[-1])
