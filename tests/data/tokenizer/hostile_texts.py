"""Texts that tokenizers often get wrong, the same ones for the same seed. make_families.py uses them."""
import random
import unicodedata

FRAGMENTS = """'s 'S 'll 'LL 're 'VE don't I'M it’s 'ſ x'K 123 1 1234567890123 ٣٤٥ ½ Ⅷ ² 三十 0x1F 3.14159 1,000,000 a.b@c.de http://x.y/z?q=1&r=2
foo_bar fooBar HTTPServer ÀÉîõü Straße ΑΒΓαβγς Привет שלום مرحبا नमस्ते สวัสดี 你好世界 こんにちは カタカナ 안녕하세요 ﬁ ﬀ ı İ ß ẞ ǅ ʰ ª ▁ ▁▁ ▁a a▁b Ġ Ċ Ã
<0x0A> <0xFF> <0x 0x0A> <unk> <s> </s <| |> ;;; !!! ... -- ==> {}[]() \\n \\ " ' ` ``` #include /* */ //""".split()
FRAGMENTS += ["\u1112\u1161\u11ab", "e\u0301", "\u0301", "a\u0315\u0300\u05ae", "\u212b", "A\u030a", "\u0958", "\0", "\x01", "\x1b[0m", "\x7f",
              "\ufffd", "\ufffe", "\U0010ffff", "\ue000", "\ud7ff", "a" * 40, "ab" * 30, "é" * 20, "-" * 33, "中" * 15, "😀" * 7]
SPACES = [" ", "  ", "   ", "\n", "\r\n", "\t", "\u00a0", "\u2003", "\u3000", "\u200b", "\u2028", "\x0b", "\x0c", "\x85", "\u180e", "\u1680",
          "\ufeff", " " * 17, "\n" * 9, " \n" * 4, "\t" * 6, "\r", "\n\n", "\n \n", "\r\r\n"]
EMOJI = ["👨‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪", "😀", "❤️", "1️⃣", "👩🏾‍🚀", "🧑‍🤝‍🧑"]


def categories():
    """Characters by their category in Unicode 3.2, and some that it does not assign; newer categories differ between libraries."""
    found = {}
    for point in range(0x110000):
        category = unicodedata.ucd_3_2_0.category(chr(point))
        if category != "Cs" and (category != "Cn" or point % 997 == 0):
            found.setdefault(category, []).append(chr(point))
    return found


def texts(count, seed, specials, words):
    """`count` texts; some contain the tokens `specials`, whole and in part."""
    rng = random.Random(seed)
    by_category = categories()
    names = sorted(by_category)
    marks = by_category["Mn"] + by_category["Mc"]

    def special():
        text, kind = rng.choice(specials), rng.random()
        return text[:rng.randrange(len(text))] if kind < .2 else text[1:] if kind < .3 else text.upper() if kind < .35 else text

    kinds = [
        (22, lambda: rng.choice(FRAGMENTS)),
        (12, lambda: rng.choice(SPACES)),
        (12, special),
        (6, lambda: rng.choice(EMOJI)),
        (14, lambda: "".join(rng.choice(by_category[rng.choice(names)]) for _ in range(rng.randrange(1, 4)))),
        (6, lambda: rng.choice("aeioun") + "".join(rng.choice(marks) for _ in range(rng.randrange(1, 4)))),
        (4, lambda: "".join(rng.choice(" \n\t\r") for _ in range(rng.randrange(1, 9)))),
        (4, lambda: str(rng.randrange(10 ** rng.randrange(1, 18)))),
        (16, lambda: rng.choice(words)),
        (4, lambda: "".join(chr(rng.randrange(32, 127)) for _ in range(rng.randrange(1, 12)))),
    ]
    atoms, weights = [make for _, make in kinds], [weight for weight, _ in kinds]
    found = ["", " ", "\n", "Hello, world!", " Hello", "  Hello  "] + [a + s + b for s in specials for a, b in [("", ""), (" ", " x"), ("x", "y"), ("a \n", " \n b")]]
    found = found[:count // 2]
    while len(found) < count:
        separator = rng.choice(["", " ", "", "\n"])
        found.append(separator.join(rng.choices(atoms, weights)[0]() for _ in range(rng.choice([1, 2, 3, 4, 6, 9, 14]))))
    return found
