package io.jobworker.server.clients;

import io.jobworker.server.quota.Quotas;
import java.time.Instant;
import java.util.Optional;

/**
 * A registered client.
 *
 * @param name unique; jobs belong to it by this name
 * @param runAs the named user that its jobs run as; empty: one of its own
 * @param cn what its certificates name it, unique
 * @param quotas what it may have, where that is not what everybody may
 */
public record Client(
    String name,
    String cn,
    Role role,
    boolean disabled,
    Instant createdAt,
    Optional<String> runAs,
    Quotas quotas) {
  public static final int MAX_NAME_LENGTH = 63;

  /** RFC 5280, ub-common-name. */
  public static final int MAX_CN_LENGTH = 64;
}
