package io.jobworker.server.auth;

import io.jobworker.core.store.Sqlite;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.locks.ReentrantLock;
import org.sqlite.SQLiteErrorCode;

/**
 * The internal database of clients. It may be changed by another process at any time; every look-up
 * sees the newest state. Thread-safe.
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
          """);

  private final Connection connection;
  private final Clock clock;

  /** Guards {@link #connection}; nothing else is called while it is held. */
  private final ReentrantLock lock = new ReentrantLock();

  private ClientRegistry(Connection connection, Clock clock) {
    this.connection = connection;
    this.clock = clock;
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
            name, cn, role, false, Instant.ofEpochMilli(clock.instant().toEpochMilli()), runAs);
    lock.lock();
    try (PreparedStatement statement =
        connection.prepareStatement(
            "INSERT INTO client (name, cn, role, created_at_ms, run_as) VALUES (?, ?, ?, ?, ?)")) {
      statement.setString(1, name);
      statement.setString(2, cn);
      statement.setString(3, role.toString());
      statement.setLong(4, client.createdAt().toEpochMilli());
      statement.setString(5, runAs.orElse(null));
      statement.executeUpdate();
      return Optional.of(client);
    } catch (SQLException e) {
      if ((e.getErrorCode() & 0xff) == SQLiteErrorCode.SQLITE_CONSTRAINT.code) {
        return Optional.empty();
      }
      throw new RegistryException("cannot add the client", e);
    } finally {
      lock.unlock();
    }
  }

  /** Answers whether there is such a client. */
  public boolean setDisabled(String name, boolean disabled) {
    lock.lock();
    try (PreparedStatement statement =
        connection.prepareStatement("UPDATE client SET disabled = ? WHERE name = ?")) {
      statement.setBoolean(1, disabled);
      statement.setString(2, name);
      return statement.executeUpdate() == 1;
    } catch (SQLException e) {
      throw new RegistryException("cannot change the client", e);
    } finally {
      lock.unlock();
    }
  }

  /** Takes back an {@link #add}. */
  public void remove(String name) {
    lock.lock();
    try (PreparedStatement statement =
        connection.prepareStatement("DELETE FROM client WHERE name = ?")) {
      statement.setString(1, name);
      statement.executeUpdate();
    } catch (SQLException e) {
      throw new RegistryException("cannot remove the client", e);
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

  public Optional<Client> findByCn(String cn) {
    return select("WHERE cn = ?", cn).stream().findFirst();
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
            "SELECT name, cn, role, disabled, created_at_ms, run_as FROM client " + condition)) {
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
                  Optional.ofNullable(rows.getString(6))));
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
