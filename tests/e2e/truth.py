"""What ought to be seen and heard: calculated from the plan, the session's epoch and the rates of the clips, exactly
and independently of the programs (contracts/seam.md, contracts/producer.md), and compared with what was captured."""

import bisect
import collections
import os
import subprocess
import threading
from fractions import Fraction

import support
import ts

BASE = 324_090_000  # PTS of output frame 0
SAMPLE_RATE = 48_000
BLACK, WHITE = 0, 235  # of the clips' bands, as ffmpeg says in gray: stretched to the full range
READABLE = 70  # a picture whose white has this luma can be read
LEVEL_SLACK = 8  # what encoding makes of a luma
HELD_S = Fraction(1, 2)  # a stand-in is no older than this
MORE = os.path.join(support.MEDIA, "more")
SOUND_READ = os.path.join(os.path.dirname(support.BARCODE_READ), "sound_read")
PROBE_S = Fraction(1, 10)  # into a segment: its sound is looked at from here
PCR_MOST = 27_000_000 // 1000 * 42  # at 24 frames a second or more

# word: "CLIP FRAME", "black" or "unreadable"; white: that of the picture's band
Seen = collections.namedtuple("Seen", "word white")


def ceil(number):
    return -(-number // 1)


def nearest(number):
    return (number + Fraction(1, 2)) // 1


def tick_at(ms, rate):
    """The first output frame at or after a time since the epoch."""
    return ceil(Fraction(ms, 1000) * rate)


def pts_of(tick, rate):
    return BASE + nearest(tick * ts.TICKS / rate)


def tick_of(pts, rate):
    """None when no output frame has this time stamp."""
    tick = nearest((pts - BASE) * rate / ts.TICKS)
    return tick if pts_of(tick, rate) == pts else None


class Material:
    """A file whose pictures say which they are: when each of them begins, and what it says."""

    def __init__(self, ident, path, times, numbers, sounds=True):
        self.ident, self.path, self.sounds = ident, path, sounds
        self.times, self.numbers = times, numbers  # one time more than numbers: when the last one ends

    @classmethod
    def of_constant_rate(cls, ident, clip, sounds=True):
        times = [Fraction(i * clip.den, clip.num) for i in range(clip.frames + 1)]
        return cls(ident, clip.path, times, range(clip.frames), sounds)


class Turn:
    """A planned segment as a session runs it: output frames [first, end)."""

    def __init__(self, block, segment, start_ms, session, known):
        self.block_id, self.event_id, self.type = block["block_id"], segment["event_id"], segment["type"]
        self.title, self.path = segment["title"] or "-", segment["asset_uri"]
        self.fade_in_ms, self.fade_out_ms = segment["fade_in_ms"], segment["fade_out_ms"]
        self.rate = session.rate
        self.joined_ms = max(0, session.epoch_ms - start_ms)
        self.start_ms, self.end_ms = start_ms, start_ms + segment["duration_ms"]
        self.first = tick_at(start_ms + self.joined_ms - session.epoch_ms, self.rate)
        self.end = tick_at(self.end_ms - session.epoch_ms, self.rate)
        self.offset = Fraction(segment["asset_start_offset_ms"] + self.joined_ms, 1000)
        self.material = known.get(self.path)  # None: pad, or a file of which nothing is known
        self.clip, self._firsts = None, [0]
        if self.material:
            self.clip = self.material.ident
            # Output frame, from the segment's first, that is the first to show each source frame; at last, black.
            self._firsts = [nearest((time - self.offset) * self.rate) for time in self.material.times]

    @property
    def frames(self):
        return self.end - self.first

    @property
    def own_frames(self):
        """Output frames until its pictures are over: sound may last longer, and tells how long it is planned."""
        return self.frames if self.clip is None else min(self.frames, max(0, self._firsts[-1]))

    def frame(self, tick):
        """What the source frame says; None: black."""
        last = len(self._firsts) - 1
        if self.clip is None or tick - self.first >= self._firsts[last]:
            return None
        return self.material.numbers[max(0, bisect.bisect_right(self._firsts, tick - self.first, hi=last) - 1)]

    def level(self, tick):
        """How much of the picture's light a fade leaves, at the end of its tick."""
        level = Fraction(1)
        if self.fade_in_ms and not self.joined_ms:
            level = min(level, (tick + 1 - self.first) / self.rate * 1000 / self.fade_in_ms)
        if self.fade_out_ms:
            level = min(level, (self.end - tick - 1) / self.rate * 1000 / self.fade_out_ms)
        return level

    def is_right(self, tick, seen, late=0):
        """late: by so many frames the expectation is."""
        frame, level = self.frame(tick - late), self.level(tick)
        if frame is None:
            return seen.word == "black"
        white = BLACK + (WHITE - BLACK) * level
        if level < 1 and abs(seen.white - white) > LEVEL_SLACK:
            return False
        return seen.word == f"{self.clip} {frame}" or (white < READABLE and seen.word in ("black", "unreadable"))

    def is_stand_in(self, tick, seen, before):
        """What is shown where a picture was not ready: the one before it, an older one of this segment, or black."""
        if seen.word in ("black", before.word):
            return True
        older = range(max(self.first, tick - HELD_S * self.rate // 1), tick)
        return seen.word in {f"{self.clip} {self.frame(earlier)}" for earlier in older}

    def __str__(self):
        return f"{self.type} {self.title} {self.event_id} [{self.first}, {self.end})"


class Session:
    """One engine's session: its epoch and rate, and the turns that the plan gives it. known: path -> Material."""

    def __init__(self, blocks, rate, epoch_ms, known):
        self.rate, self.epoch_ms, self.turns = rate, epoch_ms, []
        for block in blocks:
            start_ms = block["start_utc_ms"]
            for segment in block["segments"]:
                turn = Turn(block, segment, start_ms, self, known) if start_ms < epoch_ms + 600_000 else None
                start_ms += segment["duration_ms"]
                if turn and turn.end_ms > epoch_ms:
                    self.turns.append(turn)
            assert start_ms == block["end_utc_ms"], "a block is the sum of its segments"
        self._ends = [turn.end for turn in self.turns]

    def turn(self, tick):
        return self.turns[bisect.bisect_right(self._ends, tick)]

    def turn_at(self, start_ms):
        return next(turn for turn in self.turns if turn.start_ms == start_ms)

    def wall_ms(self, tick):
        return self.epoch_ms + tick * 1000 / self.rate

    def compare(self, seen, late=0):
        """seen: tick -> Seen. What is not as it should be: (wrong, stand-ins), each (turn, tick)."""
        wrong, stand_ins, before = [], [], Seen("black", BLACK)
        for tick, one in seen.items():
            turn = self.turn(tick)
            if not turn.is_right(tick, one, late):
                (stand_ins if turn.is_stand_in(tick, one, before) else wrong).append((turn, tick))
            before = one
        return wrong, stand_ins


class Machine:
    """Looks at how busy the machine is, on a thread of its own: a test of real time may not be its only user."""

    PERIOD_S = 0.5
    BUSY = 0.95

    def __init__(self, now_ms):
        self._now_ms, self._busy = now_ms, []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @staticmethod
    def _times():
        with open("/proc/stat", encoding="ascii") as file:
            times = [int(number) for number in file.readline().split()[1:9]]
        return sum(times), times[3] + times[4]

    def _run(self):
        total, idle = self._times()
        while not self._ended.wait(self.PERIOD_S):
            total_now, idle_now = self._times()
            if idle_now - idle < (1 - self.BUSY) * (total_now - total):
                self._busy.append(self._now_ms())
            total, idle = total_now, idle_now

    def end(self):
        self._ended.set()
        self._thread.join()

    def was_busy(self, wall_ms, margin_ms=4_000):
        """Whether there was no processor to spare around an instant: pictures are made seconds ahead, and sent late."""
        return any(abs(busy_ms - wall_ms) < margin_ms for busy_ms in self._busy)


def library():
    """The library's clips, and those beside it, by path."""
    found = support.clips()
    with open(os.path.join(support.MEDIA, "more.txt"), encoding="utf-8") as file:
        for line in file:
            ident, num, den, frames, name = line.rstrip("\n").split(" ", 4)
            found[int(ident)] = support.Clip(int(num), int(den), int(frames), os.path.join(MORE, name))
    return {clip.path: Material.of_constant_rate(ident, clip) for ident, clip in found.items()}


def stream_faults(stream, rate):
    """Continuity, and time stamps that follow from frame numbers alone."""
    faults = list(stream.faults)
    ticks = [tick_of(pts, rate) for pts in stream.video]
    if None in ticks:
        return faults + [f"picture {ticks.index(None)}: a time stamp that is of no frame"]
    faults += [f"frame {b} after frame {a}" for a, b in zip(ticks, ticks[1:]) if b != a + 1]
    due, frame = stream.sound[0][0], stream.sound_kind.ticks
    if (due - BASE + stream.sound_kind.delay) % frame:
        faults.append("sound is not counted from frame 0")
    for number, (pts, frames) in enumerate(stream.sound):
        if pts != due or (frames == 0 and number + 1 < len(stream.sound)):
            faults.append(f"sound at {pts}, {frames} frames, where {due} is due")
        due = pts + frames * frame
    steps = [b - a for a, b in zip(stream.pcr, stream.pcr[1:])]
    return faults + [f"{step} from clock reference to clock reference" for step in steps
                     if not 0 < step <= PCR_MOST]


def access_faults(stream, rate, turns):
    """PAT, PMT and an IDR in front of the stream and at every seam; no IDR without them."""
    marked = {tick_of(one.pts, rate): one for one in stream.pictures if one.random_access}
    idr = {tick_of(one.pts, rate) for one in stream.pictures if one.idr}
    faults = [] if stream.pictures[0].random_access else ["the stream does not begin with an access point"]
    faults += [f"frame {tick}: not PAT, PMT, SPS, PPS, IDR" for tick, one in marked.items()
               if not (one.tables and one.idr and one.headed)]
    faults += [f"frame {tick}: an IDR that is not marked" for tick in idr - set(marked)]
    return faults + [f"no access point where {turn} begins" for turn in turns
                     if turn.frames > 0 and turn.first not in marked]


def read_pictures(path, width, height):
    """What each picture of a file is, in the order shown."""
    decoder = ["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", "0:v", "-fps_mode", "passthrough", "-f",
               "rawvideo", "-pix_fmt", "gray", "-"]
    raw = subprocess.run(decoder, stdout=subprocess.PIPE, check=True, timeout=200).stdout
    said = subprocess.run([support.BARCODE_READ, str(width), str(height)], input=raw, stdout=subprocess.PIPE,
                          check=True, timeout=200).stdout.decode()
    size, band = width * height, width * (height // 16)  # in the white band on top, clear of its edges
    return [Seen(line.split(" ", 1)[1], sum(raw[i * size + band // 2:i * size + band]) / (band - band // 2))
            for i, line in enumerate(said.splitlines())]


def read_sound(path, probes):
    """(lag in microseconds, correlation) of each probe (sample of the file, clip, microseconds of the clip)."""
    with open(path + ".probes", "w", encoding="utf-8") as file:
        file.writelines(f"{sample} {clip} {us}\n" for sample, clip, us in probes)
    raw = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", "0:a", "-f", "f32le", "-ac", "1",
                          "-ar", str(SAMPLE_RATE), "-"], stdout=subprocess.PIPE, check=True, timeout=200).stdout
    said = subprocess.run([SOUND_READ, path + ".probes"], input=raw, stdout=subprocess.PIPE, check=True,
                          timeout=200).stdout.decode()
    return [(float(line.split()[2]), float(line.split()[3])) for line in said.splitlines()]


def sound_probes(turns, first_pts):
    """For read_sound, of a capture whose sound begins at a PTS."""
    probes = []
    for turn in turns:
        sample = turn.first * SAMPLE_RATE // turn.rate + nearest(PROBE_S * SAMPLE_RATE)
        sample -= nearest(Fraction(first_pts - BASE, ts.TICKS) * SAMPLE_RATE)
        probes.append((sample, turn.clip, nearest((turn.offset + PROBE_S) * 1_000_000)))
    return probes
