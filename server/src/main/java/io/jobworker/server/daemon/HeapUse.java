package io.jobworker.server.daemon;

import io.jobworker.server.config.ConfigException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What clients may take of the heap at the most, as the server is configured; {@code
 * docs/limits.md} has how each is bounded. What jobs take is small and does not depend on what they
 * are.
 *
 * @param heapBytes all of it
 * @param requestBytes what requests may take while they come and are carried out, as they are sent
 * @param untakenBytes what was sent to readers of output that do not take it
 * @param connectionBytes what connections take by being there
 */
record HeapUse(long heapBytes, long requestBytes, long untakenBytes, long connectionBytes) {
  /** As large as the bounds of a job's fields allow, and some. */
  static final int MAX_REQUEST_BYTES = 3 << 20;

  private static final Logger LOG = LoggerFactory.getLogger(HeapUse.class);

  private static final int SHARE = 16;

  /** A request comes in frames, which are counted as more than their bytes. */
  private static final double WITH_FRAMES = 1.25;

  /**
   * What a request is turned into takes several times its bytes, while it is carried out: about.
   */
  private static final int CARRIED_OUT = 4;

  /** Measured by a histogram of the heap: 800 idle ones take 8.7 MB. */
  private static final int CONNECTION_BYTES = 11 << 10;

  /** Measured likewise: what a server that has done nothing takes. */
  private static final long OWN_BYTES = 18 << 20;

  static HeapUse of(long heapBytes, int connections) {
    long request = (long) (WITH_FRAMES * MAX_REQUEST_BYTES);
    return new HeapUse(
        heapBytes,
        Math.max(heapBytes / SHARE, 2 * request), // one client's, and another's beside it
        heapBytes / SHARE,
        (long) connections * CONNECTION_BYTES);
  }

  private long most() {
    return OWN_BYTES + CARRIED_OUT * requestBytes + untakenBytes + connectionBytes;
  }

  /**
   * Says what it is.
   *
   * @throws ConfigException if it is more than there is
   */
  void requireFits() {
    LOG.atInfo()
        .addKeyValue("heap_bytes", heapBytes)
        .addKeyValue("most_bytes", most())
        .addKeyValue("request_bytes", requestBytes)
        .addKeyValue("untaken_bytes", untakenBytes)
        .addKeyValue("connection_bytes", connectionBytes)
        .log("server.memory");
    if (most() > heapBytes) {
      throw new ConfigException(
          "server.toml: connections.max: with so many, clients may take %d MiB of memory, and the"
                  .formatted(most() >> 20)
              + " heap has %d MiB; lower it, or give the server more (JOB_WORKER_JAVA_OPTS=-Xmx...)"
                  .formatted(heapBytes >> 20));
    }
  }
}
