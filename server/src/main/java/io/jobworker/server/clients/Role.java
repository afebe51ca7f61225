package io.jobworker.server.clients;

import java.util.Locale;

/** What a client may do. */
public enum Role {
  /** Starts jobs, and reaches its own. */
  USER,
  /** Reads all jobs, starts none. */
  VIEWER,
  /** Everything, on all jobs. */
  ADMIN;

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
