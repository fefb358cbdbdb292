"""The seam matrix's other half: real files, from anywhere in them and into every house rate, between clips whose pictures
say which they are. The neighbours are right to the frame, no decoder notices a seam, and each picture of a real file is
the one that the mapping rule (contracts/producer.md) takes from what ffmpeg makes of the file from its beginning.

RV_SAMPLE_CLIPS: the folder of real files (./check has one). RETROVUE_TEST_CORPUS: how many segments of them (6), "all"
for three of each. RETROVUE_TEST_SEED: printed."""

import collections
import json
import os
import random
import subprocess
from fractions import Fraction

import replayed
import support
import truth

MEDIA = os.environ.get("RV_SAMPLE_CLIPS")
HOW_MANY = os.environ.get("RETROVUE_TEST_CORPUS", "6")
SEED = int(os.environ.get("RETROVUE_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
HOUSES = [(24_000, 1001), (24, 1), (25, 1), (30_000, 1001), (30, 1), (50, 1), (60_000, 1001), (60, 1)]
BLOCK_SEGMENTS = 20
WIDTH, HEIGHT = 64, 36  # pictures are compared in this size
SIZE = WIDTH * HEIGHT
AROUND = 2  # frames to either side that a picture might be taken for
SLACK = 1.25, 2.0  # how much worse than another a picture may match: coding, and scaling of their own
EARLY_SOUND_S = Fraction(1, 10)
SNAP_S = Fraction(2, 1000)
MATCHED = 0.97  # of a file's pictures, at least: where one is damaged decoders differ
LONGEST_S = 12

# times: Fraction seconds of each picture after asset time 0, one more for the end; data: the pictures, in gray
Film = collections.namedtuple("Film", "path times data")


def pictures(path, more=()):
    """In the order shown, scaled into the middle as the house has them, then to the size of comparison."""
    fit = (f"scale={replayed.WIDTH}:{replayed.HEIGHT}:force_original_aspect_ratio=decrease:force_divisible_by=2,"
           f"pad={replayed.WIDTH}:{replayed.HEIGHT}:-1:-1,setsar=1,") if more else ""
    decoder = ["ffmpeg", "-nostdin", "-v", "quiet", "-i", path, *more, "-map", "0:v:0", "-fps_mode", "passthrough",
               "-vf", f"{fit}scale={WIDTH}:{HEIGHT}:flags=area", "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    return subprocess.run(decoder, stdout=subprocess.PIPE, check=False, timeout=250).stdout


def probe(path, *what):
    said = subprocess.run(["ffprobe", "-v", "quiet", "-of", "json", *what, path], stdout=subprocess.PIPE, check=False,
                          timeout=250).stdout
    return json.loads(said or b"{}")


def nominal_rate(stream):
    """The container's rate, taken to n or n * 1000 / 1001."""
    rate = Fraction(stream["avg_frame_rate"] if stream["avg_frame_rate"] != "0/0" else stream["r_frame_rate"])
    if stream["r_frame_rate"] not in ("0/0", stream["avg_frame_rate"]):
        rate = Fraction(stream["r_frame_rate"])
    for exact in (Fraction(nearest(rate)), Fraction(nearest(rate * Fraction(1001, 1000)) * 1000, 1001)):
        if exact and abs(rate / exact - 1) < Fraction(2, 100_000):
            return exact
    return rate


def nearest(number):
    return int(truth.nearest(number))


def film_of(path):
    """None: it has no pictures, or what is known of their times does not fit them."""
    about = probe(path, "-show_entries", "stream=codec_type,avg_frame_rate,r_frame_rate,time_base:format=format_name",
                  "-show_entries", "stream_disposition=attached_pic")
    video = [one for one in about.get("streams", []) if one["codec_type"] == "video"
             and not one["disposition"]["attached_pic"]]
    if not video or about["format"]["format_name"] in ("avi", "ogg"):  # stamps that say something else
        return None
    frames = probe(path, "-select_streams", "v:0", "-read_intervals", f"%+{LONGEST_S}", "-show_entries",
                   "frame=best_effort_timestamp,pkt_duration")["frames"]
    data = pictures(path, ("-t", str(LONGEST_S)))
    base = Fraction(video[0]["time_base"])
    stamps = [frame.get("best_effort_timestamp") for frame in frames][:len(data) // SIZE]
    if len(stamps) < 2 or None in stamps or any(b <= a for a, b in zip(stamps, stamps[1:])):
        return None
    rate = nominal_rate(video[0])
    times = [on_grid((stamp - stamps[0]) * base, rate, min(base, SNAP_S)) for stamp in stamps]
    packets = probe(path, "-select_streams", "a:0", "-read_intervals", "%+#1", "-show_entries",
                    "packet=pts_time").get("packets", [])
    early = stamps[0] * base - Fraction(packets[0]["pts_time"]) if packets and "pts_time" in packets[0] else 0
    if early > EARLY_SOUND_S:
        return None
    last = Fraction(frames[len(stamps) - 1].get("pkt_duration") or 0) * base or 1 / rate
    return Film(path, times + [times[-1] + last], data)


def on_grid(time, rate, slack):
    number = nearest(time * rate)
    return number / rate if abs(time - number / rate) <= slack else time


def unlikeness(a, b):
    return sum((x - y) * (x - y) for x, y in zip(a, b)) / SIZE


class Seen:
    """A captured stream's pictures by tick."""

    def __init__(self, played):
        data = pictures(played.path)
        ticks = [truth.tick_of(pts, played.rate) for pts in played.stream.video]
        self.by_tick = {tick: data[i * SIZE:(i + 1) * SIZE] for i, tick in enumerate(ticks)}


def is_match(film, number, seen):
    """Of the pictures around, none is clearly more like the one seen."""
    def at(i):
        return film.data[i * SIZE:(i + 1) * SIZE]
    own = unlikeness(at(number), seen)
    around = range(max(0, number - AROUND), min(len(film.times) - 1, number + AROUND + 1))
    return own <= SLACK[0] * min(unlikeness(at(i), seen) for i in around) + SLACK[1]


class CorpusSeams(support.Case):
    def segments(self, chance, films, known):
        good = [path for path, material in known.items() if material.times[-1] > 4]
        for number, film in enumerate(films):
            length_ms = int(film.times[-1] * 1000)
            duration_ms = chance.randrange(60, 700)
            yield replayed.segment(chance, f"real-{number}", film.path, duration_ms,
                                   asset_start_offset_ms=chance.randrange(0, max(1, length_ms - duration_ms // 2)))
            yield replayed.segment(chance, f"good-{number}", chance.choice(good), chance.randrange(60, 300),
                                   asset_start_offset_ms=chance.randrange(0, 3000))

    def check_film(self, turn, film, seen, tally):
        """Where the pictures of one segment are not those of its file."""
        firsts = [nearest((time - turn.offset) * turn.rate) for time in film.times]
        for tick in range(turn.first, turn.end):
            k = tick - turn.first
            if k >= firsts[-1] and len(film.data) // SIZE == len(film.times) - 1:
                continue  # black, or what a coded end still has
            shown = max((i for i, first in enumerate(firsts[:-1]) if first <= k), default=0)
            tally[film.path][0] += 1
            if not is_match(film, shown, seen.by_tick[tick]):
                tally[film.path][1].append(f"{turn} at {k}: not picture {shown}")

    def play(self, house, films, tally):
        chance = random.Random(SEED + HOUSES.index(house))
        known = {path: material for path, (material, _) in replayed.known_clips().items()}
        segments = list(self.segments(chance, films, known))
        played = replayed.Replayed(self.folder, replayed.blocks_of(segments, BLOCK_SEGMENTS), house, known)
        faults = played.faults(lambda turn: turn.path in known)
        self.assertFalse(faults, "\n".join([f"{len(faults)} faults:"] + faults[:20]))
        ended, seen, late = played.ended(), Seen(played), 0
        for turn in played.session.turns:
            film = next((one for one in films if one.path == turn.path), None)
            if film and ended[turn.event_id]["status"] in ("AIRED", "SHORT"):
                self.check_film(turn, film, seen, tally)
            late += film is not None and ended[turn.event_id]["status"] not in ("AIRED", "SHORT", "SKIPPED")
        print(f"{played.rate}: {len(segments)} seams, {len(played.seen)} pictures, {late} not made in time", flush=True)
        os.remove(played.path)
        self.assertLessEqual(late, len(films) // 10)

    @support.unittest.skipUnless(MEDIA, "RV_SAMPLE_CLIPS names no folder")
    def test_real_files_between_clips(self):
        print(f"seed {SEED}", flush=True)
        chance = random.Random(SEED)
        paths = sorted(os.path.join(root, name) for root, _, names in os.walk(MEDIA) for name in names)
        if HOW_MANY != "all":
            chance.shuffle(paths)
            paths = paths[:int(HOW_MANY)]
        films = list(filter(None, map(film_of, paths)))
        self.assertTrue(films)
        drawn = films * 3 if HOW_MANY == "all" else films
        chance.shuffle(drawn)
        tally = {film.path: [0, []] for film in films}
        for number, house in enumerate(HOUSES):
            row = drawn[number::len(HOUSES)]
            if row:
                with self.subTest(house=house, seed=SEED):
                    self.play(house, row, tally)
        looked = sum(count for count, _ in tally.values())
        print(f"{len(films)} films of {len(paths)} files, {looked} pictures compared, "
              f"{sum(len(wrong) for _, wrong in tally.values())} unlike", flush=True)
        for path, (count, wrong) in tally.items():
            with self.subTest(path=path, seed=SEED):
                self.assertLessEqual(len(wrong), (1 - MATCHED) * count, "\n".join(wrong[:10]))


if __name__ == "__main__":
    support.main()
