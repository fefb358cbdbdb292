"""The wall clock is set while somebody watches, as by NTP, by an operator, or because the machine has slept: the
programme that is due by the new time is on the air within seconds, the viewer's playlist goes on, the record is whole.
A correction of a few hundred milliseconds moves nothing."""

import itertools
import os
import struct

import support
import truth
import ts

RATE = truth.Fraction(30_000, 1001)


class ClockStep(support.Case):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.folder, "shift")
        self.shift(support.shift_to(100_000))
        self.served = self.daemon(shift_ms=self.shift_ms, environment={"RV_CLOCK_SHIFT_FILE": self.path})
        self.viewer = support.HlsViewer(self.served)
        self.addCleanup(self.viewer.leave)
        self.viewer.wait_segments(4)

    def shift(self, ms):
        self.shift_ms = ms
        with open(self.path, "r+b" if os.path.exists(self.path) else "wb") as file:
            file.write(struct.pack("=q", ms))

    def step(self, ms):
        self.shift(self.shift_ms + ms)
        self.served.shift_ms = self.shift_ms

    def starts(self):
        return self.served.channel()["starts"]

    def assert_on_time(self, segment):
        """Its date is the time by the clock as it is now set, and its pictures are those that are due then."""
        behind_ms = self.served.now_ms() - segment.start_ms
        self.assertTrue(0 < behind_ms < 15_000, f"programme dates are {behind_ms} ms behind the wall clock")
        path = os.path.join(self.folder, "segment.ts")
        with open(path, "wb") as file:
            file.write(segment.data)
        stream = ts.Stream(segment.data)
        ticks = [truth.tick_of(pts, RATE) for pts in stream.video]
        epoch_ms = round(segment.start_ms - ticks[0] * 1000 / RATE)
        session = truth.Session(self.served.plan(), RATE, epoch_ms, truth.library())
        seen = dict(zip(ticks, truth.read_pictures(path, 320, 180)))
        wrong, stand_ins = session.compare(seen)
        self.assertGreater(len(seen), 10)
        self.assertLess(len(wrong) + len(stand_ins), len(seen) / 2, "the wrong programme")

    def step_and_judge(self, ms):
        before, seen = self.starts(), len(self.viewer.segments)
        self.step(ms)
        support.wait_for("a session by the new time", lambda: self.starts() > before, 30)
        dated = lambda: [segment for segment in self.viewer.segments[seen:]
                         if segment.discontinuity or segment.sequence in self.viewer.discontinuities]
        support.wait_for("a segment of it", dated, 30)
        self.viewer.wait_segments(2)
        self.assert_on_time(self.viewer.segments[-1])
        self.assertEqual(self.viewer.faults, [])
        numbers = [segment.sequence for segment in self.viewer.segments]
        self.assertTrue(all(b == a + 1 for a, b in itertools.pairwise(numbers)), numbers)

    def test_steps(self):
        self.assert_on_time(self.viewer.segments[-1])
        self.step(400)
        self.viewer.wait_segments(3)
        self.assertEqual(self.starts(), 1, "a small correction has ended the session")
        self.step_and_judge(-47_000)
        self.step_and_judge(8 * 3_600_000)  # a night's sleep
        # A start may find that nothing is planned for the new time yet, and is made again.
        self.assertEqual(self.starts() - len(self.served.events("feed.no_schedule_data")), 3)
        told = [event["by_ms"] for event in self.served.events("channel.clock_set")]
        self.assertEqual([round(by_ms / 1000) for by_ms in told], [-47, 8 * 3600])
        self.assertEqual(self.served.channel()["crashes"], 0)


if __name__ == "__main__":
    support.main()
