"""Torture: files cut off anywhere, with flipped bits, with holes, between good ones, through the real engine faster than
time. Whatever they are, no decoder notices, what follows them is right to the frame, and evidence names the reason.

RETROVUE_TEST_TORTURE: how many damaged files of each clip (2). RV_SAMPLE_CLIPS: a folder whose files are damaged too
(./check has one). RETROVUE_TEST_SEED: the damage's seed; printed. RETROVUE_TEST_STALL: so many milliseconds the reader
of the stream may have to wait for bytes while such files are played in real time, for RETROVUE_TEST_STALL_S seconds
(60); not looked at without it, for the machine must be quiet."""

import os
import random
import re

import replayed
import support

EACH = int(os.environ.get("RETROVUE_TEST_TORTURE", "2"))
MEDIA = os.environ.get("RV_SAMPLE_CLIPS")
SEED = int(os.environ.get("RETROVUE_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
HOUSE = (30_000, 1001)
STALL_MS = int(os.environ.get("RETROVUE_TEST_STALL", "0"))
PAIR_MS = 850  # of a damaged file and a good one, on average
STALL_S = int(os.environ.get("RETROVUE_TEST_STALL_S", "60"))
BLOCK_SEGMENTS = 20
BATCH = 60  # damaged files at once
LARGEST = 32 << 20
STATUSES = {"AIRED", "SHORT", "SKIPPED", "SUBSTITUTED", "ERROR"}


def cut_off(chance, data):
    return data[:chance.randrange(0, len(data))]


def flip_bits(chance, data):
    data = bytearray(data)
    for _ in range(chance.choice([1, 10, 100])):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def punch_holes(chance, data):
    """As a disk that lost blocks."""
    data = bytearray(data)
    for _ in range(chance.choice([1, 4])):
        at = chance.randrange(len(data))
        data[at:at + 4096] = bytes(len(data[at:at + 4096]))
    return bytes(data)


def leave_out(chance, data):
    at = chance.randrange(len(data))
    return data[:at] + data[at + chance.randrange(1, 65_536):]


DAMAGES = [cut_off, flip_bits, punch_holes, leave_out]


def read(path):
    with open(path, "rb") as file:
        return file.read(LARGEST)


def files_below(folder):
    return [os.path.join(root, name) for root, _, names in sorted(os.walk(folder)) for name in sorted(names)]


class Torture(support.Case):
    def setUp(self):
        super().setUp()
        print(f"seed {SEED}", flush=True)
        self.chance = random.Random(SEED)
        self.known = {path: material for path, (material, _) in replayed.known_clips().items()}

    def damaged(self, path, number):
        """A new file: the damage's name, and the extension that it had."""
        damage = DAMAGES[number % len(DAMAGES)]
        made = os.path.join(self.folder, f"{number}-{damage.__name__}-{os.path.basename(path)}")
        with open(made, "wb") as file:
            file.write(damage(self.chance, read(path)))
        return made

    def segments(self, bad):
        """Each bad file, from its beginning or its middle, and a good clip behind it."""
        chance, good = self.chance, [path for path, material in self.known.items() if material.times[-1] > 4]
        segments = []
        for number, path in enumerate(bad):
            offset_ms = chance.choice([0, 0, chance.randrange(0, 6000)])
            segments.append(replayed.segment(chance, f"bad-{number}", path, chance.randrange(200, 900),
                                             asset_start_offset_ms=offset_ms))
            segments.append(replayed.segment(chance, f"good-{number}", chance.choice(good), 300,
                                             asset_start_offset_ms=chance.randrange(0, 3000)))
        return segments

    def play(self, bad):
        segments = self.segments(bad)
        played = replayed.Replayed(self.folder, replayed.blocks_of(segments, BLOCK_SEGMENTS), HOUSE, self.known)
        faults = played.faults(lambda turn: turn.path in self.known)
        self.assertFalse(faults, "\n".join([f"{len(faults)} faults, {bad}:"] + faults[:30]))
        ended = played.ended()
        self.assertEqual(len(ended), len(segments))
        for turn in played.session.turns:
            line = ended[turn.event_id]
            self.assertIn(line["status"], STATUSES, line)
            self.assertEqual(line["status"] == "AIRED", line["fallback_frames"] == 0 and turn.frames > 0, line)
            self.assertEqual(line["reason"] == "", line["status"] == "AIRED", line)
        said = sorted({line["reason"] for line in ended.values()})
        print(f"{len(bad)} damaged files, {len(played.seen)} pictures, reasons {said}", flush=True)

    def all_damaged(self, paths):
        self.assertTrue(paths)
        bad = [self.damaged(path, index * EACH + number) for index, path in enumerate(paths)
               for number in range(EACH) if os.path.getsize(path) > 0]
        self.chance.shuffle(bad)
        return bad

    def torture(self, paths):
        bad = self.all_damaged(paths)
        for first in range(0, len(bad), BATCH):
            self.play(bad[first:first + BATCH])

    def test_clips(self):
        self.torture(list(self.known))

    def test_samples(self):
        if MEDIA:
            self.torture(files_below(MEDIA))

    @support.unittest.skipUnless(STALL_MS, "RETROVUE_TEST_STALL is not set")
    def test_bytes_never_stop(self):
        bad = self.all_damaged(list(self.known) + (files_below(MEDIA) if MEDIA else []))
        bad += files_below(os.path.join(replayed.CLIPS, "bad"))
        segments = self.segments([self.chance.choice(bad) for _ in range(STALL_S * 1000 // PAIR_MS)])
        total_ms = sum(segment["duration_ms"] for segment in segments)
        _, said = replayed.play(self.folder, replayed.blocks_of(segments, BLOCK_SEGMENTS), HOUSE,
                                environment={"RV_LOG_LEVEL": "info"}, timeout=2 * STALL_S + 120, mode=["live"])
        largest_ms, at_ms, stalls, reads = map(int, re.search(r"largest (\d+) at (\d+) stalls (\d+) of (\d+)",
                                                              said).groups())
        late_us = re.search(r'"session.lateness".*"p99_us":(\d+),"max_us":(\d+)', said).groups()
        print(f"{len(segments)} segments in {total_ms / 1000:.0f} s: the longest wait for bytes {largest_ms} ms after "
              f"{at_ms} ms, {stalls} of {reads} above 100 ms; ticks late p99 {late_us[0]}, at most {late_us[1]} us; load "
              f"{os.getloadavg()[0]:.1f}", flush=True)
        self.assertLessEqual(largest_ms, STALL_MS)

    def test_broken_clips(self):
        self.play(files_below(os.path.join(replayed.CLIPS, "bad")))


if __name__ == "__main__":
    support.main()
