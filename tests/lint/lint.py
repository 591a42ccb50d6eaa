#!/usr/bin/env python3
"""make lint: the borders of src/DEPS, lengths, and calls that the pure folders must not make."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
PURE = {"util", "data", "resp", "keyspace", "rdb", "script", "commands", "engine", "raft", "node"}
BANNED = re.compile(
    r"\b(time|clock|clock_gettime|gettimeofday|rand|random|srand|drand48|arc4random|getrandom|open|fopen|read|"
    r"write|socket|connect|select|poll|sleep|usleep|strcpy|strcat|sprintf|gets|setlocale|getenv|system|fork|"
    r"pthread_create)\s*\(")
ALLOWED_PURE = {("util/base.c", "fprintf")}
MAX_FILE_LINES = 800
MAX_FUNCTION_LINES = 90
TOP = {"Makefile", "src", "deps", "tests", "redis-tests", "conf", "README.md", "LICENSE", "build", "data"}

problems = []


def complain(path, line, text):
    problems.append(f"{path.relative_to(ROOT)}:{line}: {text}")


def read_deps():
    deps = {}
    for line in (SRC / "DEPS").read_text().splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        folder, rest = line.split(":", 1)
        own, _, libraries = rest.partition("|")
        deps[folder.strip()] = (set(own.split()), set(libraries.split()))
    return deps


def check_includes(path, folder, text, deps):
    own, libraries = deps[folder]
    every_library = set().union(*(entry[1] for entry in deps.values()))
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if not match:
            continue
        quote, target = match.groups()
        first = target.split("/")[0]
        if quote == '"':
            allowed = first in (folder, "util") or first in own or target in own or "*" in own
            if first == "server" and folder != "server":
                allowed = False
            if not allowed:
                complain(path, number, f"{folder}/ may not include {target} (src/DEPS)")
        elif first in every_library and first not in libraries:
            complain(path, number, f"{folder}/ may not include <{target}> (src/DEPS)")


def strip_comments(text):
    keep_lines = lambda match: "\n" * match.group(0).count("\n")
    text = re.sub(r"/\*.*?\*/", keep_lines, text, flags=re.S)
    text = re.sub(r'"(\\.|[^"\\\n])*"', '""', text)
    return re.sub(r"//[^\n]*", "", text)


def check_text(path, folder, text):
    lines = text.splitlines()
    if len(lines) > MAX_FILE_LINES:
        complain(path, len(lines), f"{len(lines)} lines: more than {MAX_FILE_LINES}; is there a seam?")
    bare = strip_comments(text)
    if folder in PURE:
        for number, line in enumerate(bare.splitlines(), 1):
            if line.startswith("#"):
                continue
            for match in BANNED.finditer(line):
                before = line[: match.start()]
                if before.endswith((".", "->")) or re.search(r"(struct|enum)\s+$", before):
                    continue
                complain(path, number, f"{match.group(1)}() in a pure folder")
            if re.match(r"static\s+(?!const\b|inline\b|_Atomic\b)[^()=;]*(=|;)", line) and "(" not in line:
                complain(path, number, "a global variable")
    start = None
    for number, line in enumerate(bare.splitlines(), 1):
        if line and not line[0].isspace() and line.rstrip().endswith("{") and "(" in line:
            start = number
        elif line.startswith("}") and start is not None:
            if number - start > MAX_FUNCTION_LINES:
                complain(path, start, f"a function of {number - start} lines (limit {MAX_FUNCTION_LINES})")
            start = None


def main():
    deps = read_deps()
    for path in sorted(SRC.glob("*/*.[ch]")):
        folder = path.parent.name
        if folder not in deps:
            complain(path, 1, f"folder {folder} is not in src/DEPS")
            continue
        text = path.read_text()
        check_includes(path, folder, text, deps)
        check_text(path, folder, text)
    for folder in deps:
        if (SRC / folder).is_dir() and any((SRC / folder).glob("*.[ch]")):
            if not (SRC / folder / "README.md").exists():
                problems.append(f"src/{folder}: no README.md")
    for entry in ROOT.iterdir():
        if not entry.name.startswith(".") and entry.name not in TOP:
            problems.append(f"{entry.name}: does not belong at the top level")
    for problem in problems:
        print(problem)
    print(f"lint: {len(problems)} problems")
    return 1 if problems else 0


sys.exit(main())
