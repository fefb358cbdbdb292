"""What players do: ffmpeg reads the playlist and the stream as it would any other, over seams and a fence."""

import os
import subprocess

import support


class Clients(support.Case):
    def play(self, url, name, seconds):
        """ffmpeg decodes from the address for so long and stores what came; its complaints."""
        path = os.path.join(self.folder, name)
        command = ["ffmpeg", "-nostdin", "-v", "warning", "-xerror", "-i", url, "-t", str(seconds), "-map", "0", "-c",
                   "copy", "-y", path, "-t", str(seconds), "-map", "0:v", "-map", "0:a", "-f", "null", "-"]
        return path, subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def test_ffmpeg_plays_both_over_a_fence(self):
        daemon = self.daemon(shift_ms=support.shift_to(278_000))  # the last break, the last act, the fence
        base = f"http://127.0.0.1:{daemon.port}"
        players = {
            "playlist": self.play(f"{base}/channel/one/live.m3u8", "playlist.ts", 20),
            "stream": self.play(f"{base}/channel/one.ts", "stream.ts", 25),
            "tuner": self.play(f"{base}/auto/v1", "tuner.ts", 5),
        }
        for name, (path, player) in players.items():
            complaints = player.communicate(timeout=150)[1].decode(errors="replace").strip()
            self.assertEqual((player.returncode, complaints), (0, ""), name)
            self.assertEqual(support.stream_kinds(path), ["aac", "h264"], name)
            self.assertEqual(support.decode_faults(path), "", name)
        self.assertEqual(daemon.channel()["starts"], 1)
        now = daemon.now_ms()
        starts = [entry for entry in daemon.api(f"channels/one/asrun?from={now - 120_000}&to={now + 1000}")["entries"]
                  if entry["kind"] == "block_start"]
        self.assertGreaterEqual(len(starts), 2, "there was no fence in what they played")

    def test_lists_for_players(self):
        daemon = self.daemon()
        host = f"127.0.0.1:{daemon.port}"
        m3u = daemon.get("/channels.m3u").text
        self.assertTrue(m3u.startswith("#EXTM3U"), m3u)
        self.assertIn(f'url-tvg="http://{host}/guide.xml"', m3u)
        self.assertIn(f"http://{host}/channel/one.ts", m3u)
        self.assertIn(f"http://{host}/channel/one/live.m3u8", daemon.get("/channels.m3u?format=hls").text)
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
