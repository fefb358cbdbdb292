"""The operations API as tools use it: Python's own gRPC on the daemon's socket, and `retrovue events`."""

import importlib.util
import itertools
import json
import os
import subprocess
import sys
import tempfile

if not importlib.util.find_spec("grpc") and sys.executable != "/usr/bin/python3":
    os.execv("/usr/bin/python3", ["/usr/bin/python3", "-B", *sys.argv])  # Debian's, which packages.txt brings

import grpc

import support

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVICE = "retrovue.operations.v1.Operations"


def messages():
    """The Python classes of the .proto files, made by protoc."""
    with tempfile.TemporaryDirectory() as folder:
        names = ["operations.proto", "playout.proto", "rpc/health.proto", "rpc/reflection.proto"]
        subprocess.run(["protoc", f"--proto_path={ROOT}", f"--python_out={folder}",
                        *(os.path.join(ROOT, "proto", name) for name in names)], check=True)
        sys.path.insert(0, folder)
        from proto import operations_pb2
        from proto.rpc import health_pb2, reflection_pb2
        sys.path.remove(folder)
    return operations_pb2, health_pb2, reflection_pb2


ops, health, reflection = messages()
# A connection of its own: the library shares those of channels that are alike, over the daemon's end, too.
ALONE = [("grpc.use_local_subchannel_pool", 1)]


class Tool:
    """A connection to the daemon's socket."""

    def __init__(self, daemon, channel=None):
        self.socket = os.path.join(daemon.data, "run", "ops.sock")
        self.channel = channel or grpc.insecure_channel("unix:" + self.socket, options=ALONE)

    def ask(self, method, request, answer, service=SERVICE):
        call = self.channel.unary_unary(f"/{service}/{method}", type(request).SerializeToString, answer.FromString)
        return call(request, timeout=support.START_S)

    def listen(self, method, request, answer):
        call = self.channel.unary_stream(f"/{SERVICE}/{method}", type(request).SerializeToString, answer.FromString)
        return call(request, timeout=support.START_S)

    def subscribe(self, after):
        return self.listen("Subscribe", ops.SubscribeRequest(after=after), ops.Event)

    def read(self, after, n):
        """SUBSCRIBED, and the n events that follow."""
        call = self.subscribe(after)
        events = list(itertools.islice(call, n + 1))
        call.cancel()
        return events[0], events[1:]


def kinds(events):
    return [ops.EventKind.Name(event.kind)[len("EVENT_KIND_"):] for event in events]


class Operations(support.Case):
    def air(self, daemon):
        viewer = support.RawViewer(daemon)
        viewer.wait_bytes(50_000)
        viewer.leave()

    def test_events_over_a_crash_of_core(self):
        daemon = self.daemon()
        self.air(daemon)
        tool = Tool(daemon)
        subscribed, first = tool.read(0, 3)
        self.assertEqual(kinds([subscribed]), ["SUBSCRIBED"])
        self.assertEqual(kinds(first), ["SESSION_STARTED", "BLOCK_STARTED", "SEGMENT_STARTED"])
        self.assertEqual([event.sequence for event in first], [1, 2, 3])
        self.assertEqual(json.loads(first[1].document)["kind"], "block_start")
        support.wait_for("the end of the engine", lambda: not daemon.engines())
        daemon.kill()
        daemon.start()
        self.air(daemon)
        again, rest = Tool(daemon).read(2, 1)
        self.assertEqual(again.store_id, subscribed.store_id)
        self.assertEqual((rest[0].sequence, rest[0].event_uuid), (3, first[2].event_uuid))
        newest = again.newest_sequence
        _, every = Tool(daemon).read(0, newest)
        self.assertEqual([event.sequence for event in every], list(range(1, newest + 1)))
        self.assertEqual(len({(event.kind, event.event_uuid) for event in every}), newest)
        with self.assertRaises(grpc.RpcError) as refused:
            next(Tool(daemon).subscribe(newest + 1_000_000))
        self.assertEqual(refused.exception.code().name.lower(), "out_of_range")

        lines = subprocess.Popen(daemon.arguments("events") + ["--after", "0", "--json", "one"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=daemon.environment, text=True)
        told = [json.loads(lines.stdout.readline()) for _ in range(3)]
        self.assertEqual([(line["sequence"], line["kind"]) for line in told],
                         [(1, "session_started"), (2, "block_started"), (3, "segment_started")])

        call = Tool(daemon).subscribe(newest)
        next(call)
        viewer = support.RawViewer(daemon)
        viewer.wait_bytes(50_000)
        daemon.process.terminate()
        last = []
        with self.assertRaises(grpc.RpcError) as ended:
            for event in call:
                last.append(event)
        self.assertEqual(ended.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(kinds(last)[-1], "SESSION_ENDED")  # the engines' last words are told
        self.assertEqual(daemon.end(), 0)
        viewer.leave()
        _, said = lines.communicate(timeout=support.START_S)
        self.assertEqual(lines.returncode, 1)
        self.assertIn(f"--after {last[-1].sequence}`", said)
        self.assertFalse(os.path.exists(tool.socket))

    def test_channels_plans_health_and_reflection(self):
        daemon = self.daemon()
        tool = Tool(daemon)
        self.assertEqual(os.stat(tool.socket).st_mode & 0o777, 0o660)
        serving = tool.ask("Check", health.HealthCheckRequest(service=SERVICE), health.HealthCheckResponse,
                           "grpc.health.v1.Health")
        self.assertEqual(serving.status, health.HealthCheckResponse.SERVING)
        call = tool.channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                          reflection.ServerReflectionRequest.SerializeToString,
                                          reflection.ServerReflectionResponse.FromString)
        asked = [reflection.ServerReflectionRequest(list_services="*"),
                 reflection.ServerReflectionRequest(file_containing_symbol=SERVICE)]
        listed, described = call(iter(asked), timeout=support.START_S)
        self.assertIn(SERVICE, [service.name for service in listed.list_services_response.service])
        self.assertTrue(any(b"ExtendHorizon" in file
                            for file in described.file_descriptor_response.file_descriptor_proto))

        channel, = tool.ask("ListChannels", ops.ListChannelsRequest(), ops.ListChannelsResponse).channels
        self.assertEqual((channel.channel_id, channel.state), ("one", ops.CHANNEL_STATE_OFF))
        watch = tool.listen("WatchChannels", ops.WatchChannelsRequest(channel_ids=["one"]), ops.Channel)
        self.assertEqual(next(watch).state, ops.CHANNEL_STATE_OFF)
        viewer = support.RawViewer(daemon)
        live = next(told for told in watch if told.state == ops.CHANNEL_STATE_LIVE)
        self.assertEqual(live.session_id, daemon.channel().get("session_id", live.session_id))
        viewer.leave()
        watch.cancel()

        before = tool.ask("GetHorizon", ops.GetHorizonRequest(channel_id="one"), ops.Horizon)
        after = tool.ask("ExtendHorizon", ops.ExtendHorizonRequest(channel_id="one", execution_blocks=1), ops.Horizon)
        self.assertGreater(after.execution_end_utc_ms, before.execution_end_utc_ms)
        shown = {block["block_id"] for block in daemon.plan()}  # locked: what is planned meanwhile only adds to it
        plan, at = [], 1
        while at:
            answer = tool.ask("GetPlan", ops.GetPlanRequest(channel_id="one", from_utc_ms=at), ops.GetPlanResponse)
            plan += answer.blocks
            at = answer.next_from_utc_ms
        self.assertGreaterEqual(plan[-1].end_utc_ms, after.execution_end_utc_ms)
        for one, two in itertools.pairwise(plan):
            self.assertEqual(one.end_utc_ms, two.start_utc_ms)
        self.assertLessEqual(shown, {block.block_id for block in plan})
        with self.assertRaises(grpc.RpcError) as unknown:
            tool.ask("GetChannel", ops.GetChannelRequest(channel_id="none"), ops.Channel)
        self.assertEqual(unknown.exception.code(), grpc.StatusCode.NOT_FOUND)

        skip = tool.ask("AddOverride", ops.AddOverrideRequest(channel_id="one", kind=ops.OVERRIDE_KIND_SKIP,
                                                              at_utc_ms=plan[-1].start_utc_ms), ops.Override)
        listing = ops.ListOverridesRequest(channel_id="one")
        support.wait_for("a decision", lambda: tool.ask("ListOverrides", listing, ops.ListOverridesResponse)
                         .overrides[0].state in ("in_force", "refused"))
        self.assertEqual(tool.ask("ListOverrides", listing, ops.ListOverridesResponse).overrides[0].id, skip.id)


class INV_RPC_008_a_certificate_is_shown_and_a_token_asked_for(support.Case):
    """By TCP: the certificate that is there now, and nobody without a token."""

    TOKEN = "a token for the control room".replace(" ", "-")

    def setUp(self):
        super().setUp()
        self.certificate, self.key, self.tokens = (os.path.join(self.folder, name)
                                                   for name in ("tls.crt", "tls.key", "tokens"))
        self.settings = {"ops_listen": '"127.0.0.1:0"', "ops_certificate": self.certificate, "ops_key": self.key,
                         "tokens_file": self.tokens}
        self.make_certificate()
        self.write_tokens(0o600)

    def make_certificate(self):
        """Returns what a client that trusts it has."""
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                        self.key, "-out", self.certificate], check=True, capture_output=True)
        with open(self.certificate, "rb") as file:
            return grpc.ssl_channel_credentials(file.read())

    def write_tokens(self, mode):
        with open(self.tokens, "w", encoding="utf-8") as file:
            file.write(self.TOKEN + "\n")
        os.chmod(self.tokens, mode)

    def tool(self, daemon, trusted, token=None):
        if token:
            trusted = grpc.composite_channel_credentials(trusted, grpc.access_token_call_credentials(token))
        address = f"127.0.0.1:{daemon.events('ops.listening')[0]['port']}"
        channel = grpc.secure_channel(address, trusted, options=ALONE)
        self.addCleanup(channel.close)
        return Tool(daemon, channel)

    def refused(self, tool):
        with self.assertRaises(grpc.RpcError) as refused:
            tool.ask("ListChannels", ops.ListChannelsRequest(), ops.ListChannelsResponse)
        return refused.exception.code()

    def test_who_may(self):
        trusted = self.make_certificate()
        daemon = self.daemon(settings=self.settings)
        good = self.tool(daemon, trusted, self.TOKEN)
        listed = good.ask("ListChannels", ops.ListChannelsRequest(), ops.ListChannelsResponse)
        self.assertEqual([channel.channel_id for channel in listed.channels], ["one"])
        self.assertEqual(kinds([next(good.subscribe(0))]), ["SUBSCRIBED"])
        self.assertEqual(self.refused(self.tool(daemon, trusted)), grpc.StatusCode.UNAUTHENTICATED)
        self.assertEqual(self.refused(self.tool(daemon, trusted, self.TOKEN + "s")), grpc.StatusCode.UNAUTHENTICATED)
        with self.assertRaises(grpc.RpcError) as refused:  # a stream is a call like others
            next(self.tool(daemon, trusted).subscribe(0))
        self.assertEqual(refused.exception.code(), grpc.StatusCode.UNAUTHENTICATED)
        plain = grpc.insecure_channel(f"127.0.0.1:{daemon.events('ops.listening')[0]['port']}")
        self.addCleanup(plain.close)
        self.assertEqual(self.refused(Tool(daemon, plain)), grpc.StatusCode.UNAVAILABLE)
        Tool(daemon).ask("ListChannels", ops.ListChannelsRequest(), ops.ListChannelsResponse)  # the socket's mode says
        self.write_tokens(0o644)
        self.assertEqual(self.refused(good), grpc.StatusCode.UNAVAILABLE)
        self.write_tokens(0o600)
        good.ask("ListChannels", ops.ListChannelsRequest(), ops.ListChannelsResponse)
        self.assertEqual(daemon.end(), 0)  # whoever listens

    def test_a_certificate_is_renewed(self):
        old = self.make_certificate()
        daemon = self.daemon(settings=self.settings)
        listening = self.tool(daemon, old, self.TOKEN)
        listening.ask("ListChannels", ops.ListChannelsRequest(), ops.ListChannelsResponse)
        new = self.make_certificate()
        self.assertEqual(self.refused(self.tool(daemon, old, self.TOKEN)), grpc.StatusCode.UNAVAILABLE)
        for tool in (self.tool(daemon, new, self.TOKEN), listening):  # who is connected stays so
            tool.ask("ListChannels", ops.ListChannelsRequest(), ops.ListChannelsResponse)
        with open(self.key, "w", encoding="utf-8") as file:
            file.write("no key\n")
        self.tool(daemon, new, self.TOKEN).ask("ListChannels", ops.ListChannelsRequest(), ops.ListChannelsResponse)
        self.assertIn(self.key, daemon.events("rpc.certificate_unusable")[0]["error"])

    def test_what_cannot_be_served_is_told(self):
        daemon = self.daemon(settings=self.settings)
        port = daemon.events("ops.listening")[0]["port"]
        for settings, said in (({"ops_listen": f'"127.0.0.1:{port}"'}, "in use"),
                               ({"ops_listen": "everywhere"}, "ops_listen"),
                               ({"ops_certificate": self.tokens}, self.tokens),
                               ({"ops_key": self.certificate}, self.certificate)):
            other = self.daemon(start=False, settings={**self.settings, **settings})
            done = subprocess.run(other.arguments(), env=other.environment, capture_output=True, text=True,
                                  timeout=support.START_S, check=False)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(said, done.stderr)


if __name__ == "__main__":
    support.main()
