"""Behind nginx with deploy/nginx/retrovue.conf, the very file: page, playlists, segments, raw streams, addresses, and
who counts as a viewer."""

import contextlib
import getpass
import http.client
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

import support

CONF = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy", "nginx", "retrovue.conf")

# What the distribution's nginx.conf has around the file.
MAIN = """\
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 256; }}
http {{
    types {{ text/html html; }}
    default_type application/octet-stream;
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/retrovue.conf;
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


SEGMENT_PLACE = r"location ~ \^/channel/\[\^/\]\+/\(second/\)\?seg/"


def with_shelf(text, shelf):
    """Segments by nginx itself: the location that stands there as a comment, in place of the one that asks."""
    text, n = re.subn(r"(?ms)^    " + SEGMENT_PLACE + r".*?^    \}\n", "", text)
    block = re.search(r"(?ms)^    # " + SEGMENT_PLACE + r".*?^    # location @segment \{.*?^    # \}\n", text)
    if n != 1 or not block or "root /run/retrovue/segments;" not in block.group():
        raise AssertionError(f"{CONF} has no two locations of segments")
    lines = re.sub(r"(?m)^    # ", "    ", block.group()).replace("/run/retrovue/segments", shelf)
    return text.replace(block.group(), lines)


def adapted(upstream, port, folder, shelf=None):
    """The file as it is, with other addresses and paths. What is not there to be changed is a fault of either."""
    with open(CONF, encoding="utf-8") as file:
        text = file.read()
    if shelf:
        text = with_shelf(text, shelf)
    for old, new in (("server 127.0.0.1:8080;", f"server 127.0.0.1:{upstream};"),
                     ("listen 80;", f"listen 127.0.0.1:{port};"),
                     ("listen [::]:80;", ""),
                     ("/var/cache/nginx-retrovue", f"{folder}/cache")):
        pattern = rf"(?m)^([^#\n]*){re.escape(old)}"
        text, n = re.subn(pattern, lambda match, new=new: match.group(1) + new, text)
        if n != 1:
            raise AssertionError(f"{old} is {n} times in {CONF}")
    return text


class Nginx:
    """In the foreground, as this user, on loopback, with everything it writes in one folder."""

    def __init__(self, parent, upstream, shelf=None):
        self.shelf = shelf
        self.folder = tempfile.mkdtemp(dir=parent)
        self.log_path = os.path.join(self.folder, "error.log")
        for _ in range(5):  # another program may take the port in between
            self.port = free_port()
            self._write(upstream)
            if self._start():
                return
        raise AssertionError(f"nginx does not start:\n{self.log()}")

    def _write(self, upstream):
        user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
        with open(os.path.join(self.folder, "retrovue.conf"), "w", encoding="utf-8") as file:
            file.write(adapted(upstream, self.port, self.folder, self.shelf))
        with open(os.path.join(self.folder, "nginx.conf"), "w", encoding="utf-8") as file:
            file.write(MAIN.format(user=user, folder=self.folder))

    def _start(self):
        with open(self.log_path, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                ["nginx", "-p", self.folder, "-e", "stderr", "-c", os.path.join(self.folder, "nginx.conf")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"})
        support.wait_for("nginx", lambda: self.process.poll() is not None or self._answers())
        return self.process.poll() is None

    def _answers(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return support.fetch(self.port, "/healthz").status == 200
        return False

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "still there"


def fetch_from(address, port, path, headers=None):
    """As a viewer at another address of this host."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=support.START_S, source_address=(address, 0))
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return support.Response(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


class Proxy(support.Case):
    def behind(self, **options):
        daemon = self.daemon(**options)
        nginx = Nginx(self.folder, daemon.port)
        self.addCleanup(self.check_nginx, nginx)
        return daemon, nginx

    def check_nginx(self, nginx):
        self.assertEqual(nginx.end(), 0, nginx.log())
        self.assertNotRegex(nginx.log(), r"\[(warn|alert|crit|emerg)\]")

    def wait_viewers(self, daemon, count):
        support.wait_for(f"{count} viewers", lambda: daemon.channel()["viewers"] == count)

    def test_documents_carry_the_proxy_s_address(self):
        _, nginx = self.behind()
        origin = f"http://127.0.0.1:{nginx.port}"
        page = support.fetch(nginx.port, "/", {"Accept-Encoding": "gzip"})
        self.assertEqual((page.status, page.headers["Content-Encoding"]), (200, "gzip"))
        self.assertIn("default-src 'self'", page.headers["Content-Security-Policy"])
        again = support.fetch(nginx.port, "/", {"Accept-Encoding": "gzip", "If-None-Match": page.headers["ETag"]})
        self.assertEqual((again.status, again.body), (304, b""))

        for path in ("/channels.m3u", "/channels.m3u?format=hls", "/guide.xml"):
            answer = support.fetch(nginx.port, path)
            self.assertEqual(answer.status, 200, path)
            addresses = set(re.findall(r"https?://[^/\"<]*", answer.text))
            self.assertEqual(addresses, {origin}, path)
        listed = re.search(r"(?m)^http\S+$", support.fetch(nginx.port, "/channels.m3u").text).group()
        self.assertEqual(listed, f"{origin}/channel/one.ts")
        self.assertEqual(support.fetch(nginx.port, "/guide.xml", method="HEAD").status, 200)
        named = support.fetch(nginx.port, "/channels.m3u", {"Host": "tv.example.org"}).text
        self.assertIn("\nhttp://tv.example.org/channel/one.ts", named)

        health = support.fetch(nginx.port, "/api/v1/channels", {"Accept-Encoding": "gzip"})
        self.assertEqual((health.status, health.headers["Content-Encoding"]), (200, "gzip"))
        self.assertEqual(support.fetch(nginx.port, "/nowhere").json["error"]["code"], "not_found")
        self.assertEqual(support.fetch(nginx.port, "/channel/one/live.m3u8", method="POST").status, 405)

    def test_playlist_and_segments(self):
        daemon, nginx = self.behind()
        viewer = support.HlsViewer(nginx)
        viewer.wait_segments(8)
        self.assertEqual(viewer.faults, [])
        viewer.leave()
        numbers = [segment.sequence for segment in viewer.segments]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))
        path = os.path.join(self.folder, "watched.ts")
        with open(path, "wb") as file:
            file.write(b"".join(segment.data for segment in viewer.segments))
        self.assertEqual(support.decode_faults(path), "")

        # Fetched once from RetroVue, in parts from the cache; the same bytes.
        newest = viewer.segments[-1]
        uri = f"/channel/one/{newest.uri}"
        whole = support.fetch(nginx.port, uri)
        self.assertEqual((whole.headers["X-Cache-Status"], whole.headers["Content-Type"]), ("HIT", "video/mp2t"))
        self.assertIn("immutable", whole.headers["Cache-Control"])
        self.assertEqual(whole.body, newest.data)
        part = support.fetch(nginx.port, uri, {"Range": "bytes=188-375"})
        self.assertEqual((part.status, part.body), (206, newest.data[188:376]))
        same = support.fetch(nginx.port, uri, {"If-None-Match": whole.headers["ETag"]})
        self.assertEqual((same.status, same.headers["X-Cache-Status"]), (304, "HIT"))
        self.assertEqual(daemon.get(uri).body, whole.body)

        # What is not there is asked for anew.
        missing = f"/channel/one/seg/{newest.uri.split('/')[-1].split('-')[0]}-999999.ts"
        for _ in range(2):
            answer = support.fetch(nginx.port, missing)
            self.assertEqual((answer.status, answer.headers["X-Cache-Status"]), (404, "MISS"))

        # Playlists are not kept.
        playlist = support.fetch(nginx.port, "/channel/one/live.m3u8", {"Accept-Encoding": "gzip"})
        self.assertEqual((playlist.status, playlist.headers["Content-Encoding"]), (200, "gzip"))
        self.assertIsNone(playlist.headers["X-Cache-Status"])

    def test_segments_that_nginx_sends_itself(self):
        shelf = os.path.join(self.folder, "shelf")
        os.chmod(self.folder, 0o755)  # nginx's workers may be another user
        daemon = self.daemon(settings={"segments_dir": shelf})
        nginx = Nginx(self.folder, daemon.port, shelf)
        self.addCleanup(self.check_nginx, nginx)
        viewer = support.HlsViewer(nginx)
        viewer.wait_segments(8)
        self.assertEqual(viewer.faults, [])
        self.assertEqual(daemon.channel()["viewers"], 1)
        viewer.leave()
        newest = viewer.segments[-1]
        uri = f"/channel/one/{newest.uri}"
        files = [os.path.join(folder, name) for folder, _, names in os.walk(shelf) for name in names]
        self.assertIn(f"{shelf}{uri}", files)
        sent = support.fetch(nginx.port, uri, {"Range": "bytes=188-375"})
        self.assertEqual((sent.status, sent.body, sent.headers["Content-Type"]),
                         (206, newest.data[188:376], "video/mp2t"))
        self.assertIn("immutable", sent.headers["Cache-Control"])
        self.assertEqual(sent.headers["Access-Control-Allow-Origin"], "*")
        os.unlink(f"{shelf}{uri}")  # one that is not there (yet) comes from RetroVue
        self.assertEqual(support.fetch(nginx.port, uri).body, newest.data)
        self.assertEqual(support.fetch(nginx.port, uri.replace(".ts", "9.ts")).json["error"]["code"], "no_such_segment")
        support.wait_for("rest", lambda: daemon.channel()["state"] == "off")
        support.wait_for("an empty shelf", lambda: not [name for _, _, names in os.walk(shelf) for name in names])

    def test_raw_stream_is_passed_on_at_once(self):
        daemon, nginx = self.behind()
        viewers = [support.RawViewer(nginx), support.RawViewer(nginx, "/auto/v1")]
        for viewer in viewers:
            viewer.wait_bytes(188 * 2000)
            self.assertEqual((viewer.status, viewer.data[:1], viewer.data[188:189]), (200, b"\x47", b"\x47"))
        self.wait_viewers(daemon, 2)
        # Neither in the cache of segments nor in a file in between.
        self.assertEqual(os.listdir(os.path.join(nginx.folder, "cache")), [])
        self.assertEqual([files for _, _, files in os.walk(os.path.join(nginx.folder, "proxy")) if files], [])
        path = os.path.join(self.folder, "raw.ts")
        data = viewers[0].data
        with open(path, "wb") as file:
            file.write(data[:len(data) - len(data) % 188])
        self.assertEqual(support.stream_kinds(path), ["aac", "h264"])
        for viewer in viewers:
            self.assertFalse(viewer.ended)
            viewer.leave()
        self.wait_viewers(daemon, 0)

    def test_viewers_are_told_apart(self):
        daemon, nginx = self.behind()
        playlist = "/channel/one/live.m3u8"
        same = {"User-Agent": "set-top"}
        self.assertEqual(fetch_from("127.0.0.1", nginx.port, playlist, same).status, 200)
        self.wait_viewers(daemon, 1)
        # Nobody is many by saying so.
        fetch_from("127.0.0.1", nginx.port, playlist, {**same, "X-Forwarded-For": "192.0.2.7"})
        self.assertEqual(daemon.channel()["viewers"], 1)
        fetch_from("127.0.0.2", nginx.port, playlist, same)  # another address
        self.assertEqual(daemon.channel()["viewers"], 2)
        fetch_from("127.0.0.1", nginx.port, playlist, {"User-Agent": "browser"})  # another player at the first
        self.assertEqual(daemon.channel()["viewers"], 3)
        self.assertEqual(len(daemon.engines()), 1)

    def test_two_viewers_then_none(self):
        daemon, nginx = self.behind()
        one, two = support.HlsViewer(nginx, agent="one"), support.HlsViewer(nginx, agent="two")
        one.wait_segments(6)
        two.wait_segments(6)
        self.assertEqual((daemon.channel()["viewers"], daemon.channel()["starts"]), (2, 1))
        one.leave()
        self.wait_viewers(daemon, 1)  # segments in the cache do not hide that the other one still watches
        two.wait_segments(2)
        self.assertEqual((one.faults, two.faults), ([], []))
        two.leave()
        left = time.monotonic()
        support.wait_for("end of the engine", lambda: not daemon.engines())
        print(f"engine gone {time.monotonic() - left:.1f} s after the last request", flush=True)
        support.wait_for("off", lambda: daemon.channel()["state"] == "off", 5)

        # A segment that is still in the cache starts nothing.
        answer = support.fetch(nginx.port, f"/channel/one/{two.segments[-1].uri}")
        self.assertEqual((answer.status, answer.headers["X-Cache-Status"]), (200, "HIT"))
        self.assertEqual((daemon.channel()["state"], daemon.channel()["starts"]), ("off", 1))


if not shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
    raise SystemExit("nginx is not installed (deploy/setup test)")

if __name__ == "__main__":
    support.main()
