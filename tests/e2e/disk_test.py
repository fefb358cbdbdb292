"""A data folder that is full, and one that cannot be written any more, while a channel is on the air: viewers notice nothing,
the operator is told, what is aired waits with the engine, and all of it is in the record, once, when the disk takes it again,
also what an engine had to keep in memory because its spool found no room. In a mount namespace of its own."""

import ctypes
import os
import signal

import kills_test
import support

MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
libc = ctypes.CDLL(None, use_errno=True)


def own_mounts():
    """For this process and those it starts; without being root as a root that has nothing else."""
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWNS) != 0:
        if libc.unshare(CLONE_NEWNS | CLONE_NEWUSER) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    mount("none", "/", None, MS_REC | MS_PRIVATE)


def mount(source, target, kind, flags=0, data=None):
    words = [word.encode() if word else None for word in (source, target, kind)]
    if libc.mount(*words, flags, data.encode() if data else None) != 0:
        raise OSError(ctypes.get_errno(), f"mount {target}")


def unmount(target):
    if libc.umount2(target.encode(), 2) != 0:
        raise OSError(ctypes.get_errno(), f"unmount {target}")


class Disk(support.Case):
    def watched(self):
        """A daemon whose data folder is a small disk, on the air for a viewer, and its record has begun."""
        folder = os.path.join(self.folder, "small")
        os.makedirs(os.path.join(folder, "data"))
        mount("none", os.path.join(folder, "data"), "tmpfs", 0, "size=48m")
        self.addCleanup(unmount, os.path.join(folder, "data"))
        daemon = self.daemon(folder=folder, channels={"c1.yaml": kills_test.channel_yaml(1)},
                             shift_ms=support.shift_to(100_000))
        raw = support.RawViewer(daemon, "/channel/c1.ts")
        raw.wait_bytes(50_000)
        support.wait_for("a record", lambda: kills_test.Record(daemon.data).rows)
        return daemon, raw

    def fill(self, daemon):
        """To the last byte."""
        path = os.path.join(daemon.data, "filler")
        size = 1 << 20
        with open(path, "wb", buffering=0) as file:
            while size >= 1:
                try:
                    file.write(bytes(size))
                except OSError:
                    size //= 4
        return path

    def alerted(self, daemon):
        return [alert["message"] for alert in daemon.api("alerts")["alerts"] if alert["code"] == "evidence.not_recorded"]

    def replace_engine(self, daemon):
        """Another session begins, and has something to tell; the session of the one that is killed for it."""
        engine, = daemon.engines()
        session = kills_test.session_of(engine)
        os.kill(engine, signal.SIGKILL)
        support.wait_for("another engine", lambda: set(daemon.engines()) - {engine})
        return session

    def finish(self, daemon, raw, killed=()):
        """Everything in the record, once. killed: sessions whose engine was."""
        support.wait_for("end of the alert", lambda: not self.alerted(daemon))
        raw.wait_bytes(50_000)
        self.assertFalse(raw.ended, "the viewer was sent away")
        raw.leave()
        support.wait_for("end of the engine", lambda: not daemon.engines())
        support.wait_for("settled record", lambda: self.is_settled(daemon), every=0.3)
        record = kills_test.Record(daemon.data)
        faults = list(record.session_faults()) + list(record.file_faults())
        self.assertFalse(faults, "\n".join(faults))
        reasons = {session: row["reason"] for session, row in record.ends().items()}
        self.assertEqual(sorted(reasons.values()), ["CHANNEL_TERMINATED"] * len(killed) + ["stop_requested"])
        for session in killed:
            self.assertEqual(reasons[session], "CHANNEL_TERMINATED")
        self.assertFalse(daemon.events("evidence.spool_full"), "events were refused")
        return record

    def is_settled(self, daemon):
        record = kills_test.Record(daemon.data)
        return set(record.ends()) == set(record.sessions) and not [
            name for _, _, names in os.walk(os.path.join(daemon.data, "spool")) for name in names]

    def test_full(self):
        daemon, raw = self.watched()
        filler = self.fill(daemon)
        session = self.replace_engine(daemon)
        support.wait_for("an alert", lambda: self.alerted(daemon))
        held = len(kills_test.Record(daemon.data).rows)
        raw.wait_bytes(50_000)
        self.assertEqual(len(kills_test.Record(daemon.data).rows), held)
        os.remove(filler)
        self.finish(daemon, raw, {session})

    def test_read_only(self):
        """Logs and spool: the engine that begins meanwhile has no room to spool, and tells so."""
        daemon, raw = self.watched()
        folders = [os.path.join(daemon.data, name) for name in ("logs", "spool")]
        for folder in folders:
            mount(folder, folder, None, MS_BIND)
            mount("none", folder, None, MS_REMOUNT | MS_BIND | MS_RDONLY)
        session = self.replace_engine(daemon)
        support.wait_for("an alert", lambda: self.alerted(daemon))
        raw.wait_bytes(50_000)
        self.assertTrue(daemon.events("evidence.spool_failed"), "the new engine has not told that it cannot spool")
        for folder in folders:
            unmount(folder)
        self.finish(daemon, raw, {session})


if __name__ == "__main__":
    own_mounts()
    support.main()
