"""kill -9 of the engine and of the daemon: what viewers, the guide and the record are left with."""

import os
import signal
import subprocess
import time

import support


def read_barcode(folder, data):
    """(clip, frame) of the first picture of a segment; None for black or unreadable."""
    path = os.path.join(folder, "one.ts")
    with open(path, "wb") as file:
        file.write(data)
    picture = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", "0:v", "-frames:v", "1", "-f",
                              "rawvideo", "-pix_fmt", "gray", "-"], stdout=subprocess.PIPE, check=True,
                             timeout=60).stdout
    said = subprocess.run([support.BARCODE_READ, "320", "180"], input=picture, stdout=subprocess.PIPE, check=True,
                          timeout=60).stdout.split()
    return (int(said[1]), int(said[2])) if len(said) == 3 else None


class Crash(support.Case):
    def watched(self, **options):
        """A daemon in the middle of an act, with a playlist viewer and a stream viewer."""
        daemon = self.daemon(shift_ms=support.shift_to(60_000), **options)
        hls, raw = support.HlsViewer(daemon), support.RawViewer(daemon)
        hls.wait_segments(4)
        raw.wait_bytes(100_000)
        return daemon, hls, raw

    def assert_place(self, daemon, segment):
        """The first picture of a segment is, to the second, the one planned for its date."""
        planned = next(row for row in daemon.planned() if row["start_ms"] <= segment.start_ms < row["end_ms"])
        seen = read_barcode(self.folder, segment.data)
        self.assertIsNotNone(seen, f"no picture at {segment.start_ms}")
        clip = support.clips()[seen[0]]
        rate = clip.num / clip.den
        self.assertEqual(clip.path, planned["asset_uri"])
        due_ms = planned["asset_start_offset_ms"] + segment.start_ms - planned["start_ms"]
        self.assertAlmostEqual(seen[1] * 1000 / rate, due_ms, delta=2 * 1000 / rate,
                               msg="another place in the programme")

    def test_engine_killed(self):
        daemon, hls, raw = self.watched()
        engine, = daemon.engines()
        before = len(hls.segments)
        size = raw.size
        killed_ms, killed = daemon.now_ms(), time.monotonic()
        os.kill(engine, signal.SIGKILL)
        support.wait_for("another engine", lambda: set(daemon.engines()) - {engine})
        support.wait_for("bytes again", lambda: raw.size > size + 50_000 or raw.ended)
        print(f"bytes again {time.monotonic() - killed:.2f} s after the kill", flush=True)
        support.wait_for("segments again",
                         lambda: any(segment.start_ms > killed_ms for segment in hls.segments[before:]))
        hls.wait_segments(3)
        hls.leave()
        raw.leave()
        self.assertFalse(raw.ended, "the stream viewer was sent away")
        self.assertEqual(hls.faults, [])
        self.assertEqual(len(daemon.engines()), 1)

        numbers = [segment.sequence for segment in hls.segments]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))), "numbers without hole or repeat")
        self.assertEqual(hls.sequences, sorted(hls.sequences), "the media sequence only rises")
        self.assertEqual(len(hls.discontinuities), 1, "one discontinuity for one crash")
        new, = (segment for segment in hls.segments if segment.sequence in hls.discontinuities)
        last = next(segment for segment in hls.segments if segment.sequence == new.sequence - 1)
        self.assertLess(abs(new.start_ms - killed_ms), 30_000, "joined where time is")
        for segment in (last, new, hls.segments[-1]):
            self.assert_place(daemon, segment)
        for one, two in zip(hls.segments, hls.segments[1:]):
            if two is not new:
                self.assertAlmostEqual(two.start_ms - one.start_ms, one.duration * 1000, delta=2)

        self.assert_record(daemon, killed_ms)
        status = daemon.channel()
        self.assertEqual((status["starts"], status["crashes"]), (2, 1))

    def assert_record(self, daemon, killed_ms):
        """The dead session is closed: one error entry, and the segment on the air as far as it came."""
        span = f"channels/one/asrun?from={killed_ms - 60_000}&to={killed_ms + 120_000}"
        entries = support.wait_for("an error entry", lambda: [
            entry for entry in daemon.api(span)["entries"] if entry["kind"] == "channel_terminated"])
        self.assertEqual(len(entries), 1, entries)
        self.assertRegex(entries[0]["detail"], "signal 9|the connection to the engine ended")
        dead = entries[0]["session_id"]
        ends = [entry for entry in daemon.api(span)["entries"]
                if entry["kind"] == "segment_end" and entry["session_id"] == dead]
        self.assertEqual([entry["status"] for entry in ends][-1:], ["TRUNCATED"], ends)
        self.assertLess(abs(ends[-1]["actual_end_utc_ms"] - killed_ms), 10_000)
        folder = os.path.join(daemon.data, "logs", "asrun", "one")
        text = ""
        for name in sorted(os.listdir(folder)):
            if name.endswith(".asrun"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    text += file.read()
        self.assertRegex(text, r"(?m)^\d\d:\d\d:\d\d \S+ +ERROR ")
        self.assertRegex(text, r"(?m)^\d\d:\d\d:\d\d \S+ +TRUNCATED ")

    def test_daemon_killed(self):
        daemon, hls, raw = self.watched()
        support.wait_for("scan", lambda: daemon.api("catalog/progress")["done"])
        guide = programmes(daemon)
        planned = daemon.planned()
        now = daemon.now_ms()
        span = f"channels/one/asrun?from={now - 600_000}&to={now + 600_000}"
        entries = support.wait_for("as-run entries", lambda: daemon.api(span)["entries"])
        catalog = daemon.api("catalog/progress")
        self.assertEqual((catalog["measured"], catalog["unchanged"]), (6, 0))

        os.kill(daemon.pid, signal.SIGKILL)
        daemon.process.wait()
        killed = time.monotonic()
        support.wait_for("end of the engine", lambda: not support.processes(daemon.mark))
        print(f"engine gone {time.monotonic() - killed:.2f} s after its daemon", flush=True)
        hls.leave()
        raw.leave()
        newest = max(segment.sequence for segment in hls.segments)

        daemon.process.stdout.close()
        daemon.start()
        self.assertEqual(programmes(daemon)[:len(guide)], guide, "the guide is another one")
        kept = {row["event_id"]: row for row in daemon.planned()}
        self.assertEqual([kept.get(row["event_id"]) for row in planned], planned, "the log is another one")
        support.wait_for("scan", lambda: daemon.api("catalog/progress")["done"])
        catalog = daemon.api("catalog/progress")
        self.assertEqual((catalog["measured"], catalog["unchanged"]), (0, 6), "measured again")
        after = {entry["event_uuid"]: entry for entry in daemon.api(span)["entries"]}
        self.assertEqual([after.get(entry["event_uuid"]) for entry in entries], entries, "as-run entries have changed")
        _, _, _, segments = support.read_playlist(daemon.get("/channel/one/live.m3u8").text)
        self.assertGreater(segments[0].sequence, newest, "the media sequence went back")
        for segment in segments[:1]:
            segment.data = daemon.get(f"/channel/one/{segment.uri}").body
            self.assert_place(daemon, segment)


def programmes(daemon):
    """The guide's programmes, as text, in order."""
    text = daemon.get("/guide.xml").text
    return [part.split("</programme>")[0] for part in text.split("<programme ")[1:]]


if __name__ == "__main__":
    support.main()
