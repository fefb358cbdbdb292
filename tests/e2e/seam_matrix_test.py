"""Seam matrix: random plans over every input rate, through the real engine into every house rate, faster than time.
Every picture, the sound at every seam, every time stamp and every line of evidence is what the plan calls for.

RETROVUE_TEST_SEAMS: how many seams in all (240). RETROVUE_TEST_SEED: the random plans' seed; printed."""

import os
import random
from fractions import Fraction

import replayed
import support
import truth

SEAMS = int(os.environ.get("RETROVUE_TEST_SEAMS", "240"))
SEED = int(os.environ.get("RETROVUE_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
HOUSES = [(24_000, 1001), (24, 1), (25, 1), (30_000, 1001), (30, 1), (50, 1), (60_000, 1001), (60, 1)]
BLOCK_SEAMS = 20
SKEW_LIMIT_US = 20_000
SENSITIVE_FRAMES = 15  # at 60 a second the slowest clip changes within so many
SOUND_S = Fraction(1, 5)  # from the probe on, there must be so much of a clip to compare
# Of no constant rate, made from another clip: file, of which clip, pictures a second, which of its pictures.
VARIABLE = [("vfr.mkv", "r50.mp4", 50, lambda n: n < 200 or n % 2 == 0),
            ("vfr.mp4", "r30.mkv", 30, lambda n: n % 7 != 3 and n % 11 != 5)]


def known_clips():
    """path -> (Material, width / height)."""
    found = replayed.known_clips()
    for name, of, rate, kept in VARIABLE:
        base, shape = found[os.path.join(replayed.CLIPS, of)]
        numbers = [n for n in base.numbers if kept(n)]
        times = [Fraction(n, rate) for n in numbers] + [Fraction(numbers[-1] + 1, rate)]
        path = os.path.join(replayed.CLIPS, name)
        found[path] = truth.Material(base.ident, path, times, numbers, sounds=False), shape
    return found


class Planner:
    """Draws segments: mostly short ones of any clip from anywhere in it, some that outlast their material, pads."""

    def __init__(self, chance, known):
        self.chance, self.known = chance, known

    def segment(self, name):
        chance = self.chance
        duration_ms = chance.choice([chance.randrange(1, 60), chance.randrange(60, 700), chance.randrange(300, 1600)])
        if chance.random() < 0.08:
            return replayed.segment(chance, name, duration_ms=duration_ms)
        material, shape = chance.choice(list(self.known.values()))
        length_ms = int(material.times[-1] * 1000)
        last_ms = length_ms - duration_ms - 100
        if material.sounds and chance.random() < 0.1:
            last_ms = length_ms  # its end is on the air
        more = {"asset_start_offset_ms": chance.randrange(0, max(1, last_ms)) if chance.random() < 0.85 else 0}
        wide = abs(shape - Fraction(16, 9)) < Fraction(1, 50)  # the reader's bands reach the sides
        if wide and chance.random() < 0.15 and duration_ms > 400:
            more[chance.choice(["fade_in_ms", "fade_out_ms"])] = chance.randrange(100, 400)
        return replayed.segment(chance, name, material.path, duration_ms, **more)

    def segments(self, count):
        return [self.segment(str(number)) for number in range(count)]


class SeamMatrix(support.Case):
    def test_every_input_into_every_house(self):
        print(f"seed {SEED}", flush=True)
        known = known_clips()
        for number, house in enumerate(HOUSES):
            with self.subTest(house=house, seed=SEED):
                segments = Planner(random.Random(SEED + number), known).segments(SEAMS // len(HOUSES))
                materials = {path: material for path, (material, _) in known.items()}
                played = replayed.Replayed(self.folder, replayed.blocks_of(segments, BLOCK_SEAMS), house, materials)
                self.check_pictures(played)
                self.check_sound(played)
                self.check_evidence(played)
                os.remove(played.path)

    def check_pictures(self, played):
        faults = played.faults()
        self.assertFalse(faults, "\n".join([f"{len(faults)} faults in {len(played.seen)} pictures:"] + faults[:30]))
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
        self.assertGreater(len(turns), len(played.session.turns) / 10)
        worst = max(abs(lag) for lag, _ in heard)
        print(f"{played.rate}: {len(played.session.turns)} seams, {len(played.seen)} pictures, {len(turns)} sounds, "
              f"worst lag {worst:.0f} us", flush=True)

    def check_evidence(self, played):
        ended = played.ended()
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
