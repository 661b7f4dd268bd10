"""A world of tools, requests and the one right call, to train and to test a tiny model on.

A tool's name, description and parameter names are drawn from several spellings, and its enums from longer lists, so that
a call can only be right by reading the catalog.
"""
import json
import random

CITIES = (
    "Paris London Berlin Tokyo Madrid Rome Oslo Cairo Lima Delhi Seoul Austin Boston Denver Miami Vienna Prague Dublin Lisbon Athens "
    "Warsaw Zurich Geneva Kyoto Osaka Nairobi Lagos Quito Bogota Toronto Sydney Perth Auckland Helsinki"
).split()
PEOPLE = "Alice Bob Carol David Emma Frank Grace Henry Irene Jack Karen Leo Maria Nina Oscar Paula Quinn Rosa Sam Tina Victor Wendy Yusuf Zoe".split()
WORDS = "river stone lamp window garden silver winter mountain paper bridge orange forest candle mirror basket engine".split()
CURRENCIES = "USD EUR GBP JPY CHF INR AUD CAD SEK NOK".split()
LANGUAGES = "French German Spanish Italian Japanese Korean Hindi Arabic Polish Dutch".split()
DISHES = "pizza sushi tacos ramen curry salad burger pasta falafel dumplings".split()
CUISINES = "Thai Indian Mexican Greek Chinese Korean Turkish French Vietnamese Lebanese".split()
TICKERS = "AAPL MSFT GOOG AMZN TSLA NVDA META INTC ORCL IBM".split()
ROOMS = "kitchen bedroom office garage hallway bathroom basement attic".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
GENRES = "jazz rock blues techno folk opera soul metal".split()
TOPICS = "science sports politics business health travel music technology".split()
LETTERS = "ABCDEFGHKLMNPRSTUVWXYZ"


# Parameters: (spellings, JSON Schema type or "enum", what draws a value or the enum's values, text of an optional one in a request).
def choice(names, values, optional=None):
    return names, "enum", values, optional


def one_of(names, values, optional=None):
    return names, "string", lambda rng: rng.choice(values), optional


def words(names, count, optional=None):
    return names, "string", lambda rng: " ".join(rng.sample(WORDS, count)), optional


def whole(names, low, high, optional=None):
    return names, "integer", lambda rng: rng.randint(low, high), optional


def decimal(names, low, high):
    return names, "number", lambda rng: round(rng.uniform(low, high), 1), None


def flag(names, optional):
    return names, "boolean", lambda rng: rng.random() < 0.5, optional


def some(names, values, optional):
    return names, "array", lambda rng: sorted({rng.choice(values) for _ in range(rng.randint(1, 2))}), optional


def clock(names):
    return names, "string", lambda rng: f"{rng.randint(0, 23):02d}:{rng.choice(['00', '15', '30', '45'])}", None


def parcel(names):
    return names, "string", lambda rng: rng.choice(LETTERS) + rng.choice(LETTERS) + str(rng.randint(100, 999)), None


# Intents: nouns and verbs of the tool's name, descriptions, requests, parameters.
INTENTS = [
    ("weather|forecast|conditions", "get|fetch|lookup|check", "Weather forecast for a city|Current weather conditions in a place",
     "What is the weather in {0}|How warm is it in {0}|Tell me the forecast for {0}",
     [one_of("city|location|place|town", CITIES), choice("units|scale|degrees", ["celsius", "fahrenheit"], " in {}")]),
    ("currency|money|exchange", "convert|change|compute", "Convert an amount between currencies|Exchange money from one currency to another",
     "Convert {0} {1} to {2}|How much is {0} {1} in {2}|Change {0} {1} into {2}",
     [whole("amount|value|sum", 2, 950), choice("from|source|base", CURRENCIES), choice("to|target|quote", CURRENCIES)]),
    ("flight|plane_ticket|airfare", "book|reserve|search", "Book a flight between two cities|Find a plane ticket",
     "Book a flight from {0} to {1}|I want to fly from {0} to {1}|Find a plane from {0} to {1}",
     [one_of("origin|from_city|departure", CITIES), one_of("destination|to_city|arrival", CITIES), whole("passengers|seats|travellers", 1, 9, " for {} people")]),
    ("hotel|room|lodging", "book|reserve|find", "Reserve a hotel room in a city|Find lodging for some nights",
     "Find a hotel in {0} for {1} nights|I need a room in {0} for {1} nights",
     [one_of("city|location|place", CITIES), whole("nights|duration|stay", 1, 14), flag("breakfast|with_breakfast", ", breakfast {}")]),
    ("email|mail|message", "send|write|post", "Send an email to a person|Write a mail message",
     "Send {0} an email about {1}|Mail {0} on the subject {1}",
     [one_of("recipient|to|person", PEOPLE), words("subject|title|topic", 2), flag("urgent|priority", ", urgent {}")]),
    ("alarm|wake_up|alert", "set|create|add", "Set an alarm at a time|Create a wake up alert",
     "Set an alarm for {0}|Wake me up at {0}",
     [clock("time|at|when"), choice("day|weekday|date", DAYS, " on {}")]),
    ("translation|text|phrase", "translate|render|convert", "Translate text to a language|Render a phrase in another language",
     "Translate {0} to {1}|How do you say {0} in {1}",
     [words("text|phrase|sentence", 3), choice("language|target|to", LANGUAGES)]),
    ("stock|share|quote", "get|fetch|lookup", "Stock price of a company ticker|Share quote for a symbol",
     "What is the stock price of {0}|Show me the share quote for {0}",
     [choice("ticker|symbol|company", TICKERS), whole("days|period|history", 1, 60, " over {} days")]),
    ("restaurant|table|dinner", "find|reserve|search", "Find a restaurant by cuisine|Reserve a table for dinner",
     "Find a {0} restaurant in {1}|I want {0} dinner in {1}",
     [choice("cuisine|style|kitchen", CUISINES), one_of("city|location|area", CITIES), whole("guests|people|party", 1, 12, " for {} guests")]),
    ("lights|lamp|brightness", "set|dim|control", "Control the lights in a room|Set the brightness of a lamp",
     "Set the {0} lights to {1} percent|Dim the lamp in the {0} to {1}",
     [choice("room|area|zone", ROOMS), whole("level|percent|brightness", 0, 100)]),
    ("thermostat|heating|temperature", "set|adjust|control", "Adjust the thermostat of a room|Set the heating temperature",
     "Heat the {0} to {1} degrees|Set the thermostat in the {0} to {1}",
     [choice("room|area|zone", ROOMS), decimal("temperature|degrees|value", 12, 28)]),
    ("music|song|playlist", "play|start|queue", "Play music of a genre|Start a playlist",
     "Play some {0} music|Start a {0} playlist",
     [choice("genre|style|kind", GENRES), whole("volume|loudness|level", 1, 100, " at volume {}"), flag("shuffle|random_order", ", shuffle {}")]),
    ("food|meal|delivery", "order|request|get", "Order food for delivery|Request a meal",
     "Order {1} {0}|I would like {1} portions of {0} delivered",
     [choice("dish|item|food", DISHES), whole("quantity|count|portions", 1, 8), words("address|street|deliver_to", 2, " to {} street")]),
    ("package|parcel|shipment", "track|locate|trace", "Track a package by its number|Locate a shipment",
     "Where is my package {0}|Track the parcel {0}",
     [parcel("tracking_number|code|parcel_id")]),
    ("distance|route|directions", "compute|plan|get", "Distance between two places|Plan a route from one place to another",
     "How far is {0} from {1}|Plan a route from {0} to {1}",
     [one_of("start|origin|from", CITIES), one_of("end|destination|to", CITIES), choice("mode|transport|vehicle", ["car", "train", "bike", "foot"], " by {}")]),
    ("news|headlines|articles", "get|read|list", "Latest news on a topic|List headlines",
     "Show me the news on {0}|Read the {0} headlines",
     [choice("topic|category|subject", TOPICS), whole("limit|count|max", 1, 20, ", at most {}")]),
    ("event|meeting|appointment", "create|schedule|add", "Schedule a meeting with a person|Create a calendar event",
     "Schedule a meeting called {0} on {1} at {2}|Create the event {0} on {1} at {2}",
     [words("title|name|summary", 2), choice("day|weekday|date", DAYS), clock("time|at|hour"), some("attendees|people|guests", PEOPLE, " with {}")]),
    ("transfer|payment|wire", "send|make|create", "Transfer money to a person|Make a payment",
     "Pay {0} {1} {2}|Transfer {1} {2} to {0}",
     [one_of("recipient|to|payee", PEOPLE), decimal("amount|sum|value", 5, 900), choice("currency|unit", CURRENCIES)]),
    ("timer|countdown|stopwatch", "start|set|run", "Start a countdown timer|Set a timer in minutes",
     "Start a timer of {0} minutes|Count down {0} minutes",
     [whole("minutes|duration|length", 1, 120), words("label|name|tag", 1, " named {}")]),
    ("note|memo|reminder", "save|add|write", "Save a note with tags|Write a memo",
     "Save a note saying {0}|Write down {0}",
     [words("text|content|body", 3), some("tags|labels|keywords", WORDS, " tagged {}")]),
    ("movie|cinema|film", "book|find|get", "Book cinema tickets|Find a movie showing",
     "Book {1} tickets for the movie {0}|Get {1} cinema seats for {0}",
     [words("title|film|movie", 2), whole("tickets|seats|count", 1, 9)]),
    ("taxi|ride|cab", "call|book|request", "Call a taxi to an address|Request a ride",
     "Get a taxi from {0} street to {1} street|I need a ride from {0} street to {1} street",
     [words("pickup|from|start", 2), words("dropoff|to|end", 2)]),
    ("contact|person|phone", "find|lookup|search", "Find the phone number of a person|Look a contact up",
     "What is the phone number of {0}|Find the contact {0}",
     [one_of("name|person|contact", PEOPLE), one_of("city|location|place", CITIES, " in {}")]),
    ("bmi|body_mass|health_index", "compute|calculate|get", "Body mass index from weight and height|Calculate a health index",
     "My weight is {0} and my height {1}, what is my body mass index|Body mass index for weight {0} and height {1}",
     [decimal("weight|kilograms|mass", 45, 120), decimal("height|meters|size", 1, 2)]),
]  # fmt: skip


class Tool:
    """An intent in the words that one catalog has for it."""

    def __init__(self, rng, intent):
        nouns, verbs, descriptions, self.requests, self.parameters = intent
        noun, verb = rng.choice(nouns.split("|")), rng.choice(verbs.split("|"))
        shapes = (f"{verb}_{noun}", f"{noun}_{verb}", f"{verb}_{noun}_v{rng.randint(1, 9)}", f"{noun}_{rng.choice(['api', 'tool', 'service'])}")
        self.name, self.description = rng.choice(shapes), rng.choice(descriptions.split("|"))
        self.properties = {}
        for names, kind, values, _ in self.parameters:
            name = rng.choice([n for n in names.split("|") if n not in self.properties])
            if kind == "enum":
                self.properties[name] = {"type": "string", "enum": rng.sample(values, min(len(values), 4))}
            elif kind == "array":
                self.properties[name] = {"type": "array", "items": {"type": "string"}}
            else:
                self.properties[name] = {"type": kind}
        required = [name for name, p in zip(self.properties, self.parameters) if p[3] is None]
        self.schema = {"type": "object", "properties": self.properties, "required": required}

    def text(self):
        return json.dumps({"name": self.name, "description": self.description, "parameters": self.schema})

    def ask(self, rng):
        """A request and its call."""
        drawn, arguments, extras = [], {}, ""
        for (name, schema), (_, kind, values, optional) in zip(self.properties.items(), self.parameters):
            value = rng.choice([v for v in schema["enum"] if v not in drawn]) if kind == "enum" else values(rng)
            drawn.append(value)
            if optional is None or rng.random() < 0.5:
                arguments[name] = value
                extras += "" if optional is None else optional.format(shown(value))
        request = rng.choice(self.requests.split("|")).format(*map(shown, drawn))
        return request + extras, {"name": self.name, "arguments": arguments}


def shown(value):
    """A value as a request says it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " and ".join(value) if isinstance(value, list) else str(value)


class Catalog:
    def __init__(self, rng, size):
        intents = rng.sample(INTENTS, size)
        self.tools = [Tool(rng, intent) for intent in intents]
        self.others = [intent for intent in INTENTS if intent not in intents]

    def ask(self, rng, decline=0.08):
        """A request, its call and the schema of its arguments; no tool serves the share `decline` of the requests."""
        if rng.random() < decline:
            request, _ = Tool(rng, rng.choice(self.others)).ask(rng)
            return request, {"name": None, "arguments": {}}, {}
        tool = rng.choice(self.tools)
        return *tool.ask(rng), tool.schema


# The columns of the tool_call task, and the same as the ChatML template renders them.
HEAD = 'Reply to the request with one JSON call to one of these tools, or {"name": null, "arguments": {}} if none fits:\n'


def context(catalog):
    return HEAD + "\n".join(tool.text() for tool in catalog.tools) + "\n"


def render_context(catalog):
    return "<|im_start|>user\n" + context(catalog)


def render_question(question):
    return f"{question}<|im_end|>\n<|im_start|>assistant\n"


def render_answer(call):
    return json.dumps(call) + "<|im_end|>"
