"""A ladder of two: the master playlist names both renditions, and each segment is the same stretch of both."""

import os

import support
import ts

LADDER = support.channel_yaml().replace("  grid_minutes: 5\n",
                                        "  grid_minutes: 5\n  renditions: [{height: 90, bitrate_kbps: 200}]\n")


class Ladder(support.Case):
    def playable(self, data, name):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(data)
        self.assertEqual(support.decode_faults(path), "")

    def test_both_steps_are_one_programme(self):
        daemon = self.daemon(channels={"one.yaml": LADDER})
        master = daemon.get("/channel/one/master.m3u8")
        self.assertEqual(master.status, 200)
        self.assertEqual(master.text.count("#EXT-X-STREAM-INF"), 2, master.text)
        self.assertIn("RESOLUTION=320x180", master.text)
        self.assertIn("RESOLUTION=160x90", master.text)
        second = master.text.strip().splitlines()[-1]
        self.assertRegex(second, r"^second/live-\d+\.m3u8$")
        viewers = (support.HlsViewer(daemon), support.HlsViewer(daemon, f"/channel/one/{second}", "e2e second"))
        for viewer in viewers:
            viewer.wait_segments(4)
        self.assertGreaterEqual(daemon.channel()["viewers"], 2, "whoever follows either step")
        for viewer in viewers:
            viewer.leave()
        both = [{segment.sequence: segment for segment in viewer.segments} for viewer in viewers]
        common = sorted(set(both[0]) & set(both[1]))
        self.assertGreaterEqual(len(common), 4)
        for sequence in common:
            a, b = (segments[sequence] for segments in both)
            self.assertEqual((a.duration, a.start_ms), (b.duration, b.start_ms), sequence)
            first, other = ts.Stream(a.data), ts.Stream(b.data)
            self.assertEqual(first.video, other.video, f"pictures of segment {sequence}")
        sizes = [sum(len(segments[sequence].data) for sequence in common) for segments in both]
        self.assertLess(sizes[1], sizes[0])
        for i, segments in enumerate(both):
            self.playable(b"".join(segments[sequence].data for sequence in common), f"step{i}.ts")
        self.assertEqual(daemon.events("output.rendition_failed"), [])


if __name__ == "__main__":
    support.main()
