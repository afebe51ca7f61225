package io.jobworker.server.transport;

import io.grpc.netty.shaded.io.netty.channel.Channel;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * The connections whose handshake is not done, from the oldest on. When there are too many, one of
 * the network's and the address's that have the most is closed: the oldest that has said nothing or
 * else the oldest, and not the newest. So whoever holds many of them open keeps out nobody who
 * comes next, from elsewhere or from where it is itself. Thread-safe.
 */
final class Handshakes {
  private final int max;

  /** Guards what follows; nothing else is called while it is held. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Map<Channel, Handshake> underWay = new LinkedHashMap<>();

  /** Those that were closed here, and have not ended yet. */
  private final Set<Channel> crowdedOut = new HashSet<>();

  private record Handshake(Channel channel, Source source, boolean speaks) {}

  Handshakes(int max) {
    this.max = max;
  }

  void begin(Channel channel, Source source) {
    Optional<Channel> leaving = Optional.empty();
    lock.lock();
    try {
      underWay.put(channel, new Handshake(channel, source, false));
      if (underWay.size() > max) {
        Channel given = leavingFor(channel);
        underWay.remove(given);
        crowdedOut.add(given);
        leaving = Optional.of(given);
      }
    } finally {
      lock.unlock();
    }
    leaving.ifPresent(Connection::closeAtOnce);
  }

  /** Not the newcomer, who could not have said anything yet. */
  private Channel leavingFor(Channel newcomer) {
    Collection<Handshake> all = underWay.values();
    String network = mostFrequent(all, _ -> true, handshake -> handshake.source().network());
    Predicate<Handshake> inNetwork = handshake -> handshake.source().network().equals(network);
    String address = mostFrequent(all, inNetwork, handshake -> handshake.source().address());
    Handshake oldest = null;
    for (Handshake handshake : all) {
      if (inNetwork.test(handshake)
          && handshake.source().address().equals(address)
          && !handshake.channel().equals(newcomer)) {
        if (!handshake.speaks()) {
          return handshake.channel();
        }
        oldest = oldest == null ? handshake : oldest;
      }
    }
    return Objects.requireNonNull(oldest).channel();
  }

  private static String mostFrequent(
      Collection<Handshake> all, Predicate<Handshake> among, Function<Handshake, String> of) {
    Map<String, Integer> counts = new HashMap<>();
    String most = "";
    int highest = 0;
    for (Handshake handshake : all) {
      if (among.test(handshake)) {
        String key = of.apply(handshake);
        int count = counts.merge(key, 1, Integer::sum);
        if (count > highest) {
          highest = count;
          most = key;
        }
      }
    }
    return most;
  }

  /** Its first bytes have come. */
  void speaks(Channel channel) {
    lock.lock();
    try {
      underWay.computeIfPresent(
          channel, (_, handshake) -> new Handshake(channel, handshake.source(), true));
    } finally {
      lock.unlock();
    }
  }

  /** It is done. */
  void done(Channel channel) {
    lock.lock();
    try {
      underWay.remove(channel);
    } finally {
      lock.unlock();
    }
  }

  /** How far a connection had come that is closed. */
  enum End {
    DONE,
    UNDER_WAY,
    CROWDED_OUT
  }

  /** It is closed. */
  End end(Channel channel) {
    lock.lock();
    try {
      boolean unfinished = underWay.remove(channel) != null;
      return crowdedOut.remove(channel) ? End.CROWDED_OUT : unfinished ? End.UNDER_WAY : End.DONE;
    } finally {
      lock.unlock();
    }
  }

  boolean isUnderWay(Channel channel) {
    lock.lock();
    try {
      return underWay.containsKey(channel);
    } finally {
      lock.unlock();
    }
  }

  /** How many were closed here, and have not ended yet. */
  int crowdedOut() {
    lock.lock();
    try {
      return crowdedOut.size();
    } finally {
      lock.unlock();
    }
  }
}
