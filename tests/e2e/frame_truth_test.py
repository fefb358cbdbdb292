"""Frame truth: over the last minute of a slot, every break in it, and the fence, each frame of the raw stream is the one
that the locked log and the rates of the clips call for, calculated here and nowhere else.

On a machine that is too slow at an instant a picture that is not ready, or not encoded in time, is stood in for by the
one shown before it, an earlier one of its own segment, or black. Those must be few, or the capture is made again: what is
wrong in any other way is wrong at once."""

import os
import subprocess
from fractions import Fraction

import support
import ts

RATE = Fraction(30000, 1001)
FRAME_90K = 3003
ATTEMPTS = 2
FEW = 0.02


def tick_at(ms):
    """The first frame at or after a time since the session's epoch."""
    return -((-ms * RATE.numerator) // (RATE.denominator * 1000))


def first_tick(clip, frame, offset_ms):
    """The first output frame of a segment that shows a source frame, counted from the segment's first."""
    time = Fraction(frame * clip.den, clip.num) - Fraction(offset_ms, 1000)
    return (time * RATE + Fraction(1, 2)).__floor__()


class Row:
    """A segment of the log as the session runs it: [first, end) in its output frames."""

    def __init__(self, planned, epoch_ms, numbers):
        self.event_id, self.block_id = planned["event_id"], planned["block_id"]
        self.start_ms, self.type = planned["start_ms"], planned["type"]
        joined_ms = max(0, epoch_ms - planned["start_ms"])  # the session began within it
        self.first = tick_at(planned["start_ms"] + joined_ms - epoch_ms)
        self.end = tick_at(planned["end_ms"] - epoch_ms)
        self.number = numbers.get(planned["asset_uri"])
        self.offset_ms = planned["asset_start_offset_ms"] + joined_ms
        self.frames = self._frames() if self.number is not None else {}

    def _frames(self):
        """Source frame by output frame, as long as the material lasts."""
        clip = support.clips()[self.number]
        shown, source = {}, (self.offset_ms * clip.num) // (clip.den * 1000)
        source = max(0, source - 2)
        last = first_tick(clip, clip.frames, self.offset_ms)
        for k in range(min(self.end - self.first, last)):
            while source + 1 < clip.frames and first_tick(clip, source + 1, self.offset_ms) <= k:
                source += 1
            shown[self.first + k] = source
        return shown

    def expected(self, tick):
        return f"{self.number} {self.frames[tick]}" if tick in self.frames else "black"

    def is_stand_in(self, tick, seen, before):
        words = seen.split()
        if seen in (before, "black"):
            return True
        return words[0] == str(self.number) and tick in self.frames and int(words[1]) < self.frames[tick]


class FrameTruth(support.Case):
    def capture(self, daemon):
        """From before the first break of a slot until after its fence: the raw stream and the playlist's segments."""
        raw, hls = support.RawViewer(daemon), support.HlsViewer(daemon)
        support.wait_for("fence", lambda: hls.segments and hls.segments[-1].start_ms % support.SLOT_MS < 60_000 and
                         hls.segments[-1].start_ms % support.SLOT_MS > 4_000, 150)
        raw.leave()
        hls.leave()
        self.assertEqual(hls.faults, [])
        return raw.data[:len(raw.data) // ts.PACKET * ts.PACKET], hls.segments

    def pictures(self, path):
        """What each decoded picture is, in the order of presentation."""
        decoder = subprocess.Popen(["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", "0:v", "-fps_mode",
                                    "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-"], stdout=subprocess.PIPE)
        said = subprocess.run([support.BARCODE_READ, "320", "180"], stdin=decoder.stdout, stdout=subprocess.PIPE,
                              check=True, timeout=200).stdout.decode()
        decoder.stdout.close()
        self.assertEqual(decoder.wait(60), 0)
        return [line.split(" ", 1)[1] for line in said.splitlines()]

    def session(self, daemon, at_ms):
        """(epoch, as-run entries) of the only session."""
        span = f"channels/one/asrun?from={at_ms - 600_000}&to={at_ms + 600_000}"
        support.wait_for("a record of the next block", lambda: sum(
            entry["kind"] == "block_start" for entry in daemon.api(span)["entries"]) >= 2)
        entries = daemon.api(span)["entries"]
        begun = next(entry for entry in entries if entry["kind"] == "block_start" and entry["tick"] == 0)
        return begun["actual_start_utc_ms"], entries

    def assert_stream(self, stream):
        self.assertEqual(stream.faults, [])
        stamps = sorted(stream.video)
        self.assertEqual({b - a for a, b in zip(stamps, stamps[1:])}, {FRAME_90K}, "a frame after the other")
        self.assertEqual({b - a for a, b in zip(stream.audio, stream.audio[1:])} - set(range(0, 90_000)), set())
        return stamps

    def ticks_of(self, stamps, segments, epoch_ms):
        """The session's frame number of each picture, by PROGRAM-DATE-TIME; every segment must say the same."""
        offsets = set()
        for segment in segments:
            first = min(ts.Stream(segment.data).video)
            tick = round((segment.start_ms - epoch_ms) * RATE / 1000)
            self.assertAlmostEqual(segment.start_ms - epoch_ms, float(tick * 1000 / RATE), delta=1.01)
            offsets.add(first - tick * FRAME_90K)
        self.assertEqual(len(offsets), 1, "PROGRAM-DATE-TIME and time stamps go different ways")
        offset = offsets.pop()
        self.assertEqual({(stamp - offset) % FRAME_90K for stamp in stamps}, {0})
        return [(stamp - offset) // FRAME_90K for stamp in stamps]

    def late_frames(self, ticks, pictures, rows):
        """Ticks at which a stand-in was seen; anything else that is not what it should be fails."""
        wrong, late, at, before = [], set(), 0, None
        for tick, seen in zip(ticks, pictures):
            while tick >= rows[at].end:
                at += 1
            row, expected = rows[at], rows[at].expected(tick)
            if seen != expected and row.is_stand_in(tick, seen, before):
                late.add(tick)
            elif seen != expected:
                wrong.append(f"frame {tick}, {tick - row.first} of {row.end - row.first} of {row.type} "
                             f"{row.event_id}: {seen}, not {expected}")
            before = seen
        self.assertEqual(wrong[:20], [], f"{len(wrong)} of {len(pictures)} frames are wrong")
        return late

    def test_every_frame_across_breaks_and_fence(self):
        for _ in range(ATTEMPTS):
            late, seen = self.attempt()
            print(f"{late} of {seen} frames were not ready in time", flush=True)
            if late <= seen * FEW:
                return
        self.fail("the machine is too slow for a 320x180 channel")

    def attempt(self):
        """(frames that were late, all)."""
        daemon = self.daemon(shift_ms=support.shift_to(246_000))
        data, segments = self.capture(daemon)
        path = os.path.join(self.folder, "raw.ts")
        with open(path, "wb") as file:
            file.write(data)
        self.assertEqual(support.decode_faults(path, 200), "")
        stamps = self.assert_stream(ts.Stream(data))
        pictures = self.pictures(path)
        self.assertIn(len(stamps) - len(pictures), (0, 1), "every access unit is a picture")
        epoch_ms, entries = self.session(daemon, segments[0].start_ms)
        ticks = self.ticks_of(stamps, segments, epoch_ms)

        numbers = {clip.path: number for number, clip in support.clips().items()}
        rows = [Row(planned, epoch_ms, numbers) for planned in daemon.planned() if planned["end_ms"] > epoch_ms]
        rows = [row for row in rows if row.end > 0][:200]
        late = self.late_frames(ticks, pictures[:-1], rows)

        whole = [row for row in rows if row.first >= ticks[0] and row.end <= ticks[-2]]
        fence = next(row for row in rows if row.block_id != rows[0].block_id)
        self.assertGreaterEqual(len([row for row in whole if row.block_id == rows[0].block_id]), 6)
        self.assertGreaterEqual(len({row.number for row in whole} - {None}), 3, "programme and several spots")
        self.assertTrue(any(row.number is None for row in whole), "pad")
        self.assertIn(fence.first, ticks)
        print(f"{len(pictures)} frames, {len(whole)} whole segments, fence at frame {fence.first}", flush=True)

        # The fence on the wall clock: the segment that begins with the next block, or the one around it.
        around = next(s for s in reversed(segments) if s.start_ms <= fence.start_ms + 40)
        first = min(ts.Stream(around.data).video)
        of_fence = stamps[ticks.index(fence.first)]
        wall_ms = around.start_ms + (of_fence - first) / 90
        self.assertGreaterEqual(wall_ms, fence.start_ms - 1, "the next block began before its time")
        self.assertLess(wall_ms, fence.start_ms + 1001 / 30 + 1, "the next block began late")

        ended = {entry["event_id"]: entry for entry in entries if entry["kind"] == "segment_end"}
        for row in whole:
            entry = ended[row.event_id]
            self.assertEqual((entry["frames"], entry["start_tick"]), (row.end - row.first, row.first), entry)
            if late.isdisjoint(range(row.first, row.end)):
                self.assertEqual((entry["status"], entry["fallback_frames"]), ("AIRED", 0), entry)
        daemon.end()
        return len(late), len(pictures)


if __name__ == "__main__":
    support.main()
