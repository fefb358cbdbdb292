"""What players do: ffmpeg and GStreamer read playlist and stream as they would any other, over seams and a fence."""

import os
import signal
import subprocess
import threading

import jsonschema

import support

GST_PICTURES, GST_SOUNDS = 450, 700  # 15 s
GST_DEBUG = ",".join(f"{name}:2" for name in ("hlsdemux", "souphttpsrc", "tsdemux", "mpegtsbase", "mpegtspacketizer",
                                              "pesparser", "h264parse", "aacparse", "libav"))


class GstPlayer:
    """Decodes with gst-launch, on a thread of its own, until it has seen enough."""

    def __init__(self, folder, url, demuxer):
        command = ["gst-launch-1.0", "-v", "souphttpsrc", f"location={url}", "!", *demuxer, "tsdemux", "name=d",
                   "d.", "!", "queue", "!", "h264parse", "!", "avdec_h264", "!",
                   "fakesink", "name=video", "silent=false",
                   "d.", "!", "queue", "!", "aacparse", "!", "avdec_aac", "!",
                   "fakesink", "name=audio", "silent=false"]
        environment = {**os.environ, "GST_REGISTRY": os.path.join(folder, "registry"), "GST_DEBUG": GST_DEBUG,
                       "GST_DEBUG_NO_COLOR": "1"}
        self.pictures = self.sounds = 0
        self.complaints = []
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment,
                                         stderr=subprocess.STDOUT, text=True, errors="replace")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        for line in self._process.stdout:
            # Each buffer that reaches a sink is told in a line.
            self.pictures += "FakeSink:video: last-message = chain" in line
            self.sounds += "FakeSink:audio: last-message = chain" in line
            if " WARN " in line or "ERROR" in line or "WARNING" in line:
                self.complaints.append(line.rstrip())

    @property
    def enough(self):
        return (self.pictures >= GST_PICTURES and self.sounds >= GST_SOUNDS) or self._process.poll() is not None

    def end(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            self.complaints.append("does not end")
        self._thread.join(30)
        self._process.stdout.close()


class Clients(support.Case):
    def play(self, url, name, seconds):
        """ffmpeg decodes from the address for so long and stores what came; its complaints."""
        path = os.path.join(self.folder, name)
        command = ["ffmpeg", "-nostdin", "-v", "warning", "-xerror", "-i", url, "-t", str(seconds), "-map", "0:v",
                   "-map", "0:a", "-c", "copy", "-y", path, "-t", str(seconds), "-map", "0:v", "-map", "0:a", "-f", "null", "-"]
        return path, subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def test_players_over_a_fence(self):
        """All at once, on one engine."""
        daemon = self.daemon(shift_ms=support.shift_to(278_000))  # the last break, the last act, the fence
        base = f"http://127.0.0.1:{daemon.port}"
        players = {
            "playlist": self.play(f"{base}/channel/one/live.m3u8", "playlist.ts", 20),
            "stream": self.play(f"{base}/channel/one.ts", "stream.ts", 25),
            "tuner": self.play(f"{base}/auto/v1", "tuner.ts", 5),
        }
        others = {
            "gst playlist": GstPlayer(self.folder, f"{base}/channel/one/live.m3u8", ["hlsdemux", "!"]),
            "gst stream": GstPlayer(self.folder, f"{base}/channel/one.ts", []),
        }
        support.wait_for("engine", daemon.engines)
        self.assertEqual(len(daemon.engines()), 1)
        for name, (path, player) in players.items():
            complaints = player.communicate(timeout=150)[1].decode(errors="replace").strip()
            self.assertEqual((player.returncode, complaints), (0, ""), name)
            self.assertEqual(support.stream_kinds(path), ["aac", "h264"], name)
            self.assertEqual(support.decode_faults(path), "", name)
        for name, player in others.items():
            self.addCleanup(player.end)
            support.wait_for(f"15 s of {name}", lambda player=player: player.enough)
            player.end()
            self.assertEqual(player.complaints, [], name)
            self.assertGreaterEqual(player.pictures, GST_PICTURES, name)
            self.assertGreaterEqual(player.sounds, GST_SOUNDS, name)
        self.assertEqual(len(daemon.engines()), 1)
        self.assertEqual((daemon.channel()["starts"], daemon.channel()["crashes"]), (1, 0))
        now = daemon.now_ms()
        starts = [entry for entry in daemon.api(f"channels/one/asrun?from={now - 120_000}&to={now + 1000}")["entries"]
                  if entry["kind"] == "block_start"]
        self.assertGreaterEqual(len(starts), 2, "there was no fence in what they played")

    def test_the_api_answers_as_it_is_described(self):
        daemon = self.daemon(channels={"one.yaml": support.channel_yaml(), "broken.yaml": "channel: [\n"})
        viewer = support.RawViewer(daemon)
        viewer.wait_bytes(100_000)
        support.wait_for("a record", lambda: daemon.api("channels/one/asrun")["entries"])
        daemon.get("/nothing/here")  # so that there is a failure to be told
        document = daemon.get("/api/v1/openapi.json").json
        for template, methods in document["paths"].items():
            responses = methods.get("get", {}).get("responses")  # what changes something is http_access_test's
            if not responses or "text/event-stream" in responses["200"]["content"]:
                continue
            answer = daemon.get(template.replace("{channel}", "one"))
            with self.subTest(template):
                schema = responses[str(answer.status)]["content"]["application/json"]["schema"]
                validator = jsonschema.Draft202012Validator({**schema, "components": document["components"]})
                faults = [f"{list(fault.path)}: {fault.message[:300]}" for fault in validator.iter_errors(answer.json)]
                self.assertEqual(faults[:3], [])
        self.assertTrue(daemon.api("alerts")["alerts"] and daemon.api("failures")["failures"])
        viewer.leave()

    def test_lists_for_players(self):
        daemon = self.daemon()
        host = f"127.0.0.1:{daemon.port}"
        m3u = daemon.get("/channels.m3u").text
        self.assertTrue(m3u.startswith("#EXTM3U"), m3u)
        self.assertIn(f'url-tvg="http://{host}/guide.xml"', m3u)
        self.assertIn(f"http://{host}/channel/one.ts", m3u)
        self.assertIn(f"http://{host}/channel/one/master.m3u8", daemon.get("/channels.m3u?format=hls").text)
        secure = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "tv.example.org"}  # from a front with TLS
        self.assertIn("https://tv.example.org/channel/one.ts", daemon.get("/channels.m3u", secure).text)
        guide = os.path.join(self.folder, "guide.xml")
        with open(guide, "wb") as file:
            file.write(daemon.get("/guide.xml").body)
        subprocess.run(["xmllint", "--noout", "--nonet", guide], check=True, timeout=60)
        zipped = daemon.get("/guide.xml", {"Accept-Encoding": "gzip"})
        self.assertEqual(zipped.headers["Content-Encoding"], "gzip")
        again = daemon.get("/guide.xml", {"If-None-Match": zipped.headers["ETag"]})
        self.assertEqual((again.status, again.body), (304, b""))


if __name__ == "__main__":
    support.main()
