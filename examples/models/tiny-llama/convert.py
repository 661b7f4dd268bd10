"""Writes the model of this folder: ../tiny in the Llama architecture. Needs nothing but Python.

Qwen2 has biases of queries, keys and values. Llama's attention_bias adds one of attention's output, which is zero here.
"""
import json
import pathlib
import shutil
import struct

HERE = pathlib.Path(__file__).resolve().parent
TINY = HERE.parent / "tiny"


def read_safetensors(path):
    """{name: (dtype, shape, bytes)}"""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    begin = 8 + length
    return {
        name: (t["dtype"], t["shape"], data[begin + t["data_offsets"][0] : begin + t["data_offsets"][1]]) for name, t in header.items()
    }


def write_safetensors(path, tensors):
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data for _, _, data in tensors.values()))


def main():
    config = json.loads((TINY / "config.json").read_text())
    tensors = read_safetensors(TINY / "model.safetensors")
    hidden = config["hidden_size"]
    for layer in range(config["num_hidden_layers"]):
        tensors[f"model.layers.{layer}.self_attn.o_proj.bias"] = ("BF16", [hidden], bytes(2 * hidden))
    del config["use_sliding_window"]
    config |= {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "attention_bias": True, "mlp_bias": False}
    (HERE / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    write_safetensors(HERE / "model.safetensors", dict(sorted(tensors.items())))
    for name in ("generation_config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(TINY / name, HERE / name)


if __name__ == "__main__":
    main()
