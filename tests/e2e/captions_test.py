"""Captions: clips of every rate that carry CEA-608 and CEA-708 captions, played by the real engine into every house
rate faster than time. What the pictures of the stream carry is read here, bit by bit; what viewers read of it is
FFmpeg's word."""

import os
import random
import re
import subprocess
from fractions import Fraction

import replayed
import support
import truth
import ts

CAPTION_CLIP = os.environ["RV_CAPTION_CLIP"]
RATES = [(24_000, 1001), (24, 1), (25, 1), (30_000, 1001), (30, 1), (50, 1), (60_000, 1001), (60, 1)]
COUNTS = [25, 25, 24, 20, 20, 12, 10, 10]  # triplets a picture: CEA-708-E, ATSC A/53
SHOW_MS, PAD_MS = 2600, 400  # the last caption is still on the screen when its clip is cut off
CLIP_S = 3
NULL = (0x80, 0x80)
SRT = re.compile(r"(\d+):(\d+):(\d+),(\d+) --> (\d+):(\d+):(\d+),(\d+)\n(.*?)\n\n", re.DOTALL)
EARLY_S, LATE_S = 0.1, 0.5  # commands wait for their repetition, and all for erasures and for slower pairs


def odd(*octets):
    return tuple(octet | (0x80 if octet.bit_count() % 2 == 0 else 0) for octet in octets)


def letters(text):
    text += "\0" * (len(text) % 2)
    return [odd(ord(a), ord(b)) for a, b in zip(text[::2], text[1::2])]


def command(field, code, channel=0):
    return [odd(0x14 | field | channel << 3, code)] * 2


def erasure(field):
    return command(field, 0x2C) + command(field, 0x2E)


def pop_on(field, text):
    return command(field, 0x20) + command(field, 0x2E) + command(field, 0x70) + letters(text) + command(field, 0x2F)


def roll_up(field, text):
    return command(field, 0x25) + command(field, 0x2D) + command(field, 0x70) + letters(text)


def packet(sequence, text):
    """A service block of service 1 that writes text."""
    body = bytes([1 << 5 | len(text)]) + text.encode()
    body += b"\0" * (1 - len(body) % 2)
    return bytes([sequence % 4 << 6 | (len(body) + 1) // 2]) + body


class Script:
    """What a clip carries: pairs of both fields, packets, and the picture that each begins in."""

    def __init__(self, rate, codec, name):
        self.rate, self.codec, self.name = Fraction(*rate), codec, name
        silence = [NULL] * 8
        self.pairs = [
            command(0, 0x2C) + silence + pop_on(0, "HELLO " + name) + silence + command(0, 0x2C) + silence +
            pop_on(0, "BYE " + name),
            silence + roll_up(1, "ROLL" + name) + silence + [odd(0x01, 0x03), odd(ord("X"), ord("D")), odd(0x0F, 0x1D)]]
        self.packets = [packet(i, f"{name} {'x' * (i % 9)}") for i in range(12)]

    def triplets(self):
        """For each picture."""
        fast, bytes_left = self.rate > 40, b"".join(self.packets)
        pairs, left_of_packet = [list(field) for field in self.pairs], 0
        for picture in range(int(self.rate * CLIP_S)):
            found = b""
            for field in (0, 1):
                if not fast or picture % 2 == field:
                    found += bytes([0xFC | field]) + bytes(pairs[field].pop(0) if pairs[field] else NULL)
            for _ in range(2):
                if bytes_left:
                    starts = left_of_packet == 0
                    left_of_packet = (bytes_left[0] & 63) * 2 if starts else left_of_packet
                    found += bytes([0xFE | starts]) + bytes_left[:2]
                    bytes_left, left_of_packet = bytes_left[2:], left_of_packet - 2
            yield found + b"\xfa\0\0" * 3

    def make(self, folder):
        self.path = os.path.join(folder, f"{self.name}.{'mpg' if self.codec == 'mpeg2video' else 'mp4'}")
        lines = "".join(f"{i} {triplets.hex()}\n" for i, triplets in enumerate(self.triplets()))
        rate = f"{self.rate.numerator}/{self.rate.denominator}"
        subprocess.run([CAPTION_CLIP, self.path, self.codec, rate, str(int(self.rate * CLIP_S))], check=True,
                       input=lines, text=True, timeout=60)

    def shown_s(self, number):
        """When the first channel's caption of this number comes on the screen, from the clip's beginning."""
        shows = [i for i, pair in enumerate(self.pairs[0]) if pair == odd(0x14, 0x2F)]
        return shows[2 * number] * (2 if self.rate > 40 else 1) / self.rate

    def sent(self, field):
        return [pair for pair in self.pairs[field] if pair != NULL]


def read(pictures):
    """Of pictures: pairs of the two fields, without nulls, and the packets."""
    pairs, packets = [[], []], []
    for picture in pictures:
        for data in picture.captions:
            for kind, *octets in zip(data[::3], data[1::3], data[2::3]):
                if not kind & 4:
                    continue
                if kind & 3 < 2:
                    pairs[kind & 1].append(tuple(octets))
                elif kind & 1:
                    packets.append(bytes(octets))
                else:
                    packets[-1] += bytes(octets)
    return [[pair for pair in field if pair != NULL] for field in pairs], packets


def read_texts(path):
    """(from, to, text) of what FFmpeg's decoder shows of the first channel."""
    told = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", f"movie={path}[out0+subcc]", "-map",
                           "0:s", "-f", "srt", "-"], check=True, stdout=subprocess.PIPE, timeout=120, text=True).stdout
    for match in SRT.finditer(told):
        t = [int(number) for number in match.groups()[:8]]
        yield ((t[0] * 60 + t[1]) * 60 + t[2] + t[3] / 1000, (t[4] * 60 + t[5]) * 60 + t[6] + t[7] / 1000,
               re.sub(r"<.*?>|\{.*?\}", "", match.group(9)).strip())


class Captions(support.Case):
    def setUp(self):
        super().setUp()
        self.scripts = []
        for number, rate in enumerate(RATES):
            codec = "mpeg2video" if rate in ((30_000, 1001), (25, 1)) else "libx264"
            self.scripts.append(Script(rate, codec, f"r{number}"))
            self.scripts[-1].make(self.folder)

    def blocks(self):
        """Every second clip is followed by another one at once, the others by a pad."""
        chance, segments = random.Random(1), []
        for number, script in enumerate(self.scripts):
            segments.append(replayed.segment(chance, script.name, script.path, SHOW_MS))
            if number % 2:
                segments.append(replayed.segment(chance, f"pad{number}", duration_ms=PAD_MS))
        return replayed.blocks_of(segments, 4)

    def test_every_rate_into_every_house(self):
        for house, count in zip(RATES, COUNTS):
            with self.subTest(house=house):
                blocks = self.blocks()
                path, _ = replayed.play(self.folder, blocks, house)
                with open(path, "rb") as file:
                    stream = ts.Stream(file.read())
                session = truth.Session(blocks, Fraction(*house), blocks[0]["start_utc_ms"], {})
                self.check_turns(stream, session, count)
                self.check_texts(path, session)

    def check_turns(self, stream, session, count):
        scripts = {script.name: script for script in self.scripts}
        before, number = None, 0
        for turn in session.turns:
            script = scripts.get(turn.event_id)
            pictures = stream.pictures[turn.first:turn.end]
            self.assertEqual(len(pictures), turn.end - turn.first)
            self.check_counts(pictures, count, captioned=script is not None)
            pairs, packets = read(pictures)
            for field in (0, 1):
                expected = (erasure(field) if before else []) + (script.sent(field) if script else [])
                self.assertEqual(pairs[field], expected, f"field {field + 1} of {turn.event_id} after {before}")
            expected = ([bytes([3, 1 << 5 | 3, 0x8C, 0xFF, 0x8F, 0])] if before else []) + \
                ([bytes([one[0] & 63]) + one[1:] for one in script.packets] if script else [])
            self.assertEqual([bytes([one[0] & 63]) + one[1:] for one in packets], expected, turn.event_id)
            self.assertEqual([one[0] >> 6 for one in packets], [(number + i) % 4 for i in range(len(packets))])
            before, number = script and script.name, number + len(packets)

    def check_counts(self, pictures, count, captioned):
        sizes = [[len(data) for data in picture.captions] for picture in pictures]
        first = next((i for i, found in enumerate(sizes) if found), len(sizes))
        self.assertLess(first, 3 if captioned else 1)
        end = len(sizes) if captioned else next(i for i, found in enumerate(sizes) if not found)
        self.assertEqual(sizes[first:end], [[3 * count]] * (end - first))
        self.assertEqual(sizes[end:], [[]] * (len(sizes) - end))  # nothing is said where there are no captions

    def check_texts(self, path, session):
        found = list(read_texts(path))
        self.assertEqual([text for _, _, text in found], [f"{word} {script.name}" for script in self.scripts
                                                          for word in ("HELLO", "BYE")])
        turns = {turn.event_id: turn for turn in session.turns}
        due = [(script.shown_s(i) + turns[script.name].first / session.rate, turns[script.name].end / session.rate)
               for script in self.scripts for i in (0, 1)]
        for (begin, end, text), (begin_due, end_due) in zip(found, due):
            self.assertTrue(-EARLY_S < begin - begin_due < LATE_S, f"{text}: from {begin}, not {float(begin_due)}")
            self.assertLess(end, end_due + LATE_S, text)


if __name__ == "__main__":
    support.main()
