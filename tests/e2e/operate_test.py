"""What operators do to a daemon: start it on nothing, fill folders, edit channels, signal it at any moment."""

import os
import re
import shutil
import signal
import subprocess
import threading
import time

import support

MOMENTS_S = (0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)  # after the start, when a daemon is ended


def begin(daemon):
    """Starts it without waiting for `ready`."""
    daemon.process = subprocess.Popen(daemon.arguments(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      stdin=subprocess.DEVNULL, env=daemon.environment)
    threading.Thread(target=daemon._read_log, args=(daemon.process.stderr,), daemon=True).start()


class Nothing(support.Case):
    """Folders of which no channel can be made: said, shown on the page, and mended while it runs."""

    def begin_on(self, media, expected):
        daemon = self.daemon(start=False, channels={}, media=[media])
        begin(daemon)
        said = support.wait_for("word of it", lambda: re.search(r"^retrovue: (no channel is on the air: .*) "
                                r"\(the page is at http://127\.0\.0\.1:(\d+)/\)$", daemon.log(), re.MULTILINE))
        daemon.port = int(said.group(2))
        self.assertIn(expected, said.group(1))
        alert, = daemon.api("alerts")["alerts"]
        self.assertEqual((alert["severity"], alert["message"]), ("warning", said.group(1)))
        self.assertEqual(daemon.get("/readyz").status, 503)
        self.assertEqual(daemon.get("/").status, 200)
        return daemon

    def test_empty_folder_that_is_filled(self):
        media = os.path.join(self.folder, "media")
        os.mkdir(media)
        daemon = self.begin_on(media, f"there are no videos in {media}")
        for clip in list(support.clips().values())[:3]:
            shutil.copy(clip.path, media)
        daemon.process.send_signal(signal.SIGHUP)
        self.assertEqual(daemon.process.stdout.readline(), f"ready http://127.0.0.1:{daemon.port}/\n".encode())
        self.assertEqual([a for a in daemon.api("alerts")["alerts"] if a["severity"] != "info"], [])
        ident = daemon.api("channels")["channels"][0]["id"]
        viewer = support.RawViewer(daemon, f"/channel/{ident}.ts")
        viewer.wait_bytes(100_000)
        viewer.leave()
        self.assertEqual(daemon.end(), 0)

    def test_nothing_usable(self):
        self.begin_on(os.path.join(support.MEDIA, "unusable"), "4 refused")

    def test_promos_only(self):
        media = os.path.join(self.folder, "promos")
        os.mkdir(media)
        for clip in list(support.clips().values())[:2]:
            shutil.copy(clip.path, media)
        self.begin_on(media, "2 promo")


class Ended(support.Case):
    """SIGTERM is never too early, and leaves nothing behind."""

    def test_at_any_moment_of_the_start(self):
        for moment in MOMENTS_S:
            with self.subTest(moment=moment):
                daemon = self.daemon(start=False)
                begin(daemon)
                time.sleep(moment)  # polls for nothing: the moment is what is tested
                daemon.process.send_signal(signal.SIGTERM)
                self.assertIn(daemon.process.wait(support.START_S), (0, -signal.SIGTERM))
                self.assertEqual(support.processes(daemon.mark), {})
                self.assertFalse(support.SANITIZER.search(daemon.log()), daemon.log()[-3000:])
                daemon.kill()
                daemon.process = None

    def test_while_engines_start(self):
        daemon = self.daemon(channels={f"{name}.yaml": support.channel_yaml(name, number, name) for number, name in
                                       enumerate(("one", "two", "three", "four"), 1)})
        viewers = [support.RawViewer(daemon, f"/channel/{name}.ts") for name in ("one", "two", "three", "four")]
        support.wait_for("an engine", daemon.engines)
        self.assertEqual(daemon.end(), 0)
        self.assertEqual(support.processes(daemon.mark), {})
        self.assertEqual(os.listdir(os.path.join(daemon.data, "run")), [])
        for viewer in viewers:
            viewer.leave()


class Signalled(support.Case):
    def test_hangups_disturb_nobody(self):
        daemon = self.daemon()
        viewer = support.RawViewer(daemon)
        viewer.wait_bytes(100_000)
        for _ in range(20):
            daemon.process.send_signal(signal.SIGHUP)
            viewer.wait_bytes(10_000)
        support.wait_for("a scan of them", lambda: len(daemon.events("catalog.scanned")) > 1)
        channel = daemon.channel()
        self.assertEqual((channel["state"], channel["starts"], channel["crashes"]), ("live", 1, 0))
        viewer.leave()

    def test_an_engine_that_hangs_is_replaced(self):
        daemon = self.daemon()
        viewer = support.RawViewer(daemon)
        viewer.wait_bytes(100_000)
        engine, = daemon.engines()
        os.kill(engine, signal.SIGSTOP)
        support.wait_for("another engine", lambda: daemon.engines() not in ([engine], []))
        viewer.wait_bytes(100_000)
        self.assertNotIn(engine, support.processes(daemon.mark))
        self.assertEqual(daemon.channel()["crashes"], 1)
        viewer.leave()

    def test_a_channel_is_added_and_removed(self):
        daemon = self.daemon()
        viewer = support.RawViewer(daemon)
        viewer.wait_bytes(100_000)
        daemon.write_channel("two.yaml", support.channel_yaml("two", 2, "Two"))
        support.wait_for("a second channel", lambda: len(daemon.api("channels")["channels"]) == 2)
        second = support.RawViewer(daemon, "/channel/two.ts")
        second.wait_bytes(100_000)
        os.unlink(os.path.join(daemon.channels, "two.yaml"))
        support.wait_for("one engine less", lambda: len(daemon.engines()) == 1)
        self.assertEqual(daemon.get("/channel/two/live.m3u8").status, 404)
        viewer.wait_bytes(100_000)
        self.assertEqual(daemon.channel()["starts"], 1)
        second.leave()
        viewer.leave()


if __name__ == "__main__":
    support.main()
