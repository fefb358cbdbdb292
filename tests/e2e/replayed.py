"""A plan of any blocks played through a real engine faster than time (replay.c), and what came out."""

import json
import os
import shutil
import subprocess
import time
import uuid
from fractions import Fraction

import support
import truth
import ts

REPLAY = os.environ["RV_REPLAY"]
CLIPS = os.environ["RV_TEST_CLIPS"]
WIDTH, HEIGHT = 256, 144


def segment(chance, name, path=None, duration_ms=1000, **more):
    """One that plays a file, or pad. more: any other field of a segment in `retrovue plan --json`."""
    found = {"event_id": name, "segment_uuid": str(uuid.UUID(int=chance.getrandbits(128), version=4)), "title": name,
             "type": "content" if path else "pad", "asset_uri": path,
             "asset_id": str(uuid.uuid5(uuid.NAMESPACE_URL, path)) if path else None, "asset_start_offset_ms": 0,
             "duration_ms": duration_ms, "gain_millibel": 0, "fade_in_ms": 0, "fade_out_ms": 0}
    return found | more


def blocks_of(segments, size):
    """Rows of segments, a block each, from an epoch so long ago that all of their time is over."""
    total_ms = sum(each["duration_ms"] for each in segments)
    at_ms, blocks = time.time_ns() // 1_000_000 - total_ms - 1000, []
    for first in range(0, len(segments), size):
        row = segments[first:first + size]
        end_ms = at_ms + sum(each["duration_ms"] for each in row)
        blocks.append({"block_id": f"block-{first // size}", "title": "A programme", "start_utc_ms": at_ms,
                       "end_utc_ms": end_ms, "segments": row})
        at_ms = end_ms
    return blocks


def stacks(pid):
    """Where every thread of a process and of its children is, as well as can be told: with gdb, or by the kernel."""
    told = []
    for one in [pid] + [int(child) for task in os.listdir(f"/proc/{pid}/task")
                        for child in support.read(f"/proc/{pid}/task/{task}/children").split()]:
        if shutil.which("gdb"):
            done = subprocess.run(["gdb", "-p", str(one), "-batch", "-ex", "thread apply all bt 14"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60, check=False)
            told.append(done.stdout.decode(errors="replace"))
        else:
            told += [" ".join(support.read(f"/proc/{one}/task/{task}/{name}").decode().strip()
                              for name in ("comm", "wchan")) for task in os.listdir(f"/proc/{one}/task")]
    return "\n".join(told)


def run(command, timeout, environment):
    """Its exit status and what it said; one that does not end is a failure that says where it stands."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, **(environment or {})}) as process:
        try:
            said = process.communicate(timeout=timeout)[0]
        except subprocess.TimeoutExpired:
            where = stacks(process.pid)
            process.kill()
            said = process.communicate()[0]
            raise AssertionError(f"did not end in {timeout} s: {said.decode(errors='replace')[-4000:]}\n"
                                 f"{where[-20000:]}") from None
        return process.returncode, said.decode(errors="replace")


def play(folder, blocks, house, style=None, timeout=240, environment=None, mode=(), actions=()):
    """Where the stream of the blocks is now, beside it, as .jsonl, the evidence; and what was said. mode: of replay.c."""
    path = os.path.join(folder, f"{house[0]}-{house[1]}.ts")
    out = path[:-3]
    with open(out + ".json", "w", encoding="utf-8") as file:
        json.dump({"blocks": blocks, "style": style or {}, "actions": list(actions)}, file)
    status, said = run([REPLAY, f"{WIDTH}x{HEIGHT}@{house[0]}/{house[1]}", out + ".json", out, *mode], timeout,
                       environment)
    if status != 0 or support.SANITIZER.search(said):
        raise AssertionError(f"exit status {status}: {said[-8000:]}")
    return path, said


class Replayed:
    """The stream and the evidence, and what they should be. known: path -> Material; style: of replay.c, if any."""

    def __init__(self, folder, blocks, house, known, style=None, timeout=240, environment=None, mode=(), actions=()):
        self.rate = Fraction(*house)
        self.path, _ = play(folder, blocks, house, style, timeout, environment, mode, actions)
        with open(self.path, "rb") as file:
            self.stream = ts.Stream(file.read())
        with open(self.path[:-3] + ".jsonl", encoding="utf-8") as file:
            self.evidence = [json.loads(line) for line in file]
        self.session = truth.Session(blocks, self.rate, blocks[0]["start_utc_ms"], known)
        self.end = self.session.turns[-1].end
        ticks = [truth.tick_of(pts, self.rate) for pts in self.stream.video]
        pictures = truth.read_pictures(self.path, WIDTH, HEIGHT)
        self.seen = {tick: one for tick, one in zip(ticks, pictures) if tick is not None and tick < self.end}

    def faults(self, judged=lambda turn: True):
        """What no decoder may notice, whatever was played; and the pictures of the turns that are judged."""
        faults = truth.stream_faults(self.stream, self.rate)
        faults += truth.access_faults(self.stream, self.rate, self.session.turns)
        if list(self.seen) != list(range(self.end)):
            faults.append(f"{len(self.seen)} pictures, not every frame of {self.end} once")
        wrong, stand_ins = self.session.compare(self.seen)
        return faults + [f"frame {tick}, {tick - turn.first} of {turn} from {turn.offset}: {self.seen[tick]}, not "
                         f"{turn.clip} {turn.frame(tick)}" for turn, tick in wrong + stand_ins if judged(turn)]

    def ended(self):
        """What evidence says of each segment, by event id."""
        return {line["event_id"]: line for line in self.evidence if line["kind"] == "segment_end"}


def known_clips():
    """The test clips of constant rate: path -> (Material, width / height)."""
    found = {}
    with open(os.path.join(CLIPS, "clips.txt"), encoding="utf-8") as file:
        for line in file:
            ident, name, num, den, count, width, height, rate = line.split()
            clip = support.Clip(int(num), int(den), int(count), os.path.join(CLIPS, name))
            material = truth.Material.of_constant_rate(int(ident), clip, sounds=int(rate) > 0)
            found[clip.path] = material, Fraction(int(width), int(height))
    return found
