package io.jobworker.core.store;

import io.jobworker.base.sqlite.Database.Binder;
import io.jobworker.core.job.JobException;
import java.time.Duration;
import java.util.function.Supplier;

/**
 * For how long this database has been served, the time in which the host was off aside: the age of
 * what is in it is told by this, which nobody can set, and not by a clock that somebody does. It
 * goes on where an earlier process has left it, by the host's uptime if that has not restarted
 * since. Thread-safe.
 */
public final class ServiceTime {
  private final JobDatabase database;
  private final String bootId;
  private final Supplier<Duration> uptime;
  private final Duration before;
  private final Duration start;

  private record Kept(String bootId, Duration uptime, Duration service) {}

  private ServiceTime(
      JobDatabase database,
      String bootId,
      Supplier<Duration> uptime,
      Duration before,
      Duration start) {
    this.database = database;
    this.bootId = bootId;
    this.uptime = uptime;
    this.before = before;
    this.start = start;
  }

  /**
   * Goes on with what the database has.
   *
   * @param bootId of the host now
   * @param uptime of the host, at each moment
   * @throws JobException.Unavailable if the database cannot be read or written
   */
  public static ServiceTime of(JobDatabase database, String bootId, Supplier<Duration> uptime) {
    Kept kept =
        database
            .rows(
                "SELECT boot_id, uptime_us, service_us FROM service_time",
                Binder.NONE,
                row ->
                    new Kept(row.getString(1), duration(row.getLong(2)), duration(row.getLong(3))))
            .getFirst();
    Duration now = uptime.get();
    boolean sameBoot = kept.bootId().equals(bootId) && now.compareTo(kept.uptime()) > 0;
    Duration since = sameBoot ? now.minus(kept.uptime()) : Duration.ZERO;
    ServiceTime time = new ServiceTime(database, bootId, uptime, kept.service().plus(since), now);
    time.keep();
    return time;
  }

  /** So long by now. */
  public Duration now() {
    return before.plus(uptime.get().minus(start));
  }

  /**
   * Writes it down, which is to be done now and then: a restart of the host forgets what was not.
   */
  public void keep() {
    Duration up = uptime.get();
    database.updateSurely(
        "UPDATE service_time SET boot_id = ?, uptime_us = ?, service_us = ?",
        statement -> {
          statement.setString(1, bootId);
          statement.setLong(2, micros(up));
          statement.setLong(3, micros(before.plus(up.minus(start))));
        });
  }

  static long micros(Duration time) {
    return time.toNanos() / 1000;
  }

  static Duration duration(long micros) {
    return Duration.ofNanos(Math.multiplyExact(micros, 1000L));
  }
}
