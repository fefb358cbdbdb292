"""What users and machines get wrong: each is told clearly, and nothing else suffers."""

import hashlib
import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess

import support

BROKEN = "channel: two\nchannel_number: 2\ntimezone: America/New_York\nschedul: {}\npools: [\n"


class Refused(support.Case):
    """Starts that cannot work: exit status 1, a sentence that says what to do, nothing touched."""

    def refuse(self, daemon, expected, arguments=None, environment=None):
        result = subprocess.run(arguments or daemon.arguments(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env={**daemon.environment, **(environment or {})}, timeout=support.START_S, check=False)
        message = result.stderr.decode()
        self.assertEqual((result.returncode, result.stdout), (1, b""), message)
        self.assertNotRegex(message, support.SANITIZER)
        self.assertRegex(message.strip().splitlines()[-1], expected)
        self.assertEqual(support.processes(daemon.mark), {})

    def test_missing_media_folder(self):
        missing = os.path.join(self.folder, "no such folder")
        daemon = self.daemon(start=False, media=[missing])
        self.refuse(daemon, f"^retrovue: media folder {missing} cannot be read: No such file or directory$")
        self.refuse(daemon, f"{missing} cannot be read", daemon.arguments("scan"))

    def test_port_in_use(self):
        daemon = self.daemon(start=False)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.refuse(daemon, rf"cannot listen on 127\.0\.0\.1 port {port} \(choose another with --port\): "
                        "Address already in use", daemon.arguments() + ["--port", str(port)])

    def test_data_folder_in_use(self):
        daemon = self.daemon()
        result = subprocess.run(daemon.arguments(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                timeout=support.START_S, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"another retrovue uses {daemon.data}: end it first", result.stderr.decode())
        self.assertEqual(daemon.get("/healthz").status, 200)

    def test_database_that_is_none(self):
        daemon = self.daemon(start=False)
        path = os.path.join(daemon.data, "retrovue.db")
        garbage = hashlib.shake_256(b"garbage").digest(50_000)
        with open(path, "wb") as file:
            file.write(garbage)
        expected = f"^retrovue: database {path}: cannot be read or written: file is not a database; restore it"
        self.refuse(daemon, expected)
        self.refuse(daemon, expected, daemon.arguments("scan"))
        with open(path, "rb") as file:
            self.assertEqual(file.read(), garbage, "the file was touched")

    def test_database_that_cannot_be_opened(self):
        daemon = self.daemon(start=False)
        os.mkdir(os.path.join(daemon.data, "retrovue.db"))
        self.refuse(daemon, r"^retrovue: database .*/retrovue\.db: cannot be opened: ")

    def test_damaged_database(self):
        """Pages torn out of a real one: refused, or served without them, but neither crash nor silent repair."""
        daemon = self.daemon()
        support.wait_for("scan", lambda: daemon.api("catalog/progress")["done"])
        self.assertEqual(daemon.end(), 0)
        path = os.path.join(daemon.data, "retrovue.db")
        with open(path, "r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(4096)
            file.write(hashlib.shake_256(b"pages").digest(size - 4096))
        self.refuse(daemon, r"^retrovue: .*retrovue\.db.*(malformed|damaged|corrupt|not a database)")

    def test_air_program_that_is_none(self):
        daemon = self.daemon(start=False)
        self.refuse(daemon, "air_program: /no/such/program is not an executable file",
                    daemon.arguments() + ["--air", "/no/such/program"])

    def test_full_disk_at_start(self):
        """No file may grow beyond 16 KiB: the database cannot be made."""
        daemon = self.daemon(start=False)
        result = subprocess.run(daemon.arguments(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=daemon.environment, timeout=support.START_S, check=False, restore_signals=False,
                                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384)))
        message = result.stderr.decode()
        self.assertEqual(result.returncode, 1, message)
        self.assertRegex(message.strip().splitlines()[-1],
                         r"^retrovue: database .*retrovue\.db: .*(full|disk I/O|space|large)")
        self.assertEqual(self.daemon(folder=os.path.dirname(daemon.data)).get("/healthz").status, 200,
                         "no start once there is room again")

    def test_folder_of_unusable_files(self):
        daemon = self.daemon(start=False, media=[os.path.join(support.MEDIA, "unusable")])
        result = subprocess.run(daemon.arguments("scan"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                timeout=support.START_S, check=True)
        lines = result.stdout.decode().splitlines()
        for name in os.listdir(daemon.media[0]):
            said = [line for line in lines if os.path.join(daemon.media[0], name) in line]
            self.assertEqual(len(said), 1, f"{name}: {lines}")
            self.assertRegex(said[0], r"^refused +/.*: [A-Z].*\.$", "a refusal with its reason")
        self.assertEqual(lines[-1], "4 assets, 0 of them can be scheduled")


class Survived(support.Case):
    """Faults of a daemon that runs."""

    def assert_error(self, answer, status, code):
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (status, "application/json"))
        self.assertEqual(answer.json["error"]["code"], code)
        return answer.json["error"]["message"]

    def test_unknown_names(self):
        daemon = self.daemon()
        for path in ("/channel/nope/live.m3u8", "/channel/nope/master.m3u8", "/channel/nope.ts",
                     "/channel/nope/seg/x.ts", "/auto/v99", "/api/v1/channels/nope/asrun",
                     "/channel/%2e%2e/live.m3u8"):
            self.assertIn("no channel", self.assert_error(daemon.get(path), 404, "no_such_channel"), path)
        self.assert_error(daemon.get("/channel/one/seg/x.ts"), 404, "no_such_segment")
        self.assert_error(daemon.get("/api/v1/guide?from=yesterday"), 400, "bad_query")
        for path in ("/../../etc/passwd", "/channel/one%00/live.m3u8", "/channel/", "/channel//live.m3u8"):
            self.assertEqual(daemon.get(path).status, 404, path)
        self.assertEqual(daemon.get("/", method="DELETE").status, 405)
        self.assertEqual(daemon.channel()["starts"], 0)

    def test_broken_channel_file_leaves_others_alone(self):
        daemon = self.daemon(channels={"one.yaml": support.channel_yaml(), "two.yaml": BROKEN})
        self.assertEqual([c["id"] for c in daemon.api("channels")["channels"]], ["one"])
        alert, = daemon.api("alerts")["alerts"]
        self.assertEqual((alert["severity"], alert["code"], alert["class"]), ("error", "planner.fault", "planning"))
        self.assertIn("lint", alert["cure"])
        self.assertIn("planner.fault", [failure["code"] for failure in daemon.api("failures")["failures"]])
        self.assertEqual(alert["file"], os.path.join(daemon.channels, "two.yaml"))
        self.assertGreater(alert["line"], 0)
        self.assertGreater(alert["column"], 0)
        result = subprocess.run(daemon.arguments("channels"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                timeout=support.START_S, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr.decode(), rf"{alert['file']}:{alert['line']}:{alert['column']}: ")
        self.assertIn("One", result.stdout.decode())
        viewer = support.RawViewer(daemon)
        viewer.wait_bytes(188 * 100)
        viewer.leave()

    def test_channel_file_broken_while_it_runs(self):
        daemon = self.daemon(start=False)
        # Measured before, for until all files are the guide of days to come may change by itself.
        for words in (daemon.arguments("scan"), [daemon.program, "catalog", "measure", "--data", daemon.data]):
            subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=support.START_S,
                           check=True)
        daemon.start()
        viewer = support.RawViewer(daemon)
        viewer.wait_bytes(188 * 100)
        guide = daemon.get("/guide.xml").text
        self.assertEqual(daemon.api("alerts")["alerts"], [])
        daemon.write_channel("one.yaml", support.channel_yaml().replace("mode: sequential", "mode: sideways"))
        alert = support.wait_for("alert", lambda: daemon.api("alerts")["alerts"])[0]
        self.assertIn("sideways", alert["message"])
        line = next(i for i, text in enumerate(support.channel_yaml().splitlines(), 1) if "mode:" in text)
        self.assertEqual(alert["line"], line)
        self.assertEqual(daemon.get("/guide.xml").text.split("<programme", 1)[1],
                         guide.split("<programme", 1)[1], "the last good plan stays")
        viewer.wait_bytes(188 * 1000)
        self.assertEqual(daemon.channel()["starts"], 1)
        daemon.write_channel("one.yaml", support.channel_yaml())
        support.wait_for("end of the alert", lambda: not daemon.api("alerts")["alerts"])
        os.unlink(os.path.join(daemon.channels, "one.yaml"))
        support.wait_for("end of a channel without a file", lambda: not daemon.api("channels")["channels"])
        support.wait_for("end of its engine", lambda: not daemon.engines())
        viewer.leave()

    def test_air_missing(self):
        """Installed without its engine: channels can be listed, and watching says why it does not work."""
        program = os.path.join(self.folder, "bin", "retrovue")
        os.mkdir(os.path.dirname(program))
        shutil.copy(support.RETROVUE, program)
        daemon = self.daemon(program=program, air=None, environment={"PATH": "/nowhere"})
        self.assertIn("the playout engine retrovue-air is neither beside this program nor on PATH", daemon.log())
        answer = daemon.get("/channel/one/live.m3u8")
        message = self.assert_error(answer, 503, "not_on_air")
        self.assertIn("cannot start the engine", message)
        self.assertIn("retrovue-air", message)
        self.assertIsNotNone(answer.headers["Retry-After"])
        viewer = support.RawViewer(daemon)
        fault = support.wait_for("fault", lambda: daemon.channel()["fault"])
        self.assertIn("cannot start the engine", fault)
        viewer.leave()
        support.wait_for("rest", lambda: daemon.channel()["state"] == "off")

    def test_full_disk_while_it_runs(self):
        """No file may grow any more: viewers watch on, reading works, and nothing is corrupted."""
        daemon = self.daemon()
        support.wait_for("scan", lambda: daemon.api("catalog/progress")["done"])
        viewer = support.RawViewer(daemon)
        viewer.wait_bytes(100_000)
        guide = daemon.get("/guide.xml").text.split("<programme", 1)[1]
        for pid in [daemon.pid, *daemon.engines()]:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        viewer.wait_bytes(400_000)
        viewer.leave()
        support.wait_for("end of the engine", lambda: not daemon.engines())
        again = support.RawViewer(daemon)  # an engine that starts on a full disk
        again.wait_bytes(200_000)
        daemon.write_channel("two.yaml", support.channel_yaml("two", 2, "Two"))  # a plan that cannot be stored
        support.wait_for("word of it", lambda: '"level":"error"' in daemon.log())
        self.assertEqual(daemon.get("/guide.xml").status, 200)
        self.assertEqual(daemon.get("/healthz").status, 200)
        again.wait_bytes(100_000)
        again.leave()
        os.unlink(os.path.join(daemon.channels, "two.yaml"))
        for pid in support.processes(daemon.mark):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.assertEqual(daemon.end(), 0)
        with sqlite3.connect(os.path.join(daemon.data, "retrovue.db")) as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        database.close()
        daemon.start()
        self.assertEqual(daemon.get("/guide.xml").text.split("<programme", 1)[1], guide)
        last = support.RawViewer(daemon)
        last.wait_bytes(100_000)
        last.leave()


if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    support.main()
