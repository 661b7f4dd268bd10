"""Trains a tiny Qwen2-architecture model on toolworld and writes it as a model directory.

Every training example is one catalog with many requests. A request sees the catalog and itself, at the positions it has
when the catalog's cache is compressed and shared, so training and use agree exactly.

    python train.py --out tiny --minutes 120 [--warm tiny-of-before]
"""
import argparse
import json
import random
import time

import torch
import torch.nn.functional as F
from torch import nn

import checkpoint
import toolworld

ANSWER_WEIGHT = 1.0
NAME_WEIGHT = 4.0  # the choice of the tool is learnt last: its tokens weigh more
GROUP = 4  # requests that share one padded row


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        hidden, inter, head_dim = config["hidden"], config["inter"], config["head_dim"]
        self.heads, self.kv_heads, self.head_dim = config["heads"], config["kv_heads"], head_dim
        self.q = nn.Linear(hidden, self.heads * head_dim)
        self.k = nn.Linear(hidden, self.kv_heads * head_dim)
        self.v = nn.Linear(hidden, self.kv_heads * head_dim)
        self.o = nn.Linear(self.heads * head_dim, hidden, bias=False)
        self.gate = nn.Linear(hidden, inter, bias=False)
        self.up = nn.Linear(hidden, inter, bias=False)
        self.down = nn.Linear(inter, hidden, bias=False)
        self.input_norm = nn.RMSNorm(hidden, eps=1e-6)
        self.post_norm = nn.RMSNorm(hidden, eps=1e-6)

    def split(self, x, heads):
        return x.view(x.shape[0], x.shape[1], heads, self.head_dim).transpose(1, 2)

    def attend(self, q, k, v, batch):
        """q, k, v [contexts, heads, context + groups * tokens, head_dim]; a group sees the context and itself."""
        n, (contexts, groups, tokens) = batch.context.shape[1], batch.requests.shape
        context = F.scaled_dot_product_attention(q[:, :, :n], k[:, :, :n], v[:, :, :n], is_causal=True)
        own = lambda x: x[:, :, n:].unflatten(2, (groups, tokens)).transpose(1, 2)
        seen = lambda x: torch.cat((x[:, None, :, :n].expand(-1, groups, -1, -1, -1), own(x)), 3).flatten(0, 1)
        answer = F.scaled_dot_product_attention(own(q).flatten(0, 1), seen(k), seen(v), attn_mask=batch.mask)
        answer = answer.unflatten(0, (contexts, groups)).transpose(1, 2).flatten(2, 3)
        return torch.cat((context, answer), 2)

    def forward(self, x, batch):
        normed = self.input_norm(x)
        q, k, v = self.split(self.q(normed), self.heads), self.split(self.k(normed), self.kv_heads), self.split(self.v(normed), self.kv_heads)
        turn = lambda y: torch.cat((-y[..., self.head_dim // 2 :], y[..., : self.head_dim // 2]), -1)
        q, k = q * batch.cos + turn(q) * batch.sin, k * batch.cos + turn(k) * batch.sin
        group = self.heads // self.kv_heads
        out = self.attend(q, k.repeat_interleave(group, 1), v.repeat_interleave(group, 1), batch)
        x = x + self.o(out.transpose(1, 2).reshape(x.shape[0], x.shape[1], -1))
        normed = self.post_norm(x)
        return x + self.down(F.silu(self.gate(normed)) * self.up(normed))


class Model(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(config["vocab"], config["hidden"])
        self.layers = nn.ModuleList(Layer(config) for _ in range(config["layers"]))
        self.norm = nn.RMSNorm(config["hidden"], eps=1e-6)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                small = 0.3 if name.endswith(("o.weight", "down.weight")) else 1
                nn.init.normal_(p, std=0.02 if "embed" in name else p.shape[1] ** -0.5 * small)
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, batch):
        x = self.embed(torch.cat((batch.context, batch.requests.flatten(1)), 1))
        for layer in self.layers:
            x = layer(x, batch)
        answers = x[:, batch.context.shape[1] :].reshape(-1, x.shape[-1])[batch.predicting]
        return self.norm(answers) @ self.embed.weight.t()


class Batch:
    """`examples`: (context ids, groups of requests [(request ids, weights)]), padded to rectangles."""

    def __init__(self, examples, config):
        n = max(len(context) for context, _ in examples)
        groups = len(examples[0][1])
        tokens = max(sum(len(ids) for ids, _ in group) for _, groups_ in examples for group in groups_)
        self.context = torch.zeros(len(examples), n, dtype=torch.long)
        self.requests = torch.zeros(len(examples), groups, tokens, dtype=torch.long)
        weights = torch.zeros(len(examples), groups, tokens)
        positions = torch.zeros(len(examples), n + groups * tokens, dtype=torch.long)
        self.mask = torch.zeros(len(examples) * groups, 1, tokens, n + tokens, dtype=torch.bool)
        for i, (context, groups_) in enumerate(examples):
            self.context[i, : len(context)] = torch.tensor(context)
            positions[i, :n] = torch.arange(n)
            for g, group in enumerate(groups_):
                at, mask = 0, self.mask[i * groups + g, 0]
                mask[:, : len(context)] = True
                for ids, w in group:
                    end = at + len(ids)
                    self.requests[i, g, at:end] = torch.tensor(ids)
                    weights[i, g, at:end] = torch.tensor(w)
                    positions[i, n + g * tokens + at : n + g * tokens + end] = len(context) + torch.arange(len(ids))
                    mask[at:end, n + at : n + end] = torch.ones(len(ids), len(ids), dtype=torch.bool).tril()
                    at = end
        next_weight = F.pad(weights[..., 1:], (0, 1)).flatten()
        self.predicting = next_weight.nonzero().squeeze(1)
        self.weights = next_weight[self.predicting]
        self.targets = F.pad(self.requests[..., 1:], (0, 1)).flatten()[self.predicting]
        half = torch.arange(0, config["head_dim"], 2).float() / config["head_dim"]
        angles = positions[..., None] * config["theta"] ** -half
        angles = torch.cat((angles, angles), -1)[:, None]
        self.cos, self.sin = angles.cos(), angles.sin()


def example(rng, tokenizer, tools, requests, decline):
    """One catalog's ids, and its requests in groups: their ids, with a weight for each token."""
    catalog = toolworld.Catalog(rng, tools)
    rows = []
    for _ in range(requests):
        question, call, _ = catalog.ask(rng, decline)
        lead = tokenizer.encode(toolworld.render_question(question)).ids
        answer = tokenizer.encode(toolworld.render_answer(call))
        end = len('{"name": ' + json.dumps(call["name"]))
        weights = [NAME_WEIGHT if len('{"name":') <= a < end else ANSWER_WEIGHT for a, _ in answer.offsets]
        rows.append((lead + answer.ids, [0.0] * len(lead) + weights))
    groups = [rows[i : i + GROUP] for i in range(0, requests, GROUP)]
    return tokenizer.encode(toolworld.render_context(catalog)).ids, groups


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="tiny")
    parser.add_argument("--warm", help="a directory whose weights and tokenizer to start from")
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tools", type=int, default=8, help="the largest catalog")
    parser.add_argument("--requests", type=int, default=16, help="per catalog")
    parser.add_argument("--batch", type=int, default=6, help="catalogs in a step")
    parser.add_argument("--decline", type=float, default=0.12, help="share of the requests that no tool serves")
    parser.add_argument("--muon", type=float, default=0.02)
    parser.add_argument("--adam", type=float, default=4e-3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    tokenizer = checkpoint.tokenizer(args.warm)
    config = dict(hidden=128, inter=384, layers=4, heads=4, kv_heads=2, head_dim=32, vocab=tokenizer.get_vocab_size(), theta=10000.0)
    model = Model(config)
    if args.warm:
        checkpoint.load(model, args.warm)
    matrices = [p for name, p in model.named_parameters() if p.dim() == 2 and "embed" not in name]
    others = [p for name, p in model.named_parameters() if p.dim() != 2 or "embed" in name]
    muon = torch.optim.Muon(matrices, lr=args.muon, momentum=0.95, weight_decay=0.01)
    adam = torch.optim.AdamW(others, lr=args.adam, betas=(0.9, 0.95), weight_decay=0.0)
    rng, start, step, tokens, mean, saved = random.Random(args.seed + 11), time.time(), 0, 0, None, 0.0
    while (done := (time.time() - start) / (60 * args.minutes)) < 1:
        # Small catalogs first; with weights to start from the size is drawn from the first step on.
        largest = args.tools if args.warm else max(3, min(args.tools, round(3 + (args.tools - 3) * done / 0.3)))
        size = rng.randint(3, largest)
        batch = Batch([example(rng, tokenizer, size, args.requests, args.decline) for _ in range(max(2, args.batch * 6 // size))], config)
        scale = min(1, (step + 1) / 30) * (1 if done < 0.3 else max(0.01, (1 - done) / 0.7))
        for optimizer, rate in ((muon, args.muon), (adam, args.adam)):
            for group in optimizer.param_groups:
                group["lr"] = rate * scale
        losses = F.cross_entropy(model(batch), batch.targets, reduction="none")
        muon.zero_grad()
        adam.zero_grad()
        ((losses * batch.weights).sum() / batch.weights.sum()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        muon.step()
        adam.step()
        step += 1
        tokens += batch.context.numel() + batch.requests.numel()
        names = losses[batch.weights == NAME_WEIGHT].mean().item()
        mean = names if mean is None else 0.98 * mean + 0.02 * names
        if step % 50 == 0:
            print(f"{step} steps, {(time.time() - start) / 60:.1f} min, {tokens / 1e6:.2f} M tokens ({tokens / (time.time() - start):.0f}/s), loss {losses.mean().item():.4f}, names {mean:.4f}", flush=True)
        if done > saved + 0.04:
            saved = done
            checkpoint.save(model, tokenizer, args.out)
    checkpoint.save(model, tokenizer, args.out)


if __name__ == "__main__":
    main()
