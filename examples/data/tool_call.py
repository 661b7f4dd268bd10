#!/usr/bin/env python3
"""Writes tool_call.jsonl.gz, the built-in data of the task tool_call, beside itself and prints what it holds.

The tools stand in tool_call_tools.py, the requests in tool_call_requests.py. Only the order is drawn, by a fixed seed.
"""

import gzip
import json
import random
import re
from collections import Counter
from pathlib import Path

from tool_call_requests import REQUESTS
from tool_call_tools import TOOLS_08, TOOLS_24, TOOLS_64

CATALOGS = {"tool_call_08": TOOLS_08, "tool_call_24": TOOLS_24, "tool_call_64": TOOLS_64}
INSTRUCTIONS = """\
Turn the request into a call of one of the tools below. Reply with one JSON object and nothing else:
{"name": "<tool>", "arguments": {"<parameter>": <value>, ...}}
Take the values from the request and leave out optional parameters that it does not mention.
If no tool can do what is asked, reply {"name": null, "arguments": {}}
"""
MAX_NEW_TOKENS = 160
NUMBERS = "zero one two three four five six seven eight nine ten".split()


def shuffled(items, seed):
    draw = random.Random(seed)
    return sorted(items, key=lambda _: draw.random())


def leaves(value):
    """The strings, numbers and booleans in a JSON value."""
    if isinstance(value, dict):
        value = list(value.values())
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]


def states(request, leaf):
    """Whether the request spells a value out; booleans are a matter of phrasing."""
    if isinstance(leaf, bool):
        return True
    if isinstance(leaf, str):
        return leaf in request or leaf.replace("_", " ") in request.lower()
    stated = [float(digits) for digits in re.findall(r"(?<![\w.-])-?\d+(?:\.\d+)?(?![\w-])", request)]
    return leaf in stated or leaf in [NUMBERS.index(word) for word in request.lower().split() if word in NUMBERS]


def rows(task, tools):
    blocks = [f"\n## {tool['name']}\n{tool['description']}\nParameters: {json.dumps(tool['parameters'])}\n"
              for tool in shuffled(tools, task)]
    schemas = {tool["name"]: tool["parameters"] for tool in tools}
    for name, request, arguments in shuffled(REQUESTS[task], task):
        for leaf in leaves(arguments):
            assert states(request, leaf), f"{task}: {request!r} does not state {leaf!r}"
        gold = {"name": name, "arguments": arguments, "schema": schemas[name] if name else {}}
        yield {"context": INSTRUCTIONS + "".join(blocks), "question": f"\nRequest: {request}\n", "answer_prefix": "",
               "answer": json.dumps(gold, ensure_ascii=False), "task": task, "max_new_tokens": MAX_NEW_TOKENS}


def kinds(value, schema):
    """What there is of a schema's language in a value, such as {"enum", "optional member"}."""
    found = {schema["type"]} | ({"enum", "pattern", "format"} & schema.keys())
    if schema["type"] == "object":
        found = {"optional member"} if value.keys() - set(schema.get("required", [])) else set()
        for name, member in value.items():
            found |= kinds(member, schema.get("properties", {}).get(name) or schema["additionalProperties"])
            found |= {"nested object"} if isinstance(member, dict) else set()
    if schema["type"] == "array":
        found = {f"array of {schema['items']['type']}s"}.union(*(kinds(item, schema["items"]) for item in value))
    return found


def main():
    data = [row for task, tools in CATALOGS.items() for row in rows(task, tools)]
    golds = [json.loads(row["answer"]) for row in data]
    assert len({row["question"] for row in data}) == len(data), "a request stands twice"
    calls = {json.dumps([gold["name"], gold["arguments"]]) for gold in golds if gold["name"]}
    assert len(calls) == sum(gold["name"] is not None for gold in golds), "two requests have the same call"
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in data)
    path = Path(__file__).with_name("tool_call.jsonl.gz")
    path.write_bytes(gzip.compress(lines.encode(), mtime=0))

    count = Counter()
    for row, gold in zip(data, golds):
        found = kinds(gold["arguments"], gold["schema"]) if gold["name"] else {"no tool"}
        count.update((kind, row["task"]) for kind in found)
    for kind in sorted({kind for kind, _ in count}):
        print(f"| {kind} | " + " | ".join(str(count[kind, task]) for task in CATALOGS) + " |")


if __name__ == "__main__":
    main()
