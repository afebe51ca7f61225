package io.jobworker.server.audit;

import io.jobworker.core.JobEnd;
import io.jobworker.core.JobListener;
import io.jobworker.core.JobStatus;
import io.jobworker.server.auth.Caller;
import io.jobworker.server.tls.CertificateExpiry;
import io.jobworker.server.tls.Tls;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * The events that an operator, and whoever investigates later, must find in the log. Each has the
 * fields {@code client}, {@code cn}, {@code peer} and {@code job} where they apply. Values of a
 * job's environment and its stdin are never logged.
 */
public final class Audit implements JobListener, Tls.Listener {
  private static final Logger LOG = LoggerFactory.getLogger("audit");

  public void serverStarted(String address, String directory) {
    LOG.atInfo()
        .addKeyValue("address", address)
        .addKeyValue("directory", directory)
        .log("server.started");
  }

  public void serverStopped() {
    LOG.atInfo().log("server.stopped");
  }

  @Override
  public void reloaded(List<X509Certificate> inUse) {
    LOG.atInfo()
        .addKeyValue("certificates", inUse.stream().map(Audit::describe).toList())
        .log("tls.reloaded");
    expiring(inUse);
  }

  @Override
  public void reloadFailed(String why) {
    LOG.atError().addKeyValue("reason", why).log("tls.reload_failed");
  }

  /** Warns of each that ends soon. */
  public void expiring(List<X509Certificate> inUse) {
    for (X509Certificate certificate : inUse) {
      CertificateExpiry expiry = CertificateExpiry.of(certificate, Clock.systemUTC());
      if (expiry.isNear()) {
        LOG.atWarn()
            .addKeyValue("certificate", describe(certificate))
            .addKeyValue("days", expiry.left().toDays())
            .log("tls.expires_soon");
      }
    }
  }

  private static Map<String, String> describe(X509Certificate certificate) {
    return Map.of(
        "subject", certificate.getSubjectX500Principal().getName(),
        "serial", certificate.getSerialNumber().toString(16),
        "not_after", certificate.getNotAfter().toInstant().toString());
  }

  /** A call by someone who is no registered client. */
  public void unknownCaller(String cn, String serial, String peer, String method, String reason) {
    LOG.atWarn()
        .addKeyValue("client", "")
        .addKeyValue("cn", cn)
        .addKeyValue("serial", serial)
        .addKeyValue("peer", peer)
        .addKeyValue("method", method)
        .addKeyValue("reason", reason)
        .log("client.denied");
  }

  /** A call that a registered client may not make; {@code job} is empty where none is named. */
  public void denied(Caller caller, String method, String job, String reason) {
    by(LOG.atWarn(), caller)
        .addKeyValue("method", method)
        .addKeyValue("job", job)
        .addKeyValue("reason", reason)
        .log("client.denied");
  }

  @Override
  public void started(JobStatus job) {
    by(LOG.atInfo(), Caller.current())
        .addKeyValue("job", job.id().toString())
        .addKeyValue("argv", job.spec().command())
        .addKeyValue("pid", job.mainPid())
        .log("job.started");
  }

  public void jobStopped(Caller caller, JobStatus job) {
    by(LOG.atInfo(), caller)
        .addKeyValue("job", job.id().toString())
        .addKeyValue("status", lower(job.state()))
        .log("job.stopped");
  }

  public void jobRemoved(Caller caller, JobStatus job) {
    by(LOG.atInfo(), caller).addKeyValue("job", job.id().toString()).log("job.removed");
  }

  @Override
  public void refused(JobStatus job, String call) {
    LOG.atWarn()
        .addKeyValue("client", job.owner())
        .addKeyValue("job", job.id().toString())
        .addKeyValue("call", call)
        .log("job.call_refused");
  }

  @Override
  public void ended(JobStatus job) {
    JobEnd end = job.end().orElseThrow();
    LoggingEventBuilder event =
        LOG.atInfo()
            .addKeyValue("client", job.owner())
            .addKeyValue("job", job.id().toString())
            .addKeyValue("status", lower(job.state()))
            .addKeyValue("reason", lower(end.reason()));
    event = addIfPresent(event, "exit_code", end.exitCode());
    event = addIfPresent(event, "signal", end.signal());
    if (!end.detail().isEmpty()) {
      event = event.addKeyValue("detail", end.detail());
    }
    event
        .addKeyValue("output_bytes", job.outputBytes())
        .addKeyValue("output_dropped_bytes", job.outputDroppedBytes())
        .log("job.ended");
  }

  public void logsOpened(Caller caller, String job) {
    by(LOG.atInfo(), caller).addKeyValue("job", job).log("logs.opened");
  }

  /** {@code outcome} is {@code complete}, {@code cancelled} or {@code failed}. */
  public void logsClosed(Caller caller, String job, String outcome, long bytes, long droppedBytes) {
    by(LOG.atInfo(), caller)
        .addKeyValue("job", job)
        .addKeyValue("outcome", outcome)
        .addKeyValue("bytes", bytes)
        .addKeyValue("dropped_bytes", droppedBytes)
        .log("logs.closed");
  }

  private static LoggingEventBuilder by(LoggingEventBuilder event, Caller caller) {
    return event
        .addKeyValue("client", caller.client().name())
        .addKeyValue("cn", caller.client().cn())
        .addKeyValue("serial", caller.certificateSerial())
        .addKeyValue("peer", caller.peer());
  }

  private static LoggingEventBuilder addIfPresent(
      LoggingEventBuilder event, String key, OptionalInt value) {
    return value.isPresent() ? event.addKeyValue(key, value.getAsInt()) : event;
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
