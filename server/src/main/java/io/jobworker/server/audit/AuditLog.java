package io.jobworker.server.audit;

import static net.logstash.logback.fieldnames.LogstashCommonFieldNames.IGNORE_FIELD_INDICATOR;

import ch.qos.logback.classic.AsyncAppender;
import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.Appender;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.Encoder;
import ch.qos.logback.core.rolling.RollingFileAppender;
import ch.qos.logback.core.rolling.SizeBasedTriggeringPolicy;
import ch.qos.logback.core.util.Duration;
import ch.qos.logback.core.util.FileSize;
import io.jobworker.base.linux.PrivateFiles;
import io.jobworker.server.config.ConfigException;
import io.jobworker.server.config.ServerConfig;
import io.jobworker.server.config.ServerDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import net.logstash.logback.encoder.LogstashEncoder;
import net.logstash.logback.fieldnames.LogstashFieldNames;
import org.slf4j.LoggerFactory;

/**
 * Where the audit's lines go: a file of their own that is rotated by size, or standard output. A
 * line is in the file before the call that it tells of is answered; on standard output, where
 * nobody may be reading, it waits in a queue, and is lost if that is full.
 */
final class AuditLog {
  private static final String STANDARD_OUTPUT = "-";
  private static final int QUEUE_LINES = 16_384;

  private AuditLog() {}

  /** Sets it up as configured. There is one in this process. */
  static org.slf4j.Logger open(ServerConfig.Audit settings, ServerDirectory directory) {
    Logger logger = logger();
    logger.detachAndStopAllAppenders();
    logger.setAdditive(false);
    logger.setLevel(Level.INFO);
    logger.addAppender(
        settings.file().equals(STANDARD_OUTPUT)
            ? standardOutput(logger.getLoggerContext())
            : file(logger.getLoggerContext(), directory.resolve(settings.file()), settings));
    return logger;
  }

  /** Goes on in a new file if the one that was written has been moved. No line is lost. */
  static void reopen() {
    logger()
        .iteratorForAppenders()
        .forEachRemaining(appender -> {
          if (appender instanceof RollingFileAppender<ILoggingEvent> file) {
            file.rollover();
          }
        });
  }

  /** Writes what waits, and closes the file. */
  static void close() {
    logger().detachAndStopAllAppenders();
  }

  private static Logger logger() {
    return (Logger) LoggerFactory.getLogger("audit");
  }

  private static Appender<ILoggingEvent> standardOutput(LoggerContext context) {
    ConsoleAppender<ILoggingEvent> console = new ConsoleAppender<>();
    console.setContext(context);
    console.setEncoder(encoder(context));
    console.start();
    AsyncAppender queue = new AsyncAppender();
    queue.setContext(context);
    queue.setQueueSize(QUEUE_LINES);
    queue.setDiscardingThreshold(0);
    queue.setNeverBlock(true);
    queue.addAppender(console);
    queue.start();
    return queue;
  }

  private static Appender<ILoggingEvent> file(
      LoggerContext context, Path file, ServerConfig.Audit settings) {
    create(file);
    RollingFileAppender<ILoggingEvent> appender = new RollingFileAppender<>();
    appender.setContext(context);
    appender.setFile(file.toString());
    appender.setEncoder(encoder(context));

    SizeBasedTriggeringPolicy<ILoggingEvent> size = new SizeBasedTriggeringPolicy<>();
    size.setContext(context);
    size.setMaxFileSize(new FileSize(settings.maxSize().bytes()));
    size.setCheckIncrement(Duration.buildByMilliseconds(100));
    size.start();

    appender.setRollingPolicy(new NumberedFiles(file, settings.maxSize(), settings.keep()));
    appender.setTriggeringPolicy(size);
    appender.start();
    if (!appender.isStarted()) {
      throw new ConfigException("cannot write the audit log " + file);
    }
    return appender;
  }

  private static void create(Path file) {
    try {
      ServerDirectory.createParentPrivately(file);
      if (!Files.exists(file)) {
        Files.createFile(file, PrivateFiles.FILE);
      }
    } catch (IOException e) {
      throw new ConfigException("cannot write the audit log " + file);
    }
    ServerDirectory.requirePrivate(file);
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
