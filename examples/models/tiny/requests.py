"""Writes the requests that the tiny model is tested on, as the columns of the tool_call task. None was trained on.

    python requests.py ../../data/tool_world.jsonl.gz
"""
import gzip
import json
import random
import sys

import toolworld

CATALOGS, REQUESTS, TOOLS = 40, 3, 6

rng = random.Random("held out")
lines = []
for _ in range(CATALOGS):
    catalog = toolworld.Catalog(rng, TOOLS)
    asked = set()
    while len(asked) < REQUESTS:
        question, call, schema = catalog.ask(rng, 0.1)
        if question in asked:
            continue
        asked.add(question)
        row = {
            "context": toolworld.context(catalog),
            "question": question,
            "answer_prefix": "",
            "answer": json.dumps({**call, "schema": schema}),
            "task": f"tool_call_{TOOLS}",
            "max_new_tokens": 96,
        }
        lines.append(json.dumps(row) + "\n")
with open(sys.argv[1], "wb") as out, gzip.GzipFile("", "wb", mtime=0, fileobj=out) as packed:
    packed.write("".join(lines).encode())
