"""What the checks of this folder share: the project's files, C without its comments, findings, and the self-test.

A check is a function of a Tree that yields findings; main() prints them and fails if there are any. With --self-test
it runs the check over small made-up trees instead and fails unless each gives the finding it must (or none): a check
that cannot fail checks nothing."""

import os
import re
import sys
import tempfile

SKIPPED_FOLDERS = {"build", "node_modules", ".git", "__pycache__", ".cache"}

_LEXEME = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL
)


def _blank(text):
    return "".join(c if c == "\n" else " " for c in text)


def code_only(text):
    """C with comments, and the insides of strings and characters, replaced by spaces; every line stays where it is."""
    def replace(match):
        lexeme = match.group()
        if lexeme[0] == "/":
            return _blank(lexeme)
        return lexeme[0] + _blank(lexeme[1:-1]) + lexeme[-1]
    return _LEXEME.sub(replace, text)


def comments_only(text):
    """The opposite: everything but comments replaced by spaces."""
    out, at = [], 0
    for match in _LEXEME.finditer(text):
        out.append(_blank(text[at:match.start()]))
        out.append(match.group() if match.group()[0] == "/" else _blank(match.group()))
        at = match.end()
    out.append(_blank(text[at:]))
    return "".join(out)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


class Tree:
    """The files of a source tree, by path relative to its root, each read once."""

    def __init__(self, root):
        self.root = root
        self._text = {}
        self._code = {}
        self.paths = sorted(self._walk())

    def _walk(self):
        for folder, folders, names in os.walk(self.root):
            folders[:] = [f for f in folders if f not in SKIPPED_FOLDERS]
            for name in names:
                path = os.path.join(folder, name)
                if not os.path.islink(path):
                    yield os.path.relpath(path, self.root)

    def select(self, prefixes, suffixes):
        """Paths below one of the folders ("" is all) that end in one of the suffixes."""
        return [p for p in self.paths
                if p.endswith(suffixes) and any(not x or p.startswith(x + "/") for x in prefixes)]

    def exists(self, path):
        return os.path.exists(os.path.join(self.root, path))

    def text(self, path):
        if path not in self._text:
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
                self._text[path] = file.read()
        return self._text[path]

    def code(self, path):
        if path not in self._code:
            self._code[path] = code_only(self.text(path))
        return self._code[path]


def _self_test(name, check, cases):
    failures = 0
    for title, files, expected in cases:
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)) or root, exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            found = list(check(Tree(root)))
        right = not found if expected is None else any(expected in finding for finding in found)
        if not right:
            failures += 1
            print(f"{name}: self-test '{title}': expected {expected or 'no finding'!r}, got {found}")
    print(f"{name}: {len(cases)} self-tests, {failures} failed")
    return failures


def main(name, check, cases):
    """Exit status 0 when there is nothing to say. Arguments: --self-test, or the root of the tree."""
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(_self_test(name, check, cases) != 0)
    if len(sys.argv) != 2:
        sys.exit(f"usage: {name} ROOT | --self-test")
    tree = Tree(sys.argv[1])
    found = list(check(tree))
    for finding in found:
        print(finding)
    print(f"{name}: {len(found)} findings")
    sys.exit(len(found) != 0)
