"""Evidence truth: random plans in which things go wrong, through the real engine. What the engine says of each segment is
what an independent decoder sees of it in the stream: its frames, how many of them were not its own, the first and last
picture of its file, when it began and ended, and what became of it and why.

What goes wrong: a file that is missing, is no film, is cut off, or is another one than planned; one that ends early; a
file server that hangs; a block that comes late, or never. And, in plans that are played in real time: an engine that
gets no processor, so that its encoder is behind; a reader that does not read, or goes and comes back; a slow file
server. RETROVUE_TEST_PLANS: how many plans (2). RETROVUE_TEST_LIVE: how many in real time, ten seconds each (1).
RETROVUE_TEST_STARVED: for so many seconds of one more an engine gets a tenth of a processor (0: it is not played).
RETROVUE_TEST_SEED: printed."""

import os
import random
import subprocess

import replayed
import support
import truth

LIVE_PLANS = int(os.environ.get("RETROVUE_TEST_LIVE", "1"))
STARVED_S = int(os.environ.get("RETROVUE_TEST_STARVED", "0"))
PLANS = int(os.environ.get("RETROVUE_TEST_PLANS", "2"))
SEED = int(os.environ.get("RETROVUE_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
READ_STALL = os.environ["RV_READ_STALL"]
HOUSES = [(24_000, 1001), (24, 1), (25, 1), (30_000, 1001)]
GOOD = ["r2997.mp4", "r50.mp4", "r5994.mkv", "r60.mp4", "silent.mp4", "long.mkv", "r30.mkv"]  # a picture for each tick
CUT = ["r2997.mp4", "r5994.mkv", "r30.mkv", "silent.mp4", "r60.mp4"]
BLOCK_SEGMENTS = 5
SEGMENTS = 30
LIVE_SEGMENTS, LIVE_BLOCKS = 12, 3  # all of them are fed at the start
STARVED_CYCLE_MS, STARVED_STOP_MS = 200, 180
CUT_SLACK = 3  # frames of a cut file's end: half of a picture is one for one decoder and none for another
NO_FILE, OK = {"NOT_FOUND", "NOT_A_FILE", "OPEN_FAILED", "NO_STREAMS", "NO_DECODER", "DECODE_FAILED"}, {""}


class Plan:
    """Segments with what is wrong with them."""

    encoder_may_be_behind = False

    def __init__(self, folder, seed):
        self.folder, self.chance = folder, random.Random(seed)
        self.known = {path: material for path, (material, _) in replayed.known_clips().items()}
        self.house = self.chance.choice([house for house in HOUSES])
        self.faulty, self.cut, self.stalled = set(), set(), None
        segments = [self.segment(number) for number in range(SEGMENTS)]
        if self.chance.random() < 0.3:
            self.stall(self.chance.choice(segments))
        self.blocks = replayed.blocks_of(segments, BLOCK_SEGMENTS)
        for block in self.blocks[1:]:
            block["late"] = self.chance.random() < 0.25
        self.blocks[-1]["never"] = self.chance.random() < 0.5

    def is_fed(self, turn):
        return turn.block_id != self.blocks[-1]["block_id"] or not self.blocks[-1].get("never")

    def good(self):
        rate = truth.Fraction(*self.house)
        return self.chance.choice([path for name in GOOD for path in [os.path.join(replayed.CLIPS, name)]
                                   if self.rate_of(path) >= rate])

    def rate_of(self, path):
        times = self.known[path].times
        return 1 / (times[1] - times[0])

    def made(self, number, name, data):
        path = os.path.join(self.folder, f"{number}-{name}")
        with open(path, "wb") as file:
            file.write(data)
        return path

    def cut_off(self, number):
        whole = os.path.join(replayed.CLIPS, self.chance.choice(CUT))
        with open(whole, "rb") as file:
            data = file.read()
        path = self.made(number, os.path.basename(whole), data[:self.chance.randrange(len(data))])
        words = decoded_words(path, self.known[whole])
        if not words:
            self.faulty.add(path)
            return path
        times = self.known[whole].times[:len(words) + 1]
        self.known[path] = truth.Material(self.known[whole].ident, path, times, words, sounds=False)
        self.cut.add(path)
        return path

    def path(self, number):
        kind = self.chance.random()
        if kind < 0.08:
            path = os.path.join(self.folder, "missing.mkv")
        elif kind < 0.14:
            path = self.made(number, "letter.mp4", b"Dear Sir or Madam,\n" * self.chance.randrange(100))
        elif kind < 0.18:
            path = self.folder
        elif kind < 0.30:
            return self.cut_off(number)
        elif kind < 0.40:  # another film than when it was planned
            of = self.good()
            path = os.path.join(self.folder, f"{number}-other{os.path.splitext(of)[1]}")
            os.symlink(of, path)
            self.known[path] = self.known[of]
            return path
        else:
            return self.good()
        self.faulty.add(path)
        return path

    def segment(self, number):
        duration_ms = self.chance.choice([self.chance.randrange(1, 80)] + 3 * [self.chance.randrange(80, 1200)])
        if self.chance.random() < 0.1:
            return replayed.segment(self.chance, str(number), duration_ms=duration_ms)
        path = self.path(number)
        length_ms = int(self.known[path].times[-1] * 1000) if path in self.known else 2000
        last_ms = length_ms if self.chance.random() < 0.2 else length_ms - duration_ms - 100
        return replayed.segment(self.chance, str(number), path, duration_ms,
                                asset_start_offset_ms=self.chance.randrange(0, max(1, last_ms)))

    def stall(self, segment):
        """Reads of this segment's file do not return."""
        if segment["asset_uri"] in self.known and segment["asset_uri"] not in self.cut:
            of = segment["asset_uri"]
            self.stalled = segment["asset_uri"] = os.path.join(self.folder, "stalled.mkv")
            with open(of, "rb") as file, open(self.stalled, "wb") as copy:
                copy.write(file.read())
            self.known[self.stalled] = self.known[of]

    def environment(self):
        if not self.stalled:
            return {}
        asan = os.environ.get("ASAN_OPTIONS", "")
        return {"LD_PRELOAD": READ_STALL, "RV_READ_STALL": "/stalled.mkv",
                "ASAN_OPTIONS": f"{asan}:verify_asan_link_order=0".lstrip(":")}


class LivePlan(Plan):
    """Good files, and trouble around them."""

    encoder_may_be_behind = True

    def __init__(self, folder, seed, n_segments=LIVE_SEGMENTS):
        self.folder, self.chance = folder, random.Random(seed)
        self.known = {path: material for path, (material, _) in replayed.known_clips().items()}
        self.house = self.chance.choice(HOUSES)
        self.faulty, self.cut, self.stalled = set(), set(), None
        segments = [self.good_segment(number) for number in range(n_segments)]
        self.stall(self.chance.choice([one for one in segments[2:] if one["asset_uri"]]))
        self.blocks = replayed.blocks_of(segments, -(-n_segments // LIVE_BLOCKS))
        self.actions = [{"at_ms": 1200, "what": "reattach"},
                        {"at_ms": 2500, "what": "stop", "for_ms": self.chance.randrange(300, 1500)},
                        {"at_ms": 4500, "what": "unread", "for_ms": self.chance.randrange(200, 800)},
                        {"at_ms": 5500, "what": "stop", "for_ms": self.chance.randrange(50, 600)}]

    def good_segment(self, number):
        duration_ms = self.chance.randrange(400, 1000)
        if self.chance.random() < 0.1:
            return replayed.segment(self.chance, str(number), duration_ms=duration_ms)
        path = self.good()
        last_ms = int(self.known[path].times[-1] * 1000) - duration_ms - 100
        return replayed.segment(self.chance, str(number), path, duration_ms,
                                asset_start_offset_ms=self.chance.randrange(0, last_ms))

    def environment(self):
        return super().environment() | {"RV_READ_SLOW_MS": str(self.chance.randrange(50, 900))}


def decoded_words(path, material):
    """What a decoder of its own makes of the pictures of a cut file; as far as they can be read."""
    probe = ["ffprobe", "-v", "quiet", "-select_streams", "v:0", "-show_entries", "stream=width,height", "-of", "csv=p=0",
             path]
    size = subprocess.run(probe, stdout=subprocess.PIPE, check=False, timeout=60).stdout.decode().strip().split(",")
    if len(size) != 2 or not all(size) or "0" in size:
        return []
    frames = ["ffmpeg", "-nostdin", "-v", "quiet", "-i", path, "-map", "0:v", "-fps_mode", "passthrough", "-f",
              "rawvideo", "-pix_fmt", "gray", "-"]
    raw = subprocess.run(frames, stdout=subprocess.PIPE, check=False, timeout=60).stdout
    count = len(raw) // (int(size[0]) * int(size[1]))
    return list(material.numbers[:count])


class EvidenceTruth(support.Case):
    @staticmethod
    def is_nothing(plan, played, tick):
        """What is seen where there is no source yet."""
        again = plan.encoder_may_be_behind and played.seen[tick].word == played.seen[tick - 1].word
        return again or played.seen[tick].word == "black"

    def seen_of(self, plan, played, turn, line):
        """(own frames, first and last picture, faults) by the decoder alone."""
        faults, own = [], []
        start = line["start_tick"] if line["frames"] else turn.end
        late = start > turn.first and turn.frames > 0
        if late and not self.may_be_late[turn.block_id]:
            faults.append("it began late")
        faults += [f"frame {tick} before it: {played.seen[tick]}" for tick in range(turn.first, start)
                   if not self.is_nothing(plan, played, tick)]
        before = truth.Seen("black", truth.BLACK)
        if plan.encoder_may_be_behind:  # over a seam, too, the last picture is shown again
            before = played.seen.get(start - 1, before)
        for tick in range(start, turn.end):
            one = played.seen[tick]
            if turn.path in plan.faulty:
                right, is_own = one.word == "black", False
            elif turn.clip is None:
                right, is_own = one.word == "black", one.word == "black"
            else:
                right = turn.is_right(tick, one)
                is_own = right and turn.frame(tick) is not None
            if is_own:
                own.append(turn.frame(tick))
            if not right and not turn.is_stand_in(tick, one, before) and turn.path not in plan.cut:
                faults.append(f"frame {tick}: {one}")
            before = one
        return own, late, faults

    def verdicts(self, plan, turn, line, own, late):
        """What may be said of it: (status, reasons)."""
        over = turn.own_frames < turn.frames or turn.path in plan.cut
        if line["frames"] == 0:
            return {"SKIPPED": {"NO_TIME_LEFT"}}
        if turn.path in plan.faulty:
            return {"ERROR": NO_FILE, "SUBSTITUTED": {"UNDERRUN"}}  # the other: its time was over before it was known
        found = {}
        if over and own < line["frames"]:
            found["SHORT"] = {"MATERIAL_ENDED"}
        if turn.path in plan.cut:
            found |= {"ERROR": {"READ_FAILED", "DECODE_FAILED"}}
        if own * 2 < line["frames"]:
            found["SUBSTITUTED"] = {"UNDERRUN"}
        elif late:
            found["TRUNCATED"] = {"BLOCK_CAME_LATE"}
        else:
            found["AIRED"] = OK
        if over and turn.path not in plan.cut and own < line["frames"] and not plan.stalled and not late:
            return {"SHORT": found["SHORT"]}
        return found

    def judge(self, plan, played, turn, line):
        own, late, faults = self.seen_of(plan, played, turn, line)
        told = line["frames"] - line["fallback_frames"]
        slack = CUT_SLACK if turn.path in plan.cut else 0
        # Sound coded in blocks lasts a little longer than the pictures: black then is its own.
        longer = -(-1024 * turn.rate // 44_100) if turn.own_frames < turn.frames and turn.material.sounds else 0
        if line["frames"] != (turn.end - line["start_tick"] if line["frames"] else 0):
            faults.append(f"{line['frames']} frames")
        if line["frames"] and line["end_tick"] != turn.end:
            faults.append(f"it ended at {line['end_tick']}")
        if not -slack <= told - len(own) <= slack + longer:
            faults.append(f"{len(own)} own frames are seen, {told} told")
        verdicts = self.verdicts(plan, turn, line, told, late)
        if line["reason"] not in verdicts.get(line["status"], set()):
            faults.append(f"it is not one of {verdicts}")
        if own and not slack and turn.clip is not None and \
                (line["asset_start_frame"], line["asset_end_frame"]) != (own[0], own[-1]):
            faults.append(f"its pictures are {own[0]} to {own[-1]}")
        if not own and not slack and line["asset_start_frame"] != -1:
            faults.append("none of its pictures is seen")
        return [f"{turn} of {turn.path}: {fault}; told is {line}" for fault in faults]

    def test_what_is_told_is_what_was_seen(self):
        print(f"seed {SEED}", flush=True)
        for plan_number in range(PLANS):
            with self.subTest(seed=SEED + plan_number):
                folder = os.path.join(self.folder, str(plan_number))
                os.mkdir(folder)
                plan = Plan(folder, SEED + plan_number)
                late = [number for number, block in enumerate(plan.blocks) if block.get("late")]
                self.may_be_late = {block["block_id"]: bool(late) and number >= late[0]
                                    for number, block in enumerate(plan.blocks)}
                played = replayed.Replayed(folder, plan.blocks, plan.house, plan.known, environment=plan.environment())
                faults = truth.stream_faults(played.stream, played.rate)
                if list(played.seen) != list(range(played.end)):
                    faults.append(f"{len(played.seen)} pictures, not every frame of {played.end} once")
                fed = [turn for turn in played.session.turns if plan.is_fed(turn)]
                ended = played.ended()
                if set(ended) != {turn.event_id for turn in fed}:
                    faults.append(f"{len(ended)} segments ended of {len(fed)}")
                faults += [f"frame {tick}, for which there is no block: {played.seen[tick]}"
                           for tick in range(fed[-1].end, played.end) if played.seen[tick].word != "black"]
                for turn in fed:
                    faults += self.judge(plan, played, turn, ended[turn.event_id])
                said = sorted({(line["status"], line["reason"]) for line in ended.values()})
                print(f"{plan.house}: {len(ended)} segments, {len(played.seen)} pictures, {said}", flush=True)
                self.assertFalse(faults, "\n".join(faults[:20]))

    def test_what_is_told_in_real_time_is_what_was_seen(self):
        print(f"seed {SEED}", flush=True)
        for number in range(LIVE_PLANS):
            with self.subTest(seed=SEED + number):
                folder = os.path.join(self.folder, f"live-{number}")
                os.mkdir(folder)
                self.play_live(LivePlan(folder, SEED + number))

    @support.unittest.skipUnless(STARVED_S, "RETROVUE_TEST_STARVED is not set")
    def test_an_engine_that_starves_goes_on_and_says_so(self):
        print(f"seed {SEED}", flush=True)
        plan = LivePlan(self.folder, SEED, n_segments=STARVED_S * 2)
        plan.actions = [{"at_ms": at_ms, "what": "stop", "for_ms": STARVED_STOP_MS}
                        for at_ms in range(1000, 1000 + STARVED_S * 1000, STARVED_CYCLE_MS)]
        self.play_live(plan)

    def play_live(self, plan):
        self.may_be_late = {block["block_id"]: True for block in plan.blocks}  # what prepares it got no time, either
        played = replayed.Replayed(plan.folder, plan.blocks, plan.house, plan.known, environment=plan.environment(),
                                   mode=["live"], actions=plan.actions)
        first, ended = min(played.seen), played.ended()  # what the last reader saw
        faults = truth.stream_faults(played.stream, played.rate)
        if list(played.seen) != list(range(first, played.end)):
            faults.append(f"{len(played.seen)} pictures, not every frame from {first} to {played.end} once")
        if set(ended) != {turn.event_id for turn in played.session.turns}:
            faults.append(f"{len(ended)} segments ended of {len(played.session.turns)}")
        judged = [turn for turn in played.session.turns if turn.first >= first]
        for turn in judged:
            faults += self.judge(plan, played, turn, ended[turn.event_id])
        stood_in = sum(ended[turn.event_id]["fallback_frames"] for turn in judged)
        print(f"{plan.house}: {len(judged)} segments, {len(played.seen)} pictures, {stood_in} stood in for others",
              flush=True)
        self.assertFalse(faults, "\n".join(faults[:20]))


if __name__ == "__main__":
    support.main()
