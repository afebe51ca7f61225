package io.jobworker.server.quota;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What requests take of the heap that have not come whole, or are being carried out: of each client
 * and in all. Thread-safe.
 */
public final class RequestBytes {
  private final long most;
  private final long mostOfOne;
  private final AtomicLong all = new AtomicLong();
  private final ConcurrentMap<String, Long> byClient = new ConcurrentHashMap<>();

  /** How it is with what a client wants to take. */
  public enum Room {
    ENOUGH,
    /** The client has its share already. */
    NONE_OF_ITS_OWN,
    NONE
  }

  /** One client may have half of what there is. */
  public RequestBytes(long most) {
    this.most = most;
    this.mostOfOne = most / 2;
  }

  /** Counts so much more, whatever it answers. */
  public Room take(String client, long bytes) {
    long ofAll = all.addAndGet(bytes);
    long ofOne = byClient.merge(client, bytes, Long::sum);
    if (ofOne > mostOfOne) {
      return Room.NONE_OF_ITS_OWN;
    }
    return ofAll > most ? Room.NONE : Room.ENOUGH;
  }

  /** Counts so much less. */
  public void release(String client, long bytes) {
    all.addAndGet(-bytes);
    byClient.computeIfPresent(client, (_, held) -> held > bytes ? held - bytes : null);
  }

  /** How much one client may take. */
  public long mostOfOne() {
    return mostOfOne;
  }
}
