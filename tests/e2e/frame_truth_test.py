"""Frame truth: from the middle of a block, over its breaks and its fence into the next block, each picture on the air
is the one that plan and rates call for, calculated by truth.py; so is the sound, and the record tells the same.

Two channels at once: of 30000/1001 frames a second with chapters (clean cuts) and AAC, of 24000/1001 without (fades)
and with AC-3."""

import os
import subprocess
from fractions import Fraction

import support
import truth
import ts

BEGIN_MS = 266_000  # of a slot, when the programs are started: a break, an act, a break, an act, the fence
RATES = {"one": Fraction(30_000, 1001), "two": Fraction(24_000, 1001)}
LAG_LIMIT_US = 8_000  # the skew of an Opus file; else the rounding of stamps
TWO = """\
channel: two
channel_number: 2
name: Two
timezone: America/New_York
format:
  video: {width: 320, height: 180, frame_rate: "24000/1001", bitrate_kbps: 900}
  audio: {codec: ac3, sample_rate: 48000, channels: 2, bitrate_kbps: 192}
  grid_minutes: 5
pools:
  pulse:
    match: {type: episode, series_title: Pulse}
traffic:
  allowed_types: [commercial, promo, bumper]
  breaks: {per_half_hour: 15, min_act_sec: 5, min_break_sec: 2, fade_ms: 500}
schedule:
  all_day:
    - block: {start: "06:00", end: "06:00", title: Pulse, pool: pulse, mode: sequential}
"""


class Capture:
    """What one channel sent, and what the programs say of it."""

    def __init__(self, folder, daemon, channel, fence_ms, data, segments, machine):
        self.name, self.rate, self.segments, self.machine = channel, RATES[channel], segments, machine
        data = data[:len(data) // ts.PACKET * ts.PACKET]
        self.path = os.path.join(folder, channel + ".ts")
        with open(self.path, "wb") as file:
            file.write(data)
        self.stream = ts.Stream(data)
        span = f"channels/{channel}/asrun?from={fence_ms - 600_000}&to={fence_ms + 600_000}"
        self.record = daemon.api(span)["entries"]
        begin = next(entry for entry in self.record if entry["kind"] == "block_start")
        assert begin["tick"] == 0, begin
        self.session = truth.Session(daemon.plan(channel), self.rate, begin["actual_start_utc_ms"],
                                     truth.library())
        pictures = truth.read_pictures(self.path, 320, 180)
        self.seen = dict(zip((truth.tick_of(pts, self.rate) for pts in self.stream.video), pictures))
        self.fence_ms, self.fence = fence_ms, self.session.turn_at(fence_ms).first
        end = max(filter(None, self.seen), default=0) + 1
        self.turns = [turn for turn in self.session.turns if turn.first >= min(self.seen) and turn.end <= end]
        self.wrong, self.stand_ins = self.session.compare(self.seen)
        self.content = [turn for turn in self.turns if turn.clip is not None and turn.frames > 0]


def first_act_ms(blocks, start_ms):
    """How long the first segment of the block that starts then is: it ends in a break."""
    return next(block for block in blocks if block["start_utc_ms"] == start_ms)["segments"][0]["duration_ms"]


class FrameTruth(support.Case):
    def capture(self):
        """Both channels, from before the fence until after it."""
        channels = {"one.yaml": support.channel_yaml(), "two.yaml": TWO}
        media = (support.LIBRARY, truth.MORE)
        library = self.daemon(start=False, channels=channels, media=media)
        subprocess.run(library.arguments("scan"), env=library.environment, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True, timeout=100)
        daemon = self.daemon(folder=os.path.dirname(library.data), channels=channels, media=media,
                             shift_ms=support.shift_to(BEGIN_MS))
        fence_ms = (daemon.now_ms() // support.SLOT_MS + 1) * support.SLOT_MS
        paths = [f"/channel/{channel}.ts" for channel in RATES]
        support.wait_for("channels", lambda: all(daemon.get(path, method="HEAD").status == 200 for path in paths))
        machine = truth.Machine(daemon.now_ms)
        raw = {channel: support.RawViewer(daemon, f"/channel/{channel}.ts") for channel in RATES}
        hls = {channel: support.HlsViewer(daemon, f"/channel/{channel}/live.m3u8") for channel in RATES}
        until_ms = fence_ms + first_act_ms(daemon.plan("two"), fence_ms) + 2_500
        support.wait_for("end of the capture", lambda: all(
            viewer.segments and viewer.segments[-1].start_ms > until_ms for viewer in hls.values()), 150)
        machine.end()
        for viewer in (*raw.values(), *hls.values()):
            viewer.leave()
        for channel in RATES:
            self.assertEqual((raw[channel].status, raw[channel].ended, hls[channel].faults), (200, False, []))
            behind_ms = daemon.now_ms() - hls[channel].segments[-1].start_ms
            self.assertTrue(0 < behind_ms < 15_000, f"programme dates are {behind_ms} ms behind the wall clock")
        return [Capture(self.folder, daemon, channel, fence_ms, raw[channel].data, hls[channel].segments,
                        machine) for channel in RATES]

    def test_breaks_and_fence(self):
        captures = self.capture()
        turns = [turn for capture in captures for turn in capture.turns]
        self.assertTrue(any(turn.clip is None and turn.frames > 0 for turn in turns), "pad")
        for capture in captures:
            for check in (self.check_coverage, self.check_stream, self.check_access, self.check_pictures,
                          self.check_sensitivity, self.check_fence, self.check_sound, self.check_record):
                with self.subTest(channel=capture.name, check=check.__name__):
                    check(capture)

    def check_coverage(self, capture):
        """The capture holds what this test is about."""
        block = [turn for turn in capture.turns if turn.end <= capture.fence and turn.frames > 0]
        self.assertGreaterEqual(len(block), 6, "segments of the block before the fence, the joined one included")
        self.assertIn(capture.fence, capture.seen)
        self.assertGreaterEqual(len({turn.clip for turn in capture.content}), 4, "programmes and spots")
        faded = any(turn.fade_out_ms for turn in capture.turns) and any(turn.fade_in_ms for turn in capture.turns)
        self.assertEqual(faded, capture.name == "two", "fades at computed breakpoints only")
        print(f"{capture.name}: {len(capture.seen)} pictures, {len(capture.turns)} whole segments, fence at frame "
              f"{capture.fence}", flush=True)

    def check_stream(self, capture):
        self.assertIs(capture.stream.sound_kind, ts.Ac3 if capture.name == "two" else ts.Adts)
        self.assertEqual(truth.stream_faults(capture.stream, capture.rate), [])
        self.assertLessEqual(len(capture.stream.pictures) - len(capture.seen), 1, "an access unit without a picture")

    def check_access(self, capture):
        self.assertEqual(truth.access_faults(capture.stream, capture.rate, capture.turns), [])

    def tell(self, capture, turn, tick):
        return f"frame {tick}, {tick - turn.first} of {turn}: {capture.seen[tick]}, not {turn.clip} {turn.frame(tick)}"

    def check_pictures(self, capture):
        """Each picture is the right one. A stand-in is a fault unless the machine had no processor to spare."""
        told = [self.tell(capture, turn, tick) for turn, tick in capture.wrong]
        self.assertFalse(told, "\n".join([f"{len(told)} of {len(capture.seen)} pictures are wrong:"] + told[:30]))
        told = [self.tell(capture, turn, tick) for turn, tick in capture.stand_ins
                if not capture.machine.was_busy(capture.session.wall_ms(tick))]
        self.assertFalse(told, "\n".join([f"{len(told)} stand-ins on a machine that has time:"] + told[:30]))
        self.assertLess(len(capture.stand_ins), len(capture.seen) / 4, "the machine is too slow for this test")
        starts = [turn for turn, tick in capture.stand_ins if tick == turn.first]
        self.assertLess(len(starts), len(capture.content) / 2, "however busy it is, not every start can be late")
        print(f"{capture.name}: {len(capture.stand_ins)} pictures were not ready in time: frames "
              f"{[tick for _, tick in capture.stand_ins[:20]]}", flush=True)

    def check_sensitivity(self, capture):
        """A programme that is one frame early or late would be seen, in every single segment."""
        for late in (-1, 1):
            wrong, stand_ins = capture.session.compare(capture.seen, late)
            told = {turn for turn, _ in wrong + stand_ins}
            for turn in capture.content:
                self.assertIn(turn, told, f"{turn} looks right with an expectation that is {late} frame late")
            self.assertGreater(len(wrong), len(capture.seen) / 4)

    def check_fence(self, capture):
        """By PROGRAM-DATE-TIME, the next block begins within a frame of its time, and never early."""
        frame_ms = 1000 / capture.rate
        for segment in capture.segments:
            tick = truth.tick_of(ts.Stream(segment.data).video[0], capture.rate)
            self.assertAlmostEqual(segment.start_ms, capture.session.epoch_ms + tick * frame_ms, delta=1,
                                   msg="the date of a segment is that of its first frame")
            if tick <= capture.fence:
                wall_ms = segment.start_ms + (capture.fence - tick) * frame_ms
        self.assertGreaterEqual(wall_ms, capture.fence_ms - 1, "the next block began before its time")
        self.assertLess(wall_ms, capture.fence_ms + frame_ms + 1, "the next block began late")

    def check_sound(self, capture):
        held = {turn for turn, _ in capture.stand_ins}  # and silent
        turns = [turn for turn in capture.content if turn.frames > capture.rate / 2 and turn not in held]
        probes = truth.sound_probes(turns, capture.stream.sound[0][0])
        heard = truth.read_sound(capture.path, probes)
        self.assertEqual(len(heard), len(turns))
        for turn, (lag_us, correlation) in zip(turns, heard):
            self.assertGreater(correlation, 0.5, f"another sound in {turn}")
            self.assertLess(abs(lag_us), LAG_LIMIT_US, f"sound beside the picture in {turn}")
        print(f"{capture.name}: {len(heard)} sounds, worst lag {max(abs(lag) for lag, _ in heard):.0f} us", flush=True)

    def check_record(self, capture):
        """As-run: every segment at the frames where it was seen, and the fence."""
        ended = {entry["event_id"]: entry for entry in capture.record if entry["kind"] == "segment_end"}
        for turn in capture.turns:
            entry = ended.get(turn.event_id)
            self.assertIsNotNone(entry, f"no record of {turn}")
            self.assertEqual((entry["frames"], entry["block_id"], entry["asset_uri"]),
                             (turn.frames, turn.block_id, turn.path), f"{turn}: {entry}")
            if turn.frames > 0:
                self.assertEqual((entry["start_tick"], entry["end_tick"]), (turn.first, turn.end), entry)
                self.check_entry(capture, turn, entry)
        starts = [entry["tick"] for entry in capture.record if entry["kind"] == "block_start"]
        fences = [entry["swap_tick"] for entry in capture.record if entry["kind"] == "block_fence"]
        self.assertEqual((starts, fences), ([0, capture.fence], [capture.fence]))

    def check_entry(self, capture, turn, entry):
        """What the record says of the pictures of a segment that was on the air."""
        own = entry["frames"] - entry["fallback_frames"]
        if own < turn.own_frames:
            told = any(one is turn for one, _ in capture.stand_ins) or capture.machine.was_busy(
                capture.session.wall_ms(turn.first), turn.frames * 1000 / turn.rate + 4_000)
            self.assertTrue(told, f"stand-ins that nobody saw: {entry}")
            return
        self.assertEqual(entry["status"], "AIRED" if own == turn.frames else "SHORT", entry)
        words = [capture.seen[tick].word for tick in range(turn.first, turn.end)]
        frames = [int(word.split()[1]) for word in words if " " in word]
        if turn.clip is not None and not (turn.fade_in_ms or turn.fade_out_ms):
            self.assertEqual((entry["asset_start_frame"], entry["asset_end_frame"]), (frames[0], frames[-1]), entry)


if __name__ == "__main__":
    support.main()
