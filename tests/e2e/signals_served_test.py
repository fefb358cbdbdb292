"""A channel whose file asks for splices, served: what players and inserters are told of its breaks, at either way out."""

import re

import scte35
import support
import ts

CHANNEL = support.channel_yaml() + "signalling: {splices: true}\n"
PHASE_MS = 240_000  # of a slot: its first break begins 15 s later
SPOTS = ("commercial", "promo")
TAG = re.compile(r'#EXT-X-DATERANGE:ID="([^"]+)",START-DATE="([^"]+)"(?:,PLANNED-DURATION=([\d.]+),SCTE35-OUT=0x([0-9A-F]+)|'
                 r',DURATION=([\d.]+),SCTE35-IN=0x([0-9A-F]+))')


class Range:
    """What the tags of one ID say, which must be the same in every playlist."""

    def __init__(self):
        self.start_ms = self.planned = self.out = self.duration = self.back = None

    def take(self, **said):
        for name, value in said.items():
            if value is not None:
                assert getattr(self, name) in (None, value), f"{name} was {getattr(self, name)}, is {value}"
                setattr(self, name, value)


class Served(support.Case):
    def look(self, daemon, ranges):
        """One playlist; True when a break has both ends."""
        text = daemon.get("/channel/one/live.m3u8").text
        if "#EXTINF" not in text:
            return False
        segments = support.read_playlist(text)[3]
        lines = [line for line in text.splitlines() if line.startswith("#EXT-X-DATERANGE")]
        for line in lines:
            ident, start, planned, out, duration, back = TAG.fullmatch(line).groups()
            ranges.setdefault(ident, Range()).take(start_ms=support.instant_ms(start), planned=planned, out=out,
                                                   duration=duration, back=back)
            end_ms = ranges[ident].start_ms + 1000 * float(ranges[ident].duration or ranges[ident].planned)
            self.assertGreater(end_ms, segments[0].start_ms, "a range that is over is listed")
        for segment in segments:
            if segment.uri not in self.segments:
                segment.data = daemon.get(f"/channel/one/{segment.uri}").body
                self.segments[segment.uri] = segment
        return any(found.back for found in ranges.values())

    def test_breaks_are_date_ranges(self):
        daemon = self.daemon(channels={"one.yaml": CHANNEL}, shift_ms=support.shift_to(PHASE_MS))
        viewer = support.RawViewer(daemon)
        ranges, self.segments = {}, {}
        support.wait_for("a break", lambda: self.look(daemon, ranges), every=0.3)
        one = next(found for found in ranges.values() if found.back)
        back = scte35.Message(bytes.fromhex(one.back))
        support.wait_for("the break's end", lambda: self.read(viewer).pictures[-1].pts > back.pts, every=1)
        viewer.leave()
        stream = self.read(viewer)
        self.assertEqual(stream.faults, [])
        self.check_range(one, stream, daemon.planned())

    def read(self, viewer):
        data = viewer.data
        return ts.Stream(data[:len(data) // ts.PACKET * ts.PACKET])

    def dated(self, stream):
        """Time stamp and date of a picture: the first of a segment of the playlist, which is the stream's, too."""
        for segment in self.segments.values():
            fetched = ts.Stream(segment.data)
            if fetched.pictures and fetched.pictures[0].pts in stream.video:
                return fetched.pictures[0].pts, segment.start_ms
        raise AssertionError("no segment is of the stream")

    def check_range(self, one, stream, planned):
        pictures = {picture.pts: picture for picture in stream.pictures}
        out, back = (scte35.Message(bytes.fromhex(text)) for text in (one.out, one.back))
        pts, date_ms = self.dated(stream)
        self.assertAlmostEqual(one.start_ms - date_ms, (out.pts - pts) * 1000 / ts.TICKS, delta=1)
        self.assertEqual((out.out, back.out, out.event_id), (True, False, back.event_id))
        self.assertTrue(pictures[out.pts].idr and pictures[back.pts].idr)
        self.assertAlmostEqual(float(one.planned), out.duration / ts.TICKS, delta=0.00001)
        self.assertAlmostEqual(float(one.duration), (back.pts - out.pts) / ts.TICKS, delta=0.0001)
        # The plan's spots, to the frame.
        starts = [row["start_ms"] for before, row in zip(planned, planned[1:])
                  if row["type"] in SPOTS and before["type"] == "content"]
        self.assertIn(True, [0 <= one.start_ms - start < 34 for start in starts], (one.start_ms, starts))
        heard = [at for at, section in stream.sections[stream.splice_pid] if bytes(section) == out.section]
        self.assertTrue(heard)
        notice = (out.pts - stream.pictures[heard[0]].pts) / ts.TICKS
        self.assertGreaterEqual(notice, 4)


if __name__ == "__main__":
    support.main()
