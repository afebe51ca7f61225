package io.jobworker.server.clients;

import io.jobworker.core.store.Sqlite;
import io.jobworker.server.quota.Quotas;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteErrorCode;

/**
 * The internal database of clients. It may be changed by another process at any time; every look-up
 * sees the newest state. Each change is written down beside it, for whoever keeps the audit to
 * fetch. Thread-safe.
 */
public final class ClientRegistry implements AutoCloseable {
  private static final List<String> MIGRATIONS =
      List.of(
          """
          CREATE TABLE client (
            name TEXT PRIMARY KEY,
            cn TEXT NOT NULL UNIQUE,
            role TEXT NOT NULL CHECK (role IN ('user', 'viewer', 'admin')),
            disabled INTEGER NOT NULL DEFAULT 0,
            created_at_ms INTEGER NOT NULL
          ) STRICT, WITHOUT ROWID;
          """,
          """
          ALTER TABLE client ADD COLUMN run_as TEXT;
          ALTER TABLE client ADD COLUMN uid INTEGER;
          CREATE UNIQUE INDEX client_by_uid ON client (uid) WHERE uid IS NOT NULL;
          """,
          """
          ALTER TABLE client ADD COLUMN quotas TEXT NOT NULL DEFAULT '';
          CREATE TABLE client_change (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at_ms INTEGER NOT NULL,
            what TEXT NOT NULL,
            client TEXT NOT NULL,
            cn TEXT NOT NULL,
            detail TEXT NOT NULL,
            actor TEXT NOT NULL
          ) STRICT;
          """);

  private static final String INSERT =
      "INSERT INTO client (created_at_ms, role, run_as, cn, name) VALUES (?, ?, ?, ?, ?)";

  private final Connection connection;
  private final Clock clock;

  /** Guards {@link #connection}; nothing else is called while it is held. */
  private final ReentrantLock lock = new ReentrantLock();

  /** Counts the changes that others make to the database (sqlite.org, PRAGMA data_version). */
  private final PreparedStatement version;

  /** The clients that were looked up since the last change, by CN. Guarded by the lock. */
  private final Map<String, Client> known = new HashMap<>();

  private long knownAt;

  private ClientRegistry(Connection connection, Clock clock) throws SQLException {
    this.connection = connection;
    this.clock = clock;
    this.version = connection.prepareStatement("PRAGMA data_version");
  }

  /** Opens the database, made if it is missing. The caller closes it. */
  public static ClientRegistry open(Path file, Clock clock) {
    try {
      return new ClientRegistry(Sqlite.open(file, MIGRATIONS), clock);
    } catch (SQLException e) {
      throw new RegistryException("cannot open the client database " + file, e);
    }
  }

  /**
   * Registers a client.
   *
   * @return empty if the name or the CN is taken
   */
  public Optional<Client> add(String name, String cn, Role role, Optional<String> runAs) {
    Client client =
        new Client(
            name,
            cn,
            role,
            false,
            Instant.ofEpochMilli(clock.instant().toEpochMilli()),
            runAs,
            Quotas.NONE);
    String detail = "role=" + role + runAs.map(user -> " run-as=" + user).orElse("");
    return change(
            "added",
            name,
            detail,
            INSERT,
            client.createdAt().toEpochMilli(),
            role.toString(),
            runAs.orElse(null),
            cn,
            name)
        ? Optional.of(client)
        : Optional.empty();
  }

  /** Answers whether there is such a client. */
  public boolean setDisabled(String name, boolean disabled) {
    return change(
        disabled ? "disabled" : "enabled",
        name,
        "",
        "UPDATE client SET disabled = ? WHERE name = ?",
        disabled,
        name);
  }

  /** Gives the client quotas of its own; answers whether there is such a client. */
  public boolean setQuotas(String name, Quotas quotas) {
    return change(
        "changed",
        name,
        quotas.toString(),
        "UPDATE client SET quotas = ? WHERE name = ?",
        quotas.toString(),
        name);
  }

  /** Takes back an {@link #add}. */
  public void remove(String name) {
    change("removed", name, "", "DELETE FROM client WHERE name = ?", name);
  }

  /**
   * Does one change of one client and writes it down, both or none of them.
   *
   * @return whether something was changed
   */
  private boolean change(
      String what, String name, String detail, String sql, @Nullable Object... values) {
    lock.lock();
    try (Statement transaction = connection.createStatement()) {
      transaction.execute("BEGIN IMMEDIATE");
      boolean done = false;
      try {
        Optional<String> before = cnOf(name);
        if (update(sql, values) == 1) {
          update(
              "INSERT INTO client_change (at_ms, what, client, cn, detail, actor)"
                  + " VALUES (?, ?, ?, ?, ?, ?)",
              clock.instant().toEpochMilli(),
              what,
              name,
              cnOf(name).or(() -> before).orElse(""),
              detail,
              actor());
          done = true;
        }
      } finally {
        transaction.execute(done ? "COMMIT" : "ROLLBACK");
        known.clear(); // the version tells of others' changes only
      }
      return done;
    } catch (SQLException e) {
      if ((e.getErrorCode() & 0xff) == SQLiteErrorCode.SQLITE_CONSTRAINT.code) {
        return false;
      }
      throw new RegistryException("cannot change the client database", e);
    } finally {
      lock.unlock();
    }
  }

  private int update(String sql, @Nullable Object... values) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < values.length; i++) {
        statement.setObject(i + 1, values[i]);
      }
      return statement.executeUpdate();
    }
  }

  private Optional<String> cnOf(String name) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement("SELECT cn FROM client WHERE name = ?")) {
      statement.setString(1, name);
      try (ResultSet row = statement.executeQuery()) {
        return row.next() ? Optional.of(row.getString(1)) : Optional.empty();
      }
    }
  }

  /** Who runs this program; under sudo(8), who ran that. */
  private static String actor() {
    String sudo = System.getenv("SUDO_USER");
    return sudo == null ? System.getProperty("user.name", "") : sudo;
  }

  /**
   * Hands over the changes that were made since the last time, in their order. What {@code heard}
   * does not return from normally is handed over again.
   */
  public void takeChanges(Consumer<ClientChange> heard) {
    Map<Long, ClientChange> changes = changes();
    for (Map.Entry<Long, ClientChange> change : changes.entrySet()) {
      heard.accept(change.getValue());
      lock.lock();
      try {
        update("DELETE FROM client_change WHERE id = ?", change.getKey());
      } catch (SQLException e) {
        throw new RegistryException("cannot change the client database", e);
      } finally {
        lock.unlock();
      }
    }
  }

  private Map<Long, ClientChange> changes() {
    lock.lock();
    try (Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "SELECT id, at_ms, what, client, cn, detail, actor FROM client_change"
                    + " ORDER BY id")) {
      Map<Long, ClientChange> changes = new LinkedHashMap<>();
      while (rows.next()) {
        changes.put(
            rows.getLong(1),
            new ClientChange(
                Instant.ofEpochMilli(rows.getLong(2)),
                rows.getString(3),
                rows.getString(4),
                rows.getString(5),
                rows.getString(6),
                rows.getString(7)));
      }
      return changes;
    } catch (SQLException e) {
      throw new RegistryException("cannot read the client database", e);
    } finally {
      lock.unlock();
    }
  }

  /**
   * The user id of the client's own, out of the range {@code first} to {@code last}; given at the
   * first call and the same ever after. No other client has it or had it.
   *
   * @return empty if the range is used up
   */
  public OptionalInt uidOf(String name, int first, int last) {
    lock.lock();
    try (PreparedStatement assign =
            connection.prepareStatement(
                "UPDATE client SET uid = (SELECT max(coalesce(max(uid), 0) + 1, ?) FROM client)"
                    + " WHERE name = ? AND uid IS NULL"
                    + " AND (SELECT coalesce(max(uid), 0) FROM client) < ?");
        PreparedStatement read =
            connection.prepareStatement("SELECT uid FROM client WHERE name = ?")) {
      assign.setInt(1, first);
      assign.setString(2, name);
      assign.setInt(3, last);
      assign.executeUpdate();
      read.setString(1, name);
      try (ResultSet row = read.executeQuery()) {
        int uid = row.next() ? row.getInt(1) : 0;
        return uid == 0 ? OptionalInt.empty() : OptionalInt.of(uid);
      }
    } catch (SQLException e) {
      throw new RegistryException("cannot give the client a user id", e);
    } finally {
      lock.unlock();
    }
  }

  /** Every call asks this; as long as nothing has changed, it is answered from memory. */
  public Optional<Client> findByCn(String cn) {
    lock.lock();
    try {
      forgetIfChanged();
      Client client = known.get(cn);
      if (client != null) {
        return Optional.of(client);
      }
      Optional<Client> found = select("WHERE cn = ?", cn).stream().findFirst();
      found.ifPresent(one -> known.put(cn, one));
      return found;
    } catch (SQLException e) {
      throw new RegistryException("cannot read the client database", e);
    } finally {
      lock.unlock();
    }
  }

  private void forgetIfChanged() throws SQLException {
    long now = readVersion();
    if (now != knownAt) {
      knownAt = now;
      known.clear();
    }
  }

  private long readVersion() throws SQLException {
    try (ResultSet row = version.executeQuery()) {
      return row.getLong(1);
    }
  }

  /** A number that is another one after another process has changed the database. */
  public long version() {
    lock.lock();
    try {
      return readVersion();
    } catch (SQLException e) {
      throw new RegistryException("cannot read the client database", e);
    } finally {
      lock.unlock();
    }
  }

  public Optional<Client> find(String name) {
    return select("WHERE name = ?", name).stream().findFirst();
  }

  /** All clients, by name. */
  public List<Client> list() {
    return select("ORDER BY name");
  }

  private List<Client> select(String condition, String... values) {
    lock.lock();
    try (PreparedStatement statement =
        connection.prepareStatement(
            "SELECT name, cn, role, disabled, created_at_ms, run_as, quotas FROM client "
                + condition)) {
      for (int i = 0; i < values.length; i++) {
        statement.setString(i + 1, values[i]);
      }
      List<Client> found = new ArrayList<>();
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          found.add(
              new Client(
                  rows.getString(1),
                  rows.getString(2),
                  Role.valueOf(rows.getString(3).toUpperCase(Locale.ROOT)),
                  rows.getBoolean(4),
                  Instant.ofEpochMilli(rows.getLong(5)),
                  Optional.ofNullable(rows.getString(6)),
                  Quotas.parse(rows.getString(7))));
        }
      }
      return found;
    } catch (SQLException e) {
      throw new RegistryException("cannot read the client database", e);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      connection.close();
    } catch (SQLException e) {
      throw new RegistryException("cannot close the client database", e);
    } finally {
      lock.unlock();
    }
  }

  /** The database cannot be used. */
  public static final class RegistryException extends RuntimeException {
    RegistryException(String message, SQLException cause) {
      super(message + ": " + cause.getMessage(), cause);
    }
  }
}
