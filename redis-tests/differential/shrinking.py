"""A mismatch made as short as it can be: fewer packets, fewer commands, fewer and shorter words."""

MAX_RUNS = 600


class Shrinker:
    def __init__(self, play):
        """play: of an episode, its first mismatch or None."""
        self.play = play
        self.runs_left = MAX_RUNS

    def shrink(self, episode, first):
        """The episode that is left, and its mismatch; None when it does not show again."""
        self.kind = first.kind
        self.episode, self.best = episode, None
        if not self.accept(episode.packets):
            return episode, None
        flat = [(connection, [words]) for connection, commands in episode.packets for words in commands]
        self.accept(flat)  # then pipelining plays no part
        self.remove_packets()
        self.remove_commands()
        self.shorten_words()
        return self.episode, self.best

    def accept(self, packets):
        """Takes these, if they still show the mismatch; what comes behind it is cut off."""
        if self.runs_left <= 0 or not packets:
            return False
        self.runs_left -= 1
        mismatch = self.play(self.episode.with_packets(packets))
        if mismatch is None or mismatch.kind != self.kind:
            return False
        self.episode = self.episode.with_packets(packets[:mismatch.packet + 1])
        self.best = mismatch
        return True

    def remove_packets(self):
        chunk = max(1, len(self.episode.packets) // 2)
        while chunk:
            at = max(0, len(self.episode.packets) - 1 - chunk)  # from the end: what is near the mismatch causes it
            while at >= 0:
                packets = self.episode.packets
                self.accept(packets[:at] + packets[at + chunk:])
                at = at - chunk if at > 0 and at < chunk else at - chunk
            chunk //= 2

    def remove_commands(self):
        for at in range(len(self.episode.packets)):
            place = 0
            while at < len(self.episode.packets) and place < len(self.episode.packets[at][1]) > 1:
                commands = self.episode.packets[at][1]
                if not self.replace(at, commands[:place] + commands[place + 1:]):
                    place += 1

    def shorten_words(self):
        for at in range(len(self.episode.packets)):
            for place in range(len(self.episode.packets[at][1]) if at < len(self.episode.packets) else 0):
                self.shorten_command(at, place)

    def shorten_command(self, at, place):
        word = len(self.episode.packets[at][1][place]) - 1
        while word > 0 and self.runs_left > 0:
            commands = self.episode.packets[at][1]
            words = commands[place]
            for other in ([], [b"v"] if len(words[word]) > 8 else None):
                if other is not None and self.replace(
                        at, commands[:place] + [words[:word] + other + words[word + 1:]] + commands[place + 1:]):
                    break
            word -= 1

    def replace(self, at, commands):
        packets = self.episode.packets
        return self.accept(packets[:at] + [(packets[at][0], commands)] + packets[at + 1:])


def write_words(words):
    """A command as a case file would have it."""
    out = []
    for word in words:
        if len(word) > 100 and len(set(word)) == 1:
            out.append(f"{{{write_word(word[:1]).strip(chr(34))}}}*{len(word)}")
        else:
            out.append(write_word(word))
    return " ".join(out)


def write_word(word):
    if word and all(33 <= b < 127 and b not in b"\"'\\{#" for b in word):
        return word.decode()
    names = {10: "\\n", 13: "\\r", 9: "\\t", 34: '\\"', 92: "\\\\"}
    return '"' + "".join(names.get(b) or (chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in word) + '"'
