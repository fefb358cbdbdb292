"""Reconciliation of real sessions: a perfect one, one whose file is gone, one whose engine is killed."""

import json
import os
import shutil
import signal
import subprocess

import support


class Reconcile(support.Case):
    def sessions(self, daemon):
        """The reports that the daemon has made by itself, by session."""
        return {event["subject"]: event for event in daemon.events("reconcile.done") + daemon.events("reconcile.diverged")}

    def ended_session(self, daemon, before):
        """The document of the session that has ended since."""
        ident, = support.wait_for("report of the session", lambda: set(self.sessions(daemon)) - before)
        return ident, daemon.api(f"channels/one/reconciliation?session={ident}")

    def end_viewing(self, daemon, viewer):
        before = set(self.sessions(daemon))
        viewer.leave()
        return self.ended_session(daemon, before)

    def classes(self, document):
        return sorted(divergence["class"] for divergence in document["divergences"])

    def run_cli(self, daemon, *words):
        arguments = daemon.arguments("reconcile") + list(words)
        return subprocess.run(arguments, env=daemon.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False, timeout=60)

    def test_sessions(self):
        media = os.path.join(self.folder, "media")
        shutil.copytree(support.LIBRARY, media)
        daemon = self.daemon(shift_ms=support.shift_to(support.SLOT_MS - 20_000), media=[media])
        self.perfect(daemon)
        self.killed(daemon)
        self.without_file(daemon)

    def perfect(self, daemon):
        """Over the end of a block."""
        viewer = support.RawViewer(daemon)
        viewer.wait_bytes(50_000)
        blocks = daemon.plan()
        support.wait_for("next block", lambda: [
            entry for entry in daemon.api("channels/one/asrun")["entries"] if entry["kind"] == "block_fence"])
        ident, document = self.end_viewing(daemon, viewer)
        self.assertEqual(document["result"], "reconciled")
        self.assertLessEqual(set(self.classes(document)), {"RUNTIME_RECOVERY"})  # a full machine holds pictures
        self.assertEqual([row["state"] for row in document["rows"]], ["partly", "partly"])
        self.assertIn(document["rows"][0]["block_id"], [block["block_id"] for block in blocks])
        result = self.run_cli(daemon, "--channel", "one", "--session", ident, "--json")
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertEqual(json.loads(result.stdout), [document])

    def killed(self, daemon):
        before = set(self.sessions(daemon))
        viewer = support.RawViewer(daemon)
        viewer.wait_bytes(50_000)
        engine, = daemon.engines()
        os.kill(engine, signal.SIGKILL)
        _, document = self.ended_session(daemon, before)
        self.assertEqual(set(self.classes(document)), {"RUNTIME_RECOVERY"})
        divergence = document["divergences"][-1]
        self.assertIn("the engine ended", divergence["sentence"])
        self.assertEqual((divergence["fault"], divergence["fails"]), ("runtime", False))
        support.wait_for("another engine", daemon.engines)
        self.end_viewing(daemon, viewer)

    def without_file(self, daemon):
        """The file of the act that is due is gone."""
        now = daemon.now_ms()
        due = next(row for row in daemon.planned() if row["end_ms"] > now + 5000 and row["asset_uri"])
        os.rename(due["asset_uri"], due["asset_uri"] + ".away")
        viewer = support.RawViewer(daemon)
        support.wait_for("begin of the act without its file", lambda: daemon.now_ms() > due["start_ms"] + 1000, 60)
        viewer.wait_bytes(10_000)
        _, document = self.end_viewing(daemon, viewer)
        self.assertEqual(document["result"], "reconciled")
        self.assertEqual(set(self.classes(document)), {"RUNTIME_RECOVERY"})
        self.assertIn(due["segment_uuid"], [divergence["segment_uuid"] for divergence in document["divergences"]])
        result = self.run_cli(daemon, "--channel", "one")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(b"RUNTIME_RECOVERY", result.stdout)


if __name__ == "__main__":
    support.main()
