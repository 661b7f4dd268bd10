"""Renders Jinja chat templates for kvx, one request per line of standard input.

The environment is the one that transformers sets up. kvx runs this program in its sandbox. A request is one line of
JSON with template, special_tokens, messages, tools, documents, add_generation_prompt, continue_final_message, variables
and now, the time that strftime_now sees. The answer is one line on descriptor 3: {"rendered": TEXT} or
{"error_type": NAME, "error": TEXT}.
"""

import json
import os
import resource
import sys
from datetime import datetime

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment

CPU_SECONDS = 2  # per request, rounded up to a whole second; SIGXCPU ends the program then
CONTINUED = "CONTINUE_FINAL_MESSAGE_TAG "  # marks the end of a message that an answer continues


class GenerationTag(Extension):
    """{% generation %}BODY{% endgeneration %} prints BODY in a scope of its own."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("body_text"), [], [], body).set_lineno(line)

    def body_text(self, caller):
        return caller()


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


class Renderer:
    def __init__(self):
        self.compiled = {}
        self.now = datetime.now()
        self.environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[GenerationTag, "jinja2.ext.loopcontrols"])

        def raise_exception(message):
            raise jinja2.exceptions.TemplateError(message)

        def strftime_now(format):
            return self.now.strftime(format)

        self.environment.filters["tojson"] = tojson
        self.environment.globals.update(raise_exception=raise_exception, strftime_now=strftime_now)

    def template(self, text):
        if text not in self.compiled:
            if len(self.compiled) > 16:
                self.compiled.clear()
            self.compiled[text] = self.environment.from_string(text)
        return self.compiled[text]

    def render(self, request):
        self.now = datetime.fromisoformat(request["now"]) if request.get("now") else datetime.now()
        names = ("messages", "tools", "documents", "add_generation_prompt")
        given = {**{name: request[name] for name in names}, **request["special_tokens"], **request["variables"]}
        if not request["continue_final_message"]:
            return self.template(request["template"]).render(**given)
        if request["add_generation_prompt"]:
            raise ValueError("continue_final_message and add_generation_prompt are not compatible")
        last = tag_last_message(given["messages"])
        text = self.template(request["template"]).render(**given)
        at = text.rfind(CONTINUED.strip())
        if at < 0 or last.strip() not in text:
            raise ValueError("the final message is not in the rendered chat")
        return text[:at] if text.startswith(CONTINUED, at) else text[:at].rstrip()


def tag_last_message(messages):
    """Appends the mark to the text of the last message. Returns the text without it."""
    message = messages[-1]
    if isinstance(message["content"], list):
        message, name = [part for part in message["content"] if "text" in part][-1], "text"
    else:
        name = "content"
    text = message[name]
    message[name] = text + CONTINUED
    return text


def answer_of(renderer, line):
    try:
        text = renderer.render(json.loads(line))
        text.encode()  # fails for lone surrogates, which UTF-8 cannot hold
        return json.dumps({"rendered": text})
    except Exception as error:  # a template may raise anything
        return json.dumps({"error_type": type(error).__name__, "error": str(error)[:2000]})


def main():
    if [int(part) for part in getattr(jinja2, "__version__", "3.1").split(".")[:2]] < [3, 1]:
        sys.exit("expected jinja2 3.1 or newer, found " + jinja2.__version__)
    answers = os.fdopen(3, "w", encoding="ascii")
    renderer = Renderer()
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    print("ready", file=answers, flush=True)
    for line in iter(sys.stdin.buffer.readline, b""):
        used = resource.getrusage(resource.RUSAGE_SELF)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + CPU_SECONDS + 1, hard))
        print(answer_of(renderer, line), file=answers, flush=True)


main()
