package io.jobworker.acceptance.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import com.google.rpc.ErrorInfo;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ClientCalls;
import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.api.v1.InputRequest;
import io.jobworker.api.v1.IoLimit;
import io.jobworker.api.v1.Isolation;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.api.v1.JobWorkerGrpc.JobWorkerBlockingStub;
import io.jobworker.api.v1.Limits;
import io.jobworker.api.v1.ListJobsRequest;
import io.jobworker.api.v1.LogOptions;
import io.jobworker.api.v1.StatsOptions;
import io.jobworker.api.v1.StopOptions;
import io.jobworker.api.v1.WatchRequest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is out of bounds is refused by the name of its field, and leaves nothing. */
@Timeout(600)
class BadInputTest {
  private static final Path TABLE = Path.of("../docs/requests.md");
  private static final long BEYOND = Long.MIN_VALUE; // 2^63, as protobuf's uint64 has it in Java

  private static ServerProcess server;
  private static ManagedChannel channel;
  private static JobWorkerBlockingStub calls;
  private static String job;

  @BeforeAll
  static void start() {
    server = ServerProcess.start();
    server.addClient("vera", "--role", "viewer");
    channel = server.certificates().channel("alice");
    calls = JobWorkerGrpc.newBlockingStub(channel);
    job = server.as("alice").start("--shell", "echo hello; sleep 1000");
  }

  @AfterAll
  static void stop() throws Exception {
    channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    server.close();
  }

  /** A request that is wrong in one field. */
  record Wrong(String field, String how, Runnable call) {
    @Override
    public String toString() {
      return field + " " + how;
    }
  }

  private static Wrong start(String field, String how, Consumer<JobSpec.Builder> change) {
    JobSpec.Builder spec = JobSpec.newBuilder().addCommand("true");
    change.accept(spec);
    return new Wrong(field, how, () -> calls.start(JobRequest.newBuilder().setSpec(spec).build()));
  }

  private static Wrong limits(String field, String how, Consumer<Limits.Builder> change) {
    Limits.Builder limits = Limits.newBuilder();
    change.accept(limits);
    return start("spec.limits." + field, how, spec -> spec.setLimits(limits));
  }

  private static Wrong io(String field, String how, Consumer<IoLimit.Builder> change) {
    IoLimit.Builder io = IoLimit.newBuilder();
    change.accept(io);
    return limits(field, how, limits -> limits.addIo(io));
  }

  private static JobRequest.Builder request() {
    return JobRequest.newBuilder().setId(job);
  }

  private static Wrong logs(String field, String how, LogOptions.Builder options) {
    return new Wrong(
        field, how, () -> calls.logs(request().setLogs(options).build()).forEachRemaining(_ -> {}));
  }

  private static Wrong list(String field, String how, ListJobsRequest.Builder request) {
    return new Wrong(field, how, () -> calls.list(request.build()));
  }

  private static Wrong watch(String field, String how, WatchRequest.Builder request) {
    return new Wrong(field, how, () -> calls.watch(request.build()).forEachRemaining(_ -> {}));
  }

  private static Wrong stop(String field, String how, StopOptions.Builder options) {
    return new Wrong(field, how, () -> calls.stop(request().setStop(options).build()));
  }

  private static Wrong stats(String how, Duration interval) {
    return new Wrong(
        "stats.interval",
        how,
        () ->
            calls
                .stats(request().setStats(StatsOptions.newBuilder().setInterval(interval)).build())
                .forEachRemaining(_ -> {}));
  }

  private static Duration seconds(long seconds) {
    return Duration.newBuilder().setSeconds(seconds).build();
  }

  static List<Wrong> wrong() {
    String nul = "a\0b";
    List<Wrong> all = new ArrayList<>();
    for (String id : List.of("", "x", "../../etc/passwd", job + " ", "a".repeat(100_000), nul)) {
      all.add(
          new Wrong(
              "id",
              "is '" + id.substring(0, Math.min(20, id.length())) + "'",
              () -> calls.status(JobRequest.newBuilder().setId(id).build())));
    }
    all.add(
        new Wrong(
            "id",
            "in Start",
            () -> calls.start(request().setSpec(JobSpec.newBuilder().addCommand("true")).build())));
    all.addAll(
        List.of(
            start("spec.command", "is missing", JobSpec.Builder::clearCommand),
            start("spec.command", "begins empty", spec -> spec.setCommand(0, "")),
            start("spec.command", "has a NUL", spec -> spec.addCommand(nul)),
            start(
                "spec.command",
                "has too many arguments",
                spec -> spec.addAllCommand(Collections.nCopies(110_000, "x"))),
            start("spec.command", "is too large", spec -> spec.addCommand("x".repeat(1 << 20))),
            start("spec.env", "has an empty name", spec -> spec.putEnv("", "x")),
            start("spec.env", "has a name with =", spec -> spec.putEnv("a=b", "x")),
            start("spec.env", "has a name with NUL", spec -> spec.putEnv(nul, "x")),
            start("spec.env", "has a value with NUL", spec -> spec.putEnv("A", nul)),
            start("spec.env", "has a large variable", s -> s.putEnv("A", "x".repeat(128 << 10))),
            start(
                "spec.raw_command",
                "is another command",
                spec -> spec.addRawCommand(ByteString.copyFromUtf8("false"))),
            start(
                "spec.raw_env",
                "has no name",
                spec -> spec.addRawEnv(ByteString.copyFromUtf8("=x"))),
            start(
                "spec.raw_working_dir",
                "is another directory",
                spec -> spec.setWorkingDir("/tmp").setRawWorkingDir(ByteString.copyFromUtf8("/"))),
            start("spec.working_dir", "is relative", spec -> spec.setWorkingDir("tmp")),
            start("spec.working_dir", "climbs", spec -> spec.setWorkingDir("/tmp/../etc")),
            start("spec.working_dir", "has a NUL", spec -> spec.setWorkingDir("/" + nul)),
            start("spec.working_dir", "is too long", spec -> spec.setWorkingDir("/x".repeat(3000))),
            limits("cpu_millis", "is absurd", l -> l.setCpuMillis(-1)),
            limits("cpu_weight", "is too large", l -> l.setCpuWeight(10_001)),
            limits("memory_bytes", "is too small", l -> l.setMemoryBytes(1)),
            limits("memory_bytes", "is absurd", l -> l.setMemoryBytes(BEYOND)),
            limits("memory_high_bytes", "is absurd", l -> l.setMemoryHighBytes(BEYOND)),
            limits("swap_bytes", "is absurd", l -> l.setSwapBytes(BEYOND)),
            limits("pids", "is too large", l -> l.setPids(4_000_001)),
            limits("disk_bytes", "is too small", l -> l.setDiskBytes(1)),
            limits("disk_bytes", "is absurd", l -> l.setDiskBytes(BEYOND)),
            start(
                "spec.working_dir",
                "is not the job's own, whose disk is limited",
                spec -> spec.setWorkingDir("/").getLimitsBuilder().setDiskBytes(1 << 20)),
            limits(
                "io",
                "has too many devices",
                l ->
                    l.addAllIo(
                        Collections.nCopies(17, IoLimit.newBuilder().setReadBps(1).build()))),
            io("io", "limits nothing", io -> io.setPath("/")),
            io("io", "is absurd", io -> io.setWriteIops(BEYOND)),
            io("io.path", "is relative", io -> io.setReadBps(1).setPath("dev")),
            io("io.path", "has a NUL", io -> io.setReadBps(1).setPath("/" + nul)),
            io("io.path", "is too long", io -> io.setReadBps(1).setPath("/x".repeat(3000))),
            start(
                "spec.isolation.network",
                "is no network",
                spec -> spec.setIsolation(Isolation.newBuilder().setNetworkValue(99))),
            start(
                "spec.isolation.filesystem",
                "is no file system",
                spec -> spec.setIsolation(Isolation.newBuilder().setFilesystemValue(-1))),
            start("spec.timeout", "is nothing", spec -> spec.setTimeout(seconds(0))),
            start("spec.timeout", "is negative", spec -> spec.setTimeout(seconds(-1))),
            start("spec.timeout", "is absurd", spec -> spec.setTimeout(seconds(Long.MAX_VALUE))),
            start("spec.timeout", "is too long", spec -> spec.setTimeout(seconds(400_000_000))),
            start(
                "spec.grace",
                "has too many nanoseconds",
                spec -> spec.setGrace(Duration.newBuilder().setNanos(Integer.MAX_VALUE))),
            start("spec.name", "is too long", spec -> spec.setName("x".repeat(129))),
            start("spec.name", "has a line end", spec -> spec.setName("a\nb")),
            start("spec.labels", "has no key", spec -> spec.putLabels("", "x")),
            start("spec.labels", "has a blank", spec -> spec.putLabels("a b", "x")),
            start("spec.labels", "is too long", spec -> spec.putLabels("a", "x".repeat(64))),
            start(
                "spec.labels",
                "are too many",
                spec -> {
                  for (int i = 0; i <= 64; i++) {
                    spec.putLabels("k" + i, "");
                  }
                }),
            start("spec.request_id", "is too long", spec -> spec.setRequestId("x".repeat(129))),
            start("spec.request_id", "has an escape", spec -> spec.setRequestId("\u001b[0m")),
            start(
                "spec.stdin",
                "is too large",
                spec -> spec.setStdin(ByteString.copyFrom(new byte[(1 << 20) + 1]))),
            start("spec.output_retain_bytes", "is too small", s -> s.setOutputRetainBytes(1)),
            start("spec.output_retain_bytes", "is absurd", s -> s.setOutputRetainBytes(BEYOND)),
            stop("stop.grace", "is negative", StopOptions.newBuilder().setGrace(seconds(-1))),
            stop("stop.grace", "is too long", StopOptions.newBuilder().setGrace(seconds(1L << 36))),
            stop("stop.signal", "is none", StopOptions.newBuilder().setSignal("SIGNONE")),
            stop("stop.signal", "is huge", StopOptions.newBuilder().setSignal("9".repeat(99_999))),
            logs("logs.offset", "is negative", LogOptions.newBuilder().setOffset(-1)),
            logs("logs.offset", "is beyond the end", LogOptions.newBuilder().setOffset(1L << 40)),
            logs(
                "logs", "has two beginnings", LogOptions.newBuilder().setOffset(0).setTailLines(1)),
            logs(
                "logs.since",
                "is absurd",
                LogOptions.newBuilder()
                    .setSince(Timestamp.newBuilder().setSeconds(Long.MAX_VALUE))),
            logs(
                "logs.since",
                "has negative nanoseconds",
                LogOptions.newBuilder().setSince(Timestamp.newBuilder().setNanos(-1))),
            logs("logs.stream", "is none", LogOptions.newBuilder().setStreamValue(77)),
            stats("is nothing", seconds(0)),
            stats("is too long", seconds(3601)),
            list("status", "is none", ListJobsRequest.newBuilder().setStatus("asleep")),
            list("labels", "are wrong", ListJobsRequest.newBuilder().putLabels("a b", "")),
            list("page_size", "is too large", ListJobsRequest.newBuilder().setPageSize(1001)),
            list("page_size", "is absurd", ListJobsRequest.newBuilder().setPageSize(-1)),
            list("page_token", "is made up", ListJobsRequest.newBuilder().setPageToken("x")),
            list("statuses", "are none", ListJobsRequest.newBuilder().addStatuses("asleep")),
            list(
                "status",
                "is not of statuses",
                ListJobsRequest.newBuilder().setStatus("lost").addStatuses("running")),
            list("id_prefixes", "are short", ListJobsRequest.newBuilder().addIdPrefixes("abc")),
            list("id_prefixes", "are no id's", ListJobsRequest.newBuilder().addIdPrefixes("x%_y")),
            list(
                "id_prefixes",
                "are too many",
                ListJobsRequest.newBuilder().addAllIdPrefixes(Collections.nCopies(101, "abcd"))),
            list("names", "are too long", ListJobsRequest.newBuilder().addNames("x".repeat(129))),
            list(
                "name_part",
                "is too long",
                ListJobsRequest.newBuilder().setNamePart("x".repeat(129))),
            list(
                "created_from",
                "is absurd",
                ListJobsRequest.newBuilder()
                    .setCreatedFrom(Timestamp.newBuilder().setSeconds(Long.MAX_VALUE))),
            list(
                "created_before",
                "is absurd",
                ListJobsRequest.newBuilder().setCreatedBefore(Timestamp.newBuilder().setNanos(-1))),
            watch("labels", "are wrong", WatchRequest.newBuilder().putLabels("a b", "")),
            watch("after_revision", "is absurd", WatchRequest.newBuilder().setAfterRevision(-1))));
    return all;
  }

  @ParameterizedTest
  @MethodSource("wrong")
  void isRefusedByTheFieldsName(Wrong wrong) throws Exception {
    StatusRuntimeException refusal = refusalOf(wrong.call());
    assertThat(refusal.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    String text = refusal.getStatus().getDescription();
    assertThat(text).startsWith(wrong.field() + ": ").hasSizeLessThan(300).doesNotContain("\0");
    assertThat(text.lines()).hasSize(1);
    ErrorInfo info = StatusProto.fromThrowable(refusal).getDetails(0).unpack(ErrorInfo.class);
    assertThat(info.getReason()).isEqualTo("INVALID_FIELD");
    assertThat(info.getMetadataMap()).containsEntry("field", wrong.field());
  }

  private static StatusRuntimeException refusalOf(Runnable call) {
    try {
      call.run();
    } catch (StatusRuntimeException e) {
      return e;
    }
    throw new AssertionError("it was accepted");
  }

  @Test
  void aRequestIdThatStandsForAnotherJobIsRefusedWithWhatDiffers() {
    String request = UUID.randomUUID().toString();
    JobSpec first = JobSpec.newBuilder().addCommand("true").setRequestId(request).build();
    String id = calls.start(JobRequest.newBuilder().setSpec(first).build()).getId();
    assertThat(calls.start(JobRequest.newBuilder().setSpec(first).build()).getId()).isEqualTo(id);
    StatusRuntimeException refusal =
        refusalOf(() ->
            calls.start(
                JobRequest.newBuilder()
                    .setSpec(first.toBuilder().setName("other").addCommand("x"))
                    .build()));
    assertThat(refusal.getStatus().getCode()).isEqualTo(Status.Code.ALREADY_EXISTS);
    assertThat(refusal.getStatus().getDescription()).contains(id, "command", "name");
  }

  @Test
  void nothingIsLeftOfWhatWasRefused() throws Exception {
    long before = jobDirectories(); // of the job that runs, and of one of another test
    wrong().forEach(wrong -> refusalOf(wrong.call()));
    await()
        .atMost(Programs.PATIENCE)
        .until(() -> server.jobCgroups().size() <= 1); // that of the job that runs
    assertThat(jobDirectories()).isEqualTo(before);
    assertThat(calls.status(request().build()).getStatus()).isEqualTo("running");
  }

  private static long jobDirectories() throws IOException {
    try (var jobs = Files.list(server.directory().resolve("state/jobs"))) {
      return jobs.count();
    }
  }

  @Test
  void anOwnerThatIsNoNameIsRefused() throws Exception {
    ManagedChannel vera = server.certificates().channel("vera");
    try {
      StatusRuntimeException refusal =
          refusalOf(() ->
              JobWorkerGrpc.newBlockingStub(vera)
                  .list(ListJobsRequest.newBuilder().setOwner("x".repeat(1000)).build()));
      assertThat(refusal.getStatus().getDescription()).startsWith("owner: ");
    } finally {
      vera.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    }
  }

  @Test
  void bytesThatAreNoMessageAreInvalid() {
    for (byte[] bytes :
        List.of(
            new byte[] {(byte) 0xff, (byte) 0xff, (byte) 0xff},
            new byte[] {0x0a, 0x02, (byte) 0xc3, 0x28}, // an id that is not UTF-8
            new byte[] {0x12, 0x7f})) {
      Status status = raw("Status", bytes);
      assertThat(status.getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
      assertThat(status.getDescription()).isEqualTo("the request is no message of this method");
    }
  }

  @Test
  void aMessageBeyondTheLimitIsRefusedAndTheServerGoesOn() {
    Status status = raw("Start", new byte[4 << 20]);
    assertThat(status.getCode()).isIn(Status.Code.RESOURCE_EXHAUSTED, Status.Code.CANCELLED);
    assertThat(calls.status(request().build()).getStatus()).isEqualTo("running");
  }

  @Test
  void aMethodThatIsNoneIsUnimplemented() {
    assertThat(raw("Halt", new byte[0]).getCode()).isEqualTo(Status.Code.UNIMPLEMENTED);
  }

  private static Status raw(String method, byte[] request) {
    MethodDescriptor.Marshaller<byte[]> bytes = new Bytes();
    MethodDescriptor<byte[], byte[]> descriptor =
        MethodDescriptor.<byte[], byte[]>newBuilder()
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName(JobWorkerGrpc.SERVICE_NAME + "/" + method)
            .setRequestMarshaller(bytes)
            .setResponseMarshaller(bytes)
            .build();
    return refusalOf(
            () -> ClientCalls.blockingUnaryCall(channel, descriptor, CallOptions.DEFAULT, request))
        .getStatus();
  }

  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  @Test
  void everyFieldOfTheContractHasADocumentedBound() throws Exception {
    String table = Files.readString(TABLE);
    List<String> fields = new ArrayList<>();
    collect(JobRequest.getDescriptor(), "", fields);
    collect(ListJobsRequest.getDescriptor(), "", fields);
    collect(InputRequest.getDescriptor(), "", fields);
    collect(WatchRequest.getDescriptor(), "", fields);
    assertThat(fields)
        .hasSizeGreaterThan(35)
        .allSatisfy(field -> assertThat(table).contains("`" + field + "`"));
  }

  private static void collect(Descriptor message, String prefix, List<String> fields) {
    for (FieldDescriptor field : message.getFields()) {
      String name = prefix + field.getName().toLowerCase(Locale.ROOT);
      boolean nested =
          field.getJavaType() == FieldDescriptor.JavaType.MESSAGE
              && !field.isMapField()
              && field.getMessageType().getFile().equals(JobRequest.getDescriptor().getFile());
      if (nested) {
        collect(field.getMessageType(), name + ".", fields);
      } else {
        fields.add(name);
      }
    }
  }
}
