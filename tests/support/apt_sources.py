#!/usr/bin/env python3
"""Prints this machine's own package sources for chosen suites, as deb822 stanzas.

usage: apt_sources.py [--source] SUITE[=NEW_SUITE]...

Every enabled binary source whose suite is named on the command line is printed, with only that suite and with all
its other options (mirror, keys, trust) kept. SUITE=NEW_SUITE prints the source of SUITE with the suite replaced:
that is how a suite the machine does not use is reached through the mirror that it does use. --source prints the
sources of source packages in place of those of binary packages.
BERTH_APT_ETC names another directory than /etc/apt (for the tests).
"""
import os
import pathlib
import re
import sys

ONE_LINE = re.compile(r"^deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>(?:\s+[^\s#]+)*)")
OPTION_FIELDS = {"arch": "Architectures", "lang": "Languages", "target": "Targets"}


def field_name(option):
    """The deb822 spelling of an option of the one-line format ("signed-by" -> "Signed-By")."""
    return OPTION_FIELDS.get(option, "-".join(word.capitalize() for word in option.split("-")))


def one_line_stanzas(text):
    for line in text.splitlines():
        match = ONE_LINE.match(line.strip())
        if not match:
            continue
        stanza = {"Types": "deb", "URIs": match["uri"], "Suites": match["suite"], "Components": match["components"].strip()}
        for option in (match["options"] or "").split():
            key, _, value = option.partition("=")
            stanza[field_name(key)] = value.replace(",", " ")
        yield stanza


def deb822_stanzas(text):
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for block in re.split(r"\n\s*\n", "\n".join(lines)):
        stanza, key = {}, None
        for line in block.splitlines():
            if line[:1] in (" ", "\t") and key:
                stanza[key] += "\n" + line
            elif ":" in line:
                key, _, value = line.partition(":")
                stanza[key] = value.strip()
        names = {name.lower(): name for name in stanza}
        if "uris" not in names or stanza.get(names.get("enabled"), "yes").lower() in ("no", "false", "0"):
            continue
        if "deb" not in stanza.get(names.get("types"), "").split():
            continue
        # Field names are case-insensitive; the ones that are changed later get one spelling.
        for plain in ("Types", "URIs", "Suites", "Components"):
            if plain.lower() in names:
                stanza[plain] = stanza.pop(names[plain.lower()])
        yield stanza


def machine_stanzas(etc):
    for path in [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))]:
        if path.is_file():
            yield from one_line_stanzas(path.read_text())
    for path in sorted((etc / "sources.list.d").glob("*.sources")):
        yield from deb822_stanzas(path.read_text())


def main(arguments):
    types = "deb"
    if arguments[:1] == ["--source"]:
        types, arguments = "deb-src", arguments[1:]
    if not arguments or arguments[0].startswith("-"):
        sys.exit(__doc__)
    wanted = dict(argument.partition("=")[::2] for argument in arguments)
    etc = pathlib.Path(os.environ.get("BERTH_APT_ETC", "/etc/apt"))
    printed = set()
    for stanza in machine_stanzas(etc):
        for suite in stanza.get("Suites", "").split():
            # Flat repositories ("./") have no components and are somebody's private packages.
            if suite not in wanted or "main" not in stanza.get("Components", "").split():
                continue
            chosen = {**stanza, "Types": types, "Suites": wanted[suite] or suite}
            text = "".join(f"{key}: {value}\n" for key, value in chosen.items())
            if text not in printed:
                printed.add(text)
                print(text)
    if not printed:
        sys.exit(f"apt_sources: error: no source for {', '.join(wanted)} in {etc}; add the distribution's to sources.list.d")


main(sys.argv[1:])
