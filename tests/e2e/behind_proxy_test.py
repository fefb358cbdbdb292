"""Behind nginx, with the very configuration that deploy/nginx offers: only addresses and folders are put in its place."""

import os
import shutil
import socket
import subprocess
import threading

import support

CONFIGURATION = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../deploy/nginx/retrovue.conf")
NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")

MAIN = """\
{user}
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{}}
http {{
        access_log off;
        client_body_temp_path {folder}/body;
        proxy_temp_path {folder}/proxy;
        fastcgi_temp_path {folder}/fastcgi;
        uwsgi_temp_path {folder}/uwsgi;
        scgi_temp_path {folder}/scgi;
        include {folder}/retrovue.conf;
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class BehindProxy(support.Case):
    def proxy(self, daemon):
        """Starts nginx in front of the daemon; its port."""
        folder, port = os.path.join(self.folder, "nginx"), free_port()
        os.mkdir(folder)
        with open(CONFIGURATION, encoding="utf-8") as file:
            text = file.read()
        for old, new in (("/var/cache/nginx/retrovue", f"{folder}/cache"),
                         ("server 127.0.0.1:8080;", f"server 127.0.0.1:{daemon.port};"),
                         ("listen 80;", f"listen 127.0.0.1:{port};")):
            self.assertEqual(text.count(old), 1, old)
            text = text.replace(old, new)
        with open(os.path.join(folder, "retrovue.conf"), "w", encoding="utf-8") as file:
            file.write(text)
        with open(os.path.join(folder, "nginx.conf"), "w", encoding="utf-8") as file:
            file.write(MAIN.format(folder=folder, user="user root;" if os.geteuid() == 0 else ""))
        log = open(os.path.join(folder, "log"), "wb")
        self.addCleanup(log.close)
        nginx = subprocess.Popen([NGINX, "-p", folder, "-c", os.path.join(folder, "nginx.conf")],
                                 stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(nginx.wait)
        self.addCleanup(nginx.terminate)

        def answers():
            self.assertIsNone(nginx.poll(), "nginx ended: see its log")
            try:
                return support.fetch(port, "/healthz").status == 200
            except OSError:
                return False

        support.wait_for("nginx", answers)
        return port

    def test_playlist_and_segments_from_the_cache(self):
        daemon = self.daemon()
        port = self.proxy(daemon)
        statuses = [None] * 10

        def join(i):
            statuses[i] = support.fetch(port, "/channel/one/live.m3u8", {"User-Agent": f"viewer {i}"}).status

        threads = [threading.Thread(target=join, args=(i,)) for i in range(len(statuses))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(statuses, [200] * len(statuses))
        self.assertEqual(daemon.channel()["starts"], 1)

        answer = support.fetch(port, "/channel/one/live.m3u8")
        self.assertEqual(answer.headers["Content-Type"], "application/vnd.apple.mpegurl")
        self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "*")
        segment = support.read_playlist(answer.text)[3][-1]
        first, second = (support.fetch(port, f"/channel/one/{segment.uri}") for _ in range(2))
        self.assertEqual((first.status, first.headers["Content-Type"]), (200, "video/mp2t"))
        self.assertEqual(second.headers["X-Cache-Status"], "HIT")
        self.assertEqual(second.body, first.body)
        self.assertEqual(first.body, daemon.get(f"/channel/one/{segment.uri}").body)
        part = support.fetch(port, f"/channel/one/{segment.uri}", {"Range": "bytes=0-187"})
        self.assertEqual((part.status, part.body), (206, first.body[:188]))
        path = os.path.join(self.folder, "segment.ts")
        with open(path, "wb") as file:
            file.write(first.body)
        self.assertEqual(support.decode_faults(path), "")

    def test_the_playlist_moves_on(self):
        daemon = self.daemon()
        port = self.proxy(daemon)
        first = support.read_playlist(support.fetch(port, "/channel/one/live.m3u8").text)[3][-1].sequence
        support.wait_for("a newer playlist", lambda: support.read_playlist(
            support.fetch(port, "/channel/one/live.m3u8").text)[3][-1].sequence >= first + 3, 30, 0.5)
        self.assertEqual(daemon.channel()["starts"], 1)

    def test_stream(self):
        daemon = self.daemon()
        port = self.proxy(daemon)

        class Front:  # as RawViewer needs it
            pass
        Front.port = port
        viewer = support.RawViewer(Front)
        viewer.wait_bytes(400_000)
        self.assertEqual(daemon.channel()["viewers"], 1)
        viewer.leave()
        support.wait_for("departure", lambda: daemon.channel()["viewers"] == 0, 15)
        support.wait_for("end of the engine", lambda: not daemon.engines(), 20)

    def test_asking_for_headers_starts_nothing(self):
        daemon = self.daemon()
        port = self.proxy(daemon)
        for path in ("/channel/one/live.m3u8", "/channel/one.ts", "/"):
            self.assertEqual(support.fetch(port, path, method="HEAD").status, 200, path)
        self.assertEqual(daemon.channel()["starts"], 0)

    def test_addresses_are_those_of_the_front(self):
        daemon = self.daemon()
        port = self.proxy(daemon)
        m3u = support.fetch(port, "/channels.m3u", {"Host": "tv.example.org"}).text
        self.assertIn("http://tv.example.org/channel/one.ts", m3u)
        self.assertIn('url-tvg="http://tv.example.org/guide.xml"', m3u)
        self.assertNotIn(str(daemon.port), m3u)
        self.assertNotIn("127.0.0.1", m3u)
        self.assertIn(f"http://tv.example.org:{port}/channel/one/live.m3u8",
                      support.fetch(port, "/channels.m3u?format=hls", {"Host": f"tv.example.org:{port}"}).text)
        guide = support.fetch(port, "/guide.xml", {"Host": "tv.example.org"}).text
        self.assertNotIn("127.0.0.1", guide)
        secure = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "tv.example.org"}  # from a front with TLS
        self.assertIn("https://tv.example.org/channel/one.ts", daemon.get("/channels.m3u", secure).text)


if __name__ == "__main__":
    support.main()
