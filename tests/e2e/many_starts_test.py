"""A channel that starts and stops again and again leaves nothing behind: no process, file, descriptor, thread or
memory."""

import os

import support

CYCLES = 50
HLS_CYCLES = (7, 23)  # an HLS viewer counts for ten seconds after its last request: two are enough
SETTLED = 5  # what the first cycles keep (pools, caches) is kept once
SANITIZED_CYCLES = 30
MORE_RSS_KIB = 8 * 1024  # the database's page cache fills with the as-run record: 10 KiB a start, 2 MiB at most
MORE_THREADS = 2  # gRPC's timers and executors come and go; one a start would be dozens


def sanitized():
    with open(support.RETROVUE, "rb") as file:
        return b"__asan_init" in file.read()


class Kept:
    """What the kernel holds for the daemon while no channel runs."""

    def __init__(self, pid):
        self.descriptors = {}
        for name in os.listdir(f"/proc/{pid}/fd"):
            self.descriptors[int(name)] = os.readlink(f"/proc/{pid}/fd/{name}")
        self.threads = []
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8") as file:
                self.threads.append(file.read().strip())
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            status = dict(line.split(":", 1) for line in file)
        self.rss_kib = int(status["VmRSS"].split()[0])
        with open(f"/proc/{pid}/maps", encoding="utf-8") as file:
            self.maps = len(file.readlines())

    @classmethod
    def settled(cls, pid):
        """Once the connections of the last questions are gone."""
        seen = []

        def same_twice():
            seen.append(cls(pid))
            return len(seen) > 1 and seen[-1].descriptors == seen[-2].descriptors

        support.wait_for("rest", same_twice, every=0.5)
        return seen[-1]

    def __str__(self):
        return f"{len(self.descriptors)} descriptors, {len(self.threads)} threads, {self.rss_kib} KiB, {self.maps} maps"


class ManyStarts(support.Case):
    def watch(self, daemon, cycle):
        if cycle in HLS_CYCLES:
            answer = daemon.get("/channel/one/live.m3u8")
            self.assertEqual(answer.status, 200)
            _, _, _, segments = support.read_playlist(answer.text)
            self.assertEqual(daemon.get(f"/channel/one/{segments[0].uri}").status, 200)
            return
        viewer = support.RawViewer(daemon)
        viewer.wait_bytes(188 * 500)
        self.assertEqual(viewer.status, 200)
        viewer.leave()

    def look_around(self, daemon, cycle):
        self.assertEqual(support.processes(daemon.mark), {daemon.pid: "retrovue"}, f"after cycle {cycle}")
        self.assertEqual(support.engines_of(daemon.pid), [], f"unreaped after cycle {cycle}")
        self.assertEqual(sorted(os.listdir(os.path.join(daemon.data, "run"))), ["core.sock", "ops.sock"],
                         f"after cycle {cycle}")

    def spooled(self, daemon):
        spool = os.path.join(daemon.data, "spool")
        return [os.path.join(folder, name) for folder, _, names in os.walk(spool) for name in names]

    def test_nothing_grows(self):
        asan = sanitized()
        cycles = SANITIZED_CYCLES if asan else CYCLES
        daemon = self.daemon(settings={"linger": "0s"})
        support.wait_for("measuring", lambda: (daemon.api("catalog/progress")["survey"] or {}).get("over"))
        support.wait_for("end of the measuring", lambda: (daemon.api("catalog/progress")["survey"] or {}).get("over"))
        first = None
        for cycle in range(1, cycles + 1):
            self.watch(daemon, cycle)
            support.wait_for("off", lambda: daemon.channel()["state"] == "off")
            self.look_around(daemon, cycle)
            if cycle == SETTLED:
                first = Kept.settled(daemon.pid)
        last = Kept.settled(daemon.pid)
        print(f"after {SETTLED}: {first}; after {cycles}: {last}", flush=True)
        status = daemon.channel()
        self.assertEqual((status["starts"], status["crashes"], status["viewers"]), (cycles, 0, 0))
        self.assertEqual(sorted(last.descriptors), sorted(first.descriptors), f"{first.descriptors} {last.descriptors}")
        self.assertLessEqual(len(last.threads), len(first.threads) + MORE_THREADS, f"{first.threads} {last.threads}")
        if not asan:  # which keeps what was freed for a while, and finds leaks at the end
            self.assertLess(last.rss_kib - first.rss_kib, MORE_RSS_KIB)
        self.assertEqual(self.spooled(daemon), [])
        self.assertEqual(daemon.end(), 0)
        self.assertEqual(os.listdir(os.path.join(daemon.data, "run")), [])


if __name__ == "__main__":
    support.main()
