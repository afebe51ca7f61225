package io.jobworker.server.transport;

import io.grpc.netty.shaded.io.netty.channel.Channel;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The connections whose handshake is not done, from the oldest on. When there are too many the
 * oldest is closed, and not the newest: whoever holds many of them open and says nothing does not
 * keep out whoever comes next. Thread-safe.
 */
final class Handshakes {
  private final int max;

  /** Guards {@link #underWay}; nothing else is called while it is held. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Set<Channel> underWay = new LinkedHashSet<>();
  private final Set<Channel> crowdedOut = ConcurrentHashMap.newKeySet();

  Handshakes(int max) {
    this.max = max;
  }

  void begin(Channel channel) {
    Optional<Channel> oldest = Optional.empty();
    lock.lock();
    try {
      underWay.add(channel);
      if (underWay.size() > max) {
        oldest = underWay.stream().findFirst();
        oldest.ifPresent(underWay::remove);
      }
    } finally {
      lock.unlock();
    }
    oldest.ifPresent(old -> {
      crowdedOut.add(old);
      Connection.closeAtOnce(old);
    });
  }

  /** It is done, or given up; answers whether it was under way. */
  boolean end(Channel channel) {
    crowdedOut.remove(channel);
    lock.lock();
    try {
      return underWay.remove(channel);
    } finally {
      lock.unlock();
    }
  }

  boolean isUnderWay(Channel channel) {
    lock.lock();
    try {
      return underWay.contains(channel);
    } finally {
      lock.unlock();
    }
  }

  /** Whether it was closed here, and has not ended yet. */
  boolean isCrowdedOut(Channel channel) {
    return crowdedOut.contains(channel);
  }
}
