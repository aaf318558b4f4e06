# SPDX-License-Identifier: GPL-2.0-or-later
"""The scenario language: one line, one step. README.md shows it by example.

    scenario TITLE                  starts one; a file may hold many
    # ...                           a comment

    endpoint NAME MODE [nodst] [nopromisc] [mac ADDR] [mtu N] [list ADDR,...] [down]
                                    adds an endpoint, sets its source list and
                                    sets it up (unless 'down')
    add NAME MODE [nodst] [nopromisc] [mac ADDR] [mtu N]
    del NAME
    set NAME up | down | mac ADDR | mtu N
    set NAME mode MODE [nodst] [nopromisc] [null]
    set NAME list add|del|set|flush [ADDR,...]
    lower up | down | mtu N | mac ADDR
    wire plain | hairpin | mtu N    hairpin: the far end reflects what it gets

    send WHO [from ADDR] to ADDR [tag TPID.TCI]... [type HEX] [size N] [times N]
    with WHO ...                    as 'send', on its way together with the one before
        WHO is an endpoint, 'wire' (a frame arrives) or 'host' (the host sends);
        'times' sends so many at once; 'fragment first|last' makes the frame half of
        an IPv4 datagram

    expect WHO... | nobody          who got the last frame(s), once for each copy;
    expect WHO... then WHO...       after 'then': who got what the wire reflected
    expect ok | ERRNO               what became of the last change
"""

import dataclasses

from frame import ETH_P_TEST, NAME, Frame, address

MODES = ("private", "vepa", "bridge", "passthru", "source")
FLAGS = ("nodst", "nopromisc", "null")


class BadScenario(Exception):
    """A line that is not in the language; the text says which and why."""


@dataclasses.dataclass
class Options:
    """What 'add', 'endpoint' and 'set NAME mode' may say about an endpoint."""

    flags: tuple = ()
    mac: str = ""
    mtu: int = 0
    sources: tuple = None
    down: bool = False


@dataclasses.dataclass
class Step:
    """One line. 'line' is its text, the rest what it says."""

    line: str
    verb: str
    name: str = ""
    what: str = ""  # of a 'set', 'lower' or 'wire': which property
    value: object = None  # its value; of 'add', 'endpoint': the mode
    options: Options = None
    sends: list = dataclasses.field(default_factory=list)  # (who, Frame)
    expect: object = None  # (arrivals, reflected) as sorted lists, or a verdict

    def frames(self, number):
        """Who sends which bytes; 'number' frames came before."""
        for who, frame in self.sends:
            for _ in range(frame.times):
                number += 1
                yield who, frame.data(number)

    def list_step(self):
        """The 'set NAME list set' that is part of an 'endpoint'."""
        return Step(self.line, "set", self.name, "list", ("set", self.options.sources))


@dataclasses.dataclass
class Scenario:
    title: str
    steps: list

    def text(self, expect=True):
        lines = [f"scenario {self.title}"]
        for step in self.steps:
            lines += step.line.split("\n")
        return "\n".join(l for l in lines if expect or not l.startswith("expect")) + "\n"

    def without(self, at):
        """Scenarios that lack the step, or one frame of it."""
        step = self.steps[at]
        lines = step.line.split("\n")
        changed = [[]]
        for i in range(len(step.sends) if len(step.sends) > 1 else 0):
            sends = step.sends[:i] + step.sends[i + 1 :]
            line = "\n".join(lines[:i] + lines[i + 1 :]).replace("with", "send", i == 0)
            changed.append([dataclasses.replace(step, sends=sends, line=line)])
        for steps in changed:
            yield Scenario(self.title, self.steps[:at] + steps + self.steps[at + 1 :])


def words_of(line):
    return line.split("#")[0].split()


def take_options(words, allowed):
    options = Options(flags=())
    while words:
        word = words.pop(0)
        if word not in allowed:
            raise BadScenario(f"'{word}' is not one of {', '.join(allowed)}")
        if word in FLAGS:
            options.flags += (word,)
        elif word == "mac":
            options.mac = words.pop(0)
            address(options.mac)
        elif word == "mtu":
            options.mtu = int(words.pop(0))
        elif word == "list":
            options.sources = take_addresses(words)
        elif word == "down":
            options.down = True
    return options


def take_addresses(words):
    found = tuple(w for w in words.pop(0).split(",") if w) if words else ()
    for word in found:
        address(word)
    return found


def take_mode(words):
    mode = words.pop(0)
    if mode not in MODES:
        raise BadScenario(f"'{mode}' is no mode")
    return mode


def take_name(words):
    if not NAME.fullmatch(words[0]):
        raise BadScenario(f"'{words[0]}' is no name for an endpoint")
    return words.pop(0)


def parse_send(words):
    who = words.pop(0) if words[0] in ("wire", "host") else take_name(words)
    frame = Frame({"wire": "x1"}.get(who, who), "")
    tags = []
    while words:
        word = words.pop(0)
        if word in ("from", "to"):
            address(words[0])
            setattr(frame, "source" if word == "from" else "destination", words.pop(0))
        elif word == "tag":
            tpid, tci = words.pop(0).split(".")
            tags.append((int(tpid, 16), int(tci)))
        elif word == "type":
            frame.ethertype = int(words.pop(0), 16)
        elif word in ("size", "times"):
            setattr(frame, word, int(words.pop(0)))
        elif word == "fragment":
            frame.fragment = words.pop(0)
        else:
            raise BadScenario(f"'{word}' says nothing about a frame")
    if not frame.destination:
        raise BadScenario("a frame needs a 'to ADDR'")
    frame.tags = tuple(tags)
    return who, frame


def parse_set(step, words):
    step.name = take_name(words)
    step.what = words.pop(0)
    if step.what in ("up", "down"):
        pass
    elif step.what == "mac":
        step.value = words.pop(0)
        address(step.value)
    elif step.what == "mtu":
        step.value = int(words.pop(0))
    elif step.what == "mode":
        step.value = take_mode(words)
        step.options = take_options(words, FLAGS)
    elif step.what == "list":
        step.value = (words.pop(0), take_addresses(words))
    else:
        raise BadScenario(f"an endpoint has no '{step.what}' to set")


def parse_surroundings(step, words):
    properties = {"lower": ("up", "down", "mtu", "mac"), "wire": ("plain", "hairpin", "mtu")}
    step.what = words.pop(0)
    if step.what not in properties[step.verb]:
        raise BadScenario(f"the {step.verb} has no '{step.what}' to set")
    if step.what == "mtu":
        step.value = int(words.pop(0))
    elif step.what == "mac":
        step.value = words.pop(0)
        address(step.value)


def parse_expect(words):
    if words == ["ok"] or (len(words) == 1 and len(words[0]) > 3 and words[0].startswith("E")):
        return words[0]
    if words == ["nobody"]:
        words = []
    cut = words.index("then") if "then" in words else len(words)
    return sorted(words[:cut]), sorted(words[cut + 1 :])


def parse_step(line):
    words = words_of(line)
    step = Step(line.strip(), words.pop(0))
    if step.verb == "send":
        step.sends.append(parse_send(words))
    elif step.verb in ("add", "endpoint"):
        step.name, step.value = take_name(words), take_mode(words)
        step.options = take_options(words, FLAGS[:2] + ("mac", "mtu") +
                                    (("list", "down") if step.verb == "endpoint" else ()))
    elif step.verb == "del":
        step.name = take_name(words)
    elif step.verb == "set":
        parse_set(step, words)
    elif step.verb in ("lower", "wire"):
        parse_surroundings(step, words)
    else:
        raise BadScenario(f"'{step.verb}' is no step")
    if words:
        raise BadScenario(f"nothing may follow before '{' '.join(words)}'")
    return step


def add_line(steps, line):
    words = words_of(line)
    if words[0] in ("with", "expect") and not steps:
        raise BadScenario(f"'{words[0]}' needs a step before it")
    if words[0] == "with":
        if steps[-1].verb != "send":
            raise BadScenario("'with' goes with a 'send'")
        steps[-1].sends.append(parse_send(words[1:]))
        steps[-1].line += "\n" + line.strip()
    elif words[0] == "expect":
        steps[-1].expect = parse_expect(words[1:])
        steps[-1].line += "\n" + line.strip()
    else:
        steps.append(parse_step(line))


def parse(text, where="scenario"):
    """The scenarios of a text."""
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        words = words_of(line)
        if not words:
            continue
        if words[0] == "scenario":
            found.append(Scenario(line.strip()[len("scenario") :].strip(), []))
            continue
        try:
            if not found:
                raise BadScenario("a text begins with 'scenario TITLE'")
            add_line(found[-1].steps, line)
        except (BadScenario, ValueError, IndexError) as problem:
            raise BadScenario(f"{where}:{number}: '{line.strip()}': {problem}") from problem
    return found
