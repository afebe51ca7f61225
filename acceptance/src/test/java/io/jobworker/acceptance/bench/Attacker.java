package io.jobworker.acceptance.bench;

import com.google.protobuf.ByteString;
import com.google.protobuf.util.Durations;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.api.v1.ListJobsRequest;
import io.jobworker.api.v1.LogOptions;
import io.jobworker.api.v1.StatsOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/**
 * A client that takes whatever it gets, in every way at once: starts, large requests, streams that
 * it reads as fast as it can, streams that it does not read, connections on which it says nothing.
 * Its jobs take no CPU time to speak of, which is what limits are for. A program of its own; it
 * ends when its standard input does.
 */
public final class Attacker {
  private static final int STARTERS = 16;
  private static final int SENDERS = 4;
  private static final int READERS = 16;
  private static final int STALLED = 200;
  private static final int SILENT = 400;
  private static final int LISTERS = 2;
  private static final int WATCHERS = 950;
  private static final int OUTPUT_BYTES = 48 << 20;
  private static final int LARGE_BYTES = (3 << 20) - 1024;

  private final List<ManagedChannel> channels =
      new ArrayList<>(); // gRPC complains of those that are let go
  private final LongAdder answers = new LongAdder();
  private final LongAdder bytes = new LongAdder();
  private final LongAdder connections = new LongAdder();
  private final int port;
  private final Path ca;
  private final Path certificate;
  private final Path key;

  private Attacker(int port, Path ca, Path certificate, Path key) {
    this.port = port;
    this.ca = ca;
    this.certificate = certificate;
    this.key = key;
  }

  /**
   * Takes the server's port, its authority's certificate, a client's certificate and key, and how
   * it is attacked: in all ways, by lists or by streams of figures.
   */
  public static void main(String[] args) throws Exception {
    Attacker attacker =
        new Attacker(
            Integer.parseInt(args[0]), Path.of(args[1]), Path.of(args[2]), Path.of(args[3]));
    switch (args[4]) {
      case "all" -> attacker.attack();
      case "lists" -> attacker.list();
      case "figures" -> attacker.watch();
      default -> throw new IllegalArgumentException(args[4]);
    }
    System.out.println("attacking");
    long before = System.nanoTime();
    while (System.in.read() >= 0) {
      // until whoever started this has had enough
    }
    attacker.tell((System.nanoTime() - before) / 1e9);
    System.exit(0);
  }

  private void attack() throws Exception {
    String job =
        JobWorkerGrpc.newBlockingStub(channel())
            .start(request("sh", "-c", "yes | head -c " + OUTPUT_BYTES + "; exec sleep 1000"))
            .getId();
    for (int i = 0; i < STARTERS; i++) {
      repeat(channel(), request("true"));
    }
    JobRequest.Builder large = request("true").toBuilder();
    large.getSpecBuilder().setStdin(ByteString.copyFrom(new byte[LARGE_BYTES]));
    for (int i = 0; i < SENDERS; i++) {
      repeat(channel(), large.build());
    }
    for (int i = 0; i < READERS; i++) {
      follow(channel(), job, true);
    }
    ManagedChannel stalled = channel();
    for (int i = 0; i < STALLED; i++) {
      follow(stalled, job, false);
    }
    Thread.ofVirtual().start(this::holdConnections);
  }

  private void list() throws IOException {
    for (int i = 0; i < LISTERS; i++) {
      ManagedChannel channel = channel();
      Thread.ofVirtual()
          .start(() -> {
            String page = "";
            while (true) {
              page =
                  JobWorkerGrpc.newBlockingStub(channel)
                      .list(
                          ListJobsRequest.newBuilder().setPageSize(500).setPageToken(page).build())
                      .getNextPageToken();
              answers.increment();
            }
          });
    }
  }

  private void watch() throws IOException {
    ManagedChannel channel = channel();
    JobRequest request =
        JobRequest.newBuilder()
            .setId(JobWorkerGrpc.newBlockingStub(channel).start(request("sleep", "1000")).getId())
            .setStats(StatsOptions.newBuilder().setInterval(Durations.fromMillis(100)))
            .build();
    for (int i = 0; i < WATCHERS; i++) {
      Thread.ofVirtual()
          .start(() ->
              JobWorkerGrpc.newBlockingStub(channel)
                  .stats(request)
                  .forEachRemaining(_ -> answers.increment()));
    }
  }

  /** What it got of the server. */
  private void tell(double seconds) {
    System.out.printf(
        "%.0f answers, %.0f MB of output and %.0f connections a second%n",
        answers.sum() / seconds, bytes.sum() / seconds / 1e6, connections.sum() / seconds);
  }

  private ManagedChannel channel() throws IOException {
    channels.add(
        NettyChannelBuilder.forAddress("localhost", port)
            .sslContext(
                GrpcSslContexts.forClient()
                    .trustManager(ca.toFile())
                    .keyManager(certificate.toFile(), key.toFile())
                    .build())
            .build());
    return channels.getLast();
  }

  private static JobRequest request(String... command) {
    return JobRequest.newBuilder()
        .setSpec(JobSpec.newBuilder().addAllCommand(List.of(command)))
        .build();
  }

  private void repeat(ManagedChannel channel, JobRequest request) {
    var _ =
        Thread.ofVirtual()
            .start(() -> {
              while (true) {
                try {
                  var _ = JobWorkerGrpc.newBlockingStub(channel).start(request);
                } catch (StatusRuntimeException e) {
                  // refused; once more
                }
                answers.increment();
              }
            });
  }

  private void follow(ManagedChannel channel, String job, boolean read) {
    JobWorkerGrpc.newStub(channel)
        .logs(
            JobRequest.newBuilder()
                .setId(job)
                .setLogs(LogOptions.newBuilder().setNoFollow(read))
                .build(),
            new ClientResponseObserver<JobRequest, JobLogsResponse>() {
              @Override
              public void beforeStart(ClientCallStreamObserver<JobRequest> call) {
                call.disableAutoRequestWithInitial(read ? Integer.MAX_VALUE : 1);
              }

              @Override
              public void onNext(JobLogsResponse message) {
                bytes.add(message.getLog().size());
              }

              @Override
              public void onError(Throwable failure) {
                if (read) {
                  follow(channel, job, true);
                }
              }

              @Override
              public void onCompleted() {
                follow(channel, job, read); // all of it, again and again
              }
            });
  }

  /** Opens a connection for each that the server closes. */
  private void holdConnections() {
    List<Socket> held = new ArrayList<>();
    while (true) {
      try {
        held.add(new Socket(InetAddress.getLoopbackAddress(), port));
        connections.increment();
        if (held.size() > SILENT) {
          held.removeFirst().close();
        }
      } catch (IOException e) {
        // refused; once more
      }
    }
  }
}
