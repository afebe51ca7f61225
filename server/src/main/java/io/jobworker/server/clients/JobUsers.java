package io.jobworker.server.clients;

import io.jobworker.base.linux.IdRanges;
import io.jobworker.base.linux.PasswordFile;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.RunAs;
import io.jobworker.server.config.ServerConfig.UidRange;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Which user a client's jobs run as: a named one, or one that is the client's alone. */
public final class JobUsers {
  private final ClientRegistry clients;
  private final UidRange range;
  private final boolean separate;

  /** {@code separate}: jobs run as other users than the server's own, which only root can do. */
  public JobUsers(ClientRegistry clients, UidRange range, boolean separate) {
    this.clients = clients;
    this.range = range;
    this.separate = separate;
  }

  /**
   * Who else on this host has users of the range: they could meet jobs as their own processes, and
   * jobs their files.
   */
  public static List<String> others(UidRange range) {
    return IdRanges.othersIn(range.first(), range.last());
  }

  /** Empty if jobs run as the server's own user. */
  public Optional<RunAs> of(Client client) {
    if (client.runAs().isPresent()) {
      String name = client.runAs().get();
      return Optional.of(
          PasswordFile.find(name)
              .filter(user -> user.uid() != 0)
              .map(user -> new RunAs(user.uid(), user.gid()))
              .orElseThrow(() ->
                  new JobException.CannotEnforce(
                      "user " + name, "there is no such user, or it is root")));
    }
    if (!separate) {
      return Optional.empty();
    }
    OptionalInt uid = clients.uidOf(client.name(), range.first(), range.last());
    if (uid.isEmpty()) {
      throw new JobException.CannotEnforce(
          "a user of the client's own", "isolation.uid-range is used up");
    }
    return Optional.of(new RunAs(uid.getAsInt(), uid.getAsInt()));
  }
}
