"""Making the page's script small at start, in Python: no build tool, no second copy in the tree.

Safe steps on ES5 tokens: comments go, needless space goes (line ends stay where a semicolon might be guessed),
braces around a single statement and the last semicolon in braces go, and names declared with ``var``, ``function``
or as parameters become short. A long name becomes the
same short name everywhere, and short names are new to the script, so scopes cannot be mixed up; properties
and object keys keep theirs.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from string import ascii_letters
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<string>'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")
      | (?P<name>[A-Za-z_$][\w$]*)
      | (?P<number>\d[\w.]*)
      | (?P<line>\s*\n\s*)
      | (?P<space>[^\S\n]+)
      | (?P<mark>\+\+|--|.)""",
    re.VERBOSE | re.DOTALL,
)
# A slash where a value may stand starts a regular expression; elsewhere it divides.
_REGEX = re.compile(r"/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/[a-z]*")
_BEFORE_REGEX = frozenset([*"(,=:[!&|?{};", "\n", "return", ""])
_NEEDS_SPACE = re.compile(r"[\w$]{2}|\+\+|--")


class Token(NamedTuple):
    kind: str  # string, name, number, regex, line or mark
    text: str


_NOTHING, _BEGINNING, _CLOSING = Token("mark", ""), Token("mark", "{"), Token("mark", "}")
_OPENING = frozenset(("if", "for", "while", "do", "try", "switch", "function", "var", "else"))


def minified(script: str) -> str:
    """The ES5 ``script``, smaller and with the same meaning. Template literals and ES6 are not understood."""
    tokens = _without_lines(_renamed(_tokens(script)))
    out: list[str] = []
    for token in _without_last_semicolons(_without_braces(tokens)):
        text = token.text
        if out and _NEEDS_SPACE.fullmatch(out[-1][-1] + text[0]):
            out.append(" ")
        out.append(text)
    return "".join(out)


def _tokens(script: str) -> list[Token]:
    """Every token but comments and spaces; line ends in a row are one."""
    tokens: list[Token] = []
    at = 0
    while at < len(script):
        last = tokens[-1].text if tokens else ""
        regex = _REGEX.match(script, at) if last in _BEFORE_REGEX else None
        found = regex or _TOKEN.match(script, at)
        assert found is not None  # "mark" takes any character
        kind = "regex" if regex else str(found.lastgroup)
        at = found.end()
        if kind == "line" and last != "\n":
            tokens.append(Token("line", "\n"))
        elif kind not in ("line", "comment", "space"):
            tokens.append(Token(kind, found.group()))
    return tokens


def _without_lines(tokens: list[Token]) -> list[Token]:
    """Line ends go where no semicolon could be guessed."""
    return [
        token
        for before, token, after in _with_neighbours(tokens)
        if token.kind != "line" or not (before.text in ("", ";", "{", ",", "(") or after.text in ("", "}"))
    ]


def _without_braces(tokens: list[Token]) -> list[Token]:
    """``if (a) { b(); }`` as ``if (a) b();``: one statement that holds no braces and is no ``if`` itself."""
    dropped: set[int] = set()
    for start, token in enumerate(tokens):
        if token.text != "{" or not _begins_block(tokens, start - 1):
            continue
        end = next(
            at for at in range(start + 1, len(tokens)) if tokens[at].text in "{}" and tokens[at].kind == "mark"
        )
        inside = [each.text for each in tokens[start + 1 : end]]
        if tokens[end].text == "}" and inside.count(";") == 1 and inside[-1] == ";" and inside[0] not in _OPENING:
            dropped |= {start, end}
    return [token for at, token in enumerate(tokens) if at not in dropped]


def _without_last_semicolons(tokens: list[Token]) -> list[Token]:
    """``{ a(); }`` as ``{ a() }``, but where the semicolon is an empty statement."""
    return [
        token
        for at, token in enumerate(tokens)
        if token.text != ";"
        or tokens[at + 1 : at + 2] != [_CLOSING]
        or (tokens[at - 1].text == ")" and _begins_block(tokens, at - 1))
    ]


def _begins_block(tokens: list[Token], at: int) -> bool:
    """Whether what ends at ``at`` is ``else``, or the head of an ``if``, ``for`` or ``while``."""
    if at < 0 or tokens[at].text != ")":
        return at >= 0 and tokens[at].text == "else"
    depth = 0
    while at >= 0:
        depth += (tokens[at].text == ")") - (tokens[at].text == "(") if tokens[at].kind == "mark" else 0
        if depth == 0:
            break
        at -= 1
    return at > 0 and tokens[at - 1].text in ("if", "for", "while")


def _renamed(tokens: list[Token]) -> list[Token]:
    """The tokens with short names for what the script declares."""
    code = [token for token in tokens if token.kind != "line"]
    short = _short_names(code)
    renamed = (
        Token("name", short[token.text]) if _is_variable(before, token, after) and token.text in short else token
        for before, token, after in _with_neighbours(code)
    )
    return [token if token.kind == "line" else next(renamed) for token in tokens]


def _with_neighbours(tokens: list[Token]) -> list[tuple[Token, Token, Token]]:
    return list(zip([_NOTHING, *tokens[:-1]], tokens, [*tokens[1:], _NOTHING], strict=True))


def _short_names(code: list[Token]) -> dict[str, str]:
    """Declared names to short ones, the most used first; none that is in use for anything at all."""
    neighbours = _with_neighbours(code)
    used = Counter(token.text for before, token, after in neighbours if _is_variable(before, token, after))
    declared = _declared(code)
    taken = {token.text for token in code if token.kind == "name"}
    fresh = (name for name in _candidates() if name not in taken)
    return {name: next(fresh) for name, _ in used.most_common() if name in declared and len(name) > 1}


def _declared(code: list[Token]) -> set[str]:
    """Names that the script itself brings in; those of the browser are never touched."""
    names: set[str] = set()
    for index, token in enumerate(code):
        if token.text == "function":
            names |= _of_function(code, index + 1)
        elif token.text == "var":
            names |= _of_var(code, index + 1)
    return names


def _of_function(code: list[Token], at: int) -> set[str]:
    """The function's name, if it has one, and its parameters."""
    head = itertools.takewhile(lambda token: token.text != ")", code[at:])
    return {token.text for token in head if token.kind == "name"}


def _of_var(code: list[Token], at: int) -> set[str]:
    """Each name of ``var a = …, b, c;``: the first token and those after a comma outside any bracket."""
    names, depth = {code[at].text}, 0
    for before, token in itertools.pairwise(code[at:]):
        depth += (before.text in "([{") - (before.text in ")]}") if before.kind == "mark" else 0
        if depth < 0 or (depth == 0 and before.text in (";", "in")):
            break
        if depth == 0 and before.text == ",":
            names.add(token.text)
    return names


def _is_variable(before: Token, token: Token, after: Token) -> bool:
    """Whether a name stands for a variable: neither ``.name`` nor the key in ``{name: …, name: …}``."""
    key = after.text == ":" and before.text in ("{", ",")
    return token.kind == "name" and before.text != "." and not key


def _candidates() -> itertools.chain[str]:
    firsts = list(ascii_letters)
    return itertools.chain(firsts, (first + second for first in firsts for second in firsts))
