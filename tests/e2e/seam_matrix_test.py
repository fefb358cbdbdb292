"""Seam matrix: random plans over every input rate, through the real engine into every house rate, faster than time.
Every picture, the sound at every seam, every time stamp and every line of evidence is what the plan calls for.

RETROVUE_TEST_SEAMS: how many seams in all (480). RETROVUE_TEST_SEED: the random plans' seed; printed."""

import json
import os
import random
import subprocess
import time
import uuid
from fractions import Fraction

import support
import truth
import ts

REPLAY = os.environ["RV_REPLAY"]
CLIPS = os.environ["RV_TEST_CLIPS"]
SEAMS = int(os.environ.get("RETROVUE_TEST_SEAMS", "480"))
SEED = int(os.environ.get("RETROVUE_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
HOUSES = [(24_000, 1001), (24, 1), (25, 1), (30_000, 1001), (30, 1), (50, 1), (60_000, 1001), (60, 1)]
WIDTH, HEIGHT = 256, 144
BLOCK_SEAMS = 20
SKEW_LIMIT_US = 20_000
SENSITIVE_FRAMES = 15  # at 60 a second the slowest clip changes within so many
SOUND_S = Fraction(1, 5)  # from the probe on, there must be so much of a clip to compare
# Of no constant rate, made from another clip: file, of which clip, pictures a second, which of its pictures.
VARIABLE = [("vfr.mkv", 6, 50, lambda n: n < 200 or n % 2 == 0),
            ("vfr.mp4", 5, 30, lambda n: n % 7 != 3 and n % 11 != 5)]


def known_clips():
    """path -> (Material, whether its shape is the house's)."""
    found, frames = {}, {}
    with open(os.path.join(CLIPS, "clips.txt"), encoding="utf-8") as file:
        for line in file:
            ident, name, num, den, count, width, height, rate = line.split()
            frames[int(ident)] = int(count)
            clip = support.Clip(int(num), int(den), int(count), os.path.join(CLIPS, name))
            wide = abs(Fraction(int(width), int(height)) - Fraction(16, 9)) < Fraction(1, 50)
            found[clip.path] = truth.Material.of_constant_rate(int(ident), clip, sounds=int(rate) > 0), wide
    for name, ident, rate, kept in VARIABLE:
        numbers = [n for n in range(frames[ident]) if kept(n)]
        times = [Fraction(n, rate) for n in numbers] + [Fraction(numbers[-1] + 1, rate)]
        path = os.path.join(CLIPS, name)
        found[path] = truth.Material(ident, path, times, numbers, sounds=False), ident == 6
    return found


class Planner:
    """Draws plans: mostly short segments of any clip from anywhere in it, some that outlast their material, pads."""

    def __init__(self, chance, known):
        self.chance, self.known = chance, known

    def segment(self, name):
        chance = self.chance
        segment = {"event_id": name, "segment_uuid": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
                   "title": name, "asset_start_offset_ms": 0, "gain_millibel": 0, "fade_in_ms": 0, "fade_out_ms": 0,
                   "duration_ms": chance.choice([chance.randrange(1, 60), chance.randrange(60, 700),
                                                 chance.randrange(300, 1600)])}
        if chance.random() < 0.08:
            return segment | {"type": "pad", "asset_id": None, "asset_uri": None}
        material, wide = chance.choice(list(self.known.values()))
        length_ms = int(material.times[-1] * 1000)
        last_ms = length_ms - segment["duration_ms"] - 100
        if material.sounds and chance.random() < 0.1:
            last_ms = length_ms  # its end is on the air
        segment["asset_start_offset_ms"] = chance.randrange(0, max(1, last_ms)) if chance.random() < 0.85 else 0
        if wide and chance.random() < 0.15 and segment["duration_ms"] > 400:
            segment[chance.choice(["fade_in_ms", "fade_out_ms"])] = chance.randrange(100, 400)
        asset = str(uuid.UUID(int=material.ident, version=4))
        return segment | {"type": "content", "asset_id": asset, "asset_uri": material.path}

    def blocks(self, seams, epoch_ms):
        blocks, at_ms = [], epoch_ms
        for number in range(max(1, seams // BLOCK_SEAMS)):
            segments = [self.segment(f"{number}-{i}") for i in range(BLOCK_SEAMS)]
            end_ms = at_ms + sum(segment["duration_ms"] for segment in segments)
            blocks.append({"block_id": f"block-{number}", "title": "A programme", "start_utc_ms": at_ms,
                           "end_utc_ms": end_ms, "segments": segments})
            at_ms = end_ms
        return blocks


class Played:
    """A plan's stream and evidence, and what they should be."""

    def __init__(self, folder, house, known, chance, seams):
        self.rate = Fraction(*house)
        out = os.path.join(folder, f"{house[0]}-{house[1]}")
        epoch_ms = time.time_ns() // 1_000_000 - seams * 2_500
        blocks = Planner(chance, known).blocks(seams, epoch_ms)
        with open(out + ".json", "w", encoding="utf-8") as file:
            json.dump({"blocks": blocks}, file)
        self.run = subprocess.run([REPLAY, f"{WIDTH}x{HEIGHT}@{house[0]}/{house[1]}", out + ".json", out],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=280, check=False)
        if self.run.returncode != 0:
            raise AssertionError(self.run.stdout.decode(errors="replace")[-6000:])
        self.path = out + ".ts"
        with open(self.path, "rb") as file:
            self.stream = ts.Stream(file.read())
        with open(out + ".jsonl", encoding="utf-8") as file:
            self.evidence = [json.loads(line) for line in file]
        materials = {path: material for path, (material, _) in known.items()}
        self.session = truth.Session(blocks, self.rate, epoch_ms, materials)
        self.end = self.session.turns[-1].end
        ticks = [truth.tick_of(pts, self.rate) for pts in self.stream.video]
        pictures = truth.read_pictures(self.path, WIDTH, HEIGHT)
        self.seen = {tick: one for tick, one in zip(ticks, pictures) if tick is not None and tick < self.end}


class SeamMatrix(support.Case):
    def test_every_input_into_every_house(self):
        print(f"seed {SEED}", flush=True)
        known = known_clips()
        for number, house in enumerate(HOUSES):
            with self.subTest(house=house, seed=SEED):
                played = Played(self.folder, house, known, random.Random(SEED + number), SEAMS // len(HOUSES))
                self.check_stream(played)
                self.check_pictures(played)
                self.check_sound(played)
                self.check_evidence(played)
                os.remove(played.path)

    def check_stream(self, played):
        self.assertIsNone(support.SANITIZER.search(played.run.stdout.decode(errors="replace")), played.run.stdout)
        self.assertEqual(truth.stream_faults(played.stream, played.rate)[:20], [])
        self.assertEqual(truth.access_faults(played.stream, played.rate, played.session.turns)[:20], [])

    def check_pictures(self, played):
        self.assertEqual(list(played.seen), list(range(played.end)), "every frame, once")
        wrong, stand_ins = played.session.compare(played.seen)
        told = [f"frame {tick}, {tick - turn.first} of {turn} from {turn.offset}: {played.seen[tick]}, not {turn.clip} "
                f"{turn.frame(tick)}" for turn, tick in wrong + stand_ins]
        self.assertFalse(told, "\n".join([f"{len(told)} of {len(played.seen)} pictures are wrong:"] + told[:30]))
        for late in (-1, 1):
            wrong, stand_ins = played.session.compare(played.seen, late)
            told = {turn for turn, _ in wrong + stand_ins}
            for turn in played.session.turns:
                if turn.own_frames >= SENSITIVE_FRAMES and turn.clip is not None:
                    self.assertIn(turn, told, f"{turn} looks right with an expectation that is {late} frame late")

    def check_sound(self, played):
        """At the beginning of what is heard of each clip."""
        turns = [turn for turn in played.session.turns if turn.material and turn.material.sounds and
                 (truth.PROBE_S + SOUND_S) * turn.rate <= turn.own_frames and not turn.fade_in_ms and
                 turn.offset + truth.PROBE_S + SOUND_S < turn.material.times[-1]]
        heard = truth.read_sound(played.path, truth.sound_probes(turns, played.stream.sound[0][0]))
        for turn, (lag_us, correlation) in zip(turns, heard):
            told = f"{turn} of {turn.path} from {turn.offset}"
            self.assertGreater(correlation, 0.5, f"another sound in {told}")
            self.assertLess(abs(lag_us), SKEW_LIMIT_US, f"sound beside the picture in {told}")
        self.assertGreater(len(turns), len(played.session.turns) / 6)
        worst = max(abs(lag) for lag, _ in heard)
        print(f"{played.rate}: {len(played.session.turns)} seams, {len(played.seen)} pictures, {len(turns)} sounds, "
              f"worst lag {worst:.0f} us", flush=True)

    def check_evidence(self, played):
        ended = {line["event_id"]: line for line in played.evidence if line["kind"] == "segment_end"}
        self.assertEqual(len(ended), len(played.session.turns))
        for turn in played.session.turns:
            line, own = ended[turn.event_id], turn.own_frames
            status = "AIRED" if own == turn.frames else "SHORT"
            # Sound coded in blocks lasts a little longer than the pictures.
            longer = -(-1024 * turn.rate // 44_100) if own < turn.frames and turn.material.sounds else 0
            self.assertEqual(line["frames"], turn.frames, line)
            self.assertIn(turn.frames - own - line["fallback_frames"], range(longer + 1), line)
            if line["fallback_frames"] or own == turn.frames:
                self.assertEqual(line["status"], status if turn.frames else "SKIPPED", line)
            if turn.frames:
                self.assertEqual((line["start_tick"], line["end_tick"]), (turn.first, turn.end), line)
        fences = [line["end_tick"] for line in played.evidence if line["kind"] == "block_fence"]
        blocks = {turn.block_id: turn.end for turn in played.session.turns}
        self.assertEqual(fences, list(blocks.values()))


if __name__ == "__main__":
    support.main()
