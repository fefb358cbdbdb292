"""Low-Latency HLS, followed as players do, directly and through nginx: each playlist is asked for before it is there,
each part before it is told, and the parts are their segments byte for byte."""

import re
import statistics
import time

import proxy_test
import support

CHANNEL = support.channel_yaml() + "hls: {low_latency: true, part_ms: 200}\n"
LIST = "/channel/one/live.m3u8"
AGENT = {"User-Agent": "low latency"}


class Follower:
    """Blocking reloads of one playlist; keeps what was told."""

    def __init__(self, port):
        self.port = port
        self.parts = {}  # name -> bytes
        self.wholes = {}  # segment -> names of its parts
        self.lags_ms = []  # from a part's end by the clock to its playlist

    def get(self, path):
        answer = support.fetch(self.port, path, AGENT)
        if answer.status != 200:
            raise AssertionError(f"{path}: {answer.status} {answer.body[:300]!r}")
        return answer

    def read(self, text):
        """What comes next: number, part, the hinted one."""
        number = int(re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", text).group(1))
        names, end_ms = [], 0
        for line in text.splitlines():
            if line.startswith("#EXT-X-PROGRAM-DATE-TIME:"):
                end_ms = support.instant_ms(line.split(":", 1)[1])
            elif line.startswith("#EXT-X-PART:"):
                names.append(re.search(r'URI="(part/[^"]+)"', line).group(1))
                end_ms += 1000 * float(re.search(r"DURATION=([0-9.]+)", line).group(1))
            elif line.startswith("seg/"):
                if names:
                    self.wholes[line] = names
                names, number = [], number + 1
        if names:
            self.lags_ms.append(time.time() * 1000 - end_ms)
        hint = re.search(r'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="(part/[^"]+)"', text)
        return number, len(names), hint and hint.group(1)

    def follow(self, n_reloads):
        text = self.get(LIST).text
        for _ in range(n_reloads):
            number, part, hint = self.read(text)
            if hint:
                self.parts[hint] = self.get(f"/channel/one/{hint}").body
            text = self.get(f"{LIST}?_HLS_msn={number}&_HLS_part={part}").text
            after = self.read(text)
            if after[:2] <= (number, part):
                raise AssertionError(f"asked for {number}.{part}, told what comes is {after}")

    def compare(self):
        """Segments whose parts were all fetched ahead, against the segments."""
        n_whole = 0
        for uri, names in self.wholes.items():
            if all(name in self.parts for name in names):
                data = self.get(f"/channel/one/{uri}").body
                if b"".join(self.parts[name] for name in names) != data:
                    raise AssertionError(f"the parts of {uri} are not it: {names}")
                n_whole += 1
        return n_whole


class LowLatency(support.Case):
    def test_followed_directly_and_through_nginx(self):
        daemon = self.daemon(channels={"one.yaml": CHANNEL})
        nginx = proxy_test.Nginx(self.folder, daemon.port)
        self.addCleanup(nginx.end)
        for way, port in (("direct", daemon.port), ("nginx", nginx.port)):
            follower = Follower(port)
            follower.follow(14)
            self.assertGreaterEqual(follower.compare(), 1)
            lags = sorted(follower.lags_ms)
            print(f"{way}: part told {statistics.median(lags):.0f} ms after its last picture (median of {len(lags)}, "
                  f"worst {lags[-1]:.0f})", flush=True)
        name = next(reversed(follower.parts))
        self.assertEqual(support.fetch(nginx.port, f"/channel/one/{name}", AGENT).headers["X-Cache-Status"], "HIT")
        self.assertEqual(support.fetch(daemon.port, f"{LIST}?_HLS_msn=99999", AGENT).status, 400)
        plain = support.read_playlist(support.fetch(daemon.port, LIST, AGENT).text)
        self.assertGreater(len(plain[3]), 3)


if __name__ == "__main__":
    support.main()
