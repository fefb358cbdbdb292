"""Tuning in and leaving: what the first viewer gets, how many engines there are, and when there is none."""

import os
import threading
import time

import support


class TuneIn(support.Case):
    def assert_playable(self, data, name):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(data)
        self.assertEqual(support.decode_faults(path), "")
        self.assertEqual(support.stream_kinds(path), ["aac", "h264"])

    def test_cold_playlist_is_playable_at_once(self):
        daemon = self.daemon()
        self.assertEqual(daemon.engines(), [], "an engine without a viewer")
        began = time.monotonic()
        answer = daemon.get("/channel/one/live.m3u8")
        print(f"cold playlist after {time.monotonic() - began:.2f} s", flush=True)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"], "application/vnd.apple.mpegurl")
        _, _, target, segments = support.read_playlist(answer.text)
        self.assertGreaterEqual(len(segments), 1)
        self.assertEqual(segments[0].sequence, 0, "a short playlist that is not a new one")
        data = b""
        for segment in segments:
            self.assertLess(segment.duration, target + 0.5)
            part = daemon.get(f"/channel/one/{segment.uri}")
            self.assertEqual((part.status, part.headers["Content-Type"]), (200, "video/mp2t"))
            self.assert_playable(part.body, "segment.ts")
            data += part.body
        self.assert_playable(data, "segments.ts")
        master = daemon.get("/channel/one/master.m3u8")
        self.assertIn("RESOLUTION=320x180", master.text)
        self.assertRegex(master.text, r'CODECS="avc1\.[0-9a-f]{6},mp4a\.40\.2"')

    def test_cold_stream_is_playable_at_once(self):
        daemon = self.daemon()
        began = time.monotonic()
        viewer = support.RawViewer(daemon)
        viewer.wait_bytes(188)
        print(f"cold stream after {time.monotonic() - began:.2f} s", flush=True)
        viewer.wait_bytes(400_000)
        viewer.leave()
        self.assertEqual(viewer.status, 200)
        self.assertEqual(viewer.data[0], 0x47)
        self.assert_playable(viewer.data[:len(viewer.data) // 188 * 188], "stream.ts")

    def test_twenty_first_joins_start_one_engine(self):
        daemon = self.daemon()
        gate = threading.Barrier(20)
        results = [None] * 20

        def join(i):
            gate.wait()
            if i % 2:
                answer = support.fetch(daemon.port, "/channel/one/live.m3u8", {"User-Agent": f"viewer {i}"})
                results[i] = answer.status
            else:
                viewer = support.RawViewer(daemon)
                viewer.wait_bytes(188 * 100)
                results[i] = viewer.status
                viewer.leave()

        threads = [threading.Thread(target=join, args=(i,)) for i in range(20)]
        for thread in threads:
            thread.start()
        most, joining = 0, True
        while joining:  # and once more when all have joined: the engine lingers
            joining = any(thread.is_alive() for thread in threads)
            most = max(most, len(daemon.engines()))
            time.sleep(0.02)  # polls the number of engines
        self.assertEqual(results, [200] * 20)
        self.assertEqual(most, 1)
        status = daemon.channel()
        self.assertEqual((status["starts"], status["crashes"]), (1, 0))

    def test_leaving_ends_the_engine_after_the_linger(self):
        daemon = self.daemon(settings={"linger": "3s"})
        viewer = support.RawViewer(daemon)
        viewer.wait_bytes(188 * 100)
        engines = daemon.engines()
        self.assertEqual(len(engines), 1)
        viewer.leave()
        support.wait_for("linger", lambda: daemon.channel()["state"] == "linger")
        self.assertEqual(daemon.engines(), engines, "gone before the linger was over")

        again = support.RawViewer(daemon)  # within the linger: nothing is started
        again.wait_bytes(188 * 100)
        self.assertEqual(daemon.engines(), engines, "a join within the linger finds the same engine")
        self.assertEqual(daemon.channel()["starts"], 1)
        support.wait_for("live again", lambda: daemon.channel()["state"] == "live")

        left = time.monotonic()
        again.leave()
        support.wait_for("end of the engine", lambda: not daemon.engines(), 15)
        self.assertGreaterEqual(time.monotonic() - left, 3, "gone before the linger was over")
        support.wait_for("off", lambda: daemon.channel()["state"] == "off", 5)
        self.assertEqual(support.engines_of(daemon.pid), [], "unreaped children")
        self.assertEqual(sorted(os.listdir(os.path.join(daemon.data, "run"))), ["core.sock", "ops.sock"])

    def test_one_leaving_does_not_touch_another(self):
        daemon = self.daemon()
        first, second = support.RawViewer(daemon), support.RawViewer(daemon)
        first.wait_bytes(188 * 100)
        second.wait_bytes(188 * 100)
        first.leave()
        second.wait_bytes(400_000)  # more than what was there, over several seconds: beyond the linger
        self.assertEqual(daemon.channel()["starts"], 1)
        second.leave()

    def test_asking_for_headers_starts_nothing(self):
        daemon = self.daemon()
        for path, kind in (("/channel/one/live.m3u8", "application/vnd.apple.mpegurl"),
                           ("/channel/one.ts", "video/mp2t"), ("/auto/v1", "video/mp2t")):
            answer = daemon.get(path, method="HEAD")
            self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, kind), path)
        self.assertEqual(daemon.get("/channels.m3u").status, 200)
        self.assertEqual(daemon.get("/guide.xml").status, 200)
        self.assertEqual(daemon.channel()["starts"], 0)
        self.assertEqual(daemon.engines(), [])


if __name__ == "__main__":
    support.main()
