"""Trains a small tokenizer of each form that tokenizer.json files have, and writes the ids and texts of hostile texts.

    pip install tokenizers==0.22.2
    python make_families.py OUT [--texts N] [--model NAME=DIRECTORY ...]

Writes OUT/FAMILY.json.gz, a tokenizer, and OUT/FAMILY.jsonl.gz, its references; for a model only the references.
"""
import argparse
import gzip
import json
import pathlib
import random

from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers, trainers

from hostile_texts import FRAGMENTS, texts

DATA = pathlib.Path(__file__).resolve().parents[3] / "examples/data"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def corpus():
    story, catalog = ((DATA / name).read_text() for name in ("story.txt", "catalog.txt"))
    return [*story.splitlines(), *catalog.splitlines()[:200], *FRAGMENTS * 3]


def trained(splits, size, alphabet=()):
    """The symbols and the merges of a BPE, in the order of training."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = splits
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False, initial_alphabet=list(alphabet), min_frequency=2)
    tokenizer.train_from_iterator(corpus(), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    merges = [tuple(pair) for pair in model["merges"]]
    made = {a + b for a, b in merges}
    return [token for token in sorted(model["vocab"], key=model["vocab"].get) if token not in made], merges


def added(content, identity, special=True, **flags):
    return {"id": identity, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
            "special": special} | flags


def file(vocab, merges, tokens, normalizer=None, splits=None, post=None, decoder=None, **fields):
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
             "fuse_unk": False, "byte_fallback": False, "ignore_merges": False} | fields
    known = {token: i for i, token in enumerate(vocab)}
    rows = [added(content, known.get(content, len(known) + i), **flags) for i, (content, flags) in enumerate(tokens)]
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": rows, "normalizer": normalizer,
            "pre_tokenizer": splits, "post_processor": post, "decoder": decoder,
            "model": model | {"vocab": known, "merges": merges}}


def sequence(field, *steps):
    return {"type": "Sequence", field: list(steps)}


def byte_level(prefix, regex, trim=True):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": trim, "use_regex": regex}


def split(pattern, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}


def frame(before, identity):
    name = {"SpecialToken": {"id": before, "type_id": 0}}
    return {"type": "TemplateProcessing", "single": [name, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [name, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {before: {"id": before, "ids": [identity], "tokens": [before]}}}


def replace(pattern, content):
    return {"type": "Replace", "pattern": {"String": pattern}, "content": content}


def byte_files():
    """The forms of GPT-2, SmolLM, Llama 3 and o200k."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    symbols, merges = trained(pre_tokenizers.ByteLevel(add_prefix_space=False), 900, alphabet)
    vocab = symbols + [a + b for a, b in merges]
    written = [f"{a} {b}" for a, b in merges]
    ends = [("<|endoftext|>", {}), ("<|im_start|>", {}), ("<|im_end|>", {})]
    decoder = byte_level(True, True)
    empty = {"continuing_subword_prefix": "", "end_of_word_suffix": ""}
    yield "gpt2", file(vocab + ["<|endoftext|>"], written, ends[:1], None, byte_level(False, True), byte_level(True, True, False), decoder,
                       unk_token="<|endoftext|>", **empty)
    mask = [("<s>", {"normalized": True}), ("<mask>", {"lstrip": True}), ("<extra>", {"special": False, "single_word": True})]
    yield "gpt2_prefix", file(vocab, written, mask, None, byte_level(True, True), None, decoder)
    yield "digits", file(vocab, written, ends, None, sequence("pretokenizers", {"type": "Digits", "individual_digits": True},
                         byte_level(False, True)), None, decoder)
    # Llama 3's vocabulary has whole words that its merges do not make.
    begin = [("<|begin_of_text|>", {}), ("<|end_of_text|>", {}), ("<|start_header_id|>", {}), ("<|eot_id|>", {})]
    yield "llama3", file(vocab, merges[:300] + merges[420:], begin, None,
                         sequence("pretokenizers", split({"Regex": LLAMA3}), byte_level(False, False)),
                         sequence("processors", byte_level(True, True, False), frame(begin[0][0], len(vocab))), decoder, ignore_merges=True)
    yield "o200k", file(vocab, merges, ends, None, sequence("pretokenizers", split({"Regex": O200K}, "Removed", True), byte_level(False, False)),
                        None, decoder)


def character_files():
    """The forms of Llama 2, Mistral, Phi-3, Gemma and others that were made of SentencePiece models."""
    metaspace = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    symbols, merges = trained(metaspace, 900)
    symbols = [one for one in symbols if ord(one) < 0x3000]  # the others fall back to bytes
    known = set(symbols)
    kept = []
    for a, b in merges:
        if a in known and b in known:
            kept.append((a, b))
            known.add(a + b)
    written = [f"{a} {b}" for a, b in kept]
    letters = symbols + ["\n"] + [a + b for a, b in kept]
    fallback = [f"<0x{b:02X}>" for b in range(256)]
    vocab = ["<unk>", "<s>", "</s>", *fallback, *letters]
    tokens = [("<unk>", {}), ("<s>", {}), ("</s>", {})]
    back = [replace("▁", " "), {"type": "ByteFallback"}, {"type": "Fuse"}]
    strip = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
    options = {"unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True}
    prepend = sequence("normalizers", {"type": "Prepend", "prepend": "▁"}, replace(" ", "▁"))
    yield "llama2", file(vocab, written, tokens, prepend, None, frame("<s>", 1), sequence("decoders", *back, strip), **options)
    roles = [("<|user|>", {"rstrip": True}), ("<|end|>", {"rstrip": True}), ("<|x|>", {"lstrip": True, "rstrip": True, "normalized": True}),
             ("word", {"special": False, "single_word": True}), (" two words", {"special": False, "normalized": True})]
    yield "phi3", file(vocab, written, tokens + roles, prepend, None, frame("<s>", 1), sequence("decoders", *back, strip), **options)

    def meta(scheme, is_split):
        return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": is_split}
    yield "mistral", file(vocab, kept, tokens + [("[INST]", {}), ("[/INST]", {})], None, meta("first", False), frame("<s>", 1),
                          sequence("decoders", *back, strip), **options)
    # Without byte fallback; the first letter that is missing becomes <unk>, or all of a run.
    few = ["<unk>", "<s>", "</s>", *letters]
    for scheme, is_split, fuse in [("always", True, False), ("first", True, True), ("never", False, False)]:
        yield f"metaspace_{scheme}", file(few, kept, tokens + [("<x>", {"normalized": True})], {"type": "NFC"}, meta(scheme, is_split), None,
                                          meta(scheme, is_split), unk_token="<unk>", fuse_unk=fuse)
    runs = ["\n" * n for n in (2, 3, 4)] + ["▁" * n for n in (2, 3, 4)] + ["\t" * 2]
    pieces = ["<pad>", "<eos>", "<bos>", "<unk>", *fallback, *runs, *[one for one in letters if one not in runs], "\t"]
    lines = [(one[:-1], one[-1]) for one in reversed(runs)]
    more = [("<pad>", {}), ("<eos>", {}), ("<bos>", {}), ("<unk>", {}), ("<start_of_turn>", {}), ("\n" * 3, {"special": False}),
            ("▁▁", {"special": False}), ("<h1>", {"special": False})]
    yield "gemma", file(pieces, lines + kept, more, replace(" ", "▁"), split({"String": " "}, "MergedWithPrevious"), frame("<bos>", 2),
                        sequence("decoders", *back), **options)


def split_files():
    """All behaviors of Split."""
    letters = [chr(c) for c in range(32, 127)]
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        merges = [(a, b) for a in "a -1" for b in "a -1"]
        vocab = letters + [a + b for a, b in merges]
        for invert in (False, True):
            steps = [split({"Regex": r"[a-e1]|\s+$"}, behavior, invert), split({"String": "--"}, behavior, invert),
                     {"type": "Digits", "individual_digits": False}]
            name = f"split_{behavior.lower()}{'_inverted' if invert else ''}"
            yield name, file(vocab, merges, [("<s>", {})], sequence("normalizers", {"type": "Strip", "strip_left": True, "strip_right": invert}),
                             sequence("pretokenizers", *steps, byte_level(False, False)), None, byte_level(True, True))


def rows(tokenizer, count, seed, words):
    specials = sorted({token.content for token in tokenizer.get_added_tokens_decoder().values()})
    specials = [one for one in specials if not one.startswith("<unused")][:24]
    for text in texts(count, seed, specials or ["<s>"], words):
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        framed = tokenizer.encode(text).ids
        yield {"text": text, "ids": ids, "before": framed[:len(framed) - len(ids)], "decoded": tokenizer.decode(ids, skip_special_tokens=False)}
    rng = random.Random(seed)
    vocab = tokenizer.get_vocab()
    low = [i for text, i in vocab.items() if text.startswith("<0x") or len(text) == 1 or text in specials]
    for i in range(count // 5):
        ids = [rng.choice(low) if rng.random() < .7 else rng.randrange(len(vocab)) for _ in range(rng.randrange(1, 12))]
        yield {"ids": ids, "skip": i % 2 == 1, "decoded": tokenizer.decode(ids, skip_special_tokens=i % 2 == 1)}


def write(path, text):
    with open(path, "wb") as out, gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0, compresslevel=9) as packed:
        packed.write(text.encode())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--texts", type=int, default=140)
    parser.add_argument("--model", action="append", default=[])
    options = parser.parse_args()
    options.out.mkdir(exist_ok=True)
    words = (DATA / "story.txt").read_text().split()
    families = [*byte_files(), *character_files(), *split_files()]
    models_at = [(name, json.loads(pathlib.Path(path, "tokenizer.json").read_text())) for name, path in (one.split("=") for one in options.model)]
    for seed, (name, content) in enumerate(families + models_at):
        text = json.dumps(content, ensure_ascii=False)
        count = options.texts // 4 if name.startswith("split_") else options.texts
        if seed < len(families):
            write(options.out / f"{name}.json.gz", text)
        lines = [json.dumps(row, ensure_ascii=False) for row in rows(Tokenizer.from_str(text), count, seed, words)]
        write(options.out / f"{name}.jsonl.gz", "\n".join(lines) + "\n")


main()
