#!/usr/bin/env python3
"""Writes tool_call_bfcl.jsonl.gz beside itself: functions and requests of the Berkeley Function-Calling Leaderboard.

    python3 -B examples/data/bfcl_functions.py DIR

DIR has BFCL_v4_multiple.json, BFCL_v4_simple_python.json and possible_answer/ as bfcl-eval 2026.3.23 ships them
(Apache-2.0). One line has the functions that BFCL offers for a request. It also has `request` and `arguments` if the
request has only one right call: the request states every value, and BFCL accepts no other value. Changes: types and
schemas are those of JSON Schema, without default values and extra members.
"""

import gzip
import json
import sys
from pathlib import Path

from tool_call import leaves, states

TYPES = {"dict": "object", "float": "number", "tuple": "array"}


def schema_of(parameter):
    kind = TYPES.get(parameter["type"], parameter["type"])
    schema = {"type": kind}
    if kind == "object":
        schema["properties"] = {name: schema_of(member) for name, member in parameter.get("properties", {}).items()}
        schema["required"] = parameter.get("required", [])
        schema["additionalProperties"] = False
    if "items" in parameter:
        schema["items"] = schema_of(parameter["items"])
    if "enum" in parameter:
        schema["enum"] = parameter["enum"]
    if "description" in parameter:
        schema["description"] = parameter["description"]
    return schema


def usable(schema):
    """Whether the tool call task can judge values of it: no free objects, no value of any type."""
    if schema["type"] == "object":
        return bool(schema["properties"]) and all(map(usable, schema["properties"].values()))
    if schema["type"] == "array":
        return "items" in schema and schema["items"]["type"] in ("string", "integer", "number")
    return schema["type"] in ("string", "integer", "number", "boolean")


def one_call(request, function, accepted):
    """The arguments of the one right call, or None."""
    arguments = {}
    for name, values in accepted.items():
        stated = [value for value in values if value != "" and all(states(request, leaf) for leaf in leaves(value))]
        if "" in values or name not in function["parameters"]["required"]:
            if "" not in values or any(not isinstance(value, bool) for value in stated):
                return None  # may be given or left out
        elif len(values) != 1 or len(stated) != 1 or isinstance(values[0], (bool, dict)):
            return None
        else:
            arguments[name] = values[0]
    return arguments if arguments and arguments.keys() >= set(function["parameters"]["required"]) else None


def main():
    folder = Path(sys.argv[1])
    lines, known = [], {}
    for category in ("multiple", "simple_python"):
        rows = [json.loads(line) for line in open(folder / f"BFCL_v4_{category}.json", encoding="utf8")]
        golds = [json.loads(line) for line in open(folder / f"possible_answer/BFCL_v4_{category}.json", encoding="utf8")]
        for row, gold in zip(rows, golds):
            assert row["id"] == gold["id"]
            functions = [{"name": function["name"], "description": function["description"].strip(),
                          "parameters": schema_of(function["parameters"])} for function in row["function"]]
            if not all(usable(function["parameters"]) for function in functions):
                continue
            if any(function["name"] in known for function in functions):  # one name has one definition
                continue
            request = row["question"][0][-1]["content"].strip()
            (name, accepted), = gold["ground_truth"][0].items()
            function = next(function for function in functions if function["name"] == name)
            arguments = one_call(request, function, accepted)
            line = {"id": row["id"], "functions": functions}
            if arguments and len(request) < 400 and name not in request:
                line |= {"request": request, "name": name, "arguments": arguments}
            elif category == "simple_python":
                continue
            known |= dict.fromkeys(function["name"] for function in functions)
            lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    path = Path(__file__).with_name("tool_call_bfcl.jsonl.gz")
    path.write_bytes(gzip.compress("".join(lines).encode(), mtime=0))
    print(len(lines), "lines,", sum('"request"' in line for line in lines), "with a request,", len(known), "functions")


if __name__ == "__main__":
    main()
