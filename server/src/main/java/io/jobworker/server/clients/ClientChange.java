package io.jobworker.server.clients;

import java.time.Instant;

/**
 * A change that somebody made to the database of clients.
 *
 * @param what {@code added}, {@code disabled}, {@code enabled}, {@code changed} or {@code removed}
 * @param detail what is not the same for every change: a role, quotas
 * @param by the user of this host who made it
 */
public record ClientChange(
    Instant at, String what, String client, String cn, String detail, String by) {}
