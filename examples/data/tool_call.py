#!/usr/bin/env python3
"""Writes tool_call.jsonl.gz, the built-in data of the task tool_call, beside itself and prints what it holds.

A context is a catalog of tools. Some requests go to the tools of tool_call_tools.py, as tool_call_requests.py has
them, the others to functions of the Berkeley Function-Calling Leaderboard (tool_call_bfcl.jsonl.gz). Each catalog has a
core of its own, to which its requests go, and other tools around it. What is drawn is drawn by fixed seeds.
"""

import gzip
import json
import random
import re
from collections import Counter
from pathlib import Path

from tool_call_requests import REQUESTS
from tool_call_tools import FAMILIES

SIZES = [8, 12, 16, 24, 12, 32, 8, 16, 24, 64]  # tools of a catalog; repeated for all catalogs
CATALOGS, OWN_REQUESTS, BFCL_REQUESTS = 50, 4, 3  # requests of a catalog, besides those that it does not serve
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


# The first five letters of common words; two tools that share only these have no topic in common.
COMMON = set("""about accor addre after all also amoun analy and any api appro are assoc avail avera base based betwe both by
    calcu can categ certa check choos code combi compa compu condi conta conve count creat crite curre daily data datab date
    day deliv deriv descr desir detai deter diffe each effec estim event examp expec fetch field file find first follo for
    forma found from funct gener get give given has have how if in inclu indiv infor initi input into inter is item its kind
    know last lates law less level limit list locat look make many match maxim measu metho minim mode month more most multi
    must name neare need new next not numbe numer objec occur of on one only opera optio or order other out over param
    parti per perce perfo perio place point posit possi predi price prima proce produ prope provi purch quant query range
    rank rate recen recom recor refer regio relat repor repre reque requi respe resul retri retur sampl same scale score
    searc selec serie set show singl size some sort sourc speci stand start state stati statu store such sum syste take
    targe tell term than that the their them this three time title to top total two type under unit units up upcom updat
    use used user using valid value varia vario versi via view what when where wheth which with withi would year years
    your""".split())
# Some requests to these families go to catalogs that do not serve them. No tool there may match these patterns.
UNSERVED = {"shipping": r"parcel|ship|deliver|package|mail|courier|recipient|warehouse|return",
            "travel": r"train|rail|seat|station|ferr|bike|route|trip|travel|transport|charg|ticket|flight",
            "messages": r"messag|mail|sms|chat|channel|notif|event|meeting|calendar|task|poll|schedul|reminder",
            "home": r"heat|thermostat|light|appliance|energy|solar|alarm|garden|water|temperature|electric"}


def topics(tool):
    """The topics of a tool: the first five letters of the words in its name and description, without common ones."""
    words = re.findall("[A-Z]?[a-z]{3,}", tool["name"] + " " + tool["description"])
    return {word.lower()[:5] for word in words} - COMMON


class Call:
    """A request, its one right call, and the tools that come with it."""

    def __init__(self, request, tool, arguments, siblings):
        self.request, self.tool, self.arguments, self.siblings = request, tool, arguments, siblings
        for leaf in leaves(arguments):
            assert states(request, leaf), f"{request!r} does not state {leaf!r}"

    def bears(self, tool):
        """Whether no request for this call could mean the other tool; siblings are told apart by hand."""
        return tool["name"] in {sibling["name"] for sibling in self.siblings} or not topics(tool) & topics(self.tool)


def own_calls(names):
    """The calls of a family's tools, tool by tool."""
    tools = {tool["name"]: tool for tool in FAMILIES[names]}
    return {name: [Call(request, tools[name], arguments, list(tools.values()))
                   for called, request, arguments in REQUESTS if called == name] for name in tools}


def bfcl_sets():
    path = Path(__file__).with_name("tool_call_bfcl.jsonl.gz")
    sets = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    own = {tool["name"] for family in FAMILIES.values() for tool in family}
    return [some for some in sets if not own & {function["name"] for function in some["functions"]}]


def cores():
    """The calls of each catalog: two catalogs for each family, which share its tools and no request, then BFCL's."""
    left, found = {}, []
    for family in FAMILIES:
        calls = own_calls(family)
        for half in (0, 1):
            found.append((family, [calls[name].pop(0) for name in list(calls)[half::2]]))
        left[family] = shuffled([call for some in calls.values() for call in some], family)
    waiting = []
    for some in bfcl_sets():
        if "request" in some:
            tool = next(function for function in some["functions"] if function["name"] == some["name"])
            waiting.append(Call(some["request"], tool, some["arguments"], some["functions"]))
    while len(found) < CATALOGS:
        core = []
        for call in list(waiting):
            bearable = all(other.bears(tool) for other in core for tool in call.siblings)
            if bearable and all(call.bears(tool) for other in core for tool in other.siblings):
                core.append(call)
                waiting.remove(call)
            if len(core) == BFCL_REQUESTS:
                break
        assert len(core) == BFCL_REQUESTS, "too few requests of BFCL"
        found.append((None, core))
    return shuffled(found, "catalogs"), left


def catalogs():
    """Each catalog's tools and calls; a call without a tool is one that no tool serves."""
    found, left = cores()
    pool = [tool for family in FAMILIES.values() for tool in family]
    pool += [function for some in bfcl_sets() for function in some["functions"]]
    for number, (family, calls) in enumerate(found):
        tools = {tool["name"]: tool for call in calls for tool in call.siblings}
        unserved = number % 2 == 0 and max((other for other in UNSERVED if other != family and left[other] and
                                            not any(speaks_of(other, tool) for tool in tools.values())),
                                           key=lambda other: len(left[other]))
        for tool in shuffled(pool, number):
            if len(tools) >= SIZES[number % len(SIZES)]:
                break
            if all(call.bears(tool) for call in calls) and not (unserved and speaks_of(unserved, tool)):
                tools[tool["name"]] = tool
        assert len(tools) >= SIZES[number % len(SIZES)], f"catalog {number}: too few tools that its requests can bear"
        if unserved:
            call = left[unserved].pop(0)
            calls = calls + [Call(call.request, None, {}, [])]
        yield shuffled(tools.values(), f"tools {number}"), shuffled(calls, f"calls {number}")


def speaks_of(family, tool):
    return re.search(UNSERVED[family], (tool["name"] + " " + tool["description"]).lower()) is not None


def rows_of(tools, calls):
    """The lines of one catalog."""
    blocks = [f"\n## {tool['name']}\n{tool['description']}\nParameters: {json.dumps(tool['parameters'], ensure_ascii=False)}\n"
              for tool in tools]
    for call in calls:
        gold = {"name": call.tool and call.tool["name"], "arguments": call.arguments,
                "schema": call.tool["parameters"] if call.tool else {}}
        yield {"context": INSTRUCTIONS + "".join(blocks), "question": f"\nRequest: {call.request}\n",
               "answer_prefix": "", "answer": json.dumps(gold, ensure_ascii=False), "task": "tool_call",
               "max_new_tokens": MAX_NEW_TOKENS}


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
    data = [row for tools, calls in catalogs() for row in rows_of(tools, calls)]
    golds = [json.loads(row["answer"]) for row in data]
    contexts = list(dict.fromkeys(row["context"] for row in data))
    sets = {frozenset(re.findall(r"\n## (\S+)", context)) for context in contexts}
    assert len(sets) == len(contexts) == CATALOGS, "two catalogs have the same tools"
    assert len({row["question"] for row in data}) == len(data), "a request stands twice"
    calls = {json.dumps([gold["name"], gold["arguments"]]) for gold in golds if gold["name"]}
    assert len(calls) == sum(gold["name"] is not None for gold in golds), "two requests have the same call"
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in data)
    path = Path(__file__).with_name("tool_call.jsonl.gz")
    path.write_bytes(gzip.compress(lines.encode(), mtime=0))

    count = Counter()
    for gold in golds:
        count.update(kinds(gold["arguments"], gold["schema"]) if gold["name"] else {"no tool that serves them"})
    print("| requests | ", len(data), " |\n| catalogs | ", len(contexts), " |", sep="")
    for kind in sorted(count):
        print(f"| {kind} | {count[kind]} |")
    print(Counter(context.count("\n## ") for context in contexts), "catalogs by tools")


if __name__ == "__main__":
    main()
