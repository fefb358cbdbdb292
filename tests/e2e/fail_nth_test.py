"""Each call that can fail, failing on its n-th use, at each place that an engine makes it from (fail_nth.c).

Whatever it is, the engine neither crashes nor hangs, what it says of its pictures is true, no evidence is lost or told
twice, it keeps no descriptor or thread, and the session after it is whole; or it refuses or ends by its contract, with a
line in its log. Memory is another matter: without it the engine ends at once, and core starts the next one. So are
descriptors that gRPC cannot have while it starts (it aborts), and connections lost inside it, of which only core hears.

RETROVUE_TEST_FAILURES: how many of the failures of our own calls, drawn at random (10); "all" for every one, libraries'
included. RETROVUE_TEST_SEED: the draw's; printed. RETROVUE_TEST_FAILING: only calls whose "CALL SITE" this expression finds. RETROVUE_TEST_MEMORY=1: memory
runs out, instead; not in a build with sanitizers. RETROVUE_TEST_VALGRIND=1: the engine runs under valgrind (a package that
./check does without), which finds no error and nothing lost; with RETROVUE_TEST_FAILURES=0, for no call is made to fail
there, and not in a build with sanitizers."""

import errno
import json
import os
import random
import re
import shlex
import signal
import subprocess

import replayed
import support
import truth
import ts

MEMORY_FAILS = os.environ.get("RETROVUE_TEST_MEMORY") == "1"
FAIL_NTH = os.environ["RV_FAIL_MEMORY" if MEMORY_FAILS else "RV_FAIL_NTH"]
HOW_MANY = os.environ.get("RETROVUE_TEST_FAILURES", "10")
FAILING = re.compile(os.environ.get("RETROVUE_TEST_FAILING", ""))
SEED = int(os.environ.get("RETROVUE_TEST_SEED", "1"))
HOUSE = (30_000, 1001)
VALGRIND = os.environ.get("RETROVUE_TEST_VALGRIND") == "1"
RUN_BY = ["valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite",
          "--num-callers=30", "--fair-sched=yes",
          f"--suppressions={os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'valgrind.supp')}"]
PATIENCE_S = 900 if VALGRIND else 90
SLACK = {"fds": 1, "threads": 2}  # of gRPC's, which come and go
PIPES = 4  # GLib's, of two descriptors each, in place of those that eventfd gave
FOREVER = 1 << 30
PASSING = {errno.EINTR, errno.EAGAIN, errno.ECONNABORTED}  # never for ever
# In its log, or in an answer to core, which has one.
TOLD = re.compile(r'"level":"(warning|error)"|^ERROR:|^(AttachStream|StartBlockPlanSession|FeedBlockPlan): (?!14 )', re.MULTILINE)
GRPC = re.compile(r"lib(grpc|gpr|absl)")
MEMORY = {"malloc", "calloc", "realloc", "posix_memalign"}
SEGMENTS = [("r2997.mp4", 500, 600), ("long.mkv", 2000, 500), (None, 0, 200), ("r5994.mkv", 0, 600),
            ("r60.mp4", 1000, 400)]  # each output frame has a picture of its own
NO_FILES, DISK, PEER = [errno.EMFILE], [errno.EIO, errno.ENOSPC], [errno.ECONNRESET, errno.ENOBUFS]
ERRORS = {
    "open": NO_FILES + [errno.EIO, errno.EACCES], "open64": NO_FILES + [errno.EIO], "fopen": NO_FILES,
    "opendir": NO_FILES + [errno.EIO], "read": [errno.EIO, errno.EINTR], "pread": [errno.EIO, errno.EINTR],
    "write": DISK + [errno.EINTR], "send": PEER + [errno.EINTR, errno.EAGAIN], "sendmsg": PEER + [errno.EINTR],
    "recv": PEER, "recvmsg": PEER, "socket": NO_FILES, "socketpair": NO_FILES, "pipe2": NO_FILES,
    "connect": [errno.ECONNREFUSED, errno.EAGAIN, errno.EINTR], "accept4": NO_FILES + [errno.ECONNABORTED],
    "eventfd": NO_FILES, "epoll_create1": NO_FILES, "epoll_ctl": [errno.ENOSPC], "dup": NO_FILES,
    "poll": [errno.EINTR, errno.ENOMEM], "epoll_wait": [errno.EINTR], "mmap": [errno.ENOMEM], "lseek": [errno.EIO],
    "lseek64": [errno.EIO], "fstat": [errno.EIO], "stat": [errno.EACCES], "lstat": [errno.EACCES],
    "access": [errno.EACCES], "mkdir": DISK, "symlink": DISK, "readlink": [errno.EIO], "unlink": [errno.EIO],
    "rename": DISK, "ftruncate": [errno.EIO], "fsync": DISK, "fdatasync": DISK, "flock": [errno.ENOLCK],
    "pthread_create": [errno.EAGAIN], "clock_nanosleep": [errno.EINTR], "setpriority": [errno.EPERM],
    "pthread_setschedparam": [errno.EPERM], "fcntl": NO_FILES, "getsockopt": [errno.ENOBUFS],
    "setsockopt": [errno.ENOBUFS], "getsockname": [errno.ENOBUFS], "getpeername": [errno.ENOBUFS], "eventfd_read": [errno.EAGAIN],
} | {call: [errno.ENOMEM] for call in MEMORY}


class Failure:
    """One call, at one place, fails from its n-th use on, so many times."""

    def __init__(self, call, site, nth, times, error):
        self.call, self.site, self.nth, self.times, self.error = call, site, nth, times, error

    def environment(self):
        return {"RV_FAIL_CALL": self.call, "RV_FAIL_SITE": self.site, "RV_FAIL_NTH": str(self.nth),
                "RV_FAIL_TIMES": str(self.times), "RV_FAIL_ERRNO": str(self.error)}

    def __str__(self):
        last = "on" if self.times == FOREVER else f"to {self.nth + self.times - 1}"
        return f"{self.call} {self.site} {self.nth} {last} {errno.errorcode[self.error]}"


def uses(count):
    """1, 2, 3, 5, 8 ... and the last."""
    nth, after, found = 1, 2, []
    while nth < count:
        found.append(nth)
        nth, after = after, nth + after
    return found + [count]


def failures_of(made):
    """made: (call, site) -> how often. All that is to be tried."""
    found = []
    for (call, site), count in sorted(made.items()):
        ours = site.startswith("retrovue-air") or HOW_MANY == "all"
        if not ours or FAILING.search(f"{call} {site}") is None or GRPC.match(site) or MEMORY_FAILS != (call in MEMORY):
            continue
        for error in ERRORS.get(call, []):
            found += [Failure(call, site, nth, 1, error) for nth in uses(count)]
            if error not in PASSING or call == "pthread_create":
                found.append(Failure(call, site, 1, FOREVER, error))
    return found


class Run:
    """What became of an engine with one failure, or none, in it."""

    def __init__(self, folder, blocks, failure=None):
        self.out, self.note = os.path.join(folder, "out"), os.path.join(folder, "note")
        self.valgrind = os.path.join(folder, "valgrind")
        for name in os.listdir(folder):
            os.remove(os.path.join(folder, name))
        with open(self.out + ".json", "w", encoding="utf-8") as file:
            json.dump({"blocks": blocks}, file)
        asan = os.environ.get("ASAN_OPTIONS", "")
        environment = {**os.environ, "LD_PRELOAD": FAIL_NTH, "RV_FAIL_NOTE": self.note, "RV_LOG_LEVEL": "info",
                       "ASAN_OPTIONS": f"{asan}:verify_asan_link_order=0".lstrip(":")}
        environment |= failure.environment() if failure else {}
        if VALGRIND:
            environment["RV_RUN_ENGINE_BY"] = shlex.join(RUN_BY + [f"--log-file={self.valgrind}"])
        size = f"{replayed.WIDTH}x{replayed.HEIGHT}@{HOUSE[0]}/{HOUSE[1]}"
        with subprocess.Popen([replayed.REPLAY, size, self.out + ".json", self.out, "may-fail"], env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True) as process:
            try:
                self.said = process.communicate(timeout=PATIENCE_S)[0].decode(errors="replace")
                self.hung = False
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                self.said, self.hung = process.communicate()[0].decode(errors="replace"), True
        self.status = process.returncode
        self.sessions = []
        if os.path.exists(self.out + ".told"):
            with open(self.out + ".told", encoding="utf-8") as file:
                self.sessions = json.load(file)

    def found(self):
        """By valgrind."""
        if not VALGRIND:
            return ""
        with open(self.valgrind, encoding="utf-8", errors="replace") as file:
            return file.read()

    def noted(self, word):
        try:
            with open(self.note, encoding="utf-8") as file:
                return [line.split()[1:] for line in file if line.startswith(word + " ")]
        except FileNotFoundError:
            return []

    def made(self):
        return {(call, site): int(count) for call, site, count in self.noted("made")}

    def evidence(self, number):
        with open(f"{self.out}.{number}.jsonl", encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def stream(self, number):
        with open(f"{self.out}.{number}.ts", "rb") as file:
            return file.read()


class FailNth(support.Case):
    def setUp(self):
        super().setUp()
        self.chance = random.Random(SEED)
        self.known = {path: material for path, (material, _) in replayed.known_clips().items()}
        segments = [replayed.segment(self.chance, str(number), name and os.path.join(replayed.CLIPS, name), duration,
                                     asset_start_offset_ms=offset)
                    for number, (name, offset, duration) in enumerate(SEGMENTS)]
        self.blocks = replayed.blocks_of(segments, 3)
        self.session = truth.Session(self.blocks, truth.Fraction(*HOUSE), self.blocks[0]["start_utc_ms"], self.known)

    # --- what was played ---

    def evidence_faults(self, lines, whole):
        faults = []
        if [line["sequence"] for line in lines] != list(range(1, len(lines) + 1)):
            faults.append(f"evidence is not 1, 2, 3 ...: {[line['sequence'] for line in lines]}")
        ends = [line["event_id"] for line in lines if line["kind"] == "segment_end"]
        if len(set(ends)) != len(ends):
            faults.append(f"a segment ended twice: {ends}")
        terminated = [line["kind"] for line in lines].count("channel_terminated")
        if whole and (len(ends) != len(self.session.turns) or terminated != 1):
            faults.append(f"{len(ends)} segments ended, {terminated} sessions terminated")
        return faults

    def picture_faults(self, run, number, lines):
        """What is said of each segment against what is seen of it."""
        path, data = f"{run.out}.{number}.ts", run.stream(number)
        stream = ts.Stream(data)
        faults = truth.stream_faults(stream, self.session.rate)
        ticks = [truth.tick_of(pts, self.session.rate) for pts in stream.video]
        seen = dict(zip(ticks, truth.read_pictures(path, replayed.WIDTH, replayed.HEIGHT)))
        ended = {line["event_id"]: line for line in lines if line["kind"] == "segment_end"}
        before = truth.Seen("black", truth.BLACK)
        for turn in self.session.turns:
            stand_ins = 0
            for tick in range(turn.first, turn.end):
                one = seen.get(tick)
                if one is None:
                    faults.append(f"no frame {tick} of {turn}")
                    continue
                right = turn.is_right(tick, one)
                stand_ins += not right
                if not right and not turn.is_stand_in(tick, one, before):
                    faults.append(f"frame {tick} of {turn}: {one}")
                before = one
            line = ended.get(turn.event_id)
            if line and line["fallback_frames"] != stand_ins:
                faults.append(f"{stand_ins} stand-ins in {turn}, told are {line}")
            if line and (line["reason"] == "") != (stand_ins == 0):
                faults.append(f"{stand_ins} stand-ins in {turn} and the reason is {line['reason']!r}")
        return faults

    def session_faults(self, run, number):
        how = run.sessions[number]["how"]
        lines = run.evidence(number)
        faults = self.evidence_faults(lines, how == "played")
        if how == "played" and run.stream(number):
            faults += self.picture_faults(run, number, lines)
        return [f"session {number}: {fault}" for fault in faults]

    def faults(self, run, failure=None, before=None):
        if run.hung:
            return ["it hangs"]
        if run.status != 0 or not run.sessions:
            return [f"the test itself ends with {run.status}"]
        if support.SANITIZER.search(run.said):
            return ["a sanitizer speaks"]
        if run.found():
            return [f"valgrind speaks: {run.found()}"]
        status, faults = run.sessions[-1]["status"], []
        hows = [session["how"] for session in run.sessions]
        if os.WIFSIGNALED(status) and not (failure and failure.call in MEMORY):
            faults.append(f"killed by {signal.Signals(os.WTERMSIG(status)).name}")
        whole = hows == ["played", "played"] and all(run.stream(number) for number in (0, 1))
        if not whole and not TOLD.search(run.said):
            faults.append(f"{hows} and nothing is said of it")
        if before and hows == ["played", "played"]:
            for kept, slack in SLACK.items():
                slack += PIPES if kept == "fds" and failure and failure.call == "eventfd" else 0
                if run.sessions[1][kept] > before.sessions[1][kept] + slack:
                    faults.append(f"{run.sessions[1][kept]} {kept}, not {before.sessions[1][kept]}")
        for number in range(len(run.sessions)):
            faults += self.session_faults(run, number)
        return faults

    # --- what fails ---

    def test_each_call_failing_on_its_nth_use(self):
        print(f"seed {SEED}", flush=True)
        before = Run(self.folder, self.blocks)
        self.assertFalse(self.faults(before), before.said[-4000:])
        tried = failures_of(before.made())
        if HOW_MANY != "all":
            tried = self.chance.sample(tried, min(int(HOW_MANY), len(tried)))
        told, occurred = {}, 0
        for failure in tried:
            run = Run(self.folder, self.blocks, failure)
            occurred += bool(run.noted("failed"))
            how = "+".join(session["how"] for session in run.sessions)
            told[how] = told.get(how, 0) + 1
            faults = self.faults(run, failure, before)
            if faults:
                print(f"{failure}: {faults[:3]}", flush=True)
            with self.subTest(failure=str(failure)):
                self.assertFalse(faults, "\n".join(faults[:8] + [run.said[-3000:]]))
        print(f"{len(tried)} failures, {occurred} of which occurred: {told}", flush=True)
        self.assertTrue(tried or HOW_MANY == "0", "no failure was drawn")
        self.assertGreaterEqual(occurred, len(tried) / 2)


if __name__ == "__main__":
    support.main()
