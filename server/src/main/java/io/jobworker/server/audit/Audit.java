package io.jobworker.server.audit;

import io.jobworker.core.JobListener;
import io.jobworker.core.job.JobEnd;
import io.jobworker.core.job.JobEvent;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Limits;
import io.jobworker.core.job.Requester;
import io.jobworker.core.job.Signal;
import io.jobworker.core.job.StopRequest;
import io.jobworker.core.job.Usage;
import io.jobworker.server.access.Caller;
import io.jobworker.server.clients.ClientChange;
import io.jobworker.server.config.ServerConfig;
import io.jobworker.server.config.ServerDirectory;
import io.jobworker.server.tls.CertificateExpiry;
import io.jobworker.server.tls.Tls;
import io.jobworker.server.transport.RefusedConnection;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Collectors;
import org.slf4j.Logger;

/**
 * The events that whoever investigates later must find, one JSON line each; {@code docs/audit.md}
 * has the table of them and of their fields. Values of a job's environment and its stdin are never
 * written; its arguments go through a mask. Thread-safe; the log is the one of this process.
 */
public final class Audit implements JobListener, Tls.Listener, AutoCloseable {
  private static final String OK = "ok";
  private static final String DENIED = "denied";
  private static final String FAILED = "failed";

  /** The source of refusals of whoever is no client; no client can have this name. */
  private static final String UNKNOWN = "";

  /**
   * Those of what is refused for its amount, which others must not hide; no client's name either.
   */
  private static final String LARGE_REQUESTS = " ";

  private static final String FLOODS = "  ";

  private final AuditLog log;
  private final ArgvMask argvMask;
  private final boolean required;
  private final Refusals refusals = new Refusals();
  private final ConcurrentMap<Kind, LongAdder> counts = new ConcurrentHashMap<>();

  /** What events are counted by. */
  public record Kind(String event, String outcome) {}

  /** Opens the log that the configuration names. The caller closes it. */
  public Audit(ServerConfig.Audit settings, ServerDirectory directory) {
    log = AuditLog.open(settings, directory);
    argvMask = new ArgvMask(settings.patterns());
    required = settings.required();
  }

  /**
   * Makes sure that what is about to begin can be told.
   *
   * @throws JobException.Unavailable if it might not be, and lines are required
   */
  @Override
  public void requireRoom() {
    Optional<String> lack = required ? log.lack() : Optional.empty();
    if (lack.isPresent()) {
      throw new JobException.Unavailable(lack.get());
    }
  }

  /** Whether a line that comes now is written, as far as is known. */
  public boolean isWritable() {
    return log.lack().isEmpty();
  }

  /** How many lines were lost, and are missing. */
  public long lost() {
    return log.lost();
  }

  /** Goes on in a new file if the one that it was writing has been moved. */
  public void reopen() {
    log.reopen();
  }

  /** Closes the log; what happens from then on is written nowhere. */
  @Override
  public void close() {
    log.close();
  }

  // --- the server

  public void serverStarted(String directory) {
    line("server.started", OK).with("directory", directory).write();
  }

  public void serverListening(String address) {
    line("server.listening", OK).with("address", address).write();
  }

  public void serverStopped() {
    line("server.stopped", OK).write();
  }

  @Override
  public void reloaded(List<X509Certificate> inUse) {
    line("tls.reloaded", OK)
        .with("certificates", inUse.stream().map(Audit::describe).toList())
        .write();
    expiring(inUse);
  }

  @Override
  public void reloadFailed(String why) {
    line("tls.reload_failed", FAILED).with("reason", why).write();
  }

  /** Warns of each that ends soon. */
  public void expiring(List<X509Certificate> inUse) {
    for (X509Certificate certificate : inUse) {
      CertificateExpiry expiry = CertificateExpiry.of(certificate, Clock.systemUTC());
      if (expiry.isNear()) {
        line("tls.expires_soon", OK)
            .with("certificate", describe(certificate))
            .with("days", expiry.left().toDays())
            .write();
      }
    }
  }

  private static Map<String, String> describe(X509Certificate certificate) {
    return Map.of(
        "subject", certificate.getSubjectX500Principal().getName(),
        "serial", certificate.getSerialNumber().toString(16),
        "not_after", certificate.getNotAfter().toInstant().toString());
  }

  // --- clients

  /** The database of clients was changed, by this process or another. */
  public void clientChanged(ClientChange change) {
    line("client." + change.what(), OK)
        .with("client", change.client())
        .with("cn", change.cn())
        .with("detail", change.detail())
        .with("by", change.by())
        .with("at", change.at().toString())
        .write();
  }

  /** A call by someone who is no registered client. */
  public void unknownCaller(
      String cn, String serial, String peer, String method, String requestId, String reason) {
    writeRefusal(
        UNKNOWN,
        line("request.denied", DENIED)
            .with("cn", cn)
            .with("serial", serial)
            .with("peer", peer)
            .with("method", method)
            .with("request_id", requestId)
            .with("reason", reason));
  }

  /** A call that a registered client may not make, or not now. */
  public void denied(Caller caller, Optional<JobId> job, String reason) {
    writeRefusal(
        caller.client().name(),
        by(line("request.denied", DENIED), caller).withJob(job).with("reason", reason));
  }

  /** A connection that came to nothing, before or in its handshake. */
  public void handshakeRefused(RefusedConnection refused) {
    Line line =
        line("handshake.refused", DENIED)
            .with("peer", refused.peer())
            .with("reason", refused.reason())
            .with("detail", refused.detail());
    refused
        .certificate()
        .ifPresent(shown -> line.with("subject", shown.subject()).with("serial", shown.serial()));
    writeRefusal(UNKNOWN, line);
  }

  /** A connection that was ended for what came by it. */
  public void connectionFlooded(String peer, String cn, String kind) {
    writeRefusal(
        FLOODS,
        line("connection.flooded", DENIED).with("peer", peer).with("cn", cn).with("kind", kind));
  }

  /** A call that was refused before it was looked at, for what its request takes. */
  public void requestRefused(String cn, String method, String reason) {
    writeRefusal(
        LARGE_REQUESTS,
        line("request.denied", DENIED)
            .with("cn", cn)
            .with("method", method)
            .with("reason", reason));
  }

  private void writeRefusal(String source, Line line) {
    OptionalLong leftOut = refusals.line(source);
    if (leftOut.isPresent()) {
      if (leftOut.getAsLong() > 0) {
        line.with("left_out", leftOut.getAsLong());
      }
      line.write();
    }
  }

  // --- jobs

  @Override
  public void on(JobEvent event) {
    switch (event) {
      case JobEvent.Started started -> started(started);
      case JobEvent.CallRefused refused -> refused(refused);
      case JobEvent.Ended ended -> ended(ended.status());
      case JobEvent.Removed removed -> removed(removed);
    }
  }

  private void started(JobEvent.Started event) {
    JobStatus job = event.status();
    ArgvMask.Masked argv = argvMask.mask(job.spec().command());
    Line line =
        by(line("job.started", OK), event.by())
            .withJob(Optional.of(job.id()))
            .with("argv", argv.arguments())
            .with("limits", limits(job.spec().limits()))
            .with("pid", job.mainPid());
    if (argv.omitted() > 0) {
      line.with("argv_omitted", argv.omitted());
    }
    event.runAs().ifPresent(user -> line.with("uid", user.uid()).with("gid", user.gid()));
    line.write();
  }

  private static Map<String, Object> limits(Limits limits) {
    Map<String, Object> set = new LinkedHashMap<>();
    limits.amounts().forEach((limit, amount) -> set.put(limit.nameWithUnit(), amount));
    if (!limits.io().isEmpty()) {
      set.put("io", limits.io().stream().map(Audit::limit).toList());
    }
    return set;
  }

  private static Map<String, Object> limit(Limits.IoLimit io) {
    return Map.of(
        "path", io.path(),
        "read_bps", io.readBps(),
        "write_bps", io.writeBps(),
        "read_iops", io.readIops(),
        "write_iops", io.writeIops());
  }

  /** Before the stop, which may take as long as its grace. */
  public void stopRequested(Caller caller, JobId job, StopRequest request) {
    Line line = by(line("job.stop_requested", OK), caller).withJob(Optional.of(job));
    request
        .grace()
        .ifPresent(grace ->
            line.with("grace_ms", grace.toMillis()).with("signal", request.signal().number()));
    line.write();
  }

  /** Before it is sent. */
  public void signalSent(Caller caller, JobId job, Signal signal) {
    by(line("job.signal_sent", OK), caller)
        .withJob(Optional.of(job))
        .with("signal", signal.number())
        .write();
  }

  private void refused(JobEvent.CallRefused event) {
    line("job.call_refused", DENIED)
        .with("client", event.status().owner())
        .withJob(Optional.of(event.job()))
        .with("call", event.call())
        .write();
  }

  private void ended(JobStatus job) {
    JobEnd end = job.end().orElseThrow();
    Line line =
        line("job.ended", OK)
            .with("client", job.owner())
            .withJob(Optional.of(job.id()))
            .with("status", lower(job.state()))
            .with("reason", lower(end.reason()))
            .with("usage", usage(end.usage()))
            .with("output_bytes", job.outputBytes())
            .with("output_dropped_bytes", job.outputDroppedBytes());
    end.exitCode().ifPresent(code -> line.with("exit_code", code));
    end.signal().ifPresent(signal -> line.with("signal", signal));
    if (!end.detail().isEmpty()) {
      line.with("detail", end.detail());
    }
    line.write();
  }

  private static Map<String, Object> usage(Usage usage) {
    Map<String, Object> figures = new TreeMap<>();
    addTold(figures, "cpu_usec", usage.cpu().toNanos() / 1000);
    addTold(figures, "memory_peak_bytes", usage.memoryPeakBytes());
    addTold(figures, "oom_kills", usage.oomKills());
    addTold(figures, "read_bytes", usage.readBytes());
    addTold(figures, "written_bytes", usage.writtenBytes());
    return figures;
  }

  private static void addTold(Map<String, Object> figures, String name, long figure) {
    if (figure >= 0) {
      figures.put(name, figure);
    }
  }

  private void removed(JobEvent.Removed event) {
    Line removed = line("job.removed", OK);
    Line line =
        event.by().isPresent()
            ? by(removed, event.by().get())
            : removed.with("client", event.owner());
    line.withJob(Optional.of(event.job()))
        .with("reason", lower(event.why()))
        .with("owner", event.owner())
        .write();
  }

  // --- log streams

  public void logsOpened(Caller caller, JobId job) {
    by(line("logs.opened", OK), caller).withJob(Optional.of(job)).write();
  }

  /** {@code outcome} is {@code complete}, {@code cancelled}, {@code stalled} or {@code failed}. */
  public void logsClosed(Caller caller, JobId job, String outcome, long bytes, long droppedBytes) {
    by(line("logs.closed", outcome), caller)
        .withJob(Optional.of(job))
        .with("bytes", bytes)
        .with("dropped_bytes", droppedBytes)
        .write();
  }

  // --- input

  public void inputOpened(Caller caller, JobId job) {
    by(line("input.opened", OK), caller).withJob(Optional.of(job)).write();
  }

  /**
   * {@code outcome} is {@code ended}, {@code closed}, {@code job_ended}, {@code left}, {@code
   * cancelled}, {@code taken_over} or {@code failed}; {@code bytes} is what the job took.
   */
  public void inputClosed(Caller caller, JobId job, String outcome, long bytes) {
    by(line("input.closed", outcome), caller)
        .withJob(Optional.of(job))
        .with("bytes", bytes)
        .write();
  }

  // --- lines

  /** How many events there were so far, with those that were left out. */
  public Map<Kind, Long> counts() {
    return counts.entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, count -> count.getValue().sum()));
  }

  private Line line(String event, String outcome) {
    counts.computeIfAbsent(new Kind(event, outcome), _ -> new LongAdder()).increment();
    return new Line(log.lines(), event).with("outcome", outcome);
  }

  /** Of a client's call all that is known; of whoever else asks, the name. */
  private static Line by(Line line, Requester requester) {
    return requester instanceof Caller caller
        ? by(line, caller)
        : line.with("client", requester.name());
  }

  private static Line by(Line line, Caller caller) {
    return line.with("client", caller.client().name())
        .with("cn", caller.client().cn())
        .with("serial", caller.certificateSerial())
        .with("peer", caller.peer())
        .with("method", caller.method())
        .with("request_id", caller.requestId());
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  /** One line as it is put together. */
  private static final class Line {
    private final Logger log;
    private final String event;
    private final Map<String, Object> fields = new LinkedHashMap<>();

    private Line(Logger log, String event) {
      this.log = log;
      this.event = event;
    }

    private Line with(String field, Object value) {
      fields.put(field, value);
      return this;
    }

    private Line withJob(Optional<JobId> job) {
      job.ifPresent(id -> with("job", id.toString()));
      return this;
    }

    private void write() {
      var entry = log.atInfo();
      for (Map.Entry<String, Object> field : fields.entrySet()) {
        entry = entry.addKeyValue(field.getKey(), field.getValue());
      }
      entry.log(event);
    }
  }
}
