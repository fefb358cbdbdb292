"""A ladder of two: the master playlist names both renditions, and each segment is the same stretch of both."""

import contextlib
import ctypes
import glob
import os
import re
import signal
import socket
import subprocess
import unittest

import support
import ts

LADDER = support.channel_yaml().replace("  grid_minutes: 5\n",
                                        "  grid_minutes: 5\n  renditions: [{height: 90, bitrate_kbps: 200}]\n")


SYS_PIDFD_GETFD = 438


def cut_second(daemon):
    """Ends the connection by which the daemon has the second rendition, as its engine would if that failed."""
    with open("/proc/net/unix", encoding="ascii") as table:
        inodes = re.findall(r" (\d+) \S+\.second$", table.read(), re.MULTILINE)
    links = {os.readlink(link): int(os.path.basename(link)) for link in glob.glob(f"/proc/{daemon.pid}/fd/*")
             if os.path.islink(link)}
    pidfd = os.pidfd_open(daemon.pid)
    for number in (links[f"socket:[{inode}]"] for inode in inodes if f"socket:[{inode}]" in links):
        fd = ctypes.CDLL(None, use_errno=True).syscall(SYS_PIDFD_GETFD, pidfd, number, 0)
        if fd < 0:
            raise unittest.SkipTest("descriptors of other processes are out of reach here")
        with socket.socket(fileno=fd) as end, contextlib.suppress(OSError):  # one that listens has no other end
            end.shutdown(socket.SHUT_RDWR)
    os.close(pidfd)


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
        first_bps, second_bps = map(int, re.findall(r"[:,]BANDWIDTH=(\d+)", master.text))
        self.assertLess(second_bps, first_bps)
        for bps, segments in zip((first_bps, second_bps), both):  # what is played may need less, and never more
            seconds = sum(segments[sequence].duration for sequence in common)
            self.assertLess(sum(len(segments[sequence].data) for sequence in common) * 8 / seconds, bps)
        for i, segments in enumerate(both):
            self.playable(b"".join(segments[sequence].data for sequence in common), f"step{i}.ts")
        self.assertEqual(daemon.events("output.rendition_failed"), [])

    def test_a_browser_changes_between_the_steps(self):
        daemon = self.daemon(channels={"one.yaml": LADDER})
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ladder.mjs")
        result = subprocess.run(["node", program, f"http://127.0.0.1:{daemon.port}/", "one"], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, timeout=250, check=False)
        self.assertEqual((result.returncode, result.stderr.decode()[-3000:]), (0, ""))

    def test_a_second_that_fails_is_told_and_comes_back(self):
        daemon = self.daemon(channels={"one.yaml": LADDER}, settings={"linger": "60s"})
        viewer = support.HlsViewer(daemon)
        viewer.wait_segments(2)
        self.assertEqual(daemon.get("/channel/one/master.m3u8").text.count("#EXT-X-STREAM-INF"), 2)
        self.assertEqual(daemon.api("alerts")["alerts"], [])
        cut_second(daemon)
        alert, = support.wait_for("alert", lambda: daemon.api("alerts")["alerts"])
        self.assertEqual(alert["severity"], "warning")
        self.assertEqual(alert["code"], "channel.rendition_lost")
        self.assertIn("channel one", alert["message"])
        self.assertEqual(len(daemon.events("channel.rendition_lost")), 1)
        self.assertEqual(daemon.get("/channel/one/master.m3u8").text.count("#EXT-X-STREAM-INF"), 1)
        os.kill(daemon.engines()[0], signal.SIGKILL)
        support.wait_for("both steps", lambda: daemon.get("/channel/one/master.m3u8").text.count(
            "#EXT-X-STREAM-INF") == 2)
        self.assertEqual(daemon.api("alerts")["alerts"], [])
        viewer.leave()
        self.assertEqual(viewer.faults, [])


if __name__ == "__main__":
    support.main()
