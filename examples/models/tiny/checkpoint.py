"""The model directory: tokenizer.json, config.json, generation_config.json, tokenizer_config.json, model.safetensors (BF16)."""
import json
import pathlib
import random

import torch
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

import toolworld

# Qwen2's own split of a text into words.
SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
VOCAB = 1024
CHAT = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
PARTS = {
    "q": "self_attn.q_proj", "k": "self_attn.k_proj", "v": "self_attn.v_proj", "o": "self_attn.o_proj", "gate": "mlp.gate_proj",
    "up": "mlp.up_proj", "down": "mlp.down_proj", "input_norm": "input_layernorm", "post_norm": "post_attention_layernorm",
}  # fmt: skip


def tokenizer(directory=None):
    """The tokenizer of `directory`, or a byte-level BPE trained on toolworld."""
    if directory:
        return Tokenizer.from_file(f"{directory}/tokenizer.json")
    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(SPLIT), "isolated")
    bpe.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    bpe.decoder = decoders.ByteLevel()
    rng = random.Random(1)

    def corpus():
        for _ in range(3000):
            catalog = toolworld.Catalog(rng, 6)
            text = toolworld.render_context(catalog)
            for _ in range(8):
                question, call, _ = catalog.ask(rng)
                text += toolworld.render_question(question) + toolworld.render_answer(call)
            yield text.replace("<|im_start|>", "").replace("<|im_end|>", "")

    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=VOCAB - len(SPECIAL), show_progress=False, initial_alphabet=alphabet))
    bpe.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in SPECIAL])
    return bpe


def stored_name(name):
    """layers.0.q.weight -> model.layers.0.self_attn.q_proj.weight."""
    if not name.startswith("layers."):
        return {"embed.weight": "model.embed_tokens.weight", "norm.weight": "model.norm.weight"}[name]
    _, index, part, kind = name.split(".")
    return f"model.layers.{index}.{PARTS[part]}.{kind}"


def load(model, directory):
    stored = load_file(f"{directory}/model.safetensors")
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(stored[stored_name(name)].float())


def save(model, bpe, directory):
    out, c, vocab = pathlib.Path(directory), model.config, bpe.get_vocab()
    out.mkdir(parents=True, exist_ok=True)
    tensors = {stored_name(name): p.detach().to(torch.bfloat16).contiguous() for name, p in model.named_parameters()}
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    config = dict(
        architectures=["Qwen2ForCausalLM"], model_type="qwen2", hidden_size=c["hidden"], intermediate_size=c["inter"],
        num_hidden_layers=c["layers"], num_attention_heads=c["heads"], num_key_value_heads=c["kv_heads"], hidden_act="silu",
        max_position_embeddings=4096, rms_norm_eps=1e-6, rope_theta=c["theta"], tie_word_embeddings=True, vocab_size=c["vocab"],
        bos_token_id=vocab["<|endoftext|>"], eos_token_id=vocab["<|im_end|>"], torch_dtype="bfloat16", use_sliding_window=False,
    )  # fmt: skip
    generation = dict(do_sample=False, eos_token_id=[vocab["<|im_end|>"], vocab["<|endoftext|>"]], pad_token_id=vocab["<|endoftext|>"])
    texts = dict(
        tokenizer_class="Qwen2Tokenizer", eos_token="<|im_end|>", pad_token="<|endoftext|>", bos_token=None, unk_token=None,
        add_prefix_space=False, model_max_length=4096, chat_template=CHAT,
    )  # fmt: skip
    for name, value in (("config", config), ("generation_config", generation), ("tokenizer_config", texts)):
        (out / f"{name}.json").write_text(json.dumps(value, indent=2))
    bpe.save(str(out / "tokenizer.json"), pretty=False)
