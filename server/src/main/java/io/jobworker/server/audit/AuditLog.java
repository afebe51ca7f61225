package io.jobworker.server.audit;

import static net.logstash.logback.fieldnames.LogstashCommonFieldNames.IGNORE_FIELD_INDICATOR;

import ch.qos.logback.classic.AsyncAppender;
import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.Encoder;
import io.jobworker.server.config.ConfigException;
import io.jobworker.server.config.ServerConfig;
import io.jobworker.server.config.ServerDirectory;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import net.logstash.logback.encoder.LogstashEncoder;
import net.logstash.logback.fieldnames.LogstashFieldNames;
import org.slf4j.LoggerFactory;

/**
 * Where the audit's lines go: a file of their own that is rotated by size, or standard output. A
 * line is in the file before the call that it tells of is answered; on standard output, where
 * nobody may be reading, it waits in a queue, and is lost if that is full. Thread-safe.
 */
final class AuditLog implements AutoCloseable {
  private static final String STANDARD_OUTPUT = "-";
  private static final int QUEUE_LINES = 16_384;

  private final Logger logger;

  /** Empty: standard output. */
  private final Optional<AuditFile> file;

  private final LongSupplier lost;

  private AuditLog(Logger logger, Optional<AuditFile> file, LongSupplier lost) {
    this.logger = logger;
    this.file = file;
    this.lost = lost;
  }

  /**
   * Opens it as configured. There is one in this process; the caller closes it.
   *
   * @throws ConfigException if it cannot be written
   */
  static AuditLog open(ServerConfig.Audit settings, ServerDirectory directory) {
    Logger logger = (Logger) LoggerFactory.getLogger("audit");
    logger.detachAndStopAllAppenders();
    logger.setAdditive(false);
    logger.setLevel(Level.INFO);
    if (settings.file().equals(STANDARD_OUTPUT)) {
      Queue queue = Queue.open(logger.getLoggerContext());
      logger.addAppender(queue);
      return new AuditLog(logger, Optional.empty(), queue.lost::sum);
    }
    AuditFile file =
        AuditFile.open(
            directory.resolve(settings.file()),
            settings.maxSize(),
            settings.keep(),
            logger,
            encoder(logger.getLoggerContext()));
    file.start();
    logger.addAppender(file);
    return new AuditLog(logger, Optional.of(file), file::lost);
  }

  /** What takes the lines. */
  org.slf4j.Logger lines() {
    return logger;
  }

  /** Goes on in a new file if the one that was written has been moved. */
  void reopen() {
    file.ifPresent(AuditFile::reopen);
  }

  /** Why a line that comes now might be lost; empty if none would be, as far as is known. */
  Optional<String> lack() {
    return file.flatMap(AuditFile::lack);
  }

  /** How many lines were. */
  long lost() {
    return lost.getAsLong();
  }

  /** Writes what waits, and closes the file. */
  @Override
  public void close() {
    logger.detachAndStopAllAppenders();
  }

  /** Standard output, which nobody waits for. */
  private static final class Queue extends AsyncAppender {
    private final LongAdder lost = new LongAdder();

    static Queue open(LoggerContext context) {
      ConsoleAppender<ILoggingEvent> console = new ConsoleAppender<>();
      console.setContext(context);
      console.setEncoder(encoder(context));
      console.start();
      Queue queue = new Queue();
      queue.setContext(context);
      queue.setQueueSize(QUEUE_LINES);
      queue.setDiscardingThreshold(0);
      queue.setNeverBlock(true);
      queue.addAppender(console);
      queue.start();
      return queue;
    }

    @Override
    protected void append(ILoggingEvent event) {
      if (getRemainingCapacity() == 0) {
        lost.increment();
      }
      super.append(event);
    }
  }

  private static Encoder<ILoggingEvent> encoder(LoggerContext context) {
    LogstashFieldNames names = new LogstashFieldNames();
    names.setTimestamp("time");
    names.setMessage("event");
    names.setLogger(IGNORE_FIELD_INDICATOR);
    names.setLevel(IGNORE_FIELD_INDICATOR);
    names.setLevelValue(IGNORE_FIELD_INDICATOR);
    names.setThread(IGNORE_FIELD_INDICATOR);
    names.setVersion(IGNORE_FIELD_INDICATOR);
    LogstashEncoder encoder = new LogstashEncoder();
    encoder.setContext(context);
    encoder.setFieldNames(names);
    encoder.setTimeZone("UTC");
    encoder.start();
    return encoder;
  }
}
